//! [`Writer`]: one thread writes for all, and flushes once for many.
//!
//! Whoever wants something written hands over a deed and waits. The thread takes all deeds that are there, carries them
//! out in one transaction, flushes it, and then tells all. While it flushes, the next deeds gather: the slower the
//! disk, the more share a flush.
//!
//! After a failed flush nobody knows what is on the disk. So nothing is written any more until the file is opened
//! again: the writer is *poisoned*.

use std::{
    any::Any,
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
    thread,
};

use parking_lot::{Condvar, Mutex};
use redb::{Database, Durability, WriteTransaction};
use tokio::sync::{Semaphore, oneshot};

use crate::error::{Doing, Fault, FaultKind, NotWritten};

/// Something to be written. It gives whether it was, and what to do once it is known whether all is on the disk.
type Deed = Box<dyn FnOnce(&mut Turn<'_>) -> (Result<(), Fault>, Told) + Send>;

/// Tells who waits whether it is on the disk.
pub(crate) type Told = Box<dyn FnOnce(Result<(), Fault>) + Send>;

/// How many deeds may wait. Who comes then waits before anything of theirs is decided.
const WAITING_MAX: usize = 16_384;

/// One transaction, begun by the first deed that writes.
pub(crate) struct Turn<'db> {
    db: &'db Database,
    transaction: Option<WriteTransaction>,
}

impl Turn<'_> {
    /// The transaction that is flushed at the end of the turn.
    pub(crate) fn transaction(&mut self) -> Result<&WriteTransaction, Fault> {
        if self.transaction.is_none() {
            let mut transaction = self.db.begin_write().doing("begin to write")?;
            transaction
                .set_durability(Durability::Immediate)
                .map_err(|error| Fault::new(FaultKind::Io, "begin to write", error))?;
            self.transaction = Some(transaction);
        }
        // It was just put there.
        self.transaction.as_ref().ok_or(Fault::closed("begin to write"))
    }

    fn flush(self) -> Result<(), Fault> {
        match self.transaction {
            Some(transaction) => transaction.commit().doing("flush what was written"),
            None => Ok(()),
        }
    }
}

/// Writes for all, in a thread of its own.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    poison: OnceLock<Fault>,
    room: Semaphore,
}

#[derive(Default)]
struct Queue {
    deeds: Vec<Deed>,
    closing: bool,
}

