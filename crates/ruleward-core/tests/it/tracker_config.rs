//! The resource recorder: what it covers is what rules judge.

use ruleward_core::{Folders, Options, ReportedState};
use ruleward_types::{
    Channel, ComplianceState, ErrorCode, ObsChannel, Recorder, Selection, TrackerConfig,
    TriggerType,
};
use serde_json::{Value, json};

use crate::support::{House, builtin, code, custom, volume};

fn only(types: &[&str]) -> Selection {
    Selection::from(Some(types.iter().map(|name| (*name).to_owned()).collect()))
}

fn config(selection: Selection) -> TrackerConfig {
    TrackerConfig::of_operator(selection)
}

fn select(house: &House, selection: Selection) {
    house.service.put_tracker_config(&house.access, config(selection)).unwrap();
    house.service.work_off().unwrap();
}

fn resource(provider: &str, kind: &str, id: &str, properties: &Value) -> Value {
    json!({"id": id, "name": id, "provider": provider, "type": kind, "properties": properties})
}

fn of<'a>(states: &'a [(String, String, &'static str)], rule: &str) -> Vec<(&'a str, &'a str)> {
    let mine = states.iter().filter(|(name, _, _)| name == rule);
    mine.map(|(_, id, state)| (id.as_str(), *state)).collect()
}

#[test]
fn what_is_not_recorded_is_in_no_scope() {
    let house = House::new();
    house.put(&volume("v", "available"));
    house.put(&resource("iam", "users", "u", &json!({})));
    house.create(builtin("disks", "volume-unused-check"));
    let mut tags = builtin("tags", "required-tag-check");
    tags.parameters = json!({"specifiedTagKey": "team"}).as_object().unwrap().clone();
    house.create(tags);
    let all = house.states();
    assert_eq!(all.len(), 3);
    select(&house, only(&["IAM.users"]));
    assert_eq!(house.states(), [("tags".into(), "u".into(), "NonCompliant")]);
    let summary = house.service.summary_by_domain(&house.access, &[]).unwrap();
    assert_eq!(summary.resources.non_compliant, 1, "the numbers follow");
    // What is told meanwhile is judged as soon as it is recorded again.
    house.put(&volume("w", "in-use"));
    assert_eq!(house.states().len(), 1);
    select(&house, only(&["iam.users", "evs.volumes"]));
    let states = house.states();
    assert_eq!(of(&states, "disks"), [("v", "NonCompliant"), ("w", "Compliant")]);
    assert_eq!(of(&states, "tags").len(), 3);
    select(&house, Selection::All);
    assert_eq!(house.states(), states);
}

#[test]
fn a_recorder_that_comes_back_narrower() {
    let house = House::new();
    house.put(&volume("v", "available"));
    let rule = house.create(builtin("disks", "volume-unused-check"));
    house.service.delete_tracker_config(&house.access).unwrap();
    assert_eq!(house.states().len(), 1, "the last states stay");
    assert_eq!(code(house.service.delete_tracker_config(&house.access)), ErrorCode::NotFound);
    assert_eq!(code(house.service.tracker_config(&house.access)), ErrorCode::NotFound);
    select(&house, only(&["iam.users"]));
    assert!(house.states().is_empty());
    assert_eq!(house.rule(&rule).state, ruleward_types::AssignmentState::Enabled);
    assert_eq!(house.service.tracker_config(&house.access).unwrap(), config(only(&["iam.users"])));
}

#[test]
fn a_look_up_of_what_is_not_recorded_tells_nothing() {
    let house = House::new();
    house.put(&resource("ecs", "cloudservers", "s", &json!({})));
    let vault = json!({"resources": [{"id": "s"}]});
    house.put(&resource("cbr", "vault", "b", &vault));
    house.create(builtin("backed-up", "ecs-protected-by-cbr"));
    assert_eq!(of(&house.states(), "backed-up"), [("s", "Compliant")]);
    select(&house, only(&["ecs.cloudservers"]));
    assert!(house.states().is_empty(), "undetermined, not wrong: {:?}", house.states());
    select(&house, Selection::All);
    assert_eq!(of(&house.states(), "backed-up"), [("s", "Compliant")]);
}

#[test]
fn results_on_what_is_not_recorded_are_not_taken() {
    let house = House::new();
    house.put(&volume("v", "available"));
    let rule = house.create(custom("mine"));
    let event = house.service.evaluation_event(&house.access, &rule.id, Some("v")).unwrap();
    let report = || {
        house.service.report_policy_state(
            &house.access,
            ReportedState {
                policy_assignment_id: rule.id.clone(),
                trigger_type: TriggerType::Resource,
                compliance_state: ComplianceState::NonCompliant,
                evaluation_time_ms: event["evaluation_time"].as_i64().unwrap(),
                evaluation_hash: event["evaluation_hash"].as_str().unwrap().to_owned(),
                resource_id: Some("v".to_owned()),
                resource_provider: None,
                resource_type: None,
            },
        )
    };
    report().unwrap();
    assert_eq!(house.states().len(), 1);
    select(&house, only(&["iam.users"]));
    assert!(house.states().is_empty());
    assert_eq!(code(report()), ErrorCode::NotFound);
    let asked = house.service.evaluation_event(&house.access, &rule.id, Some("v"));
    assert_eq!(code(asked), ErrorCode::InvalidParameter);
    select(&house, Selection::All);
    assert!(house.states().is_empty(), "a result is not remembered");
    report().unwrap();
    assert_eq!(house.states().len(), 1);
}

#[test]
fn the_operator_leaves_channels_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let channels: &'static Folders = Box::leak(Box::new(Folders::new(folder.path())));
    let house = House::with_options(Options { channels, ..Options::default() });
    let obs = ObsChannel {
        bucket_name: "archive".to_owned(),
        bucket_prefix: None,
        region_id: "r".to_owned(),
    };
    let told =
        TrackerConfig { channel: Channel { smn: None, obs: Some(obs) }, ..config(Selection::All) };
    house.service.put_tracker_config(&house.access, told.clone()).unwrap();
    let recorder = Recorder { enabled: true, selection: only(&["iam.users"]) };
    house.service.set_recorder(&house.account.domain_id, recorder.clone()).unwrap();
    let expected = TrackerConfig { selection: recorder.selection, ..told };
    assert_eq!(house.service.tracker_config(&house.access).unwrap(), expected);
}

#[test]
fn changes_of_a_day_are_limited() {
    let options = Options { recorder_changes_per_day: Some(2), ..Options::default() };
    let house = House::with_options(options);
    let put = |types: &[&str]| house.service.put_tracker_config(&house.access, config(only(types)));
    put(&["a.b"]).unwrap();
    put(&["a.b"]).unwrap();
    house.service.delete_tracker_config(&house.access).unwrap();
    put(&["a.c"]).unwrap();
    assert_eq!(code(put(&["a.d"])), ErrorCode::QuotaExceeded);
    put(&["a.c"]).expect("nothing changes, so nothing is counted");
    house.clock.advance(24 * 3600);
    put(&["a.d"]).unwrap();
}
