//! WebAssembly functions.

use std::time::Duration;

use ruleward_functions::{
    Failure, Finished, Invocation, Returned, Runner as _, WasmConfig, WasmRunner,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{invocation, value};

/// The example that is shipped.
const EXAMPLE: &str = include_str!("../../../../examples/functions/wasm/check.wat");

struct Function {
    folder: TempDir,
    runner: WasmRunner,
}

impl Function {
    fn new(text: &str) -> Self {
        Self::with(text, |_| {})
    }

    fn with(text: &str, change: impl FnOnce(&mut WasmConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = WasmConfig::new(folder.path().join("check.wasm"));
        change(&mut config);
        let function = Self { folder, runner: WasmRunner::new(config) };
        function.write(&wat::parse_str(text).unwrap());
        function
    }

    fn write(&self, bytes: &[u8]) {
        std::fs::write(self.folder.path().join("check.wasm"), bytes).unwrap();
    }

    async fn run(&self, event: Value) -> Result<Finished, Failure> {
        self.runner.invoke(invocation(event)).await
    }
}

/// A module whose `evaluate` does this, with a text at place 0.
fn module(text: &str, evaluate: &str) -> String {
    let text = text.replace('"', "\\22");
    format!(
        r#"(module
            (memory (export "memory") 1)
            (global $state (mut i32) (i32.const 0))
            (data (i32.const 0) "{text}")
            (func $again (call $again) (call $again))
            (func (export "alloc") (param i32) (result i32) (i32.const 1024))
            (func (export "evaluate") (param i32 i32) (result i64) {evaluate}))"#
    )
}

#[tokio::test]
async fn the_example_judges() {
    let function = Function::new(EXAMPLE);
    let event = |status: &str, more: usize| json!({"invoking_event": {"more": "x".repeat(more), "properties": {"status": status}}});
    for more in [0, 200_000] {
        let finished = function.run(event("ACTIVE", more)).await.unwrap();
        assert_eq!(finished.log.text(), "looked at an event\n");
        assert_eq!(value(Ok(finished)), json!({"compliance_state": "Compliant"}));
        let judged = value(function.run(event("SHUTOFF", more)).await);
        assert_eq!(
            judged,
            json!({"compliance_state": "NonCompliant", "reason": "it is not active"})
        );
    }
}

#[tokio::test]
async fn each_event_has_an_instance_of_its_own() {
    let count = "(global.set $state (i32.add (global.get $state) (i32.const 1)))
        (i32.store8 (i32.const 0) (i32.add (global.get $state) (i32.const 48)))
        (i64.const 1)";
    let function = Function::new(&module("0", count));
    for _ in 0..3 {
        assert_eq!(value(function.run(json!({})).await), json!(1));
    }
}

#[tokio::test]
async fn a_changed_file_is_read_again() {
    let function = Function::new(&module("111", "(i64.const 2)"));
    assert_eq!(value(function.run(json!({})).await), json!(11));
    function.write(&wat::parse_str(module("[222]", "(i64.const 5)")).unwrap());
    assert_eq!(value(function.run(json!({})).await), json!([222]));
}

#[tokio::test]
async fn results_have_to_be_json_in_its_memory() {
    let null = Function::new(&module("null", "(i64.const 4)"));
    assert_eq!(null.run(json!({})).await.unwrap().returned, Returned::Nothing);
    for (evaluate, words) in [
        ("(i64.const 3)", "not JSON"),
        ("(i64.const 0)", "not JSON"),
        ("(i64.const -1)", "are allowed"),
        ("(i64.const 0xffffffff00000004)", "not in its memory"),
        ("(i64.const 70000)", "are allowed"),
    ] {
        let function = Function::new(&module("null", evaluate));
        match function.run(json!({})).await {
            Err(Failure::Threw { kind, message, .. }) => {
                assert_eq!(kind, "InvalidResult");
                assert!(message.contains(words), "{message}");
            }
            other => panic!("{evaluate}: {other:#?}"),
        }
    }
}

#[tokio::test]
async fn traps_are_told() {
    for (evaluate, words) in [
        ("(unreachable)", "unreachable"),
        ("(call $again) (i64.const 0)", "stack"),
        ("(i64.load (i32.const 65536))", "out of bounds"),
        ("(i64.div_s (i64.const 1) (i64.const 0))", "zero"),
    ] {
        let function = Function::new(&module("", evaluate));
        match function.run(json!({})).await {
            Err(failure @ Failure::Threw { .. }) => {
                assert!(failure.to_string().contains(words), "{failure}");
            }
            other => panic!("{evaluate}: {other:#?}"),
        }
    }
}

const LOOP: &str = "(loop $next (br $next)) (i64.const 0)";

#[tokio::test]
async fn loops_end_by_fuel_or_deadline() {
    let function = Function::with(&module("", LOOP), |config| config.fuel = 50_000_000);
    match function.run(json!({})).await {
        Err(Failure::Threw { kind, .. }) => assert_eq!(kind, "OutOfFuel"),
        other => panic!("{other:#?}"),
    }
    let function = Function::with(&module("", LOOP), |config| config.fuel = u64::MAX);
    let deadline = Duration::from_millis(300);
    match function.runner.invoke(Invocation { deadline, ..invocation(json!({})) }).await {
        Err(Failure::TimedOut { after, .. }) => assert_eq!(after, deadline),
        other => panic!("{other:#?}"),
    }
}

#[tokio::test]
async fn an_abandoned_loop_ends_and_frees_its_place() {
    let function = Function::with(&module("", LOOP), |config| {
        config.fuel = u64::MAX;
        config.parallel = 1;
    });
    let abandoned = tokio::time::timeout(Duration::from_millis(200), function.run(json!({}))).await;
    assert!(abandoned.is_err());
    function.write(&wat::parse_str(module("1", "(i64.const 1)")).unwrap());
    assert_eq!(value(function.run(json!({})).await), json!(1));
    // The runtime waits for its threads: were one still in the loop, this test would not end.
}

#[tokio::test]
async fn memory_ends() {
    let grow = "(loop $next (drop (memory.grow (i32.const 16))) (br $next)) (i64.const 0)";
    let function = Function::with(&module("", grow), |config| config.memory_bytes = 8 << 20);
    match function.run(json!({})).await {
        Err(Failure::OutOfMemory { limit_bytes, .. }) => assert_eq!(limit_bytes, 8 << 20),
        other => panic!("{other:#?}"),
    }
    let large = r#"(module (memory (export "memory") 1000)
        (func (export "alloc") (param i32) (result i32) (i32.const 0))
        (func (export "evaluate") (param i32 i32) (result i64) (i64.const 0)))"#;
    let function = Function::with(large, |config| config.memory_bytes = 8 << 20);
    let failure = function.run(json!({})).await.unwrap_err();
    assert!(matches!(failure, Failure::NotFound(_)), "{failure:#?}");
    assert!(failure.to_string().contains("linear memory"), "{failure}");
}

