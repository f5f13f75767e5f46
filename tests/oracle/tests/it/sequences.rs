//! Random sequences of changes, one after the other, against the model. After every step the
//! product has to say exactly what the model says: also before the work that waits is done.

use proptest::prelude::*;
use ruleward_core::{NewPolicyAssignment, PolicyAssignmentUpdate, ReportedState};
use ruleward_oracle::{Key, Model, ModelRule, Put};
use ruleward_policy::catalogue;
use ruleward_types::{
    AssignmentKind, ComplianceState, CustomPolicy, ErrorCode, PolicyAssignmentId, PolicyFilter,
    PolicyFilterV2, Recorder, ResourceType, TriggerType, WriteOutcome,
};
use serde_json::{Map, Value};

use crate::inventory::{self, LINKED_TYPES, TYPES};
use crate::product::{Product, START_S, builtin};
use crate::support::{Tape, config};

struct Run {
    /// Whether it is all about rules that look up other resources.
    linked: bool,
    product: Product,
    model: Model,
    made: usize,
    log: Log,
}

/// The steps, told when a test fails.
#[derive(Default)]
struct Log(Vec<String>);

impl Drop for Log {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0.join("\n"));
        }
    }
}

impl Run {
    fn new(linked: bool) -> Self {
        let product = Product::new();
        let model = Model::new(&product.account, START_S);
        Self { linked, product, model, made: 0, log: Log::default() }
    }

    fn resource(&self, tape: &mut Tape) -> Value {
        let types = if self.linked { &LINKED_TYPES[..] } else { &TYPES };
        inventory::resource(tape.pick(types), &inventory::id(tape), tape)
    }

    fn note(&mut self, step: impl Into<String>) {
        self.log.0.push(step.into());
    }

    fn put(&mut self, resource: &Value) {
        self.note(format!("put {resource}"));
        let id = resource["id"].as_str().unwrap();
        let (service, access) = (&self.product.service, &self.product.access);
        let text = resource.to_string();
        let (outcome, body) = service.put_resource(access, id, None, text.as_bytes()).unwrap();
        let expected = match self.model.put(resource) {
            Put::Created => WriteOutcome::Created,
            Put::Changed => WriteOutcome::Changed,
            Put::Unchanged => WriteOutcome::Unchanged,
        };
        assert_eq!(outcome, expected);
        let stored = self.model.resource(&Model::key_of(resource));
        assert_eq!(serde_json::from_slice::<Value>(&body).ok().as_ref(), stored);
    }

    fn put_many(&mut self, tape: &mut Tape) {
        let (mut lines, mut resources) = (Vec::new(), Vec::new());
        let (mut created, mut changed, mut unchanged, mut refused) = (0, 0, 0, 0);
        for _ in 0..tape.below(9) {
            let resource = self.resource(tape);
            if tape.once_in(9) {
                lines.push(resource.to_string().replace("\"type\"", "\"kind\""));
                refused += 1;
                continue;
            }
            lines.push(resource.to_string());
            resources.push(resource);
        }
        // A batch is one change. Which of two resources of one id is then the later one is not
        // said; the product goes by type, then by id.
        for resource in &resources {
            self.model.spell(resource);
        }
        resources.sort_by_key(Model::key_of);
        for resource in &resources {
            match self.model.put(resource) {
                Put::Created => created += 1,
                Put::Changed => changed += 1,
                Put::Unchanged => unchanged += 1,
            }
        }
        self.note(format!("put many {lines:#?}"));
        let body =
            if tape.below(2) == 0 { lines.join("\n") } else { format!("[{}]", lines.join(",")) };
        let (service, access) = (&self.product.service, &self.product.access);
        let report = service.put_resources(access, body.as_bytes()).unwrap();
        assert_eq!(
            (report.created, report.changed, report.unchanged, report.refused),
            (created, changed, unchanged, refused)
        );
    }

