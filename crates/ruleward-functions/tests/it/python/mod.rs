//! Python functions.

mod answers;
mod isolation;
mod stops;
