//! What became of a call, written down.

use std::sync::Arc;
use std::time::Duration;

use ruleward_types::{
    ComplianceState, FunctionCounts, FunctionJob, FunctionJobState, Result, Timestamp, TriggerType,
};
use serde_json::Value;

use super::dispatch::report;
use super::host::CallOutcome;
use super::{CallRecord, count, jobs, tail};
use crate::Service;
use crate::access::Access;
use crate::reported_results::ReportedState;
use crate::service::Writing;

/// Overdue jobs that one transaction ends.
const BATCH: usize = 100;

/// A call, once it has ended.
pub(super) struct Ended {
    /// The job as it was called.
    pub(super) job: FunctionJob,
    pub(super) trigger: TriggerType,
    pub(super) function: ruleward_types::Function,
    pub(super) event: Value,
    pub(super) domain_id: String,
    pub(super) access_key: String,
    pub(super) request_id: String,
}

/// What is to be written.
enum Told {
    Finished,
    Accepted,
    Failed { words: String, transient: bool, output: String },
    Abandoned,
}

impl Service {
    /// Writes down what became of a call.
    pub(super) fn ended(self: &Arc<Self>, ended: &Ended, outcome: CallOutcome) {
        // A function that runs elsewhere keeps its credentials for their time.
        if !matches!(outcome, CallOutcome::Accepted { .. }) {
            self.functions.credentials.revoke(&ended.access_key);
        }
        let told = self.told(ended, outcome);
        let job = ended.job.clone();
        let (function, trigger) = (ended.function.no, ended.trigger);
        let written = self.write(move |writing| write(writing, &job, trigger, told, function));
        let mut flight = self.functions.flight.lock();
        flight.remove(ended.job.account, ended.function.no);
        if let Err(error) = written {
            report(&error);
            flight.has_orphans = true;
        }
        drop(flight);
        self.signal.progressed();
        self.signal.wake();
    }

    /// Reports what was returned, and remembers the call.
    fn told(self: &Arc<Self>, ended: &Ended, outcome: CallOutcome) -> Told {
        let (kind, words, took, output, told) = match outcome {
            CallOutcome::Finished { returned, output, took } => {
                let said =
                    returned.as_ref().map_or(Ok(()), |value| self.take_returned(ended, value));
                match said {
                    Ok(()) => ("finished", None, took, output, Told::Finished),
                    Err(words) => {
                        let told = Told::Failed {
                            words: words.clone(),
                            transient: true,
                            output: tail(&output),
                        };
                        ("result_refused", Some(words), took, output, told)
                    }
                }
            }
            CallOutcome::Accepted { took } => {
                ("accepted", None, took, String::new(), Told::Accepted)
            }
            CallOutcome::Failed { kind, words, transient, output } => {
                let told = Told::Failed { words: words.clone(), transient, output: tail(&output) };
                (kind, Some(words), Duration::ZERO, output, told)
            }
            CallOutcome::Abandoned => {
                ("abandoned", None, Duration::ZERO, String::new(), Told::Abandoned)
            }
        };
        if let Some(words) = &words {
            count(&self.functions.counters.failed);
            tracing::warn!(
                function.urn = %ended.function.urn,
                function.request_id = %ended.request_id,
                account.domain_id = %ended.domain_id,
                call.attempt = ended.job.attempts,
                call.outcome = kind,
                "a function failed: {words}"
            );
        }
        let text = |field: &str| ended.event.get(field).and_then(Value::as_str).map(str::to_owned);
        self.functions.record(
            ended.function.no,
            CallRecord {
                at: self.clock().now(),
                request_id: ended.request_id.clone(),
                domain_id: ended.domain_id.clone(),
                policy_assignment_id: text("policy_assignment_id"),
                resource_id: resource_text(&ended.event, "id"),
                outcome: kind.to_owned(),
                words,
                took_ms: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
                output: tail(&output),
            },
        );
        told
    }

