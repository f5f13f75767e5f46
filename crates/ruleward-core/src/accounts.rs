//! Accounts, users and keys: the operator's side.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ruleward_types::ids::{is_word_or_dash, random_hex};
use ruleward_types::{
    AccessKey, Account, AccountNo, Error, ErrorCode, Recorder, Result, Role, Timestamp,
    TrackerConfig, User, UserNo,
};
use secrecy::SecretString;

use crate::Service;
use crate::access::hash_password;
use crate::evaluation::runs;
use crate::hashing::sha256;

/// A key that was made.
pub struct NewAccessKey {
    /// The access key id.
    pub access_key: String,
    /// The secret key, told only once.
    pub secret_key: SecretString,
    /// What has to come along in `X-Security-Token`, for temporary keys.
    pub security_token: Option<String>,
    /// When a temporary key ends.
    pub expires: Option<Timestamp>,
}

impl fmt::Debug for NewAccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAccessKey").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

impl Service {
    /// Makes an account; its id is chosen where none is given.
    pub fn create_account(
        self: &Arc<Self>,
        name: &str,
        domain_id: Option<&str>,
        recorder: Recorder,
    ) -> Result<Account> {
        check_name(name)?;
        let domain_id = match domain_id {
            Some(id) if id.is_empty() || id.len() > 36 || !id.chars().all(is_word_or_dash) => {
                return Err(Error::new(ErrorCode::DomainIdIllegal));
            }
            Some(id) => id.to_owned(),
            None => random_hex(16)?,
        };
        let name = name.to_owned();
        self.write(move |writing| {
            let account = Account {
                no: AccountNo(0),
                domain_id,
                name,
                created: writing.now,
                recorder,
                rules_version: 0,
            };
            let no = writing.tx.insert_account(&account)?;
            if account.recorder.enabled {
                let config = TrackerConfig::of_operator(account.recorder.selection.clone());
                writing.tx.put_tracker_config(no, &config)?;
            }
            runs::account_chunk(writing, no)?;
            Ok(Account { no, ..account })
        })
    }

    /// All accounts, oldest first.
    pub fn accounts(&self) -> Result<Vec<Account>> {
        self.read(|tx| tx.accounts())
    }

    /// The account of that id or name.
    pub fn account(&self, domain_id_or_name: &str) -> Result<Account> {
        self.read(|tx| {
            if let Some(account) = tx.account_by_domain(domain_id_or_name)? {
                return Ok(Some(account));
            }
            Ok(tx.accounts()?.into_iter().find(|account| account.name == domain_id_or_name))
        })?
        .ok_or_else(|| {
            Error::with(ErrorCode::NotFound, format!("no account `{domain_id_or_name}` exists"))
        })
    }

    /// Makes a user.
    pub fn create_user(
        self: &Arc<Self>,
        account: &Account,
        name: &str,
        role: Role,
        password: Option<&str>,
    ) -> Result<User> {
        check_name(name)?;
        let password_hash = password.map(hash_password).transpose()?;
        let (account, id, name) = (account.no, random_hex(16)?, name.to_owned());
        self.write(move |writing| {
            let user = User {
                no: UserNo(0),
                account,
                id,
                name,
                role,
                password_hash,
                created: writing.now,
            };
            let no = writing.tx.insert_user(&user)?;
            Ok(User { no, ..user })
        })
    }

    /// The users of an account, oldest first.
    pub fn users(&self, account: &Account) -> Result<Vec<User>> {
        self.read(|tx| tx.users(account.no))
    }

    /// The user of that name.
    pub fn user(&self, account: &Account, name: &str) -> Result<User> {
        self.users(account)?
            .into_iter()
            .find(|user| user.name == name)
            .ok_or_else(|| Error::with(ErrorCode::NotFound, format!("no user `{name}` exists")))
    }

    /// Removes a user with its keys and tokens.
    pub fn delete_user(self: &Arc<Self>, account: &Account, name: &str) -> Result<()> {
        let user = self.user(account, name)?;
        self.write(move |writing| writing.tx.delete_user(user.no))
    }

    /// Makes a key; a temporary one with a security token where a lifetime is given.
    pub fn create_access_key(
        self: &Arc<Self>,
        user: &User,
        lifetime_s: Option<i64>,
    ) -> Result<NewAccessKey> {
        let access_key = random_hex(10)?.to_uppercase();
        let secret_key = random_hex(20)?;
        let security_token = lifetime_s
            .map(|_| {
                let mut random = [0; 32];
                getrandom::fill(&mut random).map_err(|e| Error::internal("no randomness", e))?;
                Ok::<_, Error>(URL_SAFE_NO_PAD.encode(random))
            })
            .transpose()?;
        let created = self.clock().now();
        let expires = lifetime_s.map(|seconds| created.plus_seconds(seconds));
        let key = AccessKey {
            access_key: access_key.clone(),
            user: user.no,
            sealed_secret: self.sealer.seal(&access_key, secret_key.as_bytes())?,
            token_sha256: security_token.as_ref().map(|token| sha256(token.as_bytes())),
            expires,
            created,
        };
        self.write(move |writing| writing.tx.insert_access_key(&key))?;
        Ok(NewAccessKey { access_key, secret_key: secret_key.into(), security_token, expires })
    }

    /// The keys of a user, oldest first.
    pub fn access_keys(&self, user: &User) -> Result<Vec<AccessKey>> {
        self.read(|tx| tx.access_keys(user.no))
    }

    /// Removes a key.
    pub fn delete_access_key(self: &Arc<Self>, access_key: &str) -> Result<()> {
        let wanted = access_key.to_owned();
        if self.write(move |writing| writing.tx.delete_access_key(&wanted))? {
            Ok(())
        } else {
            let words = format!("no access key `{access_key}` exists");
            Err(Error::with(ErrorCode::NotFound, words))
        }
    }
}

fn check_name(name: &str) -> Result<()> {
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '@');
    if name.is_empty() || name.chars().count() > 64 || !name.chars().all(fine) {
        return Err(Error::invalid("a name has 1 to 64 letters, digits and `_-.@`"));
    }
    Ok(())
}
