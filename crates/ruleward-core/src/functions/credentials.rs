//! The temporary credentials of functions: made for one call, kept in memory only, ended with it.
//!
//! They need no row: a server that was killed forgets them, and its functions with them.

use std::collections::HashMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use ruleward_types::ids::random_hex;
use ruleward_types::{AccountNo, Error, Result, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};

use crate::hashing::sha256;

/// What a function signs its requests with.
#[derive(Clone)]
pub struct FunctionCredentials {
    /// The access key.
    pub access_key: String,
    /// Its secret key.
    pub secret_key: SecretString,
    /// What has to come along in `X-Security-Token`.
    pub security_token: SecretString,
    /// For `X-Auth-Token`, without a signature.
    pub token: SecretString,
}

impl fmt::Debug for FunctionCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionCredentials")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}

/// A key that is good now.
#[derive(Clone)]
pub(crate) struct LiveKey {
    pub(crate) account: AccountNo,
    pub(crate) secret_key: SecretString,
    pub(crate) security_token_sha256: [u8; 32],
    pub(crate) expires: Timestamp,
    token_sha256: [u8; 32],
}

#[derive(Default)]
struct Live {
    keys: HashMap<String, LiveKey>,
    /// Access keys by the hash of their token.
    tokens: HashMap<[u8; 32], String>,
}

/// All that are good now.
#[derive(Default)]
pub(crate) struct Credentials(Mutex<Live>);

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

impl Credentials {
    /// New ones for an account.
    pub(crate) fn issue(
        &self,
        account: AccountNo,
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<FunctionCredentials> {
        let secret = || -> Result<SecretString> {
            let mut random = [0; 32];
            getrandom::fill(&mut random).map_err(|e| Error::internal("no randomness", e))?;
            Ok(SecretString::from(URL_SAFE_NO_PAD.encode(random)))
        };
        let made = FunctionCredentials {
            access_key: random_hex(10)?.to_uppercase(),
            secret_key: secret()?,
            security_token: secret()?,
            token: secret()?,
        };
        let hash = |secret: &SecretString| sha256(secret.expose_secret().as_bytes());
        let key = LiveKey {
            account,
            secret_key: made.secret_key.clone(),
            security_token_sha256: hash(&made.security_token),
            expires,
            token_sha256: hash(&made.token),
        };
        let mut live = self.0.lock();
        let Live { keys, tokens } = &mut *live;
        keys.retain(|_, key| {
            let is_good = key.expires > now;
            if !is_good {
                tokens.remove(&key.token_sha256);
            }
            is_good
        });
        tokens.insert(key.token_sha256, made.access_key.clone());
        keys.insert(made.access_key.clone(), key);
        Ok(made)
    }

    /// The call has ended.
    pub(crate) fn revoke(&self, access_key: &str) {
        let mut live = self.0.lock();
        if let Some(key) = live.keys.remove(access_key) {
            live.tokens.remove(&key.token_sha256);
        }
    }

    pub(crate) fn key(&self, access_key: &str) -> Option<LiveKey> {
        self.0.lock().keys.get(access_key).cloned()
    }

    pub(crate) fn key_of_token(&self, token_sha256: &[u8; 32]) -> Option<LiveKey> {
        let live = self.0.lock();
        live.tokens.get(token_sha256).and_then(|access_key| live.keys.get(access_key)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_end_with_the_call_or_with_their_time() {
        let all = Credentials::default();
        let made = all.issue(AccountNo(1), Timestamp(0), Timestamp(10)).unwrap();
        let token = sha256(made.token.expose_secret().as_bytes());
        assert_eq!(all.key(&made.access_key).unwrap().account, AccountNo(1));
        assert!(all.key_of_token(&token).is_some());
        all.revoke(&made.access_key);
        assert!(all.key(&made.access_key).is_none() && all.key_of_token(&token).is_none());
        let old = all.issue(AccountNo(1), Timestamp(0), Timestamp(10)).unwrap();
        let new = all.issue(AccountNo(2), Timestamp(10), Timestamp(20)).unwrap();
        assert!(all.key(&old.access_key).is_none());
        assert!(all.key(&new.access_key).is_some());
        assert_eq!(all.0.lock().tokens.len(), 1);
        assert!(!format!("{made:?}").contains(made.secret_key.expose_secret()));
    }
}
