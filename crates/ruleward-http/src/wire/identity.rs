//! Shapes of the identity service, as far as clients need it.

use std::fmt;

use ruleward_core::{Caller, IssuedToken};
use ruleward_types::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Object;
use crate::validation::required;

/// The body that asks for a token.
#[derive(Deserialize)]
pub(crate) struct TokenRequest {
    auth: Option<Object<Auth>>,
}

#[derive(Deserialize)]
struct Auth {
    identity: Option<Object<Identity>>,
}

#[derive(Deserialize)]
struct Identity {
    methods: Option<Vec<String>>,
    password: Option<Object<Password>>,
    hw_ak_sk: Option<Object<KeyPair>>,
}

#[derive(Deserialize)]
struct Password {
    user: Option<Object<PasswordUser>>,
}

#[derive(Deserialize)]
struct PasswordUser {
    name: Option<String>,
    password: Option<String>,
    domain: Option<Object<Domain>>,
}

#[derive(Deserialize)]
struct Domain {
    name: Option<String>,
}

#[derive(Deserialize)]
struct KeyPair {
    access: Option<Object<Key>>,
    secret: Option<Object<Key>>,
}

#[derive(Deserialize)]
struct Key {
    key: Option<String>,
}

/// By what a token is asked for.
pub(crate) enum Credentials {
    /// An access key and its secret key.
    Key { access: String, secret: String },
    /// An account's name, a user's name and its password.
    Password { domain: String, user: String, password: String },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.method())
    }
}

impl Credentials {
    fn method(&self) -> &'static str {
        match self {
            Self::Key { .. } => "hw_ak_sk",
            Self::Password { .. } => "password",
        }
    }
}

impl TokenRequest {
    pub(crate) fn into_credentials(self) -> Result<Credentials> {
        let Object(auth) = required("auth", self.auth)?;
        let Object(identity) = required("auth.identity", auth.identity)?;
        let methods = identity.methods.unwrap_or_default();
        match methods.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["password"] => by_password(identity.password),
            ["hw_ak_sk"] => by_key(identity.hw_ak_sk),
            _ => {
                Err(Error::invalid("`auth.identity.methods` is [\"password\"] or [\"hw_ak_sk\"]."))
            }
        }
    }
}

fn by_password(password: Option<Object<Password>>) -> Result<Credentials> {
    let Object(Password { user }) = required("auth.identity.password", password)?;
    let Object(user) = required("auth.identity.password.user", user)?;
    let Object(domain) = required("auth.identity.password.user.domain", user.domain)?;
    Ok(Credentials::Password {
        domain: required("auth.identity.password.user.domain.name", domain.name)?,
        user: required("auth.identity.password.user.name", user.name)?,
        password: required("auth.identity.password.user.password", user.password)?,
    })
}

fn by_key(pair: Option<Object<KeyPair>>) -> Result<Credentials> {
    let Object(pair) = required("auth.identity.hw_ak_sk", pair)?;
    let Object(access) = required("auth.identity.hw_ak_sk.access", pair.access)?;
    let Object(secret) = required("auth.identity.hw_ak_sk.secret", pair.secret)?;
    Ok(Credentials::Key {
        access: required("auth.identity.hw_ak_sk.access.key", access.key)?,
        secret: required("auth.identity.hw_ak_sk.secret.key", secret.key)?,
    })
}

/// An account among the caller's accounts.
#[derive(Debug, Serialize)]
struct DomainAnswer<'a> {
    id: &'a str,
    name: &'a str,
    description: &'static str,
    enabled: bool,
    links: Links,
}

#[derive(Debug, Serialize)]
struct Links {}

/// The caller's accounts: one.
#[derive(Debug, Serialize)]
pub(crate) struct DomainsAnswer<'a> {
    domains: [DomainAnswer<'a>; 1],
    links: Links,
}

impl<'a> From<&'a Caller> for DomainsAnswer<'a> {
    fn from(caller: &'a Caller) -> Self {
        let domain = DomainAnswer {
            id: &caller.account.domain_id,
            name: &caller.account.name,
            description: "",
            enabled: true,
            links: Links {},
        };
        Self { domains: [domain], links: Links {} }
    }
}

/// Who the caller is.
#[derive(Debug, Serialize)]
pub(crate) struct CallerAnswer<'a> {
    account_id: &'a str,
    principal_urn: String,
    principal_id: &'a str,
}

impl<'a> From<&'a Caller> for CallerAnswer<'a> {
    fn from(caller: &'a Caller) -> Self {
        let Caller { account, user } = caller;
        Self {
            account_id: &account.domain_id,
            principal_urn: format!("iam::{}:user:{}", account.domain_id, user.name),
            principal_id: &user.id,
        }
    }
}

#[derive(Debug, Serialize)]
struct Named<'a> {
    id: &'a str,
    name: &'a str,
}

#[derive(Debug, Serialize)]
struct TokenUser<'a> {
    id: &'a str,
    name: &'a str,
    domain: Named<'a>,
    password_expires_at: &'static str,
}

#[derive(Debug, Serialize)]
struct Token<'a> {
    methods: [&'static str; 1],
    user: TokenUser<'a>,
    domain: Named<'a>,
    roles: [Named<'static>; 1],
    catalog: [(); 0],
    issued_at: String,
    expires_at: String,
}

/// A token's description; the token itself goes into a header.
#[derive(Debug, Serialize)]
pub(crate) struct TokenAnswer<'a> {
    token: Token<'a>,
}

impl<'a> TokenAnswer<'a> {
    pub(crate) fn new(issued: &'a IssuedToken, credentials: &Credentials) -> Self {
        let Caller { account, user } = &issued.caller;
        let domain = || Named { id: &account.domain_id, name: &account.name };
        let role = user.role.name();
        let token = Token {
            methods: [credentials.method()],
            user: TokenUser {
                id: &user.id,
                name: &user.name,
                domain: domain(),
                password_expires_at: "",
            },
            domain: domain(),
            roles: [Named { id: role, name: role }],
            catalog: [],
            issued_at: issued.issued.to_wire(),
            expires_at: issued.expires.to_wire(),
        };
        Self { token }
    }
}
