//! The naive run store passes every case, also behind one whose futures wait; each case stands in its lists; and what is
//! odd about a run store is found.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

use async_trait::async_trait;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use safeguards_coord::{RunEntry, RunHead, RunId, RunQuery, RunStore, RunStoreError, RunView};
use safeguards_testkit::{
    run_store_conformance,
    runs::{
        FaultyRunStore, PlainRunStore, RunHeads, RunStoreCall, RunStoreEnv, RunStoreFault,
        RunStoreSetup, run_store_sequences, sample_entries,
    },
};
use safeguards_types::{OperationId, OperationIds, Timestamp};
use tokio::task::yield_now;

mod plain {
    use super::*;

    async fn make(setup: RunStoreSetup) -> RunStoreEnv {
        RunStoreEnv::new(Arc::new(PlainRunStore::new(setup)))
    }

    run_store_conformance!(make);
}

/// One whose futures wait, and which is as durable as a test: it is opened again by another handle.
mod slow {
    use super::*;

    async fn make(setup: RunStoreSetup) -> RunStoreEnv {
        let plain = PlainRunStore::new(setup);
        let again = plain.clone();
        RunStoreEnv::new(Arc::new(Twisted { plain, twist: Twist::Slow })).reopens(move || {
            let plain = again.clone();
            async move { Arc::new(Twisted { plain, twist: Twist::Slow }) as Arc<dyn RunStore> }
        })
    }

    run_store_conformance!(make, durable);
}

/// One with bounds of its own: what needs others is ignored.
mod own {
    use super::*;

    async fn make(_: RunStoreSetup) -> RunStoreEnv {
        RunStoreEnv::new(Arc::new(PlainRunStore::new(RunStoreSetup::large())))
    }

    run_store_conformance!(make, fixed_bounds);
}

/// What is odd about a run store.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Twist {
    /// Others go first, before a call arrives and before its answer does.
    Slow,
    /// Who wrote in an earlier leg still does.
    NoFence,
    /// A run is taken over whichever leg it is in.
    AnyLeg,
    /// What was appended twice stands there twice, as another attempt.
    Twice,
    /// An end is shown only where there are other entries.
    NoEnd,
    /// What has not ended is forgotten too.
    ForgetsAll,
    /// Filters by team are not looked at.
    NoTeam,
    /// A page begins anywhere.
    NoCursor,
    /// The first come first.
    Ascending,
    /// A name begins anew whoever has it.
    Lenient,
    /// Pages of entries are one entry short.
    Short,
}

#[derive(Debug)]
struct Twisted {
    plain: PlainRunStore,
    twist: Twist,
}

impl Twisted {
    async fn give_way(&self) {
        if self.twist == Twist::Slow {
            for _ in 0..5 {
                yield_now().await;
            }
        }
    }

    async fn leg_of(&self, run: &RunId, leg: u32) -> u32 {
        self.plain.run(run).await.unwrap().map_or(leg, |run| run.leg)
    }
}

#[async_trait]
impl RunStore for Twisted {
    async fn begin(&self, head: RunHead) -> Result<(), RunStoreError> {
        self.give_way().await;
        let run = head.run.clone();
        let mut begun = self.plain.begin(head).await;
        if self.twist == Twist::Lenient && self.plain.run(&run).await?.is_some() {
            begun = Ok(());
        }
        self.give_way().await;
        begun
    }

    async fn append(&self, run: &RunId, leg: u32, entry: RunEntry) -> Result<(), RunStoreError> {
        self.give_way().await;
        let leg = if self.twist == Twist::NoFence { self.leg_of(run, leg).await } else { leg };
        if let (Twist::Twice, RunEntry::Intent(intent)) = (self.twist, &entry) {
            let mut again = intent.clone();
            again.attempt += 100;
            let _ = self.plain.append(run, leg, RunEntry::Intent(again)).await;
        }
        let appended = self.plain.append(run, leg, entry).await;
        self.give_way().await;
        appended
    }

