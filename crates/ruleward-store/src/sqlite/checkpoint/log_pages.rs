//! Which pages a log holds: what SQLite's own file of it says (<https://www.sqlite.org/fileformat2.html#walformat>).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::sqlite::PAGE_BYTES;

/// Bytes before the first frame, and before the page of each.
const HEAD: u64 = 32;
const FRAME_HEAD: u64 = 24;
/// Where the head says which log it is: it says something else when the log starts over.
const SALT: u64 = 16;

/// The log of a database, frame by frame.
#[derive(Debug)]
pub(super) struct LogPages {
    path: PathBuf,
    salt: [u8; 8],
    /// Frames that were looked at.
    seen: u64,
}

impl LogPages {
    pub(super) fn new(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Self { path: path.into(), salt: [0; 8], seen: 0 }
    }

    /// Adds the numbers of the pages in the frames up to one, less those that were asked for before; of
    /// how many commits they are.
    pub(super) fn up_to(&mut self, frames: u64, pages: &mut Vec<u32>) -> io::Result<usize> {
        let mut commits = 0;
        if frames == 0 {
            return Ok(commits);
        }
        let log = File::open(&self.path)?;
        let mut salt = [0; 8];
        log.read_exact_at(&mut salt, SALT)?;
        if salt != self.salt {
            (self.salt, self.seen) = (salt, 0);
        }
        for frame in self.seen..frames {
            // The page's number, and where the frame ends a commit the pages that there are then.
            let mut head = [[0; 4]; 2];
            let place = HEAD + frame * (FRAME_HEAD + u64::from(PAGE_BYTES));
            log.read_exact_at(head.as_flattened_mut(), place)?;
            let [number, after] = head.map(u32::from_be_bytes);
            pages.push(number);
            commits += usize::from(after != 0);
        }
        self.seen = frames;
        Ok(commits)
    }
}
