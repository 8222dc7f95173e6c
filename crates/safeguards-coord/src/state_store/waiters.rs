//! [`StateWaiters`]: who waits for which keys, so that a change wakes those whom it concerns and no other.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use event_listener::Event;
use parking_lot::Mutex;

use crate::{StateKey, StateScope};

/// Who waits for which keys, so that a change wakes those whom it concerns and no other: what a store answers
/// [`StateStore::changed`](crate::StateStore::changed) from.
///
/// For authors of stores. Who waits takes a [seat](Self::sit), listens, looks whether the change has come already, and
/// only then waits; the store wakes after what it changed can be seen.
///
/// ```
/// use safeguards_coord::{StateKey, StateScope, StateWaiters};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), safeguards_coord::InvalidState> {
/// let waiters = StateWaiters::new();
/// let seat = waiters.sit(&StateScope::prefix("jobs/"));
/// let woken = seat.listen();
/// // Here one looks: what changes from now on wakes.
/// waiters.wake(&[StateKey::parse("jobs/1")?]);
/// woken.await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct StateWaiters {
    count: AtomicUsize,
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    keys: HashMap<Arc<str>, Bench>,
    /// By how long the prefix is: a key is looked up once for each length that somebody waits for.
    prefixes: BTreeMap<usize, HashMap<Arc<str>, Bench>>,
}

/// Those who wait for the same.
#[derive(Debug, Default)]
struct Bench {
    event: Arc<Event>,
    count: usize,
}

/// One who waits. Dropped, it waits no more.
#[derive(Debug)]
#[must_use = "who leaves the seat at once waits for nothing"]
pub struct StateSeat<'w> {
    waiters: &'w StateWaiters,
    scope: StateScope,
    event: Arc<Event>,
}

impl StateSeat<'_> {
    /// Ends when one of the keys changes after this call, not after it is first awaited. Each wakes once: listen again
    /// to be woken again.
    #[must_use = "who does not wait is not woken"]
    pub fn listen(&self) -> impl Future<Output = ()> + Send + use<> {
        self.event.listen()
    }
}

impl Drop for StateSeat<'_> {
    fn drop(&mut self) {
        self.waiters.rise(&self.scope);
    }
}

impl StateWaiters {
    /// Nobody waits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nobody waits. Asked after a change can be seen, it overlooks nobody: who sits down later sees the change.
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    /// Waits for these keys: whatever changes after this call wakes those who listen.
    pub fn sit(&self, scope: &StateScope) -> StateSeat<'_> {
        self.count.fetch_add(1, Ordering::SeqCst);
        let mut seats = self.seats.lock();
        let bench = match scope {
            StateScope::Key(key) => seats.keys.entry(key.as_str().into()).or_default(),
            StateScope::Prefix(prefix) => {
                let alike = seats.prefixes.entry(prefix.len()).or_default();
                alike.entry(Arc::clone(prefix)).or_default()
            }
        };
        bench.count = bench.count.saturating_add(1);
        StateSeat { waiters: self, scope: scope.clone(), event: Arc::clone(&bench.event) }
    }

    fn rise(&self, scope: &StateScope) {
        let mut seats = self.seats.lock();
        match scope {
            StateScope::Key(key) => leave(&mut seats.keys, key.as_str()),
            StateScope::Prefix(prefix) => {
                if let Some(alike) = seats.prefixes.get_mut(&prefix.len()) {
                    leave(alike, prefix);
                    if alike.is_empty() {
                        seats.prefixes.remove(&prefix.len());
                    }
                }
            }
        }
        self.count.fetch_sub(1, Ordering::SeqCst);
    }

    /// Wakes who waits for one of these keys.
    pub fn wake(&self, keys: &[StateKey]) {
        let seats = self.seats.lock();
        for key in keys {
            let key = key.as_str();
            if let Some(bench) = seats.keys.get(key) {
                bench.event.notify(usize::MAX);
            }
            for (length, alike) in &seats.prefixes {
                if let Some(bench) = key.get(..*length).and_then(|prefix| alike.get(prefix)) {
                    bench.event.notify(usize::MAX);
                }
            }
        }
    }

    /// Wakes all: where the store fails for good, so that nobody waits for what does not come.
    pub fn wake_all(&self) {
        let seats = self.seats.lock();
        let prefixes = seats.prefixes.values().flat_map(HashMap::values);
        for bench in seats.keys.values().chain(prefixes) {
            bench.event.notify(usize::MAX);
        }
    }
}

fn leave(benches: &mut HashMap<Arc<str>, Bench>, name: &str) {
    if let Some(bench) = benches.get_mut(name) {
        bench.count = bench.count.saturating_sub(1);
        if bench.count == 0 {
            benches.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future as _,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    #[track_caller]
    fn check(scope: &StateScope, key: &str, is_woken: bool) {
        let waiters = StateWaiters::default();
        let seat = waiters.sit(scope);
        let mut listener = pin!(seat.listen());
        waiters.wake(&[StateKey::parse(key).unwrap()]);
        let mut context = Context::from_waker(Waker::noop());
        let woken = listener.as_mut().poll(&mut context) == Poll::Ready(());
        assert_eq!(woken, is_woken, "{scope:?}, {key}");
    }

    #[test]
    fn a_change_wakes_whom_it_concerns() {
        let key = StateScope::key("a/b").unwrap();
        check(&key, "a/b", true);
        check(&key, "a/bc", false);
        check(&key, "a", false);
        let prefix = StateScope::prefix("a/é");
        check(&prefix, "a/é", true);
        check(&prefix, "a/éf", true);
        check(&prefix, "a/è", false);
        check(&prefix, "a/", false);
        check(&StateScope::all(), "x", true);
    }

    #[test]
    fn nobody_is_kept_who_waits_no_more() {
        let waiters = StateWaiters::default();
        let scopes = [StateScope::key("a").unwrap(), StateScope::prefix("a"), StateScope::all()];
        let seats: Vec<_> = scopes.iter().chain(&scopes).map(|one| waiters.sit(one)).collect();
        assert!(!waiters.is_empty());
        let benches = || {
            let seats = waiters.seats.lock();
            (seats.keys.len(), seats.prefixes.len())
        };
        assert_eq!(benches(), (1, 2));
        drop(seats);
        assert_eq!((benches(), waiters.is_empty()), ((0, 0), true));
    }
}
