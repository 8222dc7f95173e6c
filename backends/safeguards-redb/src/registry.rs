//! The registry of a store: one in memory that finds, and its rows in the file.
//!
//! Whatever changes is decided in memory and answered once it is on the disk, all that waits in one flush. Reads wait
//! likewise where they show what is not there yet.
//!
//! - `tables`: what stands in which table, under which key.
//! - `rows`: what is written, and how the registry in memory is made of it again.
//! - `checking`: what is to be true of it.

mod checking;
mod rows;
mod tables;

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use redb::{Database, ReadableDatabase};
use safeguards_discovery::{
    AgentRecord, CapabilityName, Changes, ChangesError, FindError, Found, Lease, MemoryRegistry,
    Query, RegisterError, Registration, Registry, RegistryError, RenewError, Revision, Status,
    SyncRegistry, WithdrawError,
};
use safeguards_types::{AgentId, Clock, Timestamp};
use semver::Version;
use tokio::sync::Notify;

pub(crate) use self::{checking::check, tables::each_table};
use crate::{
    RedbStore,
    error::{Doing, Fault, FaultKind, NotWritten},
    writer::{Pen, Room, Told, Turn, Waiters},
};

const READING: &str = "read the registry";
const WRITING: &str = "write the registry";

/// The registry of a store, and what of it is not on the disk yet.
#[derive(Debug)]
pub(crate) struct Registering {
    shared: Arc<Shared>,
    pen: Pen,
    /// Told when nothing is written any more.
    ended: Arc<Notify>,
}

#[derive(Debug)]
struct Shared {
    memory: MemoryRegistry,
    tail: Mutex<Tail>,
}

#[derive(Debug, Default)]
struct Tail {
    /// The steps of the registry in memory that are on the disk.
    flushed: u64,
    /// Who waits until all that was done up to now is on the disk.
    waiting: Waiters,
}

impl Registering {
    /// Makes the tables where they are not there: a new file has none, nor has one that was written before there were
    /// agents in files. That is no other format, for who does not know of them passes them over.
    pub(crate) fn open(
        db: &Database,
        pen: Pen,
        clock: Arc<dyn Clock>,
        agents_max: usize,
        changes_kept: usize,
    ) -> Result<Self, Fault> {
        if !rows::are_there(&db.begin_read().doing(READING)?)? {
            let transaction = db.begin_write().doing(WRITING)?;
            rows::begin(&transaction)?;
            transaction.commit().doing(WRITING)?;
        }
        let builder = MemoryRegistry::builder();
        let builder = builder.clock(clock).agents_max(agents_max).changes_kept(changes_kept);
        let memory = rows::restore(&db.begin_read().doing(READING)?, builder)?;
        let ended = Arc::new(Notify::new());
        // What is waited for does not come any more: they look again, and learn so.
        let waiting = Arc::clone(&ended);
        pen.at_its_end(move || waiting.notify_waiters());
        let shared = Arc::new(Shared { memory, tail: Mutex::default() });
        Ok(Self { shared, pen, ended })
    }

