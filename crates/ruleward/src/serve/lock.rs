//! One server per data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;

use anyhow::{Context as _, bail};

use crate::place::Place;

const FILE: &str = "ruleward.lock";

/// Held for as long as the server runs; the system lets go of it however the process ends.
#[derive(Debug)]
pub struct DataLock(
    #[expect(dead_code, reason = "the lock lasts as long as the file is open")] File,
);

impl DataLock {
    /// Takes the lock, or tells that another server has it.
    pub fn take(place: &Place) -> anyhow::Result<Self> {
        let path = place.dir.join(FILE);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => bail!(
                "another server uses {}; stop it, or choose another folder with --data",
                place.dir.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place { dir: dir.path().to_owned(), database: dir.path().join("ruleward.db") };
        let first = DataLock::take(&place).unwrap();
        let told = DataLock::take(&place).unwrap_err().to_string();
        assert!(told.contains("another server"), "{told}");
        drop(first);
        DataLock::take(&place).unwrap();
    }
}
