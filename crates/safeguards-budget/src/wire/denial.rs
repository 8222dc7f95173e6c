//! The JSON form of denials: the code, and what is at fault. Keys that do not apply are left out.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::command::write_some;
use crate::{Denial, Retry, Shortfall};

impl Serialize for Denial {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", self.code())?;
        match self {
            Self::OperationConflict
            | Self::OperationTooOld { op: _ }
            | Self::OperationTooNew { op: _ }
            | Self::TooManyAccounts { max: _ } => {}
            Self::InvalidAmount { unit, value } => {
                write_some(&mut map, "unit", unit.as_ref())?;
                write_some(&mut map, "value", value.as_ref())?;
            }
            Self::AmountOverflow { account, unit, value } => {
                write_some(&mut map, "account", account.as_ref())?;
                map.serialize_entry("unit", unit)?;
                write_some(&mut map, "value", value.as_ref())?;
            }
            Self::UnknownUnit { unit } => map.serialize_entry("unit", unit)?,
            Self::DuplicateAccount { account }
            | Self::UnknownAccount { account }
            | Self::ClosedAccount { account }
            | Self::NotDescendant { account }
            | Self::NotChild { account }
            | Self::Cycle { account }
            | Self::DepthExceeded { account, max: _ }
            | Self::NotEmpty { account }
            | Self::Suspended { account } => map.serialize_entry("account", account)?,
            Self::NotSiblings { account, to } => {
                map.serialize_entry("account", account)?;
                map.serialize_entry("to", to)?;
            }
            Self::UnknownHold { hold }
            | Self::HoldForgotten { hold }
            | Self::HoldEnded { hold } => map.serialize_entry("hold", hold)?,
            Self::UnknownEntry { of } | Self::EntryForgotten { of } => {
                map.serialize_entry("of", of)?;
            }
            Self::RefundExceedsCharge { of, unit, asked, available } => {
                map.serialize_entry("of", of)?;
                map.serialize_entry("unit", unit)?;
                map.serialize_entry("asked", asked)?;
                map.serialize_entry("available", available)?;
            }
            Self::BoundExceeded { bound, given: _, allowed: _ } => {
                map.serialize_entry("bound", bound)?;
            }
            Self::NoLimit { account, unit } => {
                map.serialize_entry("account", account)?;
                map.serialize_entry("unit", unit)?;
            }
            Self::LimitExceeded(numbers) | Self::Protected(numbers) => {
                write_shortfall(&mut map, numbers)?;
            }
            Self::InsufficientForMinimums { account, unit, asked, available } => {
                map.serialize_entry("account", account)?;
                map.serialize_entry("unit", unit)?;
                map.serialize_entry("asked", asked)?;
                map.serialize_entry("available", available)?;
            }
            Self::LinkedFailed { index } => map.serialize_entry("index", index)?,
        }
        map.end()
    }
}

fn write_shortfall<M: SerializeMap>(map: &mut M, numbers: &Shortfall) -> Result<(), M::Error> {
    let Shortfall { account, unit, window, limit, spent, held, protected, asked, available, retry } =
        numbers;
    map.serialize_entry("account", account)?;
    map.serialize_entry("unit", unit)?;
    map.serialize_entry("window", window)?;
    map.serialize_entry("limit", limit)?;
    map.serialize_entry("spent", spent)?;
    map.serialize_entry("held", held)?;
    map.serialize_entry("protected", protected)?;
    map.serialize_entry("asked", asked)?;
    map.serialize_entry("available", available)?;
    let (retry_at, never) = match retry {
        Retry::At(at) => (Some(at), false),
        Retry::Never => (None, true),
    };
    map.serialize_entry("retry_at", &retry_at)?;
    map.serialize_entry("never", &never)
}

#[cfg(test)]
mod tests {
    use safeguards_types::{OperationId, Quantity, Timestamp, Unit};
    use serde_json::{Value, json};

    use super::*;
    use crate::{HoldId, Window};

    #[track_caller]
    fn check(denial: &Denial, mut keys: Value) {
        keys["code"] = json!(denial.code());
        assert_eq!(serde_json::to_value(denial).unwrap(), keys);
    }

