//! What a function gets, and what becomes of what it does.

use ruleward_functions::{Crash, Failure, Finished, Invocation, Returned, Runner as _};
use serde_json::json;

use crate::support::{Function, invocation, value};

#[tokio::test]
async fn every_context_method_answers() {
    let function = Function::new(
        r#"
def handler(event, context):
    left = context.getRemainingTimeInMilliSeconds()
    assert 0 < left <= 60000, left
    context.getLogger().info("hello %s", "there")
    return {
        "event": event,
        "request": context.getRequestID(),
        "timeout": context.getRunningTimeInSeconds(),
        "keys": [context.getAccessKey(), context.getSecretKey()],
        "security": [context.getSecurityAccessKey(), context.getSecuritySecretKey(),
                     context.getSecurityToken()],
        "token": context.getToken(),
        "data": [context.getUserData("key"), context.getUserData("none"),
                 context.getUserData("none", "other")],
        "name": context.getFunctionName(),
        "version": context.getVersion(),
        "alias": context.getAlias(),
        "memory": context.getMemorySize(),
        "cpu": context.getCPUNumber(),
        "project": context.getProjectID(),
        "package": context.getPackage(),
    }
"#,
    );
    let event =
        json!({"n": [1.5, 9_007_199_254_740_993_u64], "text": "ä\n\u{1F600}", "null": null});
    let finished = function.run(event.clone()).await.unwrap();
    let log = finished.log.text();
    assert!(log.ends_with("Z 019ab-request INFO hello there\n"), "{log}");
    assert_eq!(
        value(Ok(finished)),
        json!({
            "event": event,
            "request": "019ab-request",
            "timeout": 60,
            "keys": ["AK0", "SK0"],
            "security": ["AK0", "SK0", "ST0"],
            "token": "T0",
            "data": ["value", null, "other"],
            "name": "check",
            "version": "latest",
            "alias": "",
            "memory": 512,
            "cpu": 1000,
            "project": "p0",
            "package": "default",
        })
    );
}

#[tokio::test]
async fn prints_are_the_log_and_nothing_is_a_result() {
    let function = Function::new(
        r#"
import os, sys, subprocess
print("at import")
def handler(event, context):
    print("to stdout")
    print("to stderr", file=sys.stderr)
    os.write(1, b"raw\xff\n")
    subprocess.run(["/bin/sh", "-c", "echo from a child"], check=True)
"#,
    );
    let Finished { returned, log, .. } = function.run(json!({})).await.unwrap();
    assert_eq!(returned, Returned::Nothing);
    assert!(!log.truncated);
    assert_eq!(log.text(), "at import\nto stdout\nto stderr\nraw\u{fffd}\nfrom a child\n");
}

#[tokio::test]
async fn a_value_that_is_no_result_is_left_out_and_told() {
    for expression in ["object()", "float('nan')", "'x' * 100000", "{1: {2: {3}}}"] {
        let function =
            Function::new(&format!("def handler(event, context):\n    return {expression}\n"));
        let finished = function.run(json!({})).await.unwrap();
        assert_eq!(finished.returned, Returned::Nothing, "{expression}");
        assert!(finished.log.text().contains("left out"), "{expression}");
    }
}

#[tokio::test]
async fn an_exception_is_told_with_its_place_and_the_process_goes_on() {
    let function = Function::new(
        r#"
import os
class Odd(Exception):
    pass
def handler(event, context):
    if event.get("fail"):
        print("before")
        raise Odd("no such thing: %s" % event["fail"])
    return os.getppid() * 0 + id(Odd)
"#,
    );
    let before = value(function.run(json!({})).await);
    match function.run(json!({"fail": "x"})).await {
        Err(Failure::Threw { kind, message, trace, log }) => {
            assert_eq!((kind.as_str(), message.as_str()), ("Odd", "no such thing: x"));
            assert!(trace.contains("check.py\", line 8, in handler"), "{trace}");
            assert!(!trace.contains("in serve"), "{trace}");
            assert_eq!(log.text(), "before\n");
        }
        other => panic!("{other:#?}"),
    }
    assert_eq!(value(function.run(json!({})).await), before, "another process");
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let cases =
        [("x = 1\n", "has no handler `handler`"), ("handler = 5\n", "has no handler `handler`")];
    for (source, words) in cases {
        let function = Function::new(source);
        match function.run(json!({})).await {
            Err(Failure::NotFound(told)) => assert!(told.contains(words), "{told}"),
            other => panic!("{other:#?}"),
        }
    }
    let no_file = Function::with("", |config| config.file = "/no/such/file.py".into());
    let no_interpreter = Function::with("", |config| config.interpreter = "python-none".into());
    for (function, words) in [(no_file, "/no/such/file.py"), (no_interpreter, "python-none")] {
        match function.run(json!({})).await {
            Err(failure @ Failure::NotFound(_)) => {
                assert!(failure.to_string().contains(words), "{failure}");
                assert!(!failure.is_transient());
            }
            other => panic!("{other:#?}"),
        }
    }
}

#[tokio::test]
async fn a_file_that_does_not_load_is_tried_again_when_it_was_mended() {
    let function = Function::new("import nothing_of_that_name\n");
    for _ in 0..2 {
        match function.run(json!({})).await {
            Err(Failure::Threw { kind, .. }) => assert_eq!(kind, "ModuleNotFoundError"),
            other => panic!("{other:#?}"),
        }
    }
    let file = function.folder.path().join("check.py");
    std::fs::write(&file, "def handler(event, context):\n    return 'mended'\n").unwrap();
    assert_eq!(function.value().await, json!("mended"));
    std::fs::write(&file, "def handler(event, context):\n    return 'changed again'\n").unwrap();
    assert_eq!(function.value().await, json!("changed again"));
    std::fs::write(&file, "def handler(event, context:\n").unwrap();
    match function.run(json!({})).await {
        Err(Failure::Threw { kind, .. }) => assert_eq!(kind, "SyntaxError"),
        other => panic!("{other:#?}"),
    }
}

