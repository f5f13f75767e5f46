//! Files of an archive: gzip JSON, written item by item.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use ruleward_types::{Error, ErrorCode, ObsChannel, Result};

use crate::channels::Bucket;

/// What an archive came to.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// The keys of its files.
    pub(super) keys: Vec<String>,
    /// Resources, or changes, in them.
    pub(super) items: usize,
}

/// A file under way: a head, a list, and its end.
pub(super) struct Part {
    encoder: GzEncoder<Vec<u8>>,
    pub(super) items: usize,
    /// Bytes before they are packed.
    pub(super) size: usize,
}

impl Part {
    /// Begins with everything up to the list's bracket.
    pub(super) fn begin(head: &str) -> Result<Self> {
        let mut part =
            Self { encoder: GzEncoder::new(Vec::new(), Compression::fast()), items: 0, size: 0 };
        part.write(head.as_bytes())?;
        Ok(part)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.size += bytes.len();
        self.encoder.write_all(bytes).map_err(|e| Error::internal("pack an archive", e))
    }

    /// Adds an item that comes in pieces.
    pub(super) fn push(&mut self, pieces: &[&[u8]]) -> Result<()> {
        if self.items > 0 {
            self.write(b",")?;
        }
        self.items += 1;
        pieces.iter().try_for_each(|piece| self.write(piece))
    }

    /// Ends it and stores it.
    pub(super) fn store(mut self, bucket: &dyn Bucket, key: &str) -> Result<()> {
        self.write(b"]}")?;
        let packed = self.encoder.finish().map_err(|e| Error::internal("pack an archive", e))?;
        bucket.put(key, packed).map_err(|words| Error::with(ErrorCode::Unavailable, words))
    }
}

/// A key in the bucket, behind the account's prefix.
pub(super) fn key(obs: &ObsChannel, rest: &str) -> String {
    match &obs.bucket_prefix {
        Some(prefix) => format!("{prefix}/{rest}"),
        None => rest.to_owned(),
    }
}