    #[test]
    fn a_denial_names_what_is_at_fault() {
        let op = OperationId::parse("019b8d2c-8f5c-7a3e-9d3c-000000000001").unwrap();
        let (of, hold, unit) = (op, HoldId::placed_by(op), Unit::new("credits"));
        let account = || "reader".into();
        let (asked, available) = (Quantity::told(2 * Quantity::MAX.steps()), Quantity::STEP);
        let numbers =
            json!({"unit": "credits", "asked": "20000000000000000", "available": "0.000000000001"});
        let with = |key: &str, value: &str| {
            let mut keys = numbers.clone();
            keys[key] = json!(value);
            keys
        };
        check(&Denial::OperationConflict, json!({}));
        check(&Denial::OperationTooOld { op }, json!({}));
        check(&Denial::OperationTooNew { op }, json!({}));
        check(&Denial::InvalidAmount { unit: None, value: None }, json!({}));
        let value = || Some("1e3".to_owned());
        check(
            &Denial::InvalidAmount { unit: Some(unit.clone()), value: value() },
            json!({"unit": "credits", "value": "1e3"}),
        );
        check(
            &Denial::AmountOverflow { account: None, unit: unit.clone(), value: value() },
            json!({"unit": "credits", "value": "1e3"}),
        );
        check(
            &Denial::AmountOverflow { account: Some(account()), unit: unit.clone(), value: None },
            json!({"account": "reader", "unit": "credits"}),
        );
        check(&Denial::UnknownUnit { unit: unit.clone() }, json!({"unit": "credits"}));
        for denial in [
            Denial::DuplicateAccount { account: account() },
            Denial::UnknownAccount { account: account() },
            Denial::ClosedAccount { account: account() },
            Denial::NotDescendant { account: account() },
            Denial::NotChild { account: account() },
            Denial::Cycle { account: account() },
            Denial::DepthExceeded { account: account(), max: 64 },
            Denial::NotEmpty { account: account() },
            Denial::Suspended { account: account() },
        ] {
            check(&denial, json!({"account": "reader"}));
        }
        for denial in [
            Denial::UnknownHold { hold },
            Denial::HoldForgotten { hold },
            Denial::HoldEnded { hold },
        ] {
            check(&denial, json!({ "hold": op }));
        }
        check(&Denial::UnknownEntry { of }, json!({ "of": op }));
        check(&Denial::EntryForgotten { of }, json!({ "of": op }));
        check(
            &Denial::RefundExceedsCharge { of, unit: unit.clone(), asked, available },
            with("of", &op.to_string()),
        );
        check(
            &Denial::NotSiblings { account: account(), to: "writer".into() },
            json!({"account": "reader", "to": "writer"}),
        );
        check(&Denial::TooManyAccounts { max: 1 }, json!({}));
        let (given, allowed) = ("65".to_owned(), "64".to_owned());
        check(
            &Denial::BoundExceeded { bound: "scopes", given, allowed },
            json!({"bound": "scopes"}),
        );
        check(
            &Denial::NoLimit { account: account(), unit: unit.clone() },
            json!({"account": "reader", "unit": "credits"}),
        );
        check(
            &Denial::InsufficientForMinimums { account: account(), unit, asked, available },
            with("account", "reader"),
        );
        check(&Denial::LinkedFailed { index: 3 }, json!({"index": 3}));
    }

    #[test]
    fn a_limit_that_says_no_tells_all_its_numbers() {
        let shortfall = |retry| Shortfall {
            account: "reader".into(),
            unit: Unit::USD,
            window: Window::every_seconds(60).unwrap(),
            limit: Quantity::ONE,
            spent: Quantity::ZERO,
            held: Quantity::STEP,
            protected: Quantity::ZERO,
            asked: Quantity::ONE,
            available: Quantity::ZERO,
            retry,
        };
        let keys = |retry_at: Value, never: bool| {
            json!({
                "account": "reader", "unit": "USD", "window": {"every_s": 60}, "limit": "1",
                "spent": "0", "held": "0.000000000001", "protected": "0", "asked": "1",
                "available": "0", "retry_at": retry_at, "never": never,
            })
        };
        let at = Timestamp::parse("2026-01-05T09:00:00.5Z").unwrap();
        check(
            &Denial::LimitExceeded(Box::new(shortfall(Retry::At(at)))),
            keys(json!("2026-01-05T09:00:00.5Z"), false),
        );
        check(&Denial::Protected(Box::new(shortfall(Retry::Never))), keys(Value::Null, true));
    }
}
