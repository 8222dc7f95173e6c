//! [`Keys`]: an object whose keys are taken by name, and readers for what stands at them.

use std::ops::RangeInclusive;

use safeguards_types::{AccountId, Amount, Amounts, OperationId, Quantity, Timestamp, Unit};
use serde_json::{Map, Value};
use smallvec::SmallVec;

use super::{LineError, error::shortened};
use crate::HoldId;

/// An object of which each key is taken once; one that nobody took is unknown.
pub(super) struct Keys {
    left: Map<String, Value>,
    /// What was asked for: the keys that there are.
    known: SmallVec<[&'static str; 16]>,
}

impl Keys {
    pub(super) fn of(value: Value) -> Result<Self, LineError> {
        object(value).map(|left| Self { left, known: SmallVec::new() })
    }

    /// Takes a key that must be there.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Value) -> Result<T, LineError>,
    ) -> Result<T, LineError> {
        let found = self.find(key, read)?;
        // A key that is not taken yet may be this one, misspelled.
        let given =
            || shortened(&self.left.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
        found.ok_or_else(|| LineError::Missing { key: key.to_owned(), given: given() })
    }

    /// Takes a key that may be there.
    pub(super) fn find<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Value) -> Result<T, LineError>,
    ) -> Result<Option<T>, LineError> {
        self.known.push(key);
        let value = self.left.remove(key);
        value.map(|value| read(value).map_err(|error| error.inside(key))).transpose()
    }

    /// Whether a key is there and not taken yet.
    pub(super) fn has(&self, key: &str) -> bool {
        self.left.contains_key(key)
    }

    /// Nothing may be left over.
    pub(super) fn finish(self) -> Result<(), LineError> {
        match self.left.keys().next() {
            Some(key) => Err(LineError::unknown(key, &self.known)),
            None => Ok(()),
        }
    }
}

pub(super) fn object(value: Value) -> Result<Map<String, Value>, LineError> {
    if let Value::Object(object) = value {
        Ok(object)
    } else {
        Err(LineError::wrong(&value, "an object"))
    }
}

/// A list, each item read alike.
pub(super) fn list<T>(
    mut item: impl FnMut(Value) -> Result<T, LineError>,
) -> impl FnOnce(Value) -> Result<Vec<T>, LineError> {
    move |value| {
        let Value::Array(items) = value else {
            return Err(LineError::wrong(&value, "a list"));
        };
        let numbered = items.into_iter().enumerate();
        let read = numbered
            .map(|(at, value)| item(value).map_err(|error| error.inside(&format!("[{at}]"))));
        read.collect()
    }
}

/// An object of values that are read alike, by names of the caller's own.
pub(super) fn by_name<T>(
    mut value_of: impl FnMut(&str, Value) -> Result<T, LineError>,
) -> impl FnOnce(Value) -> Result<Vec<T>, LineError> {
    move |value| {
        let named = object(value)?.into_iter();
        let read = named.map(|(name, value)| {
            value_of(&name, value).map_err(|error| error.inside(&shortened(&name)))
        });
        read.collect()
    }
}

/// `null`, or what is read.
pub(super) fn nullable<T>(
    read: impl FnOnce(Value) -> Result<T, LineError>,
) -> impl FnOnce(Value) -> Result<Option<T>, LineError> {
    move |value| if value.is_null() { Ok(None) } else { read(value).map(Some) }
}

pub(super) fn text(value: Value) -> Result<String, LineError> {
    if let Value::String(text) = value {
        Ok(text)
    } else {
        Err(LineError::wrong(&value, "a string"))
    }
}

/// A string of a form of its own.
pub(super) fn parsed<T, E>(
    parse: impl FnOnce(&str) -> Result<T, E>,
    allowed: &str,
) -> impl FnOnce(Value) -> Result<T, LineError> {
    move |value| {
        let read = value.as_str().and_then(|text| parse(text).ok());
        read.ok_or_else(|| LineError::wrong(&value, allowed))
    }
}

pub(super) fn boolean(value: Value) -> Result<bool, LineError> {
    value.as_bool().ok_or_else(|| LineError::wrong(&value, "true or false"))
}

/// A whole number of this range, written without a point.
pub(super) fn integer(range: RangeInclusive<u64>) -> impl FnOnce(Value) -> Result<u64, LineError> {
    move |value| {
        let within = value.as_u64().filter(|number| range.contains(number));
        within.ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            LineError::wrong(&value, format_args!("a whole number from {least} to {most}"))
        })
    }
}

pub(super) fn account(value: Value) -> Result<AccountId, LineError> {
    text(value).map(AccountId::from)
}

pub(super) fn unit(value: Value) -> Result<Unit, LineError> {
    text(value).map(Unit::new)
}

pub(super) fn operation(value: Value) -> Result<OperationId, LineError> {
    const FORM: &str = "a version 7 UUID such as \"019b8d2c-7a10-7b6a-ba92-0e8f0c98431a\"";
    parsed(OperationId::parse, FORM)(value)
}

pub(super) fn hold(value: Value) -> Result<HoldId, LineError> {
    operation(value).map(HoldId::placed_by)
}

pub(super) fn instant(value: Value) -> Result<Timestamp, LineError> {
    const FORM: &str = "an instant such as \"2026-03-02T14:12:07Z\", in Z or +00:00, from 1970 to \
        2262-04-11T23:47:16.854775807Z";
    parsed(Timestamp::parse, FORM)(value)
}

/// An amount as text; which texts are amounts is for the ledger to say.
pub(super) fn amount_text(value: Value) -> Result<String, LineError> {
    if let Value::String(text) = value {
        Ok(text)
    } else {
        Err(LineError::wrong(&value, "a decimal string such as \"0.42\""))
    }
}

/// A quantity that a ledger told: it may be above what it takes.
pub(super) fn told(value: Value) -> Result<Quantity, LineError> {
    parsed(|text| told_text(text).ok_or(()), "a decimal string such as \"0.42\"")(value)
}

fn told_text(text: &str) -> Option<Quantity> {
    const PLACES: usize = 12;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) || fraction.len() > PLACES {
        return None;
    }
    let steps = format!("{whole}{fraction:0<PLACES$}").parse().ok()?;
    Some(Quantity::told(steps))
}

/// Amounts that a ledger told.
pub(super) fn told_amounts(value: Value) -> Result<Amounts, LineError> {
    let amounts = by_name(|unit, value| Ok(Amount::new(told(value)?, Unit::new(unit))))(value)?;
    let mut told = Amounts::none();
    for amount in amounts {
        told.set(amount);
    }
    Ok(told)
}
