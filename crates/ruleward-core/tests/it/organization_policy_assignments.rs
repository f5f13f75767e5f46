//! One rule for every account: what members get, what they cannot do, what goes wrong and is
//! mended, who is counted.

use std::sync::Arc;

use ruleward_core::{
    Access, Entry, NewPolicyAssignment, OrganizationPolicyAssignmentDraft,
    OrganizationPolicyAssignmentQuery, OwnedOrganizationRule, PolicyAssignmentQuery,
    PolicyAssignmentUpdate,
};
use ruleward_types::{
    Account, AssignmentKind, AssignmentState, CustomPolicy, DeploymentStatus, ErrorCode,
    PolicyAssignment, PolicyFilter, Recorder, StateQuery,
};
use serde_json::{Map, Value, json};

use crate::support::{House, builtin, code, first_page, volume};

fn draft(name: &str, policy: &str, parameters: &Value) -> OrganizationPolicyAssignmentDraft {
    let new = builtin(name, policy);
    let parameters: Map<String, Value> = parameters.as_object().unwrap().clone();
    OrganizationPolicyAssignmentDraft {
        name: new.name,
        excluded_accounts: None,
        kind: new.kind,
        description: None,
        filter: PolicyFilter::default(),
        filter_v2: None,
        period: None,
        policy_definition_id: new.policy_definition_id,
        custom_policy: None,
        parameters,
    }
}

fn specs(name: &str, allowed: &[&str]) -> OrganizationPolicyAssignmentDraft {
    draft(name, "allowed-volume-specs", &json!({"listOfAllowedSpecs": allowed}))
}

fn unused(name: &str) -> OrganizationPolicyAssignmentDraft {
    draft(name, "volume-unused-check", &json!({}))
}

struct Group {
    house: House,
    id: String,
    members: Vec<Account>,
}

impl Group {
    fn new(members: usize) -> Self {
        Self::with_quota(members, 500)
    }

    fn with_quota(members: usize, quota: usize) -> Self {
        let house = House::with_quota(quota);
        let id = house.organize();
        let members: Vec<_> = (0..members).map(|n| house.another(&format!("m{n}"))).collect();
        for member in &members {
            house.join(&id, member);
        }
        Self { house, id, members }
    }

    fn put(&self, draft: OrganizationPolicyAssignmentDraft) -> OwnedOrganizationRule {
        let (service, access) = (&self.house.service, &self.house.access);
        let made = service.put_organization_policy_assignment(access, &self.id, draft).unwrap();
        service.work_off().unwrap();
        made
    }

    fn delete(&self, rule: &OwnedOrganizationRule) {
        let (service, access) = (&self.house.service, &self.house.access);
        let id = &rule.rule.id;
        service.delete_organization_policy_assignment(access, &self.id, id).unwrap();
        service.work_off().unwrap();
    }

    fn disk(&self, account: &Account, id: &str, status: &str, spec: &str) {
        let mut entity = volume(id, status);
        entity["properties"]["volumeType"] = json!(spec);
        let access = Access::operator(account);
        let body = entity.to_string();
        self.house.service.put_resource(&access, id, None, body.as_bytes()).unwrap();
    }

    fn rules(&self, account: &Account) -> Vec<Arc<PolicyAssignment>> {
        let query = PolicyAssignmentQuery::default();
        let access = Access::operator(account);
        self.house.service.policy_assignments(&access, &query, first_page()).unwrap().items
    }

    fn names(&self, account: &Account) -> Vec<String> {
        self.rules(account).iter().map(|rule| rule.name.clone()).collect()
    }

    /// Resource's id and state, of all rules of an account.
    fn states(&self, account: &Account) -> Vec<(String, &'static str)> {
        let (query, access) = (StateQuery::default(), Access::operator(account));
        let service = &self.house.service;
        let paged = service.policy_states_by_domain(&access, &query, first_page()).unwrap();
        let of =
            |state: ruleward_types::PolicyState| (state.resource_id, state.compliance_state.wire());
        let mut states: Vec<_> = paged.items.into_iter().map(of).collect();
        states.sort();
        states
    }

