//! [`state_sequences`]: random requests for any two stores of shared state, and whether they answer alike.

use std::{collections::BTreeMap, fmt, time::Duration};

use proptest::{collection::vec, option, prelude::*, sample::select};
use safeguards_coord::{
    KeyRules, Lifetime, Revision, StateError, StateKey, StateQuery, StateScope, StateStore,
    StateTerms, StateWrite,
};
use safeguards_types::{AgentId, Clock, SimClock, Timestamp};
use serde_json::{Value, json};

use super::StateSetup;

/// What is asked of stores, turn by turn.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StateSequence {
    /// How many keys, how many bytes, how many earlier versions and how many changes the stores are to take and keep.
    pub bounds: [usize; 4],
    /// What happens, in this order.
    pub turns: Vec<StateTurn>,
}

/// One turn: the clock moves, and an agent does something.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StateTurn {
    /// How far the clock moves, in milliseconds. It may go back.
    pub wait_ms: i64,
    /// Who does it.
    pub agent: AgentId,
    /// What is done.
    pub act: StateAct,
}

/// What is done in one turn. Where there is a condition, it is a revision so many before the one after the latest.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StateAct {
    /// A key is read.
    Read(StateKey),
    /// A value is written.
    Write(StateWrite, Option<u64>),
    /// Other terms are set.
    Amend(StateTerms, Option<u64>),
    /// A key is deleted.
    Delete(StateKey, Option<u64>),
    /// Keys are listed, all pages of them; between two pages nothing happens.
    List(StateQuery),
    /// The versions of a key are read.
    History(StateKey, usize),
    /// Changes are read: from so many before the one after the latest, so many at most.
    Changes(StateScope, u64, usize),
    /// Keys whose time ran out are ended.
    Sweep,
}

/// What was met while a sequence was played.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StateTally {
    /// How often each code was answered; `ok` where nothing went wrong.
    pub codes: BTreeMap<&'static str, u64>,
}

impl StateSequence {
    /// What the two stores are to be made of: both read this clock.
    pub fn setup(&self) -> StateSetup {
        let [keys_max, bytes_max, history_kept, changes_kept] = self.bounds;
        StateSetup { keys_max, bytes_max, history_kept, changes_kept, ..StateSetup::large() }
    }

    /// Plays the sequence on two fresh stores that read this clock, and compares each answer.
    ///
    /// # Errors
    ///
    /// The first difference, in words.
    pub async fn play(
        &self,
        clock: &SimClock,
        one: &dyn StateStore,
        other: &dyn StateStore,
    ) -> Result<StateTally, String> {
        let mut tally = StateTally::default();
        for (number, turn) in self.turns.iter().enumerate() {
            let differs = |difference: String| format!("turn {number}, {turn:?}: {difference}");
            play(clock, [one, other], turn, &mut tally).await.map_err(differs)?;
        }
        // Last of all, everything that each agent may see.
        for agent in AGENTS {
            let query = StateQuery::all().limit(1);
            let latest =
                one.list(&agent.into(), &query).await.map_err(|error| error.to_string())?;
            let changes = StateAct::Changes(StateScope::all(), latest.revision.number(), 10_000);
            for act in [StateAct::List(StateQuery::all().limit(3)), changes] {
                let turn = StateTurn { wait_ms: 0, agent: agent.into(), act };
                let differs = |difference: String| format!("at the end, {turn:?}: {difference}");
                play(clock, [one, other], &turn, &mut tally).await.map_err(differs)?;
            }
        }
        Ok(tally)
    }
}

type Answer<T> = Result<T, StateError>;

/// The same answer, or errors that say the same; what cannot be used only by code.
fn both<T: PartialEq + fmt::Debug>(
    one: Answer<T>,
    other: Answer<T>,
    tally: &mut StateTally,
) -> Result<Option<T>, String> {
    let code = one.as_ref().map_or_else(StateError::code, |_| "ok");
    let times = tally.codes.entry(code).or_default();
    *times = times.saturating_add(1);
    match (one, other) {
        (Ok(one), Ok(other)) if one == other => Ok(Some(one)),
        (Err(StateError::Invalid(one)), Err(StateError::Invalid(other)))
            if (one.code(), one.field()) == (other.code(), other.field()) =>
        {
            Ok(None)
        }
        (Err(one), Err(other))
            if (one.code(), one.to_string()) == (other.code(), other.to_string()) =>
        {
            Ok(None)
        }
        (one, other) => Err(format!("{one:?}, the other: {other:?}")),
    }
}

