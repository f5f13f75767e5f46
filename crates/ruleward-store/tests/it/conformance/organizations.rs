//! Organizations, units, members, and the sums over their accounts.

use ruleward_types::{
    AccountNo, ComplianceCounts, ErrorCode, MemberState, Organization, OrganizationMember,
    OrganizationNo, OrganizationUnit, OrganizationUnitNo, Timestamp,
};

use super::{Place, rule};

impl Place {
    /// An organization that an account manages.
    pub(crate) fn organization(&self, id: &str, management: AccountNo) -> OrganizationNo {
        let made = Organization {
            no: OrganizationNo(0),
            id: id.to_owned(),
            name: format!("name of {id}"),
            management,
            created: Timestamp(7),
        };
        self.store().write(move |tx| tx.insert_organization(&made)).unwrap()
    }

    /// A member.
    pub(crate) fn member(
        &self,
        organization: OrganizationNo,
        account: AccountNo,
        state: MemberState,
    ) -> OrganizationMember {
        self.store()
            .write(move |tx| {
                let of = tx.account(account)?.unwrap();
                let member = OrganizationMember {
                    organization,
                    account,
                    domain_id: of.domain_id,
                    name: of.name,
                    unit: None,
                    state,
                    delegated: false,
                    since: Timestamp(8),
                };
                tx.put_organization_member(&member)?;
                Ok(member)
            })
            .unwrap()
    }
}

pub(crate) fn organizations_are_found(place: Place) {
    let [a, b, c] = ["a", "b", "c"].map(|name| place.account(name));
    let (first, second) = (place.organization("o-1", a), place.organization("o-2", b));
    place.member(first, c, MemberState::Invited);
    let place = place.reopen();
    place
        .store()
        .read(|tx| {
            let all: Vec<_> = tx.organizations()?.into_iter().map(|of| of.no).collect();
            assert_eq!(all, [first, second]);
            let found = tx.organization_by_id("o-2")?.unwrap();
            assert_eq!((found.no, found.management, found.created), (second, b, Timestamp(7)));
            assert_eq!(tx.organization(second)?, Some(found));
            assert_eq!(tx.organization_by_id("o-3")?, None);
            assert_eq!(tx.organization_of(a)?.unwrap().no, first);
            // Who is invited only belongs to none.
            assert_eq!(tx.organization_of(c)?, None);
            Ok(())
        })
        .unwrap();
    place.member(second, c, MemberState::Suspended);
    assert_eq!(place.store().read(|tx| tx.organization_of(c)).unwrap().unwrap().no, second);
    let refused = place
        .store()
        .write(move |tx| {
            tx.insert_organization(&Organization {
                no: OrganizationNo(0),
                id: "o-3".to_owned(),
                name: "x".to_owned(),
                management: a,
                created: Timestamp(1),
            })
        })
        .unwrap_err();
    assert_eq!(refused.code(), ErrorCode::AccountInOrganization);
}

pub(crate) fn members_are_listed_in_order(place: Place) {
    let management = place.account("management");
    let organization = place.organization("o-1", management);
    let other = place.organization("o-2", place.account("other"));
    let accounts: Vec<_> = (0..5).map(|n| place.account(&format!("m{n}"))).collect();
    for account in accounts.iter().rev() {
        place.member(organization, *account, MemberState::Normal);
    }
    let store = place.store();
    let list = |after, limit| {
        let members = store.read(|tx| tx.organization_members(organization, after, limit)).unwrap();
        members.into_iter().map(|member| member.account).collect::<Vec<_>>()
    };
    assert_eq!(list(AccountNo(0), 99), accounts);
    assert_eq!(list(accounts[1], 2), accounts[2..4]);
    // An account joins one organization only; it can be invited to another.
    place.member(other, accounts[0], MemberState::Invited);
    let joining = OrganizationMember {
        organization: other,
        state: MemberState::Normal,
        ..store.read(|tx| tx.organization_member(organization, accounts[0])).unwrap().unwrap()
    };
    let refused = store.write(move |tx| tx.put_organization_member(&joining)).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::AccountInOrganization);

    let mut changed =
        store.read(|tx| tx.organization_member(organization, accounts[3])).unwrap().unwrap();
    changed.delegated = true;
    changed.state = MemberState::Suspended;
    let (written, gone) = (changed.clone(), accounts[4]);
    store
        .write(move |tx| {
            tx.put_organization_member(&written)?;
            tx.delete_organization_member(organization, gone)
        })
        .unwrap();
    assert_eq!(
        store.read(|tx| tx.organization_member(organization, accounts[3])).unwrap(),
        Some(changed)
    );
    assert_eq!(store.read(|tx| tx.organization_member(organization, gone)).unwrap(), None);
    assert_eq!(list(AccountNo(0), 99), accounts[..4]);
}