    /// The status of every rule.
    fn statuses(&self) -> Vec<&'static str> {
        let query = OrganizationPolicyAssignmentQuery::default();
        let (service, access) = (&self.house.service, &self.house.access);
        let found =
            service.organization_policy_assignment_statuses(access, &self.id, &query, first_page());
        found.unwrap().items.into_iter().map(|of| of.status.wire()).collect()
    }

    /// Account, status and code of failure of every deployment.
    fn deployments(&self) -> Vec<(String, &'static str, Option<String>)> {
        let query = OrganizationPolicyAssignmentQuery::default();
        let found = self.house.service.organization_policy_assignment_deployments(
            &self.house.access,
            &self.id,
            &query,
            None,
            None,
            first_page(),
        );
        let name = |domain_id: &str| {
            self.members.iter().find(|of| of.domain_id == domain_id).unwrap().name.clone()
        };
        found
            .unwrap()
            .items
            .into_iter()
            .map(|(_, of)| {
                (name(&of.domain_id), of.status.wire(), of.failure.map(|failure| failure.code))
            })
            .collect()
    }

    fn recorder(&self, account: &Account, enabled: bool) {
        let service = &self.house.service;
        service.set_recorder(&account.domain_id, Recorder::switched(enabled)).unwrap();
        service.work_off().unwrap();
    }

    /// The kept numbers of an account and of its rules are what its states add up to.
    fn check_numbers(&self, account: &Account) {
        let access = Access::operator(account);
        let summary = self.house.service.summary_by_domain(&access, &[]).unwrap();
        let (query, page) = (StateQuery::default(), first_page());
        for of in &summary.policy_assignments {
            let id = &of.policy_assignment.id;
            let service = &self.house.service;
            let states = service.policy_states_by_assignment(&access, id, &query, page).unwrap();
            let bad = |state: &&ruleward_types::PolicyState| {
                state.compliance_state == ruleward_types::ComplianceState::NonCompliant
            };
            let bad = i64::try_from(states.items.iter().filter(bad).count()).unwrap();
            let all = i64::try_from(states.items.len()).unwrap();
            assert_eq!(of.resources.non_compliant, bad);
            assert_eq!(of.resources.compliant, all - bad);
        }
        let states = self.states(account);
        let bad: std::collections::BTreeSet<_> =
            states.iter().filter(|(_, state)| *state == "NonCompliant").map(|(id, _)| id).collect();
        let all: std::collections::BTreeSet<_> = states.iter().map(|(id, _)| id).collect();
        assert_eq!(summary.resources.non_compliant, i64::try_from(bad.len()).unwrap());
        assert_eq!(
            summary.resources.compliant,
            i64::try_from(all.len() - bad.len()).unwrap(),
            "{states:?}"
        );
    }
}

#[test]
fn every_member_has_the_rule_and_is_judged_by_it() {
    let group = Group::new(3);
    for (n, member) in group.members.iter().enumerate() {
        group.disk(member, "good", "in-use", "SSD");
        if n > 0 {
            group.disk(member, "bad", "available", "SSD");
        }
    }
    let made = group.put(unused("disks"));
    assert_eq!(made.rule.id.len(), 32);
    assert_eq!(made.owner_id, group.house.account.domain_id);
    assert_eq!(group.statuses(), ["CREATE_SUCCESSFUL"]);
    for (n, member) in group.members.iter().enumerate() {
        let rules = group.rules(member);
        let [rule] = rules.as_slice() else { panic!("{rules:?}") };
        assert_eq!(rule.name, "Org-disks");
        assert_eq!(rule.created_by, format!("organization:{}", group.id));
        assert_eq!(rule.organization_id(), Some(group.id.as_str()));
        assert_eq!(rule.state, AssignmentState::Enabled);
        let good = ("good".to_owned(), "Compliant");
        let bad = ("bad".to_owned(), "NonCompliant");
        let expected = if n > 0 { vec![bad, good] } else { vec![good] };
        assert_eq!(group.states(member), expected);
        group.check_numbers(member);
        // It has run once, like any rule that was made.
        let access = Access::operator(member);
        let (_, run) = group.house.service.evaluation_state(&access, &rule.id).unwrap();
        assert_eq!(run.judged, i64::try_from(expected.len()).unwrap());
        // And judges what comes.
        group.disk(member, "late", "available", "SSD");
        assert!(group.states(member).contains(&("late".to_owned(), "NonCompliant")));
    }
    // The management account is not a member.
    assert!(group.names(&group.house.account).is_empty());
}

