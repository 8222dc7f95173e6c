//! Whether a command is sound, and whether it fits: reads the book, changes nothing.

use std::{sync::Arc, time::Duration};

use safeguards_types::{AccountId, Amount, Amounts, Priority, Quantity, Timestamp, Unit};
use smallvec::SmallVec;

use super::{
    Book, ChargeSet, Quantities,
    account::{AccountState, Counter, LimitState},
    arena::Ix,
    holds::HeldHold,
};
use crate::{Charge, Command, Denial, HoldId, Limit, OpenAccount, Retry, Shortfall};

const NAME_BYTES_MAX: usize = 256;
const METADATA_BYTES_MAX: usize = 65_536;
const LIMITS_MAX: usize = 64;
const STEPS_MAX: usize = 16;
const PERCENTS_MAX: usize = 16;
const TTL_SECONDS_MAX: u64 = 1_000_000_000;

/// What asks for room: it is spent or set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    ToSpend,
    ToHold,
}

/// What may be passed besides limits: a settlement of nothing is fine, a charge of nothing is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zero {
    Allowed,
    Refused,
}

impl Book {
    /// Reads amounts by the book's own names for units.
    pub(super) fn quantities(&self, amounts: &Amounts, zero: Zero) -> Result<Quantities, Denial> {
        if zero == Zero::Refused {
            if amounts.is_empty() {
                return Err(Denial::InvalidAmount { unit: None });
            }
            if let Some(nothing) = amounts.iter().find(|amount| amount.quantity().is_zero()) {
                return Err(Denial::InvalidAmount { unit: Some(nothing.unit().clone()) });
            }
        }
        amounts.iter().try_for_each(|amount| check_amount(amount.quantity(), amount.unit()))?;
        amounts.iter().map(|amount| Ok((self.unit(amount.unit())?, amount.quantity()))).collect()
    }

    pub(super) fn amounts(&self, quantities: &[(Ix<Unit>, Quantity)]) -> Amounts {
        quantities
            .iter()
            .map(|(unit, quantity)| Amount::new(*quantity, self.units.get(*unit).clone()))
            .collect()
    }

    pub(super) fn unit(&self, unit: &Unit) -> Result<Ix<Unit>, Denial> {
        self.unit_names.get(unit).copied().ok_or_else(|| Denial::UnknownUnit { unit: unit.clone() })
    }

    pub(super) fn account(&self, account: &AccountId) -> Result<Ix<AccountState>, Denial> {
        let found = self.account_names.get(account).copied();
        found.ok_or_else(|| Denial::UnknownAccount { account: account.clone() })
    }

    pub(super) fn check_limit(&self, limit: &Limit) -> Result<Ix<Unit>, Denial> {
        check_amount(limit.amount, &limit.unit)?;
        self.unit(&limit.unit)
    }

    /// Whether an account may be opened; gives its parent and how deep it would stand.
    pub(super) fn check_open(
        &self,
        open: &OpenAccount,
    ) -> Result<Option<Ix<AccountState>>, Denial> {
        let OpenAccount { account, parent, priority: _, limits, protection } = open;
        limits.iter().try_for_each(|limit| check_amount(limit.amount, &limit.unit))?;
        limits.iter().try_for_each(|limit| self.unit(&limit.unit).map(drop))?;
        if self.account_names.contains_key(account) {
            return Err(Denial::DuplicateAccount { account: account.clone() });
        }
        let parent = parent.as_ref().map(|parent| self.account(parent)).transpose()?;
        let depth =
            parent.map_or(0, |parent| self.accounts.get(parent).path.len()).saturating_add(1);
        if depth > self.bounds.depth_max {
            return Err(Denial::DepthExceeded {
                account: account.clone(),
                max: self.bounds.depth_max,
            });
        }
        if self.accounts.len() >= self.bounds.accounts_max {
            return Err(Denial::TooManyAccounts { max: self.bounds.accounts_max });
        }
        check_name(account.as_str())?;
        check_bound("limits", limits.len(), LIMITS_MAX, "limits of one account")?;
        check_bound("steps", protection.len(), STEPS_MAX, "steps of protection")?;
        limits.iter().try_for_each(check_percents)?;
        let mut rest = limits.as_slice();
        let mut twice = None;
        while let [limit, later @ ..] = rest {
            twice = twice
                .or_else(|| later.iter().find(|later| later.is_same(&limit.unit, &limit.window)));
            rest = later;
        }
        match twice {
            Some(twice) => Err(Denial::BoundExceeded {
                bound: "limits",
                given: format!("a second limit of {} over {}", twice.unit, twice.window),
                allowed: "one for each unit and window".to_owned(),
            }),
            None => Ok(parent),
        }
    }

    pub(super) fn check_room_for_limit(
        &self,
        account: Ix<AccountState>,
        limit: &Limit,
    ) -> Result<(), Denial> {
        let account = self.accounts.get(account);
        let is_new = account.limit(&limit.unit, &limit.window).is_none();
        let limits = account.limit_count().saturating_add(usize::from(is_new));
        check_bound("limits", limits, LIMITS_MAX, "limits of one account")?;
        check_percents(limit)
    }

