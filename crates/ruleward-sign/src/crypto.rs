//! The three primitives that signing needs, without a way to fail.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// SHA-256's block size, which is also HMAC's key size.
const BLOCK_BYTES: usize = 64;
/// Digits of a byte in hexadecimal.
const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// SHA-256 as lower-case hexadecimal.
pub(crate) fn sha256_hex(data: &[u8]) -> String {
    hex(&Sha256::digest(data))
}

/// HMAC-SHA-256.
///
/// The key is brought to the block size first (RFC 2104), so that no key can be refused.
pub(crate) fn hmac_sha256(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; BLOCK_BYTES];
    if key.len() > BLOCK_BYTES {
        fill(&mut block, &Sha256::digest(key));
    } else {
        fill(&mut block, key);
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(data);
    mac.finalize().into_bytes().into()
}

/// The key of `V11-HMAC-SHA256`: HKDF-SHA-256 (RFC 5869) over the secret key with the access key
/// as salt, one block long, and used in its hexadecimal form.
pub(crate) fn derive_key(access_key: &str, secret_key: &[u8], info: &str) -> String {
    let pseudo_random_key = hmac_sha256(access_key.as_bytes(), secret_key);
    let mut first_block = Vec::with_capacity(info.len() + 1);
    first_block.extend_from_slice(info.as_bytes());
    first_block.push(1);
    hex(&hmac_sha256(&pseudo_random_key, &first_block))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit =
        |nibble: u8| char::from(HEX_DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0'));
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect()
}

fn fill(block: &mut [u8; BLOCK_BYTES], bytes: &[u8]) {
    for (to, from) in block.iter_mut().zip(bytes) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 2 (short key) and 6 (key longer than a block).
    #[test]
    fn hmac_agrees_with_its_rfc() {
        assert_eq!(
            hex(&hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(&hmac_sha256(
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First"
            )),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn hash_of_nothing() {
        assert_eq!(
            sha256_hex(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
