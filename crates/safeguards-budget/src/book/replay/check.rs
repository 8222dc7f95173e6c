//! Whether an entry goes with its own command and with the book: what is refused before it is followed.
//!
//! This decides nothing again. It holds an entry against what the book knows, so that a journal which was
//! damaged or put together by hand is refused and not counted.

use foldhash::HashSet;
use safeguards_types::{Amounts, Quantity};

use super::ReplayError;
use crate::{
    Action, Command, Entry, HoldState, Window,
    book::{
        Book,
        arena::Ix,
        deed::{Deed, Freed, Limits, Refund, Settlement},
        holds::{Kept, Windows, quantity_of},
        node::Node,
        spend::Spending,
    },
};

impl Book {
    /// Refuses an entry that does not go with its command, or with the book as it stands.
    pub(super) fn check_follows(&self, entry: &Entry, deed: &Deed) -> Result<(), ReplayError> {
        let follows = match entry.cause.as_ref().map(|cause| &cause.command) {
            Some(command) => {
                self.journal.find(command.op).is_none() && self.command_follows(command, deed)
            }
            None => self.expiry_follows(deed, entry),
        };
        let mismatch = ReplayError::Mismatch { entry: entry.id, command: entry.name() };
        if follows { Ok(()) } else { Err(mismatch) }
    }

    fn expiry_follows(&self, deed: &Deed, entry: &Entry) -> bool {
        let Deed::Freed(freed) = deed else { return false };
        let hold = self.holds.get(freed.hold);
        self.freed_follows(freed) && hold.is_some_and(|hold| hold.expires_at == entry.at)
    }

    fn command_follows(&self, command: &Command, deed: &Deed) -> bool {
        match (&command.action, deed) {
            (
                Action::Charge(charge) | Action::Record(charge),
                Deed::Spent { set, amounts, windows },
            ) => {
                self.same(amounts, &charge.amounts)
                    && self.set_follows(set, set.first(), windows)
                    && set.first() == self.find(&charge.account).as_ref()
            }
            (Action::PlaceHold(place), Deed::Held { set, amounts, windows, .. }) => {
                self.same(amounts, &place.charge.amounts)
                    && self.set_follows(set, set.first(), windows)
                    && set.first() == self.find(&place.charge.account).as_ref()
            }
            (Action::Settle(settle), Deed::Settled(settled)) => {
                settle.hold == settled.hold
                    && self.same(&settled.spent, &settle.amounts)
                    && settled.keep_open == (settle.keep_open && !settled.late)
                    && self.settlement_follows(settled)
            }
            (Action::Release { hold }, Deed::Freed(freed)) => {
                freed.hold == *hold && self.freed_follows(freed)
            }
            (Action::ExtendHold { hold, .. }, Deed::Extended { hold: extended, expires_at }) => {
                let known = self.holds.get(*hold);
                hold == extended
                    && known.is_some_and(|known| {
                        known.state == HoldState::Open && known.expires_at <= *expires_at
                    })
            }
            (Action::Refund { of, amounts }, Deed::Refunded(refund)) => {
                self.same(&refund.amounts, amounts)
                    && self.spending(*of).is_some_and(|spending| {
                        spending.entry == refund.of && self.refund_follows(refund, &spending)
                    })
            }
            (action, Deed::Limits(limits)) => self.limits_follow(action, limits),
            (action, Deed::AsCommanded) => self.bare_follows(action),
            _ => false,
        }
    }

    /// Whether kept amounts are these.
    fn same(&self, kept: &Kept, amounts: &Amounts) -> bool {
        self.amounts(kept) == *amounts
    }

    /// Whether no account is named twice, the spender is among them, and no window is counted in twice or at
    /// an account that is not of the set.
    fn set_follows(&self, set: &[Ix<Node>], spender: Option<&Ix<Node>>, windows: &Windows) -> bool {
        let accounts: HashSet<_> = set.iter().copied().collect();
        let mut counted = HashSet::default();
        accounts.len() == set.len()
            && spender.is_some_and(|spender| accounts.contains(spender))
            && windows.iter().flat_map(|all| all.iter()).all(|window| {
                accounts.contains(&window.node)
                    && window.span.started_at <= window.span.ends_at
                    && window.serial < self.nodes.get(window.node).limits_made
                    && counted.insert((window.node, window.serial, window.part))
            })
    }

    fn settlement_follows(&self, settled: &Settlement) -> bool {
        let Some(hold) = self.holds.get(settled.hold) else { return false };
        let is_late = hold.state != HoldState::Open;
        let parts_add_up = settled.spent.iter().all(|(unit, spent)| {
            let within = quantity_of(&settled.held_part, *unit);
            let beyond = quantity_of(&settled.excess, *unit);
            within.checked_add(beyond) == Some(*spent) && within <= hold.left_of(*unit)
        });
        let units = |parts: &Kept| {
            parts.iter().all(|(unit, _)| settled.spent.iter().any(|(known, _)| known == unit))
        };
        hold.state != HoldState::Settled
            && settled.late == is_late
            && (!is_late || settled.held_part.is_empty())
            && parts_add_up
            && units(&settled.held_part)
            && units(&settled.excess)
            && settled.set.get(settled.in_front..) == Some(&*hold.set)
            && self.set_follows(&settled.set, Some(&settled.spender), &settled.windows)
    }

