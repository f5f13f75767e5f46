//! What a function gets and what comes back.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;

/// One event for one function.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Names this invocation in logs, in the function's context and in the request to a remote
    /// endpoint.
    pub request_id: String,
    /// The event, exactly as the function is to see it.
    pub event: Value,
    /// What the function can ask about itself and whom it acts as.
    pub context: Context,
    /// How long it may take, from the moment the runner is asked; waiting for a free process counts.
    pub deadline: Duration,
}

/// What a function can ask about itself: the answers of the context methods.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The function's name, the last but one part of its URN.
    pub function_name: String,
    /// The whole URN, with its version.
    pub function_urn: String,
    /// The version, the last part of the URN: `latest` unless it names one.
    pub function_version: String,
    /// The function group, `default` unless the URN names one.
    pub package: String,
    /// The project, as the URN names it.
    pub project_id: String,
    /// The region, as the URN names it.
    pub region: String,
    /// The account on whose behalf the function runs.
    pub domain_id: String,
    /// This server's base URL (`http://127.0.0.1:8080`): the vendor's SDK inside the function is
    /// pointed at it, whatever region the function names. Local runners only.
    pub endpoint: String,
    /// What `getUserData(key)` answers.
    pub user_data: BTreeMap<String, String>,
    /// The temporary credentials of the function's agency.
    pub agency: Option<Credentials>,
}

/// Temporary credentials.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The public half of the key.
    pub access_key: String,
    /// The secret half.
    pub secret_key: SecretString,
    /// What belongs to a temporary key.
    pub security_token: SecretString,
    /// A token for the header `X-Auth-Token`, where one was made.
    pub token: Option<SecretString>,
}

/// What a function returned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Returned {
    /// Nothing, or nothing that could be read here: a remote function runs on after its
    /// endpoint has answered.
    #[default]
    Nothing,
    /// A value, which may be a result.
    Value(Value),
}

/// What a function wrote while it ran, cut at a limit.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Log {
    /// Its bytes, from the beginning.
    pub bytes: Vec<u8>,
    /// Whether there was more.
    pub truncated: bool,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("text", &self.text())
            .field("truncated", &self.truncated)
            .finish_non_exhaustive()
    }
}

impl Log {
    /// The text, with what is not UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// A function came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Finished {
    /// What it returned.
    pub returned: Returned,
    /// What it wrote.
    pub log: Log,
    /// How long it took, from the moment the runner was asked.
    pub took: Duration,
}