    /// Asks the registry in memory, and answers once all that the answer may show is on the disk.
    async fn look<T>(&self, ask: impl FnOnce(SyncRegistry<'_>) -> T) -> Result<T, NotWritten> {
        if let Some(fault) = self.pen.poison() {
            return Err(NotWritten::NotBegun(fault.clone()));
        }
        let registry = self.shared.memory.sync();
        let answer = ask(registry);
        // What was done after the answer may be among them, what was done before it is.
        let steps = registry.steps();
        let place = {
            let mut tail = self.shared.tail.lock();
            if steps <= tail.flushed {
                return Ok(answer);
            }
            tail.waiting.join()
        };
        if place.is_first {
            let errand = Errand { shared: Arc::clone(&self.shared), has_begun: false };
            self.pen.push(Box::new(move |turn| errand.run(turn)))?;
        }
        place.told(&self.pen).await.map(|()| answer)
    }

    /// As [`Self::look`], of what may change something: it waits for room before anything is decided, so that memory does
    /// not grow where the disk is slow.
    async fn change<T>(&self, ask: impl FnOnce(SyncRegistry<'_>) -> T) -> Result<T, NotWritten> {
        let _room: Room = self.pen.room(1).await?;
        self.look(ask).await
    }
}

/// A deed that takes what is new. Where it is dropped instead, nobody waits in vain.
struct Errand {
    shared: Arc<Shared>,
    has_begun: bool,
}

impl Errand {
    fn run(mut self, turn: &mut Turn<'_>) -> (Result<(), Fault>, Told) {
        self.has_begun = true;
        let (waiting, unwritten) = {
            let mut tail = self.shared.tail.lock();
            (tail.waiting.take(), self.shared.memory.sync().unwritten())
        };
        let done = turn.transaction().and_then(|transaction| rows::write(transaction, &unwritten));
        let shared = Arc::clone(&self.shared);
        let told = move |end: Result<(), Fault>| {
            if end.is_ok() {
                shared.tail.lock().flushed = unwritten.steps;
            }
            waiting.tell(&end)
        };
        (done, Box::new(told))
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        if !self.has_begun {
            let waiting = self.shared.tail.lock().waiting.take();
            drop(waiting);
        }
    }
}

#[async_trait]
impl Registry for RedbStore {
    async fn register(&self, registration: Registration) -> Result<Lease, RegisterError> {
        let registry = &self.inner.registry;
        registry.change(|registry| registry.register(registration)).await.map_err(failed)?
    }

    async fn renew(&self, lease: &Lease, status: Option<Status>) -> Result<Lease, RenewError> {
        let registry = &self.inner.registry;
        registry.change(|registry| registry.renew(lease, status)).await.map_err(failed)?
    }

    async fn withdraw(
        &self,
        agent: &AgentId,
        capability: &CapabilityName,
        version: Option<Version>,
    ) -> Result<(), WithdrawError> {
        let registry = &self.inner.registry;
        let withdraw = |registry: SyncRegistry<'_>| registry.withdraw(agent, capability, version);
        registry.change(withdraw).await.map_err(failed)?
    }

    async fn delete(&self, agent: &AgentId) -> Result<(), WithdrawError> {
        self.inner.registry.change(|registry| registry.delete(agent)).await.map_err(failed)?
    }

    async fn find(&self, query: &Query) -> Result<Found, FindError> {
        Ok(self.inner.registry.look(|registry| registry.find(query)).await.map_err(failed)??)
    }

    async fn agent(&self, agent: &AgentId) -> Result<Option<AgentRecord>, RegistryError> {
        self.inner.registry.look(|registry| registry.agent(agent)).await.map_err(failed)
    }

    async fn changes(&self, after: Revision, limit: usize) -> Result<Changes, ChangesError> {
        let registry = &self.inner.registry;
        registry.look(|registry| registry.changes(after, limit)).await.map_err(failed)?
    }

    async fn changed(&self, after: Revision) -> Result<(), ChangesError> {
        let Registering { shared, ended, .. } = &self.inner.registry;
        loop {
            // Before looking: an end from here on wakes us.
            let mut ended = pin!(ended.notified());
            let mut changed = pin!(shared.memory.changed(after));
            self.inner.registry.look(|_| ()).await.map_err(failed)?;
            let first = poll_fn(|cx| match changed.as_mut().poll(cx) {
                Poll::Ready(changed) => Poll::Ready(Some(changed)),
                Poll::Pending => ended.as_mut().poll(cx).map(|()| None),
            });
            if let Some(changed) = first.await {
                changed?;
                return self
                    .inner
                    .registry
                    .look(|_| ())
                    .await
                    .map_err(|error| failed(error).into());
            }
        }
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, RegistryError> {
        let sweep = |registry: SyncRegistry<'_>| registry.sweep();
        self.inner.registry.look(sweep).await.map_err(failed)
    }
}

fn failed(error: NotWritten) -> RegistryError {
    match error {
        NotWritten::NotBegun(fault) if fault.kind() == FaultKind::Corrupt => {
            RegistryError::corrupt(fault)
        }
        // Whatever is wrong with the file: it may be there.
        NotWritten::NotBegun(fault) | NotWritten::Unknown(fault) => {
            RegistryError::unavailable(fault)
        }
    }
}
