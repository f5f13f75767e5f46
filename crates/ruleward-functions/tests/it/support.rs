//! What the tests share.

use std::path::PathBuf;
use std::time::Duration;

use ruleward_functions::{
    Context, Credentials, Failure, Finished, Invocation, PythonConfig, PythonRunner, Returned,
    Runner as _,
};
use rustix::process::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Long enough for an interpreter on a machine that does other things.
pub const AMPLE: Duration = Duration::from_mins(1);

/// An event with an id in it.
pub fn invocation(event: Value) -> Invocation {
    Invocation {
        request_id: "019ab-request".into(),
        event,
        context: Context {
            function_name: "check".into(),
            function_urn: "urn:fss:eu-west-101:p0:function:default:check:latest".into(),
            function_version: "latest".into(),
            package: "default".into(),
            project_id: "p0".into(),
            region: "eu-west-101".into(),
            domain_id: "d0".into(),
            endpoint: "http://127.0.0.1:9".into(),
            user_data: [("key".to_owned(), "value".to_owned())].into(),
            agency: Some(Credentials {
                access_key: "AK0".into(),
                secret_key: "SK0".into(),
                security_token: "ST0".into(),
                token: Some("T0".into()),
            }),
        },
        deadline: AMPLE,
    }
}

/// A function in a folder of its own, with a runner.
pub struct Function {
    pub folder: TempDir,
    pub runner: PythonRunner,
}

impl Function {
    pub fn new(source: &str) -> Self {
        Self::with(source, |_| {})
    }

    pub fn with(source: &str, change: impl FnOnce(&mut PythonConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("check.py");
        std::fs::write(&file, source).unwrap();
        let mut config = PythonConfig::new(file, sandbox());
        config.launcher_arguments = Vec::new();
        change(&mut config);
        Self { folder, runner: PythonRunner::new(config) }
    }

    pub async fn run(&self, event: Value) -> Result<Finished, Failure> {
        self.runner.invoke(invocation(event)).await
    }

    pub async fn run_within(&self, deadline: Duration) -> Result<Finished, Failure> {
        self.runner.invoke(Invocation { deadline, ..invocation(json!({})) }).await
    }

    /// What it returns for an empty event.
    pub async fn value(&self) -> Value {
        value(self.run(json!({})).await)
    }
}

pub fn value(outcome: Result<Finished, Failure>) -> Value {
    match outcome {
        Ok(Finished { returned: Returned::Value(value), .. }) => value,
        other => panic!("{other:#?}"),
    }
}

/// The program that makes sandboxes.
pub fn sandbox() -> PathBuf {
    env!("CARGO_BIN_EXE_sandbox-exec").into()
}

/// The command lines of all processes in which a text stands.
fn processes_with(text: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap();
    entries
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(text))
        .collect()
}

/// Waits until a process has a text in its command line: one that was just executed has none yet.
pub async fn until_there(text: &str) {
    let begin = std::time::Instant::now();
    while processes_with(text).is_empty() {
        assert!(begin.elapsed() < AMPLE, "nothing was started");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until no process has a text in its command line.
pub async fn until_gone(text: &str) {
    let begin = std::time::Instant::now();
    while !processes_with(text).is_empty() {
        assert!(begin.elapsed() < AMPLE, "still there: {:#?}", processes_with(text));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The processes below one, once they are as wanted.
pub async fn descendants_when(ancestor: Pid, wanted: impl Fn(&[Pid]) -> bool) -> Vec<Pid> {
    let begin = std::time::Instant::now();
    loop {
        let mut found = Vec::new();
        let mut open = vec![ancestor];
        while let Some(parent) = open.pop() {
            let path = format!("/proc/{0}/task/{0}/children", parent.as_raw_nonzero());
            let children = std::fs::read_to_string(path).unwrap_or_default();
            let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
            for child in children.filter_map(Pid::from_raw) {
                found.push(child);
                open.push(child);
            }
        }
        if wanted(&found) {
            return found;
        }
        assert!(begin.elapsed() < AMPLE, "still {found:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until a process is gone, or dead and not yet buried.
pub async fn until_ended(pid: Pid) {
    let begin = std::time::Instant::now();
    while let Ok(stat) = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())) {
        if stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')) {
            return;
        }
        assert!(begin.elapsed() < AMPLE, "still there: {stat}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
