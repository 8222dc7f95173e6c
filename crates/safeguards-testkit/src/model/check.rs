//! What a command is checked for before anything changes, and how the ledger says no.

use serde_json::{Value, json};

use super::{
    Model,
    ask::Ask,
    number::{self, AMOUNT_MAX, COUNTER_MAX},
    read,
    state::{Hold, Limit, State},
    window,
};

/// A receipt or a denial, as they are written.
pub(super) type Checked<T = Value> = Result<T, Value>;

/// Amounts by unit, in the order of the units' names.
pub(super) type Amounts = Vec<(String, i128)>;

/// Nothing, or a denial with what is at fault.
pub(super) fn deny(is_wrong: bool, code: &str, fault: Value) -> Checked<()> {
    if is_wrong { Err(denial(code, fault)) } else { Ok(()) }
}

pub(super) fn denial(code: &str, mut fault: Value) -> Value {
    fault["code"] = format!("budget.{code}").into();
    fault
}

/// A limit that says no, as it is before the command.
pub(super) struct Block {
    pub(super) limit: Limit,
    pub(super) spent: i128,
    pub(super) held: i128,
    protected: i128,
    pub(super) asked: i128,
    retry_at: Option<i64>,
}

impl Model {
    /// Checks amounts as they were given: that they are some, are not too large, and that their units are known.
    pub(super) fn amounts(&self, given: Vec<Given>) -> Checked<Amounts> {
        let mut amounts = Vec::new();
        for Given { unit, text, may_be_zero } in given {
            let fault = json!({"unit": unit, "value": text});
            let amount = number::read(&text).filter(|amount| *amount > 0 || may_be_zero);
            amounts.push((
                unit,
                amount.ok_or_else(|| denial("invalid_amount", fault.clone()))?,
                fault,
            ));
        }
        for (_, amount, fault) in &amounts {
            deny(*amount > AMOUNT_MAX, "amount_overflow", fault.clone())?;
        }
        for (unit, ..) in &amounts {
            self.unit(unit)?;
        }
        Ok(amounts.into_iter().map(|(unit, amount, _)| (unit, amount)).collect())
    }

    pub(super) fn unit(&self, unit: &str) -> Checked<()> {
        deny(
            !self.state.units.iter().any(|known| known == unit),
            "unknown_unit",
            json!({"unit": unit}),
        )
    }

    /// That all these accounts are there; then that none is closed.
    pub(super) fn open_accounts(&self, named: &[String]) -> Checked<()> {
        self.known_accounts(named)?;
        for account in named {
            let is_closed = self.state.account(account).is_some_and(|account| account.is_closed);
            deny(is_closed, "closed_account", json!({"account": account}))?;
        }
        Ok(())
    }

    pub(super) fn known_accounts(&self, named: &[String]) -> Checked<()> {
        for account in named {
            let is_unknown = self.state.account(account).is_none();
            deny(is_unknown, "unknown_account", json!({"account": account}))?;
        }
        Ok(())
    }

    /// The hold that a command names, if it is remembered.
    pub(super) fn known_hold(&self, ask: &Ask) -> Checked<Hold> {
        let id = ask.text("hold");
        let is_forgotten = || self.state.remembered(&id).is_none() && self.may_be_forgotten(&id);
        let unknown = || if is_forgotten() { "hold_forgotten" } else { "unknown_hold" };
        self.state.hold(&id).cloned().ok_or_else(|| denial(unknown(), json!({"hold": id})))
    }

    /// Whether an id that is not known may have been.
    pub(super) fn may_be_forgotten(&self, op: &str) -> bool {
        self.state.horizon().is_some_and(|horizon| super::ask::minted_at(op) <= horizon)
    }

    /// Bounds that hold for every command.
    pub(super) fn metadata(&self, ask: &Ask) -> Checked<()> {
        let bytes = ask.get("metadata").to_string().len();
        bound(bytes, self.bounds.metadata_bytes_max, "metadata")
    }

    /// That the accounts have room for one more limit, where they do not have this one yet.
    pub(super) fn room_for_limit(
        &self,
        accounts: &[String],
        unit: &str,
        of: &Value,
    ) -> Checked<()> {
        for account in accounts {
            let more = usize::from(self.state.limit(account, unit, of).is_none());
            let limits = self.state.limits_of(account).len() + more;
            bound(limits, self.bounds.limits_max, "limits")?;
        }
        Ok(())
    }

    pub(super) fn not_suspended(&self, set: &[String]) -> Checked<()> {
        for account in set {
            let is_suspended =
                self.state.account(account).is_some_and(|account| account.is_suspended);
            deny(is_suspended, "suspended", json!({"account": account}))?;
        }
        Ok(())
    }

    /// That no counter passes what it can hold.
    pub(super) fn no_overflow(
        &self,
        set: &[String],
        amounts: &Amounts,
        counter: impl Fn(&State, &str, &str) -> i128,
    ) -> Checked<()> {
        for account in set {
            for (unit, amount) in amounts {
                let is_over = counter(&self.state, account, unit) + amount > COUNTER_MAX;
                deny(is_over, "amount_overflow", json!({"account": account, "unit": unit}))?;
            }
        }
        Ok(())
    }

