//! Runs the users' functions for the service: finds the runner of each, and turns what it says into
//! what the jobs understand.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::Mutex;
use ruleward_core::{CallDone, CallOutcome, FunctionCall, FunctionHost};
use ruleward_functions::{
    Context, Credentials, Failure, Finished, Invocation, NetworkConfig, PythonConfig, PythonRunner,
    RemoteConfig, RemoteRunner, Returned, Runner, WasmConfig, WasmRunner, WebhookConfig,
    WebhookRunner,
};
use ruleward_types::{Error, ErrorCode, Function, FunctionNo, FunctionRunner, Result, SystemClock};
use secrecy::SecretString;
use tokio::runtime::Runtime;

use crate::config::Functions;

/// What a runner may take beside the deadline of a call until it is given up.
const SLACK: Duration = Duration::from_secs(5);
/// How long the end of the server waits for calls.
const ENDING: Duration = Duration::from_secs(2);

/// The runners, on a runtime of their own: what a function does to it is not felt by requests.
#[derive(Debug)]
pub struct Runners {
    runtime: Mutex<Option<Runtime>>,
    handle: tokio::runtime::Handle,
    made: Mutex<HashMap<FunctionNo, Arc<dyn Runner>>>,
    config: Functions,
    /// Where functions on this machine reach the server.
    endpoint: String,
    launcher: PathBuf,
    /// What no function may read.
    data: PathBuf,
}

impl Runners {
    /// Starts the runtime.
    pub fn start(config: &Functions, endpoint: &str, data: &Path) -> anyhow::Result<Arc<Self>> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(32)
            .thread_name("ruleward-functions")
            .enable_all()
            .build()
            .context("cannot start the runtime of functions")?;
        Ok(Arc::new(Self {
            handle: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
            made: Mutex::default(),
            endpoint: config.endpoint.clone().unwrap_or_else(|| reachable(endpoint)),
            config: config.clone(),
            launcher: std::env::current_exe().context("cannot find this program")?,
            data: data.to_owned(),
        }))
    }

    /// Ends calls that go on; their events are called for again after the next start.
    pub fn stop(&self) {
        let runtime = self.runtime.lock().take();
        self.made.lock().clear();
        if let Some(runtime) = runtime {
            runtime.shutdown_timeout(ENDING);
        }
    }

    fn runner(&self, call: &FunctionCall) -> std::result::Result<Arc<dyn Runner>, Failure> {
        let mut runners = self.made.lock();
        if let Some(known) = runners.get(&call.function.no) {
            return Ok(Arc::clone(known));
        }
        let made = self.make(call)?;
        runners.insert(call.function.no, Arc::clone(&made));
        Ok(made)
    }

    fn concurrency(&self, function: &Function) -> usize {
        let own = function.concurrency.and_then(|n| usize::try_from(n).ok());
        own.unwrap_or(self.config.concurrent_calls_per_function)
    }

    fn network(&self) -> std::result::Result<NetworkConfig, Failure> {
        let authorities_pem = match &self.config.ca_file {
            Some(file) => std::fs::read(file).map_err(|error| {
                Failure::Broken(format!("cannot read the authority's certificate: {error}"))
            })?,
            None => Vec::new(),
        };
        Ok(NetworkConfig { allow_private: self.config.private_addresses, authorities_pem })
    }

    fn make(&self, call: &FunctionCall) -> std::result::Result<Arc<dyn Runner>, Failure> {
        let function = &call.function;
        match &function.runner {
            FunctionRunner::Python { file, handler, interpreter } => {
                let mut config = PythonConfig::new(file, &self.launcher);
                config.handler.clone_from(handler);
                config.interpreter = interpreter
                    .as_ref()
                    .map_or_else(|| self.config.interpreter.clone(), Into::into);
                config.processes = self.concurrency(function);
                config.readable.clone_from(&self.config.readable);
                config.hidden = vec![self.data.clone()];
                config.ca_file.clone_from(&self.config.ca_file);
                config.limits.memory_bytes = u64::from(function.memory_mib) << 20;
                Ok(Arc::new(PythonRunner::new(config)))
            }
            FunctionRunner::Webhook { endpoint } => {
                let secret = secret(call)?;
                let config =
                    WebhookConfig { url: endpoint.clone(), secret, network: self.network()? };
                Ok(Arc::new(WebhookRunner::new(&config, Arc::new(SystemClock))?))
            }
            FunctionRunner::Remote { endpoint, access_key } => {
                let config = RemoteConfig {
                    endpoint: endpoint.clone(),
                    access_key: access_key.clone(),
                    secret_key: secret(call)?,
                    security_token: None,
                    network: self.network()?,
                };
                Ok(Arc::new(RemoteRunner::new(config, Arc::new(SystemClock))?))
            }
            FunctionRunner::Wasm { file } => {
                let mut config = WasmConfig::new(file);
                config.parallel = self.concurrency(function);
                config.memory_bytes = usize::try_from(function.memory_mib).unwrap_or(64) << 20;
                Ok(Arc::new(WasmRunner::new(config)))
            }
        }
    }
}

fn secret(call: &FunctionCall) -> std::result::Result<SecretString, Failure> {
    call.secret.clone().ok_or_else(|| Failure::Refused("it has no secret".to_owned()))
}

/// A server that listens on every address is reached on the loopback one.
fn reachable(endpoint: &str) -> String {
    endpoint.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
}

