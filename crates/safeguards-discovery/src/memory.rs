//! [`MemoryRegistry`]: the registry inside a process, the reference of the seam.

mod index;
mod names;
mod slot;
mod state;

use std::sync::Arc;

use async_trait::async_trait;
use event_listener::Event;
use parking_lot::{RwLock, RwLockReadGuard};
use safeguards_types::{AgentId, Clock, SystemClock, Timestamp};
use semver::Version;

use self::state::{Restoring, State};
use crate::{
    AgentRecord, CapabilityName, Change, Changes, ChangesError, Edit, FindError, Found,
    InvalidField, Lease, Query, RegisterError, Registration, Registry, RegistryError, RenewError,
    RestoreError, Revision, Standing, Status, Unwritten, WithdrawError,
};

/// The registry inside a process. Clones are the same one.
///
/// Whoever holds it by this type may skip the futures: [`sync`](Self::sync) has the same verbs without them.
///
/// ```
/// use std::time::Duration;
/// use safeguards_discovery::{Capability, MemoryRegistry, Query, Registration};
///
/// let registry = MemoryRegistry::new();
/// let analysis = Registration::new("analysis", Duration::from_secs(60))
///     .capability(Capability::new("data.analysis")?.with("formats", ["json", "csv"]));
/// let lease = registry.sync().register(analysis)?;
///
/// let found = registry.sync().find(&Query::new("data")?.with("formats", ["json"]))?;
/// assert_eq!(found.first().map(|found| found.agent.as_str()), Some("analysis"));
/// registry.sync().renew(&lease, None)?; // in time, again and again
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MemoryRegistry {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    state: RwLock<State>,
    /// Tells all who wait that something has changed.
    changed: Event,
}

/// Makes a [`MemoryRegistry`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct MemoryRegistryBuilder {
    clock: Arc<dyn Clock>,
    changes_kept: usize,
    agents_max: usize,
}

impl MemoryRegistryBuilder {
    /// Takes the time from `clock`; the machine's if not set.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Keeps so many changes, the latest, and at most about 64 MiB of them; [`MemoryRegistry::CHANGES_KEPT`] if not set.
    pub fn changes_kept(self, changes: usize) -> Self {
        Self { changes_kept: changes, ..self }
    }

    /// Takes so many agents; [`MemoryRegistry::AGENTS_MAX`] if not set.
    pub fn agents_max(self, agents: usize) -> Self {
        Self { agents_max: agents, ..self }
    }

    /// A registry without agents.
    pub fn build(self) -> MemoryRegistry {
        let Self { clock, changes_kept, agents_max } = self;
        MemoryRegistry::of(clock, State::new(agents_max, changes_kept))
    }

    /// A registry that stands as another one stood: for registries that keep agents elsewhere as well, such as in a
    /// file. From here on it notes what they have to write, and [gives](SyncRegistry::unwritten) it.
    ///
    /// Edits and changes are those that were given, each in their order. What was put in the place of something may be
    /// left out; then they may stand in whatever order, as long as the profile of an agent comes first of it. Of the
    /// changes those after [`Standing::forgotten`] are wanted, and no others. Agents are taken back also where there are
    /// more than this registry takes, and leases that have run out end as ever.
    ///
    /// A new registry of this kind begins with nothing:
    ///
    /// ```
    /// use safeguards_discovery::{
    ///     Change, Edit, MemoryRegistry, Registration, RestoreError, Standing,
    /// };
    ///
    /// let restore = |standing, edits: Vec<Edit>, changes: Vec<Change>| {
    ///     let (edits, changes) = (edits.into_iter().map(Ok), changes.into_iter().map(Ok));
    ///     MemoryRegistry::builder().restore::<RestoreError>(standing, edits, changes)
    /// };
    /// let registry = restore(Standing::default(), vec![], vec![])?;
    /// let lease = registry.sync().register(Registration::lasting("analysis"))?;
    ///
    /// let written = registry.sync().unwritten(); // would be written now
    /// let again = restore(written.standing, written.edits, written.changes)?;
    /// assert_eq!(again.sync().agent(&lease.agent), registry.sync().agent(&lease.agent));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The first that could not be read; and where something is missing, or was not given by a registry.
    pub fn restore<E: From<RestoreError>>(
        self,
        standing: Standing,
        edits: impl IntoIterator<Item = Result<Edit, E>>,
        changes: impl IntoIterator<Item = Result<Change, E>>,
    ) -> Result<MemoryRegistry, E> {
        let Self { clock, changes_kept, agents_max } = self;
        let mut restoring = Restoring::new(agents_max, changes_kept, standing);
        for edit in edits {
            restoring.edit(edit?)?;
        }
        for change in changes {
            restoring.change(change?)?;
        }
        Ok(MemoryRegistry::of(clock, restoring.end()?))
    }
}

impl Default for MemoryRegistry {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryRegistry {
    /// How many changes are kept unless another number is set.
    pub const CHANGES_KEPT: usize = 65_536;
    /// How many agents are taken unless another number is set.
    pub const AGENTS_MAX: usize = 4_000_000;

    /// A registry without agents, on the machine's clock.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Begins with the machine's clock and the usual bounds.
    pub fn builder() -> MemoryRegistryBuilder {
        MemoryRegistryBuilder {
            clock: Arc::new(SystemClock::new()),
            changes_kept: Self::CHANGES_KEPT,
            agents_max: Self::AGENTS_MAX,
        }
    }

