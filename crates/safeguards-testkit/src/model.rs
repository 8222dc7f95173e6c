//! [`Model`]: what a ledger answers, found in the most naive way. A second reading of the specification.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "test code: sums of amounts are far from the ends of their integers, and where the model is wrong \
              it shall stop"
)]

mod ask;
mod check;
mod number;
mod plan;
mod read;
mod spend;
mod state;
mod tree;
mod window;

use safeguards_budget::{Batch, Bounds};
use safeguards_types::Timestamp;
use serde_json::{Value, json};

use self::{
    ask::Ask,
    check::{Checked, denial},
    state::{Entry, HoldState, State},
};

/// A ledger that keeps plain lists of everything it ever accepted and finds every number by looking through
/// them. It speaks JSON, as the outcomes and reads of every ledger are written.
///
/// ```
/// use safeguards_budget::Bounds;
/// use safeguards_testkit::Model;
/// use safeguards_types::{OperationIds, Timestamp};
/// use serde_json::json;
///
/// let now = Timestamp::parse("2026-01-05T09:00:00Z")?;
/// let op = OperationIds::seeded(1).mint(now);
/// let mut model = Model::new(Bounds::default());
/// let outcomes = model.apply(&[json!({"op": op, "do": "open_account", "account": "reader"})], false, now);
/// assert_eq!(outcomes[0]["ok"]["entry"], 1);
/// # Ok::<(), safeguards_types::TimestampError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Model {
    bounds: Bounds,
    state: State,
}

