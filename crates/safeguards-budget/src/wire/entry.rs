//! The JSON form of the journal: each entry says what was asked, what was decided and what was answered.

use std::sync::Arc;

use safeguards_types::{AccountId, Amounts, Quantity};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};

use super::{
    LineError,
    command::{read_action, read_metadata, write_command, write_some},
    keys::{
        Keys, account, boolean, hold, instant, integer, list, nullable, operation, text, told,
        told_amounts, unit,
    },
    limit::{read_limit, window, write_limit},
    receipt::{entry_id, read_receipt},
    texts::Texts,
};
use crate::{
    Action, Cause, Command, CountedWindow, Entry, Fact, HoldId, LimitSet, LimitsSet, Part, Posting,
    Refunded, Settled,
};

/// What stands as `do` where time did it.
const EXPIRE: &str = "expire";

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { id, at, cause, fact } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("entry", id)?;
        map.serialize_entry("at", at)?;
        if let Some(Cause { command, receipt }) = cause {
            write_command(&mut map, command)?;
            write_fact(&mut map, fact)?;
            map.serialize_entry("receipt", receipt)?;
        } else {
            map.serialize_entry("op", &())?;
            map.serialize_entry("do", EXPIRE)?;
            if let Fact::Freed { hold, posting: _ } = fact {
                map.serialize_entry("hold", hold)?;
            }
            write_fact(&mut map, fact)?;
        }
        map.end()
    }
}

/// What was decided, in keys that no command has. What a command says already is not said again: its hold, and
/// the amounts that it names.
fn write_fact<M: SerializeMap>(map: &mut M, fact: &Fact) -> Result<(), M::Error> {
    match fact {
        Fact::AsCommanded => Ok(()),
        Fact::LimitsSet(LimitsSet { limits, taken }) => {
            map.serialize_entry("limits_set", limits)?;
            let taken: Vec<_> = taken
                .iter()
                .map(|(account, amount)| json!({ "account": account, "amount": amount }))
                .collect();
            write_some(map, "taken", Some(&taken).filter(|taken| !taken.is_empty()))
        }
        Fact::Spent(posting) => write_posting(map, posting),
        Fact::Held { posting, expires_at } => {
            write_posting(map, posting)?;
            map.serialize_entry("expires_at", expires_at)
        }
        Fact::Extended { hold: _, expires_at } => map.serialize_entry("expires_at", expires_at),
        Fact::Settled(settled) => {
            let Settled { hold: _, posting, in_front, held_part, excess, freed, keep_open, late } =
                &**settled;
            write_posting(map, posting)?;
            map.serialize_entry("in_front", in_front)?;
            map.serialize_entry("held_part", held_part)?;
            map.serialize_entry("excess", excess)?;
            map.serialize_entry("freed", freed)?;
            map.serialize_entry("kept_open", keep_open)?;
            map.serialize_entry("late", late)
        }
        Fact::Freed { hold: _, posting } => {
            write_posting(map, posting)?;
            map.serialize_entry("freed", &posting.amounts)
        }
        Fact::Refunded(refunded) => {
            let Refunded { of, posting, excess, held_part } = &**refunded;
            map.serialize_entry("of_entry", of)?;
            write_posting(map, posting)?;
            map.serialize_entry("held_part", held_part)?;
            map.serialize_entry("excess", excess)
        }
    }
}

fn write_posting<M: SerializeMap>(map: &mut M, posting: &Posting) -> Result<(), M::Error> {
    let Posting { spender, set, amounts: _, windows } = posting;
    map.serialize_entry("spender", spender)?;
    map.serialize_entry("set", set)?;
    map.serialize_entry("windows", windows)
}

impl Serialize for LimitSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { account, limit, opened } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("account", account)?;
        write_limit(&mut map, limit)?;
        if let Some((started_at, ends_at)) = opened {
            map.serialize_entry("window_started_at", started_at)?;
            map.serialize_entry("window_ends_at", ends_at)?;
        }
        map.end()
    }
}

