//! What becomes of an attempt that was cut off, with its machine, and of the one that does it again.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use safeguards_budget::{LedgerExt, Limit, MemoryLedger, OpenAccount};
use safeguards_coord::{
    AgentError, Context, Descriptor, Member, MemoryRunStore, Move, Pipeline, Progress, Reply,
    Report, Retry, RunEntry, RunEvent, RunOptions, Runner, State, Step, Strategy, Task, Team,
    agent_fn,
};
use safeguards_types::{
    AgentId, Amount, Amounts, OperationId, SimClock, Timestamp, Unit, requests, usd,
};

use crate::{
    resume::on_a_machine,
    stage::{hanging, member, worker},
};

/// What outlives a machine: its ledger and its run store, in which run `r` is.
struct Disk {
    ledger: MemoryLedger,
    store: MemoryRunStore,
    clock: SimClock,
    ended: Arc<Mutex<Vec<String>>>,
}

impl Disk {
    /// A pool that may spend `limit` in all, and accounts `a`, `b` and `c` below it.
    fn with_limit(limit: Amount) -> Self {
        let clock = SimClock::at(Timestamp::parse("2026-03-02T12:00:00Z").unwrap());
        let ledger = MemoryLedger::with_clock(clock.clone());
        let pool = OpenAccount::new("pool").limit(Limit::lifetime(limit));
        ledger.sync().open_account(pool, ledger.operation()).unwrap();
        for agent in ["a", "b", "c"] {
            let account = OpenAccount::new(agent).under("pool");
            ledger.sync().open_account(account, ledger.operation()).unwrap();
        }
        Self { ledger, store: MemoryRunStore::new(), clock, ended: Arc::default() }
    }

    fn new() -> Self {
        Self::with_limit(usd!(10))
    }

    fn options(&self) -> RunOptions {
        let ended = Arc::clone(&self.ended);
        RunOptions::new(self.ledger.operation()).id("r").observer(move |event: &RunEvent| {
            let event = serde_json::to_value(event).unwrap();
            if event["type"] == "step_ended" {
                ended.lock().push(event["step"].as_str().unwrap().to_owned());
            }
        })
    }

    /// Goes on with the run on a machine of its own, or begins it; the machine loses its power after a second.
    fn leg(&self, team: &Team, strategy: &dyn Strategy, options: RunOptions) -> Option<Report> {
        let runner = Runner::new(Arc::new(self.ledger.clone()), Arc::new(self.clock.clone()))
            .store(Arc::new(self.store.clone()));
        let (is_new, id) = (self.store.sync().run(&"r".into()).is_none(), "r".into());
        let run = async {
            if is_new {
                runner.run(team, Task::new("work"), strategy, options).await
            } else {
                runner.resume(team, &id, strategy, options).await
            }
        };
        on_a_machine(async {
            tokio::time::timeout(Duration::from_secs(1), run).await.ok().map(Result::unwrap)
        })
    }

    /// A leg that is cut off.
    fn cut(&self, team: &Team, strategy: &dyn Strategy) {
        assert!(self.leg(team, strategy, self.options()).is_none(), "it hangs");
    }

    /// A leg that comes to its end: nothing is held any more, and what the pool spent is in the report.
    fn end(&self, team: &Team, strategy: &dyn Strategy, options: RunOptions) -> Report {
        self.ended.lock().clear();
        let report = self.leg(team, strategy, options).unwrap();
        let pool = on_a_machine(self.ledger.account(&"pool".into())).unwrap().unwrap();
        assert!(pool.held.is_zero(), "still held: {}", pool.held);
        assert_eq!(pool.spent.without_zeros(), report.spent.without_zeros(), "{report:?}");
        let mut ended = self.ended.lock().clone();
        let mut steps: Vec<String> =
            report.steps.iter().map(|step| step.step.to_string()).collect();
        ended.sort_unstable();
        steps.sort_unstable();
        assert_eq!(ended, steps, "each step of the report ends once among the events");
        report
    }

