//! Organizations: who belongs, who manages, who sees.

use ruleward_core::{Access, Entry};
use ruleward_types::{Account, ErrorCode, MemberState, Recorder, Role};

use crate::support::{House, code, first_page};

impl House {
    /// Another account, recorder on.
    pub(crate) fn another(&self, name: &str) -> Account {
        self.service.create_account(name, None, Recorder::ON).unwrap()
    }

    /// An organization that the house's account manages.
    pub(crate) fn organize(&self) -> String {
        self.service.create_organization(&self.access, "acme", None).unwrap().organization.id
    }

    /// Adds an account as the operator does.
    pub(crate) fn join(&self, organization: &str, account: &Account) {
        let (service, access, id) = (&self.service, &self.access, &account.domain_id);
        service.enter_organization(access, organization, id, None, Entry::Added).unwrap();
    }

    /// Access of an account's administrator through the API.
    pub(crate) fn administrator(&self, account: &Account) -> Access {
        self.user(account, Role::Administrator)
    }

    pub(crate) fn user(&self, account: &Account, role: Role) -> Access {
        let users = self.service.users(account).unwrap();
        let user = users
            .into_iter()
            .find(|user| user.role == role)
            .unwrap_or_else(|| self.service.create_user(account, role.name(), role, None).unwrap());
        let account = self.service.account(&account.domain_id).unwrap();
        let caller = ruleward_core::Caller { account, user };
        self.service.authorize(&caller, "ruleward:organizations:list", None).unwrap()
    }
}

#[test]
fn an_organization_is_made_once() {
    let house = House::new();
    let (service, other) = (&house.service, house.another("other"));
    let me = house.administrator(&house.account);
    let made = service.create_organization(&me, "mine", None).unwrap();
    let id = &made.organization.id;
    let rest = id.strip_prefix("o-").unwrap();
    assert!((10..=32).contains(&rest.len()), "{id}");
    assert!(rest.chars().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase()), "{id}");
    assert_eq!(
        code(service.create_organization(&me, "again", None)),
        ErrorCode::AccountInOrganization
    );
    for name in ["", " x", "x\n", &"x".repeat(65)] {
        let access = house.administrator(&other);
        assert_eq!(
            code(service.create_organization(&access, name, None)),
            ErrorCode::InvalidParameter
        );
    }
    // For another account only the operator does it.
    let theirs = Some(other.domain_id.as_str());
    assert_eq!(code(service.create_organization(&me, "x", theirs)), ErrorCode::AccessDenied);
    let operator = house.user(&house.account, Role::Operator);
    service.create_organization(&operator, "x", theirs).unwrap();
    assert_eq!(service.organizations(&operator).unwrap().len(), 2);
    assert_eq!(service.organizations(&me).unwrap(), [made]);
}

#[test]
fn organizations_do_not_see_each_other() {
    let house = House::new();
    let (service, other) = (&house.service, house.another("other"));
    let (me, they) = (house.administrator(&house.account), house.administrator(&other));
    let mine = service.create_organization(&me, "mine", None).unwrap().organization.id;
    let theirs = service.create_organization(&they, "theirs", None).unwrap().organization.id;
    let nobodys = "o-0123456789";
    for id in [theirs.as_str(), nobodys] {
        let domain_id = &other.domain_id;
        let entry = Entry::Invited;
        for refused in [
            code(service.organization(&me, id)),
            code(service.organization_members(&me, id, first_page())),
            code(service.enter_organization(&me, id, domain_id, None, entry)),
            code(service.accept_invitation(&me, id)),
            code(service.remove_member(&me, id, domain_id)),
            code(service.remove_member(&me, id, &house.account.domain_id)),
            code(service.suspend_member(&me, id, domain_id)),
            code(service.delegate_administrator(&me, id, domain_id, true)),
            code(service.create_unit(&me, id, "x", None)),
            code(service.units(&me, id)),
            code(service.organization_summary(&me, id, 9)),
        ] {
            assert_eq!(refused, ErrorCode::AccessDenied);
        }
    }
    // A management account cannot be drawn into another organization.
    let drawn =
        service.enter_organization(&house.access, &mine, &other.domain_id, None, Entry::Added);
    assert_eq!(code(drawn), ErrorCode::AccountInOrganization);
    service.organization(&me, &mine).unwrap();
}

