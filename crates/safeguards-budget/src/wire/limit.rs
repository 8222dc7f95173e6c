//! The JSON form of limits, windows and protection.

use safeguards_types::{Amount, Priority, Quantity, Unit};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use super::{
    LineError,
    keys::{Keys, integer, list, parsed, told, unit},
};
use crate::{Limit, LimitMode, Percent, ProtectionStep, Window, WindowError};

/// The longest window and the longest time to live of a hold.
pub(super) const SECONDS_MAX: u64 = 1_000_000_000;

/// The keys of a limit, beside those of whatever it stands in.
pub(super) fn write_limit<M: SerializeMap>(map: &mut M, limit: &Limit) -> Result<(), M::Error> {
    let Limit { unit, window, amount, mode, .. } = limit;
    map.serialize_entry("unit", unit)?;
    map.serialize_entry("window", window)?;
    map.serialize_entry("amount", amount)?;
    map.serialize_entry("mode", mode)?;
    map.serialize_entry("warn_at", limit.warnings())
}

/// Takes the keys of a limit; what its amount may be depends on who gave it.
pub(super) fn read_limit(
    keys: &mut Keys,
    amount: impl FnOnce(&Unit, Value) -> Result<Quantity, LineError>,
) -> Result<Limit, LineError> {
    let unit = keys.read("unit", unit)?;
    let window = keys.read("window", window)?;
    let amount = keys.read("amount", |value| amount(&unit, value))?;
    let mode = keys.find("mode", mode)?.unwrap_or_default();
    let warn_at = keys.find("warn_at", list(warning))?.unwrap_or_default();
    let limit = Limit::new(Amount::new(amount, unit), window).mode(mode);
    Ok(warn_at.into_iter().fold(limit, Limit::warn_at))
}

/// A limit as a ledger told it.
fn limit(value: Value) -> Result<Limit, LineError> {
    let mut keys = Keys::of(value)?;
    let limit = read_limit(&mut keys, |_, value| told(value))?;
    keys.finish()?;
    Ok(limit)
}

fn mode(value: Value) -> Result<LimitMode, LineError> {
    let known = [LimitMode::Hard, LimitMode::Soft, LimitMode::Shadow];
    let named = known.into_iter().find(|mode| value == mode.name());
    named.ok_or_else(|| LineError::wrong(&value, "\"hard\", \"soft\" or \"shadow\""))
}

/// A share of a limit at which it may warn: nothing is ever said of 0 %.
fn warning(value: Value) -> Result<Percent, LineError> {
    let above_zero =
        |text: &str| Percent::parse(text).ok().filter(|percent| *percent > Percent::ZERO).ok_or(());
    parsed(above_zero, "a decimal string above 0 and up to 100, such as \"80\"")(value)
}

pub(super) fn percent(value: Value) -> Result<Percent, LineError> {
    parsed(Percent::parse, "a decimal string from 0 to 100, such as \"10\"")(value)
}

pub(super) fn window(value: Value) -> Result<Window, LineError> {
    const FORMS: &str = "\"lifetime\", {\"every_s\":3600}, {\"day\":\"Europe/Berlin\"}, \
        {\"week\":\"UTC\"} or {\"month\":\"UTC\"}";
    if value == "lifetime" {
        return Ok(Window::Lifetime);
    }
    let alone = value.as_object().filter(|forms| forms.len() == 1);
    let Some((kind, given)) = alone.and_then(|forms| forms.iter().next()) else {
        return Err(LineError::wrong(&value, FORMS));
    };
    let window = match kind.as_str() {
        "every_s" => every(given),
        "day" => in_zone(Window::day, given),
        "week" => in_zone(Window::week, given),
        "month" => in_zone(Window::month, given),
        _ => return Err(LineError::wrong(&value, FORMS)),
    };
    window.map_err(|error| error.inside(kind))
}

fn every(given: &Value) -> Result<Window, LineError> {
    let seconds = integer(1..=SECONDS_MAX)(given.clone())?;
    Window::every_seconds(seconds).map_err(|error| LineError::wrong(given, error))
}

fn in_zone(
    window: fn(&str) -> Result<Window, WindowError>,
    given: &Value,
) -> Result<Window, LineError> {
    const FORM: &str = "the IANA name of a time zone, such as \"UTC\" or \"Europe/Berlin\"";
    parsed(window, FORM)(given.clone())
}

pub(super) fn step(value: Value) -> Result<ProtectionStep, LineError> {
    let mut keys = Keys::of(value)?;
    let last = keys.read("last_percent", percent)?;
    let from = keys.read("from_priority", priority)?;
    keys.finish()?;
    Ok(ProtectionStep::new(last, from))
}

pub(super) fn priority(value: Value) -> Result<Priority, LineError> {
    let level = value.as_i64().and_then(|level| Priority::try_from(level).ok());
    level.ok_or_else(|| LineError::wrong(&value, "a whole number from 1 to 10"))
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        write_limit(&mut map, self)?;
        map.end()
    }
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Lifetime => serializer.serialize_str("lifetime"),
            Self::EverySeconds(seconds) => serializer.collect_map([("every_s", seconds.get())]),
            Self::Day(zone) => serializer.collect_map([("day", zone.name())]),
            Self::Week(zone) => serializer.collect_map([("week", zone.name())]),
            Self::Month(zone) => serializer.collect_map([("month", zone.name())]),
        }
    }
}

impl Serialize for ProtectionStep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { last, from } = self;
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("last_percent", last)?;
        map.serialize_entry("from_priority", from)?;
        map.end()
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

read_by! { Limit => limit, Window => window, ProtectionStep => step, Percent => percent }
