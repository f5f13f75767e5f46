//! Organization rules and the queue of their deployment.

use ruleward_store::Store;
use ruleward_types::organization_policy_assignment::AT_ONCE;
use ruleward_types::{
    AccountNo, AssignmentKind, DeploymentCounts, DeploymentFailure, DeploymentKind,
    DeploymentState, DeploymentStatus, ErrorCode, OrganizationDeployment, OrganizationDeploymentNo,
    OrganizationNo, OrganizationPolicyAssignment, OrganizationRuleNo, PolicyAssignmentId,
    PolicyFilter, RuleNo, Timestamp,
};
use serde_json::json;

use super::Place;

fn organization_rule(
    organization: OrganizationNo,
    owner: AccountNo,
    name: &str,
) -> OrganizationPolicyAssignment {
    OrganizationPolicyAssignment {
        no: OrganizationRuleNo(0),
        organization,
        owner,
        id: ruleward_types::ids::random_hex(16).unwrap(),
        name: name.to_owned(),
        kind: AssignmentKind::Builtin,
        description: Some("é \"quoted\"".to_owned()),
        filter: PolicyFilter::default(),
        filter_v2: None,
        period: None,
        policy_definition_id: Some("5fa36558aa1e6afc05a3d0a7".to_owned()),
        custom_policy: None,
        parameters: json!({"list": {"value": [1, "x"]}}).as_object().unwrap().clone(),
        excluded_accounts: vec!["abc".to_owned()],
        created: Timestamp(3),
        updated: Timestamp(4),
        last: DeploymentKind::Create,
    }
}