    /// How each attempt ended, and what it spent.
    fn outcomes(&self) -> Vec<(u32, State, String)> {
        let entries = self.store.sync().entries(&"r".into(), 0, 100).unwrap();
        let of = |entry| match entry {
            RunEntry::Outcome(outcome) => {
                Some((outcome.attempt, outcome.state, outcome.spent.to_string()))
            }
            _ => None,
        };
        entries.into_iter().filter_map(of).collect()
    }
}

/// A team of one agent that draws all this, and then hangs if it is to; the operations that it was, in order.
#[derive(Clone, Default)]
struct Draws {
    ops: Arc<Mutex<Vec<OperationId>>>,
}

impl Draws {
    fn team(&self, name: Descriptor, draws: &[Amount], hangs: bool) -> Team {
        let (draws, ops) = (draws.to_vec(), Arc::clone(&self.ops));
        let agent = member(name, move |_, cx: Context| {
            let (draws, ops) = (draws.clone(), Arc::clone(&ops));
            async move {
                ops.lock().push(cx.operation());
                for draw in draws {
                    cx.charge(draw).await?;
                }
                if hangs {
                    pending::<()>().await;
                }
                Ok(Reply::new("done"))
            }
        });
        Team::new("team", "pool", [agent]).unwrap()
    }
}

fn idempotent() -> Descriptor {
    Descriptor::new("a").idempotent()
}

#[test]
fn who_is_idempotent_is_run_again_as_the_same_operation_and_paid_for_once() {
    let (disk, agents, draws) = (Disk::new(), Draws::default(), [usd!(0.9), usd!(0.3)]);
    disk.cut(&agents.team(idempotent(), &draws, true), &Pipeline::new());
    let held = on_a_machine(disk.ledger.account(&"pool".into())).unwrap().unwrap().held;
    assert_eq!(held.to_string(), "1.20 USD, 1 requests");
    let team = agents.team(idempotent(), &draws, false);
    let report = disk.end(&team, &Pipeline::new(), disk.options());
    assert_eq!(report.steps[0].to_string(), "a: succeeded, spent 1.20 USD, 1 requests");
    let ops = agents.ops.lock();
    assert_eq!((ops.len(), ops[0]), (2, ops[1]));
}

#[test]
fn who_is_run_again_may_draw_otherwise() {
    for draws in [vec![usd!(1.1), usd!(0.3)], vec![usd!(0.2)], vec![usd!(2), usd!(3)]] {
        let (disk, agents) = (Disk::new(), Draws::default());
        let first = agents.team(idempotent(), &[usd!(0.9), usd!(0.3)], true);
        disk.cut(&first, &Pipeline::new());
        let team = agents.team(idempotent(), &draws, false);
        let report = disk.end(&team, &Pipeline::new(), disk.options());
        assert_eq!(report.state, State::Succeeded, "{report:?}");
        let mut drawn = Amounts::none();
        for draw in draws {
            drawn.add_all(&draw.into());
        }
        assert_eq!(report.spent.get(&Unit::USD), drawn.get(&Unit::USD));
    }
}

#[test]
fn who_is_not_is_interrupted_with_what_it_drew() {
    for (draws, spent) in [
        (vec![], "1.00 USD, 1 requests"),
        (vec![usd!(0.2)], "1.00 USD, 1 requests"),
        (vec![usd!(0.9), usd!(0.3)], "1.20 USD, 1 requests"),
    ] {
        let (disk, agents) = (Disk::new(), Draws::default());
        disk.cut(&agents.team("a".into(), &draws, true), &Pipeline::new());
        let team = agents.team("a".into(), &draws, false);
        let report = disk.end(&team, &Pipeline::new(), disk.options());
        assert_eq!((report.state, report.spent.to_string()), (State::Interrupted, spent.into()));
        let reason = report.steps[0].reason.as_ref().unwrap().to_string();
        let expected = "run.interrupted: a, attempt 1: it was cut off, and does not say that it may be run again";
        assert!(reason.starts_with(expected), "{reason}");
        assert_eq!(agents.ops.lock().len(), 1, "it is not run again");
    }
}