#[test]
fn rules_that_look_at_more_than_the_resource_are_deployed_too() {
    let group = Group::new(1);
    let member = &group.members[0];
    group.disk(member, "d", "in-use", "SSD");
    group.put(draft("recorder", "tracker-config-enabled-check", &json!({})));
    group.put(draft("keys", "access-keys-rotated", &json!({"maxAccessKeyAge": 90})));
    group.put(unused("disks"));
    let rules = group.rules(member);
    assert!(rules.iter().all(|rule| rule.state == AssignmentState::Enabled), "{rules:?}");
    assert!(rules[0].period.is_some(), "a periodic policy without a period runs daily");
    // The account itself, and the disk.
    assert_eq!(group.states(member).len(), 2);
    group.check_numbers(member);
}

#[test]
fn a_member_can_read_and_run_it_but_not_change_it() {
    let group = Group::new(1);
    let member = &group.members[0];
    group.disk(member, "d", "in-use", "SSD");
    group.put(unused("disks"));
    let (service, access) = (&group.house.service, Access::operator(member));
    let rule = group.rules(member).remove(0);
    let update = PolicyAssignmentUpdate {
        kind: None,
        name: Some("mine".to_owned()),
        description: None,
        filter: PolicyFilter::default(),
        filter_v2: None,
        period: None,
        policy_definition_id: None,
        custom_policy: None,
        parameters: Map::new(),
        tags: None,
    };
    for refused in [
        code(service.update_policy_assignment(&access, &rule.id, update)),
        code(service.enable_policy_assignment(&access, &rule.id)),
        code(service.disable_policy_assignment(&access, &rule.id)),
        code(service.delete_policy_assignment(&access, &rule.id)),
    ] {
        assert_eq!(refused, ErrorCode::RuleDeployed);
    }
    service.run_evaluation(&access, &rule.id).unwrap();
    service.work_off().unwrap();
    service.evaluation_state(&access, &rule.id).unwrap();
    assert_eq!(group.rules(member), [rule]);
}

#[test]
fn a_change_of_one_parameter_reaches_all_states() {
    let group = Group::new(4);
    for member in &group.members {
        group.disk(member, "ssd", "in-use", "SSD");
        group.disk(member, "sas", "in-use", "SAS");
    }
    let made = group.put(specs("specs", &["SSD"]));
    let of = |ssd, sas| vec![("sas".to_owned(), sas), ("ssd".to_owned(), ssd)];
    for member in &group.members {
        assert_eq!(group.states(member), of("Compliant", "NonCompliant"));
    }
    let before: Vec<_> =
        group.members.iter().map(|of| group.rules(of).remove(0).id.clone()).collect();
    // By name on the collection, and by id.
    let changed = group.put(specs("specs", &["SAS"]));
    assert_eq!((&changed.rule.id, changed.rule.created), (&made.rule.id, made.rule.created));
    assert!(changed.rule.updated > made.rule.updated);
    assert_eq!(group.statuses(), ["UPDATE_SUCCESSFUL"]);
    for (member, id) in group.members.iter().zip(before) {
        assert_eq!(group.states(member), of("NonCompliant", "Compliant"));
        group.check_numbers(member);
        let rule = group.rules(member).remove(0);
        assert_eq!((rule.id.clone(), rule.state), (id, AssignmentState::Enabled));
    }
    let (service, access) = (&group.house.service, &group.house.access);
    let renamed = OrganizationPolicyAssignmentDraft {
        filter: PolicyFilter { resource_id: Some("ssd".to_owned()), ..PolicyFilter::default() },
        ..specs("other name", &["SSD"])
    };
    let id = &made.rule.id;
    service.update_organization_policy_assignment(access, &group.id, id, renamed).unwrap();
    service.work_off().unwrap();
    for member in &group.members {
        assert_eq!(group.names(member), ["Org-other name"]);
        assert_eq!(group.states(member), [("ssd".to_owned(), "Compliant")]);
        group.check_numbers(member);
    }
}