    fn of(clock: Arc<dyn Clock>, state: State) -> Self {
        let state = RwLock::new(state);
        Self { shared: Arc::new(Shared { clock, state, changed: Event::new() }) }
    }

    /// The same verbs without futures.
    pub fn sync(&self) -> SyncRegistry<'_> {
        SyncRegistry { shared: &self.shared }
    }
}

/// A [`MemoryRegistry`] without futures: each verb is one of [`Registry`], at once.
#[derive(Clone, Copy, Debug)]
pub struct SyncRegistry<'r> {
    shared: &'r Shared,
}

impl<'r> SyncRegistry<'r> {
    /// To read: the leases that ran out are ended first.
    fn read(self) -> RwLockReadGuard<'r, State> {
        loop {
            let state = self.shared.state.read();
            if !state.is_due(state.now(self.shared.clock.now())) {
                return state;
            }
            drop(state);
            self.change(|_, _| ());
        }
    }

    /// Changes something, and tells those who wait.
    fn change<T>(self, change: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let mut state = self.shared.state.write();
        let before = state.log().latest();
        let now = state.now(self.shared.clock.now());
        state.expire(now);
        let done = change(&mut state, now);
        let has_changed = state.log().latest() > before;
        drop(state);
        if has_changed {
            self.shared.changed.notify(usize::MAX);
        }
        done
    }

    /// As [`Registry::register`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn register(self, registration: Registration) -> Result<Lease, RegisterError> {
        self.change(|state, now| state.register(registration, now))
    }

    /// As [`Registry::renew`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn renew(self, lease: &Lease, status: Option<Status>) -> Result<Lease, RenewError> {
        self.change(|state, now| state.renew(lease, status, now))
    }

    /// As [`Registry::withdraw`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn withdraw(
        self,
        agent: &AgentId,
        capability: &CapabilityName,
        version: Option<Version>,
    ) -> Result<(), WithdrawError> {
        self.change(|state, now| state.withdraw(agent, capability, version, now))
    }

    /// As [`Registry::delete`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn delete(self, agent: &AgentId) -> Result<(), WithdrawError> {
        self.change(|state, now| state.delete(agent, now))
    }

    /// As [`Registry::find`].
    ///
    /// # Errors
    ///
    /// Where something in the query cannot be used.
    pub fn find(self, query: &Query) -> Result<Found, InvalidField> {
        self.read().find(query)
    }

    /// How many agents a query means, on whatever page.
    ///
    /// # Errors
    ///
    /// Where something in the query cannot be used.
    pub fn count(self, query: &Query) -> Result<u64, InvalidField> {
        self.read().count(query)
    }

    /// Shows each agent that a query means, in no particular order. The registry stands still meanwhile: whoever
    /// is shown one must not ask it for anything.
    ///
    /// # Errors
    ///
    /// Where something in the query cannot be used.
    pub fn for_each(self, query: &Query, see: impl FnMut(&AgentId)) -> Result<(), InvalidField> {
        self.read().for_each(query, see)
    }

    /// As [`Registry::agent`].
    pub fn agent(self, agent: &AgentId) -> Option<AgentRecord> {
        self.read().record(agent)
    }

    /// As [`Registry::changes`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn changes(self, after: Revision, limit: usize) -> Result<Changes, ChangesError> {
        self.read().log().after(after, limit)
    }

    /// As [`Registry::sweep`].
    pub fn sweep(self) -> Option<Timestamp> {
        self.change(|state, _| state.next_end())
    }

    /// How often something was done that is to be written elsewhere, in a registry that was
    /// [restored](MemoryRegistryBuilder::restore); in others 0. What was answered before is written once what was
    /// [given](Self::unwritten) has as many steps.
    pub fn steps(self) -> u64 {
        self.shared.state.read().steps()
    }

    /// What was done since this was asked last: each thing as it stands now, once, however often it changed, and
    /// nothing of what came and went. What is given is not given again. In a registry that was not
    /// [restored](MemoryRegistryBuilder::restore) nothing is noted, and nothing is given but changes.
    pub fn unwritten(self) -> Unwritten {
        self.shared.state.write().unwritten()
    }
}

#[async_trait]
impl Registry for MemoryRegistry {
    async fn register(&self, registration: Registration) -> Result<Lease, RegisterError> {
        self.sync().register(registration)
    }

    async fn renew(&self, lease: &Lease, status: Option<Status>) -> Result<Lease, RenewError> {
        self.sync().renew(lease, status)
    }

    async fn withdraw(
        &self,
        agent: &AgentId,
        capability: &CapabilityName,
        version: Option<Version>,
    ) -> Result<(), WithdrawError> {
        self.sync().withdraw(agent, capability, version)
    }

    async fn delete(&self, agent: &AgentId) -> Result<(), WithdrawError> {
        self.sync().delete(agent)
    }

    async fn find(&self, query: &Query) -> Result<Found, FindError> {
        Ok(self.sync().find(query)?)
    }

    async fn agent(&self, agent: &AgentId) -> Result<Option<AgentRecord>, RegistryError> {
        Ok(self.sync().agent(agent))
    }

    async fn changes(&self, after: Revision, limit: usize) -> Result<Changes, ChangesError> {
        self.sync().changes(after, limit)
    }

    async fn changed(&self, after: Revision) -> Result<(), ChangesError> {
        loop {
            // Before looking: what changes from here on wakes us.
            let changed = self.shared.changed.listen();
            if self.sync().read().log().is_past(after)? {
                return Ok(());
            }
            changed.await;
        }
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, RegistryError> {
        Ok(self.sync().sweep())
    }
}
