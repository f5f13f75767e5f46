//! Functions that do not end by themselves, or take too much.

use std::time::Duration;

use ruleward_functions::{Failure, Isolation};
use serde_json::json;

use crate::support::{Function, until_gone, until_there};

/// Each process that the function starts carries its mark in its command line.
fn sleeper(mark: &str) -> String {
    format!("[sys.executable, '-c', 'import time; time.sleep(600) # {mark}']")
}

#[tokio::test]
async fn a_loop_ends_at_its_deadline() {
    let function = Function::new(
        "def handler(event, context):\n    print('begin')\n    while event.get('loop', True):\n        pass\n    return 1\n",
    );
    // The process is there when the clock begins to run.
    function.run(json!({"loop": false})).await.unwrap();
    match function.run_within(Duration::from_secs(3)).await {
        Err(Failure::TimedOut { after, log }) => {
            assert_eq!(after, Duration::from_secs(3));
            assert_eq!(log.text(), "begin\n");
        }
        other => panic!("{other:#?}"),
    }
    let finished = function.run(json!({"loop": false})).await.unwrap();
    assert_eq!(finished.log.text(), "begin\n");
    let mark = function.folder.path().display().to_string();
    drop(function);
    until_gone(&mark).await;
}

#[tokio::test]
async fn a_loop_at_import_and_deaf_ears_end_too() {
    for source in [
        "while True:\n    pass\n",
        "import signal, time\nfor number in range(1, 32):\n    try:\n        signal.signal(number, signal.SIG_IGN)\n    except (OSError, ValueError):\n        pass\ndef handler(event, context):\n    while True:\n        time.sleep(1)\n",
    ] {
        let function = Function::new(source);
        let outcome = function.run_within(Duration::from_secs(2)).await;
        assert!(matches!(outcome, Err(Failure::TimedOut { .. })), "{outcome:#?}");
        until_gone(&function.folder.path().display().to_string()).await;
    }
}

#[tokio::test]
async fn what_a_function_leaves_behind_ends_with_its_process() {
    for isolation in [Isolation::Required, Isolation::Off] {
        let mark = format!("leftover-{isolation:?}-{}", std::process::id());
        let function = Function::with(
            &format!(
                "import subprocess, sys\nsubprocess.Popen({0}, start_new_session=True)\ndef handler(event, context):\n    subprocess.Popen(['/bin/sh', '-c', 'setsid \"$0\" \"$@\" &'] + {0})\n    if event.get('exit'):\n        sys.exit(1)\n    return 1\n",
                sleeper(&mark)
            ),
            |config| config.isolation = isolation,
        );
        assert_eq!(function.value().await, json!(1));
        until_there(&mark).await;
        let outcome = function.run(json!({"exit": true})).await;
        assert!(matches!(outcome, Err(Failure::Crashed { .. })), "{outcome:#?}");
        until_gone(&mark).await;
    }
}

#[tokio::test]
async fn a_fork_bomb_is_stopped_and_leaves_nothing() {
    for isolation in [Isolation::Required, Isolation::Off] {
        let mark = format!("bomb-{isolation:?}-{}", std::process::id());
        // No more than 128, should the sandbox not hold: without namespaces nothing limits it.
        let function = Function::with(
            &format!(
                "import os, subprocess, sys, time\ndef handler(event, context):\n    if event:\n        return\n    print('begin', flush=True)\n    for depth in range(7):\n        try:\n            if os.fork() == 0:\n                os.setsid()\n        except OSError as error:\n            print('refused', error.errno, flush=True)\n            time.sleep(0.1)\n    os.execv(sys.executable, {})\n",
                sleeper(&mark)
            ),
            |config| config.isolation = isolation,
        );
        function.run(json!({"warm": "up"})).await.unwrap();
        match function.run_within(Duration::from_secs(5)).await {
            Err(Failure::TimedOut { log, .. } | Failure::Crashed { log, .. }) => {
                let text = log.text();
                assert!(text.starts_with("begin\n"), "{text}");
                let refused = text.contains("refused 11");
                assert_eq!(refused, isolation == Isolation::Required, "{text}");
            }
            other => panic!("{other:#?}"),
        }
        until_gone(&mark).await;
    }
}

