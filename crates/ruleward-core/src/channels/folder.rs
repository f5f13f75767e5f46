//! Channels in folders: a bucket is a folder, a topic a file with a message on each line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use ruleward_types::Account;

use super::{Bucket, Channels, Delivery, Topic, Undelivered};

/// Every topic and every bucket is a part of one folder: for development.
#[derive(Debug)]
pub struct Folders {
    folder: PathBuf,
    /// Lines of several threads must not mix.
    appending: Arc<Mutex<()>>,
}

impl Folders {
    /// Channels in a folder; what is missing of it is made when it is needed.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), appending: Arc::default() }
    }

    /// A bucket that is a folder.
    pub fn bucket_in(folder: impl Into<PathBuf>) -> Arc<dyn Bucket> {
        Arc::new(FolderBucket(folder.into()))
    }
}

impl Channels for Folders {
    fn topic(&self, _: &Account, urn: &str) -> Option<Arc<dyn Topic>> {
        let name = urn.strip_prefix("urn:smn:")?.replace(':', "_");
        let file = self.folder.join("topics").join(format!("{name}.ndjson"));
        Some(Arc::new(FileTopic { file, appending: Arc::clone(&self.appending) }))
    }

    fn bucket(&self, _: &Account, name: &str) -> Option<Arc<dyn Bucket>> {
        Some(Self::bucket_in(self.folder.join("buckets").join(name)))
    }
}

#[derive(Debug)]
struct FileTopic {
    file: PathBuf,
    appending: Arc<Mutex<()>>,
}

impl Topic for FileTopic {
    fn deliver(&self, message: &Delivery<'_>) -> Result<(), Undelivered> {
        let append = || -> io::Result<()> {
            let _guard = self.appending.lock();
            self.file.parent().map_or(Ok(()), fs::create_dir_all)?;
            let mut file = OpenOptions::new().append(true).create(true).open(&self.file)?;
            file.write_all(&[message.body, b"\n"].concat())?;
            file.sync_data()
        };
        append().map_err(|e| Undelivered::Failed(format!("cannot append to the file: {e}")))
    }
}

#[derive(Debug)]
struct FolderBucket(PathBuf);

impl Bucket for FolderBucket {
    fn put(&self, key: &str, content: Vec<u8>) -> Result<(), String> {
        let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        if !key.split('/').all(is_plain) {
            return Err(format!("`{key}` is not a key"));
        }
        let path = key.split('/').fold(self.0.clone(), |path, part| path.join(part));
        write(&path, &content).map_err(|e| format!("the folder cannot be written: {e}"))
    }
}

/// Whoever looks sees the whole file or none.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let unfinished = path.with_added_extension("unfinished");
    let mut file = File::create(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_in_its_bucket() {
        let folder = tempfile::tempdir().unwrap();
        let bucket = Folders::bucket_in(folder.path().join("b"));
        bucket.put("a/b.json", b"1".to_vec()).unwrap();
        bucket.put("a/b.json", b"2".to_vec()).unwrap();
        assert_eq!(fs::read(folder.path().join("b/a/b.json")).unwrap(), b"2");
        assert_eq!(fs::read_dir(folder.path().join("b/a")).unwrap().count(), 1);
        for key in ["../x", "a/../../x", "/x", "a//b", ""] {
            assert!(bucket.put(key, Vec::new()).is_err(), "{key}");
        }
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(Folders::bucket_in(folder.path().join("file")).put("x", Vec::new()).is_err());
    }
}
