//! [`Names`]: each name once, in one piece of memory, under a small number.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::column::{grow, number, place};

/// Names and their numbers, from 0 in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// All of them, one behind the other.
    text: String,
    /// Where each ends.
    ends: Vec<u32>,
    /// Numbers by name; for look-up only.
    table: HashTable<u32>,
    hasher: RandomState,
}

impl Names {
    pub(super) fn len(&self) -> u32 {
        number(self.ends.len())
    }

    pub(super) fn of(&self, number: u32) -> &str {
        name_in(&self.text, &self.ends, number)
    }

    pub(super) fn find(&self, name: &str) -> Option<u32> {
        let Self { text, ends, table, hasher } = self;
        table.find(hasher.hash_one(name), |number| name_in(text, ends, *number) == name).copied()
    }

    /// The number of a name that is not there yet; `None` where there is no more room.
    pub(super) fn add(&mut self, name: &str) -> Option<u32> {
        let Self { text, ends, table, hasher } = self;
        let number = u32::try_from(ends.len()).ok()?;
        let end = u32::try_from(text.len().checked_add(name.len())?).ok()?;
        text.push_str(name);
        grow(ends, ends.len().checked_add(1)?);
        ends.push(end);
        let rehash = |number: &u32| hasher.hash_one(name_in(text, ends, *number));
        table.insert_unique(hasher.hash_one(name), number, rehash);
        Some(number)
    }
}

fn name_in<'t>(text: &'t str, ends: &[u32], number: u32) -> &'t str {
    let end = |at: usize| ends.get(at).map_or(0, |end| place(*end));
    let start = place(number).checked_sub(1).map_or(0, end);
    text.get(start..end(place(number))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_one_number() {
        let mut names = Names::default();
        let numbers = ["gather", "clean", "gather", "é", "clean"];
        let numbers = numbers.map(|name| names.find(name).or_else(|| names.add(name)));
        assert_eq!(numbers, [0, 1, 0, 2, 1].map(Some));
        assert_eq!([0, 1, 2, 3].map(|number| names.of(number)), ["gather", "clean", "é", ""]);
        assert_eq!(names.find("weigh"), None);
        assert_eq!(names.len(), 3);
    }
}
