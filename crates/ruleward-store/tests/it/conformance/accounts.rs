//! Accounts, users, keys and tokens.

use ruleward_types::{
    AccessKey, AccountNo, ComplianceCounts, ErrorCode, Role, Timestamp, User, UserNo,
};

use super::{Place, account};

pub(crate) fn small_values_are_kept(place: Place) {
    let store = place.store();
    assert_eq!(store.read(|tx| tx.meta("a")).unwrap(), None);
    store.write(|tx| tx.set_meta("a", b"1").and_then(|()| tx.set_meta("b", b"\0\xff"))).unwrap();
    store.write(|tx| tx.set_meta("a", b"2")).unwrap();
    let place = place.reopen();
    let found = place.store().read(|tx| Ok((tx.meta("a")?, tx.meta("b")?))).unwrap();
    assert_eq!(found, (Some(b"2".to_vec()), Some(b"\0\xff".to_vec())));
}

pub(crate) fn accounts_are_found(place: Place) {
    let (first, second) = (place.account("first"), place.account("second"));
    assert!(first < second);
    place
        .store()
        .read(|tx| {
            let names: Vec<_> = tx.accounts()?.into_iter().map(|of| of.name).collect();
            assert_eq!(names, ["first", "second"]);
            let found = tx.account(second)?.unwrap();
            assert_eq!(found.no, second);
            assert_eq!(ruleward_types::Account { no: second, ..account("second") }, found);
            assert_eq!(tx.account_by_domain("domain-of-second")?, Some(found));
            assert_eq!(tx.account_by_domain("DOMAIN-OF-SECOND")?, None);
            assert_eq!(tx.account(AccountNo(99))?, None);
            assert!(tx.account_counts(first)?.is_zero());
            Ok(())
        })
        .unwrap();
}

pub(crate) fn names_are_unique(place: Place) {
    place.account("a");
    let mut same_name = account("a");
    same_name.domain_id = "other".to_owned();
    let mut same_id = account("b");
    same_id.domain_id = "domain-of-a".to_owned();
    for taken in [same_name, same_id] {
        let refused = place.store().write(move |tx| tx.insert_account(&taken)).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::InvalidParameter);
    }
    assert_eq!(place.store().read(|tx| tx.accounts()).unwrap().len(), 1);
}

pub(crate) fn rules_version_moves(place: Place) {
    let (no, other) = (place.account("a"), place.account("b"));
    place
        .store()
        .write(move |tx| tx.bump_rules_version(no).and(tx.bump_rules_version(no)))
        .unwrap();
    let version = |no| place.store().read(|tx| Ok(tx.account(no)?.unwrap().rules_version)).unwrap();
    assert_eq!((version(no), version(other)), (2, 0));
    let alone = |no| place.store().read(|tx| tx.rules_version(no)).unwrap();
    assert_eq!((alone(no), alone(other)), (Some(2), Some(0)));
    assert_eq!(alone(AccountNo(other.0 + 1)), None);
}

pub(crate) fn kept_numbers_move(place: Place) {
    let (no, other) = (place.account("a"), place.account("b"));
    let one = ComplianceCounts { compliant: 5, non_compliant: 4, undetermined: 3, exempt: 2 };
    let two = ComplianceCounts { compliant: -1, non_compliant: 1, undetermined: 0, exempt: -2 };
    place
        .store()
        .write(move |tx| {
            tx.add_account_counts(no, one)?;
            tx.add_account_counts(no, ComplianceCounts::default())?;
            tx.add_account_counts(no, two)
        })
        .unwrap();
    let sum = ComplianceCounts { compliant: 4, non_compliant: 5, undetermined: 3, exempt: 0 };
    let found = place.store().read(|tx| Ok((tx.account_counts(no)?, tx.account_counts(other)?)));
    assert_eq!(found.unwrap(), (sum, ComplianceCounts::default()));
}

fn user(place: &Place, account: AccountNo, name: &str) -> User {
    let user = User {
        no: UserNo(0),
        account,
        id: format!("id of {name} in {account}"),
        name: name.to_owned(),
        role: Role::Importer,
        password_hash: Some("hash".to_owned()),
        created: Timestamp(3),
    };
    let inserted = user.clone();
    let no = place.store().write(move |tx| tx.insert_user(&inserted)).unwrap();
    User { no, ..user }
}

fn key(user: &User, name: &str, created: i64) -> AccessKey {
    AccessKey {
        access_key: name.to_owned(),
        user: user.no,
        sealed_secret: vec![0, 255, 1],
        token_sha256: Some([7; 32]),
        expires: Some(Timestamp(8)),
        created: Timestamp(created),
    }
}

pub(crate) fn users_and_keys(place: Place) {
    let (first, second) = (place.account("a"), place.account("b"));
    let (ann, bob) = (user(&place, first, "ann"), user(&place, first, "bob"));
    let other = user(&place, second, "ann");
    let mut again = ann.clone();
    again.id = "new".to_owned();
    let refused = place.store().write(move |tx| tx.insert_user(&again)).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidParameter);
    let keys = [key(&ann, "K2", 2), key(&ann, "K1", 1), key(&bob, "K3", 1)];
    let inserted = keys.clone();
    place
        .store()
        .write(move |tx| inserted.iter().try_for_each(|key| tx.insert_access_key(key)))
        .unwrap();
    let taken = key(&bob, "K1", 9);
    assert!(place.store().write(move |tx| tx.insert_access_key(&taken)).is_err());
    place
        .store()
        .read(|tx| {
            assert_eq!(tx.users(first)?, [ann.clone(), bob.clone()]);
            assert_eq!(tx.users(second)?, std::slice::from_ref(&other));
            assert_eq!(tx.user(bob.no)?, Some(bob.clone()));
            assert_eq!(tx.access_keys(ann.no)?, [keys[1].clone(), keys[0].clone()]);
            let account = tx.account(first)?.unwrap();
            let holder = (keys[2].clone(), bob.clone(), account);
            assert_eq!(tx.access_key_holder("K3")?, Some(holder));
            assert_eq!(tx.access_key_holder("k3")?, None);
            Ok(())
        })
        .unwrap();
    let (gone, kept) = (ann.no, bob.no);
    let deleted = place.store().write(move |tx| {
        tx.insert_token(&[1; 32], gone, Timestamp(9), Timestamp(0))?;
        tx.delete_user(gone)?;
        Ok((tx.delete_access_key("K3")?, tx.delete_access_key("K3")?, tx.delete_access_key("K1")?))
    });
    assert_eq!(deleted.unwrap(), (true, false, false), "a user's keys go along");
    place
        .store()
        .read(|tx| {
            assert_eq!(tx.user(gone)?, None);
            assert_eq!(tx.token(&[1; 32])?, None);
            assert!(tx.access_keys(kept)?.is_empty());
            Ok(())
        })
        .unwrap();
}

pub(crate) fn tokens_end(place: Place) {
    let account = place.account("a");
    let no = user(&place, account, "ann").no;
    let insert = |hash: u8, expires: i64, now: i64| {
        place
            .store()
            .write(move |tx| tx.insert_token(&[hash; 32], no, Timestamp(expires), Timestamp(now)))
            .unwrap();
    };
    insert(1, 10, 0);
    insert(2, 20, 10);
    let token = |hash: u8| place.store().read(|tx| tx.token(&[hash; 32])).unwrap();
    assert_eq!(token(1), Some((no, Timestamp(10))), "not ended before now");
    insert(3, 30, 11);
    assert_eq!((token(1), token(2)), (None, Some((no, Timestamp(20)))));
    assert_eq!(token(9), None);
}
