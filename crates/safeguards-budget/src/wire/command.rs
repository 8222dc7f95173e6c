//! The JSON form of commands.

use std::time::Duration;

use safeguards_types::{AccountId, Quantity, Unit};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use super::{
    LineError,
    keys::{
        Keys, account, amount_text, boolean, hold, integer, list, nullable, object, operation,
        text, unit,
    },
    limit::{SECONDS_MAX, priority, read_limit, step, window, write_limit},
    texts::{Least, Texts},
};
use crate::{
    Action, Charge, Command, Divide, Limit, Metadata, OpenAccount, PlaceHold, Settle, Window,
};

/// A command that stands for itself.
pub(super) fn command(value: Value) -> Result<Command, LineError> {
    let mut keys = Keys::of(value)?;
    let command = read_command(&mut keys)?;
    keys.finish()?;
    Ok(command)
}

/// Takes the keys of a command.
pub(super) fn read_command(keys: &mut Keys) -> Result<Command, LineError> {
    let op = keys.read("op", operation)?;
    let name = keys.read("do", text)?;
    let mut texts = Texts::default();
    let action = read_action(&name, keys, &mut texts)?;
    let metadata = read_metadata(keys)?;
    Ok(Command { op, action, metadata, fault: texts.fault() })
}

pub(super) fn read_metadata(keys: &mut Keys) -> Result<Metadata, LineError> {
    Ok(keys.find("metadata", object)?.unwrap_or_default())
}

/// Takes the keys of an action of this name.
pub(super) fn read_action(
    name: &str,
    keys: &mut Keys,
    texts: &mut Texts,
) -> Result<Action, LineError> {
    Ok(match name {
        "register_unit" => Action::RegisterUnit { unit: keys.read("unit", unit)? },
        "open_account" => Action::OpenAccount(read_opening(keys, texts)?),
        "close_account" => Action::CloseAccount { account: keys.read("account", account)? },
        "set_limit" => {
            let account = keys.read("account", account)?;
            let amount =
                |unit: &Unit, value| Ok(texts.read(amount_text(value)?, unit, Least::Zero));
            Action::SetLimit { account, limit: read_limit(keys, amount)? }
        }
        "set_remaining" => {
            let account = keys.read("account", account)?;
            let unit = keys.read("unit", unit)?;
            let window = keys.find("window", window)?.unwrap_or(Window::Lifetime);
            let amount = read_amount(keys, texts, &unit, Least::Zero)?;
            Action::SetRemaining { account, unit, window, amount }
        }
        "remove_limit" => {
            let account = keys.read("account", account)?;
            let unit = keys.read("unit", unit)?;
            Action::RemoveLimit { account, unit, window: keys.read("window", window)? }
        }
        "set_protection" => {
            let account = keys.read("account", account)?;
            Action::SetProtection { account, steps: keys.read("steps", list(step))? }
        }
        "set_parent" => {
            let moved = keys.read("account", account)?;
            let parent = keys.read("parent", nullable(account))?;
            Action::SetParent { account: moved, parent, from: keys.find("from", account)? }
        }
        "set_priority" => {
            let account = keys.read("account", account)?;
            Action::SetPriority { account, priority: keys.read("priority", priority)? }
        }
        "suspend" => {
            let (account, reason) = read_suspension(keys)?;
            Action::Suspend { account, reason }
        }
        "resume" => {
            let (account, reason) = read_suspension(keys)?;
            Action::Resume { account, reason }
        }
        "charge" => Action::Charge(read_charge(keys, texts)?),
        "record" => Action::Record(read_charge(keys, texts)?),
        "place_hold" => {
            let charge = read_charge(keys, texts)?;
            Action::PlaceHold(PlaceHold { charge, ttl: read_ttl(keys)? })
        }
        "extend_hold" => {
            Action::ExtendHold { hold: keys.read("hold", hold)?, ttl: read_ttl(keys)? }
        }
        "settle" => {
            let hold = keys.read("hold", hold)?;
            let amounts = keys.read("amounts", texts.by_unit(Least::Zero))?;
            let keep_open = keys.find("keep_open", boolean)?.unwrap_or_default();
            let attribute_to = keys.find("attribute_to", nullable(account))?.flatten();
            Action::Settle(Settle { hold, amounts, keep_open, attribute_to })
        }
        "release" => Action::Release { hold: keys.read("hold", hold)? },
        "refund" => {
            let of = keys.read("of", operation)?;
            Action::Refund {
                of,
                amounts: keys.read("amounts", texts.by_unit(Least::MoreThanZero))?,
            }
        }
        "transfer" => {
            let (from, to) = (keys.read("from", account)?, keys.read("to", account)?);
            let unit = keys.read("unit", unit)?;
            let amount = read_amount(keys, texts, &unit, Least::MoreThanZero)?;
            Action::Transfer { from, to, unit, amount }
        }
        "allocate" => {
            let parent = keys.read("parent", account)?;
            let unit = keys.read("unit", unit)?;
            let shares = keys.read("shares", texts.by_account(&unit))?;
            Action::Allocate { parent, unit, shares }
        }
        "divide" => Action::Divide(read_division(keys, texts)?),
        "reclaim" => {
            let account = keys.read("account", account)?;
            let unit = keys.read("unit", unit)?;
            let amount = read_amount(keys, texts, &unit, Least::MoreThanZero)?;
            Action::Reclaim { account, unit, amount }
        }
        _ => {
            let wrong = LineError::wrong(&name.into(), format_args!("one of {}", NAMES.join(", ")));
            return Err(wrong.inside("do"));
        }
    })
}

