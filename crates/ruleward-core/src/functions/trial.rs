//! A function called by hand: with an event of the caller's, or with the real one of a rule.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use ruleward_types::{Error, ErrorCode, Function, PolicyAssignmentId, Result};
use serde_json::Value;

use super::host::{CallDone, CallOutcome, FunctionCall};
use super::outcome::returned_state;
use super::resolve::{function_of, versioned};
use super::{CallRecord, tail};
use crate::Service;
use crate::access::Access;
use crate::policy_assignments::not_found;

/// Calls by hand at the same time.
const AT_ONCE: usize = 4;
/// Whoever waits for a call by hand waits no longer, in seconds.
const LONGEST_S: u32 = 100;
/// What a host may take beside the deadline.
const SLACK: Duration = Duration::from_secs(10);

/// What a call by hand came to.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Names the call in the function's own output.
    pub request_id: String,
    /// The event that it got.
    pub event: Value,
    /// How it went.
    pub outcome: TrialOutcome,
    /// The end of what it wrote.
    pub output: String,
}

/// How a call by hand went.
#[derive(Debug, Clone)]
pub enum TrialOutcome {
    /// It came to its end.
    Finished {
        /// What it returned.
        returned: Option<Value>,
        /// How long it took, in milliseconds.
        took_ms: i64,
    },
    /// It was handed over and reports from elsewhere.
    Accepted,
    /// It failed.
    Failed {
        /// A word for it.
        kind: &'static str,
        /// Why.
        words: String,
    },
}

impl Service {
    /// Calls a function with an event of the caller's. Nothing is stored; what the function reports
    /// is refused unless the event is a real one.
    pub fn try_function(
        self: &Arc<Self>,
        access: &Access,
        id: &str,
        event: Option<Value>,
    ) -> Result<Trial> {
        self.manages_functions(access)?;
        let function = self.function(access, id)?.function;
        let event = match event {
            Some(event) if event.is_object() => event,
            Some(_) => return Err(Error::invalid("event is an object.")),
            None => self.sample_event(access, &function),
        };
        let urn = function.urn.replace('*', "any");
        self.call_by_hand(access, &function, &urn, event)
    }

    /// Calls a rule's function for a resource, or for the account, with the real event. A result
    /// counts like any other.
    pub fn invoke_function(
        self: &Arc<Self>,
        access: &Access,
        rule: &PolicyAssignmentId,
        resource_id: Option<&str>,
    ) -> Result<Trial> {
        let event = self.evaluation_event(access, rule, resource_id)?;
        let found = self.read(|tx| {
            let rule = tx.rule_by_id(access.account(), rule)?.ok_or_else(not_found)?;
            let urn = rule.custom_policy.as_ref().map_or("", |of| &of.function_urn).to_owned();
            Ok((function_of(tx, access.account(), &rule)?, urn))
        })?;
        let (Some(function), urn) = found else {
            return Err(Error::with(ErrorCode::NotFound, super::jobs::nobody(&found.1)));
        };
        let mut trial = self.call_by_hand(access, &function, &urn, event)?;
        if let TrialOutcome::Finished { returned: Some(value), .. } = &trial.outcome {
            let taken = match returned_state(&trial.event, value) {
                Ok(None) => Ok(()),
                Ok(Some(reported)) => {
                    self.take_report(access, reported).map(drop).map_err(|e| e.message().to_owned())
                }
                Err(words) => Err(words),
            };
            if let Err(words) = taken {
                trial.outcome = TrialOutcome::Failed { kind: "result_refused", words };
            }
        }
        Ok(trial)
    }

    fn call_by_hand(
        self: &Arc<Self>,
        access: &Access,
        function: &Function,
        urn: &str,
        event: Value,
    ) -> Result<Trial> {
        let Some(host) = self.host() else {
            return Err(Error::with(ErrorCode::Unavailable, "This process runs no functions."));
        };
        let trials = &self.functions.trials;
        if trials.fetch_add(1, Ordering::AcqRel) >= AT_ONCE {
            trials.fetch_sub(1, Ordering::AcqRel);
            return Err(Error::too_many(
                "Too many functions are tried by hand; try again later.",
                1,
            ));
        }
        let called = self.call_and_wait(host, access, function, urn, event);
        trials.fetch_sub(1, Ordering::AcqRel);
        called
    }

