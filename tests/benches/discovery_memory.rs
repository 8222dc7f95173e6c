//! What a registry keeps in memory for each agent: the bytes that it asked the allocator for and has not given back.
//! Each row is described in `docs/reference/benches.md`.
//!
//! It is a program of its own because counting would slow down what the other measures.
#![expect(clippy::float_arithmetic, reason = "bytes per thing are no money")]

mod bench;
#[path = "discovery/fleet.rs"]
mod fleet;

use std::alloc::System;

use bench::Table;
use cap::Cap;
use fleet::{Fleet, clock};
use safeguards_discovery::{MemoryRegistry, Registration};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// How many agents there are.
const MANY: u32 = 100_000;

fn main() {
    let mut table = Table::begin("discovery-memory", "bytes in use, of 100,000 agents each");
    table.bytes("agent that can do nothing", &[], || {
        registered(Fleet::new().map(|agent| {
            let mut registration = agent.registration();
            registration.capabilities.clear();
            registration
        }))
    });
    table.bytes("agent with 5 capabilities, all of them others", &[], || {
        registered(Fleet::new().map(|agent| agent.registration()))
    });
    table.bytes("agent with 5 capabilities, the same as 99 others", &[], || {
        let kinds: Vec<_> = Fleet::new().take(1_000).collect();
        registered(Fleet::new().zip(kinds.iter().cycle()).map(|(agent, kind)| {
            let mut registration = agent.registration();
            registration.capabilities = kind.registration().capabilities;
            registration
        }))
    });
    table.bytes("agent with 5 capabilities, as JSON text", &[], || {
        let texts = Fleet::new().take(usize::try_from(MANY).unwrap());
        let texts = texts.map(|agent| serde_json::to_string(&agent.registration()).unwrap());
        bytes_each(|| texts.map(String::into_boxed_str).collect::<Vec<_>>())
    });
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

/// The log keeps no changes, for that is bounded however many agents there are.
fn registered(registrations: impl Iterator<Item = Registration>) -> f64 {
    let registry = MemoryRegistry::builder().clock(clock()).changes_kept(0).build();
    bytes_each(|| {
        for registration in registrations.take(usize::try_from(MANY).unwrap()) {
            registry.sync().register(registration).unwrap();
        }
    })
}
