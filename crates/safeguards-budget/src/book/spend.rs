//! Commands that spend at once, and what takes spending back: charge, record, refund.

use std::sync::Arc;

use safeguards_types::{Amounts, OperationId, Quantity, Timestamp, Unit};

use super::{
    Book, Done,
    arena::Ix,
    deed::{Deed, Refund},
    fit::Asks,
    holds::{Counted, Kept, Windows, frozen, quantity_of},
    journal::News,
    node::{ChargeSet, Node},
    sound::Zero,
};
use crate::{Charge, Command, Denial, EntryId, Part};

/// An entry that spent, and how.
pub(super) struct Spending {
    pub(super) entry: EntryId,
    pub(super) spender: Ix<Node>,
    pub(super) set: ChargeSet,
    pub(super) windows: Windows,
    /// What was spent and had not been set aside before.
    pub(super) excess: Kept,
    /// What was spent and had been.
    pub(super) held_part: Kept,
}

impl Book {
    pub(super) fn charge(
        &mut self,
        command: &Command,
        charge: &Charge,
        now: Timestamp,
    ) -> Result<Done, Denial> {
        let quantities = self.quantities(&charge.amounts, Zero::Refused)?;
        let set = self.charged(charge, true)?;
        self.check_metadata(command)?;
        let fit = self.check_fit(&set, &quantities, Asks::ToSpend, now)?;
        let windows = if fit.windowed {
            frozen(self.windows_at(&set, &quantities, Part::Whole, now))
        } else {
            None
        };
        let (available, amounts) = (fit.available(&quantities), Kept::from_slice(&quantities));
        let news = if fit.reports || fit.shadowed {
            let shadow = self.shadow(&set, &quantities, now);
            let before = self.spent_before(&set, &quantities, now);
            self.post_spent(&set, &quantities, windows.as_deref().unwrap_or_default());
            News::of(self.crossed(&set, &quantities, &before, now), Vec::new(), shadow)
        } else {
            self.post_spent(&set, &quantities, windows.as_deref().unwrap_or_default());
            None
        };
        Ok(Done { available, late: false, news, deed: Deed::Spent { set, amounts, windows } })
    }

    pub(super) fn record(
        &mut self,
        command: &Command,
        spent: &Charge,
        now: Timestamp,
    ) -> Result<Done, Denial> {
        let quantities = self.quantities(&spent.amounts, Zero::Refused)?;
        let set = self.charged(spent, false)?;
        self.check_metadata(command)?;
        self.check_counters(&set, &quantities, Asks::ToSpend, now)?;
        let windows = frozen(self.windows_at(&set, &quantities, Part::Whole, now));
        let before = self.spent_before(&set, &quantities, now);
        self.post_spent(&set, &quantities, windows.as_deref().unwrap_or_default());
        let crossed = self.crossed(&set, &quantities, &before, now);
        let overrun = self.overrun(&set, &quantities, &before, now);
        let amounts = Kept::from_slice(&quantities);
        Ok(Done {
            available: self.available(&set, quantities.iter().map(|(unit, _)| *unit), now),
            late: false,
            news: News::of(crossed, overrun, Vec::new()),
            deed: Deed::Spent { set, amounts, windows },
        })
    }

    /// The windows around `now` of every limit that the amounts count at.
    pub(super) fn windows_at(
        &self,
        set: &[Ix<Node>],
        quantities: &[(Ix<Unit>, Quantity)],
        part: Part,
        now: Timestamp,
    ) -> Vec<Counted> {
        let counted = |(node, limit, quantity): (Ix<Node>, &super::node::LimitState, Quantity)| {
            let current = limit.current.as_deref().filter(|_| !quantity.is_zero())?;
            let span = if current.span.is_over(now) {
                self.windows.get(limit.window).span_at(now)?
            } else {
                current.span
            };
            let (unit, window, serial) = (limit.unit, limit.window, limit.serial);
            Some(Counted { node, unit, window, serial, span, part })
        };
        self.limits_asked(set, quantities).filter_map(counted).collect()
    }

    /// What an operation spent, if its entry is kept.
    pub(super) fn spending(&self, of: OperationId) -> Option<Spending> {
        let (entry, kept, _) = self.journal.find(of)?;
        match &kept.deed {
            Deed::Spent { set, amounts, windows } => Some(Spending {
                entry,
                spender: *set.first()?,
                set: Arc::clone(set),
                windows: windows.clone(),
                excess: amounts.clone(),
                held_part: Kept::new(),
            }),
            Deed::Settled(settled) => Some(Spending {
                entry,
                spender: settled.spender,
                set: Arc::clone(&settled.set),
                windows: settled.windows.clone(),
                excess: settled.excess.clone(),
                held_part: settled.held_part.clone(),
            }),
            Deed::AsCommanded
            | Deed::Limits(_)
            | Deed::Held { .. }
            | Deed::Extended { .. }
            | Deed::Freed(_)
            | Deed::Refunded(_) => None,
        }
    }

    pub(super) fn refund(
        &mut self,
        command: &Command,
        of: OperationId,
        amounts: &Amounts,
        now: Timestamp,
    ) -> Result<Done, Denial> {
        let quantities = self.quantities(amounts, Zero::Refused)?;
        let spending = match self.spending(of) {
            Some(spending) => spending,
            None if self.journal.has_forgotten(of) => {
                return Err(Denial::EntryForgotten { of });
            }
            None => return Err(Denial::UnknownEntry { of }),
        };
        let refunds = self.refunds.get(&spending.entry);
        let rest = |spent: &Kept, refunded: Option<&Kept>, unit| {
            let refunded = refunded.map_or(Quantity::ZERO, |refunded| quantity_of(refunded, unit));
            quantity_of(spent, unit).saturating_sub(refunded)
        };
        let (mut excess, mut held_part) = (Kept::new(), Kept::new());
        for (unit, asked) in &quantities {
            let left_excess = rest(&spending.excess, refunds.map(|refunds| &refunds.excess), *unit);
            let left_held =
                rest(&spending.held_part, refunds.map(|refunds| &refunds.held_part), *unit);
            let available = left_excess.saturating_add(left_held);
            if *asked > available {
                let unit = self.units.get(*unit).clone();
                return Err(Denial::RefundExceedsCharge { of, unit, asked: *asked, available });
            }
            let of_excess = left_excess.min(*asked);
            excess.push((*unit, of_excess));
            held_part.push((*unit, asked.saturating_sub(of_excess)));
        }
        self.check_metadata(command)?;
        let parts = |part| match part {
            Part::Whole => &*quantities,
            Part::Held => &*held_part,
            Part::Excess => &*excess,
        };
        let counts = |counted: &&Counted| {
            !quantity_of(parts(counted.part), counted.unit).is_zero()
                && self.nodes.get(counted.node).runs(counted, now)
        };
        let windows: Vec<_> =
            spending.windows.iter().flat_map(|all| all.iter()).filter(counts).copied().collect();
        let refund = Refund {
            of: spending.entry,
            spender: spending.spender,
            set: spending.set,
            windows: frozen(windows),
            amounts: Kept::from_slice(&quantities),
            excess,
            held_part,
        };
        self.post_refunded(&refund);
        let units = quantities.iter().map(|(unit, _)| *unit);
        Ok(Done {
            available: self.available(&refund.set, units, now),
            late: false,
            news: None,
            deed: Deed::Refunded(Box::new(refund)),
        })
    }
}
