//! Who calls, and what the caller may do.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ruleward_store::ReadTx;
use ruleward_types::{
    AccessKey, Account, AccountNo, Error, ErrorCode, Result, Role, Timestamp, User, UserNo,
};
use secrecy::{ExposeSecret, SecretSlice};
use subtle::ConstantTimeEq;

use crate::Service;
use crate::functions::credentials::LiveKey;
use crate::hashing::sha256;

/// How long a token lives, in seconds (the vendor's: a day).
const TOKEN_LIFETIME_S: i64 = 24 * 3600;

/// The user that functions act as; none of the users has this id.
const FUNCTION: &str = "function";

/// A known caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account it belongs to.
    pub account: Account,
    /// The user it is.
    pub user: User,
}

/// The right to act on an account; made only by [`Service::authorize`].
#[derive(Debug, Clone)]
pub struct Access {
    account: AccountNo,
    domain_id: String,
    user: String,
    user_name: String,
    request_id: Option<String>,
    /// Whether it reaches beyond the account: to the organizations of the whole server.
    is_operator: bool,
}

impl Access {
    /// The account's row.
    pub(crate) fn account(&self) -> AccountNo {
        self.account
    }

    /// The account's public id.
    pub fn domain_id(&self) -> &str {
        &self.domain_id
    }

    /// The user who acts.
    pub fn user_id(&self) -> &str {
        &self.user
    }

    /// The user's name.
    pub(crate) fn user_name(&self) -> &str {
        &self.user_name
    }

    /// The request that acts, where one does.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The same, by a request of this id: what it changes is kept with it.
    #[must_use]
    pub fn of_request(self, id: impl Into<String>) -> Self {
        Self { request_id: Some(id.into()), ..self }
    }

    /// Whether the operator of the server acts.
    pub(crate) fn is_operator(&self) -> bool {
        self.is_operator
    }

    /// Access of a function that was called on behalf of an account.
    pub(crate) fn of_function(account: AccountNo, domain_id: &str) -> Self {
        Self {
            account,
            domain_id: domain_id.to_owned(),
            user: FUNCTION.to_owned(),
            user_name: FUNCTION.to_owned(),
            request_id: None,
            is_operator: false,
        }
    }

    /// Access of the operator, who acts on the machine itself and not through the API.
    pub fn operator(account: &Account) -> Self {
        Self {
            account: account.no,
            domain_id: account.domain_id.clone(),
            user: "operator".to_owned(),
            user_name: "operator".to_owned(),
            request_id: None,
            is_operator: true,
        }
    }
}

/// A token that was issued.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token, told only once.
    pub token: String,
    /// Whose it is.
    pub caller: Caller,
    /// Since when.
    pub issued: Timestamp,
    /// Until when.
    pub expires: Timestamp,
}

fn unauthenticated(words: &str) -> Error {
    Error::with(
        ErrorCode::Unauthenticated,
        format!("Incorrect IAM authentication information: {words}"),
    )
}

fn caller(tx: &dyn ReadTx, user: UserNo) -> Result<Caller> {
    let gone = || unauthenticated("the user does not exist any more.");
    let user = tx.user(user)?.ok_or_else(gone)?;
    let account = tx.account(user.account)?.ok_or_else(gone)?;
    Ok(Caller { account, user })
}

impl Service {
    /// The secret behind an access key, to verify a signature with.
    pub fn access_key_secret(
        &self,
        access_key: &str,
        security_token: Option<&str>,
    ) -> Result<(Caller, SecretSlice<u8>)> {
        let now = self.clock().now();
        if let Some(live) = self.functions.credentials.key(access_key) {
            let caller = self.function_caller(&live, now)?;
            check_token(&live.security_token_sha256, security_token)?;
            return Ok((
                caller,
                SecretSlice::from(live.secret_key.expose_secret().as_bytes().to_vec()),
            ));
        }
        let (key, user, account) = self
            .read(|tx| tx.access_key_holder(access_key))?
            .ok_or_else(|| unauthenticated("the access key does not exist."))?;
        check_temporary(&key, security_token, now)?;
        let secret = self.sealer.open(&key.access_key, &key.sealed_secret)?;
        Ok((Caller { account, user }, SecretSlice::from(secret)))
    }

    /// The caller behind an `X-Auth-Token`.
    pub fn caller_by_token(&self, token: &str) -> Result<Caller> {
        let now = self.clock().now();
        let hash = sha256(token.as_bytes());
        if let Some(live) = self.functions.credentials.key_of_token(&hash) {
            return self.function_caller(&live, now);
        }
        self.read(|tx| match tx.token(&hash)? {
            Some((user, expires)) if expires > now => caller(tx, user),
            _ => Err(unauthenticated("the token is not known or has expired.")),
        })
    }

