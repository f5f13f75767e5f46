//! The pages of a list as they were got, in a file: an import that was interrupted goes on with
//! exactly these, and gets further ones from where the last one ended.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use ruleward_types::ids::random_hex;
use serde_json::Value;

use crate::files::make_private_dir;

const ENDING: &str = ".pages";
/// Older pages are not gone on with: the account has changed since.
const OLDEST: Duration = Duration::from_hours(24);

/// How far a list was got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Nothing yet.
    Begin,
    /// The next page has this marker.
    At(String),
    /// There are no more.
    End,
}

impl Place {
    /// What a page says about the next one.
    pub fn after(page: &Value) -> Self {
        let next = page.pointer("/page_info/next_marker").and_then(Value::as_str);
        next.filter(|next| !next.is_empty()).map_or(Self::End, |next| Self::At(next.to_owned()))
    }
}

/// A file of pages, a line each.
#[derive(Debug)]
pub struct Spool {
    /// Where it is.
    pub path: PathBuf,
    /// What names it, and no other one.
    pub name: String,
    /// How far the list was got.
    pub place: Place,
    file: File,
}

impl Spool {
    /// The pages of the list of that key which an earlier run left, or none.
    pub fn open(folder: &Path, key: &str) -> anyhow::Result<Self> {
        make_private_dir(folder)?;
        let cannot = || format!("cannot read {}", folder.display());
        let prefix = format!("{key}-");
        for entry in fs::read_dir(folder).with_context(cannot)? {
            let entry = entry.with_context(cannot)?;
            let name = entry.file_name().into_string().unwrap_or_default();
            let Some(name) = name.strip_suffix(ENDING).filter(|name| name.starts_with(&prefix))
            else {
                continue;
            };
            let file = OpenOptions::new().read(true).append(true).open(entry.path());
            let file = file.with_context(cannot)?;
            if file.try_lock().is_err() {
                bail!("another import of this account is running ({})", entry.path().display());
            }
            let age = entry.metadata().and_then(|of| of.modified()).ok();
            if age.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > OLDEST) {
                fs::remove_file(entry.path()).with_context(cannot)?;
                continue;
            }
            let mut spool =
                Self { path: entry.path(), name: name.to_owned(), place: Place::Begin, file };
            spool.find_place().with_context(|| format!("cannot read {}", spool.path.display()))?;
            return Ok(spool);
        }
        Self::new(folder, key)
    }

    fn new(folder: &Path, key: &str) -> anyhow::Result<Self> {
        let name = format!("{key}-{}", random_hex(8)?);
        let path = folder.join(format!("{name}{ENDING}"));
        let cannot = || format!("cannot write {}", path.display());
        let mut options = OpenOptions::new();
        let options = options.read(true).append(true).create_new(true).mode(0o600);
        let file = options.open(&path).with_context(cannot)?;
        file.try_lock().map_err(std::io::Error::from).with_context(cannot)?;
        Ok(Self { path, name, place: Place::Begin, file })
    }

    /// Begins anew: the places of these pages hold no longer.
    pub fn renew(self, folder: &Path, key: &str) -> anyhow::Result<Self> {
        fs::remove_file(&self.path)?;
        Self::new(folder, key)
    }

    /// Reads to the last whole page; what a power cut left of another is cut off.
    fn find_place(&mut self) -> anyhow::Result<()> {
        let mut reader = BufReader::new(&self.file);
        let (mut whole, mut line) = (0, Vec::new());
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line)?;
            let page = serde_json::from_slice(&line);
            let (Some(b'\n'), Ok(page)) = (line.last(), page) else { break };
            self.place = Place::after(&page);
            whole += u64::try_from(read)?;
        }
        self.file.set_len(whole)?;
        Ok(())
    }

    /// Adds a page; when it returns, it stands on the disk.
    pub fn add(&mut self, page: &Value) -> anyhow::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(page)?;
        line.push(b'\n');
        let next = Place::after(page);
        if next != Place::End && next == self.place {
            bail!("the list goes in circles");
        }
        let mut write = || {
            self.file.write_all(&line)?;
            self.file.sync_data()
        };
        write().with_context(|| format!("cannot write {}", self.path.display()))?;
        self.place = next;
        Ok(line)
    }

    /// What stands in it, from the beginning; further pages do not.
    pub fn pages(&self) -> anyhow::Result<impl std::io::Read + Send + use<>> {
        let mut file = File::open(&self.path)?;
        let size = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        Ok(std::io::Read::take(file, size))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use serde_json::json;

    use super::*;

    fn page(id: &str, next: Option<&str>) -> Value {
        json!({"resources": [{"id": id}], "page_info": {"current_count": 1, "next_marker": next}})
    }

    fn text(spool: &Spool) -> String {
        let mut text = String::new();
        spool.pages().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn pages_are_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(dir.path(), "k").unwrap();
        assert_eq!(spool.place, Place::Begin);
        spool.add(&page("a", Some("m1"))).unwrap();
        spool.add(&page("b", Some("m2"))).unwrap();
        assert!(spool.add(&page("c", Some("m2"))).unwrap_err().to_string().contains("circles"));
        let (name, path, before) = (spool.name.clone(), spool.path.clone(), text(&spool));
        let busy = Spool::open(dir.path(), "k").unwrap_err().to_string();
        assert!(busy.contains("another import"), "{busy}");
        assert_ne!(Spool::open(dir.path(), "other").unwrap().name, name);
        drop(spool);
        // A page that was cut.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"resources\":[").unwrap();
        let mut spool = Spool::open(dir.path(), "k").unwrap();
        assert_eq!((&spool.name, &spool.place), (&name, &Place::At("m2".to_owned())));
        assert_eq!(text(&spool), before);
        spool.add(&page("c", None)).unwrap();
        assert_eq!((spool.place.clone(), text(&spool).lines().count()), (Place::End, 3));
        let spool = spool.renew(dir.path(), "k").unwrap();
        assert_ne!(spool.name, name);
        assert_eq!((spool.place.clone(), text(&spool)), (Place::Begin, String::new()));
    }

    #[test]
    fn old_pages_are_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(dir.path(), "k").unwrap();
        spool.add(&page("a", Some("m1"))).unwrap();
        let name = spool.name.clone();
        spool.file.set_modified(std::time::UNIX_EPOCH + OLDEST).unwrap();
        drop(spool);
        let spool = Spool::open(dir.path(), "k").unwrap();
        assert_ne!(spool.name, name);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