/// What a command may do.
const NAMES: [&str; 22] = [
    "register_unit",
    "open_account",
    "close_account",
    "set_limit",
    "set_remaining",
    "remove_limit",
    "set_protection",
    "set_parent",
    "set_priority",
    "suspend",
    "resume",
    "charge",
    "place_hold",
    "extend_hold",
    "settle",
    "release",
    "record",
    "refund",
    "transfer",
    "allocate",
    "divide",
    "reclaim",
];

fn read_amount(
    keys: &mut Keys,
    texts: &mut Texts,
    unit: &Unit,
    least: Least,
) -> Result<Quantity, LineError> {
    Ok(texts.read(keys.read("amount", amount_text)?, unit, least))
}

fn read_opening(keys: &mut Keys, texts: &mut Texts) -> Result<OpenAccount, LineError> {
    let mut open = OpenAccount::new(keys.read("account", account)?);
    open.parent = keys.find("parent", nullable(account))?.flatten();
    open.priority = keys.find("priority", priority)?.unwrap_or_default();
    open.limits = keys.find("limits", |value| read_limits(value, texts))?.unwrap_or_default();
    open.protection = keys.find("protection", list(step))?.unwrap_or_default();
    Ok(open)
}

/// Limits of which none is on the same unit and window as another.
fn read_limits(value: Value, texts: &mut Texts) -> Result<Vec<Limit>, LineError> {
    let with_text = |value| {
        let (mut keys, mut text) = (Keys::of(value)?, String::new());
        let limit = read_limit(&mut keys, |_, value| {
            text = amount_text(value)?;
            Ok(Quantity::ZERO)
        })?;
        keys.finish()?;
        Ok((limit, text))
    };
    let mut limits: Vec<(Limit, String)> = list(with_text)(value)?;
    let mut in_order: Vec<_> = limits.iter_mut().enumerate().collect();
    in_order.sort_by(|(_, (a, _)), (_, (b, _))| {
        a.unit.cmp(&b.unit).then_with(|| a.window.by_length().cmp(&b.window.by_length()))
    });
    for pair in in_order.windows(2) {
        if let [(_, (limit, _)), (at, (other, _))] = pair
            && limit.is_same(&other.unit, &other.window)
        {
            let given = serde_json::to_value(&other.window).unwrap_or_default();
            let wrong =
                LineError::wrong(&given, format_args!("one limit on {} over it", other.unit));
            return Err(wrong.inside(&format!("[{at}].window")));
        }
    }
    for (_, (limit, text)) in in_order {
        limit.amount = texts.read(std::mem::take(text), &limit.unit, Least::Zero);
    }
    Ok(limits.into_iter().map(|(limit, _)| limit).collect())
}

fn read_suspension(keys: &mut Keys) -> Result<(AccountId, Option<String>), LineError> {
    let account = keys.read("account", account)?;
    Ok((account, keys.find("reason", nullable(text))?.flatten()))
}

fn read_charge(keys: &mut Keys, texts: &mut Texts) -> Result<Charge, LineError> {
    let spender = keys.read("account", account)?;
    let amounts = keys.read("amounts", texts.by_unit(Least::MoreThanZero))?;
    let mut charge = Charge::new(spender, amounts);
    charge.scopes = keys.find("scopes", list(account))?.unwrap_or_default();
    Ok(charge)
}

fn read_ttl(keys: &mut Keys) -> Result<Duration, LineError> {
    keys.read("ttl_s", integer(1..=SECONDS_MAX)).map(Duration::from_secs)
}

fn read_division(keys: &mut Keys, texts: &mut Texts) -> Result<Divide, LineError> {
    let parent = keys.read("parent", account)?;
    let unit = keys.read("unit", unit)?;
    let weights = keys.read("weights", texts.by_account(&unit))?;
    let amount = keys.find("amount", amount_text)?;
    let amount = amount.map(|text| texts.read(text, &unit, Least::MoreThanZero));
    let at_least = keys.find("at_least", amount_text)?;
    let at_least = at_least.map(|text| texts.read(text, &unit, Least::Zero)).unwrap_or_default();
    Ok(Divide { parent, unit, weights, amount, at_least })
}

/// The keys of a command: what it does, to what, and its metadata.
pub(super) fn write_command<M: SerializeMap>(
    map: &mut M,
    command: &Command,
) -> Result<(), M::Error> {
    let Command { op, action, metadata, fault: _ } = command;
    map.serialize_entry("op", op)?;
    map.serialize_entry("do", action.name())?;
    write_action(map, action)?;
    if !metadata.is_empty() {
        map.serialize_entry("metadata", metadata)?;
    }
    Ok(())
}

