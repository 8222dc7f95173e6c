//! [`MemoryStateStore`]: shared state inside a process, the reference of the seam.

mod log;
mod slots;

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::{RwLock, RwLockReadGuard};
use safeguards_types::{AgentId, Clock, SystemClock, Timestamp};

use self::slots::Slots;
use crate::{
    Revision, StateChanges, StateEntry, StateError, StateKey, StatePage, StateQuery, StateReading,
    StateScope, StateStore, StateStoreBounds, StateTerms, StateWaiters, StateWrite,
};

/// Shared state inside a process. Clones are the same one.
///
/// Whoever holds it by this type may skip the futures: [`sync`](Self::sync) has the same verbs without them.
///
/// ```
/// use safeguards_coord::{MemoryStateStore, StateKey, StateWrite};
///
/// let store = MemoryStateStore::new();
/// let (a, key) = ("a".into(), StateKey::parse("progress")?);
/// let revision = store.sync().write(&a, StateWrite::new(&key, 7)?)?;
/// let reading = store.sync().read(&"b".into(), &key)?;
/// assert_eq!((reading.value(), reading.revision), (Some(&7.into()), revision));
/// # Ok::<(), safeguards_coord::StateError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MemoryStateStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    slots: RwLock<Slots>,
    waiters: StateWaiters,
}

/// Makes a [`MemoryStateStore`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct MemoryStateStoreBuilder {
    clock: Arc<dyn Clock>,
    bounds: StateStoreBounds,
}

impl MemoryStateStoreBuilder {
    /// Takes the time from `clock`; the machine's if not set.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Takes and keeps so much, whatever was said before.
    pub const fn bounds(mut self, bounds: StateStoreBounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Takes so many keys; [`MemoryStateStore::KEYS_MAX`] if not set.
    pub fn keys_max(mut self, keys: usize) -> Self {
        self.bounds.keys_max = keys;
        self
    }

    /// Takes so many bytes of values, with their kept versions; [`MemoryStateStore::BYTES_MAX`] if not set.
    pub fn bytes_max(mut self, bytes: usize) -> Self {
        self.bounds.bytes_max = bytes;
        self
    }

    /// Keeps so many earlier versions of each key, at most [`StateBounds::HISTORY`](crate::StateBounds::HISTORY);
    /// [`MemoryStateStore::HISTORY_KEPT`] if not set.
    pub fn history_kept(mut self, versions: usize) -> Self {
        self.bounds.history_kept = versions;
        self
    }

    /// Keeps so many changes, the latest, and at most about 64 MiB of them; [`MemoryStateStore::CHANGES_KEPT`] if not
    /// set.
    pub fn changes_kept(mut self, changes: usize) -> Self {
        self.bounds.changes_kept = changes;
        self
    }

    /// A store without keys.
    pub fn build(self) -> MemoryStateStore {
        let Self { clock, bounds } = self;
        let slots = RwLock::new(Slots::new(bounds));
        MemoryStateStore { shared: Arc::new(Shared { clock, slots, waiters: StateWaiters::new() }) }
    }
}

impl Default for MemoryStateStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStateStore {
    /// How many keys are taken unless another number is set.
    pub const KEYS_MAX: usize = 1_000_000;
    /// How many bytes of values are taken unless another number is set: 1 GiB.
    pub const BYTES_MAX: usize = 1 << 30;
    /// How many earlier versions of each key are kept unless another number is set.
    pub const HISTORY_KEPT: usize = 8;
    /// How many changes are kept unless another number is set.
    pub const CHANGES_KEPT: usize = 65_536;

    /// A store without keys, on the machine's clock.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Begins with the machine's clock and the usual bounds.
    pub fn builder() -> MemoryStateStoreBuilder {
        let bounds = StateStoreBounds::default();
        MemoryStateStoreBuilder { clock: Arc::new(SystemClock::new()), bounds }
    }

    /// The same verbs without futures.
    pub fn sync(&self) -> SyncStateStore<'_> {
        SyncStateStore { shared: &self.shared }
    }
}

/// A [`MemoryStateStore`] without futures: each verb is one of [`StateStore`], at once.
#[derive(Clone, Copy, Debug)]
pub struct SyncStateStore<'s> {
    shared: &'s Shared,
}