#[tokio::test]
async fn memory_ends() {
    let function = Function::with(
        "def handler(event, context):\n    print('begin')\n    hold = []\n    while event.get('eat', True):\n        hold.append(bytearray(16 << 20))\n    return 'slim'\n",
        |config| config.limits.memory_bytes = 256 << 20,
    );
    match function.run(json!({})).await {
        Err(Failure::OutOfMemory { limit_bytes, log }) => {
            assert_eq!(limit_bytes, 256 << 20);
            assert_eq!(log.text(), "begin\n");
        }
        other => panic!("{other:#?}"),
    }
    let finished = function.run(json!({"eat": false})).await.unwrap();
    assert_eq!(finished.log.text(), "begin\n");
}

#[tokio::test]
async fn a_long_log_is_cut_and_a_flood_is_stopped() {
    let function = Function::with(
        "def handler(event, context):\n    for _ in range(event['lines']):\n        print('x' * 99)\n    return 'done'\n",
        |config| {
            config.log_bytes = 1000;
            config.flood_bytes = 1 << 20;
        },
    );
    let finished = function.run(json!({"lines": 1000})).await.unwrap();
    assert!(finished.log.truncated);
    assert_eq!(finished.log.bytes.len(), 1000);
    match function.run(json!({"lines": 1_000_000_000})).await {
        Err(Failure::Flooded { limit_bytes, log }) => {
            assert_eq!(limit_bytes, 1 << 20);
            assert_eq!(log.bytes.len(), 1000);
        }
        other => panic!("{other:#?}"),
    }
    assert!(function.run(json!({"lines": 1})).await.is_ok());
}

#[tokio::test]
async fn nonsense_on_the_channel_is_a_crash() {
    let source = "
import os, stat
def channels():
    for name in os.listdir('/proc/self/fd'):
        try:
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                yield int(name)
        except OSError:
            pass
def handler(event, context):
    for number in channels():
        os.write(number, event['bytes'].encode() * event['times'])
    while True:
        pass
";
    let function = Function::new(source);
    let outcome = function.run(json!({"bytes": "no JSON\n", "times": 1})).await;
    assert!(matches!(outcome, Err(Failure::Crashed { .. })), "{outcome:#?}");
    let outcome = function.run(json!({"bytes": "endless ", "times": 1_000_000})).await;
    assert!(matches!(outcome, Err(Failure::Flooded { .. })), "{outcome:#?}");
}

/// What a killed server leaves: nobody kills, the channel is just closed.
#[tokio::test]
async fn everything_ends_when_the_channel_closes() {
    for isolation in ["required", "off"] {
        let mark = format!("orphan-{isolation}-{}", std::process::id());
        let scratch = tempfile::tempdir().unwrap();
        let script = format!("setsid sleep 600 & trap '' TERM HUP; sleep 600; : {mark}");
        let spec = json!({
            "program": "/bin/sh",
            "arguments": ["-c", script],
            "environment": [["PATH", "/usr/bin:/bin"]],
            "scratch": scratch.path(),
            "readable": [],
            "hidden": [],
            "files": [],
            "limits": ruleward_functions::Limits::default(),
            "isolation": isolation,
        });
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut sandbox = std::process::Command::new(crate::support::sandbox())
            .arg(spec.to_string())
            .stdin(std::os::fd::OwnedFd::from(theirs))
            .spawn()
            .unwrap();
        let outer = rustix::process::Pid::from_raw(i32::try_from(sandbox.id()).unwrap()).unwrap();
        // Shell and two sleepers, and between them and the outer stage perhaps the inner one.
        let below = crate::support::descendants_when(outer, |found| found.len() >= 3).await;
        drop(ours);
        sandbox.wait().unwrap();
        for pid in below {
            crate::support::until_ended(pid).await;
        }
    }
}

#[tokio::test]
async fn an_invocation_that_is_abandoned_is_killed() {
    let function = Function::new("def handler(event, context):\n    while True:\n        pass\n");
    let outcome = tokio::time::timeout(Duration::from_secs(2), function.run(json!({}))).await;
    assert!(outcome.is_err(), "{outcome:#?}");
    until_gone(&function.folder.path().display().to_string()).await;
}
