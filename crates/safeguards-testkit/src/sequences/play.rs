//! Turns drafts into commands: mints ids, finds what is named by how far back it is, writes amounts.

use safeguards_types::{OperationId, OperationIds, Timestamp};
use serde_json::{Value, json};

use super::{
    Act, Planned, Step, Turn,
    commands::{Draft, Id},
    words::AMOUNTS,
};

/// What is so far back never was.
pub(super) const FAR_BACK: usize = 1_000;

/// What was sent so far.
struct Play {
    clock: i64,
    is_huge: bool,
    ids: OperationIds,
    batches: Vec<(Vec<Value>, bool)>,
    commands: Vec<Value>,
}

/// Plays the openings, each a turn, then the steps. Where amounts are huge, counters are filled before.
pub(super) fn play(
    start: Timestamp,
    fill: Option<Vec<Draft>>,
    openings: Vec<Draft>,
    steps: Vec<Step>,
) -> Vec<Turn> {
    let is_huge = fill.is_some();
    let mut play = Play {
        clock: start.as_nanos(),
        is_huge,
        ids: OperationIds::seeded(1),
        batches: Vec::new(),
        commands: Vec::new(),
    };
    // Ids of one millisecond are forgotten together: a ledger that keeps little would take no second one.
    let opening = |draft| Step {
        wait: 1_000_000,
        act: Planned::Submit { drafts: vec![draft], linked: false },
    };
    let openings = openings.into_iter().chain(fill.unwrap_or_default()).map(opening);
    let steps = openings.chain(steps);
    steps.map(|step| play.turn(step)).collect()
}

impl Play {
    fn turn(&mut self, step: Step) -> Turn {
        let back_to = self.clock;
        self.clock = self.clock.saturating_add(step.wait).max(0);
        let at = Timestamp::from_nanos(self.clock).unwrap_or_default();
        let act = match step.act {
            Planned::Submit { drafts, linked } => {
                let commands = drafts.into_iter().map(|draft| self.command(draft)).collect();
                self.submit(commands, linked)
            }
            Planned::Repeat { back } => {
                let known = nth_back(&self.batches, back).cloned();
                known.map_or(Act::Look, |(commands, linked)| self.submit(commands, linked))
            }
            Planned::Tick => Act::Tick,
            Planned::Look => {
                // Who reads at a later instant does not move the ledger's clock.
                self.clock = back_to;
                Act::Look
            }
        };
        Turn { at, act }
    }

    fn submit(&mut self, commands: Vec<Value>, linked: bool) -> Act {
        self.batches.push((commands.clone(), linked));
        Act::Submit { commands, linked }
    }

    fn command(&mut self, Draft { id, mut command }: Draft) -> Value {
        let again = match id {
            Id::New { .. } => None,
            Id::Again { back, .. } | Id::Taken { back } => nth_back(&self.commands, back).cloned(),
        };
        let op = match (id, again) {
            (Id::Again { rewritten: false, .. }, Some(known)) => return known,
            (Id::Again { rewritten: true, .. }, Some(known)) => return rewritten(known),
            (Id::Taken { .. }, Some(known)) => known.get("op").cloned().unwrap_or_default(),
            (Id::New { ahead_ms }, _) => json!(self.mint(ahead_ms)),
            (Id::Again { .. } | Id::Taken { .. }, None) => json!(self.mint(0)),
        };
        if let Some(keys) = command.as_object_mut() {
            keys.insert("op".to_owned(), op);
            for (key, value) in keys.iter_mut() {
                match key.as_str() {
                    "hold" => *value = json!(self.earlier(value, &["place_hold"])),
                    "of" => *value = json!(self.earlier(value, &["charge", "settle", "record"])),
                    "ttl_s" | "priority" | "window" | "metadata" | "protection" | "steps" => {}
                    _ => self.write_amounts(value),
                }
            }
        }
        self.commands.push(command.clone());
        command
    }

    fn mint(&self, ahead_ms: i64) -> OperationId {
        let at = self.clock.saturating_add(ahead_ms.saturating_mul(1_000_000)).max(0);
        self.ids.mint(Timestamp::from_nanos(at).unwrap_or_default())
    }

    /// The operation so far back among those that did this; one that never was where it is very far.
    fn earlier(&self, back: &Value, did: &[&str]) -> String {
        let text = |command: &Value, key: &str| {
            command.get(key).and_then(Value::as_str).map(str::to_owned)
        };
        let is_meant =
            |command: &&Value| text(command, "do").is_some_and(|name| did.contains(&name.as_str()));
        let known: Vec<_> = self.commands.iter().filter(is_meant).collect();
        let back = back
            .as_u64()
            .and_then(|back| usize::try_from(back).ok())
            .filter(|back| *back < FAR_BACK);
        let op =
            back.and_then(|back| nth_back(&known, back)).and_then(|command| text(command, "op"));
        op.unwrap_or_else(|| self.mint(0).to_string())
    }

    /// Writes amounts in the place of their numbers, however deep they stand.
    fn write_amounts(&self, value: &mut Value) {
        match value {
            Value::Number(place) => {
                let place = place.as_u64().and_then(|place| usize::try_from(place).ok());
                let (usual, huge) =
                    place.and_then(|place| AMOUNTS.get(place)).unwrap_or(&("1", "1"));
                *value = json!(if self.is_huge { huge } else { usual });
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.write_amounts(item)),
            Value::Object(keys) => {
                let named = keys.iter_mut().filter(|(key, _)| *key != "window");
                named.for_each(|(_, item)| self.write_amounts(item));
            }
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
}

fn nth_back<T>(list: &[T], back: usize) -> Option<&T> {
    let back = back.checked_rem(list.len())?;
    list.iter().rev().nth(back)
}

/// The same command in another form: the id in capitals, amounts with a zero more.
fn rewritten(mut command: Value) -> Value {
    for (key, value) in command.as_object_mut().into_iter().flatten() {
        match (key.as_str(), value) {
            ("op" | "hold" | "of", Value::String(id)) => id.make_ascii_uppercase(),
            ("amount" | "at_least", value) => add_zero(value),
            ("amounts" | "shares" | "weights", Value::Object(amounts)) => {
                amounts.iter_mut().for_each(|(_, amount)| add_zero(amount));
            }
            _ => {}
        }
    }
    command
}

fn add_zero(amount: &mut Value) {
    if let Value::String(text) = amount
        && !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
    {
        text.push_str(".0");
    }
}
