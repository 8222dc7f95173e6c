//! [`run_store_sequences`]: random calls for any two run stores, and whether they answer alike.

use std::{collections::BTreeMap, fmt};

use proptest::{collection::vec, prelude::*, sample::select};
use safeguards_coord::{
    RunEntry, RunHead, RunId, RunQuery, RunStore, RunStoreBounds, RunStoreError,
};

use super::{
    RunHeads, RunStoreSetup,
    words::{end, instant, intent, outcome, sized, taker},
};

/// What is asked of run stores, one after the other.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunStoreSequence {
    /// The bounds that the stores are to have.
    pub bounds: RunStoreBounds,
    /// What is done, in this order.
    pub acts: Vec<RunStoreAct>,
}

/// What is done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RunStoreAct {
    /// A run begins.
    Begin(RunHead),
    /// Something is appended, in the leg that is so many before the run's.
    Append(RunId, u32, RunEntry),
    /// The run is taken over, from the leg that is so many before its own, so many seconds after the morning.
    TakeOver(RunId, u32, i64),
    /// A run is looked at.
    Run(RunId),
    /// Entries are read.
    Entries(RunId, u64, usize),
    /// Runs are listed.
    Runs(RunQuery),
    /// A run is forgotten.
    Forget(RunId),
}

/// What was met while a sequence was played.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RunStoreTally {
    /// How often each code was answered; `ok` where nothing went wrong.
    pub codes: BTreeMap<&'static str, u64>,
}

impl RunStoreSequence {
    /// What the two stores are to be made of.
    pub const fn setup(&self) -> RunStoreSetup {
        RunStoreSetup::new(self.bounds)
    }

    /// Plays the sequence on two fresh stores, and compares each answer and what there is in the end.
    ///
    /// # Errors
    ///
    /// The first difference, in words.
    pub async fn play(
        &self,
        one: &dyn RunStore,
        other: &dyn RunStore,
    ) -> Result<RunStoreTally, String> {
        let mut pair = Pair { one, other, tally: RunStoreTally::default() };
        for (number, act) in self.acts.iter().enumerate() {
            let differs = |difference: String| format!("act {number}, {act:?}: {difference}");
            pair.act(act).await.map_err(differs)?;
        }
        let runs = RunQuery::all();
        let listed = pair.both(one.runs(&runs).await, other.runs(&runs).await)?;
        for run in listed.unwrap_or_default() {
            let run = &run.head.run;
            pair.both(one.entries(run, 0, 1_000).await, other.entries(run, 0, 1_000).await)?;
        }
        Ok(pair.tally)
    }
}

struct Pair<'a> {
    one: &'a dyn RunStore,
    other: &'a dyn RunStore,
    tally: RunStoreTally,
}

impl Pair<'_> {
    async fn act(&mut self, act: &RunStoreAct) -> Result<(), String> {
        let (one, other) = (self.one, self.other);
        match act {
            RunStoreAct::Begin(head) => {
                self.both(one.begin(head.clone()).await, other.begin(head.clone()).await)?;
            }
            RunStoreAct::Append(run, back, entry) => {
                let leg = self.leg(run).await?.wrapping_sub(*back);
                let answer = one.append(run, leg, entry.clone()).await;
                self.both(answer, other.append(run, leg, entry.clone()).await)?;
            }
            RunStoreAct::TakeOver(run, back, seconds) => {
                let (leg, at) = (self.leg(run).await?.wrapping_sub(*back), instant(*seconds));
                let answer = one.take_over(run, leg, taker(*seconds), at).await;
                self.both(answer, other.take_over(run, leg, taker(*seconds), at).await)?;
            }
            RunStoreAct::Run(run) => {
                self.both(one.run(run).await, other.run(run).await)?;
            }
            RunStoreAct::Entries(run, from, limit) => {
                let answer = one.entries(run, *from, *limit).await;
                self.both(answer, other.entries(run, *from, *limit).await)?;
            }
            RunStoreAct::Runs(query) => {
                self.both(one.runs(query).await, other.runs(query).await)?;
            }
            RunStoreAct::Forget(run) => {
                self.both(one.forget(run).await, other.forget(run).await)?;
            }
        }
        Ok(())
    }

    /// In which leg a run is.
    async fn leg(&mut self, run: &RunId) -> Result<u32, String> {
        let seen = self.both(self.one.run(run).await, self.other.run(run).await)?;
        Ok(seen.flatten().map_or(1, |run| run.leg))
    }

    /// Both gave the same, or refused by the same code.
    fn both<T: PartialEq + fmt::Debug>(
        &mut self,
        one: Result<T, RunStoreError>,
        other: Result<T, RunStoreError>,
    ) -> Result<Option<T>, String> {
        let code = one.as_ref().map_or_else(RunStoreError::code, |_| "ok");
        let times = self.tally.codes.entry(code).or_default();
        *times = times.saturating_add(1);
        match (one, other) {
            (Ok(one), Ok(other)) if one == other => Ok(Some(one)),
            (Err(one), Err(other)) if one.code() == other.code() => Ok(None),
            (one, other) => Err(format!("{one:?}, the other: {other:?}")),
        }
    }
}

