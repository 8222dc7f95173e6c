//! The JSON form of what reads give: the body of an account and that of a hold.

use safeguards_types::{Amounts, Quantity};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::limit::write_limit;
use crate::{Account, HoldView, LimitUsage};

impl Serialize for Account {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            id: _,
            parent,
            state,
            priority,
            limits,
            protection: _,
            spent,
            held,
            spent_directly: _,
            held_directly: _,
            metadata: _,
        } = self;
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("parent", parent)?;
        map.serialize_entry("state", state)?;
        map.serialize_entry("priority", priority)?;
        map.serialize_entry("limits", limits)?;
        map.serialize_entry("lifetime", &Lifetime { spent, held })?;
        map.end()
    }
}

/// What was ever spent and is held, by unit.
struct Lifetime<'account> {
    spent: &'account Amounts,
    held: &'account Amounts,
}

impl Serialize for Lifetime<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct OfUnit {
            spent: Quantity,
            held: Quantity,
        }

        let Self { spent, held } = self;
        serializer.collect_map(spent.iter().map(|amount| {
            let (unit, spent) = (amount.unit(), amount.quantity());
            (unit, OfUnit { spent, held: held.get(unit) })
        }))
    }
}

impl Serialize for LimitUsage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { limit, spent, held, available, over_by, window_started_at, window_ends_at } =
            self;
        let mut map = serializer.serialize_map(None)?;
        write_limit(&mut map, limit)?;
        map.serialize_entry("spent", spent)?;
        map.serialize_entry("held", held)?;
        map.serialize_entry("available", available)?;
        map.serialize_entry("over_by", over_by)?;
        map.serialize_entry("window_started_at", window_started_at)?;
        map.serialize_entry("window_ends_at", window_ends_at)?;
        map.end()
    }
}

impl Serialize for HoldView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { id: _, account, state, left, expires_at, set } = self;
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("account", account)?;
        map.serialize_entry("state", state)?;
        map.serialize_entry("left", left)?;
        map.serialize_entry("expires_at", expires_at)?;
        map.serialize_entry("set", set)?;
        map.end()
    }
}
