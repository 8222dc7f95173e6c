//! Times of a trace: which form its column has, and each cell as an instant.

use clap::ValueEnum;
use jiff::{civil::Date, tz::Offset};
use safeguards_types::Timestamp;

const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// A number of seconds below this one, 1973-03-03, is a distance from a start and not a date.
const ABSOLUTE_FROM_SECONDS: i64 = 100_000_000;

/// What a time written as a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimeUnit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
}

impl TimeUnit {
    /// How many nanoseconds one has.
    const fn nanos(self) -> i64 {
        match self {
            Self::S => NANOS_PER_SECOND,
            Self::Ms => 1_000_000,
            Self::Us => 1_000,
            Self::Ns => 1,
        }
    }

    /// The unit that ends a column's name, such as `ts_us`.
    fn of_name(column: &str) -> Option<Self> {
        let mut words = column.rsplit(|letter: char| !letter.is_ascii_alphanumeric());
        let last = words.find(|word| !word.is_empty())?.to_ascii_lowercase();
        match last.as_str() {
            "s" | "sec" | "secs" | "seconds" => Some(Self::S),
            "ms" | "msec" | "millis" | "milliseconds" => Some(Self::Ms),
            "us" | "usec" | "micros" | "microseconds" => Some(Self::Us),
            "ns" | "nsec" | "nanos" | "nanoseconds" => Some(Self::Ns),
            _ => None,
        }
    }

    /// The unit in which a number of this size is a date; seconds where it is none in any.
    const fn of_magnitude(number: i64) -> Self {
        match number {
            100_000_000_000_000_000.. => Self::Ns,
            100_000_000_000_000.. => Self::Us,
            100_000_000_000.. => Self::Ms,
            _ => Self::S,
        }
    }
}

/// Why a cell is no instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TimeError {
    /// Neither a date nor a number, or not of the form of the first row.
    #[error(
        "`{text}` is no time; allowed are 2023-11-16T18:17:03.97Z (or +01:00), 2023-11-16 18:17:03.97 \
         (read as UTC) and a number of seconds, milliseconds, microseconds or nanoseconds, all rows alike"
    )]
    Malformed { text: String },
    /// Before 1970 or after 2262.
    #[error("`{text}` is outside 1970-01-01T00:00:00Z to 2262-04-11T23:47:16Z")]
    OutOfRange { text: String },
    /// A start was given for times that need none.
    #[error("the times are absolute (`{text}`), so `--start` has no meaning; leave it out")]
    StartUnused { text: String },
}

/// How the times of a trace are written; the first row says it for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeForm {
    /// A date and a time of day.
    Calendar,
    /// A number since 1970.
    Absolute(TimeUnit),
    /// A number since the start of the trace.
    Relative(TimeUnit),
}

/// Reads the times of one column.
#[derive(Debug)]
pub(crate) struct TimeReader {
    unit: Option<TimeUnit>,
    start: Option<Timestamp>,
    form: Option<TimeForm>,
    has_zoneless: bool,
    /// The date read last, since the next row most likely has it too.
    date: ([u8; 10], i64),
}

impl TimeReader {
    /// Reads the times of the column of this name. `unit` overrules what name and size of a number say;
    /// relative times count from `start`, or from 1970.
    pub(crate) fn new(column: &str, unit: Option<TimeUnit>, start: Option<Timestamp>) -> Self {
        Self {
            unit: unit.or_else(|| TimeUnit::of_name(column)),
            start,
            form: None,
            has_zoneless: false,
            date: ([0; 10], 0),
        }
    }

    /// How the times are written; `None` before the first.
    pub(crate) const fn form(&self) -> Option<TimeForm> {
        self.form
    }

    /// Whether a date was read that names no zone, and was taken as UTC.
    pub(crate) const fn has_zoneless(&self) -> bool {
        self.has_zoneless
    }