/// Random sequences. They shrink to few acts.
pub fn run_store_sequences() -> impl Strategy<Value = RunStoreSequence> {
    let bounds = (
        prop_oneof![2 => Just(1_000), 3 => 0..4_usize],
        prop_oneof![2 => Just(1_000), 3 => 1..5_usize],
        prop_oneof![2 => Just(1_000), 3 => 0..6_u64],
    );
    let bounds = bounds.prop_map(|(ended_kept, unfinished_max, entries_max)| {
        let mut bounds = RunStoreSetup::small().bounds;
        bounds.ended_kept = ended_kept;
        bounds.unfinished_max = unfinished_max;
        bounds.entries_max = entries_max;
        bounds
    });
    // Some begin first, so that there is something to go on with.
    let begun = vec(head().prop_map(RunStoreAct::Begin), 0..6);
    (bounds, begun, vec(act(), 1..80)).prop_map(|(bounds, mut acts, rest)| {
        acts.extend(rest);
        RunStoreSequence { bounds, acts }
    })
}

fn run() -> impl Strategy<Value = RunId> {
    select(vec!["a", "b", "c", "d", "B"]).prop_map(RunId::from)
}

fn head() -> impl Strategy<Value = RunHead> {
    let parts = (run(), select(vec!["x", "y"]), prop_oneof![8 => Just(0_i64), 1 => 1..3_i64]);
    parts.prop_map(|(run, team, later)| {
        // The same name most often begins in the same way.
        let first = run.as_str().bytes().next().map_or(0, i64::from);
        let seconds = first.div_euclid(2).saturating_add(later);
        RunHeads::new().team(team).begun_after(seconds).head(run.as_str())
    })
}

fn entry() -> impl Strategy<Value = RunEntry> {
    let step = || select(vec!["s", "t", "s/1"]);
    let attempt = || 0..3_u32;
    let states = vec!["succeeded", "failed", "cancelled"];
    prop_oneof![
        4 => (step(), attempt()).prop_map(|(step, attempt)| intent(step, attempt)),
        4 => (step(), attempt(), 0..2_u8)
            .prop_map(|(step, attempt, output)| outcome(step, attempt, output)),
        4 => select(states).prop_map(end),
        1 => (999..1_002_usize).prop_map(|bytes| sized("u", bytes)),
        1 => (0..4_u32).prop_map(|leg| RunEntry::TakenOver { leg, by: taker(5), at: instant(5) }),
    ]
}

fn act() -> BoxedStrategy<RunStoreAct> {
    let back = || prop_oneof![8 => Just(0_u32), 1 => Just(1), 1 => Just(u32::MAX)];
    let query = (any::<bool>(), select(vec![None, Some("x"), Some("y")]), 0..5_usize);
    let query = (query, prop_oneof![3 => Just(None), 1 => run().prop_map(Some)]);
    let query = query.prop_map(|((unfinished_only, team, limit), after)| {
        let mut query = RunQuery::all().limit(if limit == 4 { usize::MAX } else { limit });
        query.unfinished_only = unfinished_only;
        query.team = team.map(str::to_owned);
        query.after = after;
        query
    });
    prop_oneof![
        10 => head().prop_map(RunStoreAct::Begin),
        24 => (run(), back(), entry())
            .prop_map(|(run, back, entry)| RunStoreAct::Append(run, back, entry)),
        8 => (run(), back(), 0..3_i64)
            .prop_map(|(run, back, seconds)| RunStoreAct::TakeOver(run, back, seconds)),
        4 => run().prop_map(RunStoreAct::Run),
        4 => (run(), 0..6_u64, 0..4_usize)
            .prop_map(|(run, from, limit)| RunStoreAct::Entries(run, from, limit)),
        8 => query.prop_map(RunStoreAct::Runs),
        3 => run().prop_map(RunStoreAct::Forget),
    ]
    .boxed()
}
