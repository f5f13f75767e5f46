//! Moments on the command line.

use ruleward_types::Timestamp;

/// Reads `2026-03-01T00:00:00Z`, or a day: its beginning, UTC.
pub fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z"))).ok_or_else(
        || "a moment is written as 2026-03-01T00:00:00Z, or as a day: 2026-03-01".to_owned(),
    )
}

/// A moment as the service takes it, to the microsecond.
pub fn written(moment: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(moment.0).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_days() {
        let day = Timestamp::parse("2026-03-01T00:00:00Z").unwrap();
        assert_eq!(moment("2026-03-01"), Ok(day));
        assert_eq!(moment("2026-03-01T01:00:00+01:00"), Ok(day));
        assert!(moment("yesterday").is_err());
        assert_eq!(written(Timestamp(day.0 + 1)), "2026-03-01T00:00:00.000001Z");
    }
}
