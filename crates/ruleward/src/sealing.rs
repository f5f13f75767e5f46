//! The key that seals secret keys at rest: from the environment, a file that the configuration
//! names, or `sealing.key` beside the store, which is made with a new store.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ruleward_core::SealingKey;

use crate::config::Config;
use crate::files;
use crate::place::Place;

/// Holds the key as 64 hex digits or base64; wins over every file.
pub const VARIABLE: &str = "RULEWARD_SEALING_KEY";
const FILE: &str = "sealing.key";

/// Finds the key of a store, or makes one for a new store.
pub fn find(place: &Place, config: &Config) -> anyhow::Result<SealingKey> {
    if let Some(text) = std::env::var_os(VARIABLE) {
        let text = text.into_string().map_err(|_| anyhow::anyhow!("{VARIABLE} is not text"))?;
        return parse(text.as_bytes()).context(VARIABLE);
    }
    if let Some(path) = &config.security.sealing_key_file {
        return read(path).context("[security] sealing_key_file");
    }
    let path = place.dir.join(FILE);
    if path.try_exists().with_context(|| format!("cannot look at {}", path.display()))? {
        return read(&path);
    }
    let store_exists = place.database.try_exists().unwrap_or(true);
    if store_exists {
        bail!(
            "the store {} has no sealing key: set {VARIABLE}, name a file in [security] \
             sealing_key_file, or put the key back as {}",
            place.database.display(),
            path.display()
        );
    }
    let key = SealingKey::random()?;
    let mut text = ruleward_types::ids::hex(key.bytes());
    text.push('\n');
    files::write_private(&path, text.as_bytes())?;
    Ok(key)
}

fn read(path: &Path) -> anyhow::Result<SealingKey> {
    let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&content).with_context(|| path.display().to_string())
}

/// Reads 32 bytes: as they are, as hex digits, or as base64. What is wrong is told without a
/// word of the content.
fn parse(content: &[u8]) -> anyhow::Result<SealingKey> {
    if let Ok(bytes) = content.try_into() {
        return Ok(SealingKey::new(bytes));
    }
    let text = content.trim_ascii();
    let bytes = from_hex(text).or_else(|| STANDARD.decode(text).ok()).unwrap_or_default();
    match bytes.try_into() {
        Ok(bytes) => Ok(SealingKey::new(bytes)),
        Err(_) => bail!("a sealing key is 32 bytes, written as 64 hex digits or as base64"),
    }
}

fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() != 64 {
        return None;
    }
    text.chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_spellings() {
        let hex = format!("{}\n", "ab".repeat(32));
        let base64 = STANDARD.encode([0xab; 32]);
        for text in [hex.as_bytes(), base64.as_bytes(), &[0xab; 32]] {
            assert_eq!(parse(text).unwrap().bytes(), &[0xab; 32]);
        }
        for text in ["", "secret", &"zz".repeat(32), &"ab".repeat(31)] {
            let told = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(!told.contains("secret"), "{told}");
        }
    }

    #[test]
    fn a_new_store_gets_a_key_and_an_old_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place { dir: dir.path().to_owned(), database: dir.path().join("ruleward.db") };
        let config = Config::default();
        let made = find(&place, &config).unwrap();
        assert_eq!(find(&place, &config).unwrap().bytes(), made.bytes());
        fs::write(&place.database, b"").unwrap();
        fs::remove_file(dir.path().join(FILE)).unwrap();
        let told = find(&place, &config).unwrap_err().to_string();
        assert!(told.contains("no sealing key"), "{told}");
    }
}
