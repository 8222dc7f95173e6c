//! A run that was cut off goes on from the file: ledger, runs and shared state in one.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use safeguards_budget::{LedgerExt, Limit, OpenAccount};
use safeguards_coord::{
    Context, Descriptor, Member, Pipeline, Reply, Report, RunId, RunOptions, RunStore, Runner,
    SharedState, State, StateQuery, Task, Team, agent_fn,
};
use safeguards_redb::{RedbOptions, RedbStore};
use safeguards_types::{Amounts, OperationIds, SimClock, Timestamp, usd};
use serde_json::json;
use tokio::sync::Notify;

const RUN: &str = "r-1";

fn open(path: &Path, clock: &SimClock) -> RedbStore {
    let mut options = RedbOptions::default();
    options.clock = Arc::new(clock.clone());
    options.open(path).unwrap()
}

/// Three agents, one after the other. The third is told when it begins, and, where it `hangs`, ends never.
struct Work {
    calls: [AtomicUsize; 3],
    began: Notify,
    hangs: bool,
}

impl Work {
    fn new(hangs: bool) -> Arc<Self> {
        Arc::new(Self { calls: Default::default(), began: Notify::new(), hangs })
    }

    fn calls(&self) -> [usize; 3] {
        self.calls.each_ref().map(|calls| calls.load(Ordering::SeqCst))
    }

    fn team(self: &Arc<Self>) -> Team {
        let agent = |number: usize, name: &'static str| {
            let work = Arc::clone(self);
            let agent =
                agent_fn(Descriptor::new(name).idempotent(), move |task: Task, cx: Context| {
                    let work = Arc::clone(&work);
                    async move {
                        work.calls[number].fetch_add(1, Ordering::SeqCst);
                        cx.charge(usd!(0.03)).await?;
                        // Each leaves what it was given, and sees what those before it left.
                        let (state, agent) = (cx.state()?, cx.agent());
                        state.set(agent, format!("given/{name}"), task.input().clone()).await?;
                        let given = state.list(agent, &StateQuery::prefix("given/")).await?;
                        if number == 2 {
                            work.began.notify_one();
                            if work.hangs {
                                std::future::pending::<()>().await;
                            }
                        }
                        let seen: Vec<_> =
                            given.entries.iter().map(|one| one.key.as_str()).collect();
                        Ok(Reply::new(json!({ "by": name, "of": task.input(), "seen": seen })))
                    }
                });
            Member::new(agent, usd!(0.05))
        };
        Team::new("team", "pool", [agent(0, "a"), agent(1, "b"), agent(2, "c")]).unwrap()
    }
}

async fn open_accounts(store: &RedbStore) {
    let pool = OpenAccount::new("pool").limit(Limit::lifetime(usd!(10)));
    store.open_account(pool, store.operation()).await.unwrap();
    for agent in ["a", "b", "c"] {
        let account = OpenAccount::new(agent).under("pool");
        store.open_account(account, store.operation()).await.unwrap();
    }
}

fn state(store: &RedbStore, clock: &SimClock) -> SharedState {
    SharedState::new(Arc::new(store.clone()), Arc::new(clock.clone()))
}

/// What agents were given, each with the revision of its latest write.
async fn given(store: &RedbStore, clock: &SimClock) -> Vec<String> {
    let page = state(store, clock).list("d", &StateQuery::prefix("given/")).await.unwrap();
    page.entries.iter().map(|one| format!("{} {}", one.key, one.revision)).collect()
}

fn runner(store: &RedbStore, clock: &SimClock) -> Runner {
    Runner::new(Arc::new(store.clone()), Arc::new(clock.clone()))
        .store(Arc::new(store.clone()))
        .state(state(store, clock))
}

fn options(clock: &SimClock) -> RunOptions {
    let now = safeguards_types::Clock::now(clock);
    RunOptions::new(OperationIds::seeded(7).mint(now)).id(RUN)
}

async fn spent(store: &RedbStore, account: &str) -> Amounts {
    let account = store.account(&account.into()).await.unwrap().unwrap();
    assert!(account.held.is_zero(), "still held: {}", account.held);
    account.spent
}

fn on_a_machine<T>(work: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap().block_on(work)
}

/// What a run comes to that nobody cuts off.
fn whole(path: &Path, clock: &SimClock) -> (Report, Amounts) {
    on_a_machine(async {
        let store = open(path, clock);
        open_accounts(&store).await;
        let task = Task::new("work").with_input("all");
        let team = Work::new(false).team();
        let report = runner(&store, clock).run(&team, task, &Pipeline::new(), options(clock)).await;
        (report.unwrap(), spent(&store, "pool").await)
    })
}

/// Runs until the third agent has begun and spent, and is gone then with all that ran. Gives what was done.
fn cut_off(path: &Path, image: &Path, clock: &SimClock) -> [usize; 3] {
    on_a_machine(async {
        let store = open(path, clock);
        open_accounts(&store).await;
        let work = Work::new(true);
        let (team, task) = (work.team(), Task::new("work").with_input("all"));
        let (runner, strategy) = (runner(&store, clock), Pipeline::new());
        tokio::select! {
            () = work.began.notified() => {}
            report = runner.run(&team, task, &strategy, options(clock)) => panic!("{report:?}"),
        }
        // As it is for a process that is killed now: nobody closes the file.
        fs::copy(path, image).unwrap();
        work.calls()
    })
}

#[test]
fn a_run_that_was_cut_off_goes_on_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let clock = SimClock::at(Timestamp::parse("2026-03-02T12:00:00Z").unwrap());
    let (expected, total) = whole(&path("whole.redb"), &clock);
    assert_eq!(expected.state, State::Succeeded, "{:?}", expected.reason);
    assert_eq!(total, expected.spent);

    assert_eq!(cut_off(&path("closed.redb"), &path("killed.redb"), &clock), [1, 1, 1]);
    for file in ["closed.redb", "killed.redb"] {
        on_a_machine(async {
            let store = open(&path(file), &clock);
            let run = RunId::new(RUN);
            let view = store.run(&run).await.unwrap().unwrap();
            assert_eq!((view.leg, view.end.is_some()), (1, false), "{file}");
            assert_eq!(
                given(&store, &clock).await,
                ["given/a 1", "given/b 2", "given/c 3"],
                "{file}"
            );
            let work = Work::new(false);
            let (team, strategy) = (work.team(), Pipeline::new());
            let runner = runner(&store, &clock);
            let resumed = runner.resume(&team, &run, &strategy, options(&clock)).await.unwrap();
            // What had ended is not done again, and what was charged before is charged once.
            assert_eq!(work.calls(), [0, 0, 1], "{file}");
            assert_eq!((resumed.state, &resumed.output), (State::Succeeded, &expected.output));
            // What is done again is written again; what those before it left is there.
            assert_eq!(
                given(&store, &clock).await,
                ["given/a 1", "given/b 2", "given/c 4"],
                "{file}"
            );
            assert_eq!(resumed.spent, expected.spent, "{file}");
            assert_eq!(spent(&store, "pool").await, total, "{file}");
            let third = format!("{}", spent(&store, "c").await);
            assert!(third.starts_with("0.03 USD"), "{file}: {third}");
            let view = store.run(&run).await.unwrap().unwrap();
            assert_eq!((view.leg, view.state()), (2, Some(State::Succeeded)), "{file}");
        });
    }
}
