//! Entries by the names of the outside.

use super::instants;
use crate::{
    Cause, CountedWindow, Entry, EntryId, Fact, LimitSet, LimitsSet, Posting, Refunded, Settled,
    book::{
        Book,
        deed::{Deed, SetLimit},
        holds::{Counted, Kept as KeptAmounts, Windows},
        journal::Kept,
        node::ChargeSet,
    },
};

impl Book {
    /// An entry as it is told to the outside.
    pub(in crate::book) fn entry(&self, id: EntryId, kept: &Kept) -> Entry {
        let cause = kept.answered.as_ref().and_then(|answered| {
            let command = self.command_of(&kept.deed, kept.at, answered)?;
            Some(Cause { command, receipt: self.receipt(id, kept.at, answered) })
        });
        Entry { id, at: kept.at, cause, fact: self.fact(&kept.deed) }
    }

    fn fact(&self, deed: &Deed) -> Fact {
        match deed {
            Deed::AsCommanded => Fact::AsCommanded,
            Deed::Limits(limits) => {
                let set = |set: &SetLimit| LimitSet {
                    account: self.nodes.get(set.node).id.clone(),
                    limit: set.limit.clone(),
                    opened: set.opened.map(instants),
                };
                let taken = limits.taken.iter();
                let taken = taken.map(|(ix, part)| (self.nodes.get(*ix).id.clone(), *part));
                Fact::LimitsSet(LimitsSet {
                    limits: limits.set.iter().map(set).collect(),
                    taken: taken.collect(),
                })
            }
            Deed::Spent { set, amounts, windows } => {
                Fact::Spent(self.posting(set, amounts, windows))
            }
            Deed::Held { set, amounts, windows, expires_at } => {
                let posting = self.posting(set, amounts, windows);
                Fact::Held { posting, expires_at: *expires_at }
            }
            Deed::Extended { hold, expires_at } => {
                Fact::Extended { hold: *hold, expires_at: *expires_at }
            }
            Deed::Settled(settled) => Fact::Settled(Box::new(Settled {
                hold: settled.hold,
                posting: Posting {
                    spender: self.nodes.get(settled.spender).id.clone(),
                    ..self.posting(&settled.set, &settled.spent, &settled.windows)
                },
                in_front: settled.in_front,
                held_part: self.amounts(&settled.held_part),
                excess: self.amounts(&settled.excess),
                freed: self.amounts(&settled.freed),
                keep_open: settled.keep_open,
                late: settled.late,
            })),
            Deed::Freed(freed) => {
                let posting = self.posting(&freed.set, &freed.amounts, &None);
                Fact::Freed { hold: freed.hold, posting }
            }
            Deed::Refunded(refund) => Fact::Refunded(Box::new(Refunded {
                of: refund.of,
                posting: Posting {
                    spender: self.nodes.get(refund.spender).id.clone(),
                    ..self.posting(&refund.set, &refund.amounts, &refund.windows)
                },
                excess: self.amounts(&refund.excess),
                held_part: self.amounts(&refund.held_part),
            })),
        }
    }

    fn posting(&self, set: &ChargeSet, amounts: &KeptAmounts, windows: &Windows) -> Posting {
        let set = self.ids_of(set);
        let counted = windows.iter().flat_map(|all| all.iter());
        Posting {
            spender: set.first().cloned().unwrap_or_else(|| "".into()),
            set,
            amounts: self.amounts(amounts),
            windows: counted.map(|counted| self.counted_window(counted)).collect(),
        }
    }

    pub(super) fn counted_window(&self, counted: &Counted) -> CountedWindow {
        let (started_at, ends_at) = instants(counted.span);
        CountedWindow {
            account: self.nodes.get(counted.node).id.clone(),
            unit: self.units.get(counted.unit).clone(),
            window: self.windows.get(counted.window).clone(),
            serial: counted.serial,
            started_at,
            ends_at,
            part: counted.part,
        }
    }
}
