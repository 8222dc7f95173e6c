//! [`Window`]: over how long a limit counts, and which stretch of time an instant falls into.

use std::{fmt, sync::Arc};

use jiff::{
    ToSpan,
    civil::{Date, Weekday},
    tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase},
};
use safeguards_types::Timestamp;

/// Over how long a limit counts before it begins again.
///
/// ```
/// use safeguards_budget::Window;
///
/// assert_eq!(Window::day("Europe/Berlin")?.to_string(), "per day in Europe/Berlin");
/// assert_eq!(Window::every_seconds(60)?.to_string(), "per 60s");
/// assert!(Window::day("Europe/Berlim").is_err());
/// # Ok::<(), safeguards_budget::WindowError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Window {
    /// For ever: it never begins again.
    Lifetime,
    /// Every so many seconds, counted from 1970-01-01T00:00:00Z.
    EverySeconds(Seconds),
    /// A calendar day in a time zone.
    Day(Zone),
    /// A calendar week from Monday in a time zone.
    Week(Zone),
    /// A calendar month in a time zone.
    Month(Zone),
}

/// Why there is no such [`Window`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// No zone of this name in the bundled IANA database.
    #[error("there is no time zone `{name}`; write an IANA name such as UTC or Europe/Berlin")]
    UnknownZone {
        /// What was given.
        name: String,
    },
    /// A number of seconds that no window has.
    #[error("a window of {seconds} s is outside 1 to 1000000000 s")]
    Seconds {
        /// What was given.
        seconds: u64,
    },
}

/// How long a window of a number of seconds is: 1 to 10⁹.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(u64);

impl Seconds {
    const MAX: u64 = 1_000_000_000;

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// A time zone, by its name in the IANA database. Two zones are the same if their names are, letter by letter.
#[derive(Clone)]
pub struct Zone {
    name: Arc<str>,
    rules: TimeZone,
}

impl Zone {
    /// The zone of this name. Its rules come with the program, so that machines agree.
    ///
    /// # Errors
    ///
    /// Where the database has no such zone.
    pub fn parse(name: &str) -> Result<Self, WindowError> {
        let rules = TimeZoneDatabase::bundled()
            .get(name)
            .ok()
            // The database overlooks case, and knows a zone for "unknown". A limit is told from another by the
            // text of its zone, so there is one spelling only.
            .filter(|rules| rules.iana_name() == Some(name) && !rules.is_unknown())
            .ok_or_else(|| WindowError::UnknownZone { name: name.to_owned() })?;
        Ok(Self { name: Arc::from(name), rules })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first instant of a local date: what is left of it where midnight was skipped, the earlier
    /// midnight where it came twice.
    fn first_instant(&self, date: Date) -> Option<jiff::Timestamp> {
        let midnight = date.at(0, 0, 0, 0);
        match self.rules.to_ambiguous_timestamp(midnight).offset() {
            AmbiguousOffset::Unambiguous { offset }
            | AmbiguousOffset::Fold { before: offset, .. } => offset.to_timestamp(midnight).ok(),
            AmbiguousOffset::Gap { before, .. } => {
                // Midnight by the old offset lies inside the gap, so the jump is the last one up to there.
                let inside =
                    before.to_timestamp(midnight).ok()?.checked_add(1.nanosecond()).ok()?;
                self.rules.preceding(inside).next().map(|jump| jump.timestamp())
            }
        }
    }

    /// The last date whose first instant is not after `now`.
    fn date_of(&self, now: jiff::Timestamp) -> Option<Date> {
        let near = self.rules.to_datetime(now).date();
        [near.tomorrow().ok()?, near, near.yesterday().ok()?]
            .into_iter()
            .find(|date| self.first_instant(*date).is_some_and(|first| first <= now))
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl std::hash::Hash for Zone {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.name(), out)
    }
}

/// The stretch of time that a window covers: from its first instant up to, and without, its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) started_at: Timestamp,
    pub(crate) ends_at: Timestamp,
}

impl Span {
    /// Whether the window has ended at `now`. One that is cut at the end of time never does: else its last
    /// instant would be in no window, and nothing spent then would count.
    pub(crate) fn is_over(self, now: Timestamp) -> bool {
        self.ends_at <= now && self.ends_at < Timestamp::MAX
    }
}

impl Window {
    /// Every `seconds` seconds, counted from 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    ///
    /// Where `seconds` is outside 1 to 10⁹.
    pub fn every_seconds(seconds: u64) -> Result<Self, WindowError> {
        if (1..=Seconds::MAX).contains(&seconds) {
            Ok(Self::EverySeconds(Seconds(seconds)))
        } else {
            Err(WindowError::Seconds { seconds })
        }
    }

