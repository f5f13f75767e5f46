//! Python functions.

mod answers;
mod interpreters;
mod isolation;
mod stops;