    async fn take_over(
        &self,
        run: &RunId,
        leg: u32,
        by: OperationId,
        at: Timestamp,
    ) -> Result<u32, RunStoreError> {
        self.give_way().await;
        let leg = if self.twist == Twist::AnyLeg { self.leg_of(run, leg).await } else { leg };
        let next = self.plain.take_over(run, leg, by, at).await;
        self.give_way().await;
        next
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunView>, RunStoreError> {
        self.give_way().await;
        let mut view = self.plain.run(run).await?;
        if let Some(view) = view.as_mut().filter(|view| view.entries == 1) {
            view.end = view.end.take().filter(|_| self.twist != Twist::NoEnd);
        }
        Ok(view)
    }

    async fn entries(
        &self,
        run: &RunId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RunEntry>, RunStoreError> {
        self.give_way().await;
        let mut entries = self.plain.entries(run, from, limit).await?;
        if self.twist == Twist::Short && entries.len() == limit {
            entries.pop();
        }
        self.give_way().await;
        Ok(entries)
    }

    async fn runs(&self, query: &RunQuery) -> Result<Vec<RunView>, RunStoreError> {
        self.give_way().await;
        let mut query = query.clone();
        match self.twist {
            Twist::NoTeam => query.team = None,
            Twist::NoCursor => query.after = None,
            Twist::Slow
            | Twist::NoFence
            | Twist::AnyLeg
            | Twist::Twice
            | Twist::NoEnd
            | Twist::ForgetsAll
            | Twist::Ascending
            | Twist::Lenient
            | Twist::Short => {}
        }
        let mut runs = self.plain.runs(&query).await?;
        if self.twist == Twist::Ascending {
            runs.reverse();
        }
        self.give_way().await;
        Ok(runs)
    }

    async fn forget(&self, run: &RunId) -> Result<bool, RunStoreError> {
        self.give_way().await;
        let forgotten = self.plain.forget(run).await;
        if self.twist == Twist::ForgetsAll {
            return Ok(forgotten.unwrap_or(true));
        }
        forgotten
    }

    fn is_durable(&self) -> bool {
        true
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn whatever_is_odd_about_a_run_store_is_found() {
    #[track_caller]
    fn check(twist: Twist, is_found: bool) {
        let mut runner = TestRunner::deterministic();
        let sequences = run_store_sequences();
        let differs = (0..300).any(|_| {
            let sequence = sequences.new_tree(&mut runner).unwrap().current();
            let one = PlainRunStore::new(sequence.setup());
            let other = Twisted { plain: PlainRunStore::new(sequence.setup()), twist };
            block_on(sequence.play(&one, &other)).is_err()
        });
        assert_eq!(differs, is_found, "{twist:?}");
    }
    check(Twist::Slow, false);
    check(Twist::NoFence, true);
    check(Twist::AnyLeg, true);
    check(Twist::Twice, true);
    check(Twist::NoEnd, true);
    check(Twist::ForgetsAll, true);
    check(Twist::NoTeam, true);
    check(Twist::NoCursor, true);
    check(Twist::Ascending, true);
    check(Twist::Lenient, true);
    check(Twist::Short, true);
}

#[test]
fn sequences_of_run_stores_meet_every_code() {
    let mut runner = TestRunner::deterministic();
    let sequences = run_store_sequences();
    let mut seen = BTreeMap::<&str, u64>::new();
    for _ in 0..300 {
        let sequence = sequences.new_tree(&mut runner).unwrap().current();
        let one = PlainRunStore::new(sequence.setup());
        let other = PlainRunStore::new(sequence.setup());
        for (code, times) in block_on(sequence.play(&one, &other)).unwrap().codes {
            *seen.entry(code).or_default() += times;
        }
    }
    let codes = [
        "bound_exceeded",
        "entry_conflict",
        "run_ended",
        "run_exists",
        "run_unfinished",
        "taken_over",
        "unknown_run",
    ];
    for code in codes {
        let times = seen.get(&*format!("runs.{code}")).copied();
        assert!(times.is_some_and(|times| times > 100), "{code}: {seen:#?}");
    }
    let all: u64 = seen.values().sum();
    assert!(seen["ok"] > all / 2, "{seen:#?}");
}

#[test]
fn a_faulty_run_store_fails_as_it_is_told() {
    block_on(async {
        let runs = FaultyRunStore::new(PlainRunStore::new(RunStoreSetup::large()));
        let (head, run) = (RunHeads::new().head("r"), RunId::from("r"));
        runs.script([Some(RunStoreFault::Before), Some(RunStoreFault::After), None]);
        assert_eq!(runs.begin(head.clone()).await.unwrap_err().code(), "runs.unavailable");
        assert_eq!(runs.forget(&run).await.unwrap_err().code(), "runs.unavailable");
        assert_eq!(runs.run(&run).await.unwrap(), None, "it never arrived");
        runs.script([Some(RunStoreFault::After)]);
        assert!(runs.begin(head).await.unwrap_err().is_retryable());
        assert!(runs.run(&run).await.unwrap().is_some(), "its answer was lost");
        runs.plan(|call| (call == RunStoreCall::Outcome).then_some(RunStoreFault::Corrupt));
        let mut codes = Vec::new();
        for (entry, _) in sample_entries() {
            codes.push(runs.append(&run, 1, entry).await.map_err(|error| error.code()));
        }
        let (taken, refused) = (Ok(()), Err("runs.corrupt"));
        let late = Err("runs.entry_conflict");
        assert_eq!(codes[..7], [taken, taken, refused, refused, refused, refused, taken]);
        assert_eq!(codes[7..], [late, late]);
        runs.plan(|_| Some(RunStoreFault::Hang));
        tokio::select! {
            biased;
            result = runs.run(&run) => panic!("there is no answer: {result:?}"),
            () = yield_now() => {}
        }
        runs.fail_always(RunStoreFault::Before);
        assert!(runs.runs(&RunQuery::all()).await.is_err());
        assert!(runs.entries(&run, 0, 1).await.is_err());
        let by = OperationIds::seeded(1).mint(Timestamp::UNIX_EPOCH);
        assert!(runs.take_over(&run, 1, by, Timestamp::UNIX_EPOCH).await.is_err());
        runs.plan(|_| Some(RunStoreFault::Panic));
        let store = runs.clone();
        let joined = tokio::spawn(async move { store.forget(&"r".into()).await }).await;
        assert!(joined.unwrap_err().is_panic());
        runs.mend();
        assert_eq!(runs.entries(&run, 0, 10).await.unwrap().len(), 3);
        assert_eq!((runs.calls(), runs.is_durable()), (20, false));
    });
}

/// The folder of the suite.
fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/runs")
}

/// `topic::case` of each public async function that takes nothing but a desk.
fn written() -> BTreeSet<String> {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| path.is_file());
    let cases = files.flat_map(|path| {
        let topic = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let functions = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
        let cases = functions.filter_map(|line| line.strip_suffix("(desk: &RunStoreDesk) {"));
        cases.map(|case| format!("{topic}::{case}")).collect::<Vec<_>>()
    });
    cases.collect()
}

/// `topic::case` of each line of the list, in their order.
fn listed() -> Vec<String> {
    let text = fs::read_to_string(folder().join("suite.rs")).unwrap();
    let mut topic = "";
    let mut cases = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some((_, opened)) = line.split_once("$make $options ")
            && let Some(name) = opened.strip_suffix(" {")
        {
            topic = name;
        } else if let Some((need, case)) = line.split_once(' ')
            && ["any", "bounds", "durable"].contains(&need)
            && let Some(case) = case.strip_suffix(',')
        {
            cases.push(format!("{topic}::{case}"));
        }
    }
    cases
}

#[test]
fn every_case_of_a_run_store_stands_in_the_list_once_and_among_the_laws() {
    let listed = listed();
    assert!(listed.len() > 70, "{} cases are listed", listed.len());
    let once: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(once.len(), listed.len(), "one is listed twice");
    assert_eq!(written(), once, "src/runs/suite.rs lists what there is");
    let laws = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/laws.md");
    let laws = fs::read_to_string(laws).unwrap();
    let (_, laws) = laws.split_once("## Run stores").unwrap();
    let missing: Vec<_> = once.iter().filter(|case| !laws.contains(&format!("`{case}`"))).collect();
    assert!(missing.is_empty(), "docs/reference/laws.md has no rule with {missing:#?}");
}
