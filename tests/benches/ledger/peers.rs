//! What people use where they have no ledger: a map under a lock, written by hand, and a rate limiter.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    hint::black_box,
    num::NonZeroU32,
    sync::Mutex,
    time::Duration,
};

use governor::{
    Quota, RateLimiter, clock::FakeRelativeClock, middleware::NoOpMiddleware, nanos::Nanos,
    state::keyed::DashMapStateStore,
};
use rust_decimal::Decimal;
use safeguards_types::{OperationId, OperationIds, Timestamp};

use crate::{
    bench::{part_of, timed_by},
    tree::Tree,
};

/// A `Mutex<HashMap<String, Decimal>>` of what is left, all levels done by hand: no entries, no holds, no
/// windows, no units, no denials with numbers.
#[derive(Debug)]
pub(crate) struct Hand {
    tree: Tree,
    paths: Vec<Vec<String>>,
    left: Mutex<HashMap<String, Decimal>>,
    /// The ids of the newest charges, for those who thought of retries.
    remembered: Mutex<Remembered>,
    kept: usize,
    ids: OperationIds,
}

#[derive(Debug, Default)]
struct Remembered {
    known: HashSet<OperationId>,
    in_order: VecDeque<OperationId>,
}

impl Hand {
    pub(crate) fn open(tree: Tree, kept: usize) -> Self {
        let paths: Vec<_> = tree.paths().collect();
        let names = paths.iter().flatten().cloned();
        let left = names.map(|name| (name, Decimal::from(1_000_000_000_000_u64))).collect();
        let ids = OperationIds::seeded(1);
        let mut remembered = Remembered::default();
        (0..kept).for_each(|_| remembered.remember(ids.mint(Timestamp::UNIX_EPOCH), kept));
        let (left, remembered) = (Mutex::new(left), Mutex::new(remembered));
        Self { tree, paths, left, remembered, kept, ids }
    }

    /// Charges that remember nothing, on so many threads.
    pub(crate) fn charges(&self, threads: usize) -> impl FnMut(usize) -> Duration {
        let mut random = fastrand::Rng::with_seed(1);
        let amount = Decimal::new(1, 6);
        move |count| {
            let round = self.tree.draw(count, &mut random);
            timed_by(threads, |thread| {
                for account in part_of(&round, thread, threads) {
                    let granted =
                        charge(&mut self.left.lock().unwrap(), &self.paths[*account], amount);
                    assert!(black_box(granted));
                }
            })
        }
    }

    /// Charges of which each id counts once, on so many threads.
    pub(crate) fn charges_once(&self, threads: usize) -> impl FnMut(usize) -> Duration {
        let mut random = fastrand::Rng::with_seed(1);
        let amount = Decimal::new(1, 6);
        move |count| {
            let round: Vec<_> = self
                .tree
                .draw(count, &mut random)
                .into_iter()
                .map(|account| (account, self.ids.mint(Timestamp::UNIX_EPOCH)))
                .collect();
            timed_by(threads, |thread| {
                for (account, op) in part_of(&round, thread, threads) {
                    let mut left = self.left.lock().unwrap();
                    let mut remembered = self.remembered.lock().unwrap();
                    let granted = !remembered.known.contains(op)
                        && charge(&mut left, &self.paths[*account], amount);
                    if granted {
                        remembered.remember(*op, self.kept);
                    }
                    assert!(black_box(granted));
                }
            })
        }
    }
}

impl Remembered {
    fn remember(&mut self, op: OperationId, kept: usize) {
        self.known.insert(op);
        self.in_order.push_back(op);
        if self.in_order.len() > kept
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

fn charge(left: &mut HashMap<String, Decimal>, path: &[String], amount: Decimal) -> bool {
    let fits = path.iter().all(|name| left[name] >= amount);
    if fits {
        for name in path {
            if let Some(left) = left.get_mut(name) {
                *left -= amount;
            }
        }
    }
    fits
}

type Limiter =
    RateLimiter<String, DashMapStateStore<String>, FakeRelativeClock, NoOpMiddleware<Nanos>>;

/// `governor`'s keyed limiter: one level, one number for each key, no entries, no ids, no holds.
#[derive(Debug)]
pub(crate) struct Governor {
    tree: Tree,
    names: Vec<String>,
    limiter: Limiter,
}

impl Governor {
    pub(crate) fn open(tree: Tree) -> Self {
        // A billion at once, and a clock that stands still: every check passes, and no side reads a clock.
        let quota = Quota::per_second(NonZeroU32::new(1_000_000_000).unwrap());
        let limiter = RateLimiter::dashmap_with_clock(quota, FakeRelativeClock::default());
        let names: Vec<_> = tree.paths().map(|mut path| path.swap_remove(0)).collect();
        for name in &names {
            limiter.check_key(name).unwrap();
        }
        Self { tree, names, limiter }
    }

    /// Checks by name, on so many threads.
    pub(crate) fn checks(&self, threads: usize) -> impl FnMut(usize) -> Duration {
        let mut random = fastrand::Rng::with_seed(1);
        move |count| {
            let round = self.tree.draw(count, &mut random);
            timed_by(threads, |thread| {
                for account in part_of(&round, thread, threads) {
                    black_box(self.limiter.check_key(&self.names[*account])).unwrap();
                }
            })
        }
    }
}
