//! Compiled programs, shared by all rules that mean the same: an organization's rule is one
//! program, however many members have it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Weak};

use parking_lot::Mutex;
use ruleward_policy::{PolicyDefinition, Program};
use ruleward_types::{Error, Result};
use serde_json::{Map, Value};

/// A definition's content, and parameters as text.
type Meaning = (String, String);

/// So many programs that were made last are held here as well: each version of an account's rules has
/// nearly all of the one before, which may be gone when it is compiled.
const LATEST: usize = 256;

/// Programs that somebody holds. Compiling is a pure function of the meaning, so that nothing
/// but time hangs on what stands here.
static PROGRAMS: LazyLock<Mutex<Programs>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Programs {
    known: HashMap<Meaning, Weak<Program>>,
    latest: VecDeque<Arc<Program>>,
    /// When the dead are swept out next.
    sweep_at: usize,
}

/// The program of a definition with its parameters bound.
pub(super) fn compiled(
    definition: &PolicyDefinition,
    parameters: &Map<String, Value>,
) -> Result<Arc<Program>> {
    let text = serde_json::to_string(parameters).map_err(|e| Error::internal("parameters", e))?;
    let meaning = (definition.content_hash.clone(), text);
    if let Some(program) = PROGRAMS.lock().known.get(&meaning).and_then(Weak::upgrade) {
        return Ok(program);
    }
    let failed = |e: &dyn std::fmt::Display| Error::internal("compile a rule", e);
    let bound = definition.bind_parameters(parameters).map_err(|e| failed(&e))?;
    let program = Arc::new(definition.policy.compile(&bound).map_err(|e| failed(&e))?);
    PROGRAMS.lock().keep(meaning, &program);
    Ok(program)
}

impl Programs {
    fn keep(&mut self, meaning: Meaning, program: &Arc<Program>) {
        const LEAST: usize = 2 * LATEST;
        self.latest.push_back(Arc::clone(program));
        if self.latest.len() > LATEST {
            self.latest.pop_front();
        }
        if self.known.len() >= self.sweep_at.max(LEAST) {
            self.known.retain(|_, program| program.strong_count() > 0);
            self.sweep_at = self.known.len() * 2;
        }
        self.known.insert(meaning, Arc::downgrade(program));
    }
}

#[cfg(test)]
mod tests {
    use ruleward_policy::catalogue;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_meaning_is_one_program() {
        let definition = catalogue().by_name("ecs-instance-in-vpc").unwrap();
        let of =
            |vpc: &str| compiled(definition, json!({"vpcId": vpc}).as_object().unwrap()).unwrap();
        let (first, second, other) = (of("a"), of("a"), of("b"));
        assert!(Arc::ptr_eq(&first, &second) && !Arc::ptr_eq(&first, &other));
        let wrong = compiled(definition, json!({"vpcId": 7}).as_object().unwrap());
        assert!(wrong.is_err());
    }

    #[test]
    fn what_nobody_holds_is_swept_out() {
        let definition = catalogue().by_name("ecs-instance-in-vpc").unwrap();
        for n in 0..2000 {
            compiled(definition, json!({"vpcId": n.to_string()}).as_object().unwrap()).unwrap();
        }
        assert!(PROGRAMS.lock().known.len() < 4 * LATEST);
    }
}
