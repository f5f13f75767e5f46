//! What clients ask the vendor's identity service: which account is mine, give me a token.

use http::{HeaderName, HeaderValue};
use ruleward_core::Caller;
use ruleward_types::{Error, Result};

use crate::call::{Answer, Call};
use crate::wire::identity::{CallerAnswer, Credentials, DomainsAnswer, TokenAnswer, TokenRequest};

const X_SUBJECT_TOKEN: HeaderName = HeaderName::from_static("x-subject-token");

pub(crate) fn domains(_: &Call, caller: &Caller) -> Result<Answer> {
    Answer::json(&DomainsAnswer::from(caller))
}

pub(crate) fn caller(_: &Call, caller: &Caller) -> Result<Answer> {
    Answer::json(&CallerAnswer::from(caller))
}

pub(crate) fn create_token(call: &Call) -> Result<Answer> {
    let credentials = call.json::<TokenRequest>()?.into_credentials()?;
    let service = call.service();
    let issued = match &credentials {
        Credentials::Key { access, secret } => service.issue_token_by_key(access, secret)?,
        Credentials::Password { domain, user, password } => {
            service.issue_token_by_password(domain, user, password)?
        }
    };
    let token = HeaderValue::from_str(&issued.token)
        .map_err(|error| Error::internal("a token is no header", error))?;
    let answer = Answer::json(&TokenAnswer::new(&issued, &credentials))?;
    Ok(answer.with_header(X_SUBJECT_TOKEN, token))
}
