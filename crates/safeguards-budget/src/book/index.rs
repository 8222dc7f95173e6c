//! [`Index`]: finds small values by a key that they stand for, without keeping the key again.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// A hash table of small values whose keys are kept elsewhere: an account's number by its name, an entry's by
/// its operation id. The caller says how to tell the key of a value.
#[derive(Clone, Debug)]
pub(super) struct Index<V> {
    table: HashTable<V>,
    hasher: RandomState,
}

impl<V> Default for Index<V> {
    fn default() -> Self {
        Self { table: HashTable::new(), hasher: RandomState::default() }
    }
}

impl<V: Copy> Index<V> {
    pub(super) fn get<K: Hash + ?Sized>(&self, key: &K, is: impl FnMut(&V) -> bool) -> Option<V> {
        self.table.find(self.hasher.hash_one(key), is).copied()
    }

    /// Adds a value that is not there yet. `key_of` tells the keys of those that are.
    pub(super) fn insert<'k, K: Hash + ?Sized + 'k>(
        &mut self,
        key: &K,
        value: V,
        key_of: impl Fn(&V) -> Option<&'k K>,
    ) {
        let Self { table, hasher } = self;
        let rehash = |value: &V| key_of(value).map_or(0, |key| hasher.hash_one(key));
        table.insert_unique(hasher.hash_one(key), value, rehash);
    }

    pub(super) fn remove<K: Hash + ?Sized>(&mut self, key: &K, is: impl FnMut(&V) -> bool) {
        if let Ok(found) = self.table.find_entry(self.hasher.hash_one(key), is) {
            found.remove();
        }
    }
}
