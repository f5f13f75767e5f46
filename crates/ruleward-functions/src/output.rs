//! What a function writes: its beginning is kept, all of it is counted.

use crate::Log;

/// Collects output.
#[derive(Debug)]
pub(crate) struct Output {
    kept: Vec<u8>,
    most_kept: usize,
    seen: u64,
    most_seen: u64,
}

impl Output {
    /// Keeps the first so many bytes; more than `most_seen` is a flood.
    pub(crate) fn new(most_kept: usize, most_seen: u64) -> Self {
        Self { kept: Vec::new(), most_kept, seen: 0, most_seen }
    }

    /// Adds a piece.
    pub(crate) fn take(&mut self, piece: &[u8]) {
        let room = self.most_kept.saturating_sub(self.kept.len());
        self.kept.extend(piece.iter().take(room));
        self.seen = self.seen.saturating_add(piece.len() as u64);
    }

    /// Whether there was more than there may be.
    pub(crate) fn is_flood(&self) -> bool {
        self.seen > self.most_seen
    }

    /// What was kept.
    pub(crate) fn into_log(self) -> Log {
        let truncated = self.seen > self.kept.len() as u64;
        Log { bytes: self.kept, truncated }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_beginning_and_counts_the_rest() {
        let mut output = Output::new(4, 6);
        output.take(b"abc");
        output.take(b"def");
        assert!(!output.is_flood());
        output.take(b"g");
        assert!(output.is_flood());
        assert_eq!(output.into_log(), Log { bytes: b"abcd".to_vec(), truncated: true });
    }
}
