//! Time enters through [`Clock`], so that tests can set it.

use std::fmt;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// A moment: microseconds since the epoch, UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment this many milliseconds after the epoch.
    pub fn from_ms(ms: i64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// Whole milliseconds since the epoch.
    pub fn ms(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Whole seconds since the epoch.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Days since the epoch, UTC.
    pub fn day(self) -> i64 {
        self.0.div_euclid(86_400_000_000)
    }

    /// The last moment of its millisecond.
    #[must_use]
    pub fn end_of_ms(self) -> Self {
        Self(self.ms().saturating_mul(1000).saturating_add(999))
    }

    /// This moment plus so many seconds.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    fn moment(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or_default()
    }

    fn format(self, format: &str) -> String {
        self.moment().to_zoned(TimeZone::UTC).strftime(format).to_string()
    }

    /// `2025-06-17T07:49:38.717Z`, the form of the wire's times.
    pub fn to_wire(self) -> String {
        // Its own form of text, which needs no format to be read.
        format!("{:.3}", self.moment())
    }

    /// `2025-06-17`, the UTC day.
    pub fn to_date(self) -> String {
        self.format("%Y-%m-%d")
    }

    /// `2024-07-22T221441Z`, the form of times in names of archived files.
    pub fn to_file_name(self) -> String {
        self.format("%Y-%m-%dT%H%M%SZ")
    }

    /// `2024/07/02`, the UTC day as folders.
    pub fn to_date_path(self) -> String {
        self.format("%Y/%m/%d")
    }

    /// `2024/7/2`, the same without zeros.
    pub fn to_short_date_path(self) -> String {
        self.format("%Y/%-m/%-d")
    }

    /// Reads any RFC 3339 time.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|moment| Self(moment.as_microsecond()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_wire())
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_microsecond())
    }
}