fn unit(organization: OrganizationNo, id: &str, name: &str) -> OrganizationUnit {
    OrganizationUnit {
        no: OrganizationUnitNo(0),
        organization,
        id: id.to_owned(),
        name: name.to_owned(),
        parent: None,
        created: Timestamp(3),
    }
}

pub(crate) fn units_nest_and_go_when_empty(place: Place) {
    let organization = place.organization("o-1", place.account("a"));
    let member = place.member(organization, place.account("b"), MemberState::Normal);
    let store = place.store();
    let insert = |unit: OrganizationUnit| store.write(move |tx| tx.insert_organization_unit(&unit));
    let root = insert(unit(organization, "ou-1", "x")).unwrap();
    let inner = OrganizationUnit { parent: Some(root), ..unit(organization, "ou-2", "x") };
    let inner_no = insert(inner).unwrap();
    // The same name only elsewhere.
    let twice = insert(unit(organization, "ou-3", "x")).unwrap_err();
    assert_eq!(twice.code(), ErrorCode::InvalidParameter);
    let found = store.read(|tx| tx.organization_units(organization)).unwrap();
    let found: Vec<_> = found.iter().map(|unit| (unit.no, unit.parent)).collect();
    assert_eq!(found, [(root, None), (inner_no, Some(root))]);
    let delete = |no| store.write(move |tx| tx.delete_organization_unit(no)).unwrap();
    assert!(!delete(root), "it holds a unit");
    let inside = OrganizationMember { unit: Some(inner_no), ..member.clone() };
    store.write(move |tx| tx.put_organization_member(&inside)).unwrap();
    assert!(!delete(inner_no), "it holds a member");
    store.write(move |tx| tx.put_organization_member(&member)).unwrap();
    assert!(delete(inner_no) && delete(root) && !delete(root));
}

pub(crate) fn sums_are_of_kept_numbers(place: Place) {
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| place.account(name));
    let organization = place.organization("o-1", a);
    place.member(organization, b, MemberState::Suspended);
    place.member(organization, c, MemberState::Invited);
    let counts = |compliant, non_compliant, undetermined| ComplianceCounts {
        compliant,
        non_compliant,
        undetermined,
        exempt: 0,
    };
    place
        .store()
        .write(move |tx| {
            tx.add_account_counts(b, counts(5, 3, 1))?;
            tx.add_account_counts(d, counts(9, 9, 9))?;
            let numbers = [(1, 0, 0), (1, 2, 1), (1, 0, 2), (0, 0, 0), (0, 7, 0)];
            for (n, (compliant, non_compliant, undetermined)) in numbers.into_iter().enumerate() {
                let mut rule = rule(&format!("r{n}"));
                tx.insert_rule(b, &mut rule)?;
                let counts = counts(compliant, non_compliant, undetermined);
                tx.add_rule_counts(&[((b, rule.no), counts)])?;
                if n == 4 {
                    // It does not judge any more, so it does not count.
                    rule.state = ruleward_types::AssignmentState::Disabled;
                    tx.update_rule(&rule)?;
                }
            }
            Ok(())
        })
        .unwrap();
    let mut found = place.store().read(|tx| tx.organization_counts(organization)).unwrap();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    let found: Vec<_> =
        found.iter().map(|of| (of.name.as_str(), of.state, of.resources, of.assignments)).collect();
    assert_eq!(
        found,
        [
            ("a", None, counts(0, 0, 0), counts(0, 0, 0)),
            ("b", Some(MemberState::Suspended), counts(5, 3, 1), counts(1, 1, 1)),
        ]
    );
}
