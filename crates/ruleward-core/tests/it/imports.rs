//! Import sessions: offsets, refusals, deletions at the end.

use ruleward_types::{ErrorCode, ImportSession, ResourceType};

use crate::support::{House, builtin, code, volume};

fn volumes() -> Vec<ResourceType> {
    vec![ResourceType::new("evs", "volumes")]
}

fn lines(ids: &[&str]) -> String {
    ids.iter().map(|id| volume(id, "available").to_string() + "\n").collect()
}

fn open(house: &House, replace: &[ResourceType]) -> ImportSession {
    house.service.open_import(&house.access, "file", replace).unwrap()
}

fn batch(
    house: &House,
    session: &ImportSession,
    offset: u64,
    text: &str,
) -> ruleward_types::Result<ImportSession> {
    house.service.import_batch(&house.access, &session.id, offset, text.as_bytes())
}

fn complete(
    house: &House,
    session: &ImportSession,
    force: bool,
) -> ruleward_types::Result<ImportSession> {
    house.service.complete_import(&house.access, &session.id, force)
}

fn ids(house: &House) -> Vec<String> {
    house.states().into_iter().map(|(_, id, _)| id).collect()
}

#[test]
fn batches_continue_and_resume() {
    let house = House::new();
    house.create(builtin("a", "volume-unused-check"));
    let session = open(&house, &[]);
    assert_eq!((session.next_offset, session.closed), (0, false));
    let after = batch(&house, &session, 0, &lines(&["a", "b"])).unwrap();
    assert_eq!((after.next_offset, after.report.created), (2, 2));
    // Judged when it is answered.
    assert_eq!(ids(&house), ["a", "b"]);
    assert_eq!(code(batch(&house, &session, 0, &lines(&["a"]))), ErrorCode::ImportOffset);
    assert_eq!(code(batch(&house, &session, 3, &lines(&["a"]))), ErrorCode::ImportOffset);
    // Whoever was interrupted finds the session by its source and goes on.
    let found = open(&house, &[]);
    assert_eq!(found, after);
    assert_eq!(house.service.import(&house.access, &session.id).unwrap(), after);
    let text = lines(&["b"]) + "\n  \nnonsense\n" + &lines(&["c"]);
    let after = batch(&house, &session, 2, &text).unwrap();
    // Blank lines count, so that a refusal names the line as an editor does.
    assert_eq!(after.next_offset, 7);
    assert_eq!((after.report.created, after.report.unchanged, after.report.refused), (3, 1, 1));
    assert_eq!(after.report.refusals[0].line, 6);
    let done = complete(&house, &session, false).unwrap();
    assert!(done.closed);
    assert_eq!(done.report.deleted, 0);
    assert_eq!(code(batch(&house, &session, 7, "")), ErrorCode::ImportClosed);
    assert_eq!(code(complete(&house, &session, false)), ErrorCode::ImportClosed);
    assert_ne!(open(&house, &[]).id, session.id, "a closed session is not found again");
    assert_eq!(ids(&house), ["a", "b", "c"]);
}

#[test]
fn what_a_replacing_import_does_not_name_goes_at_the_end() {
    let house = House::new();
    house.create(builtin("a", "volume-unused-check"));
    for id in ["a", "b", "c", "d"] {
        house.put(&volume(id, "available"));
    }
    house.put(&serde_json::json!({"id": "other", "provider": "vpc", "type": "publicips"}));
    house.clock.advance(1);
    let session = open(&house, &volumes());
    batch(&house, &session, 0, &lines(&["a", "b"])).unwrap();
    batch(&house, &session, 2, &lines(&["c", "e"])).unwrap();
    assert_eq!(ids(&house), ["a", "b", "c", "d", "e"], "nothing goes before the end");
    let done = complete(&house, &session, false).unwrap();
    let report = done.report;
    assert_eq!((report.created, report.unchanged, report.deleted), (1, 3, 1));
    assert_eq!(ids(&house), ["a", "b", "c", "e"]);
    house.service.resource(&house.access, "other", None).unwrap();
    assert_eq!(code(house.service.resource(&house.access, "d", None)), ErrorCode::NotFound);
    let summary = house.service.summary_by_domain(&house.access, &[]).unwrap();
    assert_eq!(summary.resources.non_compliant, 4);
}

