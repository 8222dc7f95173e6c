//! [`Ranks`]: in which order tasks were added.

use super::column::Column;

/// The ranks of tasks, from 0 in the order in which they were added.
///
/// Names get their numbers when they first come up. As long as each comes up where its task is added, its rank is
/// its number, and nothing is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranks {
    given: u32,
    /// Whether ranks are other than numbers, so that the columns say them.
    is_mixed: bool,
    of_task: Column<u32>,
    of_rank: Column<u32>,
}

impl Ranks {
    /// How many were given, to tasks that are gone among others.
    pub(super) const fn given(&self) -> u32 {
        self.given
    }

    /// Gives the next rank to a task.
    pub(super) fn give(&mut self, task: u32) {
        if !self.is_mixed && task != self.given {
            self.is_mixed = true;
            for same in 0..self.given {
                self.of_task.set(same, same);
                self.of_rank.set(same, same);
            }
        }
        if self.is_mixed {
            self.of_task.set(task, self.given);
            self.of_rank.set(self.given, task);
        }
        self.given = self.given.saturating_add(1);
    }

    /// The rank of a task that was added.
    pub(super) fn of(&self, task: u32) -> u32 {
        if self.is_mixed { self.of_task.get(task) } else { task }
    }

    /// The task that was given this rank; it may have another by now, or be gone.
    pub(super) fn task(&self, rank: u32) -> u32 {
        if self.is_mixed { self.of_rank.get(rank) } else { rank }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_numbers_until_one_is_added_out_of_turn() {
        let mut ranks = Ranks::default();
        for task in [0, 1, 4, 2] {
            ranks.give(task);
        }
        assert_eq!([0, 1, 4, 2].map(|task| ranks.of(task)), [0, 1, 2, 3]);
        assert_eq!([0, 1, 2, 3].map(|rank| ranks.task(rank)), [0, 1, 4, 2]);
        // Added again, it is the last.
        ranks.give(0);
        assert_eq!((ranks.of(0), ranks.given()), (4, 5));
    }
}
