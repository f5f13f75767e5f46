//! The life of a rule: what is refused and with which code, what an update keeps.

use ruleward_core::{NewPolicyAssignment, PolicyAssignmentQuery, PolicyAssignmentUpdate};
use ruleward_types::{
    AssignmentKind, AssignmentState, ErrorCode, Period, PolicyAssignment, PolicyAssignmentId,
    PolicyFilter, PolicyFilterV2, RunState, RunTrigger, Tag,
};
use serde_json::json;

use crate::support::{House, builtin, code, custom, first_page, volume};

fn unused(name: &str) -> NewPolicyAssignment {
    builtin(name, "volume-unused-check")
}

fn update() -> PolicyAssignmentUpdate {
    PolicyAssignmentUpdate {
        kind: None,
        name: None,
        description: None,
        filter: PolicyFilter::default(),
        filter_v2: None,
        period: None,
        policy_definition_id: None,
        custom_policy: None,
        parameters: serde_json::Map::new(),
        tags: None,
    }
}

#[test]
fn refusals_of_create() {
    let house = House::with_quota(2);
    let create = |new| house.service.create_policy_assignment(&house.access, new);
    let unknown = Some("000000000000000000000000".to_owned());
    assert_eq!(
        code(create(NewPolicyAssignment { policy_definition_id: unknown, ..unused("a") })),
        ErrorCode::DefinitionUnknown
    );
    assert_eq!(
        code(create(NewPolicyAssignment { policy_definition_id: None, ..unused("a") })),
        ErrorCode::InvalidParameter
    );
    assert_eq!(
        code(create(NewPolicyAssignment { custom_policy: None, ..custom("a") })),
        ErrorCode::InvalidParameter
    );
    for parameters in [json!({}), json!({"vpcId": 7}), json!({"vpcId": "v", "more": 1})] {
        let parameters = parameters.as_object().unwrap().clone();
        let new = NewPolicyAssignment { parameters, ..builtin("a", "ecs-instance-in-vpc") };
        assert_eq!(code(create(new)), ErrorCode::ParameterIllegal);
    }
    house.recorder(false);
    assert_eq!(code(create(unused("a"))), ErrorCode::RecorderOff);
    house.recorder(true);
    create(unused("a")).unwrap();
    assert_eq!(code(create(unused("a"))), ErrorCode::DuplicateName);
    let made = create(unused("b")).unwrap();
    assert_eq!(code(create(unused("c"))), ErrorCode::QuotaExceeded);
    house.service.disable_policy_assignment(&house.access, &made.id).unwrap();
    assert_eq!(code(create(unused("c"))), ErrorCode::QuotaExceeded, "a disabled one counts");
    house.service.delete_policy_assignment(&house.access, &made.id).unwrap();
    create(unused("b")).unwrap();
    // A refused rule leaves nothing behind.
    let all = house.service.policy_assignments(
        &house.access,
        &PolicyAssignmentQuery::default(),
        first_page(),
    );
    let names: Vec<_> = all.unwrap().items.into_iter().map(|rule| rule.name.clone()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn the_same_name_in_another_account_is_fine() {
    let house = House::new();
    house.create(unused("a"));
    let recorder = ruleward_types::Recorder::ON;
    let other = house.service.create_account("other", None, recorder).unwrap();
    let access = ruleward_core::Access::operator(&other);
    let made = house.service.create_policy_assignment(&access, unused("a")).unwrap();
    // And each account sees its own only.
    assert_eq!(code(house.service.policy_assignment(&house.access, &made.id)), ErrorCode::NotFound);
    assert_eq!(
        code(house.service.disable_policy_assignment(&house.access, &made.id)),
        ErrorCode::NotFound
    );
}

#[test]
fn an_unknown_rule_is_not_found() {
    let house = House::new();
    let id: PolicyAssignmentId = "5fb76a24aa1e6afc05a3d0a7".parse().unwrap();
    let (service, access) = (&house.service, &house.access);
    let page = first_page();
    let query = ruleward_types::StateQuery::default();
    for found in [
        code(service.policy_assignment(access, &id)),
        code(service.update_policy_assignment(access, &id, update())),
        code(service.delete_policy_assignment(access, &id)),
        code(service.enable_policy_assignment(access, &id)),
        code(service.disable_policy_assignment(access, &id)),
        code(service.run_evaluation(access, &id)),
        code(service.evaluation_state(access, &id)),
        code(service.policy_states_by_assignment(access, &id, &query, page)),
        code(service.summary_by_assignment(access, &id, None)),
        code(service.evaluation_event(access, &id, None)),
        code(service.explanation(access, &id, "v", None)),
    ] {
        assert_eq!(found, ErrorCode::NotFound);
    }
}

#[test]
fn a_life() {
    let house = House::new();
    let (service, access) = (&house.service, &house.access);
    house.put(&volume("v", "available"));
    let rule = service.create_policy_assignment(access, unused("a")).unwrap();
    assert_eq!(rule.state, AssignmentState::Evaluating);
    assert_eq!(rule.created, rule.updated);
    assert_eq!(rule.id.as_str().len(), 24);
    assert!(rule.id.as_str().starts_with(&format!("{:08x}", rule.created.seconds())));
    let (_, run) = service.evaluation_state(access, &rule.id).unwrap();
    assert_eq!((run.state, run.trigger), (RunState::Running, RunTrigger::Created));
    service.work_off().unwrap();
    assert_eq!(house.rule(&rule).state, AssignmentState::Enabled);
    let (_, run) = service.evaluation_state(access, &rule.id).unwrap();
    assert_eq!(
        (run.state, run.chunks, run.chunks_done, run.judged),
        (RunState::Succeeded, 1, 1, 1)
    );
    assert!(run.ended.is_some_and(|ended| ended >= run.started));
    assert_eq!(house.states(), [("a".to_owned(), "v".to_owned(), "NonCompliant")]);

    assert_eq!(
        code(service.delete_policy_assignment(access, &rule.id)),
        ErrorCode::RuleNotDisabled
    );
    service.disable_policy_assignment(access, &rule.id).unwrap();
    service.disable_policy_assignment(access, &rule.id).unwrap();
    assert_eq!(house.rule(&rule).state, AssignmentState::Disabled);
    assert_eq!(code(service.run_evaluation(access, &rule.id)), ErrorCode::RuleDisabled);
    // The last states stay readable and do not count.
    assert_eq!(house.states().len(), 1);
    assert!(service.summary_by_domain(access, &[]).unwrap().resources.is_zero());
    house.put(&volume("v", "in-use"));
    assert_eq!(house.states(), [("a".to_owned(), "v".to_owned(), "NonCompliant")]);
    // An update leaves it disabled.
    let updated = service.update_policy_assignment(access, &rule.id, update()).unwrap();
    assert_eq!(updated.state, AssignmentState::Disabled);

    service.enable_policy_assignment(access, &rule.id).unwrap();
    service.enable_policy_assignment(access, &rule.id).unwrap();
    service.work_off().unwrap();
    assert_eq!(house.states(), [("a".to_owned(), "v".to_owned(), "Compliant")]);
    service.run_evaluation(access, &rule.id).unwrap();
    service.disable_policy_assignment(access, &rule.id).unwrap();
    service.delete_policy_assignment(access, &rule.id).unwrap();
    assert_eq!(house.states(), []);
    assert_eq!(code(service.policy_assignment(access, &rule.id)), ErrorCode::NotFound);
    // The name is free again.
    house.create(unused("a"));
}

#[test]
fn a_rule_that_is_evaluating_can_be_deleted() {
    let house = House::new();
    let (service, access) = (&house.service, &house.access);
    house.put(&volume("v", "available"));
    let rule = service.create_policy_assignment(access, unused("a")).unwrap();
    assert_eq!(rule.state, AssignmentState::Evaluating);
    service.delete_policy_assignment(access, &rule.id).unwrap();
    service.work_off().unwrap();
    assert_eq!(house.states(), []);
    assert!(service.summary_by_domain(access, &[]).unwrap().resources.is_zero());
}

#[test]
fn a_run_joins_the_one_that_is_going_on() {
    let house = House::new();
    let (service, access) = (&house.service, &house.access);
    house.put(&volume("v", "available"));
    let rule = service.create_policy_assignment(access, unused("a")).unwrap();
    let (_, before) = service.evaluation_state(access, &rule.id).unwrap();
    service.run_evaluation(access, &rule.id).unwrap();
    assert_eq!(service.evaluation_state(access, &rule.id).unwrap().1, before);
    // Disabling ends it.
    service.disable_policy_assignment(access, &rule.id).unwrap();
    let (_, after) = service.evaluation_state(access, &rule.id).unwrap();
    assert_eq!((after.no, after.state), (before.no, RunState::Cancelled));
    service.work_off().unwrap();
    assert_eq!(house.states(), []);
}

#[test]
fn with_the_recorder_off_one_can_only_look_and_switch_off() {
    let house = House::new();
    let (service, access) = (&house.service, &house.access);
    house.put(&volume("v", "available"));
    let rule = house.create(unused("a"));
    let other = house.create(unused("b"));
    service.disable_policy_assignment(access, &other.id).unwrap();
    house.recorder(false);
    for refused in [
        code(service.update_policy_assignment(access, &rule.id, update())),
        code(service.enable_policy_assignment(access, &other.id)),
        code(service.run_evaluation(access, &rule.id)),
    ] {
        assert_eq!(refused, ErrorCode::RecorderOff);
    }
    house.put(&volume("v", "in-use"));
    house.put(&volume("w", "available"));
    let before = [
        ("a".to_owned(), "v".to_owned(), "NonCompliant"),
        ("b".to_owned(), "v".to_owned(), "NonCompliant"),
    ];
    assert_eq!(house.states(), before);
    service.delete_policy_assignment(access, &other.id).unwrap();
    house.recorder(true);
    service.work_off().unwrap();
    let after = [
        ("a".to_owned(), "v".to_owned(), "Compliant"),
        ("a".to_owned(), "w".to_owned(), "NonCompliant"),
    ];
    assert_eq!(house.states(), after);
    service.disable_policy_assignment(access, &rule.id).unwrap();
}

fn narrow() -> PolicyFilterV2 {
    PolicyFilterV2 { resource_ids: vec!["v".to_owned()], ..PolicyFilterV2::default() }
}

fn full(house: &House) -> PolicyAssignment {
    house.create(NewPolicyAssignment {
        description: Some("words".to_owned()),
        filter: PolicyFilter { region_id: Some("r1".to_owned()), ..PolicyFilter::default() },
        filter_v2: Some(narrow()),
        tags: vec![Tag { key: "team".to_owned(), value: "red".to_owned() }],
        ..unused("a")
    })
}

#[test]
fn an_update_keeps_what_it_does_not_name_and_replaces_the_rest() {
    let house = House::new();
    let (service, access) = (&house.service, &house.access);
    let rule = full(&house);
    house.clock.advance(5);
    let updated = service.update_policy_assignment(access, &rule.id, update()).unwrap();
    assert_eq!((updated.name.as_str(), updated.description), ("a", None));
    assert_eq!(updated.filter, PolicyFilter::default());
    assert_eq!(updated.filter_v2, Some(narrow()));
    assert_eq!(updated.tags, rule.tags);
    assert_eq!(updated.created, rule.created);
    assert!(updated.updated > rule.updated);
    let removing = PolicyAssignmentUpdate {
        name: Some("z".to_owned()),
        filter_v2: Some(None),
        tags: Some(Vec::new()),
        ..update()
    };
    let updated = service.update_policy_assignment(access, &rule.id, removing).unwrap();
    assert_eq!((updated.name.as_str(), updated.filter_v2), ("z", None));
    assert!(updated.tags.is_empty());
    house.create(unused("a"));
    let taken = PolicyAssignmentUpdate { name: Some("a".to_owned()), ..update() };
    assert_eq!(
        code(service.update_policy_assignment(access, &rule.id, taken)),
        ErrorCode::DuplicateName
    );
    assert_eq!(house.rule(&rule).name, "z");
}

#[test]
fn the_policy_of_a_rule_stays() {
    let house = House::new();
    let (service, access) = (&house.service, &house.access);
    let rule = house.create(unused("a"));
    let function = house.create(custom("b"));
    let refused = |id, update| code(service.update_policy_assignment(access, id, update));
    let other = builtin("x", "eip-unbound-check").policy_definition_id;
    let update_to = PolicyAssignmentUpdate { policy_definition_id: other, ..update() };
    assert_eq!(refused(&rule.id, update_to), ErrorCode::RuleImmutable);
    let kind = Some(AssignmentKind::Custom);
    assert_eq!(
        refused(&rule.id, PolicyAssignmentUpdate { kind, ..update() }),
        ErrorCode::RuleImmutable
    );
    // An absent kind is builtin.
    assert_eq!(refused(&function.id, update()), ErrorCode::RuleImmutable);
    let updated = service
        .update_policy_assignment(access, &function.id, PolicyAssignmentUpdate { kind, ..update() })
        .unwrap();
    assert_eq!(updated.custom_policy, function.custom_policy);
    let parameters = json!({"x": 1}).as_object().unwrap().clone();
    assert_eq!(
        refused(&rule.id, PolicyAssignmentUpdate { parameters, ..update() }),
        ErrorCode::ParameterIllegal
    );
}

#[test]
fn lists_are_exact_and_paged() {
    let house = House::new();
    for name in ["a", "ab", "b"] {
        house.create(unused(name));
    }
    house.create(builtin("c", "eip-unbound-check"));
    let list = |query: PolicyAssignmentQuery| {
        let paged = house.service.policy_assignments(&house.access, &query, first_page()).unwrap();
        paged.items.into_iter().map(|rule| rule.name.clone()).collect::<Vec<_>>()
    };
    let query = PolicyAssignmentQuery { name: Some("a".to_owned()), ..Default::default() };
    assert_eq!(list(query), ["a"]);
    let policy_definition_id = builtin("x", "eip-unbound-check").policy_definition_id;
    let query = PolicyAssignmentQuery { policy_definition_id, ..Default::default() };
    assert_eq!(list(query), ["c"]);
    let mut page = first_page();
    page.limit = 3;
    let query = PolicyAssignmentQuery::default();
    let first = house.service.policy_assignments(&house.access, &query, page).unwrap();
    assert_eq!(first.items.len(), 3);
    page.after = first.next;
    let second = house.service.policy_assignments(&house.access, &query, page).unwrap();
    assert_eq!((second.items.len(), second.next), (1, None));
}

#[test]
fn a_period_is_the_clocks_business_only() {
    let house = House::new();
    let new = NewPolicyAssignment { period: Some(Period::OneHour), ..unused("a") };
    let rule = house.create(new);
    assert_eq!(rule.period, Some(Period::OneHour));
    house.clock.advance(4000);
    assert_eq!(house.service.run_due_rules().unwrap(), 0);
}

#[test]
fn rules_whose_policy_changed_with_the_program_judge_everything_anew() {
    let house = House::new();
    house.put(&volume("v", "available"));
    house.put(&volume("w", "in-use"));
    let [changed, leaves, same, off] =
        ["changed", "leaves", "same", "off"].map(|name| house.create(unused(name)));
    house.service.disable_policy_assignment(&house.access, &off.id).unwrap();
    // As a newer program finds them: what they are is not what they were judged by.
    let tags = house.create(NewPolicyAssignment {
        parameters: [("specifiedTagKey".to_owned(), json!("env"))].into_iter().collect(),
        ..builtin("tags", "required-tag-check")
    });
    let house = house.reopen_after(|path| {
        let store = rusqlite::Connection::open(path).unwrap();
        let become_like = |name: &str, sets: &str| {
            let sql = format!(
                "UPDATE policy_assignment SET body = json_set(body, '$.revision', 'before'{sets}) WHERE name = ?1"
            );
            assert_eq!(store.execute(&sql, [name]), Ok(1));
        };
        let other = tags.policy_definition_id.as_deref().unwrap();
        become_like(
            "changed",
            &format!(", '$.policy_definition_id', '{other}', '$.parameters', json('{{\"specifiedTagKey\": \"env\"}}')"),
        );
        become_like("leaves", ", '$.filter.resource_provider', 'ecs', '$.filter.resource_type', 'cloudservers'");
        become_like("off", "");
    });
    let service = &house.service;
    let before = service.evaluation_state(&house.access, &same.id).unwrap().1;
    drop(service.start().unwrap());
    service.work_off().unwrap();
    let states = house.states();
    let of = |name: &str| -> Vec<&str> {
        states.iter().filter(|of| of.0 == name).map(|of| of.2).collect()
    };
    assert_eq!(of("changed"), ["NonCompliant", "NonCompliant"]);
    assert!(of("leaves").is_empty());
    assert_eq!(of("same"), ["NonCompliant", "Compliant"]);
    assert_eq!(of("off"), ["NonCompliant", "Compliant"]);
    for rule in [&changed, &leaves] {
        let (rule, run) = service.evaluation_state(&house.access, &rule.id).unwrap();
        assert_eq!((run.trigger, run.state), (RunTrigger::PolicyUpgraded, RunState::Succeeded));
        assert_eq!(rule.state, AssignmentState::Enabled);
    }
    assert_eq!(service.evaluation_state(&house.access, &same.id).unwrap().1, before);
    assert_eq!(house.rule(&off).state, AssignmentState::Disabled);
    let summary = service.summary_by_domain(&house.access, &[]).unwrap();
    assert_eq!((summary.resources.compliant, summary.resources.non_compliant), (0, 2));
}

/// What a rule set takes over from the one before it is what did not change.
#[test]
fn a_rule_that_changes_among_others_judges_by_what_it_became() {
    let house = House::new();
    house.put(&volume("v", "available"));
    house.put(&volume("w", "in-use"));
    let rules = ["a", "b", "c"].map(|name| house.create(unused(name)));
    let verdicts = || -> Vec<(String, String, &'static str)> {
        house.states().into_iter().filter(|of| of.1 == "v").collect()
    };
    for (changed, rule) in (1..).zip(&rules) {
        let filter = PolicyFilter { resource_id: Some("w".to_owned()), ..PolicyFilter::default() };
        let update = PolicyAssignmentUpdate { filter, ..update() };
        house.service.update_policy_assignment(&house.access, &rule.id, update).unwrap();
        house.service.work_off().unwrap();
        let left: Vec<_> = verdicts().into_iter().map(|of| of.0).collect();
        assert_eq!(left, ["a", "b", "c"][changed..]);
        house.put(&volume("v", if changed % 2 == 0 { "available" } else { "in-use" }));
        let wanted = if changed % 2 == 0 { "NonCompliant" } else { "Compliant" };
        assert!(verdicts().iter().all(|of| of.2 == wanted), "{:?}", verdicts());
    }
}
