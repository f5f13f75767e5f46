//! From the service's count of lines (blank ones left out) to lines of the file.

use std::collections::BTreeMap;

use ruleward_types::Refusal;

/// Grows with the gaps of the batch in hand, not with the file.
#[derive(Debug, Default)]
pub struct LineMap {
    gaps: Vec<(u64, u64)>,
    known: BTreeMap<u64, u64>,
}

impl LineMap {
    /// Takes the gaps of a batch.
    pub fn add(&mut self, gaps: &[(u64, u64)]) {
        self.gaps.extend_from_slice(gaps);
    }

    /// Finds the lines of refusals up to `count`, and forgets the gaps before it.
    pub fn resolve(&mut self, refusals: &[Refusal], count: u64) {
        for refusal in refusals.iter().filter(|refusal| refusal.line <= count) {
            let place = self.place(refusal.line);
            self.known.entry(refusal.line).or_insert(place);
        }
        let past = self.gaps.partition_point(|(at, _)| *at <= count);
        self.gaps.drain(..past.saturating_sub(1));
    }

    /// The line of the file.
    pub fn line(&self, count: u64) -> u64 {
        self.known.get(&count).copied().unwrap_or_else(|| self.place(count))
    }

    fn place(&self, count: u64) -> u64 {
        let before = self.gaps.partition_point(|(at, _)| *at <= count);
        match before.checked_sub(1).and_then(|index| self.gaps.get(index)) {
            Some((at, line)) => line + (count - at),
            None => count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_are_counted_again() {
        let refusal = |line| Refusal { line, reason: String::new() };
        let mut map = LineMap::default();
        map.add(&[(2, 4), (5, 10)]);
        map.resolve(&[refusal(1), refusal(3)], 5);
        map.add(&[(7, 13)]);
        map.resolve(&[refusal(1), refusal(3), refusal(8)], 9);
        assert_eq!([1, 3, 5, 6, 8].map(|count| map.line(count)), [1, 5, 5, 6, 14]);
    }
}
