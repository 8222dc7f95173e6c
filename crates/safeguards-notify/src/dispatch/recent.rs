//! [`Recent`]: what was told a short while ago, so that repeats are counted and not told again.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use safeguards_types::Timestamp;

use super::latest::earlier;
use crate::{Alert, AlertId};

/// How many are remembered. Beyond, the one that is over the soonest is forgotten: it would be told again.
const RECENT_MAX: usize = 65_536;

/// Which alerts tell the same: a hash of 128 bits of their key or their words, since words may be long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Same([u64; 2]);

#[derive(Debug, Default)]
pub(super) struct Recent {
    told: HashMap<(usize, Same), Told>,
    /// By the end of the cooldown; the number keeps equal ends apart.
    ends: BTreeMap<(Timestamp, u64), (usize, Same)>,
    /// All routes from this one on have told nothing.
    routes_end: usize,
    next: u64,
    /// Keyed at random, so that nobody can make words that only seem to be the same.
    hashers: [RandomState; 2],
}

#[derive(Clone, Copy, Debug)]
struct Told {
    alert: AlertId,
    end: (Timestamp, u64),
    /// How many repeats came since.
    repeats: u64,
}

impl Recent {
    fn same(&self, alert: &Alert) -> Same {
        let words = || (alert.topic(), alert.severity(), alert.agent(), alert.message());
        Same(self.hashers.each_ref().map(|hasher| match alert.key() {
            Some(key) => hasher.hash_one((0_u8, key)),
            None => hasher.hash_one((1_u8, words())),
        }))
    }

    /// The clock was set back by so much.
    pub(super) fn set_back(&mut self, by: Duration) {
        let ends = std::mem::take(&mut self.ends);
        let moved = ends.into_iter().map(|((end, number), key)| ((earlier(end, by), number), key));
        self.ends = moved.collect();
        for told in self.told.values_mut() {
            told.end.0 = earlier(told.end.0, by);
        }
    }

    /// Whether this route told the same within `cooldown`: then it is counted, and the alert that was told is
    /// given. Else it is told now, and remembered.
    pub(super) fn repeated(
        &mut self,
        route: usize,
        alert: &Alert,
        id: AlertId,
        cooldown: Option<Duration>,
        now: Timestamp,
    ) -> Option<AlertId> {
        let cooldown = cooldown?;
        let key = (route, self.same(alert));
        let mut repeats = 0;
        if let Some(told) = self.told.get_mut(&key) {
            if told.end.0 > now {
                told.repeats = told.repeats.saturating_add(1);
                return Some(told.alert);
            }
            repeats = told.repeats;
            self.ends.remove(&told.end);
        }
        let end = (now.saturating_add(cooldown), self.next);
        self.next = self.next.saturating_add(1);
        self.ends.insert(end, key);
        self.routes_end = self.routes_end.max(route.saturating_add(1));
        self.told.insert(key, Told { alert: id, end, repeats });
        if self.told.len() > RECENT_MAX
            && let Some((_, soonest)) = self.ends.pop_first()
        {
            self.told.remove(&soonest);
        }
        None
    }

    /// How many repeats came since the same was told the last time; from here on none.
    pub(super) fn take_repeats(&mut self, route: usize, alert: &Alert) -> u64 {
        if self.told.is_empty() {
            return 0;
        }
        let key = (route, self.same(alert));
        let told = self.told.get_mut(&key);
        told.map_or(0, |told| std::mem::take(&mut told.repeats))
    }

    /// An alert that was to be told was muted before it was: the next that tells the same is news.
    pub(super) fn untold(&mut self, route: usize, alert: &Alert, id: AlertId) {
        if self.told.is_empty() {
            return;
        }
        let key = (route, self.same(alert));
        if self.told.get(&key).is_some_and(|told| told.alert == id)
            && let Some(told) = self.told.remove(&key)
        {
            self.ends.remove(&told.end);
        }
    }

    /// What it tells of is over: when it comes again it is news, on every route.
    pub(super) fn forget(&mut self, alert: &Alert) {
        if self.told.is_empty() {
            return;
        }
        let same = self.same(alert);
        for route in 0..self.routes_end {
            if let Some(told) = self.told.remove(&(route, same)) {
                self.ends.remove(&told.end);
            }
        }
    }
}