#[test]
fn a_refused_line_blocks_deletions() {
    let house = House::new();
    house.put(&volume("a", "available"));
    house.put(&volume("b", "available"));
    house.put(&volume("c", "available"));
    house.clock.advance(1);
    let session = open(&house, &volumes());
    let text = lines(&["a", "b"]) + "{\"id\": \"c\"}\n";
    assert_eq!(batch(&house, &session, 0, &text).unwrap().report.refused, 1);
    assert_eq!(code(complete(&house, &session, false)), ErrorCode::ImportIncomplete);
    assert_eq!(code(complete(&house, &session, true)), ErrorCode::ImportIncomplete);
    house.service.resource(&house.access, "c", None).unwrap();
    house.service.cancel_import(&house.access, &session.id).unwrap();
    assert_eq!(code(complete(&house, &session, true)), ErrorCode::ImportClosed);
}

#[test]
fn more_than_half_of_a_type_goes_only_by_force() {
    let house = House::new();
    for id in ["a", "b", "c", "d"] {
        house.put(&volume(id, "available"));
    }
    house.clock.advance(1);
    let session = open(&house, &volumes());
    batch(&house, &session, 0, &lines(&["a"])).unwrap();
    assert_eq!(code(complete(&house, &session, false)), ErrorCode::ImportDeletesMost);
    house.service.resource(&house.access, "b", None).unwrap();
    assert!(!house.service.import(&house.access, &session.id).unwrap().closed);
    // Half is not more than half.
    let after = batch(&house, &session, 1, &lines(&["b"])).unwrap();
    assert_eq!(after.next_offset, 2);
    assert_eq!(complete(&house, &session, false).unwrap().report.deleted, 2);
    house.clock.advance(1);
    let session = open(&house, &volumes());
    batch(&house, &session, 0, "").unwrap();
    assert_eq!(complete(&house, &session, true).unwrap().report.deleted, 2);
}

#[test]
fn what_others_write_meanwhile_is_kept() {
    let house = House::new();
    for id in ["a", "b", "c", "d"] {
        house.put(&volume(id, "available"));
    }
    house.clock.advance(1);
    let session = open(&house, &volumes());
    batch(&house, &session, 0, &lines(&["a", "b"])).unwrap();
    house.clock.advance(1);
    house.put(&volume("c", "in-use"));
    house.put(&volume("new", "in-use"));
    // Named by the import, gone, and made again by somebody.
    house.service.delete_resource(&house.access, "b", None).unwrap();
    house.put(&volume("b", "in-use"));
    assert_eq!(complete(&house, &session, false).unwrap().report.deleted, 1);
    for id in ["a", "b", "c", "new"] {
        house.service.resource(&house.access, id, None).unwrap();
    }
    assert_eq!(code(house.service.resource(&house.access, "d", None)), ErrorCode::NotFound);
}

#[test]
fn sessions_belong_to_their_account() {
    let house = House::new();
    let session = open(&house, &[]);
    let recorder = ruleward_types::Recorder::ON;
    let other = house.service.create_account("other", None, recorder).unwrap();
    let access = ruleward_core::Access::operator(&other);
    let (service, id) = (&house.service, session.id.as_str());
    assert_eq!(code(service.import(&access, id)), ErrorCode::NotFound);
    assert_eq!(code(service.import_batch(&access, id, 0, b"")), ErrorCode::NotFound);
    assert_eq!(code(service.complete_import(&access, id, false)), ErrorCode::NotFound);
    assert_eq!(code(service.cancel_import(&access, id)), ErrorCode::NotFound);
    assert_ne!(service.open_import(&access, "file", &[]).unwrap().id, session.id);
    assert_eq!(code(service.open_import(&access, "", &[])), ErrorCode::InvalidParameter);
}