async fn play(
    clock: &SimClock,
    [one, other]: [&dyn StateStore; 2],
    StateTurn { wait_ms, agent, act }: &StateTurn,
    tally: &mut StateTally,
) -> Result<(), String> {
    let nanos = wait_ms.saturating_mul(1_000_000);
    if nanos >= 0 {
        clock.advance(Duration::from_nanos(nanos.unsigned_abs()));
    } else {
        let back = clock.now().as_nanos().saturating_add(nanos);
        clock.set(Timestamp::from_nanos(back).unwrap_or_default());
    }
    let query = StateQuery::all().limit(1);
    let page = both(one.list(agent, &query).await, other.list(agent, &query).await, tally)?;
    let ahead = page.map_or(0, |page| page.revision.number()).saturating_add(1);
    let back = |back: u64| Revision::new(ahead.saturating_sub(back));
    match act {
        StateAct::Read(key) => {
            both(one.read(agent, key).await, other.read(agent, key).await, tally)?;
        }
        StateAct::Write(write, condition) => {
            let mut write = write.clone();
            write.if_revision = condition.map(back);
            let first = one.write(agent, write.clone()).await;
            both(first, other.write(agent, write).await, tally)?;
        }
        StateAct::Amend(terms, condition) => {
            let mut terms = terms.clone();
            terms.if_revision = condition.map(back);
            let first = one.amend(agent, terms.clone()).await;
            both(first, other.amend(agent, terms).await, tally)?;
        }
        StateAct::Delete(key, condition) => {
            let condition = condition.map(back);
            let first = one.delete(agent, key, condition).await;
            both(first, other.delete(agent, key, condition).await, tally)?;
        }
        StateAct::List(query) => {
            let mut query = query.clone();
            loop {
                let first = one.list(agent, &query).await;
                let page = both(first, other.list(agent, &query).await, tally)?;
                let Some(next) = page.and_then(|page| page.next) else { break };
                query = query.after(next);
            }
        }
        StateAct::History(key, limit) => {
            let first = one.history(agent, key, *limit).await;
            both(first, other.history(agent, key, *limit).await, tally)?;
        }
        StateAct::Changes(scope, before, limit) => {
            let after = back(*before);
            let first = one.changes(agent, scope, after, *limit).await;
            both(first, other.changes(agent, scope, after, *limit).await, tally)?;
        }
        StateAct::Sweep => {
            both(one.sweep().await, other.sweep().await, tally)?;
        }
    }
    Ok(())
}

const AGENTS: [&str; 4] = ["a", "b", "c", "é"];
const KEYS: [&str; 7] = ["k", "k/1", "k/10", "k/2", "l", "K", "é"];

/// Random sequences. They shrink to few turns.
pub fn state_sequences() -> impl Strategy<Value = StateSequence> {
    let bounds = (
        prop_oneof![3 => Just(1_000_usize), 1 => 1_usize..5],
        prop_oneof![3 => Just(1_000_000_usize), 1 => 20_usize..200],
        0_usize..4,
        prop_oneof![3 => Just(10_000_usize), 2 => 0_usize..12],
    );
    (bounds, vec(turn(), 1..80)).prop_map(|((keys, bytes, history, changes), turns)| {
        StateSequence { bounds: [keys, bytes, history, changes], turns }
    })
}

fn agent() -> BoxedStrategy<AgentId> {
    let usual = select(AGENTS.to_vec()).prop_map(AgentId::from);
    prop_oneof![60 => usual, 1 => select(vec!["", "a\n"]).prop_map(AgentId::from)].boxed()
}

fn key() -> BoxedStrategy<StateKey> {
    select(KEYS.iter().filter_map(|key| StateKey::parse(key).ok()).collect::<Vec<_>>()).boxed()
}

