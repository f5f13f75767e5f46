//! Trying again what may pass.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::client::Trouble;

/// How often something is tried.
const TRIES: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// The longest that a service may ask to be left alone; beyond it the command ends.
const LONGEST_WISH: Duration = Duration::from_mins(5);

/// Tries again what may pass, with pauses that double, or as long as the service asks for.
pub fn persist(
    mut waiting: impl FnMut(&Trouble),
    mut attempt: impl FnMut() -> Result<Value, Trouble>,
    may_pass: impl Fn(&Trouble) -> bool,
) -> Result<Value, Trouble> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match attempt() {
            Err(trouble) if may_pass(&trouble) => {
                let wish = trouble.retry_after().unwrap_or_default();
                if wish > LONGEST_WISH {
                    return Err(trouble);
                }
                waiting(&trouble);
                thread::sleep(pause.max(wish));
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            done => return done,
        }
    }
    attempt()
}
