//! One journey through everything, and what came of it: the same on whatever parts it goes.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use safeguards::{Error, prelude::*};
use safeguards_budget::EntryId;
use safeguards_coord::{RunQuery, RunStoreBounds, RunView, State};
use safeguards_notify::Delivery;
use serde_json::{Value, json};

/// How often is tried again what failed and may be tried again.
const TRIES: usize = 8;

/// What came of it. All but what failed on the way is the same on all parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    /// The code of the denial.
    pub(super) denied: String,
    /// What the team had to show, and how often its agent worked for that.
    pub(super) output: (Option<Value>, usize),
    /// What the pool has spent, and holds.
    pub(super) pool: (String, String),
    /// How many entries the ledger has.
    pub(super) entries: usize,
    /// How the runs ended, and how many entries they have.
    pub(super) runs: (Vec<Option<State>>, usize),
    /// What is shared, and after how many changes.
    pub(super) shared: (Option<Value>, u64),
    /// Who was found.
    pub(super) found: Vec<String>,
    /// The topics of the alerts that a handler saw, in order.
    pub(super) seen: Vec<String>,
    /// Those that came through the channel, each delivery once.
    pub(super) delivered: Vec<String>,
}

/// Does it until it is done or refused, and notes what failed meanwhile.
async fn insist<T, E>(
    failed: &mut Vec<String>,
    mut act: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, Error>
where
    Error: From<E>,
{
    let mut tries = 1;
    loop {
        match act().await.map_err(Error::from) {
            Err(error) if tries < TRIES && is_failure(error.code()) => {
                failed.push(error.code().to_owned());
            }
            done => return done,
        }
        tries += 1;
    }
}

/// Whether something did not work, rather than being refused.
fn is_failure(code: &str) -> bool {
    let causes = ["not_applied", "outcome_unknown", "unavailable"];
    causes.iter().any(|cause| code.ends_with(cause))
}

/// The whole journey. `delivered` says what came through the channel, `mend` makes parts work again that fail, so that
/// what they hold can be looked at. Also gives what failed on the way.
pub(super) async fn play(
    sg: &Safeguards,
    delivered: impl Fn() -> Vec<Delivery>,
    mend: impl Fn(),
) -> Result<(Told, Vec<String>), Error> {
    let mut failed = Vec::new();
    let v2 = sg.v2();
    let (agents, budget, state, discovery) = (v2.agents(), v2.budget(), v2.state(), v2.discovery());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    sg.alerts().on("budget.**", move |alert: &Alert| {
        notes.lock().push(alert.topic().to_string());
    })?;
    let running = sg.start()?;
    let job = v2.operation();

    // A pool and its agents.
    let create = async || v2.pools().create("research", usd!(5), P5).await;
    let pool = insist(&mut failed, create).await?;
    let create = async || agents.create("reader", usd!(4), P7).pool(&pool).await;
    let reader = insist(&mut failed, create).await?;
    let create = async || agents.create("writer", usd!(4), P3).pool(&pool).await;
    let writer = insist(&mut failed, create).await?;

    // A charge, a denial, and a hold that is settled.
    let charge = async || budget.charge(&reader, usd!(3.90), job.step("read")).await;
    insist(&mut failed, charge).await?;
    let charge = async || budget.charge(&writer, usd!(2), job.step("draft")).await;
    let denied = insist(&mut failed, charge).await.err();
    let denied = denied.as_ref().map_or("granted", Error::code).to_owned();

    // A team.
    let worked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&worked);
    let write = agent_fn("writer", move |task: Task, _| {
        count.fetch_add(1, Ordering::SeqCst);
        async move { Ok(Reply::text(format!("on {}", task.text())).cost(usd!(0.42))) }
    });
    let team = Team::new("crew", "research", [Member::new(write, usd!(0.50))])?;
    let run = async || {
        let options = RunOptions::new(job.step("run"));
        sg.runner().run(&team, Task::new("bees"), &Pipeline::new(), options).await
    };
    let report = insist(&mut failed, run).await?;

    // What is shared: written once, be it that an answer was lost.
    let share = async || {
        let old = state.get(&reader, "found").await?;
        if old.value().is_none() {
            state.set_if(&reader, "found", json!({ "pages": 3 }), old.revision).await?;
        }
        Ok::<_, Error>(())
    };
    insist(&mut failed, share).await?;

    // Who can do it.
    let ttl = Duration::from_mins(1);
    let advertise = async || discovery.advertise(&reader, Capability::new("read")?, ttl).await;
    insist(&mut failed, async || advertise().await.map_err(Error::from)).await?;
    let find = async || discovery.find(Query::new("read")?).await.map_err(Error::from);
    let found = insist(&mut failed, find).await?;

    // What failed by the end was told, and is not looked at.
    mend();
    let undelivered = running.stop().await;
    assert!(undelivered.is_empty(), "{undelivered:?}");
    let account = sg.ledger().account(&(&pool).into()).await?.expect("the pool");
    let usage = account.limit(usd!(0).unit(), &Window::Lifetime).expect("its limit");
    let runs = sg.run_store().runs(&RunQuery::all()).await.expect("it works again");
    let entries = sg.run_store().entries(&report.run, 0, RunStoreBounds::PAGE).await;
    let reading = state.get(&writer, "found").await?;
    let deliveries: BTreeMap<String, String> = delivered()
        .iter()
        .map(|one| (format!("{:?}", one.id()), one.notification().latest().topic().to_string()))
        .collect();
    let mut delivered: Vec<String> = deliveries.into_values().collect();
    delivered.sort();
    let seen = seen.lock().clone();
    let told = Told {
        denied,
        output: (report.output, worked.load(Ordering::SeqCst)),
        pool: (usage.spent.to_string(), usage.held.to_string()),
        entries: sg.ledger().entries(EntryId::FIRST, 1_000).await?.entries.len(),
        runs: (runs.iter().map(RunView::state).collect(), entries.map_or(0, |all| all.len())),
        shared: (reading.value().cloned(), reading.as_of.number()),
        found: found.agents.iter().map(|one| one.agent.to_string()).collect(),
        seen,
        delivered,
    };
    Ok((told, failed))
}

/// What comes of it on parts that work.
pub(super) fn expected() -> Told {
    let text = |text: &str| text.to_owned();
    Told {
        denied: text("budget.limit_exceeded"),
        output: (Some(json!("on bees")), 1),
        pool: (text("4.32"), text("0")),
        entries: 6,
        runs: (vec![Some(State::Succeeded)], 3),
        shared: (Some(json!({ "pages": 3 })), 1),
        found: vec![text("reader")],
        seen: vec![text("budget.threshold"), text("budget.denied"), text("budget.threshold")],
        delivered: vec![text("budget.denied"), text("budget.threshold"), text("budget.threshold")],
    }
}
