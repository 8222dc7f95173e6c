//! [`registry_sequences`]: random commands and queries for any two registries, and whether they answer alike.

mod compare;
mod words;

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, sample::select};
use safeguards_discovery::{CapabilityName, Query, Registration, Registry, Status, Version};
use safeguards_types::{AgentId, SimClock};

use self::compare::Pair;
use super::RegistrySetup;

/// What is asked of registries, turn by turn.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RegistrySequence {
    /// How many changes the registries are to keep.
    pub changes_kept: usize,
    /// How many agents they are to take.
    pub agents_max: usize,
    /// What happens, in this order.
    pub turns: Vec<RegistryTurn>,
}

/// One turn: the clock moves, and something is done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RegistryTurn {
    /// How far the clock moves, in milliseconds. It may go back.
    pub wait_ms: i64,
    /// What is done.
    pub act: RegistryAct,
}

/// What is done in one turn.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RegistryAct {
    /// An agent registers.
    Register(Registration),
    /// A lease is renewed: the one given so many before the latest.
    Renew(usize, Option<Status>),
    /// A capability is withdrawn.
    Withdraw(AgentId, CapabilityName, Option<Version>),
    /// An agent is deleted.
    Delete(AgentId),
    /// A query is asked, all pages of it; between two pages nothing happens.
    Find(Query),
    /// All that is known of an agent is read.
    Agent(AgentId),
    /// Changes are read: from so many before the latest, so many at most.
    Changes(u64, usize),
    /// Leases that ran out are ended.
    Sweep,
}

/// What was met while a sequence was played: how often each code was answered, `ok` among them, and how many agents
/// were found on all pages.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RegistryTally {
    /// How often each code was answered; `ok` where nothing went wrong.
    pub codes: BTreeMap<&'static str, u64>,
    /// How many agents were found.
    pub found: u64,
    /// How many leases ran out.
    pub expired: u64,
}

impl RegistrySequence {
    /// What the two registries are to be made of: both read this clock.
    pub fn setup(&self) -> RegistrySetup {
        let Self { changes_kept, agents_max, turns: _ } = *self;
        RegistrySetup { changes_kept, agents_max, ..RegistrySetup::large() }
    }

    /// Plays the sequence on two fresh registries that read this clock, and compares each answer. Only what they call
    /// a lease, and how well words fit, may differ.
    ///
    /// # Errors
    ///
    /// The first difference, in words.
    pub async fn play(
        &self,
        clock: &SimClock,
        one: &dyn Registry,
        other: &dyn Registry,
    ) -> Result<RegistryTally, String> {
        let mut pair = Pair::new(clock, one, other);
        for (number, turn) in self.turns.iter().enumerate() {
            let differs = |difference: String| format!("turn {number}, {turn:?}: {difference}");
            pair.turn(turn).await.map_err(differs)?;
        }
        pair.end().await
    }
}

/// Random sequences. They shrink to few turns.
pub fn registry_sequences() -> impl Strategy<Value = RegistrySequence> {
    let changes_kept = prop_oneof![3 => Just(10_000_usize), 1 => 0_usize..40];
    let agents_max = prop_oneof![3 => Just(10_000_usize), 1 => 1_usize..6];
    // Some come first, so that there is somebody to be found.
    let coming = words::registration()
        .prop_map(|said| RegistryTurn { wait_ms: 0, act: RegistryAct::Register(said) });
    let parts = (changes_kept, agents_max, vec(coming, 0..10), vec(turn(), 1..80));
    parts.prop_map(|(changes_kept, agents_max, mut turns, rest)| {
        turns.extend(rest);
        RegistrySequence { changes_kept, agents_max, turns }
    })
}

fn turn() -> BoxedStrategy<RegistryTurn> {
    let wait_ms = prop_oneof![
        12 => Just(0_i64),
        6 => select(vec![1, 500, 1_000, 2_000, 5_000]),
        1 => select(vec![59_999, 60_000]),
        1 => select(vec![-1, -1_000, -60_000]),
    ];
    let version = prop_oneof![Just(None), words::version().prop_map(Some)];
    let status = prop_oneof![2 => Just(None), 3 => words::status().prop_map(Some)];
    let back = prop_oneof![3 => 0_u64..8, 1 => 0_u64..60];
    let limit = prop_oneof![Just(usize::MAX), 0_usize..6];
    let act = prop_oneof![
        30 => words::registration().prop_map(RegistryAct::Register),
        12 => (0_usize..8, status).prop_map(|(back, status)| RegistryAct::Renew(back, status)),
        6 => (words::agent(), words::name(), version)
            .prop_map(|(agent, name, version)| RegistryAct::Withdraw(agent, name, version)),
        4 => words::agent().prop_map(RegistryAct::Delete),
        36 => words::query().prop_map(RegistryAct::Find),
        5 => words::agent().prop_map(RegistryAct::Agent),
        5 => (back, limit).prop_map(|(back, limit)| RegistryAct::Changes(back, limit)),
        2 => Just(RegistryAct::Sweep),
    ];
    (wait_ms, act).prop_map(|(wait_ms, act)| RegistryTurn { wait_ms, act }).boxed()
}
