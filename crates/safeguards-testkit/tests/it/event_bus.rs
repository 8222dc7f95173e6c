//! Every case of the suite of an event bus: against the one in memory, against a naive one, and against the one in
//! memory behind a wrapper whose futures wait and can be dropped on the way.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use safeguards_notify::{
    AskError, DeadEvents, Event, EventBus, EventBusError, MemoryEventBus, NewEvent, PublishError,
    Published, Subscribe, SubscribeError, Subscription,
};
use safeguards_testkit::{
    bus::{BusEnv, BusSetup, PlainEventBus},
    event_bus_conformance,
};
use tokio::task::yield_now;

fn memory_bus(setup: BusSetup) -> MemoryEventBus {
    MemoryEventBus::builder()
        .clock(setup.clock)
        .log_max(setup.log_max)
        .dead_letters_max(setup.dead_letters_max)
        .hops_max(setup.hops_max)
        .wait_max(setup.wait_max)
        .build()
}

mod memory {
    use super::*;

    async fn make(setup: BusSetup) -> BusEnv {
        BusEnv::new(Arc::new(memory_bus(setup)))
    }

    event_bus_conformance!(make);
}

mod plain {
    use super::*;

    async fn make(setup: BusSetup) -> BusEnv {
        BusEnv::new(Arc::new(PlainEventBus::new(setup)))
    }

    event_bus_conformance!(make);
}

mod slow {
    use super::*;

    async fn make(setup: BusSetup) -> BusEnv {
        let bus: Arc<dyn EventBus> = Arc::new(memory_bus(setup));
        BusEnv::new(Arc::new(Slow(bus)))
    }

    event_bus_conformance!(make);
}

/// The one in memory as a bus with a clock and bounds of its own: what needs others is ignored.
mod own {
    use super::*;

    async fn make(_: BusSetup) -> BusEnv {
        BusEnv::new(Arc::new(MemoryEventBus::new()))
    }

    event_bus_conformance!(make, own_clock, fixed_bounds);
}

/// Others go first, before a call arrives and before its answer does.
#[derive(Debug)]
struct Slow(Arc<dyn EventBus>);

async fn give_way() {
    for _ in 0..5 {
        yield_now().await;
    }
}

#[async_trait]
impl EventBus for Slow {
    async fn publish(&self, event: NewEvent) -> Result<Published, PublishError> {
        give_way().await;
        let published = self.0.publish(event).await;
        give_way().await;
        published
    }

    async fn subscribe(&self, subscribe: Subscribe) -> Result<Subscription, SubscribeError> {
        give_way().await;
        self.0.subscribe(subscribe).await
    }

    async fn ask(&self, request: NewEvent, within: Duration) -> Result<Event, AskError> {
        give_way().await;
        let reply = self.0.ask(request, within).await;
        give_way().await;
        reply
    }

    async fn dead_letters(&self) -> Result<DeadEvents, EventBusError> {
        give_way().await;
        self.0.dead_letters().await
    }
}

/// `topic::case` of each public async function that takes nothing but a desk.
fn written() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bus");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let cases = files.flat_map(|path| {
        let topic = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let functions = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
        let cases = functions.filter_map(|line| line.strip_suffix("(desk: &BusDesk) {"));
        cases.map(|case| format!("{topic}::{case}")).collect::<Vec<_>>()
    });
    cases.collect()
}

/// What a bus is asked in a run of the suite: `topic::case` of each line of the list, in their order.
fn listed() -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bus/suite.rs");
    let text = fs::read_to_string(file).unwrap();
    let mut topic = "";
    let mut cases = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some((_, opened)) = line.split_once("$make $options ")
            && let Some(name) = opened.strip_suffix(" {")
        {
            topic = name;
        } else if let Some((need, case)) = line.split_once(' ')
            && ["any", "clock", "bounds", "both"].contains(&need)
            && let Some(case) = case.strip_suffix(',')
        {
            cases.push(format!("{topic}::{case}"));
        }
    }
    cases
}

#[test]
fn every_case_of_a_bus_stands_in_the_list_once() {
    let listed = listed();
    let once: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(once.len(), listed.len(), "one is listed twice");
    assert_eq!(written(), once, "src/bus/suite.rs lists what there is");
}