    /// The function that acts with a temporary key of its call.
    fn function_caller(&self, live: &LiveKey, now: Timestamp) -> Result<Caller> {
        if live.expires <= now {
            return Err(unauthenticated("the temporary access key has expired."));
        }
        let account = self
            .read(|tx| tx.account(live.account))?
            .ok_or_else(|| unauthenticated("the account does not exist any more."))?;
        let user = User {
            no: UserNo(0),
            account: account.no,
            id: FUNCTION.to_owned(),
            name: FUNCTION.to_owned(),
            role: Role::Function,
            password_hash: None,
            created: account.created,
        };
        Ok(Caller { account, user })
    }

    /// A token for a user's name and password.
    pub fn issue_token_by_password(
        self: &Arc<Self>,
        domain_name: &str,
        user_name: &str,
        password: &str,
    ) -> Result<IssuedToken> {
        let found = self.read(|tx| {
            let accounts = tx.accounts()?;
            let Some(account) = accounts.into_iter().find(|account| account.name == domain_name)
            else {
                return Ok(None);
            };
            Ok(tx.users(account.no)?.into_iter().find(|user| user.name == user_name))
        })?;
        let hash = found.as_ref().and_then(|user| user.password_hash.as_deref());
        // An unknown user costs what a wrong password costs.
        let known = hash.unwrap_or(NOBODY);
        let matches = PasswordHash::new(known).is_ok_and(|hash| {
            Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
        });
        match found {
            Some(user) if matches && hash.is_some() => self.issue(user.no),
            _ => Err(unauthenticated("the domain, user name or password is wrong.")),
        }
    }

    /// A token for an access key and its secret key.
    pub fn issue_token_by_key(
        self: &Arc<Self>,
        access_key: &str,
        secret_key: &str,
    ) -> Result<IssuedToken> {
        let wrong = || unauthenticated("the access key or the secret key is wrong.");
        let (caller, secret) = self
            .access_key_secret(access_key, None)
            .map_err(|e| if e.code() == ErrorCode::Unauthenticated { wrong() } else { e })?;
        if secret.expose_secret().ct_eq(secret_key.as_bytes()).into() {
            self.issue(caller.user.no)
        } else {
            Err(wrong())
        }
    }

    fn issue(self: &Arc<Self>, user: UserNo) -> Result<IssuedToken> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|e| Error::internal("no randomness", e))?;
        let token = URL_SAFE_NO_PAD.encode(random);
        let hash = sha256(token.as_bytes());
        let issued = self.clock().now();
        let expires = issued.plus_seconds(TOKEN_LIFETIME_S);
        let caller = self.write(move |writing| {
            writing.tx.insert_token(&hash, user, expires, issued)?;
            caller(writing.tx, user)
        })?;
        Ok(IssuedToken { token, caller, issued, expires })
    }

    /// Whether a caller may do this on the account in the path (where the path has one).
    pub fn authorize(
        &self,
        caller: &Caller,
        action: &str,
        domain_id: Option<&str>,
    ) -> Result<Access> {
        if domain_id.is_some_and(|wanted| wanted != caller.account.domain_id) {
            return Err(Error::with(
                ErrorCode::AccessDenied,
                "Access denied: the account in the path is not the caller's.",
            ));
        }
        if !caller.user.role.allows(action) {
            return Err(Error::with(
                ErrorCode::AccessDenied,
                format!(
                    "Access denied: the role {} does not allow {action}.",
                    caller.user.role.name()
                ),
            ));
        }
        Ok(Access {
            account: caller.account.no,
            domain_id: caller.account.domain_id.clone(),
            user: caller.user.id.clone(),
            user_name: caller.user.name.clone(),
            request_id: None,
            is_operator: caller.user.role == Role::Operator,
        })
    }
}

/// A hash that no password has; verified against where there is no user.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5$\
                      Zm9yZXZlcnVubWF0Y2hlZGZvcmV2ZXJ1bm1hdGNoZWQ";

/// A password as it is stored.
pub(crate) fn hash_password(password: &str) -> Result<String> {
    let failed = |e| Error::internal("hash a password", e);
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|e| Error::internal("no randomness", e))?;
    let salt = SaltString::encode_b64(&random).map_err(failed)?;
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt).map_err(failed)?.to_string())
}

fn check_temporary(key: &AccessKey, token: Option<&str>, now: Timestamp) -> Result<()> {
    if key.expires.is_some_and(|expires| expires <= now) {
        return Err(unauthenticated("the temporary access key has expired."));
    }
    key.token_sha256.as_ref().map_or(Ok(()), |hash| check_token(hash, token))
}

fn check_token(hash: &[u8; 32], token: Option<&str>) -> Result<()> {
    match token {
        None => Err(unauthenticated("the access key is temporary, X-Security-Token is missing.")),
        Some(token) if sha256(token.as_bytes()).ct_eq(hash).into() => Ok(()),
        Some(_) => Err(unauthenticated("the security token is wrong.")),
    }
}
