//! [`Verdict`]: what an answer's status means; and when to come back.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use safeguards_types::Timestamp;

/// The longest time for which a server's word to stay away is kept.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// What an answer's status means for the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is where it should be.
    Delivered,
    /// It is to go elsewhere, as it is.
    Redirected,
    /// It is to be asked for elsewhere: the body would be lost.
    Misdirected,
    /// Trying again may help.
    Retryable,
    /// Trying again does not help.
    Permanent,
}

impl Verdict {
    pub(super) fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            200..=299 => Self::Delivered,
            307 | 308 => Self::Redirected,
            301..=303 => Self::Misdirected,
            408 | 425 | 429 | 500..=599 => Self::Retryable,
            _ => Self::Permanent,
        }
    }
}

/// How long the header says to stay away: seconds, or a date. An hour at most; `None` where it says
/// neither.
pub(super) fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    let span = if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than fits a number is more than an hour.
        Duration::from_secs(header.parse().unwrap_or(u64::MAX))
    } else {
        let date = httpdate::parse_http_date(header).ok()?;
        let since_epoch = date.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::UNIX_EPOCH.saturating_add(since_epoch).since(now)
    };
    Some(span.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(statuses: &[u16], expected: Verdict) {
        for status in statuses {
            let status = StatusCode::from_u16(*status).unwrap();
            assert_eq!(Verdict::of(status), expected, "{status}");
        }
    }

    #[test]
    fn each_status_has_its_meaning() {
        check(&[200, 201, 202, 204, 299], Verdict::Delivered);
        check(&[307, 308], Verdict::Redirected);
        check(&[301, 302, 303], Verdict::Misdirected);
        check(&[408, 425, 429, 500, 501, 502, 503, 504, 599], Verdict::Retryable);
        check(&[300, 304, 305, 400, 401, 403, 404, 409, 410, 413, 422], Verdict::Permanent);
        check(&[100, 600, 999], Verdict::Permanent);
    }

    #[track_caller]
    fn check_after(header: &str, expected: Option<u64>) {
        let now = Timestamp::parse("1994-11-06T08:48:37Z").unwrap();
        assert_eq!(retry_after(header, now), expected.map(Duration::from_secs), "{header:?}");
    }

    #[test]
    fn when_to_come_back_is_seconds_or_a_date() {
        check_after("0", Some(0));
        check_after(" 120 ", Some(120));
        check_after("3600", Some(3600));
        check_after("3601", Some(3600));
        check_after("99999999999999999999999", Some(3600));
        check_after("Sun, 06 Nov 1994 08:49:37 GMT", Some(60));
        check_after("Sunday, 06-Nov-94 08:49:37 GMT", Some(60));
        check_after("Sun Nov  6 08:49:37 1994", Some(60));
        check_after("Sun, 06 Nov 1994 08:47:37 GMT", Some(0));
        check_after("Fri, 06 Nov 2099 08:47:37 GMT", Some(3600));
        for neither in ["", "soon", "-5", "1.5", "Sun, 06 Nov 1994"] {
            check_after(neither, None);
        }
    }
}
