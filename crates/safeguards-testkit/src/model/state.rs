//! [`State`]: plain lists of everything that was accepted. Every number is found by looking through them.

use serde_json::{Value, json};

use super::{
    ask::{Ask, minted_at},
    number, window,
};

/// All that a ledger knows, and what it has forgotten besides.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) units: Vec<String>,
    pub(super) accounts: Vec<Account>,
    pub(super) limits: Vec<Limit>,
    pub(super) holds: Vec<Hold>,
    pub(super) postings: Vec<Posting>,
    pub(super) entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) parent: Option<String>,
    pub(super) priority: u64,
    pub(super) is_suspended: bool,
    pub(super) is_closed: bool,
    pub(super) protection: Vec<Value>,
}

#[derive(Clone, Debug)]
pub(super) struct Limit {
    pub(super) account: String,
    pub(super) unit: String,
    pub(super) window: Value,
    pub(super) amount: i128,
    pub(super) mode: String,
    pub(super) warn_at: Vec<Value>,
    /// The entry that made it, and when. What was counted before is not in its windows.
    pub(super) made_by: usize,
    pub(super) made_at: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Hold {
    pub(super) id: String,
    pub(super) entry: usize,
    pub(super) spender: String,
    pub(super) set: Vec<String>,
    pub(super) placed_at: i64,
    pub(super) expires_at: i64,
    pub(super) left: Vec<(String, i128)>,
    pub(super) state: HoldState,
    /// The entry that ended it, or that settled it late.
    pub(super) ended_by: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HoldState {
    Open,
    Settled,
    Released,
    Expired,
}

/// An amount that was spent; below 0 for one that came back.
#[derive(Clone, Debug)]
pub(super) struct Posting {
    /// The entry of the charge, settlement or record; a refund names the one that it takes back.
    pub(super) of: usize,
    pub(super) spender: String,
    pub(super) unit: String,
    pub(super) amount: i128,
    /// Whether it had been set aside before.
    pub(super) was_held: bool,
    pub(super) places: Vec<Place>,
}

/// An account at which an amount counts, in the windows of which instant, and at the limits that the account
/// had when which entry was written.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) account: String,
    pub(super) at: i64,
    pub(super) entry: usize,
}

/// A line of the journal. Its number is its place in the list, from 1.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) at: i64,
    /// The latest instant of any entry up to this one.
    pub(super) known_by: i64,
    /// The command; `None` for a hold that expired.
    pub(super) ask: Option<Ask>,
    pub(super) receipt: Value,
    /// Of a charge, settlement or record: the accounts at which it counts.
    pub(super) set: Vec<String>,
    pub(super) is_forgotten: bool,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            units: ["USD", "tokens", "requests"].map(str::to_owned).to_vec(),
            accounts: Vec::new(),
            limits: Vec::new(),
            holds: Vec::new(),
            postings: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// The later of the clock and the latest instant of any entry.
    pub(super) fn now(&self, clock: i64) -> i64 {
        self.entries.iter().map(|entry| entry.at).fold(clock, i64::max)
    }

    // Accounts.

    pub(super) fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    /// Changes an account that there is.
    pub(super) fn change(&mut self, id: &str, change: impl FnOnce(&mut Account)) {
        if let Some(account) = self.accounts.iter_mut().find(|account| account.id == id) {
            change(account);
        }
    }

    /// An account and all above it, upward. None where there is no such account.
    pub(super) fn up(&self, id: &str) -> Vec<String> {
        let mut up = Vec::new();
        let mut next = self.account(id);
        while let Some(account) = next {
            up.push(account.id.clone());
            next = account.parent.as_ref().and_then(|parent| self.account(parent));
        }
        up
    }

    /// The spender and all above it, then each scope likewise; each account once.
    pub(super) fn charge_set(&self, spender: &str, scopes: &[String]) -> Vec<String> {
        let mut set = self.up(spender);
        for account in scopes.iter().flat_map(|scope| self.up(scope)) {
            if !set.contains(&account) {
                set.push(account);
            }
        }
        set
    }

    /// The children that are not closed, by name.
    pub(super) fn open_children(&self, id: &str) -> Vec<Account> {
        let are_children =
            |account: &&Account| account.parent.as_deref() == Some(id) && !account.is_closed;
        let mut children: Vec<_> = self.accounts.iter().filter(are_children).cloned().collect();
        children.sort_by(|one, other| one.id.cmp(&other.id));
        children
    }

    // Counters.

    /// What was spent at an account in its lifetime.
    pub(super) fn spent(&self, account: &str, unit: &str) -> i128 {
        let here = |posting: &&Posting| {
            posting.unit == unit && posting.places.iter().any(|place| place.account == account)
        };
        self.postings.iter().filter(here).map(|posting| posting.amount).sum()
    }

    /// What is held at an account.
    pub(super) fn held(&self, account: &str, unit: &str, now: i64) -> i128 {
        let here = self.open_holds(now).filter(|hold| hold.counts_at(account));
        here.map(|hold| hold.left_of(unit)).sum()
    }

    /// Whether more than nothing was ever spent or held at an account.
    pub(super) fn was_ever_counted(&self, account: &str, unit: &str) -> bool {
        let is_held =
            |hold: &Hold| hold.counts_at(account) && hold.units().iter().any(|held| held == unit);
        let is_spent = |posting: &Posting| {
            posting.unit == unit && posting.places.iter().any(|place| place.account == account)
        };
        self.holds.iter().any(is_held) || self.postings.iter().any(is_spent)
    }

