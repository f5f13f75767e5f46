//! Functions behind an endpoint, over real connections.

mod remote;
mod server;
mod webhook;