#[test]
fn an_account_is_asked_or_added_by_the_operator() {
    let house = House::new();
    let (service, member) = (&house.service, house.another("member"));
    let organization = house.organize();
    let (me, they) = (house.administrator(&house.account), house.administrator(&member));
    let enter = |access: &Access, entry| {
        service.enter_organization(access, &organization, &member.domain_id, None, entry)
    };
    assert_eq!(code(enter(&me, Entry::Added)), ErrorCode::AccessDenied);
    let invited = enter(&me, Entry::Invited).unwrap();
    assert_eq!(invited.state, MemberState::Invited);
    // Being asked is no membership.
    assert_eq!(
        code(service.suspend_member(&me, &organization, &member.domain_id)),
        ErrorCode::InvalidParameter
    );
    assert_eq!(service.organizations(&they).unwrap().len(), 1);
    service.remove_member(&they, &organization, &member.domain_id).unwrap();
    assert_eq!(code(service.accept_invitation(&they, &organization)), ErrorCode::AccessDenied);
    enter(&me, Entry::Invited).unwrap();
    service.accept_invitation(&they, &organization).unwrap();
    service.accept_invitation(&they, &organization).unwrap();
    let members = service.organization_members(&me, &organization, first_page()).unwrap().items;
    assert_eq!(members.first().unwrap().state, MemberState::Normal);
    assert_eq!(code(enter(&me, Entry::Invited)), ErrorCode::AccountInOrganization);
    // A member sees the organization, not the others in it.
    service.organization(&they, &organization).unwrap();
    assert_eq!(
        code(service.organization_members(&they, &organization, first_page())),
        ErrorCode::AccessDenied
    );
    assert_eq!(
        code(service.suspend_member(&they, &organization, &member.domain_id)),
        ErrorCode::AccessDenied
    );
    service.remove_member(&they, &organization, &member.domain_id).unwrap();
    assert_eq!(code(service.organization(&they, &organization)), ErrorCode::AccessDenied);
    // The management account is no member and cannot leave.
    assert_eq!(
        code(service.remove_member(&me, &organization, &house.account.domain_id)),
        ErrorCode::NotFound
    );
}

#[test]
fn units_nest_five_deep() {
    let house = House::new();
    let (service, member) = (&house.service, house.another("member"));
    let organization = house.organize();
    house.join(&organization, &member);
    let mut parent: Option<String> = None;
    for n in 0..5 {
        let unit =
            service.create_unit(&house.access, &organization, &format!("u{n}"), parent.as_deref());
        parent = Some(unit.unwrap().id);
    }
    let deepest = parent.as_deref();
    assert_eq!(
        code(service.create_unit(&house.access, &organization, "u5", deepest)),
        ErrorCode::InvalidParameter
    );
    let (access, domain_id) = (&house.access, &member.domain_id);
    service.move_member(access, &organization, domain_id, Some("u4")).unwrap();
    assert_eq!(code(service.delete_unit(access, &organization, "u4")), ErrorCode::UnitInUse);
    assert_eq!(
        code(service.move_member(access, &organization, domain_id, Some("u9"))),
        ErrorCode::NotFound
    );
    service.move_member(access, &organization, domain_id, None).unwrap();
    service.delete_unit(access, &organization, "u4").unwrap();
    assert_eq!(code(service.delete_unit(access, &organization, "u0")), ErrorCode::UnitInUse);
    assert_eq!(service.units(access, &organization).unwrap().len(), 4);
}
