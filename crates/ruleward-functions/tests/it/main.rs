//! Runs real functions in real processes, modules and servers.

#![cfg(test)]

mod failure;
mod python;
mod support;
