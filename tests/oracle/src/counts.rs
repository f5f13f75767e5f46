//! Verdicts, counted and summed up.

use ruleward_types::ComplianceCounts;

use crate::policy::Verdict;

/// So many of each.
pub(crate) fn count(verdicts: impl Iterator<Item = Verdict>) -> ComplianceCounts {
    let mut counts = ComplianceCounts::default();
    for verdict in verdicts {
        match verdict {
            Verdict::Compliant => counts.compliant += 1,
            Verdict::NonCompliant => counts.non_compliant += 1,
            Verdict::Undetermined => counts.undetermined += 1,
        }
    }
    counts
}

/// A violation weighs most; what could not be determined is not called compliant.
pub(crate) fn worst(verdicts: impl Iterator<Item = Verdict>) -> Option<Verdict> {
    let verdicts: Vec<Verdict> = verdicts.collect();
    [Verdict::NonCompliant, Verdict::Undetermined, Verdict::Compliant]
        .into_iter()
        .find(|verdict| verdicts.contains(verdict))
}