fn rules() -> BoxedStrategy<KeyRules> {
    let some = || vec(agent(), 0..3);
    prop_oneof![
        3 => Just(KeyRules::new()),
        3 => Just(KeyRules::private()),
        4 => Just(KeyRules::public()),
        2 => some().prop_map(|agents| KeyRules::private().readers(agents)),
        2 => some().prop_map(|agents| KeyRules::new().writers(agents)),
        1 => some().prop_map(|agents| KeyRules::private().writers(agents)),
    ]
    .boxed()
}

fn lifetime() -> BoxedStrategy<Lifetime> {
    prop_oneof![
        12 => Just(Lifetime::Keep),
        1 => Just(Lifetime::Lasting),
        4 => select(vec![1_u64, 1_000, 2_000, 5_000, 60_000])
            .prop_map(|ms| Lifetime::For(Duration::from_millis(ms))),
        1 => select(vec![Duration::ZERO, Duration::MAX]).prop_map(Lifetime::For),
    ]
    .boxed()
}

fn value() -> BoxedStrategy<Value> {
    let deep = (0..70).fold(json!(1), |inner, _| json!([inner]));
    let usual =
        vec![json!(1), json!("two"), json!({ "n": [1, 2.5, null] }), json!("é\n\""), json!([])];
    prop_oneof![
        40 => select(usual),
        8 => (0_usize..60).prop_map(|length| Value::from("x".repeat(length))),
        1 => Just(deep),
    ]
    .boxed()
}

fn condition() -> BoxedStrategy<Option<u64>> {
    option::weighted(0.4, prop_oneof![20 => 1_u64..8, 1 => Just(0), 2 => 8_u64..60]).boxed()
}

fn scope() -> BoxedStrategy<StateScope> {
    prop_oneof![
        2 => key().prop_map(StateScope::Key),
        2 => select(vec!["", "k", "k/", "é", "x"]).prop_map(StateScope::prefix),
    ]
    .boxed()
}

fn turn() -> BoxedStrategy<StateTurn> {
    let wait_ms = prop_oneof![
        12 => Just(0_i64),
        6 => select(vec![1, 500, 1_000, 2_000, 5_000]),
        1 => select(vec![59_999, 60_000]),
        1 => select(vec![-1, -1_000, -60_000]),
    ];
    let write = (key(), value(), option::weighted(0.25, rules()), lifetime()).prop_filter_map(
        "a key",
        |(key, value, rules, lifetime)| {
            let mut write = StateWrite::new(key, value).ok()?;
            (write.rules, write.lifetime) = (rules, lifetime);
            Some(write)
        },
    );
    let terms = (key(), option::of(agent()), option::of(rules()), lifetime()).prop_filter_map(
        "a key",
        |(key, owner, rules, lifetime)| {
            let mut terms = StateTerms::of(key).ok()?;
            (terms.owner, terms.rules, terms.lifetime) = (owner, rules, lifetime);
            Some(terms)
        },
    );
    let limit = prop_oneof![20 => (1_usize..6).prop_map(Some), 2 => Just(None), 1 => Just(Some(0))];
    let list = (select(vec!["", "k", "k/", "K", "é"]), option::weighted(0.3, key()), limit);
    let list = list.prop_map(|(prefix, after, limit)| {
        let mut query = StateQuery::prefix(prefix);
        (query.after, query.limit) = (after, limit);
        query
    });
    let many = || prop_oneof![Just(usize::MAX), 0_usize..6];
    let act = prop_oneof![
        10 => key().prop_map(StateAct::Read),
        36 => (write, condition()).prop_map(|(write, on)| StateAct::Write(write, on)),
        8 => (terms, condition()).prop_map(|(terms, on)| StateAct::Amend(terms, on)),
        8 => (key(), condition()).prop_map(|(key, on)| StateAct::Delete(key, on)),
        8 => list.prop_map(StateAct::List),
        6 => (key(), many()).prop_map(|(key, limit)| StateAct::History(key, limit)),
        10 => (scope(), 0_u64..30, many())
            .prop_map(|(scope, back, limit)| StateAct::Changes(scope, back, limit)),
        2 => Just(StateAct::Sweep),
    ];
    (wait_ms, agent(), act)
        .prop_map(|(wait_ms, agent, act)| StateTurn { wait_ms, agent, act })
        .boxed()
}
