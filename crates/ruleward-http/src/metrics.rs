//! Metrics, in the OpenMetrics text format.

use std::sync::atomic::AtomicI64;
use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use ruleward_core::{FunctionGauges, Gauges};
use ruleward_types::{Error, Result};

/// The media type of the text.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    operation: &'static str,
    status_class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Timed {
    operation: &'static str,
}

/// All metrics of the process.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<Timed, Histogram>,
    tickets_pending: Level,
    deployments_pending: Level,
    accounts: Level,
    policy_assignments: Level,
    judged_resources: Level,
    function_jobs: Family<InState, Level>,
    function_calls: Family<WithOutcome, Counter>,
    function_results: Family<WithOutcome, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WithOutcome {
    outcome: &'static str,
}

type Level = Gauge<i64, AtomicI64>;

/// From a tenth of a millisecond to half a minute.
const BUCKETS_SECONDS: [f64; 14] =
    [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 5.0, 10.0, 20.0, 30.0];

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("ruleward");
        let requests = Family::<Answered, Counter>::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        let durations: Family<Timed, Histogram> =
            Family::new_with_constructor(|| Histogram::new(BUCKETS_SECONDS));
        let help = "Time from the request's head to its answer";
        registry.register_with_unit(
            "http_request_duration",
            help,
            Unit::Seconds,
            durations.clone(),
        );
        let function_jobs = Family::<InState, Level>::default();
        let help = "Events that functions of custom rules are called for, by state";
        registry.register("function_jobs", help, function_jobs.clone());
        let function_calls = Family::<WithOutcome, Counter>::default();
        let help = "Calls of functions: all that were started, and of these the repeated ones, \
                    the failed ones and those given up";
        registry.register("function_calls", help, function_calls.clone());
        let function_results = Family::<WithOutcome, Counter>::default();
        let help = "Results of custom rules that were reported, by what became of them";
        registry.register("function_results", help, function_results.clone());
        let mut level = |name: &str, help: &str| {
            let gauge = Level::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        Self {
            tickets_pending: level("tickets_pending", "Chunks that wait to be evaluated"),
            deployments_pending: level(
                "deployments_pending",
                "Organization rules that members are still to get, change or lose",
            ),
            accounts: level("accounts", "Accounts"),
            policy_assignments: level("policy_assignments", "Policy assignments of all accounts"),
            judged_resources: level(
                "judged_resources",
                "Resources with a verdict, of all accounts",
            ),
            function_jobs,
            function_calls,
            function_results,
            requests,
            durations,
            registry,
        }
    }

    /// Counts an answered request.
    pub(crate) fn count(&self, operation: &'static str, status: StatusCode, duration: Duration) {
        let status_class = match status.as_u16() / 100 {
            2 => "2xx",
            4 => "4xx",
            5 => "5xx",
            _ => "other",
        };
        self.requests.get_or_create(&Answered { operation, status_class }).inc();
        self.durations.get_or_create(&Timed { operation }).observe(duration.as_secs_f64());
    }

    /// The text, with the levels as they are now.
    pub(crate) fn render(&self, levels: &Gauges) -> Result<String> {
        self.tickets_pending.set(levels.tickets_pending);
        self.deployments_pending.set(levels.deployments_pending);
        self.accounts.set(levels.accounts);
        self.policy_assignments.set(levels.policy_assignments);
        self.judged_resources.set(levels.judged_resources);
        self.set_functions(&levels.functions);
        let mut out = String::new();
        text::encode(&mut out, &self.registry)
            .map_err(|error| Error::internal("metrics cannot be written", error))?;
        Ok(out)
    }

    fn set_functions(&self, of: &FunctionGauges) {
        let jobs =
            [("waiting", of.jobs.waiting), ("running", of.jobs.running), ("dead", of.jobs.dead)];
        for (state, number) in jobs {
            self.function_jobs.get_or_create(&InState { state }).set(number);
        }
        let calls = [
            ("started", of.calls),
            ("repeated", of.repeated),
            ("failed", of.failed),
            ("given_up", of.given_up),
        ];
        let results = [
            ("accepted", of.accepted),
            ("unchanged", of.unchanged),
            ("refused", of.refused),
            ("limited", of.limited),
        ];
        let raise = |family: &Family<WithOutcome, Counter>, outcome, number: u64| {
            let counter = family.get_or_create(&WithOutcome { outcome });
            counter.inc_by(number.saturating_sub(counter.get()));
        };
        for (outcome, number) in calls {
            raise(&self.function_calls, outcome, number);
        }
        for (outcome, number) in results {
            raise(&self.function_results, outcome, number);
        }
    }
}
