//! Steps that are given to whoever can do them.

use std::{borrow::Cow, sync::Arc, time::Duration};

use async_trait::async_trait;
use safeguards_coord::{
    Candidate, FanOut, Member, Pipeline, Reply, Report, Runner, Seat, Selection, Selector, State,
    Strategy, Task, Team, Unfit,
};
use safeguards_discovery::{
    Block, Capability, FindError, Finder, Health, Order, Query, Registration, Registry,
    RegistryError, Status, StatusSource,
};
use safeguards_testkit::registry::{PlainRegistry, RegistrySetup};
use safeguards_types::{AgentId, SimClock, usd};
use serde_json::{Value, json};

use crate::stage::{Stage, member, states, worker};

const TTL: Duration = Duration::from_mins(1);

/// Agents `a`, `b` and `c` of a team; who of them can analyze is in the registry.
struct Scene {
    stage: Stage,
    registry: Arc<dyn Registry>,
    clock: SimClock,
}

impl Scene {
    fn new() -> Self {
        let setup = RegistrySetup::large();
        let clock = setup.clock.clone();
        Self { stage: Stage::new(), registry: Arc::new(PlainRegistry::new(setup)), clock }
    }

    async fn with(agents: impl IntoIterator<Item = Registration>) -> Self {
        let scene = Self::new();
        for agent in agents {
            scene.registry.register(agent).await.unwrap();
        }
        scene
    }

    fn finder(&self) -> Finder {
        Finder::new(Arc::clone(&self.registry))
    }

    /// A runner that chooses by the registry and by the loads.
    fn runner(&self) -> Runner {
        let runner = self.stage.runner();
        let finder = self.finder().source(Arc::new(runner.loads().clone()));
        runner.selector(Arc::new(finder))
    }

    async fn run(&self, runner: &Runner, strategy: &dyn Strategy) -> Report {
        let members = ["a", "b", "c"].map(|name| worker(name, usd!(0.01)));
        run(&self.stage, runner, members, strategy).await
    }
}

async fn run(
    stage: &Stage,
    runner: &Runner,
    members: impl IntoIterator<Item = Member>,
    strategy: &dyn Strategy,
) -> Report {
    let team = Team::new("team", "pool", members).unwrap();
    let report = runner.run(&team, Task::new("work"), strategy, stage.options()).await.unwrap();
    assert!(stage.held().await.is_zero());
    report
}

/// Can analyze, for so many dollars a call.
fn analyst(name: &str, cost: safeguards_types::Amount) -> Registration {
    let skill = Capability::new("data.analysis.regression").unwrap().cost(cost);
    Registration::new(name, TTL).capability(skill.version("1.2.0").unwrap())
}

fn analysis() -> Query {
    Query::new("data.analysis").unwrap()
}

fn agents(report: &Report) -> Vec<&str> {
    report.steps.iter().map(|step| step.agent.as_ref().map_or("-", AgentId::as_str)).collect()
}

fn reason(report: &Report) -> (State, Cow<'static, str>, String) {
    let reason = report.reason.clone().unwrap();
    (report.state, reason.code, reason.message)
}

#[tokio::test(start_paused = true)]
async fn the_cheapest_that_can_do_it_is_chosen_and_told() {
    let scene =
        Scene::with([analyst("a", usd!(3)), analyst("b", usd!(1)), analyst("stranger", usd!(0.1))])
            .await;
    let cheapest = analysis().order(Order::Cheapest(safeguards_types::Unit::USD));
    let report = scene.run(&scene.runner(), &FanOut::to_everybody().by(cheapest.clone())).await;
    assert_eq!(report.state, State::Succeeded, "{report:?}");
    assert_eq!(agents(&report), ["b"], "no member, so not chosen");
    assert_eq!(report.steps[0].need.as_deref(), Some(&cheapest));
    assert_eq!(report.steps[0].account, Some("b".into()));
    assert_eq!(report.output, Some(json!(["b was here"])));
    let seen = scene.stage.seen("data.analysis");
    assert_eq!(seen, ["chosen", "step_started", "held", "settled", "step_ended"]);
    let events = scene.stage.events.lock();
    let chosen = events.iter().find(|event| event["type"] == "chosen").unwrap();
    assert_eq!(chosen["agent"], "b");
    assert_eq!(chosen["need"]["capability"], "data.analysis");
}

