//! The floor: the least that any ledger has to do for a charge, by hand and in one place.
//!
//! One lock, one checked subtraction for each level, one operation id remembered, one entry pushed. It has no
//! names, no units, no windows, no holds and no receipts, and of an id sent twice it knows only that it was.

use std::{
    collections::{HashMap, VecDeque},
    hint::black_box,
    time::Duration,
};

use foldhash::HashSet;
use parking_lot::Mutex;
use safeguards_types::{OperationId, OperationIds, Timestamp};

use crate::{
    bench::{part_of, timed, timed_by},
    tree::Tree,
};

#[derive(Debug)]
pub(crate) struct Floor {
    tree: Tree,
    /// The numbers of the accounts from each spender upward: what a handle stands for.
    paths: Vec<Vec<usize>>,
    book: Mutex<Book>,
    ids: OperationIds,
}

#[derive(Debug)]
struct Book {
    left: Vec<i128>,
    remembered: HashSet<OperationId>,
    entries: VecDeque<Entry>,
    kept: usize,
}

#[derive(Debug)]
#[expect(dead_code, reason = "an entry is written, and here nobody reads it")]
struct Entry {
    op: OperationId,
    at: Timestamp,
    account: usize,
    amount: i128,
}

impl Floor {
    /// A floor that keeps so many entries and ids, as full as it gets.
    pub(crate) fn open(tree: Tree, kept: usize) -> Self {
        let mut numbers = HashMap::new();
        let mut number = |name| {
            let next = numbers.len();
            *numbers.entry(name).or_insert(next)
        };
        let paths = tree.paths().map(|path| path.into_iter().map(&mut number).collect()).collect();
        let ids = OperationIds::seeded(1);
        let mut book = Book {
            left: vec![i128::MAX; numbers.len()],
            remembered: HashSet::default(),
            entries: VecDeque::new(),
            kept,
        };
        for _ in 0..kept {
            book.charge(&[0], ids.mint(Timestamp::UNIX_EPOCH), Timestamp::UNIX_EPOCH, 1_000_000);
        }
        Self { tree, paths, book: Mutex::new(book), ids }
    }

    /// Charges by number, on so many threads.
    pub(crate) fn charges(&self, threads: usize) -> impl FnMut(usize) -> Duration {
        let mut random = fastrand::Rng::with_seed(1);
        move |count| {
            let round: Vec<_> = self
                .tree
                .draw(count, &mut random)
                .into_iter()
                .map(|account| (account, self.ids.mint(Timestamp::UNIX_EPOCH)))
                .collect();
            timed_by(threads, |thread| {
                for (account, op) in part_of(&round, thread, threads) {
                    let granted = self.book.lock().charge(
                        &self.paths[*account],
                        *op,
                        Timestamp::UNIX_EPOCH,
                        1_000_000,
                    );
                    assert!(black_box(granted));
                }
            })
        }
    }

    /// Subtractions alone: no ids, no entries.
    pub(crate) fn subtractions(&self) -> impl FnMut(usize) -> Duration {
        let mut random = fastrand::Rng::with_seed(1);
        move |count| {
            let round = self.tree.draw(count, &mut random);
            timed(|| {
                for account in round {
                    let granted = self.book.lock().subtract(&self.paths[account], 1_000_000);
                    assert!(black_box(granted));
                }
            })
        }
    }
}

impl Book {
    fn charge(&mut self, path: &[usize], op: OperationId, at: Timestamp, amount: i128) -> bool {
        if self.remembered.contains(&op) || !self.subtract(path, amount) {
            return false;
        }
        self.remembered.insert(op);
        self.entries.push_back(Entry { op, at, account: path[0], amount });
        if self.entries.len() > self.kept
            && let Some(oldest) = self.entries.pop_front()
        {
            self.remembered.remove(&oldest.op);
        }
        true
    }

    fn subtract(&mut self, path: &[usize], amount: i128) -> bool {
        let fits = |at: &usize| self.left[*at].checked_sub(amount).is_some_and(|rest| rest >= 0);
        let granted = path.iter().all(fits);
        if granted {
            for at in path {
                self.left[*at] -= amount;
            }
        }
        granted
    }
}
