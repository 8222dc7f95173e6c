//! What a receipt says: what is left, which thresholds were crossed, which limits were passed.

use safeguards_types::{Amounts, Quantity, Timestamp, Unit};
use smallvec::SmallVec;

use super::{Book, Quantities, account::AccountState, arena::Ix};
use crate::{Crossing, Overrun, Receipt};

/// What was spent at each limit before a command, in the order in which limits are asked.
pub(super) type SpentBefore = SmallVec<[Quantity; 8]>;

impl Book {
    /// The receipt of the next entry, as far as it says only that the command is done.
    pub(super) fn bare_receipt(&self, now: Timestamp) -> Receipt {
        Receipt {
            entry: self.journal.next_id(),
            at: now,
            available: Amounts::none(),
            crossed: Vec::new(),
            overrun: Vec::new(),
            late: false,
        }
    }

    /// The least that is left over all accounts, for each unit that has a limit on the way.
    pub(super) fn available(
        &self,
        accounts: &[Ix<AccountState>],
        quantities: &[(Ix<Unit>, Quantity)],
        now: Timestamp,
    ) -> Amounts {
        let left = |unit: Ix<Unit>| {
            let limits = accounts.iter().flat_map(|ix| {
                let account = self.accounts.get(*ix);
                account
                    .limits_of(unit)
                    .map(move |state| account.counter(state, now).left_of(state.limit.amount))
            });
            limits.min().map(|left| (unit, left))
        };
        let left: Quantities = quantities.iter().filter_map(|(unit, _)| left(*unit)).collect();
        self.amounts(&left)
    }

    pub(super) fn spent_before(
        &self,
        accounts: &[Ix<AccountState>],
        quantities: &[(Ix<Unit>, Quantity)],
        now: Timestamp,
    ) -> SpentBefore {
        let limits = self.limits_asked(accounts, quantities);
        limits.map(|(ix, state, _)| self.accounts.get(ix).counter(state, now).spent).collect()
    }

    /// Warnings that spending reached or passed since `before`.
    pub(super) fn crossed(
        &self,
        accounts: &[Ix<AccountState>],
        quantities: &[(Ix<Unit>, Quantity)],
        before: &SpentBefore,
        now: Timestamp,
    ) -> Vec<Crossing> {
        let mut crossed = Vec::new();
        for ((ix, state, _), before) in self.limits_asked(accounts, quantities).zip(before) {
            let account = self.accounts.get(ix);
            let spent = account.counter(state, now).spent;
            for percent in &state.limit.warn_at {
                let threshold = percent.of(state.limit.amount);
                if *before < threshold && threshold <= spent {
                    crossed.push(Crossing {
                        account: account.id.clone(),
                        unit: state.limit.unit.clone(),
                        window: state.limit.window.clone(),
                        limit: state.limit.amount,
                        spent,
                        percent: *percent,
                    });
                }
            }
        }
        crossed
    }

    /// Limits at which spending rose since `before` and which are passed now.
    pub(super) fn overrun(
        &self,
        accounts: &[Ix<AccountState>],
        quantities: &[(Ix<Unit>, Quantity)],
        before: &SpentBefore,
        now: Timestamp,
    ) -> Vec<Overrun> {
        let passed = self.limits_asked(accounts, quantities).zip(before).filter_map(
            |((ix, state, _), before)| {
                let account = self.accounts.get(ix);
                let counter = account.counter(state, now);
                let over_by = counter.over(state.limit.amount);
                (*before < counter.spent && !over_by.is_zero()).then(|| Overrun {
                    account: account.id.clone(),
                    unit: state.limit.unit.clone(),
                    window: state.limit.window.clone(),
                    limit: state.limit.amount,
                    spent: counter.spent,
                    held: counter.held,
                    over_by,
                })
            },
        );
        passed.collect()
    }
}
