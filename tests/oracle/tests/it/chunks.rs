//! More resources of one type than one chunk holds.

use ruleward_core::PolicyAssignmentUpdate;
use ruleward_oracle::{Key, Model, ModelRule};
use ruleward_policy::catalogue;
use ruleward_types::{FilterTag, PolicyAssignment, PolicyFilter, PolicyFilterV2, ResourceType};
use serde_json::{Value, json};

use crate::product::{Product, START_S, builtin, same};

fn volume(n: usize, step: usize) -> Value {
    let status = ["in-use", "available", "attaching"][(n + step) % 3];
    json!({
        "id": format!("v-{n}"), "name": "v", "provider": "evs", "type": "volumes",
        "region_id": if n.is_multiple_of(5) { "r1" } else { "r2" },
        "tags": if n.is_multiple_of(2) { json!({"env": "prod"}) } else { json!({}) },
        "properties": {"status": status, "volumeType": "SSD"},
    })
}

struct Both {
    product: Product,
    model: Model,
}

impl Both {
    fn put(&mut self, volumes: impl Iterator<Item = Value>) {
        let mut lines = String::new();
        for volume in volumes {
            self.model.put(&volume);
            lines.push_str(&volume.to_string());
            lines.push('\n');
        }
        let (service, access) = (&self.product.service, &self.product.access);
        assert_eq!(service.put_resources(access, lines.as_bytes()).unwrap().refused, 0);
    }

    fn delete(&mut self, n: usize) {
        let kind = ResourceType::new("evs", "volumes");
        let (service, access) = (&self.product.service, &self.product.access);
        service.delete_resource(access, &format!("v-{n}"), Some(&kind)).unwrap();
        let key = Key { kind: "evs.volumes".to_owned(), id: format!("v-{n}") };
        assert!(self.model.delete(&key));
    }

    fn create(&mut self, name: &str, policy: &str, parameters: &Value) -> PolicyAssignment {
        let parameters = parameters.as_object().unwrap().clone();
        let mut new = builtin(name, policy);
        new.parameters = parameters.clone();
        let rule = self.product.create(new);
        let definition = catalogue().by_name(policy);
        self.model.create(ModelRule { parameters, ..ModelRule::new(rule.id.as_str(), definition) });
        rule
    }

    fn update(&mut self, rule: &PolicyAssignment, filter_v2: PolicyFilterV2) {
        let update = PolicyAssignmentUpdate {
            kind: None,
            name: None,
            description: None,
            filter: PolicyFilter::default(),
            filter_v2: Some(Some(filter_v2.clone())),
            period: None,
            policy_definition_id: None,
            custom_policy: None,
            parameters: rule.parameters.clone(),
            tags: None,
        };
        let (service, access) = (&self.product.service, &self.product.access);
        service.update_policy_assignment(access, &rule.id, update).unwrap();
        let place = self.model.place(rule.id.as_str()).unwrap();
        self.model.rules[place].filter_v2 = Some(filter_v2);
        self.model.updated(place, true);
    }

    fn work_off(&mut self) {
        self.product.service.work_off().unwrap();
        self.model.work_off();
    }

    fn agree(&self, limit: usize) {
        same("states", &self.product.states(limit), &self.model.states());
        self.product.summaries_agree_with(&self.model, limit);
    }
}

#[test]
fn two_chunks_and_more() {
    let product = Product::new();
    let model = Model::new(&product.account, START_S);
    let mut both = Both { product, model };
    both.create("unused", "volume-unused-check", &json!({}));
    both.put((0..4100).map(|n| volume(n, 0)));
    both.agree(200);
    let tagged = both.create("tagged", "required-tag-check", &json!({"specifiedTagKey": "env"}));
    // Between the rule and its run resources come, change and go.
    for n in (0..4100).step_by(97).chain([4094, 4096, 4098]) {
        both.delete(n);
    }
    both.put((4090..4300).map(|n| volume(n, 1)));
    both.agree(1000);
    both.work_off();
    both.agree(4096);
    let states = |both: &Both| both.product.states(200).len();
    assert_eq!(states(&both), 2 * both.model.keys().len());
    both.update(
        &tagged,
        PolicyFilterV2 {
            region_ids: vec!["r1".to_owned()],
            exclude_tags: vec![FilterTag {
                key: "env".to_owned(),
                values: vec!["prod".to_owned()],
            }],
            ..PolicyFilterV2::default()
        },
    );
    both.put((0..300).map(|n| volume(n, 2)));
    both.agree(200);
    both.work_off();
    both.agree(199);
    both.product.recount();
    both.product = both.product.reopen();
    both.agree(4097);
}

#[test]
fn look_ups_from_more_than_one_chunk() {
    let product = Product::new();
    let model = Model::new(&product.account, START_S);
    let mut both = Both { product, model };
    let vault = |held: std::ops::Range<usize>| {
        let held: Vec<_> = held.map(|n| json!({"id": format!("v-{n}")})).collect();
        json!({"id": "b", "provider": "cbr", "type": "vault", "properties": {"resources": held}})
    };
    both.put((0..4200).map(|n| volume(n, 0)));
    both.create("backup", "evs-protected-by-cbr", &json!({}));
    // Between the rule and its run, then between runs.
    both.put(std::iter::once(vault(4090..4100)));
    both.agree(200);
    for held in [4095..4099, 10..20] {
        both.work_off();
        both.agree(1000);
        let rule = &both.product.rules()[0];
        assert_eq!(rule.state, ruleward_types::AssignmentState::Enabled);
        both.put(std::iter::once(vault(held)));
        both.agree(1000);
    }
    both.delete(15);
    both.put((4150..4250).map(|n| volume(n, 1)));
    both.agree(1000);
    both.work_off();
    both.agree(1000);
    both.product.recount();
}