    /// A calendar day in the zone of this name.
    ///
    /// # Errors
    ///
    /// Where there is no such zone.
    pub fn day(zone: &str) -> Result<Self, WindowError> {
        Zone::parse(zone).map(Self::Day)
    }

    /// A calendar week, from Monday, in the zone of this name.
    ///
    /// # Errors
    ///
    /// Where there is no such zone.
    pub fn week(zone: &str) -> Result<Self, WindowError> {
        Zone::parse(zone).map(Self::Week)
    }

    /// A calendar month in the zone of this name.
    ///
    /// # Errors
    ///
    /// Where there is no such zone.
    pub fn month(zone: &str) -> Result<Self, WindowError> {
        Zone::parse(zone).map(Self::Month)
    }

    /// The stretch of time around `now`; `None` for a lifetime, which has no end.
    ///
    /// Half-open: the instant of a boundary belongs to the new stretch. What would begin before 1970 or end
    /// after 2262 is cut there.
    pub(crate) fn span_at(&self, now: Timestamp) -> Option<Span> {
        match self {
            Self::Lifetime => None,
            Self::EverySeconds(Seconds(seconds)) => Some(every(*seconds, now)),
            Self::Day(zone) => calendar(zone, now, |date| Some((date, date.tomorrow().ok()?))),
            Self::Week(zone) => calendar(zone, now, |date| {
                let monday = if date.weekday() == Weekday::Monday {
                    date
                } else {
                    date.nth_weekday(-1, Weekday::Monday).ok()?
                };
                Some((monday, monday.checked_add(1.week()).ok()?))
            }),
            Self::Month(zone) => calendar(zone, now, |date| {
                let first = date.first_of_month();
                Some((first, first.checked_add(1.month()).ok()?))
            }),
        }
    }

    /// The stretch of time in which a limit made at `now` begins to count: not before it was made.
    pub(crate) fn span_from(&self, now: Timestamp) -> Option<Span> {
        let span = self.span_at(now)?;
        Some(Span { started_at: span.started_at.max(now), ..span })
    }

    /// By how long they last; of equal ones, by kind, then by zone. Lifetime is the longest.
    pub(crate) fn by_length(&self) -> impl Ord + '_ {
        const DAY: u64 = 24 * 60 * 60;
        match self {
            Self::EverySeconds(Seconds(seconds)) => (*seconds, 0, ""),
            Self::Day(zone) => (DAY, 1, zone.name()),
            Self::Week(zone) => (7 * DAY, 2, zone.name()),
            Self::Month(zone) => (30 * DAY, 3, zone.name()),
            Self::Lifetime => (u64::MAX, 4, ""),
        }
    }
}

fn every(seconds: u64, now: Timestamp) -> Span {
    let nanos = i64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(1_000_000_000));
    let into = nanos.and_then(|nanos| now.as_nanos().checked_rem(nanos)).unwrap_or(0);
    let started = now.as_nanos().saturating_sub(into);
    Span {
        started_at: Timestamp::from_nanos(started).unwrap_or_default(),
        ends_at: nanos
            .and_then(|nanos| started.checked_add(nanos))
            .and_then(Timestamp::from_nanos)
            .unwrap_or(Timestamp::MAX),
    }
}

fn calendar(
    zone: &Zone,
    now: Timestamp,
    around: impl FnOnce(Date) -> Option<(Date, Date)>,
) -> Option<Span> {
    let (first, next) = around(zone.date_of(now.into())?)?;
    let started_at = nanos_of(zone.first_instant(first)?).max(0);
    Some(Span {
        started_at: Timestamp::from_nanos(started_at)?,
        ends_at: Timestamp::from_nanos(nanos_of(zone.first_instant(next)?))?,
    })
}

