//! Words and the decision to try again.

use ruleward_functions::{Crash, Failure, Log};
use std::time::Duration;

#[test]
fn words_name_what_happened() {
    let log = Log::default();
    let cases = [
        (
            Failure::Crashed { crash: Crash::Signal(11), log: log.clone() },
            "the function's process was killed by signal 11 (SIGSEGV)",
        ),
        (
            Failure::Crashed { crash: Crash::Status(3), log: log.clone() },
            "the function's process ended with status 3 before it answered",
        ),
        (
            Failure::TimedOut { after: Duration::from_secs(3), log: log.clone() },
            "the function did not end within 3 s",
        ),
        (
            Failure::TimedOut { after: Duration::from_millis(1500), log },
            "the function did not end within 1500 ms",
        ),
    ];
    for (failure, words) in cases {
        assert_eq!(failure.to_string(), words);
    }
}

#[test]
fn only_what_cannot_change_by_itself_is_final() {
    let answered = |status| Failure::Answered { status, body: String::new() };
    for status in [408, 425, 429, 500, 502, 503] {
        assert!(answered(status).is_transient(), "{status}");
    }
    for status in [301, 400, 401, 403, 404] {
        assert!(!answered(status).is_transient(), "{status}");
    }
    assert!(!Failure::NotFound("no file".into()).is_transient());
    assert!(!Failure::Refused("private address".into()).is_transient());
    assert!(Failure::Unreachable("refused".into()).is_transient());
}