#[test]
fn a_large_member_is_judged_by_tickets() {
    let group = Group::new(2);
    let (large, small) = (&group.members[0], &group.members[1]);
    let access = Access::operator(large);
    for batch in 0..5 {
        let mut lines = Vec::new();
        for n in 0..3500 {
            let status = if n % 7 == 0 { "available" } else { "in-use" };
            lines.extend(volume(&format!("d{batch}-{n}"), status).to_string().into_bytes());
            lines.push(b'\n');
        }
        group.house.service.put_resources(&access, &lines).unwrap();
    }
    group.disk(small, "d", "available", "SSD");
    group.put(unused("disks"));
    let summary = group.house.service.summary_by_domain(&access, &[]).unwrap();
    assert_eq!(summary.resources.non_compliant, 5 * 500);
    assert_eq!(summary.resources.compliant, 5 * 3000);
    assert_eq!(group.rules(large)[0].state, AssignmentState::Enabled);
    assert_eq!(group.states(small), [("d".to_owned(), "NonCompliant")]);
    group.put(OrganizationPolicyAssignmentDraft {
        filter: PolicyFilter { resource_id: Some("d0-1".to_owned()), ..PolicyFilter::default() },
        ..unused("disks")
    });
    let summary = group.house.service.summary_by_domain(&access, &[]).unwrap();
    assert_eq!((summary.resources.compliant, summary.resources.non_compliant), (1, 0));
}

#[test]
fn joining_leaving_and_being_excluded() {
    let group = Group::new(2);
    for member in &group.members {
        group.disk(member, "d", "available", "SSD");
    }
    let mut rule = unused("disks");
    rule.excluded_accounts = Some(vec![group.members[1].domain_id.clone()]);
    group.put(rule);
    assert_eq!(group.names(&group.members[0]), ["Org-disks"]);
    assert!(group.names(&group.members[1]).is_empty());
    assert_eq!(group.deployments().len(), 1);

    // Absent keeps who is excluded, an empty list excludes nobody.
    group.put(unused("disks"));
    assert!(group.names(&group.members[1]).is_empty());
    let excluding = |accounts: &[&Account]| OrganizationPolicyAssignmentDraft {
        excluded_accounts: Some(accounts.iter().map(|of| of.domain_id.clone()).collect()),
        ..unused("disks")
    };
    group.put(excluding(&[]));
    assert_eq!(group.names(&group.members[1]), ["Org-disks"]);
    assert_eq!(group.states(&group.members[1]).len(), 1);
    group.put(excluding(&[&group.members[0]]));
    assert!(group.names(&group.members[0]).is_empty());
    assert!(group.states(&group.members[0]).is_empty());
    group.check_numbers(&group.members[0]);
    assert_eq!(group.deployments().len(), 1);

    let (service, access) = (&group.house.service, &group.house.access);
    let leaver = &group.members[1];
    service.remove_member(access, &group.id, &leaver.domain_id).unwrap();
    service.work_off().unwrap();
    assert!(group.names(leaver).is_empty() && group.states(leaver).is_empty());
    group.check_numbers(leaver);
    assert!(group.deployments().is_empty());
    group.house.join(&group.id, leaver);
    service.work_off().unwrap();
    assert_eq!(group.names(leaver), ["Org-disks"]);
    assert_eq!(group.states(leaver), [("d".to_owned(), "NonCompliant")]);

    // Leaving and coming back before anything was done is as if nothing had been.
    service.remove_member(access, &group.id, &leaver.domain_id).unwrap();
    group.house.join(&group.id, leaver);
    service.work_off().unwrap();
    assert_eq!(group.names(leaver), ["Org-disks"]);
}

