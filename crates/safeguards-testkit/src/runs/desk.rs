//! [`RunStoreDesk`]: what a case works at: a run store, and the words to ask it with.

use std::{
    cell::RefCell, collections::BTreeSet, future::poll_fn, sync::Arc, task::Poll, time::Duration,
};

use safeguards_coord::{RunEntry, RunHead, RunQuery, RunStore, RunStoreBounds, RunView};

use super::{
    RunStoreEnv, RunStoreSetup,
    env::Open,
    words::{instant, taker},
};

/// What a case works at: a run store, and the words to ask it with.
#[derive(Debug)]
pub struct RunStoreDesk {
    env: RunStoreEnv,
    setup: RunStoreSetup,
    /// None only while it is opened again.
    store: RefCell<Option<Arc<dyn RunStore>>>,
}

/// How long a case waits for what is to come, in real time. Only where that never comes does anybody wait.
const PATIENCE: Duration = Duration::from_secs(20);

impl RunStoreDesk {
    /// A desk for this store, which was made as `setup` says.
    pub fn new(mut env: RunStoreEnv, setup: RunStoreSetup) -> Self {
        let store = RefCell::new(env.store.take());
        Self { env, setup, store }
    }

    /// The store.
    pub fn store(&self) -> Arc<dyn RunStore> {
        self.store.borrow().clone().expect("the store is open")
    }

    pub(super) const fn bounds(&self) -> &RunStoreBounds {
        &self.setup.bounds
    }

    pub(super) async fn begin(&self, head: RunHead) {
        self.store().begin(head).await.unwrap();
    }

    /// It is refused with this code, and nothing has happened.
    pub(super) async fn refuses_begin(&self, head: RunHead, code: &str) {
        let before = self.all().await;
        let error = self.store().begin(head).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(self.all().await, before, "nothing of what is refused has happened");
    }

    pub(super) async fn append(&self, run: &str, leg: u32, entry: RunEntry) {
        self.store().append(&run.into(), leg, entry).await.unwrap();
    }

    /// It is refused with this code, and nothing has happened.
    pub(super) async fn refuses(&self, run: &str, leg: u32, entry: RunEntry, code: &str) {
        let before = self.all().await;
        let error = self.store().append(&run.into(), leg, entry).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(self.all().await, before, "nothing of what is refused has happened");
    }

    /// Takes a run over, so many seconds after the morning.
    pub(super) async fn take_over(&self, run: &str, leg: u32, seconds: i64) -> u32 {
        self.store().take_over(&run.into(), leg, taker(seconds), instant(seconds)).await.unwrap()
    }

    /// It is refused with this code, and nothing has happened.
    pub(super) async fn refuses_taking_over(&self, run: &str, leg: u32, seconds: i64, code: &str) {
        let before = self.all().await;
        let error = self
            .store()
            .take_over(&run.into(), leg, taker(seconds), instant(seconds))
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(self.all().await, before, "nothing of what is refused has happened");
    }

    /// Begins a run and ends it at once.
    pub(super) async fn ended(&self, head: RunHead) {
        let run = head.run.clone();
        self.begin(head).await;
        self.append(run.as_str(), 1, super::words::end("succeeded")).await;
    }

    pub(super) async fn forget(&self, run: &str) -> bool {
        self.store().forget(&run.into()).await.unwrap()
    }

    pub(super) async fn view_of(&self, run: &str) -> Option<RunView> {
        self.store().run(&run.into()).await.unwrap()
    }

    /// The run, which is there.
    pub(super) async fn view(&self, run: &str) -> RunView {
        self.view_of(run).await.expect("the run is there")
    }

    /// All entries of a run, in pages of a few.
    pub(super) async fn entries(&self, run: &str) -> Vec<RunEntry> {
        let mut all = Vec::new();
        loop {
            let from = u64::try_from(all.len()).unwrap();
            let page = self.store().entries(&run.into(), from, 700).await.unwrap();
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// What is asked for: the names of the runs, in this order, with spaces between.
    pub(super) async fn listed(&self, query: &RunQuery) -> String {
        let runs = self.store().runs(query).await.unwrap();
        let names: Vec<&str> = runs.iter().map(|run| run.head.run.as_str()).collect();
        names.join(" ")
    }

    /// Whether the store can be opened again.
    pub(super) fn reopens(&self) -> bool {
        self.env.reopen.is_some()
    }

    /// Drops the store and opens it again.
    pub(super) async fn reopen(&self) {
        self.store.replace(None);
        let open: &Open = self.env.reopen.as_ref().expect("the environment says how");
        let store = open().await;
        self.store.replace(Some(store));
    }

    /// All runs, each with its entries.
    pub(super) async fn all(&self) -> Vec<(RunView, Vec<RunEntry>)> {
        let (mut all, mut query) = (Vec::new(), RunQuery::all());
        loop {
            let page = self.store().runs(&query).await.unwrap();
            let Some(last) = page.last() else { return all };
            query = query.after(last.head.run.clone());
            for view in page {
                let entries = self.entries(view.head.run.as_str()).await;
                all.push((view, entries));
            }
        }
    }

    /// What holds after every case: what is shown of each run is what its entries say, and runs stand in order.
    pub(super) async fn audit(&self) {
        let all = self.all().await;
        for (view, entries) in &all {
            audit_run(view, entries);
            let run = view.head.run.as_str();
            assert_eq!(self.view_of(run).await.as_ref(), Some(view), "listed as it is shown");
        }
        let order = |view: &RunView| (view.head.started_at, view.head.run.clone());
        assert!(all.is_sorted_by(|(a, _), (b, _)| order(a) > order(b)), "the latest first");
        let unfinished = self.store().runs(&RunQuery::all().unfinished()).await.unwrap();
        assert!(unfinished.iter().all(|run| run.end.is_none()), "{unfinished:?}");
    }
}

/// What is shown of a run is what its entries say.
fn audit_run(view: &RunView, entries: &[RunEntry]) {
    let run = &view.head.run;
    assert_eq!(usize::try_from(view.entries), Ok(entries.len()), "entries of {run}");
    let (mut leg, mut end, mut keys) = (1_u32, None, BTreeSet::new());
    for entry in entries {
        if let RunEntry::TakenOver { leg: next, .. } = entry {
            leg = leg.checked_add(1).unwrap();
            assert_eq!(*next, leg, "legs of {run} have no gaps");
            (end, keys) = (None, BTreeSet::new());
        }
        assert!(end.is_none(), "{run} has {entry:?} after its end");
        assert!(keys.insert(entry.key()), "{run} has {} twice in leg {leg}", entry.key());
        if let RunEntry::Ended(ended) = entry {
            end = Some((**ended).clone());
        }
    }
    assert_eq!((view.leg, &view.end), (leg, &end), "{run}");
}

/// Does this in eight tasks at once, and waits for all of them.
pub(super) async fn at_once<T, Fut>(act: impl Fn(u32) -> Fut) -> Vec<T>
where
    T: Send + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..8).map(|task| tokio::spawn(act(task))).collect();
    let mut results = Vec::new();
    for task in tasks {
        let joined = tokio::time::timeout(PATIENCE, task).await;
        results.push(joined.expect("what was waited for has come").unwrap());
    }
    results
}

/// Gives way so many times, and is over then.
pub(super) async fn pass(mut times: usize) {
    poll_fn(|context| {
        let Some(left) = times.checked_sub(1) else {
            return Poll::Ready(());
        };
        times = left;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
