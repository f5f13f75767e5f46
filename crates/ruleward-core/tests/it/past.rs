//! Looking back: what was compliant when, what changed, and who changed it.

use proptest::prelude::*;
use ruleward_core::{
    CauseKind, HistoryEvent, HistoryQuery, Page, PastQuery, PolicyAssignmentQuery, StateChange,
};
use ruleward_types::{
    AssignmentState, AssignmentSummary, ComplianceCounts, ErrorCode, PolicyAssignmentId, Selection,
    StateQuery, Timestamp, TrackerConfig,
};

use crate::support::{House, builtin, code, first_page, volume};

const POLICIES: [&str; 3] =
    ["volumes-encrypted-check", "volume-unused-check", "resources-in-supported-region"];

/// An account as a summary and a list of states tell it.
#[derive(Debug, PartialEq)]
struct Seen {
    resources: ComplianceCounts,
    assignments: ComplianceCounts,
    rules: Vec<(PolicyAssignmentId, ComplianceCounts)>,
    states: Vec<(String, String, &'static str)>,
}

fn rules(summaries: Vec<AssignmentSummary>) -> Vec<(PolicyAssignmentId, ComplianceCounts)> {
    summaries.into_iter().map(|of| (of.policy_assignment.id.clone(), of.resources)).collect()
}

fn now(house: &House) -> Seen {
    let summary = house.service.summary_by_domain(&house.access, &[]).unwrap();
    Seen {
        resources: summary.resources,
        assignments: summary.assignments,
        rules: rules(summary.policy_assignments),
        states: house.states(),
    }
}

fn then(house: &House, at: Timestamp) -> Seen {
    let summary = house.service.summary_at(&house.access, &[], at).unwrap();
    let page =
        house.service.policy_states_at(&house.access, &PastQuery::default(), at, first_page());
    let mut states: Vec<_> = page
        .unwrap()
        .items
        .into_iter()
        .filter(|of| of.state != "Undetermined")
        .map(|of| (of.policy_assignment.name, of.resource.id, of.state))
        .collect();
    states.sort();
    Seen {
        resources: summary.resources,
        assignments: summary.assignments,
        rules: rules(summary.policy_assignments),
        states,
    }
}

/// A moment at which nothing else happens.
fn moment(house: &House) -> Timestamp {
    house.clock.advance(1);
    let at = house.service.clock().now();
    house.clock.advance(1);
    at
}

fn changes(house: &House, from: Timestamp, to: Timestamp) -> Vec<StateChange> {
    let query = PastQuery::default();
    house.service.policy_state_changes(&house.access, &query, from, to, first_page()).unwrap().items
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8, bool),
    Delete(u8),
    CreateRule(usize),
    DisableRule(usize),
    EnableRule(usize),
    DeleteRule(usize),
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u8..6, any::<bool>()).prop_map(|(id, encrypted)| Step::Put(id, encrypted)),
        2 => (0_u8..6).prop_map(Step::Delete),
        2 => (0_usize..3).prop_map(Step::CreateRule),
        1 => (0_usize..3).prop_map(Step::DisableRule),
        1 => (0_usize..3).prop_map(Step::EnableRule),
        1 => (0_usize..3).prop_map(Step::DeleteRule),
        // Long enough for checkpoints of the planes to come between.
        1 => (1_i64..50).prop_map(Step::Wait),
    ]
}