fn write_action<M: SerializeMap>(map: &mut M, action: &Action) -> Result<(), M::Error> {
    match action {
        Action::RegisterUnit { unit } => map.serialize_entry("unit", unit),
        Action::OpenAccount(open) => write_opening(map, open),
        Action::CloseAccount { account } => map.serialize_entry("account", account),
        Action::SetLimit { account, limit } => {
            map.serialize_entry("account", account)?;
            write_limit(map, limit)
        }
        Action::SetRemaining { account, unit, window, amount } => {
            map.serialize_entry("account", account)?;
            map.serialize_entry("unit", unit)?;
            map.serialize_entry("window", window)?;
            map.serialize_entry("amount", amount)
        }
        Action::RemoveLimit { account, unit, window } => {
            map.serialize_entry("account", account)?;
            map.serialize_entry("unit", unit)?;
            map.serialize_entry("window", window)
        }
        Action::SetProtection { account, steps } => {
            map.serialize_entry("account", account)?;
            map.serialize_entry("steps", steps)
        }
        Action::SetParent { account, parent, from } => {
            map.serialize_entry("account", account)?;
            map.serialize_entry("parent", parent)?;
            write_some(map, "from", from.as_ref())
        }
        Action::SetPriority { account, priority } => {
            map.serialize_entry("account", account)?;
            map.serialize_entry("priority", priority)
        }
        Action::Suspend { account, reason } | Action::Resume { account, reason } => {
            map.serialize_entry("account", account)?;
            write_some(map, "reason", reason.as_ref())
        }
        Action::Charge(charge) | Action::Record(charge) => write_charge(map, charge),
        Action::PlaceHold(PlaceHold { charge, ttl }) => {
            write_charge(map, charge)?;
            map.serialize_entry("ttl_s", &ttl.as_secs())
        }
        Action::ExtendHold { hold, ttl } => {
            map.serialize_entry("hold", hold)?;
            map.serialize_entry("ttl_s", &ttl.as_secs())
        }
        Action::Settle(Settle { hold, amounts, keep_open, attribute_to }) => {
            map.serialize_entry("hold", hold)?;
            map.serialize_entry("amounts", amounts)?;
            write_some(map, "keep_open", keep_open.then_some(&true))?;
            write_some(map, "attribute_to", attribute_to.as_ref())
        }
        Action::Release { hold } => map.serialize_entry("hold", hold),
        Action::Refund { of, amounts } => {
            map.serialize_entry("of", of)?;
            map.serialize_entry("amounts", amounts)
        }
        Action::Transfer { from, to, unit, amount } => {
            map.serialize_entry("from", from)?;
            map.serialize_entry("to", to)?;
            map.serialize_entry("unit", unit)?;
            map.serialize_entry("amount", amount)
        }
        Action::Allocate { parent, unit, shares } => {
            map.serialize_entry("parent", parent)?;
            map.serialize_entry("unit", unit)?;
            map.serialize_entry("shares", shares)
        }
        Action::Divide(Divide { parent, unit, weights, amount, at_least }) => {
            map.serialize_entry("parent", parent)?;
            map.serialize_entry("unit", unit)?;
            map.serialize_entry("weights", weights)?;
            write_some(map, "amount", amount.as_ref())?;
            write_some(map, "at_least", Some(at_least).filter(|least| !least.is_zero()))
        }
        Action::Reclaim { account, unit, amount } => {
            map.serialize_entry("account", account)?;
            map.serialize_entry("unit", unit)?;
            map.serialize_entry("amount", amount)
        }
    }
}

fn write_opening<M: SerializeMap>(map: &mut M, open: &OpenAccount) -> Result<(), M::Error> {
    let OpenAccount { account, parent, priority, limits, protection } = open;
    map.serialize_entry("account", account)?;
    write_some(map, "parent", parent.as_ref())?;
    map.serialize_entry("priority", priority)?;
    write_some(map, "limits", Some(limits).filter(|limits| !limits.is_empty()))?;
    write_some(map, "protection", Some(protection).filter(|steps| !steps.is_empty()))
}

fn write_charge<M: SerializeMap>(map: &mut M, charge: &Charge) -> Result<(), M::Error> {
    let Charge { account, amounts, scopes, hint: _ } = charge;
    map.serialize_entry("account", account)?;
    map.serialize_entry("amounts", amounts)?;
    write_some(map, "scopes", Some(scopes).filter(|scopes| !scopes.is_empty()))
}

/// A key that is left out where it is as its default.
pub(super) fn write_some<M: SerializeMap, T: Serialize + ?Sized>(
    map: &mut M,
    key: &'static str,
    value: Option<&T>,
) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(key, value),
        None => Ok(()),
    }
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        write_command(&mut map, self)?;
        map.end()
    }
}

read_by! { Command => command }