#[tokio::test]
async fn what_is_no_function_is_told() {
    let unfit = [
        ("(module)", "memory"),
        (r#"(module (memory (export "memory") 1))"#, "alloc"),
        (
            r#"(module (memory (export "memory") 1)
                (func (export "alloc") (param i64) (result i32) (i32.const 0)))"#,
            "alloc",
        ),
        (r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)))"#, "fd_write"),
        ("(module (func $f (loop $l (br $l))) (start $f))", "start"),
    ];
    for (text, words) in unfit {
        let function = Function::new(text);
        match function.run(json!({})).await {
            Err(failure @ (Failure::NotFound(_) | Failure::Refused(_))) => {
                assert!(!failure.is_transient());
                assert!(failure.to_string().contains(words), "{failure}");
            }
            other => panic!("{text}: {other:#?}"),
        }
    }
    let function = Function::new("(module)");
    function.write(b"no module");
    let failure = function.run(json!({})).await.unwrap_err();
    assert!(matches!(failure, Failure::Refused(_)), "{failure:#?}");
    let absent = WasmRunner::new(WasmConfig::new("/no/such.wasm"));
    let failure = absent.invoke(invocation(json!({}))).await.unwrap_err();
    assert!(matches!(failure, Failure::NotFound(_)), "{failure:#?}");
}