    /// What an account has spent and holds as the spender.
    pub(super) fn direct(&self, spender: &str, unit: &str, now: i64) -> i128 {
        let spent = self
            .postings
            .iter()
            .filter(|posting| posting.spender == spender && posting.unit == unit);
        let held = self.open_holds(now).filter(|hold| hold.spender == spender);
        spent.map(|posting| posting.amount).sum::<i128>()
            + held.map(|hold| hold.left_of(unit)).sum::<i128>()
    }

    /// Holds that are open and not due.
    pub(super) fn open_holds(&self, now: i64) -> impl Iterator<Item = &Hold> {
        self.holds.iter().filter(move |hold| hold.is_open(now))
    }

    /// What a limit has counted: spent and held, in the window of now.
    pub(super) fn counted(&self, limit: &Limit, now: i64) -> (i128, i128) {
        let Limit { account, unit, .. } = limit;
        let Some((start, _)) = window::span(&limit.window, now) else {
            return (self.spent(account, unit), self.held(account, unit, now));
        };
        let is_now = |at: i64, entry: usize| at >= start && entry > limit.made_by;
        let here = |posting: &&Posting| {
            let mut places = posting.places.iter();
            posting.unit == *unit
                && places.any(|place| place.account == *account && is_now(place.at, place.entry))
        };
        let held = self
            .open_holds(now)
            .filter(|hold| hold.counts_at(account) && is_now(hold.placed_at, hold.entry));
        (
            self.postings.iter().filter(here).map(|posting| posting.amount).sum(),
            held.map(|hold| hold.left_of(unit)).sum(),
        )
    }

    // Limits.

    /// The limits of an account, by unit, then the shortest window.
    pub(super) fn limits_of(&self, account: &str) -> Vec<Limit> {
        let mut limits: Vec<_> =
            self.limits.iter().filter(|limit| limit.account == account).cloned().collect();
        limits.sort_by_key(|limit| (limit.unit.clone(), window::length(&limit.window)));
        limits
    }

    pub(super) fn limit(&self, account: &str, unit: &str, window: &Value) -> Option<&Limit> {
        self.limits.iter().find(|limit| limit.is(account, unit, window))
    }

    /// The amount of the lifetime limit of an account, if it has one that denies.
    pub(super) fn lifetime_hard(&self, account: &str, unit: &str) -> Option<&Limit> {
        self.limit(account, unit, &json!("lifetime")).filter(|limit| limit.mode == "hard")
    }

    /// What is left of a limit.
    pub(super) fn left(&self, limit: &Limit, now: i64) -> i128 {
        let (spent, held) = self.counted(limit, now);
        (limit.amount - spent - held).max(0)
    }

    /// The least that any limit which denies has left, for each unit that has one.
    pub(super) fn available(&self, set: &[String], units: &[String], now: i64) -> Value {
        let mut available = json!({});
        for unit in units {
            let limits = set.iter().flat_map(|account| self.limits_of(account));
            let hard = limits.filter(|limit| limit.unit == *unit && limit.mode == "hard");
            if let Some(least) = hard.map(|limit| self.left(&limit, now)).min() {
                available[unit] = number::said(least);
            }
        }
        available
    }

    /// Which part of a limit is kept from a spender.
    pub(super) fn protected(&self, limit: &Limit, spender: &str) -> i128 {
        let priority = self.account(spender).map_or(0, |account| account.priority);
        let steps =
            self.account(&limit.account).into_iter().flat_map(|account| &account.protection);
        let kept = steps.filter(|step| step["from_priority"].as_u64().unwrap_or(0) > priority);
        let kept = kept.filter_map(|step| number::read(step["last_percent"].as_str()?)).max();
        kept.map_or(0, |percent| number::share(percent, limit.amount))
    }

    // The journal.

    /// The entry of a command that was accepted and is remembered, with its number.
    pub(super) fn remembered(&self, op: &str) -> Option<(usize, &Entry)> {
        let known = (1..).zip(&self.entries).filter(|(_, entry)| !entry.is_forgotten);
        known.into_iter().find(|(_, entry)| entry.op() == Some(op))
    }

    /// When the youngest id was minted that was forgotten. What is not younger may have been, too.
    pub(super) fn horizon(&self) -> Option<i64> {
        let forgotten = self.entries.iter().filter(|entry| entry.is_forgotten);
        forgotten.filter_map(Entry::op).map(minted_at).max()
    }

    /// The hold of this id, unless it was forgotten.
    pub(super) fn hold(&self, id: &str) -> Option<&Hold> {
        let is_kept = |entry: usize| !self.entries[entry - 1].is_forgotten;
        self.holds.iter().find(|hold| hold.id == id && hold.ended_by.is_none_or(is_kept))
    }
}

impl Entry {
    pub(super) fn op(&self) -> Option<&str> {
        self.ask.as_ref().map(Ask::op)
    }

    /// What was done: the command's name, or `expire`.
    pub(super) fn name(&self) -> &str {
        self.ask.as_ref().map_or("expire", Ask::name)
    }
}

impl Limit {
    pub(super) fn is(&self, account: &str, unit: &str, window: &Value) -> bool {
        self.account == account && self.unit == unit && self.window == *window
    }
}

impl Hold {
    pub(super) fn is_open(&self, now: i64) -> bool {
        self.state == HoldState::Open && now < self.expires_at
    }

    pub(super) fn counts_at(&self, account: &str) -> bool {
        self.set.iter().any(|counted| counted == account)
    }

    pub(super) fn left_of(&self, unit: &str) -> i128 {
        self.left.iter().find(|(held, _)| held == unit).map_or(0, |(_, left)| *left)
    }

    pub(super) fn units(&self) -> Vec<String> {
        self.left.iter().map(|(unit, _)| unit.clone()).collect()
    }
}
