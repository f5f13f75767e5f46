//! Batches: lines of JSON, ready to be sent.

use std::io::{self, BufRead, Write as _};

use anyhow::Context as _;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use ruleward_types::limits;

use super::split::{LONGEST_BYTES, Splitter};

/// A batch is closed when it is as long as this, so that the longest line still fits below what
/// the service takes. Longer ones are hardly faster and cost the service's memory, which holds
/// two of them.
const CLOSED_BYTES: usize = 3 * 1024 * 1024;
const _: () = assert!(CLOSED_BYTES + LONGEST_BYTES < limits::IMPORT_BATCH_BYTES);

/// What is sent at once.
#[derive(Debug)]
pub struct Batch {
    /// How many lines came before it.
    pub offset: u64,
    /// How many lines it has.
    pub lines: u64,
    /// The lines, packed or not.
    pub body: Bytes,
    /// Whether the body is packed.
    pub packed: bool,
    /// Where counting lines that are not blank and counting all lines drift apart: (lines not
    /// blank, lines) right after a gap.
    pub gaps: Vec<(u64, u64)>,
}

impl Batch {
    /// How many lines there are with it.
    pub fn end(&self) -> u64 {
        self.offset + self.lines
    }
}

/// Makes batches; those that the service has are left out.
#[derive(Debug)]
pub struct Batcher<R> {
    lines: Option<io::Result<Splitter<R>>>,
    skip: u64,
    pack: bool,
    /// Lines that were read and are not blank.
    count: u64,
    /// By how much the number of a line is more.
    drift: u64,
}

impl<R: BufRead> Batcher<R> {
    /// Batches of what comes after so many lines.
    pub fn new(lines: io::Result<Splitter<R>>, skip: u64, pack: bool) -> Self {
        Self { lines: Some(lines), skip, pack, count: 0, drift: 0 }
    }

    fn read(&mut self, splitter: &mut Splitter<R>) -> anyhow::Result<Batch> {
        let mut body = Vec::with_capacity(CLOSED_BYTES + CLOSED_BYTES / 8);
        let mut line = Vec::new();
        let mut gaps = Vec::new();
        let mut lines = 0;
        let offset = self.count.max(self.skip);
        while body.len() < CLOSED_BYTES {
            let Some(at) = splitter.next(&mut line).context("reading the input failed")? else {
                break;
            };
            self.count += 1;
            if at - self.count != self.drift {
                self.drift = at - self.count;
                gaps.push((self.count, at));
            }
            if self.count > self.skip {
                body.extend_from_slice(&line);
                body.push(b'\n');
                lines += 1;
            }
        }
        let body = if self.pack { pack(&body)? } else { body };
        Ok(Batch { offset, lines, body: body.into(), packed: self.pack, gaps })
    }
}

fn pack(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
    packer.write_all(plain)?;
    packer.finish()
}

impl<R: BufRead> Iterator for Batcher<R> {
    type Item = anyhow::Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut splitter = match self.lines.take()? {
            Ok(splitter) => splitter,
            Err(error) => return Some(Err(error).context("reading the input failed")),
        };
        match self.read(&mut splitter) {
            // Gaps alone still matter: they place the lines that an earlier run had refused.
            Ok(batch) if batch.lines == 0 && batch.gaps.is_empty() => None,
            Ok(batch) => {
                if batch.lines > 0 {
                    self.lines = Some(Ok(splitter));
                }
                Some(Ok(batch))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    fn batches(text: &str, skip: u64) -> Vec<Batch> {
        Batcher::new(Splitter::new(text.as_bytes()), skip, false).map(Result::unwrap).collect()
    }

    #[test]
    fn batches_are_closed_in_time() {
        let line = "x".repeat(1024 * 1024 - 1);
        let text = format!("{line}\n").repeat(10);
        let made = batches(&text, 0);
        assert_eq!(
            made.iter().map(|of| (of.offset, of.lines)).collect::<Vec<_>>(),
            [(0, 3), (3, 3), (6, 3), (9, 1)]
        );
        assert!(made.iter().all(|of| of.body.len() <= limits::IMPORT_BATCH_BYTES));
    }

    #[test]
    fn what_was_sent_is_left_out() {
        let made = batches("a\n\nb\nc\n", 2);
        let [only] = made.as_slice() else { panic!("{made:?}") };
        assert_eq!((only.offset, only.lines, &*only.body), (2, 1, b"c\n".as_slice()));
        assert_eq!(only.gaps, [(2, 3)]);
        assert!(batches("a\nb\n", 2).is_empty());
    }

    #[test]
    fn packed_batches() {
        let mut made = Batcher::new(Splitter::new("a\nb\n".as_bytes()), 0, true);
        let batch = made.next().unwrap().unwrap();
        let mut plain = String::new();
        GzDecoder::new(&*batch.body).read_to_string(&mut plain).unwrap();
        assert_eq!(plain, "a\nb\n");
        assert!(made.next().is_none());
    }
}