    /// Resolves the charge set: the spender and everything above it, then each scope likewise, each once.
    pub(super) fn charge_set(&self, charge: &Charge) -> Result<ChargeSet, Denial> {
        let spender = self.accounts.get(self.account(&charge.account)?);
        let scopes: SmallVec<[_; 2]> =
            charge.scopes.iter().map(|scope| self.account(scope)).collect::<Result<_, _>>()?;
        check_bound("scopes", scopes.len(), self.bounds.scopes_max, "scopes of one charge")?;
        // A scope is most often above the spender already: its team's pool.
        if scopes.iter().all(|scope| spender.path.contains(scope)) {
            return Ok(ChargeSet {
                spender: spender.id.clone(),
                accounts: Arc::clone(&spender.path),
                ids: Arc::clone(&spender.path_ids),
            });
        }
        let mut accounts = spender.path.to_vec();
        for ix in scopes.iter().flat_map(|scope| self.accounts.get(*scope).path.iter()) {
            if !accounts.contains(ix) {
                accounts.push(*ix);
            }
        }
        let ids = accounts.iter().map(|ix| self.accounts.get(*ix).id.clone()).collect();
        Ok(ChargeSet { spender: spender.id.clone(), accounts: accounts.into(), ids })
    }

    /// A hold that may still be settled (`late` or in time) or, if it is open, released.
    pub(super) fn known_hold(&self, id: HoldId) -> Result<&HeldHold, Denial> {
        match self.holds.get(id) {
            Some(hold) => Ok(hold),
            None if self.journal.may_have_forgotten(id.op()) => {
                Err(Denial::HoldForgotten { hold: id })
            }
            None => Err(Denial::UnknownHold { hold: id }),
        }
    }

    /// Whether every counter can take the amounts: 10¹⁶ at most.
    pub(super) fn check_counters(
        &self,
        accounts: &[Ix<AccountState>],
        quantities: &[(Ix<Unit>, Quantity)],
        asks: Asks,
        now: Timestamp,
    ) -> Result<(), Denial> {
        for ix in accounts {
            let account = self.accounts.get(*ix);
            for (unit, quantity) in quantities {
                let windows = account.limits_of(*unit).map(|state| account.counter(state, now));
                let overflows = |counter: Counter| {
                    let counted = if asks == Asks::ToHold { counter.held } else { counter.spent };
                    counted.checked_add(*quantity).is_none()
                };
                if [account.total(*unit)].into_iter().chain(windows).any(overflows) {
                    let unit = self.units.get(*unit).clone();
                    return Err(Denial::AmountOverflow { account: Some(account.id.clone()), unit });
                }
            }
        }
        Ok(())
    }

    /// Whether the amounts fit every limit of every account: the one rule that nothing is granted against.
    pub(super) fn check_fit(
        &self,
        accounts: &[Ix<AccountState>],
        quantities: &[(Ix<Unit>, Quantity)],
        now: Timestamp,
    ) -> Result<(), Denial> {
        let spender =
            accounts.first().map_or_else(Priority::default, |ix| self.accounts.get(*ix).priority);
        let blocked = |(ix, state, asked): &(Ix<AccountState>, &LimitState, Quantity)| {
            let account = self.accounts.get(*ix);
            let needed = account.counter(state, now).used_steps().saturating_add(asked.steps());
            let protected = account.protected(&state.limit, spender);
            needed > state.limit.amount.saturating_sub(protected).steps()
        };
        let mut blocking = self.limits_asked(accounts, quantities).filter(blocked).peekable();
        if blocking.peek().is_none() {
            return Ok(());
        }
        let shortfalls: Vec<_> = blocking
            .map(|(ix, state, asked)| self.shortfall(ix, state, (asked, spender), now))
            .collect();
        let retry = shortfalls.iter().map(|shortfall| shortfall.retry).reduce(later);
        let exceeds = |shortfall: &&Shortfall| shortfall.asked > shortfall.available;
        // What is over a limit is said before what is merely kept for others.
        let first = shortfalls.iter().find(exceeds).or_else(|| shortfalls.first()).cloned();
        match first.zip(retry) {
            Some((shortfall, retry)) => {
                let over = exceeds(&&shortfall);
                let shortfall = Box::new(Shortfall { retry, ..shortfall });
                Err(if over {
                    Denial::LimitExceeded(shortfall)
                } else {
                    Denial::Protected(shortfall)
                })
            }
            None => Ok(()),
        }
    }

