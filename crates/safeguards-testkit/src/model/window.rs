//! Windows, found by looking through a zone's clock changes one by one.

use jiff::{
    SignedDuration, ToSpan,
    civil::{Date, Weekday},
    tz::{TimeZone, TimeZoneDatabase},
};
use serde_json::Value;

/// The stretch of time around `now`, in nanoseconds since 1970: from its first instant to the first of the
/// next one. `None` for a lifetime.
pub(super) fn span(window: &Value, now: i64) -> Option<(i64, i64)> {
    let (kind, of) = window.as_object()?.iter().next()?;
    if kind == "every_s" {
        let length = i128::from(of.as_u64()?) * 1_000_000_000;
        let start = i128::from(now) / length * length;
        return Some((cut(start), cut(start + length)));
    }
    let zone = TimeZoneDatabase::bundled().get(of.as_str()?).ok()?;
    let day = date_of(&zone, now)?;
    let (first, next) = match kind.as_str() {
        "day" => (day, day.tomorrow().ok()?),
        "week" => {
            let mut monday = day;
            while monday.weekday() != Weekday::Monday {
                monday = monday.yesterday().ok()?;
            }
            (monday, monday.checked_add(7.days()).ok()?)
        }
        _ => (day.first_of_month(), day.last_of_month().tomorrow().ok()?),
    };
    Some((cut(first_instant(&zone, first)?), cut(first_instant(&zone, next)?)))
}

/// Windows are in the order of their nominal seconds; of equal ones: every, day, week, month, then zone.
pub(super) fn length(window: &Value) -> (u64, u8, String) {
    const DAY: u64 = 86_400;
    let Some((kind, of)) = window.as_object().and_then(|keys| keys.iter().next()) else {
        return (u64::MAX, 4, String::new());
    };
    let zone = of.as_str().unwrap_or_default().to_owned();
    match kind.as_str() {
        "every_s" => (of.as_u64().unwrap_or_default(), 0, zone),
        "day" => (DAY, 1, zone),
        "week" => (7 * DAY, 2, zone),
        _ => (30 * DAY, 3, zone),
    }
}

/// The last date whose first instant is not after `now`.
fn date_of(zone: &TimeZone, now: i64) -> Option<Date> {
    let utc = TimeZone::UTC.to_datetime(instant(now)?).date();
    let mut date = utc.checked_add(2.days()).ok()?;
    while first_instant(zone, date)? > i128::from(now) {
        date = date.yesterday().ok()?;
    }
    Some(date)
}

/// The first instant at which the clocks of a zone show this date, or a later one where it was left out.
///
/// Between two changes clocks run evenly, so each such stretch is asked: when do you first show it?
fn first_instant(zone: &TimeZone, date: Date) -> Option<i128> {
    let midnight = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    // No zone is further than two days from UTC.
    let (mut start, end) =
        (midnight - SignedDuration::from_hours(48), midnight + SignedDuration::from_hours(48));
    while start < end {
        let next = zone.following(start).next().map_or(end, |change| change.timestamp());
        let shown = midnight - SignedDuration::from(zone.to_offset(start));
        if shown < next {
            return Some(shown.max(start).as_nanosecond());
        }
        start = next;
    }
    None
}

fn instant(nanos: i64) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_nanosecond(i128::from(nanos)).ok()
}

/// What lies before 1970 or after 2262 is cut there.
fn cut(nanos: i128) -> i64 {
    i64::try_from(nanos.max(0)).unwrap_or(i64::MAX)
}
