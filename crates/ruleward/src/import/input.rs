//! The input: a file or standard input, packed or not, and what names it.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use flate2::bufread::MultiGzDecoder;
use ruleward_types::ids::{hex, random_hex};
use sha2::{Digest as _, Sha256};

use super::split::Splitter;

const BUFFER_BYTES: usize = 256 * 1024;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The input itself is wrong: running again would not help.
#[derive(Debug)]
pub struct Bad(pub String);

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Bad {}

/// An opened input.
#[derive(Debug)]
pub struct Input {
    path: Option<PathBuf>,
    file: Option<File>,
    size_bytes: u64,
    read_bytes: Arc<AtomicU64>,
}

impl Input {
    /// Opens a file, or standard input for `-`.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let read_bytes = Arc::new(AtomicU64::new(0));
        if path == Path::new("-") {
            return Ok(Self { path: None, file: None, size_bytes: 0, read_bytes });
        }
        let cannot = || format!("cannot read {}", path.display());
        let file = File::open(path).with_context(cannot)?;
        let metadata = file.metadata().with_context(cannot)?;
        if metadata.is_dir() {
            return Err(anyhow::anyhow!("it is a folder")).with_context(cannot);
        }
        let size_bytes = if metadata.is_file() { metadata.len() } else { 0 };
        Ok(Self { path: Some(path.to_owned()), file: Some(file), size_bytes, read_bytes })
    }

    /// Size of the file; 0 where it is not known.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// How much was read, for the progress bar.
    pub fn read_bytes(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read_bytes)
    }

    /// What names this input to the service: the same file, unchanged, for the same types finds
    /// its open session again. Standard input is never the same.
    pub fn source(&self, replace: &[String]) -> anyhow::Result<String> {
        let (Some(path), Some(file)) = (&self.path, &self.file) else {
            return Ok(format!("stdin-{}", random_hex(16)?));
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Ok(format!("stream-{}", random_hex(16)?));
        }
        let modified = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .unwrap_or_default();
        let mut digest = Sha256::new();
        let path = path.canonicalize()?;
        for part in [
            path.as_os_str().as_encoded_bytes(),
            &metadata.len().to_be_bytes(),
            &modified.as_nanos().to_be_bytes(),
        ] {
            digest.update(u64::try_from(part.len())?.to_be_bytes());
            digest.update(part);
        }
        for of in replace {
            digest.update(of.to_lowercase().as_bytes());
            digest.update([0]);
        }
        Ok(format!("file-{}", hex(&digest.finalize())))
    }

    /// The resources of the input, one after the other.
    pub fn into_lines(self) -> io::Result<Splitter<Box<dyn BufRead + Send>>> {
        let raw: Box<dyn Read + Send> = match self.file {
            Some(file) => Box::new(file),
            None => Box::new(io::stdin()),
        };
        let counted = Counted { inner: raw, count: self.read_bytes };
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, counted);
        let mut start = Vec::with_capacity(GZIP.len());
        reader.by_ref().take(GZIP.len() as u64).read_to_end(&mut start)?;
        let packed = start == GZIP;
        let whole = Cursor::new(start).chain(reader);
        Splitter::new(if packed {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(whole)))
        } else {
            Box::new(whole)
        })
    }
}

struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_file_has_the_same_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "x").unwrap();
        let source = |replace: &[&str]| {
            let replace: Vec<String> = replace.iter().map(|of| (*of).to_owned()).collect();
            Input::open(&path).unwrap().source(&replace).unwrap()
        };
        let first = source(&[]);
        assert_eq!(first, source(&[]));
        assert_ne!(first, source(&["evs.volumes"]));
        std::fs::write(&path, "xy").unwrap();
        assert_ne!(first, source(&[]));
        let stdin = || Input::open(Path::new("-")).unwrap().source(&[]).unwrap();
        assert_ne!(stdin(), stdin());
    }

    #[test]
    fn folders_are_refused() {
        assert!(Input::open(Path::new("/")).is_err());
    }
}