    fn call_and_wait(
        &self,
        host: &Arc<dyn super::FunctionHost>,
        access: &Access,
        function: &Function,
        urn: &str,
        event: Value,
    ) -> Result<Trial> {
        let now = self.clock().now();
        let timeout_s = function.timeout_s.min(LONGEST_S);
        let deadline = Duration::from_secs(u64::from(timeout_s));
        let expires = now.plus_seconds(i64::from(timeout_s) + 60);
        let credentials = self.functions.credentials.issue(access.account(), now, expires)?;
        let sealed = self.read(|tx| tx.function_secret(function.no))?;
        let secret =
            sealed.map(|sealed| self.open_function_secret(&function.id, &sealed)).transpose()?;
        let request_id = ruleward_types::ids::random_hex(16)?;
        let access_key = credentials.access_key.clone();
        let call = FunctionCall {
            request_id: request_id.clone(),
            function: function.clone(),
            secret,
            function_urn: versioned(urn),
            event: event.clone(),
            domain_id: access.domain_id().to_owned(),
            credentials,
            deadline,
        };
        let (sender, receiver) = sync_channel(1);
        let done = CallDone::new(move |outcome| {
            // Whoever waited may have given up.
            let _ = sender.try_send(outcome);
        });
        host.start(call, done);
        let outcome = receiver.recv_timeout(deadline + SLACK).unwrap_or(CallOutcome::Abandoned);
        if !matches!(outcome, CallOutcome::Accepted { .. }) {
            self.functions.credentials.revoke(&access_key);
        }
        let trial = trial(request_id, event, outcome);
        let (outcome, words, took_ms) = match &trial.outcome {
            TrialOutcome::Finished { took_ms, .. } => ("finished", None, *took_ms),
            TrialOutcome::Accepted => ("accepted", None, 0),
            TrialOutcome::Failed { kind, words } => (*kind, Some(words.clone()), 0),
        };
        self.functions.record(
            function.no,
            CallRecord {
                at: self.clock().now(),
                request_id: trial.request_id.clone(),
                domain_id: access.domain_id().to_owned(),
                policy_assignment_id: None,
                resource_id: None,
                outcome: outcome.to_owned(),
                words,
                took_ms,
                output: trial.output.clone(),
            },
        );
        Ok(trial)
    }

    /// An event as a function gets it, about a disk that is not there; its hash proves nothing.
    fn sample_event(&self, access: &Access, function: &Function) -> Value {
        serde_json::json!({
            "domain_id": access.domain_id(),
            "policy_assignment_id": "000000000000000000000000",
            "policy_assignment_name": "test",
            "function_urn": versioned(&function.urn.replace('*', "any")),
            "trigger_type": "resource",
            "evaluation_time": self.clock().now().ms(),
            "evaluation_hash": "0".repeat(32),
            "rule_parameter": {},
            "invoking_event": {
                "id": "test", "name": "test", "provider": "evs", "type": "volumes", "tags": {},
                "created": "2022-11-07T12:58:46.000+00:00",
                "updated": "2022-11-07T12:58:46.000+00:00",
                "properties": {"status": "available"}, "ep_id": "0", "project_id": "",
                "region_id": "cn-north-4", "provisioning_state": "Succeeded",
            },
        })
    }
}

fn trial(request_id: String, event: Value, outcome: CallOutcome) -> Trial {
    let (outcome, output) = match outcome {
        CallOutcome::Finished { returned, output, took } => {
            let took_ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
            (TrialOutcome::Finished { returned, took_ms }, output)
        }
        CallOutcome::Accepted { .. } => (TrialOutcome::Accepted, String::new()),
        CallOutcome::Failed { kind, words, output, .. } => {
            (TrialOutcome::Failed { kind, words }, output)
        }
        CallOutcome::Abandoned => {
            let words = "the call was given up by the server".to_owned();
            (TrialOutcome::Failed { kind: "abandoned", words }, String::new())
        }
    };
    Trial { request_id, event, outcome, output: tail(&output) }
}