#[tokio::test(start_paused = true)]
async fn stages_of_a_pipeline_may_be_given_to_whoever_can_do_them() {
    let scene = Scene::with([analyst("c", usd!(1))]).await;
    let pipeline = Pipeline::through([Seat::from("a"), analysis().into(), Seat::from("b")]);
    let report = scene.run(&scene.runner(), &pipeline).await;
    assert_eq!(states(&report), ["a succeeded", "data.analysis succeeded", "b succeeded"]);
    assert_eq!(agents(&report), ["a", "c", "b"]);
}

/// 100 inputs, eight at once, each of which takes a second: no agent ever has more than its share.
#[tokio::test(start_paused = true)]
async fn the_least_loaded_share_what_begins_in_one_moment() {
    let scene = Scene::with(["a", "b", "c", "d"].map(|name| analyst(name, usd!(1)))).await;
    let busy = |name: &'static str| {
        member(name, |_, _| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(Reply::text("done").cost(usd!(0.01)))
        })
        .account("a")
    };
    let inputs = (0..100).map(|number| json!(number));
    let pages = FanOut::over(inputs).at_once(8).by(analysis().order(Order::LeastLoaded));
    let runner = scene.runner();
    let report = run(&scene.stage, &runner, ["a", "b", "c", "d"].map(busy), &pages).await;
    assert_eq!(report.state, State::Succeeded, "{:?}", report.reason);
    for name in ["a", "b", "c", "d"] {
        assert_eq!(agents(&report).iter().filter(|agent| **agent == name).count(), 25, "{name}");
    }
    assert_eq!(runner.loads().of(&"a".into()), None, "nothing is under way any more");
}

