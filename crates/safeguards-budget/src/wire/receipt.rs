//! The JSON form of receipts and what they report.

use safeguards_types::{AccountId, Quantity, Timestamp, Unit};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use super::{
    LineError,
    command::write_some,
    keys::{Keys, account, boolean, integer, list, told, told_amounts, unit},
    limit::{percent, window},
};
use crate::{Crossing, EntryId, Overrun, Receipt, ShadowDenial, Window};

/// A receipt does not say when it was given; who keeps it knows.
pub(super) fn read_receipt(value: Value, at: Timestamp) -> Result<Receipt, LineError> {
    let mut keys = Keys::of(value)?;
    let receipt = Receipt {
        entry: keys.read("entry", entry_id)?,
        at,
        available: keys.read("available", told_amounts)?,
        crossed: keys.read("crossed", list(crossing))?,
        overrun: keys.read("overrun", list(overrun))?,
        shadow: keys.read("shadow", list(shadow_denial))?,
        late: keys.read("late", boolean)?,
    };
    keys.finish()?;
    Ok(receipt)
}

pub(super) fn entry_id(value: Value) -> Result<EntryId, LineError> {
    integer(0..=u64::MAX)(value).map(EntryId::new)
}

/// The keys that say which limit is meant, and its amount.
fn read_which(keys: &mut Keys) -> Result<(AccountId, Unit, Window, Quantity), LineError> {
    Ok((
        keys.read("account", account)?,
        keys.read("unit", unit)?,
        keys.read("window", window)?,
        keys.read("limit", told)?,
    ))
}

fn crossing(value: Value) -> Result<Crossing, LineError> {
    let mut keys = Keys::of(value)?;
    let (account, unit, window, limit) = read_which(&mut keys)?;
    let spent = keys.read("spent", told)?;
    let percent = keys.find("percent", percent)?;
    keys.finish()?;
    Ok(Crossing { account, unit, window, limit, spent, percent })
}

fn overrun(value: Value) -> Result<Overrun, LineError> {
    let mut keys = Keys::of(value)?;
    let (account, unit, window, limit) = read_which(&mut keys)?;
    let spent = keys.read("spent", told)?;
    let held = keys.read("held", told)?;
    let over_by = keys.read("over_by", told)?;
    keys.finish()?;
    Ok(Overrun { account, unit, window, limit, spent, held, over_by })
}

fn shadow_denial(value: Value) -> Result<ShadowDenial, LineError> {
    let mut keys = Keys::of(value)?;
    let (account, unit, window, limit) = read_which(&mut keys)?;
    let spent = keys.read("spent", told)?;
    let held = keys.read("held", told)?;
    let asked = keys.read("asked", told)?;
    let available = keys.read("available", told)?;
    keys.finish()?;
    Ok(ShadowDenial { account, unit, window, limit, spent, held, asked, available })
}

impl Serialize for Receipt {
    /// Writes the keys of an outcome. `at` is none of them: the entry of this number says it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { entry, at: _, available, crossed, overrun, shadow, late } = self;
        let mut map = serializer.serialize_map(Some(6))?;
        map.serialize_entry("entry", entry)?;
        map.serialize_entry("available", available)?;
        map.serialize_entry("crossed", crossed)?;
        map.serialize_entry("overrun", overrun)?;
        map.serialize_entry("shadow", shadow)?;
        map.serialize_entry("late", late)?;
        map.end()
    }
}

impl Serialize for Crossing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { account, unit, window, limit, spent, percent } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("account", account)?;
        map.serialize_entry("unit", unit)?;
        map.serialize_entry("window", window)?;
        map.serialize_entry("limit", limit)?;
        map.serialize_entry("spent", spent)?;
        write_some(&mut map, "percent", percent.as_ref())?;
        map.end()
    }
}

impl Serialize for Overrun {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { account, unit, window, limit, spent, held, over_by } = self;
        let mut map = serializer.serialize_map(Some(7))?;
        map.serialize_entry("account", account)?;
        map.serialize_entry("unit", unit)?;
        map.serialize_entry("window", window)?;
        map.serialize_entry("limit", limit)?;
        map.serialize_entry("spent", spent)?;
        map.serialize_entry("held", held)?;
        map.serialize_entry("over_by", over_by)?;
        map.end()
    }
}

impl Serialize for ShadowDenial {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { account, unit, window, limit, spent, held, asked, available } = self;
        let mut map = serializer.serialize_map(Some(8))?;
        map.serialize_entry("account", account)?;
        map.serialize_entry("unit", unit)?;
        map.serialize_entry("window", window)?;
        map.serialize_entry("limit", limit)?;
        map.serialize_entry("spent", spent)?;
        map.serialize_entry("held", held)?;
        map.serialize_entry("asked", asked)?;
        map.serialize_entry("available", available)?;
        map.end()
    }
}

read_by! { Crossing => crossing, Overrun => overrun, ShadowDenial => shadow_denial }