impl Model {
    /// An empty ledger that takes and keeps this much.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, state: State::new() }
    }

    /// Carries out commands at an instant: one outcome for each.
    ///
    /// A command with an amount that is none cannot be told from its typed form: see [`Model::apply`].
    pub fn submit(&mut self, batch: &Batch, clock: Timestamp) -> Vec<Value> {
        let commands: Vec<_> = batch.commands.iter().map(|command| json!(command)).collect();
        self.apply(&commands, batch.linked, clock)
    }

    /// Carries out commands as they are written in JSON, each of the right form: one outcome for each.
    pub fn apply(&mut self, commands: &[Value], linked: bool, clock: Timestamp) -> Vec<Value> {
        let asks: Vec<_> = commands.iter().map(Ask::read).collect();
        let clock = clock.as_nanos();
        let outcomes = if linked {
            self.all_or_none(&asks, clock)
        } else {
            asks.iter().map(|ask| self.one(ask, clock)).collect()
        };
        let said = |outcome| match outcome {
            Ok(receipt) => json!({ "ok": receipt }),
            Err(denial) => json!({ "denied": denial }),
        };
        outcomes.into_iter().map(said).collect()
    }

    /// Ends the holds that are due. Gives the instant at which the next one is, or null.
    pub fn tick(&mut self, clock: Timestamp) -> Value {
        let now = self.state.now(clock.as_nanos());
        self.sweep(now, |_| true);
        let next = self.state.open_holds(now).map(|hold| hold.expires_at).min();
        next.map_or(Value::Null, read::instant)
    }

    fn all_or_none(&mut self, asks: &[Ask], clock: i64) -> Vec<Checked> {
        let all_fail = |index: usize, why: Value| {
            let others = || denial("linked_failed", json!({"index": index}));
            (0..asks.len())
                .map(|at| Err(if at == index { why.clone() } else { others() }))
                .collect()
        };
        if asks.len() > self.bounds.commands_max {
            return all_fail(0, denial("bound_exceeded", json!({"bound": "commands"})));
        }
        let repeated = asks.iter().map(|ask| self.repeated(ask));
        if let Some(receipts) =
            repeated.map(|known| known.and_then(Result::ok)).collect::<Option<Vec<_>>>()
        {
            return receipts.into_iter().map(Ok).collect();
        }
        if let Some(known) = asks.iter().position(|ask| self.repeated(ask).is_some()) {
            return all_fail(known, denial("operation_conflict", json!({})));
        }
        let before = self.state.clone();
        let mut receipts = Vec::new();
        for (index, ask) in asks.iter().enumerate() {
            match self.one(ask, clock) {
                Ok(receipt) => receipts.push(Ok(receipt)),
                Err(why) => {
                    self.state = before;
                    return all_fail(index, why);
                }
            }
        }
        receipts
    }

    /// What is answered to an operation id that is known; `None` for one that is not.
    fn repeated(&self, ask: &Ask) -> Option<Checked> {
        let (_, entry) = self.state.remembered(ask.op())?;
        Some(if entry.ask.as_ref() == Some(ask) {
            Ok(entry.receipt.clone())
        } else {
            Err(denial("operation_conflict", json!({})))
        })
    }

    /// One command, in the order of work: the operation id, what is due, the checks, the effect.
    fn one(&mut self, ask: &Ask, clock: i64) -> Checked {
        /// How far ahead of the clock an id may be minted, in nanoseconds.
        const AHEAD_MAX: i64 = 300_000_000_000;

        let now = self.state.now(clock);
        if let Some(answer) = self.repeated(ask) {
            return answer;
        }
        let minted_at = ask::minted_at(ask.op());
        if self.state.horizon().is_some_and(|horizon| minted_at <= horizon) {
            return Err(denial("operation_too_old", json!({})));
        }
        if minted_at > now.saturating_add(AHEAD_MAX) {
            return Err(denial("operation_too_new", json!({})));
        }
        let met = self.met(ask);
        self.sweep(now, |set| set.iter().any(|account| met.contains(account)));
        match ask.name() {
            "register_unit" => self.register_unit(ask, now),
            "open_account" => self.open_account(ask, now),
            "close_account" => self.close_account(ask, now),
            "set_limit" => self.set_limit(ask, now),
            "set_remaining" => self.set_remaining(ask, now),
            "remove_limit" => self.remove_limit(ask, now),
            "set_protection" => self.set_protection(ask, now),
            "set_parent" => self.set_parent(ask, now),
            "set_priority" => self.set_priority(ask, now),
            "suspend" | "resume" => self.suspend_or_resume(ask, now),
            "charge" | "record" => self.charge_or_record(ask, now),
            "place_hold" => self.place_hold(ask, now),
            "extend_hold" => self.extend_hold(ask, now),
            "settle" => self.settle(ask, now),
            "release" => self.release(ask, now),
            "refund" => self.refund(ask, now),
            "transfer" => self.transfer(ask, now),
            "allocate" => self.allocate(ask, now),
            "divide" => self.divide(ask, now),
            _ => self.reclaim(ask, now),
        }
    }

    /// The accounts whose due holds a command ends first.
    fn met(&self, ask: &Ask) -> Vec<String> {
        let state = &self.state;
        let mut named = ask.texts("scopes");
        named.extend(
            ["account", "parent", "from", "to", "attribute_to"]
                .into_iter()
                .filter_map(|key| ask.maybe(key)),
        );
        named.extend(
            ["shares", "weights"]
                .into_iter()
                .flat_map(|key| ask.pairs(key))
                .map(|(child, _)| child),
        );
        let parent = match ask.name() {
            "allocate" | "divide" => ask.maybe("parent"),
            "reclaim" => {
                state.account(&ask.text("account")).and_then(|account| account.parent.clone())
            }
            _ => None,
        };
        let children = parent.into_iter().flat_map(|parent| state.open_children(&parent));
        named.extend(children.map(|child| child.id));

        let mut met: Vec<_> = named.iter().flat_map(|account| state.up(account)).collect();
        met.extend(state.hold(&ask.text("hold")).into_iter().flat_map(|hold| hold.set.clone()));
        met.extend(
            state.remembered(&ask.text("of")).into_iter().flat_map(|(_, entry)| entry.set.clone()),
        );
        met
    }

    /// Ends the due holds whose frozen sets are meant, in the order in which they ran out.
    fn sweep(&mut self, now: i64, is_meant: impl Fn(&[String]) -> bool) {
        loop {
            let due = self.state.holds.iter().filter(|hold| {
                hold.state == HoldState::Open && hold.expires_at <= now && is_meant(&hold.set)
            });
            let Some(first) = due.min_by_key(|hold| (hold.expires_at, hold.entry)) else { return };
            let (id, expired_at) = (first.id.clone(), first.expires_at);
            let entry = self.write(None, expired_at);
            self.end_hold(&id, HoldState::Expired, entry);
        }
    }

    fn end_hold(&mut self, id: &str, state: HoldState, entry: usize) {
        if let Some(hold) = self.state.holds.iter_mut().find(|hold| hold.id == id) {
            hold.state = state;
            hold.left.iter_mut().for_each(|(_, left)| *left = 0);
            hold.ended_by = Some(entry);
        }
    }

    /// Writes an entry, and gives its number.
    fn write(&mut self, ask: Option<&Ask>, at: i64) -> usize {
        // What replays the entries knows no other instant for one of a hold that ran out long ago.
        let known_by = self.state.now(at);
        self.state.entries.push(Entry {
            at,
            known_by,
            ask: ask.cloned(),
            receipt: Value::Null,
            set: Vec::new(),
            is_forgotten: false,
        });
        self.forget(known_by);
        self.state.entries.len()
    }

    /// Forgets what need not be kept.
    fn forget(&mut self, now: i64) {
        let kept_for = i64::try_from(self.bounds.kept_for.as_nanos()).unwrap_or(i64::MAX);
        loop {
            let kept = self.state.entries.iter_mut().filter(|entry| !entry.is_forgotten);
            let mut kept: Vec<_> = kept.collect();
            let operations = kept.iter().filter(|entry| entry.ask.is_some()).count();
            let are_too_many = operations > self.bounds.operations_max;
            let Some(oldest) = kept.first_mut() else { return };
            let is_old = now - oldest.known_by >= kept_for;
            if operations <= self.bounds.operations_kept || !(are_too_many || is_old) {
                return;
            }
            oldest.is_forgotten = true;
        }
    }

    /// Writes down the receipt of an entry, and answers with it.
    fn answer(&mut self, entry: usize, receipt: &Value) -> Value {
        let mut whole = json!({
            "entry": entry, "available": {}, "crossed": [], "overrun": [], "shadow": [], "late": false,
        });
        for (key, value) in receipt.as_object().into_iter().flatten() {
            whole[key] = value.clone();
        }
        self.state.entries[entry - 1].receipt.clone_from(&whole);
        whole
    }

    /// Writes the entry of a command that changed no counter.
    fn done(&mut self, ask: &Ask, now: i64) -> Value {
        let entry = self.write(Some(ask), now);
        self.answer(entry, &json!({}))
    }
}