#[test]
fn what_fails_says_why_and_is_tried_again() {
    let group = Group::with_quota(4, 2);
    let [off, full, clashing, fine] = group.members.as_slice() else { panic!() };
    let (service, access) = (&group.house.service, &group.house.access);
    group.recorder(off, false);
    let make = |account: &Account, new: NewPolicyAssignment| {
        let access = Access::operator(account);
        let made = service.create_policy_assignment(&access, new).unwrap();
        service.work_off().unwrap();
        service.disable_policy_assignment(&access, &made.id).unwrap();
        made.id
    };
    let first = make(full, builtin("a", "volume-unused-check"));
    make(full, builtin("b", "volume-unused-check"));
    let same = make(clashing, builtin("Org-disks", "volume-unused-check"));
    for member in &group.members {
        group.disk(member, "d", "in-use", "SSD");
    }
    group.put(unused("disks"));
    let deployed = |failures: [Option<&str>; 4], kind: &str| -> Vec<_> {
        let status = |failure: Option<&str>| {
            let name =
                format!("{kind}_{}", if failure.is_some() { "FAILED" } else { "SUCCESSFUL" });
            DeploymentStatus::parse(&name).unwrap().wire()
        };
        group
            .members
            .iter()
            .zip(failures)
            .map(|(of, why)| (of.name.clone(), status(why), why.map(str::to_owned)))
            .collect()
    };
    let (recorder, quota, name) =
        ("RMS.00010091", "RULEWARD.QuotaExceeded", "RULEWARD.DuplicateName");
    let expected = deployed([Some(recorder), Some(quota), Some(name), None], "CREATE");
    assert_eq!(group.deployments(), expected);
    assert_eq!(group.statuses(), ["CREATE_FAILED"]);
    assert_eq!(group.names(fine), ["Org-disks"]);

    // Each is tried again at once when its cause goes.
    group.recorder(off, true);
    assert_eq!(group.names(off), ["Org-disks"]);
    assert_eq!(group.states(off).len(), 1);
    service.delete_policy_assignment(&Access::operator(full), &first).unwrap();
    service.work_off().unwrap();
    assert_eq!(group.names(full), ["b", "Org-disks"]);
    service.delete_policy_assignment(&Access::operator(clashing), &same).unwrap();
    service.work_off().unwrap();
    assert_eq!(group.names(clashing), ["Org-disks"]);
    assert_eq!(group.deployments(), deployed([None; 4], "CREATE"));
    assert_eq!(group.statuses(), ["CREATE_SUCCESSFUL"]);

    // Without a word from anybody, after a while.
    group.recorder(off, false);
    group.put(OrganizationPolicyAssignmentDraft {
        description: Some("new".to_owned()),
        ..unused("disks")
    });
    assert_eq!(group.deployments(), deployed([Some(recorder), None, None, None], "UPDATE"));
    assert_eq!(group.rules(off)[0].description, None);
    service.work_off().unwrap();
    assert_eq!(group.statuses(), ["UPDATE_FAILED"]);
    group.house.clock.advance(3600);
    service.work_off().unwrap();
    assert_eq!(group.statuses(), ["UPDATE_FAILED"], "it was tried in vain");
    group.recorder(off, true);
    assert_eq!(group.rules(off)[0].description.as_deref(), Some("new"));

    // A suspended member keeps what it has; it gets what it missed when it is back.
    service.suspend_member(access, &group.id, &fine.domain_id).unwrap();
    group.put(unused("disks"));
    assert_eq!(group.deployments()[3].2.as_deref(), Some("RULEWARD.MemberSuspended"));
    assert_eq!(group.rules(fine)[0].description.as_deref(), Some("new"));
    service.resume_member(access, &group.id, &fine.domain_id).unwrap();
    service.work_off().unwrap();
    assert_eq!(group.rules(fine)[0].description, None);
    assert_eq!(group.statuses(), ["UPDATE_SUCCESSFUL"]);
}