#[tokio::test(start_paused = true)]
async fn where_nobody_can_it_ends_with_why_not_of_each() {
    let degraded = Status::new().health(Health::Degraded);
    let open = Status::new().block(Block::BreakerOpen { until: None });
    let scene = Scene::with([
        analyst("a", usd!(1)).status(degraded),
        analyst("b", usd!(1)).status(open),
        Registration::new("c", TTL).capability(Capability::new("writing").unwrap()),
        analyst("stranger", usd!(1)),
    ])
    .await;
    let report = scene.run(&scene.runner(), &FanOut::to_everybody().by(analysis())).await;
    let (state, code, message) = reason(&report);
    assert_eq!((state, &*code), (State::Denied, "run.nobody_capable"));
    for part in ["data.analysis", "a: ", "degraded", "b: ", "breaker open", "c: "] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(!message.contains("stranger"), "{message}");
    assert_eq!(agents(&report), ["-"]);
    assert_eq!(report.steps[0].account, None);
    assert_eq!(scene.stage.seen("data.analysis"), ["step_ended"]);
    assert!(report.spent.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_runs_out_takes_its_agent_out_of_a_run() {
    let scene = Scene::with([analyst("a", usd!(1)), analyst("b", usd!(2))]).await;
    let cheapest = analysis().order(Order::Cheapest(safeguards_types::Unit::USD));
    let (clock, registry) = (scene.clock.clone(), Arc::clone(&scene.registry));
    // The first step lets the lease of `a` run out, and renews that of `b`.
    let first = member("a", move |_, _| {
        let (clock, registry) = (clock.clone(), Arc::clone(&registry));
        async move {
            clock.advance(TTL / 2);
            registry.register(analyst("b", usd!(2))).await.unwrap();
            clock.advance(TTL / 2);
            Ok(Reply::text("slow").cost(usd!(0.01)))
        }
    });
    let pages = FanOut::over([json!(1), json!(2)]).at_once(1).by(cheapest);
    let members = [first, worker("b", usd!(0.01))];
    let report = run(&scene.stage, &scene.runner(), members, &pages).await;
    assert_eq!(agents(&report), ["a", "b"], "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_selector_a_need_fails_the_run() {
    let scene = Scene::new();
    let runner = scene.stage.runner();
    let report = scene.run(&runner, &FanOut::to_everybody().by(analysis())).await;
    let (state, code, message) = reason(&report);
    assert_eq!((state, &*code), (State::Failed, "run.no_selector"));
    assert!(message.contains("data.analysis"), "{message}");
}

/// A selector as a test wants it.
#[derive(Debug)]
enum Odd {
    Fails,
    Panics,
    Hangs,
    Chooses(&'static str),
    Refuses(usize),
}

#[async_trait]
impl Selector for Odd {
    async fn select(&self, _: &Query, candidates: &[Candidate]) -> Result<Selection, FindError> {
        assert_eq!(candidates.len(), 3);
        match *self {
            Self::Fails => Err(RegistryError::unavailable("the cable was cut").into()),
            Self::Panics => panic!("out of luck"),
            Self::Hangs => std::future::pending().await,
            Self::Chooses(agent) => Ok(Selection::Chosen(agent.into())),
            Self::Refuses(times) => {
                let unfit = |number| Unfit::new(format!("x{number}").into(), "y".repeat(1_000));
                Ok(Selection::Nobody((0..times).map(unfit).collect()))
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_selector_that_errs_ends_its_step_with_a_reason() {
    async fn check(selector: Odd, state: State, code: &str, parts: &[&str]) {
        let scene = Scene::new();
        let runner = scene.stage.runner().selector(Arc::new(selector));
        let report = scene.run(&runner, &FanOut::to_everybody().by(analysis())).await;
        let (got, reason, message) = reason(&report);
        assert_eq!((got, &*reason), (state, code), "{message}");
        for part in ["data.analysis"].iter().chain(parts) {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert!(message.len() < 5_000, "{}", message.len());
    }
    let failed = "run.selector_failed";
    check(Odd::Fails, State::Failed, failed, &["the cable was cut", "discovery.unavailable"]).await;
    check(Odd::Panics, State::Failed, "run.selector_panicked", &["out of luck"]).await;
    check(Odd::Hangs, State::Failed, failed, &["10s"]).await;
    check(Odd::Chooses("z"), State::Failed, failed, &["z", "not in the team"]).await;
    check(Odd::Refuses(0), State::Denied, "run.nobody_capable", &["does not say why"]).await;
    check(Odd::Refuses(50), State::Denied, "run.nobody_capable", &["x9", "and 40 more"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_over_does_not_wait_for_a_choice() {
    let scene = Scene::new();
    let runner = scene.stage.runner().selector(Arc::new(Odd::Hangs));
    let options = || scene.stage.options();
    let team =
        || Team::new("team", "pool", ["a", "b", "c"].map(|name| worker(name, usd!(0.01)))).unwrap();
    let strategy = FanOut::to_everybody().by(analysis());
    let within = options().within(Duration::from_secs(3));
    let report = runner.run(&team(), Task::new("w"), &strategy, within).await.unwrap();
    assert_eq!(states(&report), ["data.analysis timed_out run.deadline_passed"]);

    let token = tokio_util::sync::CancellationToken::new();
    token.cancel();
    let stopped = options().cancellation(token);
    let report = runner.run(&team(), Task::new("w"), &strategy, stopped).await.unwrap();
    assert_eq!(states(&report), ["data.analysis cancelled run.cancelled"]);
}

/// A source that says this of everybody, or fails.
#[derive(Debug)]
struct Says(Option<Status>);

#[async_trait]
impl StatusSource for Says {
    async fn statuses(&self, agents: &[AgentId]) -> Result<Vec<Option<Status>>, RegistryError> {
        let status = self.0.clone().ok_or_else(|| RegistryError::unavailable("no answer"))?;
        Ok(agents.iter().map(|_| Some(status.clone())).collect())
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_lets_nobody_be_chosen() {
    let scene = Scene::with([analyst("a", usd!(1))]).await;
    let finder = scene.finder().source(Arc::new(Says(None)));
    let runner = scene.stage.runner().selector(Arc::new(finder));
    let report = scene.run(&runner, &FanOut::to_everybody().by(analysis())).await;
    let (state, code, message) = reason(&report);
    assert_eq!((state, &*code), (State::Failed, "run.selector_failed"), "{message}");

    let blocked = Status::new().block(Block::Suspended { reason: "looks odd".to_owned() });
    let finder = scene.finder().source(Arc::new(Says(Some(blocked))));
    let runner = scene.stage.runner().selector(Arc::new(finder));
    let report = scene.run(&runner, &FanOut::to_everybody().by(analysis())).await;
    let (state, _, message) = reason(&report);
    assert_eq!(state, State::Denied);
    assert!(message.contains("suspended: looks odd"), "{message}");
    let _: Option<Value> = report.output;
}
