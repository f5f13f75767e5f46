//! Runs one function of the user's for one event, and knows nothing of rules.
//!
//! A [`Runner`] stands for one function. It takes an [`Invocation`] (the event, who the function
//! acts as, until when) and answers with [`Finished`] or with a [`Failure`] that says in words
//! what happened and whether trying again may help. How often to try, in which order and what
//! a result means is the caller's business.

mod failure;
mod invocation;
mod network;
mod output;
mod python;
mod remote;
mod runner;
mod sandbox;
mod wasm;
mod webhook;

pub use failure::{Crash, Failure};
pub use invocation::{Context, Credentials, Finished, Invocation, Log, Returned};
pub use network::NetworkConfig;
pub use python::{PythonConfig, PythonRunner};
pub use remote::{RemoteConfig, RemoteRunner};
pub use runner::{Invoking, Runner};
pub use sandbox::{Isolation, Limits, sandbox_exec};
pub use wasm::{WasmConfig, WasmRunner};
pub use webhook::{WebhookConfig, WebhookRunner};