impl Serialize for CountedWindow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { account, unit, window, serial, started_at, ends_at, part } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("account", account)?;
        map.serialize_entry("unit", unit)?;
        map.serialize_entry("window", window)?;
        map.serialize_entry("serial", serial)?;
        map.serialize_entry("window_started_at", started_at)?;
        map.serialize_entry("window_ends_at", ends_at)?;
        let part = match part {
            Part::Whole => None,
            Part::Held => Some("held_part"),
            Part::Excess => Some("excess"),
        };
        write_some(&mut map, "part", part)?;
        map.end()
    }
}

fn entry(value: Value) -> Result<Entry, LineError> {
    let mut keys = Keys::of(value)?;
    let id = keys.read("entry", entry_id)?;
    let at = keys.read("at", instant)?;
    let op = keys.read("op", nullable(operation))?;
    let name = keys.read("do", text)?;
    let (cause, fact) = match op {
        None if name == EXPIRE => {
            let hold = keys.read("hold", hold)?;
            (None, read_freed(hold, &mut keys)?)
        }
        None => {
            let wrong = LineError::wrong(&name.into(), "\"expire\", where no operation is named");
            return Err(wrong.inside("do"));
        }
        Some(op) => {
            let mut texts = Texts::default();
            let action = read_action(&name, &mut keys, &mut texts)?;
            let metadata = read_metadata(&mut keys)?;
            let fact = read_fact(&action, &mut keys)?;
            let receipt = keys.read("receipt", |value| read_receipt(value, at))?;
            if let Some(denial) = texts.fault() {
                // Nothing that is denied has an entry.
                return Err(LineError::wrong(&denial.to_string().into(), "amounts"));
            }
            let command = Command { op, action, metadata, fault: None };
            (Some(Cause { command, receipt }), fact)
        }
    };
    keys.finish()?;
    Ok(Entry { id, at, cause, fact })
}

fn read_fact(action: &Action, keys: &mut Keys) -> Result<Fact, LineError> {
    Ok(match action {
        Action::Charge(charge) | Action::Record(charge) => {
            Fact::Spent(read_posting(keys, charge.amounts.clone())?)
        }
        Action::PlaceHold(place) => Fact::Held {
            posting: read_posting(keys, place.charge.amounts.clone())?,
            expires_at: keys.read("expires_at", instant)?,
        },
        Action::ExtendHold { hold, ttl: _ } => {
            Fact::Extended { hold: *hold, expires_at: keys.read("expires_at", instant)? }
        }
        Action::Settle(settle) => Fact::Settled(Box::new(Settled {
            hold: settle.hold,
            posting: read_posting(keys, settle.amounts.clone())?,
            in_front: keys.read("in_front", count)?,
            held_part: keys.read("held_part", told_amounts)?,
            excess: keys.read("excess", told_amounts)?,
            freed: keys.read("freed", told_amounts)?,
            keep_open: keys.read("kept_open", boolean)?,
            late: keys.read("late", boolean)?,
        })),
        Action::Release { hold } => read_freed(*hold, keys)?,
        Action::Refund { of: _, amounts } => Fact::Refunded(Box::new(Refunded {
            of: keys.read("of_entry", entry_id)?,
            posting: read_posting(keys, amounts.clone())?,
            held_part: keys.read("held_part", told_amounts)?,
            excess: keys.read("excess", told_amounts)?,
        })),
        Action::RegisterUnit { .. }
        | Action::OpenAccount(_)
        | Action::CloseAccount { .. }
        | Action::SetLimit { .. }
        | Action::SetRemaining { .. }
        | Action::RemoveLimit { .. }
        | Action::SetProtection { .. }
        | Action::SetParent { .. }
        | Action::SetPriority { .. }
        | Action::Suspend { .. }
        | Action::Resume { .. }
        | Action::Transfer { .. }
        | Action::Allocate { .. }
        | Action::Divide(_)
        | Action::Reclaim { .. } => match keys.find("limits_set", list(limit_set))? {
            Some(limits) => {
                let taken = keys.find("taken", list(taken))?.unwrap_or_default();
                Fact::LimitsSet(LimitsSet { limits, taken })
            }
            None => Fact::AsCommanded,
        },
    })
}

