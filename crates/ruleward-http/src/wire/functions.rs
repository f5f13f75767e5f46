//! Functions of custom rules, in a shape of our own.

use std::collections::BTreeMap;

use ruleward_core::{CallRecord, DeadLetter, FunctionDraft, ManagedFunction, Trial, TrialOutcome};
use ruleward_types::{Error, ErrorCode, FunctionRunner, Result, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::validation::required;

/// Time of a call where none is named, in seconds.
const TIMEOUT_S: u32 = 30;
/// Memory of a process where none is named, in MiB.
const MEMORY_MIB: u32 = 512;
/// Memory of a WebAssembly instance where none is named, in MiB.
const WASM_MEMORY_MIB: u32 = 64;
/// The function in a file where none is named, as FunctionGraph's.
const HANDLER: &str = "handler";

/// What a function is made of.
#[derive(Debug, Deserialize)]
pub(crate) struct FunctionRequest {
    urn: Option<String>,
    runner: Option<String>,
    file: Option<String>,
    handler: Option<String>,
    interpreter: Option<String>,
    endpoint: Option<String>,
    access_key: Option<String>,
    secret: Option<SecretString>,
    timeout_seconds: Option<u32>,
    memory_mib: Option<u32>,
    concurrency: Option<u32>,
    #[serde(default)]
    user_data: BTreeMap<String, String>,
}

impl FunctionRequest {
    pub(crate) fn check(self) -> Result<FunctionDraft> {
        let runner = match required("runner", self.runner)?.as_str() {
            "python" => FunctionRunner::Python {
                file: required("file", self.file)?,
                handler: self.handler.unwrap_or_else(|| HANDLER.to_owned()),
                interpreter: self.interpreter,
            },
            "wasm" => FunctionRunner::Wasm { file: required("file", self.file)? },
            "webhook" => FunctionRunner::Webhook { endpoint: required("endpoint", self.endpoint)? },
            "remote" => FunctionRunner::Remote {
                endpoint: required("endpoint", self.endpoint)?,
                access_key: required("access_key", self.access_key)?,
            },
            _ => {
                let words = "`runner` is one of: python, wasm, webhook, remote.";
                return Err(Error::with(ErrorCode::FunctionIllegal, words));
            }
        };
        let memory_mib = match runner {
            FunctionRunner::Wasm { .. } => WASM_MEMORY_MIB,
            _ => MEMORY_MIB,
        };
        Ok(FunctionDraft {
            urn: required("urn", self.urn)?,
            runner,
            timeout_s: self.timeout_seconds.unwrap_or(TIMEOUT_S),
            memory_mib: self.memory_mib.unwrap_or(memory_mib),
            concurrency: self.concurrency,
            user_data: self.user_data,
            secret: self.secret,
        })
    }
}

/// A function. Its secret is never shown.
#[derive(Debug, Serialize)]
pub(crate) struct FunctionAnswer<'a> {
    function_id: &'a str,
    domain_id: Option<&'a str>,
    urn: &'a str,
    #[serde(flatten)]
    runner: &'a FunctionRunner,
    timeout_seconds: u32,
    memory_mib: u32,
    concurrency: Option<u32>,
    user_data: &'a BTreeMap<String, String>,
    created_at: String,
    calls: i64,
    repeated_calls: i64,
    failed_calls: i64,
    accepted_results: i64,
    refused_results: i64,
}

impl<'a> From<&'a ManagedFunction> for FunctionAnswer<'a> {
    fn from(of: &'a ManagedFunction) -> Self {
        let (function, counts) = (&of.function, of.counts);
        Self {
            function_id: &function.id,
            domain_id: of.domain_id.as_deref(),
            urn: &function.urn,
            runner: &function.runner,
            timeout_seconds: function.timeout_s,
            memory_mib: function.memory_mib,
            concurrency: function.concurrency,
            user_data: &function.user_data,
            created_at: function.created.to_wire(),
            calls: counts.calls,
            repeated_calls: counts.repeated,
            failed_calls: counts.failed,
            accepted_results: counts.accepted,
            refused_results: counts.refused,
        }
    }
}

