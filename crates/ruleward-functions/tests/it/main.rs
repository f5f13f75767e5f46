//! Runs real functions in real processes, modules and servers.

mod failure;