    fn delete(&mut self, key: &Key) {
        self.note(format!("delete {key:?}"));
        let kind = ResourceType::parse(&key.kind).unwrap();
        let (service, access) = (&self.product.service, &self.product.access);
        let found = service.delete_resource(access, &key.id, Some(&kind));
        let was_there = self.model.delete(key);
        assert_eq!(found.is_ok(), was_there, "{found:?}");
    }

    fn existing(&self, tape: &mut Tape) -> Option<Key> {
        let keys = self.model.keys();
        if keys.is_empty() { None } else { Some(tape.pick(&keys)) }
    }

    fn create(&mut self, tape: &mut Tape) {
        self.made += 1;
        let name = format!("rule {}", self.made);
        let new = if tape.once_in(5) {
            custom(&name, tape)
        } else {
            let (policy, parameters) =
                if self.linked { inventory::looking_policy(tape) } else { inventory::policy(tape) };
            let narrowed = !self.linked || tape.once_in(4);
            NewPolicyAssignment {
                parameters,
                filter: if narrowed { inventory::filter(tape) } else { PolicyFilter::default() },
                filter_v2: if narrowed { inventory::filter_v2(tape) } else { None },
                period: inventory::period(tape),
                tags: inventory::tags(tape),
                ..builtin(&name, policy)
            }
        };
        self.note(format!("create {new:?}"));
        let (service, access) = (&self.product.service, &self.product.access);
        let made = service.create_policy_assignment(access, new.clone());
        if !self.model.recorder {
            assert_eq!(made.unwrap_err().code(), ErrorCode::RecorderOff);
            return;
        }
        let made = made.unwrap();
        let definition = new.policy_definition_id.and_then(|id| catalogue().get(&id));
        self.model.create(ModelRule {
            filter: new.filter,
            filter_v2: new.filter_v2,
            parameters: new.parameters,
            tags: new.tags,
            period: new.period,
            ..ModelRule::new(made.id.as_str(), definition)
        });
    }

    fn update(&mut self, place: usize, tape: &mut Tape) {
        let id = self.id(place);
        let stored = self.model.rules[place].clone();
        let narrow = tape.below(3);
        let filter = if narrow == 0 { stored.filter.clone() } else { inventory::filter(tape) };
        let filter_v2: Option<Option<PolicyFilterV2>> = match (narrow, &stored.definition) {
            (0 | 1, _) => None,
            _ => Some(inventory::filter_v2(tape)),
        };
        let mut parameters = stored.parameters.clone();
        if tape.below(2) == 0
            && let Some(definition) = stored.definition
            && let Some(other) = other_parameters(&definition.name, tape)
        {
            parameters = other;
        }
        let update = PolicyAssignmentUpdate {
            kind: Some(match stored.definition {
                Some(_) => AssignmentKind::Builtin,
                None => AssignmentKind::Custom,
            }),
            name: None,
            description: Some("changed".to_owned()),
            filter: filter.clone(),
            filter_v2: filter_v2.clone(),
            // A period would make a custom rule periodic.
            period: stored.definition.and_then(|_| inventory::period(tape)),
            policy_definition_id: None,
            custom_policy: None,
            parameters: parameters.clone(),
            tags: if tape.below(2) == 0 { None } else { Some(inventory::tags(tape)) },
        };
        self.note(format!("update {id} {update:?}"));
        let (service, access) = (&self.product.service, &self.product.access);
        let updated = service.update_policy_assignment(access, &id, update.clone());
        if !self.model.recorder {
            assert_eq!(updated.unwrap_err().code(), ErrorCode::RecorderOff);
            return;
        }
        let updated = updated.unwrap();
        let rule = &mut self.model.rules[place];
        rule.filter = filter;
        rule.filter_v2 = filter_v2.unwrap_or(stored.filter_v2.clone());
        rule.parameters = parameters;
        rule.period = update.period;
        rule.tags = update.tags.unwrap_or(stored.tags);
        assert_eq!(updated.filter_v2, rule.filter_v2);
        assert_eq!(updated.tags, rule.tags);
        let changed = rule.filter != stored.filter
            || rule.filter_v2 != stored.filter_v2
            || rule.parameters != stored.parameters;
        self.model.updated(place, changed);
    }

