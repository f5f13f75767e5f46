//! Sealing secret keys at rest: XChaCha20-Poly1305 with the server's sealing key. A signature
//! cannot be verified by a hash of the secret key, so the key itself has to be kept.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use ruleward_types::{Error, Result};

const NONCE: usize = 24;

/// The key that seals; 32 bytes from a file or the environment.
#[derive(Clone)]
pub struct SealingKey([u8; 32]);

impl SealingKey {
    /// A key from its bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A new random key.
    pub fn random() -> Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|e| Error::internal("no randomness", e))?;
        Ok(Self(bytes))
    }

    /// Its bytes, to be written to a file that only its owner reads.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey")
    }
}

pub(crate) struct Sealer(XChaCha20Poly1305);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    pub(crate) fn new(key: &SealingKey) -> Self {
        Self(XChaCha20Poly1305::new(key.bytes().into()))
    }

    /// Seals a secret for one owner; it opens for no other.
    pub(crate) fn seal(&self, owner: &str, secret: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = vec![0; NONCE];
        getrandom::fill(&mut sealed).map_err(|e| Error::internal("no randomness", e))?;
        let boxed = self
            .0
            .encrypt(XNonce::from_slice(&sealed), Payload { msg: secret, aad: owner.as_bytes() })
            .map_err(|e| Error::internal("seal a secret", e))?;
        sealed.extend_from_slice(&boxed);
        Ok(sealed)
    }

    /// Opens a sealed secret.
    pub(crate) fn open(&self, owner: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let wrong = || Error::internal("open a secret", "it was sealed with another key");
        let (nonce, boxed) = sealed.split_at_checked(NONCE).ok_or_else(wrong)?;
        self.0
            .decrypt(XNonce::from_slice(nonce), Payload { msg: boxed, aad: owner.as_bytes() })
            .map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_its_key_and_owner() {
        let sealer = Sealer::new(&SealingKey::new([1; 32]));
        let boxed = sealer.seal("AK1", b"secret").unwrap();
        assert_eq!(sealer.open("AK1", &boxed).unwrap(), b"secret");
        assert!(sealer.open("AK2", &boxed).is_err());
        assert!(Sealer::new(&SealingKey::new([2; 32])).open("AK1", &boxed).is_err());
        assert!(sealer.open("AK1", b"short").is_err());
    }
}