    /// Takes the result that a function returned instead of reporting it; words where it is none.
    fn take_returned(self: &Arc<Self>, ended: &Ended, value: &Value) -> Result<(), String> {
        let Some(reported) = returned_state(&ended.event, value)? else { return Ok(()) };
        let access = Access::of_function(ended.job.account, &ended.domain_id);
        match self.take_report(&access, reported) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("the returned result was refused: {}", error.message())),
        }
    }

    /// Ends calls whose functions run elsewhere and did not report in time.
    pub(super) fn end_overdue(self: &Arc<Self>) -> Result<()> {
        let now = self.tick();
        let overdue = self.read(|tx| tx.overdue_function_jobs(now, BATCH))?;
        if overdue.is_empty() {
            return Ok(());
        }
        self.write(move |writing| {
            for job in overdue {
                if writing.tx.function_job(job.no)?.as_ref() != Some(&job) {
                    continue;
                }
                let words = "the function was called and did not report a result in time";
                failed(writing, job, words.to_owned(), true, String::new())?;
            }
            Ok(())
        })
    }
}

fn resource_text(event: &Value, field: &str) -> Option<String> {
    event.get("invoking_event")?.get(field)?.as_str().map(str::to_owned)
}

/// The result in what a function returned: an object with `compliance_state`, and for a periodic
/// rule perhaps the resource that it is about. Anything else is no result.
pub(super) fn returned_state(
    event: &Value,
    value: &Value,
) -> Result<Option<ReportedState>, String> {
    let Some(state) = value.get("compliance_state") else { return Ok(None) };
    let compliance_state =
        state.as_str().and_then(|text| ComplianceState::parse(text).ok()).ok_or(
            "the function returned a compliance_state that is neither Compliant nor NonCompliant",
        )?;
    let named = |field: &str| {
        let of = value.get("policy_resource").unwrap_or(value);
        of.get(field).and_then(Value::as_str).map(str::to_owned)
    };
    let of_event = |field: &str| resource_text(event, field);
    let is_period = event.get("trigger_type").and_then(Value::as_str) == Some("period");
    let (resource_id, provider, resource_type) = if is_period {
        (named("resource_id"), named("resource_provider"), named("resource_type"))
    } else {
        (of_event("id"), of_event("provider"), of_event("type"))
    };
    let text = |field: &str| event.get(field).and_then(Value::as_str).unwrap_or_default();
    Ok(Some(ReportedState {
        policy_assignment_id: text("policy_assignment_id")
            .parse()
            .map_err(|e: ruleward_types::Error| e.message().to_owned())?,
        trigger_type: if is_period { TriggerType::Period } else { TriggerType::Resource },
        compliance_state,
        evaluation_time_ms: event.get("evaluation_time").and_then(Value::as_i64).unwrap_or(0),
        evaluation_hash: text("evaluation_hash").to_owned(),
        resource_id,
        resource_provider: provider,
        resource_type,
    }))
}

fn write(
    writing: &Writing<'_>,
    called: &FunctionJob,
    trigger: TriggerType,
    told: Told,
    function: ruleward_types::FunctionNo,
) -> Result<()> {
    if matches!(told, Told::Failed { .. }) {
        let counts = FunctionCounts { failed: 1, ..FunctionCounts::default() };
        writing.tx.add_function_counts(function, counts)?;
    }
    // Answered meanwhile, or a newer event took its place.
    let Some(mut job) = writing.tx.function_job(called.no)? else { return Ok(()) };
    if job.time != called.time || job.state != FunctionJobState::Running {
        return Ok(());
    }
    match told {
        Told::Abandoned => {
            job.state = FunctionJobState::Waiting;
            writing.tx.update_function_job(&job)
        }
        Told::Accepted if job.answered => jobs::end(writing.tx, &job, 1, writing.now),
        Told::Accepted => {
            job.state = FunctionJobState::Called;
            let wait_s = writing.service.options.functions.result_deadline_s;
            job.due = writing.now.plus_seconds(wait_s);
            writing.tx.update_function_job(&job)
        }
        // A periodic function may find nothing to report on; one that is asked about a resource has
        // to say something.
        Told::Finished if trigger == TriggerType::Period => {
            jobs::end(writing.tx, &job, 1, writing.now)
        }
        Told::Finished => {
            let words = "the function ended and reported no result".to_owned();
            failed(writing, job, words, true, String::new())
        }
        Told::Failed { words, transient, output } => failed(writing, job, words, transient, output),
    }
}

