//! Who may do what: roles, accounts, keys, tokens.

use ruleward_core::Caller;
use ruleward_types::{ErrorCode, Recorder, Role};
use secrecy::ExposeSecret;

use crate::support::{House, code};

fn caller(house: &House, name: &str, role: Role) -> Caller {
    let user = house.service.create_user(&house.account, name, role, None).unwrap();
    Caller { account: house.account.clone(), user }
}

#[test]
fn roles_allow_their_actions_only() {
    let house = House::new();
    let allowed = |caller: &Caller, action: &str| {
        let access = house.service.authorize(caller, action, Some(&house.account.domain_id));
        match access {
            Ok(access) => {
                assert_eq!(access.domain_id(), house.account.domain_id);
                assert_eq!(access.user_id(), caller.user.id);
                true
            }
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::AccessDenied);
                false
            }
        }
    };
    let actions = [
        "rms:policyAssignments:get",
        "rms:resources:list",
        "rms:policyAssignments:create",
        "rms:policyStates:runEvaluation",
        "rms:policyStates:update",
        "ruleward:resources:put",
    ];
    for (role, expected) in [
        (Role::Administrator, [true; 6]),
        (Role::Auditor, [true, true, false, false, false, false]),
        (Role::Reporter, [false, false, false, false, true, false]),
        (Role::Importer, [false, false, false, false, false, true]),
    ] {
        let caller = caller(&house, role.name(), role);
        assert_eq!(actions.map(|action| allowed(&caller, action)), expected, "{role:?}");
    }
}

#[test]
fn another_account_is_forbidden_to_everybody() {
    let house = House::new();
    let other = house.service.create_account("other", None, Recorder::ON).unwrap();
    let caller = caller(&house, "root", Role::Administrator);
    for domain_id in [other.domain_id.as_str(), "nowhere", ""] {
        let access = house.service.authorize(&caller, "rms:policyAssignments:get", Some(domain_id));
        assert_eq!(code(access), ErrorCode::AccessDenied);
    }
    house.service.authorize(&caller, "rms:policyDefinitions:get", None).unwrap();
}

#[test]
fn keys_open_and_end() {
    let house = House::new();
    let service = &house.service;
    let caller = caller(&house, "u", Role::Auditor);
    let key = service.create_access_key(&caller.user, None).unwrap();
    assert!(key.security_token.is_none() && key.expires.is_none());
    let (found, secret) = service.access_key_secret(&key.access_key, None).unwrap();
    assert_eq!(found.user, caller.user);
    assert_eq!(secret.expose_secret(), key.secret_key.expose_secret().as_bytes());
    assert_eq!(code(service.access_key_secret("NOBODY", None)), ErrorCode::Unauthenticated);
    service.delete_access_key(&key.access_key).unwrap();
    assert_eq!(code(service.access_key_secret(&key.access_key, None)), ErrorCode::Unauthenticated);
    assert_eq!(code(service.delete_access_key(&key.access_key)), ErrorCode::NotFound);
}

#[test]
fn temporary_keys_need_their_token_and_their_time() {
    let house = House::new();
    let service = &house.service;
    let caller = caller(&house, "u", Role::Auditor);
    let key = service.create_access_key(&caller.user, Some(900)).unwrap();
    let token = key.security_token.clone().unwrap();
    let open = |token: Option<&str>| service.access_key_secret(&key.access_key, token);
    open(Some(&token)).unwrap();
    assert_eq!(code(open(None)), ErrorCode::Unauthenticated);
    assert_eq!(code(open(Some("wrong"))), ErrorCode::Unauthenticated);
    house.clock.advance(899);
    open(Some(&token)).unwrap();
    house.clock.advance(1);
    assert_eq!(code(open(Some(&token))), ErrorCode::Unauthenticated);
}

#[test]
fn tokens_for_passwords_and_keys() {
    let house = House::new();
    let service = &house.service;
    let user =
        service.create_user(&house.account, "ann", Role::Auditor, Some("secret words")).unwrap();
    let by_password = |domain: &str, name: &str, password: &str| {
        service.issue_token_by_password(domain, name, password)
    };
    let issued = by_password("acme", "ann", "secret words").unwrap();
    assert_eq!(issued.caller.user, user);
    assert_eq!(issued.expires, issued.issued.plus_seconds(24 * 3600));
    assert_eq!(service.caller_by_token(&issued.token).unwrap().user, user);
    for (domain, name, password) in
        [("acme", "ann", "wrong"), ("acme", "bob", "secret words"), ("else", "ann", "secret words")]
    {
        assert_eq!(code(by_password(domain, name, password)), ErrorCode::Unauthenticated);
    }
    // Without a password nobody comes in by one.
    service.create_user(&house.account, "eve", Role::Auditor, None).unwrap();
    assert_eq!(code(by_password("acme", "eve", "")), ErrorCode::Unauthenticated);
    assert_eq!(code(service.caller_by_token("nonsense")), ErrorCode::Unauthenticated);

    let key = service.create_access_key(&user, None).unwrap();
    let secret = key.secret_key.expose_secret();
    let second = service.issue_token_by_key(&key.access_key, secret).unwrap();
    assert_ne!(second.token, issued.token);
    assert_eq!(code(service.issue_token_by_key(&key.access_key, "no")), ErrorCode::Unauthenticated);
    assert_eq!(code(service.issue_token_by_key("NOBODY", secret)), ErrorCode::Unauthenticated);

    house.clock.advance(24 * 3600 - 1);
    service.caller_by_token(&issued.token).unwrap();
    house.clock.advance(1);
    assert_eq!(code(service.caller_by_token(&issued.token)), ErrorCode::Unauthenticated);
    let third = service.issue_token_by_key(&key.access_key, secret).unwrap();
    service.delete_user(&house.account, "ann").unwrap();
    assert_eq!(code(service.caller_by_token(&third.token)), ErrorCode::Unauthenticated);
    assert_eq!(code(service.access_key_secret(&key.access_key, None)), ErrorCode::Unauthenticated);
}

#[test]
fn names_are_unique_and_plain() {
    let house = House::new();
    let service = &house.service;
    for name in ["", "a b", "a/b", &"x".repeat(65)] {
        let made = service.create_account(name, None, Recorder::ON);
        assert_eq!(code(made), ErrorCode::InvalidParameter, "{name}");
    }
    assert_eq!(
        code(service.create_account("acme", None, Recorder::ON)),
        ErrorCode::InvalidParameter
    );
    let same_id = Some(house.account.domain_id.as_str());
    assert_eq!(
        code(service.create_account("b", same_id, Recorder::ON)),
        ErrorCode::InvalidParameter
    );
    assert_eq!(
        code(service.create_account("b", Some("a/b"), Recorder::ON)),
        ErrorCode::DomainIdIllegal
    );
    caller(&house, "u", Role::Auditor);
    let again = service.create_user(&house.account, "u", Role::Auditor, None);
    assert_eq!(code(again), ErrorCode::InvalidParameter);
    assert_eq!(
        service.account("acme").unwrap(),
        service.account(&house.account.domain_id).unwrap()
    );
    assert_eq!(code(service.account("nobody")), ErrorCode::NotFound);
    assert_eq!(code(service.user(&house.account, "nobody")), ErrorCode::NotFound);
}