    /// Every limit that the amounts count at: by account, then unit, then the shortest window.
    pub(super) fn limits_asked<'a>(
        &'a self,
        accounts: &'a [Ix<AccountState>],
        quantities: &'a [(Ix<Unit>, Quantity)],
    ) -> impl Iterator<Item = (Ix<AccountState>, &'a LimitState, Quantity)> {
        accounts.iter().flat_map(move |ix| {
            quantities.iter().flat_map(move |(unit, quantity)| {
                self.accounts.get(*ix).limits_of(*unit).map(move |state| (*ix, state, *quantity))
            })
        })
    }

    fn shortfall(
        &self,
        ix: Ix<AccountState>,
        state: &LimitState,
        (asked, spender): (Quantity, Priority),
        now: Timestamp,
    ) -> Shortfall {
        let account = self.accounts.get(ix);
        let counter = account.counter(state, now);
        let Limit { unit, window, amount, warn_at: _ } = &state.limit;
        let protected = account.protected(&state.limit, spender);
        let room = amount.saturating_sub(protected);
        let retry = if asked > room {
            Retry::Never
        } else {
            match state.current {
                Some(current) if !current.span.is_over(now) => Retry::At(current.span.ends_at),
                Some(_) => state
                    .limit
                    .window
                    .span_at(now)
                    .map_or(Retry::Never, |span| Retry::At(span.ends_at)),
                None => self.when_holds_free(ix, state.unit, counter, (asked, room)),
            }
        };
        Shortfall {
            account: account.id.clone(),
            unit: unit.clone(),
            window: window.clone(),
            limit: *amount,
            spent: counter.spent,
            held: counter.held,
            protected,
            asked,
            available: counter.left_of(*amount),
            retry,
        }
    }

    /// The first expiry of a hold here after which the amount would fit a lifetime limit.
    fn when_holds_free(
        &self,
        account: Ix<AccountState>,
        unit: Ix<Unit>,
        counter: Counter,
        (asked, room): (Quantity, Quantity),
    ) -> Retry {
        let mut needed = counter.used_steps().saturating_add(asked.steps());
        for hold in self.holds.by_expiry().filter(|hold| hold.counts_at(account)) {
            needed = needed.saturating_sub(hold.left_of(unit).steps());
            if needed <= room.steps() {
                return Retry::At(hold.expires_at);
            }
        }
        Retry::Never
    }
}

/// Of two answers to "when?", the one that holds for both.
fn later(a: Retry, b: Retry) -> Retry {
    match (a, b) {
        (Retry::At(a), Retry::At(b)) => Retry::At(a.max(b)),
        (Retry::Never, _) | (_, Retry::Never) => Retry::Never,
    }
}

pub(super) fn check_metadata(command: &Command) -> Result<(), Denial> {
    if command.metadata.is_empty() {
        return Ok(());
    }
    let bytes = serde_json::to_string(&command.metadata).map_or(usize::MAX, |json| json.len());
    check_bound("metadata", bytes, METADATA_BYTES_MAX, "bytes")
}

/// When a hold placed now ends.
pub(super) fn check_ttl(ttl: Duration, now: Timestamp) -> Result<Timestamp, Denial> {
    let whole = ttl.subsec_nanos() == 0 && (1..=TTL_SECONDS_MAX).contains(&ttl.as_secs());
    if !whole {
        return Err(Denial::BoundExceeded {
            bound: "ttl",
            given: format!("{ttl:?}"),
            allowed: format!("whole seconds from 1 to {TTL_SECONDS_MAX}"),
        });
    }
    now.checked_add(ttl).ok_or_else(|| Denial::BoundExceeded {
        bound: "instant",
        given: format!("{} s after {now}", ttl.as_secs()),
        allowed: format!("up to {}", Timestamp::MAX),
    })
}

pub(super) fn check_amount(quantity: Quantity, unit: &Unit) -> Result<(), Denial> {
    if quantity > Quantity::AMOUNT_MAX {
        return Err(Denial::AmountOverflow { account: None, unit: unit.clone() });
    }
    Ok(())
}

/// Names of accounts and units, where they are made.
pub(super) fn check_name(name: &str) -> Result<(), Denial> {
    let allowed = || format!("1 to {NAME_BYTES_MAX} bytes without control characters");
    let denied =
        |given: String| Err(Denial::BoundExceeded { bound: "name", given, allowed: allowed() });
    if !(1..=NAME_BYTES_MAX).contains(&name.len()) {
        return denied(format!("{} bytes", name.len()));
    }
    match name.chars().find(|letter| letter.is_control()) {
        Some(letter) => denied(letter.escape_unicode().to_string()),
        None => Ok(()),
    }
}

fn check_percents(limit: &Limit) -> Result<(), Denial> {
    check_bound("percents", limit.warn_at.len(), PERCENTS_MAX, "percents of one limit")
}

fn check_bound(bound: &'static str, given: usize, max: usize, what: &str) -> Result<(), Denial> {
    if given > max {
        return Err(Denial::BoundExceeded {
            bound,
            given: given.to_string(),
            allowed: format!("up to {max} {what}"),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use safeguards_types::OperationIds;

    use super::*;

    #[test]
    fn a_ledger_keeps_so_many_accounts_and_no_more() {
        let (mut book, ids) = (Book::new(), OperationIds::seeded(1));
        book.bounds.accounts_max = 2;
        let now = Timestamp::UNIX_EPOCH;
        let mut open = |name| book.apply(&Command::new(ids.mint(now), OpenAccount::new(name)), now);
        open("a").unwrap();
        open("b").unwrap();
        assert_eq!(open("c"), Err(Denial::TooManyAccounts { max: 2 }));
        assert_eq!(open("a"), Err(Denial::DuplicateAccount { account: "a".into() }));
    }
}