/// The event is called for again after a wait that grows, or given up.
fn failed(
    writing: &Writing<'_>,
    mut job: FunctionJob,
    words: String,
    transient: bool,
    output: String,
) -> Result<()> {
    let options = writing.service.options.functions;
    job.words = Some(words);
    job.output = (!output.is_empty()).then_some(output);
    if !transient || job.attempts >= options.attempts {
        count(&writing.service.functions.counters.given_up);
        return jobs::give_up(writing, job);
    }
    job.state = FunctionJobState::Waiting;
    let wait_us = wait_us(options.first_retry_s, options.last_retry_s, job.attempts, job.no.0);
    job.due = Timestamp(writing.now.0.saturating_add(wait_us));
    writing.tx.update_function_job(&job)
}

/// The wait before the next call, in microseconds: doubled with each call, and up to a quarter more
/// or less, so that what failed together does not come again together.
fn wait_us(first_s: i64, last_s: i64, attempts: u32, job: i64) -> i64 {
    let doubled = first_s.saturating_mul(1 << attempts.saturating_sub(1).min(20));
    let wait_us = doubled.min(last_s.max(first_s)).saturating_mul(1_000_000);
    let mixed = job
        .wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed())
        .wrapping_add(i64::from(attempts))
        .wrapping_mul(0xbf58_476d_1ce4_e5b9_u64.cast_signed());
    let per_mille = 750 + (mixed >> 20).rem_euclid(501);
    wait_us / 1000 * per_mille
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn waits_double_to_a_most_and_scatter() {
        for (attempts, seconds) in [(1, 2), (2, 4), (3, 8), (6, 60), (60, 60)] {
            let waits: Vec<i64> = (0..200).map(|job| wait_us(2, 60, attempts, job)).collect();
            let (least, most) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
            assert!(*least >= seconds * 750_000 && *most <= seconds * 1_250_000, "{attempts}");
            assert!(most - least > seconds * 300_000, "{attempts}: {least} to {most}");
        }
        assert_eq!(wait_us(0, 60, 3, 7), 0);
    }

    #[test]
    fn what_is_a_result() {
        let event = json!({
            "policy_assignment_id": "5fb76a24aa1e6afc05a3d0a7", "trigger_type": "resource",
            "evaluation_time": 7, "evaluation_hash": "h",
            "invoking_event": {"id": "v", "provider": "evs", "type": "volumes"},
        });
        for nothing in [json!(null), json!("Compliant"), json!({"statusCode": 200}), json!([])] {
            assert!(returned_state(&event, &nothing).unwrap().is_none(), "{nothing}");
        }
        assert!(returned_state(&event, &json!({"compliance_state": "compliant"})).is_err());
        let value = json!({"compliance_state": "NonCompliant", "resource_id": "other"});
        let state = returned_state(&event, &value).unwrap().unwrap();
        assert_eq!(state.resource_id.as_deref(), Some("v"));
        assert_eq!((state.evaluation_time_ms, state.evaluation_hash.as_str()), (7, "h"));
        let mut event = event;
        event["trigger_type"] = json!("period");
        let state = returned_state(&event, &value).unwrap().unwrap();
        assert_eq!(state.resource_id.as_deref(), Some("other"));
    }
}