impl FunctionHost for Runners {
    fn check(&self, function: &Function) -> Result<()> {
        match &function.runner {
            FunctionRunner::Python { file, .. } | FunctionRunner::Wasm { file } => {
                if Path::new(file).is_file() {
                    return Ok(());
                }
                let words = format!("There is no file {file} on the server's machine.");
                Err(Error::with(ErrorCode::FunctionIllegal, words))
            }
            FunctionRunner::Webhook { endpoint } | FunctionRunner::Remote { endpoint, .. } => {
                let url = reqwest::Url::parse(endpoint).ok();
                if url.is_some_and(|url| url.has_host()) {
                    return Ok(());
                }
                let words = format!("`{endpoint}` is no URL.");
                Err(Error::with(ErrorCode::FunctionIllegal, words))
            }
        }
    }

    fn start(&self, call: FunctionCall, done: CallDone) {
        let runner = self.runner(&call);
        let endpoint = self.endpoint.clone();
        self.handle.spawn(async move {
            let deadline = call.deadline;
            let kind = Kind::of(&call.function.runner);
            let called = match runner {
                Ok(runner) => {
                    let work = runner.invoke(invocation(call, endpoint));
                    let late = Failure::Broken("the runner did not keep its deadline".to_owned());
                    tokio::time::timeout(deadline + SLACK, work).await.unwrap_or(Err(late))
                }
                Err(failure) => Err(failure),
            };
            let outcome = outcome(called, kind);
            let told = tokio::task::spawn_blocking(move || done.tell(outcome));
            let _ = told.await;
        });
    }

    fn forget(&self, function: &Function) {
        self.made.lock().remove(&function.no);
    }
}

fn invocation(call: FunctionCall, endpoint: String) -> Invocation {
    let part = |n: usize| {
        call.function_urn.split(':').nth(n).filter(|part| !part.is_empty()).map(str::to_owned)
    };
    // urn:fss:region:project:function:group:name:version
    let context = Context {
        function_name: part(6).unwrap_or_else(|| call.function_urn.clone()),
        function_version: part(7).unwrap_or_else(|| "latest".to_owned()),
        package: part(5).unwrap_or_else(|| "default".to_owned()),
        project_id: part(3).unwrap_or_default(),
        region: part(2).unwrap_or_default(),
        function_urn: call.function_urn,
        domain_id: call.domain_id,
        endpoint,
        user_data: call.function.user_data,
        agency: Some(Credentials {
            access_key: call.credentials.access_key,
            secret_key: call.credentials.secret_key,
            security_token: call.credentials.security_token,
            token: Some(call.credentials.token),
        }),
    };
    Invocation { request_id: call.request_id, event: call.event, context, deadline: call.deadline }
}

/// Where a function runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Here,
    /// Behind an endpoint that may answer with the result, or have it reported later.
    Webhook,
    Elsewhere,
}

impl Kind {
    fn of(runner: &FunctionRunner) -> Self {
        match runner {
            FunctionRunner::Python { .. } | FunctionRunner::Wasm { .. } => Self::Here,
            FunctionRunner::Webhook { .. } => Self::Webhook,
            FunctionRunner::Remote { .. } => Self::Elsewhere,
        }
    }
}

fn outcome(called: std::result::Result<Finished, Failure>, kind: Kind) -> CallOutcome {
    let is_result = |returned: &Returned| match returned {
        Returned::Nothing => false,
        Returned::Value(value) => value.get("compliance_state").is_some(),
    };
    match called {
        Ok(Finished { took, returned, .. })
            if kind == Kind::Elsewhere || (kind == Kind::Webhook && !is_result(&returned)) =>
        {
            CallOutcome::Accepted { took }
        }
        Ok(Finished { returned, log, took }) => CallOutcome::Finished {
            returned: match returned {
                Returned::Nothing => None,
                Returned::Value(value) => Some(value),
            },
            output: log.text(),
            took,
        },
        Err(failure) => {
            let mut output = failure.log().map(ruleward_functions::Log::text).unwrap_or_default();
            if let Failure::Threw { trace, .. } = &failure {
                output.push_str(trace);
            }
            CallOutcome::Failed {
                kind: failure.kind(),
                words: failure.to_string(),
                transient: failure.is_transient(),
                output,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_reach_the_server_on_this_machine() {
        assert_eq!(reachable("http://0.0.0.0:8080"), "http://127.0.0.1:8080");
        assert_eq!(reachable("https://[::]:1"), "https://[::1]:1");
        assert_eq!(reachable("http://10.0.0.1:80"), "http://10.0.0.1:80");
    }

    #[test]
    fn what_failed_says_so() {
        let threw = Failure::Threw {
            kind: "KeyError".to_owned(),
            message: "'x'".to_owned(),
            trace: "line 3".to_owned(),
            log: ruleward_functions::Log::default(),
        };
        let CallOutcome::Failed { kind, words, transient, output } =
            outcome(Err(threw), Kind::Here)
        else {
            panic!("it failed");
        };
        assert_eq!((kind, transient), ("threw", true));
        assert!(words.contains("KeyError") && output.contains("line 3"));
    }

    #[test]
    fn a_webhook_answers_or_reports_later() {
        let finished = |returned| {
            let took = Duration::ZERO;
            Ok(Finished { returned, log: ruleward_functions::Log::default(), took })
        };
        let value = |text: &str| Returned::Value(serde_json::from_str(text).unwrap());
        let accepted = |kind, returned| {
            matches!(outcome(finished(returned), kind), CallOutcome::Accepted { .. })
        };
        assert!(accepted(Kind::Webhook, Returned::Nothing));
        assert!(accepted(Kind::Webhook, value(r#"{"ok": true}"#)));
        assert!(!accepted(Kind::Webhook, value(r#"{"compliance_state": "Compliant"}"#)));
        assert!(accepted(Kind::Elsewhere, Returned::Nothing));
        assert!(!accepted(Kind::Here, Returned::Nothing));
    }
}