    fn id(&self, place: usize) -> PolicyAssignmentId {
        self.model.rules[place].id.parse().unwrap()
    }

    fn enable(&mut self, place: usize) {
        let id = self.id(place);
        self.note(format!("enable {id}"));
        let enabled = self.product.service.enable_policy_assignment(&self.product.access, &id);
        if self.model.recorder {
            enabled.unwrap();
            self.model.enable(place);
        } else {
            assert_eq!(enabled.unwrap_err().code(), ErrorCode::RecorderOff);
        }
    }

    fn disable(&mut self, place: usize) {
        let id = self.id(place);
        self.note(format!("disable {id}"));
        self.product.service.disable_policy_assignment(&self.product.access, &id).unwrap();
        self.model.disable(place);
    }

    fn delete_rule(&mut self, place: usize) {
        let id = self.id(place);
        self.note(format!("delete {id}"));
        let deleted = self.product.service.delete_policy_assignment(&self.product.access, &id);
        let rule = &self.model.rules[place];
        if rule.enabled && !rule.running {
            assert_eq!(deleted.unwrap_err().code(), ErrorCode::RuleNotDisabled);
        } else {
            deleted.unwrap();
            self.model.rules.remove(place);
        }
    }

    fn run_evaluation(&mut self, place: usize) {
        let id = self.id(place);
        self.note(format!("run {id}"));
        let started = self.product.service.run_evaluation(&self.product.access, &id);
        if !self.model.recorder {
            assert_eq!(started.unwrap_err().code(), ErrorCode::RecorderOff);
        } else if self.model.rules[place].enabled {
            started.unwrap();
            self.model.run(place);
        } else {
            assert_eq!(started.unwrap_err().code(), ErrorCode::RuleDisabled);
        }
    }

    fn set_recorder(&mut self, on: bool) {
        self.note(format!("recorder {on}"));
        let domain_id = &self.product.account.domain_id;
        self.product.service.set_recorder(domain_id, Recorder::switched(on)).unwrap();
        self.model.set_recorder(on);
    }

    fn advance(&mut self, tape: &mut Tape) {
        // A minute more each time, so that no moment is ever just the one that is due.
        let seconds = 60 + 3600 * tape.pick(&[1, 2, 5, 12, 40, 400]);
        self.note(format!("advance {seconds} s, run what is due"));
        self.product.clock.advance(seconds);
        self.model.now_s += seconds;
        self.product.service.run_due_rules().unwrap();
        self.model.run_due();
    }

    fn report(&mut self, tape: &mut Tape) {
        let customs: Vec<usize> = (0..self.model.rules.len())
            .filter(|place| self.model.rules[*place].definition.is_none())
            .collect();
        let recorded = self.model.recorded_keys();
        if recorded.is_empty() {
            return;
        }
        let key = tape.pick(&recorded);
        let alone = recorded.iter().filter(|of| of.id == key.id).count() == 1;
        if customs.is_empty() || !self.model.recorder || !alone {
            return;
        }
        let place = tape.pick(&customs);
        let id = self.id(place);
        let state = tape.pick(&[ComplianceState::Compliant, ComplianceState::NonCompliant]);
        self.note(format!("report {id} {key:?} {state:?}"));
        let (service, access) = (&self.product.service, &self.product.access);
        self.product.clock.advance(1);
        self.model.now_s += 1;
        let event = service.evaluation_event(access, &id, Some(&key.id));
        if !self.model.asks_about(place, &key) {
            assert!(event.is_err(), "{event:?}");
            return;
        }
        let event = event.unwrap();
        let reported = ReportedState {
            policy_assignment_id: id,
            trigger_type: TriggerType::Resource,
            compliance_state: state,
            evaluation_time_ms: event["evaluation_time"].as_i64().unwrap(),
            evaluation_hash: event["evaluation_hash"].as_str().unwrap().to_owned(),
            resource_id: Some(key.id.clone()),
            resource_provider: None,
            resource_type: None,
        };
        let accepted = service.report_policy_state(access, reported);
        if !self.model.rules[place].enabled {
            assert_eq!(accepted.unwrap_err().code(), ErrorCode::RuleDisabled);
            return;
        }
        assert_eq!(accepted.unwrap().compliance_state, state);
        let verdict = crate::product::verdict(state);
        self.model.reported(place, &key, verdict);
    }

