//! Rules as they were decoded, shared by all transactions.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use ruleward_types::{PolicyAssignment, Result};

use super::policy_assignments::decode;

/// Rules that are kept at most.
const KEPT: usize = 4096;

/// Rules by their rows, each with the text that it was decoded from. A rule is what its text says, so
/// only time hangs on what stands here: every snapshot reads the text, and another one is decoded
/// anew.
#[derive(Default)]
pub(super) struct DecodedRules(Mutex<HashMap<i64, Decoded>>);

type Decoded = (Box<str>, Arc<PolicyAssignment>);

impl fmt::Debug for DecodedRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecodedRules")
    }
}

impl DecodedRules {
    /// The rule of a row with this text.
    pub(super) fn get(&self, no: i64, text: &str) -> Result<Arc<PolicyAssignment>> {
        if let Some((known, rule)) = self.0.lock().get(&no)
            && **known == *text
        {
            return Ok(Arc::clone(rule));
        }
        let rule = Arc::new(decode(no, text)?);
        let mut kept = self.0.lock();
        if kept.len() >= KEPT {
            // Those in use come back; which they are is not worth keeping track of.
            kept.clear();
        }
        kept.insert(no, (text.into(), Arc::clone(&rule)));
        Ok(rule)
    }
}