#[test]
fn who_is_run_again_though_it_does_not_say_that_it_may_be_is_paid_for_twice() {
    let (disk, agents) = (Disk::new(), Draws::default());
    let first = agents.team("a".into(), &[usd!(0.9), usd!(0.3)], true);
    disk.cut(&first, &Pipeline::new());
    let team = agents.team("a".into(), &[usd!(0.4)], false);
    let report = disk.end(&team, &Pipeline::new(), disk.options().rerun_interrupted());
    assert_eq!(report.steps[0].to_string(), "a: succeeded, spent 1.60 USD, 2 requests");
    let expected = [
        (1, State::Interrupted, "1.20 USD, 1 requests".to_owned()),
        (2, State::Succeeded, "0.40 USD, 1 requests".to_owned()),
    ];
    assert_eq!(disk.outcomes(), expected);
    let ops = agents.ops.lock();
    assert_ne!(ops[0], ops[1]);
}

/// A team whose one agent hangs when `hangs` says so of its attempt, and fails otherwise.
fn fails_until(hangs: impl Fn(u32) -> bool + Send + Sync + 'static) -> Member {
    let agent = agent_fn(Descriptor::new("a").idempotent(), move |_, cx: Context| {
        let hangs = hangs(cx.attempt().number);
        async move {
            if hangs {
                pending::<()>().await;
            }
            Err::<Reply, _>(AgentError::new("no").retryable().cost(usd!(0.1)))
        }
    });
    Member::new(agent, usd!(0.2)).retry(Retry::times(1))
}

#[test]
fn retries_do_not_begin_anew_with_each_leg() {
    let disk = Disk::new();
    let hanging = Team::new("team", "pool", [fails_until(|number| number == 2)]).unwrap();
    for _ in 0..3 {
        disk.cut(&hanging, &Pipeline::new());
    }
    let failing = Team::new("team", "pool", [fails_until(|_| false)]).unwrap();
    let report = disk.end(&failing, &Pipeline::new(), disk.options());
    let step = &report.steps[0];
    assert_eq!((step.attempts, step.spent.to_string()), (2, "0.20 USD, 2 requests".to_owned()));
    // A run that has ended may go on, and tries as often again.
    let report = disk.end(&failing, &Pipeline::new(), disk.options());
    assert_eq!(report.steps[0].attempts, 4);
}

#[test]
fn a_draw_that_was_denied_hides_none_after_it() {
    let disk = Disk::new();
    let draws = member("a", |_, cx: Context| async move {
        assert!(cx.charge(usd!(50)).await.is_err());
        cx.charge(usd!(3)).await?;
        pending::<Result<Reply, AgentError>>().await
    });
    let team = Team::new("team", "pool", [draws]).unwrap();
    disk.cut(&team, &Pipeline::new());
    let report = disk.end(&team, &Pipeline::new(), disk.options());
    assert_eq!(report.state, State::Interrupted);
    assert_eq!(report.spent.to_string(), "3.00 USD, 1 requests");
}

#[test]
fn a_draw_that_was_denied_takes_nothing_of_the_runs_budget() {
    let disk = Disk::with_limit(usd!(3));
    let draws = member("a", |_, cx: Context| async move {
        assert_eq!(cx.charge(usd!(5)).await.unwrap_err().code(), "budget.limit_exceeded");
        cx.charge(usd!(2)).await?;
        Ok(Reply::text("drawn"))
    });
    let team = Team::new("team", "pool", [draws]).unwrap();
    let report = disk.end(&team, &Pipeline::new(), disk.options().budget(usd!(5)));
    assert_eq!(report.spent.to_string(), "2.00 USD, 1 requests");
}

/// `a` and `b` side by side, then `c`.
#[derive(Debug)]
struct TwoThenOne;

impl Strategy for TwoThenOne {
    fn name(&self) -> &'static str {
        "two_then_one"
    }

    fn next(&self, progress: &Progress) -> Vec<Move> {
        match (progress.steps(), progress.running()) {
            ([], _) => ["a", "b"].map(|name| Move::start(name, name, Task::new(name))).to_vec(),
            ([_, _], 0) => vec![Move::start("c", "c", Task::new("c"))],
            ([.., last], 0) => vec![last.finish()],
            _ => Vec::new(),
        }
    }
}