/// A call that ended.
#[derive(Debug, Serialize)]
pub(crate) struct CallAnswer<'a> {
    at: String,
    request_id: &'a str,
    domain_id: &'a str,
    policy_assignment_id: Option<&'a str>,
    resource_id: Option<&'a str>,
    outcome: &'a str,
    message: Option<&'a str>,
    took_ms: i64,
    output: &'a str,
}

impl<'a> From<&'a CallRecord> for CallAnswer<'a> {
    fn from(of: &'a CallRecord) -> Self {
        Self {
            at: of.at.to_wire(),
            request_id: &of.request_id,
            domain_id: &of.domain_id,
            policy_assignment_id: of.policy_assignment_id.as_deref(),
            resource_id: of.resource_id.as_deref(),
            outcome: &of.outcome,
            message: of.words.as_deref(),
            took_ms: of.took_ms,
            output: &of.output,
        }
    }
}

/// An event that was given up.
#[derive(Debug, Serialize)]
pub(crate) struct DeadLetterAnswer<'a> {
    id: String,
    domain_id: &'a str,
    policy_assignment_id: &'a str,
    policy_assignment_name: &'a str,
    function_urn: &'a str,
    resource_id: &'a str,
    attempts: u32,
    evaluation_time: String,
    message: &'a str,
    output: &'a str,
}

impl<'a> From<&'a DeadLetter> for DeadLetterAnswer<'a> {
    fn from(of: &'a DeadLetter) -> Self {
        Self {
            id: of.no.to_string(),
            domain_id: &of.domain_id,
            policy_assignment_id: &of.policy_assignment_id,
            policy_assignment_name: &of.policy_assignment_name,
            function_urn: &of.function_urn,
            resource_id: &of.resource_id,
            attempts: of.attempts,
            evaluation_time: Timestamp::to_wire(of.time),
            message: &of.words,
            output: &of.output,
        }
    }
}

/// Which of the events that were given up are called for again; all where none is named.
#[derive(Debug, Deserialize)]
pub(crate) struct RedriveRequest {
    ids: Option<Vec<String>>,
}

impl RedriveRequest {
    pub(crate) fn ids(&self) -> Result<Option<Vec<i64>>> {
        let illegal = |_| Error::invalid("`ids` are those of the list of dead letters.");
        self.ids
            .as_ref()
            .map(|ids| ids.iter().map(|id| id.parse().map_err(illegal)).collect())
            .transpose()
    }
}

/// How many are called for again.
#[derive(Debug, Serialize)]
pub(crate) struct RedriveAnswer {
    pub(crate) redriven: usize,
}

/// A function to be called with an event of the caller's.
#[derive(Debug, Deserialize)]
pub(crate) struct TestRequest {
    pub(crate) event: Option<Value>,
}

/// A rule's function to be called for a resource.
#[derive(Debug, Deserialize)]
pub(crate) struct InvokeRequest {
    pub(crate) policy_assignment_id: Option<String>,
    pub(crate) resource_id: Option<String>,
}

/// What a call by hand came to.
#[derive(Debug, Serialize)]
pub(crate) struct TrialAnswer<'a> {
    request_id: &'a str,
    outcome: &'a str,
    message: Option<&'a str>,
    returned: Option<&'a Value>,
    took_ms: Option<i64>,
    output: &'a str,
    event: &'a Value,
}

impl<'a> From<&'a Trial> for TrialAnswer<'a> {
    fn from(of: &'a Trial) -> Self {
        let (outcome, message, returned, took_ms) = match &of.outcome {
            TrialOutcome::Finished { returned, took_ms } => {
                ("finished", None, returned.as_ref(), Some(*took_ms))
            }
            TrialOutcome::Accepted => ("accepted", None, None, None),
            TrialOutcome::Failed { kind, words } => (*kind, Some(words.as_str()), None, None),
        };
        Self {
            request_id: &of.request_id,
            outcome,
            message,
            returned,
            took_ms,
            output: &of.output,
            event: &of.event,
        }
    }
}
