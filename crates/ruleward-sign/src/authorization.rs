//! The `Authorization` header.

use std::fmt;
use thiserror::Error;

/// More signed headers than any client sends; beyond it a header is refused unread.
const MAX_SIGNED_HEADERS: usize = 128;

/// How a request is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `SDK-HMAC-SHA256`: the secret key itself is the key.
    SdkHmacSha256,
    /// `V11-HMAC-SHA256`: the key is derived for a day, a region and a service.
    V11HmacSha256,
}

impl Scheme {
    /// The word at the head of the header and of the text that is signed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SdkHmacSha256 => "SDK-HMAC-SHA256",
            Self::V11HmacSha256 => "V11-HMAC-SHA256",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::SdkHmacSha256, Self::V11HmacSha256].into_iter().find(|scheme| scheme.name() == name)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What a derived key is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DerivedInfo<'a> {
    /// The whole text `date/region/service`, which goes into the key and the signature.
    pub text: &'a str,
    /// The day, `yyyymmdd`.
    pub date: &'a str,
    /// The region; `globe` for accounts without a project.
    pub region: &'a str,
    /// The service's name.
    pub service: &'a str,
}

/// A parsed `Authorization` header. Nothing in it is proven before [`crate::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization<'a> {
    /// How the request is signed.
    pub scheme: Scheme,
    /// Whose key signed it.
    pub access_key: &'a str,
    /// The lower-case names of the signed headers, in the order in which they are signed.
    pub signed_headers: Vec<&'a str>,
    /// The signature in hexadecimal.
    pub signature: &'a str,
    /// What the key was derived for, with [`Scheme::V11HmacSha256`] only.
    pub derived: Option<DerivedInfo<'a>>,
}

/// Why an `Authorization` header cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthorizationError {
    /// The scheme is none of ours.
    #[error("the authorization scheme is not SDK-HMAC-SHA256 or V11-HMAC-SHA256")]
    UnknownScheme,
    /// A part is missing or empty.
    #[error("`{0}` is missing in the authorization header")]
    Missing(&'static str),
    /// A part stands twice.
    #[error("`{0}` stands more than once in the authorization header")]
    Repeated(&'static str),
    /// A part does not have the form that it must have.
    #[error("`{0}` in the authorization header is malformed")]
    Malformed(&'static str),
}

impl<'a> Authorization<'a> {
    /// Reads the header's value.
    pub fn parse(value: &'a str) -> Result<Self, AuthorizationError> {
        let (scheme, parts) =
            value.trim().split_once(' ').ok_or(AuthorizationError::UnknownScheme)?;
        let scheme = Scheme::parse(scheme).ok_or(AuthorizationError::UnknownScheme)?;

        let holder = match scheme {
            Scheme::SdkHmacSha256 => "Access",
            Scheme::V11HmacSha256 => "Credential",
        };
        let mut owner = Part::new(holder);
        let mut headers = Part::new("SignedHeaders");
        let mut signature = Part::new("Signature");
        for part in parts.split(',') {
            let Some((name, value)) = part.trim().split_once('=') else { continue };
            for wanted in [&mut owner, &mut headers, &mut signature] {
                wanted.offer(name, value)?;
            }
        }

        let owner = owner.take()?;
        let (access_key, derived) = match scheme {
            Scheme::SdkHmacSha256 => (owner, None),
            Scheme::V11HmacSha256 => {
                let (access_key, info) = parse_credential(owner)?;
                (access_key, Some(info))
            }
        };
        let signature = signature.take()?;
        if signature.len() != 64 || !signature.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(AuthorizationError::Malformed("Signature"));
        }
        let signed_headers = parse_signed_headers(headers.take()?)?;
        Ok(Self { scheme, access_key, signed_headers, signature, derived })
    }
}

/// `AK/date/region/service`.
fn parse_credential(text: &str) -> Result<(&str, DerivedInfo<'_>), AuthorizationError> {
    let malformed = AuthorizationError::Malformed("Credential");
    let Some((access_key, info)) = text.split_once('/') else { return Err(malformed) };
    let mut parts = info.split('/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(date), Some(region), Some(service), None)
            if [access_key, date, region, service].iter().all(|part| !part.is_empty()) =>
        {
            Ok((access_key, DerivedInfo { text: info, date, region, service }))
        }
        _ => Err(malformed),
    }
}

/// Names in lower case, each once.
fn parse_signed_headers(text: &str) -> Result<Vec<&str>, AuthorizationError> {
    let mut names: Vec<&str> = Vec::new();
    for name in text.split(';') {
        let legal = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase());
        if !legal || names.len() == MAX_SIGNED_HEADERS {
            return Err(AuthorizationError::Malformed("SignedHeaders"));
        }
        if names.contains(&name) {
            return Err(AuthorizationError::Repeated("SignedHeaders"));
        }
        names.push(name);
    }
    Ok(names)
}

/// A named part of the header which must stand exactly once.
struct Part<'a> {
    name: &'static str,
    value: Option<&'a str>,
}

impl<'a> Part<'a> {
    const fn new(name: &'static str) -> Self {
        Self { name, value: None }
    }

    fn offer(&mut self, name: &str, value: &'a str) -> Result<(), AuthorizationError> {
        if name != self.name {
            return Ok(());
        }
        if self.value.replace(value).is_some() {
            return Err(AuthorizationError::Repeated(self.name));
        }
        Ok(())
    }

    fn take(self) -> Result<&'a str, AuthorizationError> {
        self.value.filter(|value| !value.is_empty()).ok_or(AuthorizationError::Missing(self.name))
    }
}
