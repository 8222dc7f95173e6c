//! Changes: told to who waits for them, and read.

use std::{
    cell::LazyCell,
    future::Future,
    hint::black_box,
    pin::pin,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use safeguards_discovery::{
    Change, Lease, MemoryRegistry, Query, Registration, Registry, Revision, Status,
};
use tokio::{runtime::Builder, sync::watch};

use super::{
    bench::{Table, timed},
    fleet,
};

/// How many are here.
const HERE: usize = 10_000;
/// How many changes are read at a time.
const PAGE: usize = 1_000;

/// The rows about watching.
pub(crate) fn rows(table: &mut Table) {
    let registry = LazyCell::new(|| fleet::registry(HERE).0);
    table.row("change, told to a task that waits", "a watch channel", &[], || {
        (told(&registry), told_by_hand())
    });
    table.row("watch lag, to a thread that waits", "a watch channel", &[], || {
        (lag(Ours::open(&registry)), lag(Theirs::open()))
    });
    table.row("change, read with 999 others", "copied from a list", &[], || {
        (read(&registry), read_by_hand(&registry))
    });
}

fn latest(registry: &MemoryRegistry) -> Revision {
    registry.sync().find(&Query::all().limit(1)).unwrap().revision
}

fn watched(registry: &MemoryRegistry) -> Lease {
    let registration = Registration::lasting("watched").status(Status::new());
    registry.sync().register(registration).unwrap()
}

/// A change, with another load each time; nothing else is made.
fn change(registry: &MemoryRegistry, lease: &Lease, load: u32) {
    registry.sync().renew(lease, Some(Status::new().load(load))).unwrap();
}

/// A task begins to wait, the change is made, and the task reads it: what both do, on one thread.
fn told(registry: &MemoryRegistry) -> impl FnMut(usize) -> Duration {
    let lease = watched(registry);
    let mut load = 0;
    let mut context = Context::from_waker(Waker::noop());
    move |count| {
        let mut revision = latest(registry);
        timed(|| {
            for _ in 0..count {
                let mut waiting = pin!(registry.changed(revision));
                assert!(waiting.as_mut().poll(&mut context).is_pending());
                load += 1;
                change(registry, &lease, load);
                assert!(matches!(waiting.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
                let changes = registry.sync().changes(revision, PAGE).unwrap();
                revision = changes.next;
                black_box(changes);
            }
        })
    }
}

fn told_by_hand() -> impl FnMut(usize) -> Duration {
    let (sender, mut receiver) = watch::channel(Status::new());
    let mut load = 0;
    let mut context = Context::from_waker(Waker::noop());
    move |count| {
        timed(|| {
            for _ in 0..count {
                {
                    let mut waiting = pin!(receiver.changed());
                    assert!(waiting.as_mut().poll(&mut context).is_pending());
                    load += 1;
                    sender.send(Status::new().load(load)).unwrap();
                    assert!(matches!(waiting.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
                }
                black_box(receiver.borrow_and_update().clone());
            }
        })
    }
}

/// Something that one thread changes while another waits for it.
trait Watched {
    fn change(&mut self);
    /// Each is given the instant at which it has read a change, after the word that it is about to wait.
    fn seen(&self) -> &Receiver<Told>;
}

/// What the thread that waits says.
enum Told {
    Waiting,
    Read(Instant),
}

/// How long it takes from when a change was answered until the waiting thread has read it, by the clock on the wall.
/// It is nothing where that was quicker than the answer.
fn lag(mut watched: impl Watched) -> impl FnMut(usize) -> Duration {
    move |count| {
        let mut sum = Duration::ZERO;
        for _ in 0..count {
            assert!(matches!(watched.seen().recv().unwrap(), Told::Waiting));
            // It says so just before it waits.
            thread::yield_now();
            watched.change();
            let answered = now();
            let Told::Read(read) = watched.seen().recv().unwrap() else {
                panic!("it had not read")
            };
            sum += read.saturating_duration_since(answered);
        }
        sum
    }
}

struct Ours {
    registry: MemoryRegistry,
    lease: Lease,
    load: u32,
    seen: Receiver<Told>,
}

impl Ours {
    fn open(registry: &MemoryRegistry) -> Self {
        let (registry, lease) = (registry.clone(), watched(registry));
        let (sender, seen) = channel();
        let mut revision = latest(&registry);
        let watching: Arc<dyn Registry> = Arc::new(registry.clone());
        waiter(sender, async move || {
            watching.changed(revision).await.unwrap();
            let changes = watching.changes(revision, PAGE).await.unwrap();
            revision = changes.next;
            black_box(changes);
        });
        Self { registry, lease, load: 0, seen }
    }
}

impl Watched for Ours {
    fn change(&mut self) {
        self.load += 1;
        change(&self.registry, &self.lease, self.load);
    }

    fn seen(&self) -> &Receiver<Told> {
        &self.seen
    }
}

struct Theirs {
    sender: watch::Sender<Status>,
    load: u32,
    seen: Receiver<Told>,
}

impl Theirs {
    fn open() -> Self {
        let (sender, mut receiver) = watch::channel(Status::new());
        let (told, seen) = channel();
        waiter(told, async move || {
            // It is over where nobody can change it any more: the thread then ends, for nobody listens.
            let _ = receiver.changed().await;
            black_box(receiver.borrow_and_update().clone());
        });
        Self { sender, load: 0, seen }
    }
}

impl Watched for Theirs {
    fn change(&mut self) {
        self.load += 1;
        self.sender.send(Status::new().load(self.load)).unwrap();
    }

    fn seen(&self) -> &Receiver<Told> {
        &self.seen
    }
}

/// A thread that waits, reads and says so, until nobody listens any more.
fn waiter(told: Sender<Told>, mut read: impl AsyncFnMut() + Send + 'static) {
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().build().unwrap();
        while told.send(Told::Waiting).is_ok() {
            runtime.block_on(read());
            if told.send(Told::Read(now())).is_err() {
                break;
            }
        }
    });
}

fn log(registry: &MemoryRegistry) -> (Revision, Vec<Change>) {
    let lease = watched(registry);
    for load in 0..u32::try_from(PAGE).unwrap() {
        change(registry, &lease, load + 1_000_000);
    }
    let after = Revision::new(latest(registry).number() - u64::try_from(PAGE).unwrap());
    (after, registry.sync().changes(after, PAGE).unwrap().changes)
}

/// A change, of a page of them.
fn read(registry: &MemoryRegistry) -> impl FnMut(usize) -> Duration {
    let (after, _) = log(registry);
    move |count| {
        timed(|| {
            for _ in 0..count.div_ceil(PAGE) {
                black_box(registry.sync().changes(after, PAGE).unwrap());
            }
        }) * u32::try_from(count).unwrap()
            / u32::try_from(count.div_ceil(PAGE) * PAGE).unwrap()
    }
}

fn read_by_hand(registry: &MemoryRegistry) -> impl FnMut(usize) -> Duration {
    let (_, changes) = log(registry);
    move |count| {
        timed(|| {
            for _ in 0..count.div_ceil(PAGE) {
                black_box(changes.clone());
            }
        }) * u32::try_from(count).unwrap()
            / u32::try_from(count.div_ceil(PAGE) * PAGE).unwrap()
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine")]
fn now() -> Instant {
    Instant::now()
}
