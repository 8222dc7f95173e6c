//! [`Leases`]: which lease may run out next.

use std::{cmp::Reverse, collections::BinaryHeap};

use safeguards_types::Timestamp;

use super::super::slot::Slot;
use crate::LeaseId;

/// Which lease may run out next. A renewal touches nothing here: whose turn comes up is asked when its lease really
/// ends, and put back. So each agent is here once, or a few times where its lease was made shorter.
#[derive(Debug, Default)]
pub(super) struct Leases {
    turns: BinaryHeap<Reverse<Turn>>,
}

/// When an agent is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    at: Timestamp,
    slot: Slot,
    lease: LeaseId,
}

/// More turns of agents that are gone than of those that are here, and than this, are cleared away.
const GONE_MAX: usize = 1_024;

impl Leases {
    /// A lease runs out at this instant, or is looked at then.
    pub(super) fn watch(&mut self, at: Timestamp, slot: Slot, lease: LeaseId) {
        self.turns.push(Reverse(Turn { at, slot, lease }));
    }

    /// So many leases that run out are live: with many more turns than that, those of others are cleared away.
    pub(super) fn tidy(&mut self, live: usize, end: impl Fn(Slot) -> Option<(LeaseId, Timestamp)>) {
        if self.turns.len() <= live.saturating_mul(2).saturating_add(GONE_MAX) {
            return;
        }
        let mut turns: Vec<Turn> = self.turns.drain().map(|Reverse(turn)| turn).collect();
        turns.retain(|turn| end(turn.slot).is_some_and(|(lease, _)| lease == turn.lease));
        // Of one lease the earliest turn is enough.
        turns.sort_by_key(|turn| (turn.slot, turn.at));
        turns.dedup_by_key(|turn| turn.slot);
        self.turns = turns.into_iter().map(Reverse).collect();
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.turns.peek().is_some_and(|Reverse(turn)| turn.at <= now)
    }

    /// The agents whose leases ran out by `now`, each with the instant at which it did. `end` tells which lease an
    /// agent has now, and when it runs out.
    pub(super) fn take_due(
        &mut self,
        now: Timestamp,
        end: impl Fn(Slot) -> Option<(LeaseId, Timestamp)>,
    ) -> Vec<(Timestamp, Slot)> {
        let mut over = Vec::new();
        while self.is_due(now) {
            let Some(Reverse(turn)) = self.turns.pop() else { break };
            match end(turn.slot) {
                Some((lease, at)) if lease == turn.lease => {
                    if at <= now {
                        over.push((at, turn.slot));
                    } else {
                        self.turns.push(Reverse(Turn { at, ..turn }));
                    }
                }
                Some(_) | None => {}
            }
        }
        // A lease that was made shorter has several turns.
        over.sort_unstable();
        over.dedup();
        over
    }

    /// When the next lease runs out.
    pub(super) fn next_end(
        &mut self,
        end: impl Fn(Slot) -> Option<(LeaseId, Timestamp)>,
    ) -> Option<Timestamp> {
        loop {
            let Reverse(turn) = *self.turns.peek()?;
            match end(turn.slot) {
                Some((lease, at)) if lease == turn.lease && at <= turn.at => return Some(at),
                Some((lease, at)) if lease == turn.lease => {
                    self.turns.pop();
                    self.turns.push(Reverse(Turn { at, ..turn }));
                }
                Some(_) | None => {
                    self.turns.pop();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(seconds))
    }

    /// An agent that registers again and again, each time for less: the earliest turn must stay.
    #[test]
    fn turns_that_are_cleared_away_leave_the_earliest_of_each_lease() {
        let (lease, mut leases) = (LeaseId::new(1), Leases::default());
        let end = |slot: Slot| (slot == 0).then_some((lease, at(10)));
        for later in (10..3_000).rev() {
            leases.watch(at(later), 0, lease);
            leases.watch(at(later), 1, LeaseId::new(2));
            leases.tidy(1, end);
        }
        assert!(leases.turns.len() <= GONE_MAX + 3, "{}", leases.turns.len());
        assert_eq!(leases.take_due(at(9), end), []);
        assert_eq!(leases.take_due(at(10), end), [(at(10), 0)]);
    }
}
