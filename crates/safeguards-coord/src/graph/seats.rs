//! [`Seats`]: who does tasks, each kept once.

use foldhash::HashMap;
use safeguards_types::AgentId;

use super::column::{number, place};
use crate::Seat;

/// Seats and their numbers, from 1; 0 is nobody.
#[derive(Clone, Debug, Default)]
pub(super) struct Seats {
    all: Vec<Seat>,
    /// Numbers of agents; for look-up only.
    agents: HashMap<AgentId, u32>,
}

impl Seats {
    pub(super) fn number(&mut self, seat: Seat) -> u32 {
        let next = number(self.all.len()).saturating_add(1);
        match &seat {
            Seat::Agent(agent) => {
                if let Some(number) = self.agents.get(agent) {
                    return *number;
                }
                self.agents.insert(agent.clone(), next);
            }
            // Needs have no order to be found by; mostly the same is said of many tasks in a row.
            Seat::Capable(_) => {
                if self.all.last() == Some(&seat) {
                    return number(self.all.len());
                }
            }
        }
        self.all.push(seat);
        next
    }

    pub(super) fn of(&self, number: u32) -> Option<&Seat> {
        number.checked_sub(1).and_then(|at| self.all.get(place(at)))
    }
}

#[cfg(test)]
mod tests {
    use safeguards_discovery::Query;

    use super::*;

    #[test]
    fn each_is_kept_once() {
        let need = Seat::from(Query::all());
        let mut seats = Seats::default();
        let given = ["a".into(), "b".into(), "a".into(), need.clone(), need.clone(), "b".into()];
        assert_eq!(given.map(|seat| seats.number(seat)), [1, 2, 1, 3, 3, 2]);
        assert_eq!(
            [0, 1, 3, 4].map(|number| seats.of(number)),
            [None, Some(&"a".into()), Some(&need), None]
        );
    }
}