#[test]
fn what_failed_is_tried_again_by_the_clock() {
    let group = Group::new(1);
    let member = &group.members[0];
    let access = Access::operator(member);
    let mine = builtin("Org-disks", "volume-unused-check");
    let made = group.house.service.create_policy_assignment(&access, mine).unwrap();
    group.put(unused("disks"));
    assert_eq!(group.statuses(), ["CREATE_FAILED"]);
    let changed = PolicyAssignmentUpdate {
        kind: None,
        name: None,
        description: None,
        filter: PolicyFilter::default(),
        filter_v2: None,
        period: None,
        policy_definition_id: None,
        custom_policy: None,
        parameters: Map::new(),
        tags: None,
    };
    // A change that frees nothing wakes nobody.
    group.house.service.update_policy_assignment(&access, &made.id, changed.clone()).unwrap();
    group.house.service.work_off().unwrap();
    assert_eq!(group.statuses(), ["CREATE_FAILED"]);
    let renamed = PolicyAssignmentUpdate { name: Some("mine".to_owned()), ..changed };
    group.house.service.update_policy_assignment(&access, &made.id, renamed).unwrap();
    group.house.service.work_off().unwrap();
    assert_eq!(group.names(member), ["mine", "Org-disks"]);
}

#[test]
fn deleting_needs_no_disabling_and_leaves_nothing() {
    let group = Group::new(3);
    for member in &group.members {
        group.disk(member, "d", "available", "SSD");
    }
    let made = group.put(unused("disks"));
    let kept = group.put(specs("specs", &["SAS"]));
    let (service, access) = (&group.house.service, &group.house.access);
    let id = &made.rule.id;
    service.delete_organization_policy_assignment(access, &group.id, id).unwrap();
    // Gone for who looks, on its way for the members.
    let shown = service.organization_policy_assignment(access, &group.id, id);
    assert_eq!(code(shown), ErrorCode::NotFound);
    assert_eq!(group.statuses(), ["DELETE_IN_PROGRESS", "CREATE_SUCCESSFUL"]);
    assert_eq!(
        code(service.delete_organization_policy_assignment(access, &group.id, id)),
        ErrorCode::NotFound
    );
    service.work_off().unwrap();
    assert_eq!(group.statuses(), ["CREATE_SUCCESSFUL"]);
    for member in &group.members {
        assert_eq!(group.names(member), ["Org-specs"]);
        assert_eq!(group.states(member).len(), 1);
        group.check_numbers(member);
    }
    // The name is free at once.
    let again = group.put(unused("disks"));
    group.delete(&again);
    group.delete(&kept);
    assert!(group.statuses().is_empty());
    // Deleted and made anew in one breath: the new one is what stands in the end.
    let first = group.put(unused("disks"));
    service.delete_organization_policy_assignment(access, &group.id, &first.rule.id).unwrap();
    group.put(unused("disks"));
    group.house.clock.advance(3600);
    service.work_off().unwrap();
    for member in &group.members {
        assert_eq!(group.names(member), ["Org-disks"]);
    }
    assert_eq!(group.statuses(), ["CREATE_SUCCESSFUL"]);
}

#[test]
fn administering_accounts_see_their_own_rules_only() {
    let group = Group::new(3);
    let (service, access) = (&group.house.service, &group.house.access);
    let delegated = Access::operator(&group.members[0]);
    let put = |access: &Access, draft| {
        service.put_organization_policy_assignment(access, &group.id, draft)
    };
    assert_eq!(code(put(&delegated, unused("x"))), ErrorCode::AccessDenied);
    let domain_id = &group.members[0].domain_id;
    service.delegate_administrator(access, &group.id, domain_id, true).unwrap();
    let theirs = put(&delegated, unused("theirs")).unwrap();
    let mine = put(access, unused("mine")).unwrap();
    service.work_off().unwrap();
    assert_eq!(group.names(&group.members[2]), ["Org-theirs", "Org-mine"]);
    let list = |access: &Access| -> Vec<String> {
        let query = OrganizationPolicyAssignmentQuery::default();
        let page = first_page();
        let found = service.organization_policy_assignments(access, &group.id, &query, page);
        found.unwrap().items.into_iter().map(|of| of.rule.name).collect()
    };
    assert_eq!((list(access), list(&delegated)), (vec!["mine".into()], vec!["theirs".into()]));
    let show = |access: &Access, rule: &OwnedOrganizationRule| {
        service.organization_policy_assignment(access, &group.id, &rule.rule.id)
    };
    assert_eq!(code(show(access, &theirs)), ErrorCode::NotFound);
    assert_eq!(code(show(&delegated, &mine)), ErrorCode::NotFound);
    assert_eq!(code(put(access, unused("theirs"))), ErrorCode::DuplicateName);
    assert_eq!(group.statuses().len(), 1);
    // Its rules end with its office.
    service.delegate_administrator(access, &group.id, domain_id, false).unwrap();
    service.work_off().unwrap();
    assert_eq!(group.names(&group.members[2]), ["Org-mine"]);
    assert_eq!(code(put(&delegated, unused("x"))), ErrorCode::AccessDenied);
    // So do those of one that leaves.
    service.delegate_administrator(access, &group.id, domain_id, true).unwrap();
    put(&delegated, unused("again")).unwrap();
    service.remove_member(access, &group.id, domain_id).unwrap();
    service.work_off().unwrap();
    assert_eq!(group.names(&group.members[2]), ["Org-mine"]);
    assert!(group.names(&group.members[0]).is_empty());
}

