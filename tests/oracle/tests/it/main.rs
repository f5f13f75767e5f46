//! The product against the oracle.

#[cfg(test)]
mod engine;
#[cfg(test)]
mod support;