    /// Reads one cell.
    pub(crate) fn read(&mut self, text: &str) -> Result<Timestamp, TimeError> {
        let malformed = || TimeError::Malformed { text: text.to_owned() };
        let form = match self.form {
            Some(form) => form,
            None => self.form_of(text).ok_or_else(malformed)?,
        };
        let nanos = match form {
            TimeForm::Calendar => self.calendar(text.as_bytes()).ok_or_else(malformed)?,
            TimeForm::Absolute(unit) => number(text, unit).ok_or_else(malformed)?,
            TimeForm::Relative(unit) => {
                let start = self.start.unwrap_or(Timestamp::UNIX_EPOCH).as_nanos();
                let since = number(text, unit).ok_or_else(malformed)?;
                since.saturating_add(i128::from(start))
            }
        };
        if self.form.is_none() {
            if self.start.is_some() && !matches!(form, TimeForm::Relative(_)) {
                return Err(TimeError::StartUnused { text: text.to_owned() });
            }
            self.form = Some(form);
        }
        i64::try_from(nanos)
            .ok()
            .and_then(Timestamp::from_nanos)
            .ok_or_else(|| TimeError::OutOfRange { text: text.to_owned() })
    }

    fn form_of(&self, text: &str) -> Option<TimeForm> {
        if text.as_bytes().get(4) == Some(&b'-') {
            return Some(TimeForm::Calendar);
        }
        let whole: i64 = text.split('.').next()?.parse().ok()?;
        let unit = self.unit.unwrap_or_else(|| TimeUnit::of_magnitude(whole));
        let absolute_from = i128::from(ABSOLUTE_FROM_SECONDS) * i128::from(NANOS_PER_SECOND);
        Some(if number(text, unit)? < absolute_from {
            TimeForm::Relative(unit)
        } else {
            TimeForm::Absolute(unit)
        })
    }

    /// Nanoseconds of `YYYY-MM-DD`, `T` or a space, `HH:MM:SS`, a fraction or none, a zone or none.
    fn calendar(&mut self, text: &[u8]) -> Option<i128> {
        let (date, clock) = text.split_first_chunk::<10>()?;
        let [b'T' | b't' | b' ', h1, h2, b':', m1, m2, b':', s1, s2, rest @ ..] = clock else {
            return None;
        };
        let (hours, minutes, seconds) =
            (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?, digits(&[*s1, *s2])?);
        if hours > 23 || minutes > 59 || seconds > 59 {
            return None;
        }
        let (fraction, zone) = match rest {
            [b'.', rest @ ..] => {
                let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let (digits, zone) = rest.split_at(length);
                (fraction_nanos(digits)?, zone)
            }
            zone => (0, zone),
        };
        let offset_minutes = match zone {
            [] => {
                self.has_zoneless = true;
                0
            }
            [b'Z' | b'z'] => 0,
            [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2]
            | [sign @ (b'+' | b'-'), h1, h2, m1, m2] => {
                let (hours, minutes) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
                if hours > 23 || minutes > 59 {
                    return None;
                }
                let offset = hours * 60 + minutes;
                if *sign == b'-' { -offset } else { offset }
            }
            _ => return None,
        };
        let clock_seconds = hours * 3_600 + minutes * 60 + seconds - offset_minutes * 60;
        let of_day = i128::from(clock_seconds) * i128::from(NANOS_PER_SECOND);
        Some(
            i128::from(self.midnight(*date)?) * i128::from(NANOS_PER_SECOND)
                + of_day
                + i128::from(fraction),
        )
    }

    /// Seconds from 1970 to a date, by UTC.
    fn midnight(&mut self, date: [u8; 10]) -> Option<i64> {
        if self.date.0 == date {
            return Some(self.date.1);
        }
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = date else {
            return None;
        };
        let year = digits(&[y1, y2, y3, y4]).and_then(|year| i16::try_from(year).ok())?;
        let month = digits(&[m1, m2]).and_then(|month| i8::try_from(month).ok())?;
        let day = digits(&[d1, d2]).and_then(|day| i8::try_from(day).ok())?;
        let midnight = Date::new(year, month, day).ok()?.at(0, 0, 0, 0);
        let seconds = Offset::UTC.to_timestamp(midnight).ok()?.as_second();
        self.date = (date, seconds);
        Some(seconds)
    }
}

