//! Several clients at once, with the service's threads at work.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use ruleward_core::PolicyAssignmentUpdate;
use ruleward_oracle::{Model, ModelRule};
use ruleward_policy::catalogue;
use ruleward_types::{
    AssignmentState, ErrorCode, PolicyAssignmentId, ResourceType, Result as Outcome,
};
use serde_json::Value;

use crate::inventory;
use crate::product::{Product, START_S, builtin};
use crate::support::{Tape, config};

const CLIENTS: usize = 4;

/// Somebody else was faster: that is fine. Anything else is not.
fn allowed<T>(outcome: Outcome<T>) {
    if let Err(error) = outcome {
        let fine = [ErrorCode::NotFound, ErrorCode::RuleNotDisabled, ErrorCode::RuleDisabled];
        assert!(fine.contains(&error.code()), "{error:?}");
    }
}

/// What clients work on.
struct Ground {
    product: Product,
    rules: Mutex<Vec<PolicyAssignmentId>>,
    /// Whether it is all about rules that look up other resources.
    linked: bool,
}

fn step(ground: &Ground, who: &str, tape: &mut Tape) {
    let Ground { product, rules, linked } = ground;
    let types = if *linked { &inventory::LINKED_TYPES[..] } else { &inventory::TYPES };
    let (service, access) = (&product.service, &product.access);
    let resource =
        |tape: &mut Tape| inventory::resource(tape.pick(types), &inventory::id(tape), tape);
    let known = rules.lock().unwrap().clone();
    let rule = |tape: &mut Tape| (!known.is_empty()).then(|| tape.pick(&known));
    match tape.below(16) {
        0..=5 => product.put(&resource(tape)),
        6 | 7 => {
            let lines: Vec<_> = (0..12).map(|_| resource(tape).to_string()).collect();
            service.put_resources(access, lines.join("\n").as_bytes()).unwrap();
        }
        8 => {
            let (provider, name) = tape.pick(types);
            let kind = ResourceType::new(provider, name);
            allowed(service.delete_resource(access, &inventory::id(tape), Some(&kind)));
        }
        9 | 10 => {
            let (policy, parameters) =
                if *linked { inventory::looking_policy(tape) } else { inventory::policy(tape) };
            let undetermined =
                ["access-keys-rotated", "cts-tracker-exists", "cbr-vault-minimum-retention-check"];
            if undetermined.contains(&policy) {
                // What it cannot determine stands in no list, so it could not be taken over.
                return;
            }
            let mut new = builtin(&format!("{who} {}", tape.left()), policy);
            new.parameters = parameters;
            new.filter = inventory::filter(tape);
            new.filter_v2 = inventory::filter_v2(tape);
            new.tags = inventory::tags(tape);
            match service.create_policy_assignment(access, new) {
                Ok(made) => rules.lock().unwrap().push(made.id),
                Err(error) => assert_eq!(error.code(), ErrorCode::DuplicateName),
            }
        }
        n => {
            let Some(id) = rule(tape) else { return };
            match n {
                11 => {
                    let Ok(stored) = service.policy_assignment(access, &id) else { return };
                    let update = PolicyAssignmentUpdate {
                        kind: None,
                        name: None,
                        description: None,
                        filter: inventory::filter(tape),
                        filter_v2: Some(inventory::filter_v2(tape)),
                        period: None,
                        policy_definition_id: None,
                        custom_policy: None,
                        parameters: stored.parameters,
                        tags: None,
                    };
                    allowed(service.update_policy_assignment(access, &id, update));
                }
                12 => allowed(service.disable_policy_assignment(access, &id)),
                13 => allowed(service.enable_policy_assignment(access, &id)),
                14 => allowed(service.delete_policy_assignment(access, &id)),
                _ => allowed(service.run_evaluation(access, &id)),
            }
        }
    }
}

/// Waits until nothing waits any more.
fn quiesce(product: &Product) {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let pending = product.service.gauges().unwrap().tickets_pending;
        let rules = product.rules();
        if pending == 0 && rules.iter().all(|rule| rule.state != AssignmentState::Evaluating) {
            return;
        }
        assert!(Instant::now() < until, "{pending} tickets wait, {rules:#?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The model of what is there in the end. Verdicts that need not be current, those of disabled
/// rules and of rules that the clock runs, are taken over.
fn model(product: &Product) -> Model {
    let mut model = Model::new(&product.account, START_S);
    let mut stored = product
        .store
        .as_ref()
        .read(|tx| {
            let mut stored = Vec::new();
            for chunk in tx.chunks(product.account.no, None, None, usize::MAX)? {
                tx.scan_chunk(chunk.no, 0, -1, &mut |_, version, body| {
                    stored.push((version, body.to_vec()));
                    Ok(())
                })?;
            }
            Ok(stored)
        })
        .unwrap();
    stored.sort();
    for (_, body) in stored {
        let resource: Value = serde_json::from_slice(&body).unwrap();
        model.put(&resource);
        assert_eq!(model.resource(&Model::key_of(&resource)), Some(&resource));
    }
    for rule in product.rules() {
        let definition = rule.policy_definition_id.as_deref().and_then(|id| catalogue().get(id));
        model.create(ModelRule {
            filter: rule.filter,
            filter_v2: rule.filter_v2,
            parameters: rule.parameters,
            tags: rule.tags,
            period: rule.period,
            ..ModelRule::new(rule.id.as_str(), definition)
        });
        if rule.state == AssignmentState::Disabled {
            model.disable(model.rules.len() - 1);
        }
    }
    model.work_off();
    for rule in model.rules.iter_mut().filter(|rule| !rule.enabled || rule.is_periodic()) {
        rule.states.clear();
    }
    for (id, key, verdict) in product.states(200) {
        let place = model.place(&id).unwrap();
        let taken_over = !model.rules[place].enabled || model.rules[place].is_periodic();
        if taken_over {
            let exists = key.id == model.domain_id || model.resource(&key).is_some();
            assert!(exists, "{key:?} has a state and is gone");
            model.rules[place].states.insert(key, verdict);
        }
    }
    model
}

proptest! {
    #![proptest_config(config(20))]

    #[test]
    fn clients_at_once_leave_what_one_would(
        work in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<u8>(), 1..120), 20..40),
            CLIENTS,
        ),
        linked in any::<bool>(),
    ) {
        let ground = Ground { product: Product::new(), rules: Mutex::default(), linked };
        let product = &ground.product;
        let workers = product.service.start().unwrap();
        std::thread::scope(|scope| {
            for (who, steps) in work.into_iter().enumerate() {
                let ground = &ground;
                scope.spawn(move || {
                    for bytes in steps {
                        step(ground, &format!("client {who}"), &mut Tape::new(bytes));
                    }
                });
            }
        });
        quiesce(product);
        drop(workers);
        let model = model(product);
        product.agrees_with(&model, 5);
        product.recount();
    }
}
