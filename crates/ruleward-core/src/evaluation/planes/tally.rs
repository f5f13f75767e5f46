//! The resources of a chunk in numbers, each counted once by its worst verdict.

use ruleward_types::ComplianceCounts;

use super::super::bits::Bits;
use super::{Kept, Planes, Verdict};

impl Planes {
    /// A resource by verdict, over the rules that count.
    pub(crate) fn tally_of(&self, slot: usize, counts: impl Fn(u32) -> bool) -> ComplianceCounts {
        let mut worst = Verdict::OutOfScope;
        for kept in self.rules.iter().filter(|kept| counts(kept.rule)) {
            match self.verdict_of(kept, slot) {
                Verdict::NonCompliant => {
                    worst = Verdict::NonCompliant;
                    break;
                }
                Verdict::Undetermined => worst = Verdict::Undetermined,
                Verdict::Compliant if worst == Verdict::OutOfScope => worst = Verdict::Compliant,
                Verdict::Compliant | Verdict::OutOfScope => {}
            }
        }
        worst.counts()
    }

    /// The chunk's resources by verdict, each counted once, over the rules that count.
    pub(crate) fn tally(&self, counts: impl Fn(u32) -> bool) -> ComplianceCounts {
        let counted = self.rules.iter().filter(|kept| counts(kept.rule));
        let mut union = Union::new(self.words());
        union.add_all(self, counted);
        union.counts()
    }

    /// By how much the chunk's resources by verdict move from `self` to `after`, where other rules may
    /// count. What both share is added up once.
    pub(crate) fn moved(
        &self,
        after: &Self,
        counted_before: impl Fn(u32) -> bool,
        counted_after: impl Fn(u32) -> bool,
    ) -> ComplianceCounts {
        let (mut both, mut only_before, mut only_after) = (Vec::new(), Vec::new(), Vec::new());
        for (left, right) in self.beside(after) {
            let left = left.filter(|kept| counted_before(kept.rule));
            let right = right.filter(|kept| counted_after(kept.rule));
            if let (Some(left), Some(right)) = (left, right)
                && self.shares(left, after, right)
            {
                both.push(left);
            } else {
                only_before.extend(left);
                only_after.extend(right);
            }
        }
        if only_before.is_empty() && only_after.is_empty() {
            return ComplianceCounts::default();
        }
        let mut union_before = Union::new(self.words().max(after.words()));
        union_before.add_all(self, both);
        let mut union_after = union_before.clone();
        union_before.add_all(self, only_before);
        union_after.add_all(after, only_after);
        union_after.counts().minus(union_before.counts())
    }
}

/// The slots that any of some rules judged, found non-compliant, could not determine.
#[derive(Clone)]
struct Union {
    judged: Bits,
    non_compliant: Bits,
    undetermined: Bits,
}

impl Union {
    fn new(words: usize) -> Self {
        let empty = Bits::with_words(words);
        Self { judged: empty.clone(), non_compliant: empty.clone(), undetermined: empty }
    }

    fn add_all<'a>(&mut self, planes: &'a Planes, rules: impl IntoIterator<Item = &'a Kept>) {
        let mut in_row = Vec::new();
        for kept in rules {
            match &kept.changed {
                Some(of) => self.add([&of.scope, &of.non_compliant, &of.undetermined]),
                None => in_row.push(kept.place),
            }
        }
        if !in_row.is_empty() {
            let [judged, non_compliant, undetermined] = planes.row.together(&in_row);
            self.add([&judged, &non_compliant, &undetermined]);
        }
    }

    fn add(&mut self, [judged, non_compliant, undetermined]: [&Bits; 3]) {
        self.judged.or(judged);
        self.non_compliant.or(non_compliant);
        self.undetermined.or(undetermined);
    }

    /// Each slot counts once.
    fn counts(mut self) -> ComplianceCounts {
        self.undetermined.and_not(&self.non_compliant);
        let (non_compliant, undetermined) = (self.non_compliant.count(), self.undetermined.count());
        ComplianceCounts {
            compliant: self.judged.count() - non_compliant - undetermined,
            non_compliant,
            undetermined,
            exempt: 0,
        }
    }
}