/// Nanoseconds since 1970; what does not fit is cut at the ends of what does.
fn nanos_of(instant: jiff::Timestamp) -> i64 {
    let nanos = instant.as_nanosecond();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

impl fmt::Display for Window {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lifetime => out.write_str("lifetime"),
            Self::EverySeconds(Seconds(seconds)) => write!(out, "per {seconds}s"),
            Self::Day(zone) => write!(out, "per day in {}", zone.name()),
            Self::Week(zone) => write!(out, "per week in {}", zone.name()),
            Self::Month(zone) => write!(out, "per month in {}", zone.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(window: &Result<Window, WindowError>, now: &str, started_at: &str, ends_at: &str) {
        let span = window.as_ref().unwrap().span_at(Timestamp::parse(now).unwrap()).unwrap();
        assert_eq!(
            (span.started_at.to_string().as_str(), span.ends_at.to_string().as_str()),
            (started_at, ends_at)
        );
    }

    #[test]
    fn boundaries_belong_to_the_new_window() {
        let minute = Window::every_seconds(60);
        check(
            &minute,
            "2026-01-05T09:00:59.999999999Z",
            "2026-01-05T09:00:00Z",
            "2026-01-05T09:01:00Z",
        );
        check(&minute, "2026-01-05T09:01:00Z", "2026-01-05T09:01:00Z", "2026-01-05T09:02:00Z");
        let day = Window::day("Europe/Berlin");
        check(&day, "2026-01-04T22:59:59Z", "2026-01-03T23:00:00Z", "2026-01-04T23:00:00Z");
        check(&day, "2026-01-04T23:00:00Z", "2026-01-04T23:00:00Z", "2026-01-05T23:00:00Z");
        let week = Window::week("UTC");
        check(&week, "2026-01-05T00:00:00Z", "2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z");
        check(&week, "2026-01-11T23:59:59Z", "2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z");
        check(
            &Window::month("UTC"),
            "2026-02-28T23:59:59Z",
            "2026-02-01T00:00:00Z",
            "2026-03-01T00:00:00Z",
        );
    }

    #[test]
    fn days_follow_the_clocks_of_their_zone() {
        // 25 hours where clocks go back, 23 where they go forward.
        check(
            &Window::day("Europe/Berlin"),
            "2026-10-25T12:00:00Z",
            "2026-10-24T22:00:00Z",
            "2026-10-25T23:00:00Z",
        );
        check(
            &Window::day("Europe/Berlin"),
            "2026-03-29T12:00:00Z",
            "2026-03-28T23:00:00Z",
            "2026-03-29T22:00:00Z",
        );
        // São Paulo skipped midnight: 4 November 2018 began at 01:00, which was 03:00Z.
        check(
            &Window::day("America/Sao_Paulo"),
            "2018-11-04T03:00:00Z",
            "2018-11-04T03:00:00Z",
            "2018-11-05T02:00:00Z",
        );
        // Havana turned 01:00 into 00:00: the day begins at the first midnight and the second hour is its own.
        check(
            &Window::day("America/Havana"),
            "2025-11-02T05:30:00Z",
            "2025-11-02T04:00:00Z",
            "2025-11-03T05:00:00Z",
        );
        // Samoa had no 30 December 2011: the day that began at the jump is the 31st.
        check(
            &Window::day("Pacific/Apia"),
            "2011-12-30T10:00:00Z",
            "2011-12-30T10:00:00Z",
            "2011-12-31T10:00:00Z",
        );
        check(
            &Window::day("Pacific/Apia"),
            "2011-12-30T09:59:59Z",
            "2011-12-29T10:00:00Z",
            "2011-12-30T10:00:00Z",
        );
    }

    #[test]
    fn the_ends_of_time_are_cut() {
        check(
            &Window::day("America/New_York"),
            "1970-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z",
            "1970-01-01T05:00:00Z",
        );
        let last = Timestamp::MAX.to_string();
        check(&Window::month("UTC"), &last, "2262-04-01T00:00:00Z", &last);
        check(&Window::every_seconds(1_000_000_000), &last, "2255-03-14T16:00:00Z", &last);
    }

    #[test]
    fn windows_that_cannot_be_are_refused() {
        assert!(Window::every_seconds(0).is_err());
        assert!(Window::every_seconds(1_000_000_001).is_err());
        assert!(Window::day("").is_err());
        for zone in ["/etc/passwd", "utc", "europe/berlin", "Etc/Unknown", "Europe/Berlin "] {
            assert!(Window::day(zone).is_err(), "{zone}");
        }
        for zone in ["UTC", "Etc/UTC", "US/Eastern", "Asia/Calcutta", "EST5EDT", "GMT0"] {
            assert_eq!(Window::day(zone).unwrap().to_string(), format!("per day in {zone}"));
        }
    }

    proptest! {
        #[test]
        fn every_instant_lies_in_its_window_and_windows_touch(
            nanos in 0..i64::MAX,
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "America/Havana", "Africa/Cairo"]),
            kind in 0..4_u8,
        ) {
            let window = match kind {
                0 => Window::day(zone),
                1 => Window::week(zone),
                2 => Window::month(zone),
                _ => Window::every_seconds(3_601),
            }.unwrap();
            let now = Timestamp::from_nanos(nanos).unwrap();
            let span = window.span_at(now).unwrap();
            prop_assert!(span.started_at <= now && now < span.ends_at);
            if span.ends_at < Timestamp::MAX {
                prop_assert_eq!(window.span_at(span.ends_at).unwrap().started_at, span.ends_at);
            }
        }
    }
}
