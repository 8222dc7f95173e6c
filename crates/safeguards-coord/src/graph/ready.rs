//! [`Ready`]: the tasks that may begin, in order, without sorting.

use std::iter::successors;

use safeguards_types::Priority;

use super::column::{grow, place};

/// How many numbers a word tells of.
const BITS: u32 = u64::BITS;

/// A set of numbers. Bits in words, above them a bit for each word that is not empty, and so on up to one word: the
/// least number is found by one look at each floor, of which there are four for 16 million.
#[derive(Clone, Debug, Default)]
struct NumberSet {
    floors: Vec<Vec<u64>>,
    len: u32,
}

impl NumberSet {
    fn contains(&self, number: u32) -> bool {
        let word = self.floors.first().and_then(|floor| floor.get(place(number / BITS)));
        word.is_some_and(|word| word & bit(number) != 0)
    }

    fn insert(&mut self, number: u32) {
        self.make_room(number);
        if self.contains(number) {
            return;
        }
        let mut number = number;
        for floor in &mut self.floors {
            let at = number / BITS;
            let Some(word) = floor.get_mut(place(at)) else {
                return;
            };
            let was_empty = *word == 0;
            *word |= bit(number);
            if !was_empty {
                break;
            }
            number = at;
        }
        self.len = self.len.saturating_add(1);
    }

    fn remove(&mut self, number: u32) {
        if !self.contains(number) {
            return;
        }
        let mut number = number;
        for floor in &mut self.floors {
            let at = number / BITS;
            let Some(word) = floor.get_mut(place(at)) else {
                return;
            };
            *word &= !bit(number);
            if *word != 0 {
                break;
            }
            number = at;
        }
        self.len = self.len.saturating_sub(1);
    }

    /// The least number.
    fn first(&self) -> Option<u32> {
        let mut at = 0_u32;
        for floor in self.floors.iter().rev() {
            let word = floor.get(place(at)).filter(|word| **word != 0)?;
            at = at.checked_mul(BITS)?.checked_add(word.trailing_zeros())?;
        }
        Some(at)
    }

    /// The least number that is `from` or more.
    fn first_from(&self, from: u32) -> Option<u32> {
        // Up, until a word has something at or behind where we stand; then down to its least.
        let (mut at, mut floor) = (from, 0_usize);
        loop {
            let word = self.floors.get(floor)?.get(place(at / BITS)).copied().unwrap_or(0);
            let behind = word & (u64::MAX << (at % BITS));
            if behind != 0 {
                at = (at / BITS).checked_mul(BITS)?.checked_add(behind.trailing_zeros())?;
                break;
            }
            at = (at / BITS).checked_add(1)?;
            floor = floor.checked_add(1)?;
        }
        while floor > 0 {
            floor = floor.checked_sub(1)?;
            let word = self.floors.get(floor)?.get(place(at))?;
            at = at.checked_mul(BITS)?.checked_add(word.trailing_zeros())?;
        }
        Some(at)
    }

    fn make_room(&mut self, number: u32) {
        let has_room = |floor: &Vec<u64>| place(number / BITS) < floor.len();
        if self.floors.first().is_some_and(has_room) {
            return;
        }
        let mut at = number;
        for floor in 0_usize.. {
            at /= BITS;
            if self.floors.len() <= floor {
                // A new floor tells of the one below as it is.
                let mut roof = vec![0; 1];
                if let (Some(first), Some(below)) = (roof.first_mut(), self.floors.last()) {
                    *first = u64::from(below.iter().any(|word| *word != 0));
                }
                self.floors.push(roof);
            }
            let Some(words) = self.floors.get_mut(floor) else {
                return;
            };
            let needed = place(at).saturating_add(1);
            if needed > words.len() {
                grow(words, needed);
                words.resize(needed, 0);
            }
            if words.len() == 1 {
                return;
            }
        }
    }
}

const fn bit(number: u32) -> u64 {
    1 << (number % BITS)
}

/// Who may begin: by priority, the highest first, then by rank.
#[derive(Clone, Debug, Default)]
pub(super) struct Ready {
    /// One set of ranks for each priority, the lowest first.
    levels: [NumberSet; 10],
}

impl Ready {
    pub(super) fn insert(&mut self, priority: Priority, rank: u32) {
        if let Some(level) = self.levels.get_mut(place_of(priority)) {
            level.insert(rank);
        }
    }

    pub(super) fn remove(&mut self, priority: Priority, rank: u32) {
        if let Some(level) = self.levels.get_mut(place_of(priority)) {
            level.remove(rank);
        }
    }

    pub(super) fn first(&self) -> Option<u32> {
        self.levels.iter().rev().find(|level| level.len > 0)?.first()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        self.levels.iter().rev().filter(|level| level.len > 0).flat_map(|level| {
            let next = |rank: &u32| rank.checked_add(1).and_then(|rank| level.first_from(rank));
            successors(level.first(), next)
        })
    }
}

fn place_of(priority: Priority) -> usize {
    usize::from(priority.level().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_highest_priority_comes_first_then_the_lowest_rank() {
        let mut ready = Ready::default();
        for (priority, rank) in [(Priority::P5, 9), (Priority::P5, 70_000), (Priority::P8, 500_000)]
        {
            ready.insert(priority, rank);
            ready.insert(priority, rank);
        }
        assert_eq!(ready.iter().collect::<Vec<_>>(), [500_000, 9, 70_000]);
        ready.remove(Priority::P8, 500_000);
        ready.remove(Priority::P8, 1);
        assert_eq!(ready.first(), Some(9));
        assert_eq!(ready.iter().collect::<Vec<_>>(), [9, 70_000]);
    }

    proptest! {
        #[test]
        fn it_is_a_set_of_numbers(moves in proptest::collection::vec((any::<bool>(), 0_u32..300_000), 0..200)) {
            let (mut set, mut model) = (NumberSet::default(), BTreeSet::new());
            for (adds, number) in moves {
                // Many numbers twice, and many near each other.
                let number = if number % 3 == 0 { number % 200 } else { number };
                if adds {
                    set.insert(number);
                    model.insert(number);
                } else {
                    set.remove(number);
                    model.remove(&number);
                }
                prop_assert_eq!(place(set.len), model.len());
                prop_assert_eq!(set.first().filter(|_| set.len > 0), model.first().copied());
                for from in [0, number, number + 1, 64, 4_096] {
                    prop_assert_eq!(set.first_from(from), model.range(from..).next().copied());
                }
            }
        }
    }
}
