//! The shared state of a store. All of it is in tables: memory does not grow with the number of keys.
//!
//! A change is one row, by its revision. It is there as long as the change is kept, or what it made: the same row is what
//! happened, the value that is there, and later an earlier version of it, so that a value is written once. Whatever
//! changes a key is decided by the thread that writes, in the transaction that it is written in; what is read is of one
//! instant. Keys whose time ran out are ended before anything else is done or shown.
//!
//! - `tables`: what stands in which table, under which key.
//! - `writing`: what is decided, and written.
//! - `reading`: what is on the disk.
//! - `checking`: what is to be true of it.

mod checking;
mod reading;
mod tables;
mod writing;

use std::sync::Arc;

use async_trait::async_trait;
use redb::{Database, ReadableDatabase, ReadableTable, TableError};
use safeguards_coord::{
    Revision, StateChanges, StateEntry, StateError, StateKey, StatePage, StateQuery, StateReading,
    StateScope, StateStore, StateStoreBounds, StateStoreError, StateTerms, StateWaiters,
    StateWrite,
};
use safeguards_types::{AgentId, Timestamp};

pub(crate) use self::checking::check;
use self::{
    reading::Reading,
    tables::{End, STANDING, Standing, StandingRow},
    writing::Writing,
};
use crate::{
    RedbStore,
    cells::Tables,
    error::{Doing, Fault, FaultKind, NotWritten},
    rows,
    writer::Pen,
};

const READING: &str = "read shared state";
const WRITING: &str = "write shared state";

/// All tables of shared state.
pub(crate) fn each_table<T: Tables>(all: &mut T) -> Result<(), T::Error> {
    all.table(tables::RECORDS)?;
    all.table(tables::PRESENT)?;
    all.table(tables::VERSIONS)?;
    all.table(tables::CHANGES)?;
    all.table(tables::ENDS)?;
    all.table(STANDING)
}

/// A refusal has written nothing of its own.
type Answer<T> = Result<Result<T, StateError>, Fault>;

/// How much shared state there may be, and who waits for which keys.
#[derive(Debug)]
pub(crate) struct Sharing {
    bounds: StateStoreBounds,
    waiters: Arc<StateWaiters>,
}

impl Sharing {
    /// Makes the tables where they are not there: a new file has none, nor has one that was written before there was
    /// shared state in files. That is no other format, for who does not know of them passes them over.
    pub(crate) fn open(db: &Database, pen: &Pen, bounds: StateStoreBounds) -> Result<Self, Fault> {
        if !is_there(db)? {
            let transaction = db.begin_write().doing(WRITING)?;
            Writing::open(&transaction, bounds)?.finish()?;
            transaction.commit().doing(WRITING)?;
        }
        let waiters = Arc::new(StateWaiters::new());
        // What is waited for does not come any more: they look again, and learn so.
        let waiting = Arc::clone(&waiters);
        pen.at_its_end(move || waiting.wake_all());
        Ok(Self { bounds, waiters })
    }
}

/// Whether the tables are there: all are made at once.
fn is_there(db: &Database) -> Result<bool, Fault> {
    match db.begin_read().doing(READING)?.open_table(STANDING) {
        Ok(_) => Ok(true),
        Err(TableError::TableDoesNotExist(_)) => Ok(false),
        Err(error) => Err(error).doing(READING),
    }
}

impl RedbStore {
    /// Looks at what is there, after the keys were ended whose time ran out.
    async fn look<T>(
        &self,
        ask: impl FnOnce(&Reading<'_>) -> Answer<T> + Send,
    ) -> Result<T, StateError> {
        // Of who was left alone while it was written it is known then what became of it.
        self.inner.pen.settle().await.map_err(not_written)?;
        let mut ask = Some(ask);
        loop {
            let asked = self.inner.read(|read| {
                let state = Reading::open(read)?;
                if state.is_due(self.inner.clock.now())? {
                    return Ok(None);
                }
                ask.take().map(|ask| ask(&state)).transpose()
            });
            if let Some(answer) = asked.map_err(not_read)? {
                return answer;
            }
            self.change(|_, _| Ok(Ok(()))).await?;
        }
    }

    /// Changes something after the keys were ended whose time ran out, and answers once that is on the disk. Where these
    /// are many, they end in several turns.
    async fn change<T, F>(&self, mut act: F) -> Result<T, StateError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Writing<'_>, Timestamp) -> Answer<T> + Send + 'static,
    {
        loop {
            let Sharing { bounds, ref waiters } = self.inner.state;
            let (clock, waiters) = (Arc::clone(&self.inner.clock), Arc::clone(waiters));
            let turn = self.inner.pen.write_and_tell(
                move |turn| {
                    let mut state = Writing::open(turn.transaction()?, bounds)?;
                    let now = state.now(clock.now());
                    let done =
                        if state.expire(now)? { Ok(act(&mut state, now)?) } else { Err(act) };
                    Ok((done, state.finish()?))
                },
                move |(_, changed)| {
                    if !waiters.is_empty() {
                        waiters.wake(changed);
                    }
                },
            );
            let (done, _) = turn.await.map_err(not_written)?;
            match done {
                Ok(answer) => return answer,
                Err(not_yet) => act = not_yet,
            }
        }
    }
}

#[async_trait]
impl StateStore for RedbStore {
    async fn read(&self, agent: &AgentId, key: &StateKey) -> Result<StateReading, StateError> {
        self.look(|state| state.read(agent, key)).await
    }

