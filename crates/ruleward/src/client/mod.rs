//! The commands that speak to a running service, and what they share.

mod api;
pub mod channels;
mod connection;
pub mod credentials;
pub mod diff;
pub mod evaluate;
pub mod explain;
pub mod functions;
pub mod history;
mod moment;
pub mod organization;
mod parameter;
pub mod policies;
pub mod recorder;
pub mod resources;
mod rule;
pub mod rules;
pub mod states;
pub mod summary;

pub use self::api::{Api, Refused, Request, Trouble, http_client};
pub use self::connection::{ConnectionArgs, OtherAccount};
pub use self::parameter::parameter_value;

/// Writes text as one segment of a path.
pub fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, api::UNRESERVED).to_string()
}
