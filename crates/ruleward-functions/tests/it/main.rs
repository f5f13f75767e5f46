//! Runs real functions in real processes, modules and servers.

#![cfg(test)]

mod failure;
mod network;
mod python;
mod support;
mod wasm;