#[test]
fn two_organizations_do_not_meet() {
    let group = Group::new(1);
    let (service, other) = (&group.house.service, group.house.another("other"));
    let they = Access::operator(&other);
    let id = service.create_organization(&they, "theirs", None).unwrap().organization.id;
    let theirs = group.house.another("theirs");
    service.enter_organization(&they, &id, &theirs.domain_id, None, Entry::Added).unwrap();
    // The same name is another rule.
    service.put_organization_policy_assignment(&they, &id, unused("disks")).unwrap();
    let mine = group.put(specs("disks", &["SSD"]));
    assert_eq!(group.rules(&group.members[0])[0].organization_id(), Some(group.id.as_str()));
    assert_eq!(group.rules(&theirs)[0].organization_id(), Some(id.as_str()));
    let shown = service.organization_policy_assignment(&they, &group.id, &mine.rule.id);
    assert_eq!(code(shown), ErrorCode::AccessDenied);
    let shown = service.organization_policy_assignment(&they, &id, &mine.rule.id);
    assert_eq!(code(shown), ErrorCode::NotFound);
    assert_eq!(group.deployments().len(), 1);
}

#[test]
fn refusals() {
    let group = Group::new(1);
    let (service, access) = (&group.house.service, &group.house.access);
    let put = |draft| service.put_organization_policy_assignment(access, &group.id, draft);
    let made = put(specs("specs", &["SSD"])).unwrap();
    assert_eq!(code(put(unused("specs"))), ErrorCode::RuleImmutable);
    let custom = OrganizationPolicyAssignmentDraft {
        kind: AssignmentKind::Custom,
        policy_definition_id: None,
        custom_policy: Some(CustomPolicy {
            function_urn: "urn:fss:x".to_owned(),
            auth_type: "agency".to_owned(),
            auth_value: Map::new(),
        }),
        parameters: Map::new(),
        ..specs("specs", &["SSD"])
    };
    assert_eq!(code(put(custom.clone())), ErrorCode::RuleImmutable);
    let unknown = Some("000000000000000000000000".to_owned());
    let draft = OrganizationPolicyAssignmentDraft { policy_definition_id: unknown, ..unused("a") };
    assert_eq!(code(put(draft)), ErrorCode::DefinitionUnknown);
    assert_eq!(
        code(put(draft_with_wrong_parameter())),
        ErrorCode::ParameterIllegal,
        "as in every account"
    );
    group.house.recorder(false);
    assert_eq!(code(put(unused("a"))), ErrorCode::RecorderOff);
    assert_eq!(code(put(specs("specs", &["SAS"]))), ErrorCode::RecorderOff);
    let id = &made.rule.id;
    service.organization_policy_assignment(access, &group.id, id).unwrap();
    service.delete_organization_policy_assignment(access, &group.id, id).unwrap();
    group.house.recorder(true);

    // A custom rule is deployed as one; its function is somebody else's matter.
    group.put(OrganizationPolicyAssignmentDraft { name: "custom".to_owned(), ..custom });
    let rule = group.rules(&group.members[0]).remove(0);
    assert_eq!(rule.kind, AssignmentKind::Custom);
    assert_eq!(rule.custom_policy.as_ref().unwrap().function_urn, "urn:fss:x");
}