    fn work_off(&mut self) {
        self.note("work off");
        self.product.service.work_off().unwrap();
        self.model.work_off();
        assert_eq!(self.product.service.gauges().unwrap().tickets_pending, 0);
    }

    fn step(mut self, tape: &mut Tape) -> Self {
        let rules = self.model.rules.len();
        let place = |tape: &mut Tape| (rules > 0).then(|| tape.below(rules));
        match tape.below(25) {
            0..=3 => {
                let resource = self.resource(tape);
                self.put(&resource);
            }
            4 | 5 => {
                if let Some(key) = self.existing(tape) {
                    let stored = self.model.resource(&key).unwrap();
                    let resource = inventory::retagged(stored, tape);
                    self.put(&resource);
                }
            }
            6 => {
                if let Some(key) = self.existing(tape) {
                    self.delete(&key);
                }
            }
            7 | 8 => self.put_many(tape),
            9..=11 => self.create(tape),
            n @ 12..=18 => {
                if let Some(place) = place(tape) {
                    match n {
                        12 | 13 => self.update(place, tape),
                        14 => self.disable(place),
                        15 => self.enable(place),
                        16 => self.delete_rule(place),
                        _ => self.run_evaluation(place),
                    }
                }
            }
            19 => {
                // On again soon: little can be done while it is off.
                let on = !self.model.recorder || !tape.once_in(3);
                self.set_recorder(on);
            }
            20 => self.advance(tape),
            21 | 22 => self.report(tape),
            23 if tape.once_in(3) => {
                self.note("reopen");
                return Self { product: self.product.reopen(), ..self };
            }
            _ => self.work_off(),
        }
        self
    }
}

fn custom(name: &str, tape: &mut Tape) -> NewPolicyAssignment {
    NewPolicyAssignment {
        kind: AssignmentKind::Custom,
        policy_definition_id: None,
        custom_policy: Some(CustomPolicy {
            function_urn: "urn:fss:r1:1:function:default:check".to_owned(),
            auth_type: "agency".to_owned(),
            auth_value: Map::new(),
        }),
        filter: inventory::filter(tape),
        filter_v2: inventory::filter_v2(tape),
        tags: inventory::tags(tape),
        ..builtin(name, "volume-unused-check")
    }
}

/// Other parameters for the same policy.
fn other_parameters(name: &str, tape: &mut Tape) -> Option<Map<String, Value>> {
    (0..20).map(|_| inventory::policy(tape)).find(|(of, _)| *of == name).map(|(_, of)| of)
}

fn steps() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 1..48), 1..50)
}

fn run(linked: bool, steps: Vec<Vec<u8>>) {
    let mut run = Run::new(linked);
    for bytes in steps {
        let limit = 1 + bytes.len() % 5;
        if linked && bytes.len() % 3 == 0 {
            run.work_off();
        }
        run = run.step(&mut Tape::new(bytes));
        run.product.agrees_with(&run.model, limit);
    }
    run.work_off();
    run.product.agrees_with(&run.model, 3);
    run.product.recount();
    // With the recorder on, enabled rules that changes trigger say what they would say anew.
    if run.model.recorder {
        run.model = run.model.fresh_where_current();
        run.product.agrees_with(&run.model, 200);
    }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn any_sequence_leaves_what_the_model_says(steps in steps()) {
        run(false, steps);
    }

    #[test]
    fn changes_reach_those_that_look_them_up(steps in steps()) {
        run(true, steps);
    }
}
