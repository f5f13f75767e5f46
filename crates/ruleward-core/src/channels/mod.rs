//! Where messages and archives go: topics and buckets by the names that accounts give them.
//!
//! What is behind a name is configured by who runs the server. Folders ([`folder`]) are here;
//! endpoints and object stores come from outside, for they speak HTTP.

mod folder;

use std::fmt;
use std::sync::Arc;

use ruleward_types::{Account, Timestamp};

pub use folder::Folders;

/// Finds what is behind a name.
pub trait Channels: Send + Sync + fmt::Debug {
    /// The topic of that URN, if the account may use one.
    fn topic(&self, account: &Account, urn: &str) -> Option<Arc<dyn Topic>>;
    /// The bucket of that name, if the account may use one.
    fn bucket(&self, account: &Account, name: &str) -> Option<Arc<dyn Bucket>>;
    /// How long a message is tried before it is given up, in seconds.
    fn give_up_after_s(&self) -> i64 {
        72 * 3600
    }
}

/// A message as it is sent.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// The same at every attempt.
    pub id: &'a str,
    /// The topic's URN.
    pub topic: &'a str,
    /// Now.
    pub at: Timestamp,
    /// JSON.
    pub body: &'a [u8],
}

/// Why a message did not arrive. The words are for who runs the server and hold no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undelivered {
    /// It will never be taken: another attempt is useless.
    Refused(String),
    /// It may be taken later.
    Failed(String),
}

/// Takes messages.
pub trait Topic: Send + Sync + fmt::Debug {
    /// Delivers one; when it returns well, the receiver has it.
    fn deliver(&self, message: &Delivery<'_>) -> Result<(), Undelivered>;
}

/// Takes files.
pub trait Bucket: Send + Sync + fmt::Debug {
    /// Stores a file under a key, over one that is there; durable when it returns well. What went
    /// wrong is told in words for the account's administrator.
    fn put(&self, key: &str, content: Vec<u8>) -> Result<(), String>;
}

/// Nothing is behind any name.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoChannels;

impl Channels for NoChannels {
    fn topic(&self, _: &Account, _: &str) -> Option<Arc<dyn Topic>> {
        None
    }

    fn bucket(&self, _: &Account, _: &str) -> Option<Arc<dyn Bucket>> {
        None
    }
}
