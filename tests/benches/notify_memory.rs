//! What an event bus keeps in memory for each subscription and each event: the bytes that it asked the allocator for
//! and has not given back. Each row is described in `docs/reference/benches.md`.
//!
//! It is a program of its own because counting would slow down what the other measures.
#![expect(clippy::float_arithmetic, reason = "bytes per thing are no money")]

mod bench;

use std::alloc::System;

use bench::Table;
use cap::Cap;
use safeguards_notify::{MemoryEventBus, NewEvent, Subscribe, WhenFull, topic};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// How many of each there are: as many as there may be.
const MANY: u32 = 65_536;

fn main() {
    let mut table = Table::begin("notify-memory", "bytes in use, of 65,536 each");
    table.bytes("subscription to a pattern, nothing waiting", &[], || {
        subscriptions(|_| Subscribe::to("data.*").unwrap())
    });
    table.bytes("subscription to a pattern that is waited for", &[], || {
        subscriptions(|_| Subscribe::to("data.*").unwrap().when_full(WhenFull::Wait))
    });
    table.bytes("subscription to a topic of its own", &[], || {
        subscriptions(|number| Subscribe::to(format!("job.{number}")).unwrap())
    });
    table.bytes("inbox of an agent of its own", &[], || {
        subscriptions(|number| Subscribe::inbox(format!("agent-{number}")))
    });
    table.bytes("event in the log, with a number as its body", &[], event);
    table.bytes("event that waits, beside the log, for each subscription", &[], waiting);
    table.end();
}

/// How many bytes more are in use for each of many after `work`; what it gives is dropped only then.
fn bytes_each<T>(work: impl FnOnce() -> T) -> f64 {
    let before = ALLOCATOR.allocated();
    let made = work();
    let after = ALLOCATOR.allocated();
    drop(made);
    f64::from(u32::try_from(after - before).unwrap()) / f64::from(MANY)
}

fn subscriptions(wanted: impl Fn(u32) -> Subscribe) -> f64 {
    let bus = MemoryEventBus::new();
    let mut subscriptions = Vec::with_capacity(usize::try_from(MANY).unwrap());
    bytes_each(|| {
        for number in 0..MANY {
            subscriptions.push(bus.sync().subscribe(wanted(number)).unwrap());
        }
        subscriptions
    })
}

fn publish(bus: &MemoryEventBus) {
    for number in 0..MANY {
        bus.sync().publish(NewEvent::new(topic!("data.found"), number)).unwrap();
    }
}

fn event() -> f64 {
    let bus = MemoryEventBus::new();
    bytes_each(|| publish(&bus))
}

/// Beside a bus where nobody takes them.
fn waiting() -> f64 {
    let bus = MemoryEventBus::new();
    let room = Subscribe::all().queue_max(usize::try_from(MANY).unwrap());
    let _subscription = bus.sync().subscribe(room).unwrap();
    bytes_each(|| publish(&bus)) - event()
}
