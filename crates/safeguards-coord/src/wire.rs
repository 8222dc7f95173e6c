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

/// A denial: its code, and the numbers or names that say what is at fault.
pub(crate) fn denial<S: Serializer>(denial: &Denial, serializer: S) -> Result<S::Ok, S::Error> {
    let mut keys = denial.shortfall().map(shortfall).unwrap_or_default();
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other denial is told by its code alone"
    )]
    let named = match denial {
        Denial::UnknownAccount { account } | Denial::DuplicateAccount { account } => {
            Some(("account", json!(account)))
        }
        Denial::UnknownUnit { unit } => Some(("unit", json!(unit))),
        Denial::UnknownHold { hold }
        | Denial::HoldForgotten { hold }
        | Denial::HoldEnded { hold } => Some(("hold", json!(hold))),
        _ => None,
    };
    keys.extend(named.map(|(key, value)| (key.to_owned(), value)));
    keys.insert("code".to_owned(), json!(denial.code()));
    keys.serialize(serializer)
}

fn shortfall(shortfall: &Shortfall) -> Map<String, Value> {
    let (retry_at, never) = match shortfall.retry {
        Retry::At(at) => (json!(at), false),
        Retry::Never => (Value::Null, true),
        // A retry of another kind would be neither a promise nor a never.
        _ => (Value::Null, false),
    };
    let value = json!({
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
    });
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
