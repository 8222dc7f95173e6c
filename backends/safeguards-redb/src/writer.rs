//! [`Writer`]: one thread writes for all, and flushes once for many.
//!
//! Whoever wants something written hands over a deed and waits. The thread takes all deeds that are there, carries them
//! out in one transaction, flushes it, and then tells all. While it flushes, the next deeds gather: the slower the
//! disk, the more share a flush. Whoever was just told is likely to ask again at once; where they are few, the next flush
//! waits a moment for them, and not longer than they keep coming.
//!
//! After a failed flush nobody knows what is on the disk. So nothing is written any more until the file is opened
//! again: the writer is *poisoned*.

mod waiters;

use std::{
    fmt, mem,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use redb::{Database, Durability, WriteTransaction};
use tokio::sync::{Semaphore, oneshot};

pub(crate) use self::waiters::Waiters;
use crate::error::{Doing, Fault, FaultKind, NotWritten, guarded};

/// Something to be written. It gives whether it was, and what to do once it is known whether all is on the disk.
type Deed = Box<dyn FnOnce(&mut Turn<'_>) -> (Result<(), Fault>, Told) + Send>;

/// Tells who waits whether it is on the disk, and gives how many they are.
pub(crate) type Told = Box<dyn FnOnce(Result<(), Fault>) -> u64 + Send>;

/// How many deeds may wait. Who comes then waits before anything of theirs is decided.
const WAITING_MAX: usize = 16_384;
/// For how many a flush waits at most. While it waits nothing is written: more are better decided on meanwhile.
const GATHERED_MAX: u64 = 128;
/// How long it waits at most, which is less than a flush takes.
const GATHER_AT_MOST: Duration = Duration::from_micros(100);
/// How often others get their turn without that anybody comes, before it waits no longer.
const QUIET_MAX: u32 = 64;

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
    /// How often an answer was waited for.
    asked: AtomicU64,
    /// How many deeds are known to be on the disk.
    settled: AtomicU64,
    /// The number of the latest deed whose answer nobody waits for any more.
    abandoned: AtomicU64,
}

#[derive(Default)]
struct Queue {
    deeds: Vec<Deed>,
    /// How many were ever handed over; each has the number that it makes.
    handed_over: u64,
    closing: bool,
    /// Whom to tell when nothing is written any more.
    at_its_end: Vec<Box<dyn FnOnce() + Send>>,
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
            asked: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
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
        let mut expected = 0;
        loop {
            {
                let mut queue = self.queue.lock();
                while queue.deeds.is_empty() && !queue.closing {
                    self.wake.wait(&mut queue);
                }
            }
            self.gather(expected);
            let deeds = mem::take(&mut self.queue.lock().deeds);
            if deeds.is_empty() {
                self.poison(Fault::closed("write"));
                return;
            }
            match self.take_turn(db, deeds) {
                Ok(next) => expected = next,
                Err(_) => return,
            }
        }
    }

    /// Carries out deeds, flushes, and tells all. Gives how often an answer will have been waited for once all who were told
    /// have asked again.
    fn take_turn(&self, db: &Database, deeds: Vec<Deed>) -> Result<u64, Fault> {
        let mut turn = Turn { db, transaction: None };
        let mut tell: Vec<Told> = Vec::with_capacity(deeds.len());
        let carried_out = deeds.into_iter().try_for_each(|deed| {
            // What comes after a deed that failed is not begun, and learns so when it is dropped.
            let (done, told) = guarded("write", || deed(&mut turn))?;
            tell.push(told);
            done
        });
        let outcome =
            carried_out.and_then(|()| guarded("flush what was written", || turn.flush()).flatten());
        match &outcome {
            Ok(()) => {
                let count = u64::try_from(tell.len()).unwrap_or(u64::MAX);
                self.settled.fetch_add(count, Ordering::SeqCst);
            }
            // Before anybody is told: whoever was asks again at once.
            Err(fault) => self.poison(fault.clone()),
        }
        let mut expected = self.asked.load(Ordering::Relaxed);
        for told in tell {
            expected = expected.saturating_add(told(outcome.clone()));
        }
        outcome.map(|()| expected)
    }

    /// Waits a moment until as much is asked for as is expected.
    #[expect(clippy::disallowed_methods, reason = "it bounds a wait, and nothing is decided by it")]
    fn gather(&self, expected: u64) {
        let mut asked = self.asked.load(Ordering::Relaxed);
        if expected.saturating_sub(asked) > GATHERED_MAX {
            return;
        }
        let (begin, mut quiet) = (Instant::now(), 0_u32);
        while asked < expected && quiet < QUIET_MAX && begin.elapsed() < GATHER_AT_MOST {
            thread::yield_now();
            let now = self.asked.load(Ordering::Relaxed);
            quiet = if now > asked { 0 } else { quiet.saturating_add(1) };
            asked = asked.max(now);
        }
    }

    /// Lets nothing be written any more. Who waits learns of it as their deeds are dropped.
    fn poison(&self, fault: Fault) {
        // The first fault is the one that counts.
        let _: Result<(), Fault> = self.poison.set(fault);
        self.room.close();
        let (deeds, to_tell) = {
            let mut queue = self.queue.lock();
            (mem::take(&mut queue.deeds), mem::take(&mut queue.at_its_end))
        };
        drop(deeds);
        for tell in to_tell {
            tell();
        }
    }
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
        self.write_and_tell(deed, |_| ()).await
    }

    /// As [`Self::write`]. What the deed gives is told to `others` as soon as it is on the disk, also where nobody waits for
    /// the answer any more.
    pub(crate) async fn write_and_tell<T, F, O>(&self, deed: F, others: O) -> Result<T, NotWritten>
    where
        T: Send + 'static,
        F: FnOnce(&mut Turn<'_>) -> Result<T, Fault> + Send + 'static,
        O: FnOnce(&T) + Send + 'static,
    {
        let room = self.room(1).await?;
        let (tell, told) = oneshot::channel();
        let number = self.push(Box::new(move |turn| {
            let (done, value) =
                deed(turn).map_or_else(|fault| (Err(fault), None), |value| (Ok(()), Some(value)));
            let told = move |end: Result<(), Fault>| {
                drop(room);
                if let (Ok(()), Some(value)) = (&end, &value) {
                    others(value);
                }
                // Nobody waits any more where this is not taken.
                let _: Result<(), _> = tell.send(end.map(|()| value));
                1
            };
            (done, Box::new(told))
        }))?;
        self.is_asked();
        let waiting = Waiting { shared: &self.shared, number };
        let told = told.await;
        drop(waiting);
        match told {
            Ok(Ok(Some(value))) => Ok(value),
            Ok(Err(fault)) => Err(NotWritten::Unknown(fault)),
            // A deed that gave no value gave a fault, and then nothing was flushed.
            Ok(Ok(None)) | Err(_) => Err(self.unknown()),
        }
    }

    /// Waits until all is on the disk that was handed over by those who do not wait for it any more: whoever reads then
    /// sees it, or it never was. Where there are none, as nearly always, nothing is waited for.
    pub(crate) async fn settle(&self) -> Result<(), NotWritten> {
        let Shared { settled, abandoned, .. } = &*self.shared;
        if abandoned.load(Ordering::SeqCst) <= settled.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.write(|_| Ok(())).await
    }

    /// Notes that somebody waits for an answer.
    fn is_asked(&self) {
        self.shared.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// Does this when nothing is written any more.
    pub(crate) fn at_its_end(&self, act: impl FnOnce() + Send + 'static) {
        self.shared.queue.lock().at_its_end.push(Box::new(act));
    }

    /// Waits until there is room for so many more.
    pub(crate) async fn room(&self, count: usize) -> Result<Room, NotWritten> {
        let count = u32::try_from(count.clamp(1, WAITING_MAX)).unwrap_or(u32::MAX);
        let taken = self.shared.room.acquire_many(count).await;
        taken.map_err(|_| NotWritten::NotBegun(self.fault()))?.forget();
        Ok(Room { shared: Arc::clone(&self.shared), count })
    }

    /// Hands over a deed, where the writer still writes, and gives its number.
    pub(crate) fn push(&self, deed: Deed) -> Result<u64, NotWritten> {
        let number = {
            let mut queue = self.shared.queue.lock();
            if queue.closing || self.shared.poison.get().is_some() {
                return Err(NotWritten::NotBegun(self.fault()));
            }
            queue.deeds.push(deed);
            queue.handed_over = queue.handed_over.saturating_add(1);
            queue.handed_over
        };
        self.shared.wake.notify_one();
        Ok(number)
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

/// Somebody who waits until the deed of this number is on the disk. Who is dropped before that has abandoned it.
struct Waiting<'s> {
    shared: &'s Shared,
    number: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.shared.abandoned.fetch_max(self.number, Ordering::SeqCst);
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
