//! A world for the tests, and short ways to run a rule.

use std::collections::HashMap;
use std::sync::Arc;

use ruleward_policy::{Environment, Outcome, Policy, Program, ProgramSet, Scratch};
use serde_json::{Map, Value, json};

/// Everything that a rule may ask for.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) now_ms: i64,
    pub(crate) recorder: Option<bool>,
    pub(crate) account: Option<Value>,
    pub(crate) inventory: HashMap<String, Arc<[Arc<[u8]>]>>,
}

impl World {
    pub(crate) fn with(mut self, provider_type: &str, resources: &Value) -> Self {
        let bodies = resources.as_array().unwrap().iter();
        let bodies = bodies.map(|body| body.to_string().into_bytes().into()).collect();
        self.inventory.insert(provider_type.to_owned(), bodies);
        self
    }
}

impl Environment for World {
    fn now_ms(&self) -> i64 {
        self.now_ms
    }

    fn recorder_enabled(&self) -> Option<bool> {
        self.recorder
    }

    fn account(&self) -> Option<Arc<[u8]>> {
        Some(self.account.as_ref()?.to_string().into_bytes().into())
    }

    fn resources(&self, provider_type: &str) -> Result<Arc<[Arc<[u8]>]>, String> {
        self.inventory.get(provider_type).cloned().ok_or_else(|| "not available".to_owned())
    }
}

pub(crate) fn compile(rule: &Value, parameters: &Value) -> Arc<Program> {
    let none = Map::new();
    let parameters = parameters.as_object().unwrap_or(&none);
    Arc::new(Policy::parse(&rule.to_string()).unwrap().compile(parameters).unwrap())
}

pub(crate) fn run(program: &Arc<Program>, resource: &[u8], world: &World) -> Outcome {
    let mut out = Vec::new();
    ProgramSet::new(std::slice::from_ref(program)).evaluate(
        &mut Scratch::new(),
        resource,
        world,
        &mut out,
    );
    assert_eq!(out.len(), 1);
    out[0]
}

/// Is the expression `true` for the resource?
pub(crate) fn holds(expression: &str, resource: &Value, world: &World) -> Outcome {
    let rule = json!({
        "value": format!("${{{expression}}}"), "comparator": "equals", "pattern": true
    });
    run(&compile(&rule, &Value::Null), resource.to_string().as_bytes(), world)
}