    async fn write(&self, agent: &AgentId, write: StateWrite) -> Result<Revision, StateError> {
        let value = Arc::clone(&write.value);
        let checked = write.checked(agent)?;
        let text = rows::write(&value, WRITING).map_err(not_read)?;
        self.change(move |state, now| state.write(checked, &text, now)).await
    }

    async fn amend(&self, agent: &AgentId, terms: StateTerms) -> Result<Revision, StateError> {
        terms.check()?;
        let agent = agent.clone();
        self.change(move |state, now| state.amend(&agent, terms, now)).await
    }

    async fn delete(
        &self,
        agent: &AgentId,
        key: &StateKey,
        if_revision: Option<Revision>,
    ) -> Result<Revision, StateError> {
        let (agent, key) = (agent.clone(), key.clone());
        self.change(move |state, now| state.delete(&agent, &key, if_revision, now)).await
    }

    async fn list(&self, agent: &AgentId, query: &StateQuery) -> Result<StatePage, StateError> {
        let limit = query.checked_limit()?;
        self.look(|state| state.list(agent, query, limit).map(Ok)).await
    }

    async fn history(
        &self,
        agent: &AgentId,
        key: &StateKey,
        limit: usize,
    ) -> Result<Vec<Arc<StateEntry>>, StateError> {
        self.look(|state| state.history(agent, key, limit)).await
    }

    async fn changes(
        &self,
        agent: &AgentId,
        scope: &StateScope,
        after: Revision,
        limit: usize,
    ) -> Result<StateChanges, StateError> {
        self.look(|state| state.changes(agent, scope, after, limit)).await
    }

    async fn changed(&self, scope: &StateScope, after: Revision) -> Result<(), StateError> {
        let seat = self.inner.state.waiters.sit(scope);
        loop {
            // Before looking: what changes from here on wakes us.
            let woken = seat.listen();
            if self.look(|state| state.is_past(scope, after)).await? {
                return Ok(());
            }
            woken.await;
        }
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, StateError> {
        self.look(|state| state.next_end().map(Ok)).await
    }
}

/// How all of it stands; nothing ever happened where that was not written down.
fn standing(
    table: &impl ReadableTable<u64, StandingRow>,
    doing: &'static str,
) -> Result<Standing, Fault> {
    let Some(row) = table.get(0).doing(doing)? else {
        return Ok(Standing::default());
    };
    Standing::of_row(row.value()).ok_or_else(|| missing("an instant that can be", doing))
}

/// The key that ends first, and when.
fn first_end(
    ends: &impl ReadableTable<End<'static>, ()>,
    doing: &'static str,
) -> Result<Option<(Timestamp, StateKey)>, Fault> {
    let Some((end, _)) = ends.first().doing(doing)? else {
        return Ok(None);
    };
    let (end, key) = end.value();
    let end = Timestamp::from_nanos(end);
    let end = end.ok_or_else(|| missing("an instant that can be", doing))?;
    Ok(Some((end, key_of(key, doing)?)))
}

fn key_of(text: &str, doing: &'static str) -> Result<StateKey, Fault> {
    StateKey::parse(text).map_err(|error| Fault::corrupt(doing, error))
}

fn missing(what: &str, doing: &'static str) -> Fault {
    Fault::corrupt(doing, format!("{what} is missing"))
}

/// Nothing of it was written.
fn not_read(fault: Fault) -> StateError {
    StateError::Store(match fault.kind() {
        FaultKind::Corrupt => StateStoreError::corrupt(fault),
        FaultKind::Io | FaultKind::Full | FaultKind::Closed => StateStoreError::unavailable(fault),
    })
}

fn not_written(error: NotWritten) -> StateError {
    match error {
        NotWritten::NotBegun(fault) => not_read(fault),
        // Whatever is wrong with the file: it may be there.
        NotWritten::Unknown(fault) => StateError::Store(StateStoreError::unavailable(fault)),
    }
}
