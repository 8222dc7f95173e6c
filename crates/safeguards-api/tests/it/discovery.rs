//! Discovery through both versions of the API: with accounts, breakers and teams that run.

use std::{error::Error, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_api::Safeguards;
use safeguards_budget::{LedgerExt, MemoryLedger};
use safeguards_coord::{FanOut, Member, Reply, Report, RunOptions, State, Task, Team, agent_fn};
use safeguards_discovery::{
    Block, Capability, ChangeKind, Order, Query, Registration, RegistryError, Revision, Status,
    StatusSource,
};
use safeguards_testkit::PausedClock;
use safeguards_types::{AgentId, Priority, SimClock, Timestamp, Unit, usd};
use serde_json::json;

type Test = Result<(), Box<dyn Error>>;

const TTL: Duration = Duration::from_mins(1);

fn sim() -> (SimClock, MemoryLedger) {
    let clock = SimClock::at(Timestamp::parse("2026-03-02T12:00:00Z").unwrap());
    (clock.clone(), MemoryLedger::with_clock(clock))
}

fn analysis() -> Query {
    Query::new("data.analysis").unwrap()
}

fn skill() -> Capability {
    Capability::new("data.analysis.regression").unwrap()
}

/// Agents `a`, `b` and `c` with 1, 2 and 3 USD below a pool of 100, all of whom analyze.
async fn fleet(sg: &Safeguards) -> Test {
    let v2 = sg.v2();
    v2.pools().create("pool", usd!(100), Priority::P5).await?;
    for (name, budget) in [("a", usd!(1)), ("b", usd!(2)), ("c", usd!(3))] {
        let agent = v2.agents().create(name, budget, Priority::P5).pool("pool").await?;
        v2.discovery().advertise(&agent, skill(), TTL).await?;
    }
    Ok(())
}

async fn names(sg: &Safeguards, query: Query) -> Result<Vec<String>, Box<dyn Error>> {
    Ok(sg.v2().discovery().find(query).await?.names().map(ToString::to_string).collect())
}

async fn run(sg: &Safeguards, members: &[&str], by: Query) -> Result<Report, Box<dyn Error>> {
    let member = |name: &&str| {
        let agent = agent_fn(*name, |_, _| async { Ok(Reply::text("done").cost(usd!(0.01))) });
        Member::new(agent, usd!(0.10))
    };
    let team = Team::new("team", "pool", members.iter().map(member))?;
    let options = RunOptions::new(sg.operation());
    let strategy = FanOut::to_everybody().by(by);
    Ok(sg.runner().run(&team, Task::new("work"), &strategy, options).await?)
}

fn chosen(report: &Report) -> Option<&str> {
    report.steps[0].agent.as_ref().map(AgentId::as_str)
}

#[tokio::test]
async fn agents_are_found_as_their_accounts_stand() -> Test {
    let (clock, ledger) = sim();
    let sg = Safeguards::builder(ledger).clock(clock).build()?;
    fleet(&sg).await?;
    let most = || analysis().order(Order::MostBudget(Unit::USD));
    assert_eq!(names(&sg, most()).await?, ["c", "b", "a"]);
    // What is left of the pool is left to nobody below it.
    let found = sg.v2().discovery().find(most()).await?;
    assert_eq!(found.agents[0].status.available, usd!(3).into());
    assert_eq!(found.agents[0].status.load, None, "in no team that runs");

    sg.v2().budget().charge("b", usd!(2), sg.operation()).await?;
    assert_eq!(names(&sg, most().healthy()).await?, ["c", "a"]);
    let why = sg.v2().discovery().explain(&most().healthy(), "b").await?.to_string();
    assert!(why.contains("no USD left"), "{why}");

    sg.ledger().suspend("c".into(), None, sg.operation()).await?;
    assert_eq!(names(&sg, analysis().healthy()).await?, ["a"]);
    sg.ledger().suspend("pool".into(), None, sg.operation()).await?;
    assert_eq!(names(&sg, analysis().healthy()).await?, [""; 0]);
    let why = sg.v2().discovery().explain(&analysis().healthy(), "a").await?.to_string();
    assert!(why.contains("suspended: account `pool`"), "{why}");
    assert_eq!(names(&sg, analysis()).await?, ["a", "b", "c"], "asked for anybody");
    // Version 1 finds those that are available.
    let v1 = sg.v1().discovery();
    assert_eq!(v1.find_agents_by_capability("data.analysis", json!(null)).await?, []);
    sg.ledger().resume("pool".into(), None, sg.operation()).await?;
    let found = v1.find_agents_by_capability("data.analysis", json!({})).await?;
    assert_eq!(found, [AgentId::from("a")]);
    Ok(())
}

#[tokio::test]
async fn pages_of_a_joined_order_have_each_agent_once() -> Test {
    let (clock, ledger) = sim();
    let sg = Safeguards::builder(ledger).clock(clock).build()?;
    for number in 0..23_u8 {
        let name = format!("agent-{number:02}");
        let budget = safeguards_types::Amount::parse(&format!("{} USD", 1 + number % 5))?;
        let agent = sg.v2().agents().create(name, budget, Priority::P5).await?;
        sg.v2().discovery().advertise(&agent, skill(), TTL).await?;
    }
    let most = || analysis().order(Order::MostBudget(Unit::USD));
    let whole = names(&sg, most()).await?;
    assert_eq!(whole.len(), 23);
    assert_eq!(whole[..5], ["agent-04", "agent-09", "agent-14", "agent-19", "agent-03"]);
    let (mut paged, mut query) = (Vec::new(), most().limit(4));
    loop {
        let found = sg.v2().discovery().find(query.clone()).await?;
        assert_eq!(found.total, 23);
        paged.extend(found.names().map(ToString::to_string));
        let Some(next) = found.next else { break };
        query = query.after(next);
    }
    assert_eq!(paged, whole);
    let other = query.after.clone().ok_or("a cursor")?;
    let error = sg.v2().discovery().find(analysis().after(other)).await.unwrap_err();
    assert_eq!(error.code(), "discovery.invalid_cursor");
    Ok(())
}

/// Breakers as a test sets them; without any it fails.
#[derive(Clone, Debug, Default)]
struct Breakers(Arc<Mutex<Option<Vec<&'static str>>>>);

#[async_trait]
impl StatusSource for Breakers {
    async fn statuses(&self, agents: &[AgentId]) -> Result<Vec<Option<Status>>, RegistryError> {
        let open = self.0.lock().clone();
        let open = open.ok_or_else(|| RegistryError::unavailable("no breakers"))?;
        let status = |agent: &AgentId| {
            open.contains(&agent.as_str())
                .then(|| Status::new().block(Block::BreakerOpen { until: None }))
        };
        Ok(agents.iter().map(status).collect())
    }
}

#[tokio::test]
async fn a_team_gives_work_to_whoever_may_be_given_it() -> Test {
    let (clock, ledger) = sim();
    let breakers = Breakers::default();
    let sg =
        Safeguards::builder(ledger).clock(clock.clone()).status_source(breakers.clone()).build()?;
    fleet(&sg).await?;
    let most = || analysis().order(Order::MostBudget(Unit::USD));
    let team = ["a", "b", "c"];

    let report = run(&sg, &team, most()).await?;
    assert_eq!(report.reason.as_ref().map(|reason| &*reason.code), Some("run.selector_failed"));
    *breakers.0.lock() = Some(vec![]);
    assert_eq!(chosen(&run(&sg, &team, most()).await?), Some("c"));
    assert_eq!(chosen(&run(&sg, &["a", "b"], most()).await?), Some("b"), "c is no member");
    *breakers.0.lock() = Some(vec!["c"]);
    assert_eq!(chosen(&run(&sg, &team, most()).await?), Some("b"));
    sg.ledger().suspend("b".into(), None, sg.operation()).await?;
    assert_eq!(chosen(&run(&sg, &team, most()).await?), Some("a"));

    sg.v2().budget().charge("a", usd!(0.99), sg.operation()).await?;
    let report = run(&sg, &team, most()).await?;
    let message = report.reason.as_ref().map(ToString::to_string).unwrap_or_default();
    assert_eq!(report.state, State::Denied, "{message}");
    for part in ["run.nobody_capable", "no USD left", "suspended", "breaker open"] {
        assert!(message.contains(part), "{part}: {message}");
    }

    clock.advance(TTL);
    let report = run(&sg, &team, most()).await?;
    let message = report.reason.map(|reason| reason.message).unwrap_or_default();
    assert!(message.contains("no agent of this name is here"), "{message}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn leases_that_run_out_are_told_while_it_runs() -> Test {
    let clock = PausedClock::new();
    let ledger = MemoryLedger::with_clock(clock.clone());
    let sg = Safeguards::builder(ledger).clock(clock.clone()).build()?;
    let running = sg.start()?;
    let discovery = sg.v2().discovery();
    let mut watch = discovery.watch(Revision::ZERO);
    let lease = discovery.advertise("a", skill(), TTL).await?;
    let mut told = Vec::new();
    // Nobody calls: the clock alone goes on.
    for _ in 0..3 {
        told.push(watch.next().await?);
    }
    assert!(matches!(told[0].kind, ChangeKind::Arrived { .. }), "{told:?}");
    assert!(matches!(told[1].kind, ChangeKind::Advertised { .. }), "{told:?}");
    assert_eq!((&told[2].kind, Some(told[2].at)), (&ChangeKind::Expired, lease.expires_at));
    assert_eq!(watch.revision(), Revision::new(3));
    // Told soon after, not a minute later.
    assert!(clock_is_within(&clock, lease.expires_at, Duration::from_millis(200)));
    assert_eq!(discovery.renew(&lease, None).await.unwrap_err().code(), "discovery.gone");
    let _ = running.stop().await;
    Ok(())
}

fn clock_is_within(clock: &PausedClock, end: Option<Timestamp>, span: Duration) -> bool {
    use safeguards_types::Clock;
    end.is_some_and(|end| clock.now().since(end) <= span)
}

#[tokio::test]
async fn an_agent_made_here_is_registered_with_its_priority() -> Test {
    let sg = Safeguards::in_memory();
    let (v1, v2) = (sg.v1(), sg.v2());
    let agent = v1.agents().create_agent("a", usd!(1), Priority::P8).await?;
    v1.discovery().register_capability(&agent.id, "x", json!({ "n": [1, 2] })).await?;
    v1.discovery().register_capability(&agent.id, "x", json!({ "n": [1, 2] })).await?;
    let record = v2.discovery().agent(&agent.id).await?.ok_or("not here")?;
    assert_eq!((record.priority, record.lease.expires_at), (Priority::P8, None));
    let other = v1.discovery().register_capability(&agent.id, "x", json!({ "n": [3] })).await;
    assert_eq!(other.unwrap_err().code(), "discovery.conflict");
    let list = v1.discovery().register_capability(&agent.id, "y", json!([3])).await;
    assert_eq!(list.unwrap_err().code(), "discovery.invalid_metadata");
    // Whoever says a priority is believed.
    v2.discovery().register(Registration::lasting("b").priority(Priority::P2)).await?;
    v2.agents().create("b", usd!(1), Priority::P9).await?;
    v2.discovery().advertise("b", skill(), TTL).await?;
    let record = v2.discovery().agent("b").await?.ok_or("not here")?;
    assert_eq!(record.priority, Priority::P2);
    let found = |required| {
        let discovery = v1.discovery();
        async move { discovery.find_agents_by_capability("x", required).await }
    };
    assert_eq!(found(json!({ "n": [2] })).await?, std::slice::from_ref(&agent.id));
    assert_eq!(found(json!({ "n": 2 })).await?, std::slice::from_ref(&agent.id));
    assert_eq!(found(json!({ "n": [2, 3] })).await?, []);
    v2.discovery().withdraw(&agent.id, &"x".try_into()?, None).await?;
    assert_eq!(found(json!(null)).await?, []);
    v2.discovery().delete(&agent.id).await?;
    assert_eq!(v2.discovery().agent(&agent.id).await?, None);
    Ok(())
}