fn take(house: &House, step: &Step, unique: usize) {
    let (service, access) = (&house.service, &house.access);
    let rules = || {
        let all =
            service.policy_assignments(access, &PolicyAssignmentQuery::default(), first_page());
        all.unwrap().items
    };
    match step {
        Step::Put(id, encrypted) => {
            let mut volume = volume(&format!("v{id}"), "in-use");
            let encrypted = if *encrypted { "1" } else { "0" };
            volume["properties"]["metadata"] = serde_json::json!({"systemEncrypted": encrypted});
            volume["region_id"] = "r".into();
            house.put(&volume);
        }
        Step::Delete(id) => {
            let _ = service.delete_resource(access, &format!("v{id}"), None);
        }
        Step::CreateRule(n) => {
            let mut rule = builtin(&format!("rule {unique}"), POLICIES[*n]);
            if *n == 2 {
                rule.parameters.insert("regions".into(), serde_json::json!(["r"]));
            }
            let rule = service.create_policy_assignment(access, rule).unwrap();
            service.work_off().unwrap();
            assert_eq!(house.rule(&rule).state, AssignmentState::Enabled);
        }
        Step::DisableRule(n) | Step::EnableRule(n) | Step::DeleteRule(n) => {
            let Some(rule) = rules().into_iter().nth(*n) else { return };
            match step {
                Step::DisableRule(_) => {
                    service.disable_policy_assignment(access, &rule.id).unwrap();
                }
                Step::EnableRule(_) => {
                    service.enable_policy_assignment(access, &rule.id).unwrap();
                }
                _ => {
                    service.disable_policy_assignment(access, &rule.id).unwrap();
                    service.delete_policy_assignment(access, &rule.id).unwrap();
                }
            }
            service.work_off().unwrap();
        }
        Step::Wait(days) => house.clock.advance(days * 86_400),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_past_is_what_was_seen_then(steps in prop::collection::vec(step(), 1..30)) {
        let house = House::new();
        let mut seen = Vec::new();
        for (n, step) in steps.iter().enumerate() {
            take(&house, step, n);
            seen.push((moment(&house), now(&house)));
        }
        for (at, was) in &seen {
            prop_assert_eq!(&then(&house, *at), was, "at {}", at.to_wire());
        }
        // What differs between two moments is just what both say of themselves.
        let (first, last) = (&seen[0], &seen[seen.len() - 1]);
        let changed = changes(&house, first.0, last.0);
        for change in &changed {
            let told = |seen: &Seen| {
                let of = (&change.policy_assignment.name, &change.resource.id);
                seen.states.iter().find(|(rule, id, _)| (rule, id) == of).map(|(.., state)| *state)
            };
            // The same id may have lived at two places one after the other.
            if change.after.is_some() {
                prop_assert_eq!(change.after, told(&last.1));
            } else {
                prop_assert!(change.before.is_some());
            }
        }
        for state in &last.1.states {
            let is_new = !first.1.states.contains(state);
            let is_told = changed.iter().any(|change| {
                (&change.policy_assignment.name, &change.resource.id) == (&state.0, &state.1)
                    && change.after == Some(state.2)
            });
            prop_assert!(!is_new || is_told, "{state:?}");
        }
    }
}

#[test]
fn a_flip_names_who_made_it() {
    let house = House::new();
    house.put(&volume("v1", "in-use"));
    let rule = house.create(builtin("encrypted", POLICIES[0]));
    let before = moment(&house);
    let mut encrypted = volume("v1", "in-use");
    encrypted["properties"]["metadata"] = serde_json::json!({"systemEncrypted": "1"});
    let access = house.access.clone().of_request("request-7");
    let body = encrypted.to_string();
    house.service.put_resource(&access, "v1", None, body.as_bytes()).unwrap();
    let between = moment(&house);
    house.service.disable_policy_assignment(&house.access, &rule.id).unwrap();
    house.service.delete_policy_assignment(&house.access, &rule.id).unwrap();
    let after = moment(&house);

    let flipped = changes(&house, before, between);
    let [flip] = flipped.as_slice() else { panic!("{flipped:?}") };
    assert_eq!((flip.before, flip.after), (Some("NonCompliant"), Some("Compliant")));
    let cause = flip.cause.as_ref().unwrap();
    assert_eq!(cause.kind, CauseKind::Resource);
    assert_eq!(cause.user_name.as_deref(), Some("operator"));
    assert_eq!(cause.request_id.as_deref(), Some("request-7"));

    let gone = changes(&house, between, after);
    let [gone] = gone.as_slice() else { panic!("{gone:?}") };
    assert_eq!((gone.before, gone.after), (Some("Compliant"), None));
    assert_eq!(gone.policy_assignment.name, "encrypted");
    assert_eq!(gone.cause.as_ref().unwrap().kind, CauseKind::PolicyAssignment);
}

#[test]
fn a_run_stands_for_the_change_of_the_rule_that_started_it() {
    let house = House::new();
    house.put(&volume("v1", "in-use"));
    let before = moment(&house);
    house.create(builtin("encrypted", POLICIES[0]));
    let made = changes(&house, before, moment(&house));
    assert_eq!(made[0].after, Some("NonCompliant"));
    assert_eq!(made[0].cause.as_ref().unwrap().kind, CauseKind::PolicyAssignment);
}

#[test]
fn moments_that_are_not_kept_are_refused() {
    let house = House::new();
    let (service, access) = (&house.service, &house.access);
    let future = Timestamp(service.clock().now().0 + 3_600_000_000);
    assert_eq!(code(service.summary_at(access, &[], future)), ErrorCode::InvalidParameter);
    let before = Timestamp(house.account.created.0 - 1);
    assert_eq!(code(service.summary_at(access, &[], before)), ErrorCode::InvalidParameter);
    let query = PastQuery::default();
    let now = moment(&house);
    let backwards = Timestamp(now.0 - 1000);
    let found = service.policy_state_changes(access, &query, now, backwards, first_page());
    assert_eq!(code(found.map(|of| of.items)), ErrorCode::InvalidParameter);
}

fn history(house: &House, id: &str, newest_first: bool, limit: usize) -> Vec<(HistoryEvent, bool)> {
    let query = HistoryQuery { resource_type: None, earlier: None, later: None, newest_first };
    let mut page = Page { limit, after: None };
    let mut all = Vec::new();
    loop {
        let found = house.service.resource_history(&house.access, id, query, page).unwrap();
        all.extend(found.items.into_iter().map(|item| {
            let in_use = String::from_utf8(item.body).unwrap().contains("in-use");
            (item.event, in_use)
        }));
        match found.next {
            Some(next) => page.after = Some(next),
            None => return all,
        }
    }
}

#[test]
fn a_history_goes_over_deletion_and_return() {
    use HistoryEvent::{Created, Deleted, Updated};
    let house = House::new();
    house.put(&volume("v1", "in-use"));
    house.put(&volume("v1", "in-use"));
    house.put(&volume("v1", "available"));
    house.service.delete_resource(&house.access, "v1", None).unwrap();
    assert_eq!(history(&house, "v1", true, 200).len(), 3);
    house.put(&volume("v1", "in-use"));
    house.put(&volume("v1", "error"));
    let forward =
        [(Created, true), (Updated, false), (Deleted, false), (Created, true), (Updated, false)];
    for limit in [1, 2, 3, 200] {
        assert_eq!(history(&house, "v1", false, limit), forward);
        let mut reverse = history(&house, "v1", true, limit);
        reverse.reverse();
        assert_eq!(reverse, forward);
    }
    assert!(history(&house, "v2", true, 200).is_empty());
}

#[test]
fn what_is_older_than_the_retention_goes() {
    let house = House::new();
    let rule = house.create(builtin("encrypted", POLICIES[0]));
    house.put(&volume("v1", "in-use"));
    house.put(&volume("v1", "available"));
    house.put(&volume("v2", "available"));
    house.service.delete_resource(&house.access, "v2", None).unwrap();
    house.clock.advance(2600 * 86_400);
    house.put(&volume("v1", "error"));
    let before = moment(&house);
    while house.service.prune_history().unwrap() {}
    assert_eq!(history(&house, "v1", false, 200), [(HistoryEvent::Updated, false)]);
    assert!(history(&house, "v2", false, 200).is_empty());
    let seen = then(&house, before);
    assert_eq!(seen.rules.len(), 1);
    assert_eq!(seen.rules[0].0, rule.id);
    assert_eq!(seen, now(&house));
    let query = StateQuery::default();
    let listed = house.service.policy_states_by_domain(&house.access, &query, first_page());
    assert_eq!(listed.unwrap().items.len(), 1);
}

#[test]
fn a_longer_retention_brings_nothing_back() {
    let house = House::new();
    house.put(&volume("v1", "in-use"));
    house.create(builtin("encrypted", POLICIES[0]));
    let told = moment(&house);
    let keep = |days| {
        let mut config = TrackerConfig::of_operator(Selection::All);
        config.retention_period_in_days = days;
        house.service.put_tracker_config(&house.access, config).unwrap();
    };
    keep(30);
    house.clock.advance(40 * 86_400);
    house.put(&volume("v1", "available"));
    while house.service.prune_history().unwrap() {}
    keep(2557);
    // What was pruned would be missing from the answer.
    let found = house.service.summary_at(&house.access, &[], told);
    assert_eq!(code(found), ErrorCode::InvalidParameter);
    let within = Timestamp(house.service.clock().now().0 - 86_400_000_000);
    assert_eq!(then(&house, within).states, [("encrypted".into(), "v1".into(), "NonCompliant")]);
}