#[test]
fn a_resumed_run_has_its_budget_less_what_it_spent_and_holds() {
    for is_cut in [false, true] {
        let disk = Disk::new();
        let costs = |name: &'static str, hold: Amount, cost: Amount, hangs: bool| {
            let agent = agent_fn(Descriptor::new(name).idempotent(), move |_, _| {
                let cost = cost.clone();
                async move {
                    if hangs {
                        pending::<()>().await;
                    }
                    Ok(Reply::text("done").cost(cost))
                }
            });
            Member::new(agent, hold)
        };
        let team = |hangs: bool| {
            let members = [
                costs("a", usd!(0.5), usd!(1.4), false),
                costs("b", usd!(0.5), usd!(0.5), hangs),
                costs("c", usd!(0.1), usd!(0.1), false),
            ];
            Team::new("team", "pool", members).unwrap()
        };
        let options = || disk.options().budget(usd!(1.5));
        if is_cut {
            assert!(disk.leg(&team(true), &TwoThenOne, options()).is_none());
        }
        let report = disk.end(&team(false), &TwoThenOne, options());
        let states: Vec<State> = report.steps.iter().map(|step| step.state).collect();
        assert_eq!(states, [State::Succeeded, State::Succeeded, State::Denied], "cut: {is_cut}");
        assert_eq!(report.spent.get(&Unit::USD), usd!(1.9).quantity());
    }
}

#[test]
fn who_held_nothing_may_have_begun_all_the_same() {
    let disk = Disk::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&calls);
    let agent = agent_fn(Descriptor::new("a").free(), move |_, _| {
        counts.fetch_add(1, Ordering::SeqCst);
        pending::<Result<Reply, AgentError>>()
    });
    let team = Team::new("team", "pool", [Member::new(agent, requests!(0))]).unwrap();
    disk.cut(&team, &Pipeline::new());
    let report = disk.end(&team, &Pipeline::new(), disk.options());
    assert_eq!((report.state, calls.load(Ordering::SeqCst)), (State::Interrupted, 1));
}

/// Begins its step the first time that it is asked of this run, and skips it ever after.
#[derive(Debug, Default)]
struct ChangesItsMind(AtomicUsize);

impl Strategy for ChangesItsMind {
    fn name(&self) -> &'static str {
        "changes_its_mind"
    }

    fn next(&self, progress: &Progress) -> Vec<Move> {
        if !progress.steps().is_empty() {
            return progress
                .steps()
                .iter()
                .filter(|step| step.state.is_some())
                .map(|step| step.finish())
                .collect();
        }
        let step = Step::new("s", AgentId::from("a"), Task::new("work"));
        if self.0.fetch_add(1, Ordering::SeqCst) == 0 {
            vec![Move::Start(step)]
        } else {
            vec![step.skip("it is not wanted any more")]
        }
    }
}

#[test]
fn what_was_cut_off_is_closed_where_it_is_not_begun_again() {
    let disk = Disk::new();
    let team = Team::new("team", "pool", [hanging("a")]).unwrap();
    let strategy = ChangesItsMind::default();
    disk.cut(&team, &strategy);
    let report = disk.end(&team, &strategy, disk.options());
    assert_eq!(report.steps[0].state, State::Interrupted);
    assert_eq!(report.spent.to_string(), "1.00 USD, 1 requests");
}

#[test]
fn what_was_delegated_before_and_is_not_asked_for_again_is_told_of_once() {
    let disk = Disk::new();
    let delegates = member("a", |_, cx: Context| async move {
        cx.delegate("c", Task::new("help")).await?;
        Ok(Reply::text("done").cost(usd!(0.1)))
    });
    let hangs = AtomicUsize::new(0);
    let second = member(Descriptor::new("b").idempotent(), move |_, _| {
        let hangs = hangs.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            if hangs {
                pending::<()>().await;
            }
            Ok(Reply::text("done").cost(usd!(0.1)))
        }
    });
    let helper = worker("c", usd!(0.1));
    let team = Team::new("team", "pool", [delegates, second, helper]).unwrap();
    let strategy = Pipeline::through(["a", "b"]);
    disk.cut(&team, &strategy);
    let report = disk.end(&team, &strategy, disk.options());
    assert_eq!(report.state, State::Succeeded);
    assert_eq!(report.steps.len(), 3);
}