fn draft_with_wrong_parameter() -> OrganizationPolicyAssignmentDraft {
    draft("a", "volume-unused-check", &json!({"more": 1}))
}

#[test]
fn the_summary_is_worst_first_and_adds_up() {
    let group = Group::new(3);
    for (n, member) in group.members.iter().enumerate() {
        for disk in 0..=n {
            group.disk(member, &format!("bad{disk}"), "available", "SSD");
        }
        group.disk(member, "good", "in-use", "SSD");
    }
    group.put(unused("disks"));
    group.put(specs("specs", &["SSD"]));
    let (service, access) = (&group.house.service, &group.house.access);
    let summary = service.organization_summary(access, &group.id, 99).unwrap();
    let rows: Vec<_> = summary
        .accounts
        .iter()
        .map(|of| (of.name.as_str(), of.resources.non_compliant, of.resources.compliant))
        .collect();
    assert_eq!(rows, [("m2", 3, 1), ("m1", 2, 1), ("m0", 1, 1), ("acme", 0, 0)]);
    assert_eq!((summary.resources.non_compliant, summary.resources.compliant), (6, 3));
    assert_eq!((summary.assignments.non_compliant, summary.assignments.compliant), (3, 3));
    let worst = service.organization_summary(access, &group.id, 1).unwrap();
    assert_eq!(worst.accounts.len(), 1);
    assert_eq!(worst.resources, summary.resources, "the sums are over all");
    for (row, member) in summary.accounts.iter().zip(group.members.iter().rev()) {
        let own = service.summary_by_domain(&Access::operator(member), &[]).unwrap();
        assert_eq!((row.resources, row.assignments), (own.resources, own.assignments));
    }
}

#[test]
fn resources_that_change_meanwhile_are_judged_by_what_stands_in_the_end() {
    const ROUNDS: usize = 30;
    let group = Group::new(3);
    for member in &group.members {
        for disk in 0..20 {
            group.disk(member, &format!("d{disk}"), "in-use", "SSD");
        }
    }
    let workers = group.house.service.start().unwrap();
    std::thread::scope(|scope| {
        for member in &group.members {
            let group = &group;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let spec = if round % 2 == 0 { "SAS" } else { "SSD" };
                    group.disk(member, &format!("d{}", round % 20), "in-use", spec);
                    group.disk(member, &format!("new{round}"), "in-use", spec);
                }
            });
        }
        let (service, access) = (&group.house.service, &group.house.access);
        for round in 0..ROUNDS {
            let allowed = if round % 2 == 0 { "SSD" } else { "SAS" };
            for name in ["one", "two"] {
                let draft = specs(name, &[allowed]);
                service.put_organization_policy_assignment(access, &group.id, draft).unwrap();
            }
            if round % 7 == 3 {
                let gone = unused("gone");
                let made = service.put_organization_policy_assignment(access, &group.id, gone);
                let id = made.unwrap().rule.id;
                service.delete_organization_policy_assignment(access, &group.id, &id).unwrap();
            }
        }
    });
    drop(workers);
    group.house.service.work_off().unwrap();
    assert_eq!(group.statuses(), ["UPDATE_SUCCESSFUL"; 2]);
    for member in &group.members {
        assert_eq!(group.names(member), ["Org-one", "Org-two"]);
        group.check_numbers(member);
        let access = Access::operator(member);
        for (id, state) in group.states(member) {
            let body = group.house.service.resource(&access, &id, None).unwrap();
            let entity: Value = serde_json::from_slice(&body).unwrap();
            // The last change allows SAS only.
            let expected = if entity["properties"]["volumeType"] == "SAS" {
                "Compliant"
            } else {
                "NonCompliant"
            };
            assert_eq!(state, expected, "{id}");
        }
        assert_eq!(group.states(member).len(), 2 * (20 + ROUNDS));
    }
}