fn read_freed(hold: HoldId, keys: &mut Keys) -> Result<Fact, LineError> {
    let amounts = keys.read("freed", told_amounts)?;
    Ok(Fact::Freed { hold, posting: read_posting(keys, amounts)? })
}

fn read_posting(keys: &mut Keys, amounts: Amounts) -> Result<Posting, LineError> {
    let spender = keys.read("spender", account)?;
    let set: Arc<[AccountId]> = keys.read("set", list(account))?.into();
    let windows = keys.read("windows", list(counted_window))?;
    Ok(Posting { spender, set, amounts, windows })
}

fn counted_window(value: Value) -> Result<CountedWindow, LineError> {
    let mut keys = Keys::of(value)?;
    let counted = CountedWindow {
        account: keys.read("account", account)?,
        unit: keys.read("unit", unit)?,
        window: keys.read("window", window)?,
        serial: keys.read("serial", serial)?,
        started_at: keys.read("window_started_at", instant)?,
        ends_at: keys.read("window_ends_at", instant)?,
        part: keys.find("part", part)?.unwrap_or(Part::Whole),
    };
    keys.finish()?;
    Ok(counted)
}

fn part(value: Value) -> Result<Part, LineError> {
    match value.as_str() {
        Some("held_part") => Ok(Part::Held),
        Some("excess") => Ok(Part::Excess),
        _ => Err(LineError::wrong(&value, "\"held_part\" or \"excess\"")),
    }
}

fn limit_set(value: Value) -> Result<LimitSet, LineError> {
    let mut keys = Keys::of(value)?;
    let account = keys.read("account", account)?;
    let limit = read_limit(&mut keys, |_, value| told(value))?;
    let opened = match keys.find("window_started_at", instant)? {
        Some(started_at) => Some((started_at, keys.read("window_ends_at", instant)?)),
        None => None,
    };
    keys.finish()?;
    Ok(LimitSet { account, limit, opened })
}

fn taken(value: Value) -> Result<(AccountId, Quantity), LineError> {
    let mut keys = Keys::of(value)?;
    let from = keys.read("account", account)?;
    let amount = keys.read("amount", told)?;
    keys.finish()?;
    Ok((from, amount))
}

