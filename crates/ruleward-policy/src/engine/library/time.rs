//! Points in time as they stand in resources.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::engine::evaluate::Evaluator;
use crate::engine::value::Val;
use crate::json::unescape;

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

pub(super) const HOUR_MS: f64 = 3_600_000.0;
pub(super) const DAY_MS: f64 = 24.0 * HOUR_MS;

impl<'a> Evaluator<'a, '_> {
    /// The time since a point in time, in the given unit.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of any date fit 53 bits")]
    pub(super) fn elapsed(&mut self, time: Val<'a>, unit_ms: f64) -> Val<'a> {
        let at = match time {
            Val::Text(text) if text.raw_len() <= 512 => {
                self.buffer.clear();
                unescape(text, self.buffer);
                std::str::from_utf8(self.buffer).ok().and_then(timestamp_ms)
            }
            other => other.as_integer(),
        };
        let age = at.and_then(|at| self.env.now_ms().checked_sub(at));
        age.map_or(Val::Missing, |age| Val::Float(age as f64 / unit_ms))
    }
}