    /// The limits of a mode that leave no room for what a spender asks, in the order in which they are told.
    pub(super) fn blocks(
        &self,
        set: &[String],
        amounts: &Amounts,
        mode: &str,
        spender: &str,
        now: i64,
    ) -> Vec<Block> {
        let mut blocks = Vec::new();
        for limit in set.iter().flat_map(|account| self.state.limits_of(account)) {
            let Some((_, asked)) = amounts.iter().find(|(unit, _)| *unit == limit.unit) else {
                continue;
            };
            let protected = if mode == "hard" { self.state.protected(&limit, spender) } else { 0 };
            let block = self.block(limit, *asked, protected, now);
            if block.limit.mode == mode
                && block.spent + block.held + asked > block.limit.amount - protected
            {
                blocks.push(block);
            }
        }
        blocks
    }

    /// A limit with its numbers, and when it would have room for what is asked.
    pub(super) fn block(&self, limit: Limit, asked: i128, protected: i128, now: i64) -> Block {
        let (spent, held) = self.state.counted(&limit, now);
        let room = limit.amount - protected;
        let retry_at = if asked > room {
            None
        } else if let Some((_, end)) = window::span(&limit.window, now) {
            Some(end)
        } else {
            let holds = self.state.open_holds(now).filter(|hold| hold.counts_at(&limit.account));
            let mut holds: Vec<_> = holds.collect();
            holds.sort_by_key(|hold| hold.expires_at);
            let mut still_held = held;
            let mut fits_after = |hold: &&Hold| {
                still_held -= hold.left_of(&limit.unit);
                spent + still_held + asked <= room
            };
            holds.into_iter().find(|hold| fits_after(hold)).map(|hold| hold.expires_at)
        };
        Block { limit, spent, held, protected, asked, retry_at }
    }

    /// A denial of a plan: by the lifetime limit of an account, of which this much could be had.
    pub(super) fn no_plan(
        &self,
        account: &str,
        unit: &str,
        asked: i128,
        available: i128,
        now: i64,
    ) -> Value {
        let limit = self.state.lifetime_hard(account, unit).cloned();
        let Some(limit) = limit else { return Value::Null };
        let mut block = self.block(limit, asked, 0, now);
        block.retry_at = None;
        let mut told = exceeded(&block, "limit_exceeded", None);
        told["available"] = number::said(available);
        told
    }
}

/// An amount as it was given.
pub(super) struct Given {
    unit: String,
    text: String,
    may_be_zero: bool,
}

impl Given {
    /// One that must be more than 0.
    pub(super) fn positive((unit, text): (String, String)) -> Self {
        Self { unit, text, may_be_zero: false }
    }

    /// One that may be 0.
    pub(super) fn any((unit, text): (String, String)) -> Self {
        Self { unit, text, may_be_zero: true }
    }
}

/// That there is at least one of what must not be empty.
pub(super) fn some<T>(given: &[T]) -> Checked<()> {
    deny(given.is_empty(), "invalid_amount", json!({}))
}

pub(super) fn bound(given: usize, allowed: usize, bound: &str) -> Checked<()> {
    deny(given > allowed, "bound_exceeded", json!({ "bound": bound }))
}

/// A name where it is made.
pub(super) fn good_name(name: &str) -> Checked<()> {
    let is_good = (1..=256).contains(&name.len()) && !name.chars().any(char::is_control);
    deny(!is_good, "bound_exceeded", json!({"bound": "name"}))
}

/// The denial, if there is a limit that says no: the first that is exceeded, else the first that is protected.
pub(super) fn no_room(blocks: &[Block]) -> Checked<()> {
    let is_exceeded = |block: &&Block| block.spent + block.held + block.asked > block.limit.amount;
    let retry_at = blocks.iter().map(|block| block.retry_at).collect::<Option<Vec<_>>>();
    let retry_at = retry_at.and_then(|all| all.into_iter().max());
    match (blocks.iter().find(is_exceeded), blocks.first()) {
        (Some(block), _) => Err(exceeded(block, "limit_exceeded", retry_at)),
        (None, Some(block)) => Err(exceeded(block, "protected", retry_at)),
        (None, None) => Ok(()),
    }
}

fn exceeded(block: &Block, code: &str, retry_at: Option<i64>) -> Value {
    let mut fault = shortage(block);
    fault["protected"] = number::said(block.protected);
    fault["retry_at"] = retry_at.map_or(Value::Null, read::instant);
    fault["never"] = retry_at.is_none().into();
    denial(code, fault)
}

/// The numbers of a limit that has not enough left.
pub(super) fn shortage(block: &Block) -> Value {
    let Block { limit, spent, held, asked, .. } = block;
    json!({
        "account": limit.account,
        "unit": limit.unit,
        "window": limit.window,
        "limit": number::said(limit.amount),
        "spent": number::said(*spent),
        "held": number::said(*held),
        "asked": number::said(*asked),
        "available": number::said((limit.amount - spent - held).max(0)),
    })
}
