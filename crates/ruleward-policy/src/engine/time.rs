//! Points in time as they stand in resources.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Reads a point in time, in milliseconds since 1970 UTC: RFC 3339, or a date and time without an
/// offset, which is taken as UTC.
pub(crate) fn timestamp_ms(text: &str) -> Option<i64> {
    if text.len() > 64 {
        return None;
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.as_millisecond());
    }
    let civil: DateTime = text.parse().ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}
