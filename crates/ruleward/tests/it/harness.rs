//! Starts and stops the binary, in an environment of its own.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

/// The binary without anything of the surrounding environment that would steer it.
pub fn ruleward(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ruleward"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("HUAWEICLOUD_SDK_") || name.starts_with("RULEWARD_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a command did.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it ended by itself"),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

impl Done {
    /// What it printed, as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// This, if it ended so.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// Runs a command to its end.
pub fn run(mut command: Command) -> Done {
    command.output().expect("the binary runs").into()
}

/// Runs a command that reads `input`.
pub fn run_with_input(mut command: Command, input: &[u8]) -> Done {
    let mut child = command.stdin(Stdio::piped()).spawn().expect("the binary runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("written");
    output.into()
}

/// A folder and, at times, a server on it.
#[derive(Debug)]
pub struct Server {
    pub folder: TempDir,
    pub data: PathBuf,
    pub endpoint: String,
    process: Option<Child>,
    pub started_in: Duration,
}

impl Server {
    /// Starts a development server on a fresh folder.
    pub fn dev(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let mut server = Self {
            folder,
            data,
            endpoint: String::new(),
            process: None,
            started_in: Duration::ZERO,
        };
        let mut arguments = vec!["--dev"];
        arguments.extend(more);
        server.start(&arguments);
        server
    }

    /// Starts a server on the folder.
    pub fn start(&mut self, more: &[&str]) {
        assert!(self.process.is_none());
        let data = self.data.clone();
        let mut arguments = vec!["serve", "--listen", "127.0.0.1:0", "--data", text(&data)];
        arguments.extend(more);
        let (out, log) = (self.file("stdout"), self.file("log"));
        let began = Instant::now();
        let child = ruleward(&arguments)
            .current_dir(self.folder.path())
            .stdout(File::create(&out).expect("a file"))
            .stderr(File::create(&log).expect("a file"))
            .spawn()
            .expect("the binary runs");
        self.process = Some(child);
        while began.elapsed() < PATIENCE {
            let printed = self.stdout();
            if let Some(line) = printed.lines().next().filter(|_| printed.contains('\n')) {
                let endpoint = line.strip_prefix("ruleward listening on ");
                self.endpoint = endpoint.expect("the first line tells where it is").into();
                self.started_in = began.elapsed();
                return;
            }
            let ended = self.process.as_mut().expect("a process").try_wait().expect("a status");
            assert!(ended.is_none(), "it ended with {ended:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it did not start: {}", self.log());
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the server has printed since its start.
    pub fn stdout(&self) -> String {
        fs::read_to_string(self.file("stdout")).unwrap_or_default()
    }

    /// What the server has logged since its start.
    pub fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    /// Sends a signal, by name.
    pub fn signal(&self, name: &str) {
        let id = self.process.as_ref().expect("a process").id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), id.as_str()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Ends the server in order.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.stop_after_signal()
    }

    /// Waits for the end of a server that was sent a signal.
    pub fn stop_after_signal(&mut self) -> ExitStatus {
        self.process.take().expect("a process").wait().expect("a status")
    }

    /// A command against the server, whose data folder it reads.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = ruleward(arguments);
        command.arg("--data").arg(&self.data);
        command
    }

    /// Runs a command against the server.
    pub fn run(&self, arguments: &[&str]) -> Done {
        run(self.command(arguments))
    }

    /// Writes a file to be imported.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, content).expect("written");
        text(&path).to_owned()
    }

    /// What `dev-credentials.json` says.
    pub fn credentials(&self) -> Value {
        let text = fs::read(self.data.join("dev-credentials.json")).expect("a file");
        serde_json::from_slice(&text).expect("JSON")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A path as text.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

/// A disk as the wire has it.
pub fn disk(id: &str, status: &str) -> String {
    format!(
        r#"{{"id":"{id}","name":"{id}","provider":"evs","type":"volumes","region_id":"cn-north-4","properties":{{"status":"{status}","volumeType":"SSD"}}}}"#
    )
}