    fn freed_follows(&self, freed: &Freed) -> bool {
        self.holds.get(freed.hold).is_some_and(|hold| {
            hold.state == HoldState::Open && hold.left == freed.amounts && hold.set == freed.set
        })
    }

    /// Whether what comes back was spent, and has not come back before.
    fn refund_follows(&self, refund: &Refund, spending: &Spending) -> bool {
        let before = self.refunds.get(&refund.of);
        let rest = |spent: &Kept, back: Option<&Kept>, unit| {
            let back = back.map_or(Quantity::ZERO, |back| quantity_of(back, unit));
            quantity_of(spent, unit).saturating_sub(back)
        };
        refund.amounts.iter().all(|(unit, amount)| {
            let of_excess = quantity_of(&refund.excess, *unit);
            let of_held = quantity_of(&refund.held_part, *unit);
            of_excess.checked_add(of_held) == Some(*amount)
                && of_excess <= rest(&spending.excess, before.map(|before| &before.excess), *unit)
                && of_held
                    <= rest(&spending.held_part, before.map(|before| &before.held_part), *unit)
        }) && self.set_follows(&refund.set, Some(&refund.spender), &refund.windows)
    }

    fn limits_follow(&self, action: &Action, limits: &Limits) -> bool {
        let of_one = |account| {
            let known = self.find(account);
            limits.set.iter().all(|set| Some(set.node) == known)
        };
        let told = match action {
            Action::OpenAccount(open) => {
                let told = limits.set.iter().map(|set| &set.limit);
                told.eq(&open.limits) && of_one(&open.account)
            }
            Action::SetLimit { account, limit } => {
                let told = limits.set.iter().map(|set| &set.limit);
                told.eq([limit]) && of_one(account)
            }
            Action::SetRemaining { account, .. } => limits.set.len() == 1 && of_one(account),
            Action::Transfer { .. } => limits.set.len() == 2,
            Action::Allocate { shares, .. } => limits.set.len() == shares.len(),
            Action::Divide(divide) => limits.set.len() == divide.weights.len(),
            Action::Reclaim { .. } => limits.set.len() == limits.taken.len().saturating_add(1),
            Action::RegisterUnit { .. }
            | Action::CloseAccount { .. }
            | Action::RemoveLimit { .. }
            | Action::SetProtection { .. }
            | Action::SetParent { .. }
            | Action::SetPriority { .. }
            | Action::Suspend { .. }
            | Action::Resume { .. }
            | Action::Charge(_)
            | Action::PlaceHold(_)
            | Action::ExtendHold { .. }
            | Action::Settle(_)
            | Action::Release { .. }
            | Action::Record(_)
            | Action::Refund { .. } => false,
        };
        told && limits.set.iter().all(|set| {
            let unit = self.unit(&set.limit.unit).ok();
            let known =
                unit.and_then(|unit| self.limit(self.nodes.get(set.node), unit, &set.limit.window));
            let begins = known.is_none() && set.limit.window != Window::Lifetime;
            set.limit.amount <= Quantity::MAX && begins == set.opened.is_some()
        })
    }

    /// Whether a command that says it all names what is there, and makes no account stand below itself.
    fn bare_follows(&self, action: &Action) -> bool {
        match action {
            Action::RegisterUnit { .. } => true,
            Action::CloseAccount { account } => self.find(account).is_some_and(|ix| {
                let node = self.nodes.get(ix);
                !node.closed && node.open_children == 0 && node.open_holds == 0
            }),
            Action::RemoveLimit { account, unit, window } => {
                let unit = self.unit(unit).ok();
                self.find(account).zip(unit).is_some_and(|(ix, unit)| {
                    self.limit(self.nodes.get(ix), unit, window).is_some()
                })
            }
            Action::SetProtection { account, .. }
            | Action::SetPriority { account, .. }
            | Action::Suspend { account, .. }
            | Action::Resume { account, .. } => self.find(account).is_some(),
            Action::SetParent { account, parent, .. } => self.find(account).is_some_and(|ix| {
                parent.as_ref().is_none_or(|parent| {
                    let above = self.find(parent);
                    above.is_some_and(|above| !self.nodes.get(above).path.contains(&ix))
                })
            }),
            Action::OpenAccount(_)
            | Action::SetLimit { .. }
            | Action::SetRemaining { .. }
            | Action::Charge(_)
            | Action::PlaceHold(_)
            | Action::ExtendHold { .. }
            | Action::Settle(_)
            | Action::Release { .. }
            | Action::Record(_)
            | Action::Refund { .. }
            | Action::Transfer { .. }
            | Action::Allocate { .. }
            | Action::Divide(_)
            | Action::Reclaim { .. } => false,
        }
    }
}