#[tokio::test]
async fn another_handler_and_the_modules_beside() {
    let function = Function::with(
        "import helper\nclass Checks:\n    pass\ndef periodic(event, context):\n    return helper.answer()\n",
        |config| config.handler = "periodic".into(),
    );
    std::fs::write(
        function.folder.path().join("helper.py"),
        "def answer():\n    import check\n    return check.__name__\n",
    )
    .unwrap();
    assert_eq!(function.value().await, json!("check"));
}

/// State that a module keeps shows which process answered.
const COUNTS: &str = "
count = 0
def handler(event, context):
    global count
    count += 1
    return count
";

#[tokio::test]
async fn a_process_is_used_again_but_never_for_another_account() {
    let function = Function::new(COUNTS);
    assert_eq!(function.value().await, json!(1));
    assert_eq!(function.value().await, json!(2));
    let mut other = invocation(json!({}));
    other.context.domain_id = "d1".into();
    assert_eq!(value(function.runner.invoke(other).await), json!(1));
    assert_eq!(function.value().await, json!(3));
    assert_eq!(function.runner.idle_processes(), 2);
}

#[tokio::test]
async fn no_more_processes_than_allowed() {
    let function = Function::with(COUNTS, |config| config.processes = 1);
    for account in ["d1", "d2", "d3"] {
        let mut event = invocation(json!({}));
        event.context.domain_id = account.into();
        assert_eq!(value(function.runner.invoke(event).await), json!(1));
        assert_eq!(function.runner.idle_processes(), 1);
    }
}

#[tokio::test]
async fn waiting_for_a_process_counts() {
    let function = Function::with(
        "import time\ndef handler(event, context):\n    time.sleep(event['seconds'])\n    return 1\n",
        |config| config.processes = 1,
    );
    let short = Invocation {
        deadline: std::time::Duration::from_millis(300),
        ..invocation(json!({"seconds": 0}))
    };
    let (long, short) = tokio::join!(function.run(json!({"seconds": 2})), async {
        tokio::task::yield_now().await;
        function.runner.invoke(short).await
    });
    assert_eq!(value(long), json!(1));
    match short {
        Err(failure @ Failure::Busy { .. }) => assert!(failure.is_transient()),
        other => panic!("{other:#?}"),
    }
}

#[tokio::test]
async fn leaving_is_a_crash_with_its_status() {
    for (source, crash) in [
        (
            "import sys\ndef handler(event, context):\n    print('bye')\n    sys.exit(3)\n",
            Crash::Status(3),
        ),
        (
            "import os\nprint('bye')\ndef handler(event, context):\n    os._exit(0)\n",
            Crash::Status(0),
        ),
        (
            "import ctypes\nprint('bye')\ndef handler(event, context):\n    ctypes.string_at(0)\n",
            Crash::Signal(11),
        ),
        (
            "import os, signal\nprint('bye')\ndef handler(event, context):\n    os.kill(os.getpid(), 9)\n",
            Crash::Signal(9),
        ),
    ] {
        let function = Function::new(source);
        for _ in 0..2 {
            match function.run(json!({})).await {
                Err(Failure::Crashed { crash: told, log }) => {
                    assert_eq!(told, crash, "{source}");
                    assert_eq!(log.text(), "bye\n");
                }
                other => panic!("{source}: {other:#?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_forked_child_that_comes_back_answers_nothing() {
    let function = Function::new(
        "import os\ndef handler(event, context):\n    child = os.fork()\n    if child:\n        os.waitpid(child, 0)\n        return 'parent'\n    return 'child'\n",
    );
    assert_eq!(function.value().await, json!("parent"));
    assert_eq!(function.value().await, json!("parent"));
}

#[tokio::test]
async fn events_are_worked_on_at_the_same_time() {
    use tokio::io::AsyncWriteExt as _;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let function = Function::new(
        "import socket\ndef handler(event, context):\n    with socket.create_connection(('127.0.0.1', event['port'])) as both:\n        return both.recv(1).decode()\n",
    );
    // Neither gets an answer before both have asked.
    let meeting = async {
        let (mut first, _) = listener.accept().await.unwrap();
        let (mut second, _) = listener.accept().await.unwrap();
        first.write_all(b"+").await.unwrap();
        second.write_all(b"+").await.unwrap();
    };
    let event = json!({"port": port});
    let (first, second, ()) =
        tokio::join!(function.run(event.clone()), function.run(event.clone()), meeting);
    assert_eq!((value(first), value(second)), (json!("+"), json!("+")));
    assert_eq!(function.runner.idle_processes(), 2);
}

#[tokio::test]
async fn a_slow_start_is_no_failure() {
    let function = Function::new(
        "import time\ntime.sleep(1.5)\ndef handler(event, context):\n    return context.getRemainingTimeInMilliSeconds()\n",
    );
    let left = function.value().await.as_u64().unwrap();
    assert!(left < 58_500, "the start counts: {left}");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_told() {
    let function = Function::new("def handler(event, context):\n    pass\n");
    let file = function.folder.path().join("check.py");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o000);
    std::fs::set_permissions(&file, mode).unwrap();
    match function.run(json!({})).await {
        Err(Failure::NotFound(words)) => assert!(words.contains("cannot read"), "{words}"),
        other => panic!("{other:#?}"),
    }
}
