//! The JSON form of the ledger's answers, with the keys that they have wherever Safeguards writes them.

use safeguards_budget::{Crossing, Denial, Overrun, Receipt, Retry, Shortfall, Window};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

/// A receipt: `entry`, `available`, `crossed`, `overrun`, `late`.
pub(crate) fn receipt<S: Serializer>(receipt: &Receipt, serializer: S) -> Result<S::Ok, S::Error> {
    let crossed: Vec<Value> = receipt.crossed.iter().map(crossing).collect();
    let overrun: Vec<Value> = receipt.overrun.iter().map(overran).collect();
    let value = json!({
        "entry": receipt.entry,
        "available": receipt.available,
        "crossed": crossed,
        "overrun": overrun,
        "late": receipt.late,
    });
    value.serialize(serializer)
}

/// A denial: its code, and the numbers or names that say what is at fault. Keys that do not apply are left out.
pub(crate) fn denial<S: Serializer>(denial: &Denial, serializer: S) -> Result<S::Ok, S::Error> {
    let mut keys = at_fault(denial);
    keys.insert("code".to_owned(), json!(denial.code()));
    keys.serialize(serializer)
}

fn at_fault(denial: &Denial) -> Map<String, Value> {
    let value = match denial {
        Denial::LimitExceeded(numbers) | Denial::Protected(numbers) => return shortfall(numbers),
        Denial::AmountOverflow { account, unit } => json!({ "account": account, "unit": unit }),
        Denial::InvalidAmount { unit } => json!({ "unit": unit }),
        Denial::UnknownUnit { unit } => json!({ "unit": unit }),
        Denial::DuplicateAccount { account }
        | Denial::UnknownAccount { account }
        | Denial::DepthExceeded { account, .. } => json!({ "account": account }),
        Denial::UnknownHold { hold }
        | Denial::HoldForgotten { hold }
        | Denial::HoldEnded { hold } => json!({ "hold": hold }),
        Denial::BoundExceeded { bound, .. } => json!({ "bound": bound }),
        Denial::LinkedFailed { index } => json!({ "index": index }),
        // The code says it all; of a denial that is not known here yet it says the most there is.
        Denial::OperationConflict
        | Denial::OperationTooOld { .. }
        | Denial::OperationTooNew { .. }
        | Denial::TooManyAccounts { .. }
        | _ => Value::Null,
    };
    let mut keys = object(value);
    keys.retain(|_, value| !value.is_null());
    keys
}

fn shortfall(shortfall: &Shortfall) -> Map<String, Value> {
    let (retry_at, never) = match shortfall.retry {
        Retry::At(at) => (json!(at), false),
        Retry::Never => (Value::Null, true),
        // A retry of another kind would be neither a promise nor a never.
        _ => (Value::Null, false),
    };
    object(json!({
        "account": shortfall.account,
        "unit": shortfall.unit,
        "window": window(&shortfall.window),
        "limit": shortfall.limit,
        "spent": shortfall.spent,
        "held": shortfall.held,
        "protected": shortfall.protected,
        "asked": shortfall.asked,
        "available": shortfall.available,
        "retry_at": retry_at,
        "never": never,
    }))
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(keys) = value { keys } else { Map::new() }
}

fn crossing(crossing: &Crossing) -> Value {
    json!({
        "account": crossing.account,
        "unit": crossing.unit,
        "window": window(&crossing.window),
        "limit": crossing.limit,
        "spent": crossing.spent,
        "percent": crossing.percent.to_string(),
    })
}

fn overran(overrun: &Overrun) -> Value {
    json!({
        "account": overrun.account,
        "unit": overrun.unit,
        "window": window(&overrun.window),
        "limit": overrun.limit,
        "spent": overrun.spent,
        "held": overrun.held,
        "over_by": overrun.over_by,
    })
}

fn window(window: &Window) -> Value {
    match window {
        Window::EverySeconds(seconds) => json!({ "every_s": seconds.get() }),
        Window::Day(zone) => json!({ "day": zone.name() }),
        Window::Week(zone) => json!({ "week": zone.name() }),
        Window::Month(zone) => json!({ "month": zone.name() }),
        Window::Lifetime => json!("lifetime"),
        other => json!(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use safeguards_budget::HoldId;
    use safeguards_types::{OperationId, Unit};

    use super::*;

    #[track_caller]
    fn check(given: &Denial, mut keys: Value) {
        keys["code"] = json!(given.code());
        assert_eq!(denial(given, serde_json::value::Serializer).unwrap(), keys);
    }

    #[test]
    fn a_denial_names_what_is_at_fault() {
        let op = OperationId::parse("019b8d2c-8f5c-7a3e-9d3c-000000000001").unwrap();
        let (account, unit, hold) =
            (|| "reader".into(), Unit::new("credits"), HoldId::placed_by(op));
        check(&Denial::OperationConflict, json!({}));
        check(&Denial::OperationTooOld { op }, json!({}));
        check(&Denial::OperationTooNew { op }, json!({}));
        check(&Denial::InvalidAmount { unit: None }, json!({}));
        check(&Denial::InvalidAmount { unit: Some(unit.clone()) }, json!({"unit": "credits"}));
        check(
            &Denial::AmountOverflow { account: None, unit: unit.clone() },
            json!({"unit": "credits"}),
        );
        check(
            &Denial::AmountOverflow { account: Some(account()), unit: unit.clone() },
            json!({"account": "reader", "unit": "credits"}),
        );
        check(&Denial::UnknownUnit { unit }, json!({"unit": "credits"}));
        check(&Denial::DuplicateAccount { account: account() }, json!({"account": "reader"}));
        check(&Denial::UnknownAccount { account: account() }, json!({"account": "reader"}));
        check(&Denial::UnknownHold { hold }, json!({ "hold": op }));
        check(&Denial::HoldForgotten { hold }, json!({ "hold": op }));
        check(&Denial::HoldEnded { hold }, json!({ "hold": op }));
        check(&Denial::DepthExceeded { account: account(), max: 64 }, json!({"account": "reader"}));
        check(&Denial::TooManyAccounts { max: 1 }, json!({}));
        let (given, allowed) = ("65".to_owned(), "64".to_owned());
        check(
            &Denial::BoundExceeded { bound: "scopes", given, allowed },
            json!({"bound": "scopes"}),
        );
        check(&Denial::LinkedFailed { index: 3 }, json!({"index": 3}));
    }
}