/// The value of digits, and of nothing else.
fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0_i64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// Billionths, of the digits after a point; what is smaller than one is cut off.
fn fraction_nanos(text: &[u8]) -> Option<i64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut nanos = [b'0'; 9];
    nanos.iter_mut().zip(text).for_each(|(slot, digit)| *slot = *digit);
    digits(&nanos)
}

/// Nanoseconds of a number such as `12`, `1763.25`.
fn number(text: &str, unit: TimeUnit) -> Option<i128> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, fraction_nanos(fraction.as_bytes())?),
        None => (text, 0),
    };
    if whole.is_empty() {
        return None;
    }
    let scale = i128::from(unit.nanos());
    let whole = i128::from(digits(whole.as_bytes())?) * scale;
    Some(whole + i128::from(fraction) * scale / i128::from(NANOS_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(column: &str, text: &str, expected: Result<&str, &str>) {
        match (TimeReader::new(column, None, None).read(text), expected) {
            (Ok(at), Ok(printed)) => assert_eq!(at.to_string(), printed, "{text}"),
            (Err(error), Err(part)) => {
                assert!(error.to_string().contains(part), "{text}: {error}");
            }
            (got, expected) => panic!("{text}: {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn dates_have_a_zone_or_are_utc() {
        let printed = Ok("2023-11-16T18:17:03.97996Z");
        check("TIMESTAMP", "2023-11-16 18:17:03.9799600", printed);
        check("TIMESTAMP", "2023-11-16T18:17:03.97996Z", printed);
        check("TIMESTAMP", "2023-11-16T20:17:03.97996+02:00", printed);
        check("TIMESTAMP", "2023-11-16 13:47:03.97996-0430", printed);
        check("t", "2024-02-29 00:00:00", Ok("2024-02-29T00:00:00Z"));
        check("t", "1970-01-01T00:30:00+01:00", Err("outside"));
        check("t", "2262-04-12 00:00:00", Err("outside"));
        for text in [
            "2023-02-29 00:00:00",
            "2023-11-16",
            "2023-11-16 24:00:00",
            "2023-11-16 18:17",
            "2023-11-16 18:17:03.",
            "2023-11-16 18:17:03 CET",
            "2023-11-16T18:17:03.5é",
            "16.11.2023 18:17:03",
            "yesterday",
            "",
        ] {
            check("t", text, Err("no time"));
        }
    }

    #[test]
    fn numbers_are_read_by_name_and_by_size() {
        let printed = Ok("2025-10-20T21:22:56.615875Z");
        check("ts_us", "1760995376615875", printed);
        check("time", "1760995376615875", printed);
        check("time", "1760995376.615875", printed);
        check("Timestamp (ms)", "1760995376615.875", printed);
        check("time", "1760995376615875000", printed);
        check("time", "12.5", Ok("1970-01-01T00:00:12.5Z"));
        check("offset_ms", "1500", Ok("1970-01-01T00:00:01.5Z"));
        check("time", "0", Ok("1970-01-01T00:00:00Z"));
        check("time_s", "1760995376615875", Err("outside"));
        for text in ["-1", "1e9", "1.", ".5", "0x10", "NaN", "99999999999999999999"] {
            check("time", text, Err("no time"));
        }
    }

    #[test]
    fn relative_times_count_from_the_start() {
        let start = Timestamp::parse("2026-01-05T09:00:00Z").unwrap();
        let mut times = TimeReader::new("arrival", Some(TimeUnit::Ms), Some(start));
        let at = times.read("90000").unwrap();
        assert_eq!(at.to_string(), "2026-01-05T09:01:30Z");
        assert_eq!(times.form(), Some(TimeForm::Relative(TimeUnit::Ms)));
        let mut absolute = TimeReader::new("arrival", None, Some(start));
        let error = absolute.read("2026-01-05T09:00:00Z").unwrap_err();
        assert!(error.to_string().contains("--start"), "{error}");
    }

    #[test]
    fn the_first_row_sets_the_form_of_all() {
        let mut times = TimeReader::new("time", None, None);
        assert!(times.read("1760995376").is_ok());
        assert!(times.read("2026-01-05T09:00:00Z").is_err());
        // 5 seconds after 1970, not after a start: the column holds dates.
        assert_eq!(times.read("5").unwrap().as_nanos(), 5_000_000_000);
    }
}
