//! A request as signing sees it.

use crate::X_SDK_DATE;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use thiserror::Error;

/// How the time of signing is written.
const DATE_FORMAT: &str = "%Y%m%dT%H%M%SZ";
/// How long it always is.
const DATE_LENGTH: usize = "20260102T030405Z".len();

/// A request as it came in, or as it is about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// The method, in any case.
    pub method: &'a str,
    /// The path as it stands in the request line: still percent-encoded, without the query.
    pub path: &'a str,
    /// The query as it stands in the request line, without the question mark.
    pub query: &'a str,
    /// Every header with its name (in any case) and its bytes.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The whole body.
    pub body: &'a [u8],
}

impl<'a> SignedRequest<'a> {
    /// The values of a header, whose name is given in lower case.
    pub(crate) fn header_values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim_ascii())
    }
}

/// Why the time of signing cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DateError {
    /// The request carries no `X-Sdk-Date`.
    #[error("header X-Sdk-Date is missing")]
    Missing,
    /// The request carries more than one `X-Sdk-Date`.
    #[error("header X-Sdk-Date stands more than once")]
    Repeated,
    /// It is not a time of the form `yyyymmddThhmmssZ`.
    #[error("header X-Sdk-Date is not a time of the form yyyymmddThhmmssZ")]
    Malformed,
}

/// When the client signed, in seconds since 1970.
///
/// How far it may be from now is the caller's decision: this crate has no clock.
pub fn signing_time(request: &SignedRequest<'_>) -> Result<i64, DateError> {
    let text = signing_date(request)?;
    let civil = DateTime::strptime(DATE_FORMAT, text).map_err(|_| DateError::Malformed)?;
    let zoned = civil.to_zoned(TimeZone::UTC).map_err(|_| DateError::Malformed)?;
    Ok(zoned.timestamp().as_second())
}

/// The text of `X-Sdk-Date`, of the right length and in ASCII, not yet read as a time.
pub(crate) fn signing_date<'a>(request: &SignedRequest<'a>) -> Result<&'a str, DateError> {
    let mut values = request.header_values(X_SDK_DATE);
    let value = values.next().ok_or(DateError::Missing)?;
    if values.next().is_some() {
        return Err(DateError::Repeated);
    }
    let text = std::str::from_utf8(value).map_err(|_| DateError::Malformed)?;
    if text.is_ascii() && text.len() == DATE_LENGTH { Ok(text) } else { Err(DateError::Malformed) }
}

/// A time as `X-Sdk-Date` writes it.
pub(crate) fn format_date(time: Timestamp) -> String {
    time.strftime(DATE_FORMAT).to_string()
}
