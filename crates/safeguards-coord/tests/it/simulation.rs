//! Thousands of teams on simulated time, each drawn from a seed: whatever their agents do, every run ends as it must, and
//! costs what its agents cost.
//!
//! - `scene` draws accounts, agents, a strategy and options from a seed.
//! - `wild` is a strategy of a user who is careless.
//! - `play` runs the scene and looks at the money; `model` says what is owed.
//! - `check` looks at what was reported, told and written down.
//!
//! A seed that fails is run alone by `SAFEGUARDS_SEED`; `SAFEGUARDS_SIMULATIONS` says how many there are.

mod check;
mod model;
mod play;
mod scene;
mod wild;

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use safeguards_budget::{LedgerExt, OpenAccount};
use safeguards_coord::{Agent, FanOut, State, Task, Team};
use safeguards_testkit::{ScriptedAgent, Simulation};
use safeguards_types::usd;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::{
    play::{Tally, play},
    scene::Scene,
};

/// How many scenes there are unless it is said otherwise.
const SCENES: u64 = 2_000;
/// One in so many is played twice.
const TWICE: u64 = 8;

#[expect(clippy::disallowed_methods, reason = "how much is run is said from outside")]
fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Plays the scene of a seed, and gives what was met, and the trace.
fn simulate(seed: u64) -> (Tally, String) {
    Simulation::seeded(seed).run(async |sim| {
        let scene = Scene::of(seed);
        let tally = Box::pin(play(sim, &scene)).await;
        check::check_intents(sim, &scene).await;
        (tally, sim.trace())
    })
}

fn check_seed(seed: u64) -> Tally {
    let (mut tally, trace) = simulate(seed);
    if seed.is_multiple_of(TWICE) {
        let (_, again) = simulate(seed);
        for (line, (one, other)) in trace.lines().zip(again.lines()).enumerate() {
            assert_eq!(one, other, "line {line} of two runs of one seed");
        }
        assert_eq!(trace.len(), again.len(), "two runs of one seed");
        tally.count("played twice");
    }
    tally
}

#[test]
fn every_team_ends_as_it_must_and_costs_what_its_agents_cost() {
    if let Some(seed) = number("SAFEGUARDS_SEED") {
        println!("{:#?}", check_seed(seed));
        return;
    }
    let scenes = number("SAFEGUARDS_SIMULATIONS").unwrap_or(SCENES);
    let next = AtomicU64::new(0);
    let work = || {
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= scenes {
                return tally;
            }
            let Ok(met) = catch_unwind(AssertUnwindSafe(|| check_seed(seed))) else {
                next.store(scenes, Ordering::Relaxed);
                panic!(
                    "seed {seed} failed; run it alone: SAFEGUARDS_SEED={seed} cargo test \
                         -p safeguards-coord --test it every_team_ends"
                );
            };
            tally.add(met);
        }
    };
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            tally.add(worker.join().unwrap());
        }
    });
    print_counts(&tally);
    let ends = ["succeeded", "failed", "denied", "timed_out", "cancelled"];
    for end in ends.into_iter().chain(["abandoned"]) {
        assert!(tally.of(&format!("run {end}")) > scenes / 200, "runs that {end}: {tally:#?}");
    }
    for end in ends.into_iter().chain(["skipped", "abandoned"]) {
        assert!(tally.of(&format!("step {end}")) > scenes / 100, "steps that {end}: {tally:#?}");
    }
    for what in ["Replied", "Failed", "Panicked", "Dropped"] {
        assert!(tally.of(&format!("call {what}")) > scenes / 100, "calls: {what}: {tally:#?}");
    }
    for what in ["run dropped", "step delegated", "step attempted again", "played twice"] {
        assert!(tally.of(what) > scenes / 100, "{what}: {tally:#?}");
    }
    let seldom = [
        "strategy pipeline",
        "strategy fan_out",
        "strategy map_reduce",
        "strategy supervisor",
        "strategy vote",
        "strategy hand_over",
        "strategy wild",
        "call Running",
        "run reason run.repeated_call",
        "run reason run.too_many_steps",
        "run reason run.too_many_hand_overs",
        "run reason run.strategy_panicked",
        "step reason run.selector_panicked",
        "step reason run.budget_exceeded",
        "step reason run.not_recorded",
        "step reason budget.limit_exceeded",
        "step reason agent.output_too_large",
        "guard run.too_deep",
        "guard run.repeated_call",
    ];
    for what in seldom {
        assert!(tally.of(what) > scenes / 1_000, "{what}: {tally:#?}");
    }
}

/// `simulated 3,000 by run: 1,234 succeeded, …`.
fn print_counts(tally: &Tally) {
    for kind in ["run", "step", "call", "strategy", "run reason", "step reason", "guard"] {
        let of_kind = tally.counts.iter().filter_map(|(what, times)| {
            let of = what.strip_prefix(kind)?.strip_prefix(' ')?;
            (!of.contains(' ')).then_some((of, *times))
        });
        let of_kind: Vec<(&str, u64)> = of_kind.collect();
        let all: u64 = of_kind.iter().map(|(_, times)| times).sum();
        let texts = of_kind.iter().map(|(of, times)| format!("{} {of}", grouped(*times)));
        let texts: Vec<String> = texts.collect();
        println!("simulated {} by {kind}: {}", grouped(all), texts.join(", "));
    }
}

/// A number with commas, for people.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[test]
fn cancelling_ten_thousand_live_steps_leaves_nothing_running() {
    Simulation::seeded(10_000).run(async |sim| {
        sim.open(OpenAccount::new("pool")).await;
        let agent = ScriptedAgent::new("reader").draws(usd!(0.01)).waits_to_be_stopped();
        let team = Team::new("team", "pool", [agent.member(usd!(0.02)).account("pool")]).unwrap();
        let strategy = FanOut::over((0..10_000).map(|page| json!(page))).at_once(10_000);
        let token = CancellationToken::new();
        let options = sim.options().cancellation(token.clone());
        let runner = sim.runner();
        let run = runner.run(&team, Task::new("read"), &strategy, options);
        let cancel = async {
            while agent.running() < 10_000 {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            token.cancel();
        };
        let (report, ()) = tokio::join!(run, cancel);
        let report = report.unwrap();
        assert_eq!((agent.running(), sim.alive()), (0, 0));
        assert_eq!((report.state, report.steps.len()), (State::Cancelled, 10_000));
        assert!(report.steps.iter().all(|step| step.state == State::Cancelled));
        let pool = sim.ledger().account(&"pool".into()).await.unwrap().unwrap();
        assert!(pool.held.is_zero(), "{}", pool.held);
        assert_eq!(pool.spent.to_string(), "100.00 USD, 10000 requests");
        assert_eq!(runner.loads().of(&agent.descriptor().id), None);
    });
}