impl<'s> SyncStateStore<'s> {
    /// To look: the keys whose time ran out are ended first. Where none has an end, nobody asks for the time.
    fn look(self) -> RwLockReadGuard<'s, Slots> {
        loop {
            let slots = self.shared.slots.read();
            if !slots.has_ends() || !slots.is_due(slots.now(self.shared.clock.now())) {
                return slots;
            }
            drop(slots);
            self.change(|_, _| ());
        }
    }

    /// Changes something, and tells those who wait.
    fn change<T>(self, change: impl FnOnce(&mut Slots, Timestamp) -> T) -> T {
        let mut slots = self.shared.slots.write();
        let before = slots.latest();
        let now = slots.now(self.shared.clock.now());
        slots.expire(now);
        let done = change(&mut slots, now);
        if slots.latest() == before || self.shared.waiters.is_empty() {
            return done;
        }
        let changed: Vec<StateKey> = slots.changed_after(before).cloned().collect();
        drop(slots);
        self.shared.waiters.wake(&changed);
        done
    }

    /// As [`StateStore::read`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read(self, agent: &AgentId, key: &StateKey) -> Result<StateReading, StateError> {
        self.look().standing(key).read(agent)
    }

    /// As [`StateStore::write`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn write(self, agent: &AgentId, write: StateWrite) -> Result<Revision, StateError> {
        let checked = write.checked(agent)?;
        self.change(|slots, now| slots.write(checked, now))
    }

    /// As [`StateStore::amend`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn amend(self, agent: &AgentId, terms: StateTerms) -> Result<Revision, StateError> {
        terms.check()?;
        self.change(|slots, now| {
            let record = slots.standing(&terms.key).amend(agent, terms, now)?;
            Ok(slots.keep(record))
        })
    }

    /// As [`StateStore::delete`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn delete(
        self,
        agent: &AgentId,
        key: &StateKey,
        if_revision: Option<Revision>,
    ) -> Result<Revision, StateError> {
        self.change(|slots, now| {
            let record = slots.standing(key).delete(agent, key, if_revision, now)?;
            Ok(slots.keep(record))
        })
    }

    /// As [`StateStore::list`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn list(self, agent: &AgentId, query: &StateQuery) -> Result<StatePage, StateError> {
        let limit = query.checked_limit()?;
        Ok(self.look().list(agent, query, limit))
    }

    /// As [`StateStore::history`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn history(
        self,
        agent: &AgentId,
        key: &StateKey,
        limit: usize,
    ) -> Result<Vec<Arc<StateEntry>>, StateError> {
        self.look().history(agent, key, limit)
    }

    /// As [`StateStore::changes`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn changes(
        self,
        agent: &AgentId,
        scope: &StateScope,
        after: Revision,
        limit: usize,
    ) -> Result<StateChanges, StateError> {
        self.look().changes(agent, scope, after, limit)
    }

    /// As [`StateStore::sweep`].
    pub fn sweep(self) -> Option<Timestamp> {
        self.change(|slots, _| slots.next_end())
    }
}

#[async_trait]
impl StateStore for MemoryStateStore {
    async fn read(&self, agent: &AgentId, key: &StateKey) -> Result<StateReading, StateError> {
        self.sync().read(agent, key)
    }

    async fn write(&self, agent: &AgentId, write: StateWrite) -> Result<Revision, StateError> {
        self.sync().write(agent, write)
    }

    async fn amend(&self, agent: &AgentId, terms: StateTerms) -> Result<Revision, StateError> {
        self.sync().amend(agent, terms)
    }

    async fn delete(
        &self,
        agent: &AgentId,
        key: &StateKey,
        if_revision: Option<Revision>,
    ) -> Result<Revision, StateError> {
        self.sync().delete(agent, key, if_revision)
    }

    async fn list(&self, agent: &AgentId, query: &StateQuery) -> Result<StatePage, StateError> {
        self.sync().list(agent, query)
    }

    async fn history(
        &self,
        agent: &AgentId,
        key: &StateKey,
        limit: usize,
    ) -> Result<Vec<Arc<StateEntry>>, StateError> {
        self.sync().history(agent, key, limit)
    }

    async fn changes(
        &self,
        agent: &AgentId,
        scope: &StateScope,
        after: Revision,
        limit: usize,
    ) -> Result<StateChanges, StateError> {
        self.sync().changes(agent, scope, after, limit)
    }

    async fn changed(&self, scope: &StateScope, after: Revision) -> Result<(), StateError> {
        let seat = self.shared.waiters.sit(scope);
        loop {
            // Before looking: what changes from here on wakes us.
            let woken = seat.listen();
            if self.sync().look().is_past(scope, after)? {
                return Ok(());
            }
            woken.await;
        }
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, StateError> {
        Ok(self.sync().sweep())
    }
}