fn serial(value: Value) -> Result<u32, LineError> {
    let number = integer(0..=u64::from(u32::MAX))(value)?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

fn count(value: Value) -> Result<usize, LineError> {
    let number = integer(0..=u64::MAX)(value)?;
    Ok(usize::try_from(number).unwrap_or(usize::MAX))
}

read_by! { Entry => entry }

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIPT: &str = r#""receipt":{"entry":7,"available":{"USD":"0.5"},"crossed":[{"account":"a","unit":"USD","window":"lifetime","limit":"1","spent":"0.8","percent":"80"},{"account":"a","unit":"USD","window":{"day":"UTC"},"limit":"0.8","spent":"0.8"}],"overrun":[{"account":"a","unit":"USD","window":"lifetime","limit":"1","spent":"10000000000000000","held":"10000000000000000","over_by":"19999999999999999.000000000001"}],"shadow":[{"account":"a","unit":"USD","window":"lifetime","limit":"1","spent":"0","held":"0","asked":"2","available":"1"}],"late":true}"#;
    const POSTING: &str = r#""spender":"a","set":["a","org"],"windows":[{"account":"org","unit":"USD","window":{"day":"UTC"},"serial":3,"window_started_at":"2026-01-05T00:00:00Z","window_ends_at":"2026-01-06T00:00:00Z","part":"excess"},{"account":"a","unit":"USD","window":{"every_s":60},"serial":0,"window_started_at":"2026-01-05T09:00:00Z","window_ends_at":"2026-01-05T09:01:00Z"}]"#;

    /// An entry of these keys is printed as it is read.
    #[track_caller]
    fn check(keys: &str) {
        let keys = keys
            .replace("RECEIPT", RECEIPT)
            .replace("POSTING", POSTING)
            .replace("OP", "019b8d2c-7a10-7b6a-ba92-0e8f0c98431a");
        let text = format!(r#"{{"entry":7,"at":"2026-01-05T09:00:00.000000001Z",{keys}}}"#);
        let entry: Entry = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&entry).unwrap(), text);
    }

    #[test]
    fn entries_are_printed_as_they_are_read() {
        let now = r#""expires_at":"2026-01-05T09:01:00Z""#;
        check(r#""op":"OP","do":"close_account","account":"a","metadata":{"by":"ada"},RECEIPT"#);
        check(
            r#""op":"OP","do":"open_account","account":"a","priority":5,"limits":[{"unit":"USD","window":{"day":"UTC"},"amount":"1","mode":"hard","warn_at":[]}],"limits_set":[{"account":"a","unit":"USD","window":{"day":"UTC"},"amount":"1","mode":"hard","warn_at":[],"window_started_at":"2026-01-05T09:00:00Z","window_ends_at":"2026-01-06T00:00:00Z"}],RECEIPT"#,
        );
        check(
            r#""op":"OP","do":"reclaim","account":"a","unit":"USD","amount":"1","limits_set":[{"account":"a","unit":"USD","window":"lifetime","amount":"10000000000000000","mode":"hard","warn_at":["80"]}],"taken":[{"account":"b","amount":"1"}],RECEIPT"#,
        );
        check(
            r#""op":"OP","do":"allocate","parent":"a","unit":"USD","shares":{"b":"1"},"limits_set":[],RECEIPT"#,
        );
        check(r#""op":"OP","do":"charge","account":"a","amounts":{"USD":"1"},POSTING,RECEIPT"#);
        check(r#""op":"OP","do":"record","account":"a","amounts":{"USD":"1"},POSTING,RECEIPT"#);
        check(&format!(
            r#""op":"OP","do":"place_hold","account":"a","amounts":{{"USD":"1"}},"ttl_s":60,POSTING,{now},RECEIPT"#
        ));
        check(&format!(r#""op":"OP","do":"extend_hold","hold":"OP","ttl_s":60,{now},RECEIPT"#));
        check(
            r#""op":"OP","do":"settle","hold":"OP","amounts":{"USD":"1"},"keep_open":true,"attribute_to":"a/b",POSTING,"in_front":1,"held_part":{"USD":"0.4"},"excess":{"USD":"0.6"},"freed":{},"kept_open":false,"late":true,RECEIPT"#,
        );
        check(r#""op":"OP","do":"release","hold":"OP",POSTING,"freed":{"USD":"1"},RECEIPT"#);
        check(
            r#""op":"OP","do":"refund","of":"OP","amounts":{"USD":"1"},"of_entry":3,POSTING,"held_part":{},"excess":{"USD":"1"},RECEIPT"#,
        );
        check(r#""op":null,"do":"expire","hold":"OP",POSTING,"freed":{"USD":"1"}"#);
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for (keys, part) in [
            (r#""op":null,"do":"release""#, "`do` is"),
            (r#""op":null,"do":"expire""#, "`hold` is missing"),
            (r#""op":"OP","do":"expire""#, "`do` is"),
            (r#""op":"OP","do":"close_account","account":"a""#, "`receipt` is missing"),
            (r#""op":"OP","do":"close_account","account":"a",RECEIPT,"x":1"#, "`x`"),
            (
                r#""op":"OP","do":"record","account":"a","amounts":{"USD":"x"},POSTING,RECEIPT"#,
                "`x`",
            ),
        ] {
            let keys = keys
                .replace("RECEIPT", RECEIPT)
                .replace("POSTING", POSTING)
                .replace("OP", "019b8d2c-7a10-7b6a-ba92-0e8f0c98431a");
            let text = format!(r#"{{"entry":7,"at":"2026-01-05T09:00:00Z",{keys}}}"#);
            let error = serde_json::from_str::<Entry>(&text).unwrap_err().to_string();
            assert!(error.contains(part), "`{part}` is not in {error}");
        }
    }
}