fn insert(
    store: &(dyn Store + 'static),
    mut rule: OrganizationPolicyAssignment,
) -> ruleward_types::Result<OrganizationPolicyAssignment> {
    store.write(move |tx| {
        tx.insert_organization_rule(&mut rule)?;
        Ok(rule)
    })
}

pub(crate) fn rules_are_found(place: Place) {
    let (a, b) = (place.account("a"), place.account("b"));
    let (mine, theirs) = (place.organization("o-1", a), place.organization("o-2", b));
    let first = insert(place.store(), organization_rule(mine, a, "x")).unwrap();
    let second = insert(place.store(), organization_rule(mine, b, "y")).unwrap();
    let other = insert(place.store(), organization_rule(theirs, b, "x")).unwrap();
    let place = place.reopen();
    let store = place.store();
    assert_eq!(store.read(|tx| tx.organization_rules(mine)).unwrap(), [first.clone(), second]);
    assert_eq!(store.read(|tx| tx.organization_rule(other.no)).unwrap(), Some(other.clone()));
    assert_eq!(store.read(|tx| tx.organization_rule(OrganizationRuleNo(99))).unwrap(), None);

    let taken = insert(store, organization_rule(mine, b, "x")).unwrap_err();
    assert_eq!(taken.code(), ErrorCode::DuplicateName);
    // A name is free as soon as its rule is being removed.
    let removed = OrganizationPolicyAssignment { last: DeploymentKind::Delete, ..first.clone() };
    store.write(move |tx| tx.update_organization_rule(&removed)).unwrap();
    let again = insert(store, organization_rule(mine, a, "x")).unwrap();
    assert!(again.no > other.no);
    store.write(move |tx| tx.delete_organization_rule(first.no)).unwrap();
    assert_eq!(store.read(|tx| tx.organization_rules(mine)).unwrap().len(), 2);
}

fn status(kind: DeploymentKind, state: DeploymentState) -> DeploymentStatus {
    DeploymentStatus { kind, state }
}

fn all(store: &(dyn Store + 'static), rule: OrganizationRuleNo) -> Vec<OrganizationDeployment> {
    store.read(|tx| tx.deployments(rule, OrganizationDeploymentNo(0), 99)).unwrap()
}

pub(crate) fn what_is_asked_for_is_a_queue(place: Place) {
    let [a, b, c] = ["a", "b", "c"].map(|name| place.account(name));
    let organization = place.organization("o-1", a);
    let [first_rule, second_rule] = ["x", "y"]
        .map(|name| insert(place.store(), organization_rule(organization, a, name)).unwrap().no);
    place
        .store()
        .write(move |tx| {
            for (rule, account) in
                [(first_rule, b), (first_rule, c), (second_rule, c), (second_rule, b)]
            {
                tx.ask_for_deployment(rule, account, Timestamp(5))?;
            }
            Ok(())
        })
        .unwrap();
    let place = place.reopen();
    let store = place.store();
    let due = |now, limit| store.read(|tx| tx.due_deployments(Timestamp(now), limit)).unwrap();
    let places = |found: &[OrganizationDeployment]| -> Vec<_> {
        found.iter().map(|of| (of.account, of.rule)).collect()
    };
    // What belongs to one account stands together.
    assert_eq!(
        places(&due(0, 99)),
        [(b, first_rule), (b, second_rule), (c, first_rule), (c, second_rule)]
    );
    assert_eq!(places(&due(0, 3)), [(b, first_rule), (b, second_rule), (c, first_rule)]);
    assert_eq!(store.read(|tx| tx.deployments_in_progress()).unwrap(), 4);
    let first = all(store, first_rule).remove(0);
    assert_eq!(first.domain_id, "domain-of-b");
    assert_eq!(first.status, status(DeploymentKind::Create, DeploymentState::InProgress));
    assert_eq!((first.due, first.created), (Some(AT_ONCE), Timestamp(5)));

    let id: PolicyAssignmentId = "5fb76a24aa1e6afc05a3d0a7".parse().unwrap();
    let done = OrganizationDeployment {
        status: status(DeploymentKind::Create, DeploymentState::Successful),
        assignment: Some((RuleNo(7), id)),
        due: None,
        updated: Timestamp(6),
        ..first.clone()
    };
    let mut failed = all(store, first_rule).remove(1);
    failed.status.state = DeploymentState::Failed;
    failed.failure = Some(DeploymentFailure { code: "c".to_owned(), message: "m".to_owned() });
    failed.attempts = 3;
    failed.due = Some(Timestamp(50));
    let written = (done.clone(), failed.clone());
    store
        .write(move |tx| {
            tx.update_deployment(&written.0)?;
            tx.update_deployment(&written.1)
        })
        .unwrap();
    assert_eq!(all(store, first_rule), [done.clone(), failed.clone()]);
    assert_eq!(store.read(|tx| tx.deployment(done.no)).unwrap(), Some(done.clone()));
    assert_eq!(store.read(|tx| tx.failed_deployment(first_rule)).unwrap(), Some(failed.clone()));
    let counts = DeploymentCounts { in_progress: 0, failed: 1, successful: 1 };
    assert_eq!(store.read(|tx| tx.deployment_counts(first_rule)).unwrap(), counts);
    assert_eq!(places(&due(49, 99)), [(b, second_rule), (c, second_rule)]);
    assert_eq!(places(&due(50, 99)), [(b, second_rule), (c, second_rule), (c, first_rule)]);

    // The cause went: at once, and from the beginning.
    store.write(move |tx| tx.retry_deployments(c)).unwrap();
    let again = all(store, first_rule).remove(1);
    assert_eq!((again.due, again.attempts), (Some(AT_ONCE), 0));
    assert_eq!(again.failure, failed.failure, "until it is done");

    // What stands is changed, what does not is made.
    store
        .write(move |tx| {
            tx.ask_for_deployment(first_rule, b, Timestamp(9))?;
            tx.ask_for_deployment(first_rule, c, Timestamp(9))
        })
        .unwrap();
    let asked: Vec<_> =
        all(store, first_rule).iter().map(|of| (of.no, of.status, of.updated)).collect();
    let (update, create) = (DeploymentKind::Update, DeploymentKind::Create);
    let going = DeploymentState::InProgress;
    assert_eq!(
        asked,
        [
            (done.no, status(update, going), Timestamp(9)),
            (failed.no, status(create, going), Timestamp(9)),
        ]
    );
    assert!(all(store, first_rule).iter().all(|of| of.failure.is_none()));
}

pub(crate) fn removals(place: Place) {
    let [a, b, c] = ["a", "b", "c"].map(|name| place.account(name));
    let organization = place.organization("o-1", a);
    let rule = insert(place.store(), organization_rule(organization, a, "x")).unwrap().no;
    let store = place.store();
    store
        .write(move |tx| {
            tx.ask_for_deployment(rule, b, Timestamp(5))?;
            tx.ask_for_deployment(rule, c, Timestamp(5))?;
            tx.ask_for_removal(rule, Some(c), Timestamp(6))
        })
        .unwrap();
    let kinds = |store| -> Vec<_> { all(store, rule).iter().map(|of| of.status.kind).collect() };
    assert_eq!(kinds(store), [DeploymentKind::Create, DeploymentKind::Delete]);
    store.write(move |tx| tx.ask_for_removal(rule, None, Timestamp(7))).unwrap();
    assert_eq!(kinds(store), [DeploymentKind::Delete, DeploymentKind::Delete]);
    let gone = all(store, rule).remove(0).no;
    store.write(move |tx| tx.delete_deployment(gone)).unwrap();
    assert_eq!(all(store, rule).len(), 1);
}