/// Asks a [`Writer`] to write. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pen {
    shared: Arc<Shared>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(db: Arc<Database>) -> Result<Self, Fault> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            wake: Condvar::new(),
            poison: OnceLock::new(),
            room: Semaphore::new(WAITING_MAX),
        });
        let seen = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("safeguards-redb".to_owned())
            .spawn(move || seen.write_all(&db))
            .map_err(|error| Fault::new(FaultKind::Io, "start its thread", error))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(crate) fn pen(&self) -> Pen {
        Pen { shared: Arc::clone(&self.shared) }
    }

    /// Writes what waits, and ends the thread.
    pub(crate) fn close(&mut self) {
        self.shared.queue.lock().closing = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // It has told all that there is to tell.
            let _: thread::Result<()> = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn write_all(&self, db: &Database) {
        loop {
            let deeds = {
                let mut queue = self.queue.lock();
                while queue.deeds.is_empty() && !queue.closing {
                    self.wake.wait(&mut queue);
                }
                mem::take(&mut queue.deeds)
            };
            if deeds.is_empty() {
                self.poison(Fault::closed("write"));
                return;
            }
            if self.take_turn(db, deeds).is_err() {
                return;
            }
        }
    }

    /// Carries out deeds, flushes, and tells all.
    fn take_turn(&self, db: &Database, deeds: Vec<Deed>) -> Result<(), Fault> {
        let mut turn = Turn { db, transaction: None };
        let mut tell: Vec<Told> = Vec::with_capacity(deeds.len());
        let carried_out = deeds.into_iter().try_for_each(|deed| {
            // What comes after a deed that failed is not begun, and learns so when it is dropped.
            let (done, told) = catch_unwind(AssertUnwindSafe(|| deed(&mut turn)))
                .map_err(|panic| panicked(&*panic))?;
            tell.push(told);
            done
        });
        let outcome = carried_out.and_then(|()| turn.flush());
        if let Err(fault) = &outcome {
            // Before anybody is told: whoever was asks again at once.
            self.poison(fault.clone());
        }
        for told in tell {
            told(outcome.clone());
        }
        outcome
    }

    /// Lets nothing be written any more. Who waits learns of it as their deeds are dropped.
    fn poison(&self, fault: Fault) {
        // The first fault is the one that counts.
        let _: Result<(), Fault> = self.poison.set(fault);
        self.room.close();
        let deeds = mem::take(&mut self.queue.lock().deeds);
        drop(deeds);
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Fault {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Fault::new(FaultKind::Io, "write", format!("a panic: {text}"))
}

impl Pen {
    /// Writes what `deed` writes, and answers what it gives once that is on the disk.
    ///
    /// A deed that gives a fault has ruined the file's transaction: it is for what the file did, not for what is
    /// refused. A deed that refuses has written nothing.
    pub(crate) async fn write<T, F>(&self, deed: F) -> Result<T, NotWritten>
    where
        T: Send + 'static,
        F: FnOnce(&mut Turn<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let room = self.room(1).await?;
        let (tell, told) = oneshot::channel();
        self.push(Box::new(move |turn| {
            let (done, value) =
                deed(turn).map_or_else(|fault| (Err(fault), None), |value| (Ok(()), Some(value)));
            let told = move |end: Result<(), Fault>| {
                drop(room);
                // Nobody waits any more where this is not taken.
                let _: Result<(), _> = tell.send(end.map(|()| value));
            };
            (done, Box::new(told))
        }))?;
        match told.await {
            Ok(Ok(Some(value))) => Ok(value),
            Ok(Err(fault)) => Err(NotWritten::Unknown(fault)),
            // A deed that gave no value gave a fault, and then nothing was flushed.
            Ok(Ok(None)) | Err(_) => Err(self.unknown()),
        }
    }

    /// Waits until there is room for so many more.
    pub(crate) async fn room(&self, count: usize) -> Result<Room, NotWritten> {
        let count = u32::try_from(count.clamp(1, WAITING_MAX)).unwrap_or(u32::MAX);
        let taken = self.shared.room.acquire_many(count).await;
        taken.map_err(|_| NotWritten::NotBegun(self.fault()))?.forget();
        Ok(Room { shared: Arc::clone(&self.shared), count })
    }

    /// Hands over a deed, where the writer still writes.
    pub(crate) fn push(&self, deed: Deed) -> Result<(), NotWritten> {
        {
            let mut queue = self.shared.queue.lock();
            if queue.closing || self.shared.poison.get().is_some() {
                return Err(NotWritten::NotBegun(self.fault()));
            }
            queue.deeds.push(deed);
        }
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Why nothing is written any more, where that is so.
    pub(crate) fn poison(&self) -> Option<&Fault> {
        self.shared.poison.get()
    }

    fn fault(&self) -> Fault {
        self.poison().cloned().unwrap_or_else(|| Fault::closed("write"))
    }

    /// Of something that was handed over and of which nothing was told.
    pub(crate) fn unknown(&self) -> NotWritten {
        NotWritten::Unknown(self.fault())
    }
}

impl fmt::Debug for Pen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Pen").field("poison", &self.poison()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.pen(), out)
    }
}

/// Room that somebody has while they wait.
pub(crate) struct Room {
    shared: Arc<Shared>,
    count: u32,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.shared.room.add_permits(usize::try_from(self.count).unwrap_or(usize::MAX));
    }
}
