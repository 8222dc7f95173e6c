//! [`Scene`]: accounts, agents, strategies and options, drawn from a seed.

use std::{panic::resume_unwind, sync::Arc, time::Duration};

use async_trait::async_trait;
use fastrand::Rng;
use parking_lot::Mutex;
use safeguards_budget::{Limit, OpenAccount, Window};
use safeguards_coord::{
    Candidate, Descriptor, FanOut, Guards, HandOver, MapReduce, Member, Pipeline, Policy, Retry,
    Seat, Selection, Selector, Strategy, Subtask, Supervise, Unfit, Vote,
};
use safeguards_discovery::{FindError, Query, RegistryError};
use safeguards_testkit::{Script, ScriptedAgent};
use safeguards_types::{Amount, Amounts, Quantity, Unit, requests};
use serde_json::json;

use super::wild::Wild;

/// What is held before a run of a member of which nothing is known.
pub(super) const DEFAULT: u64 = 20;

pub(super) struct Scene {
    pub(super) accounts: Vec<OpenAccount>,
    pub(super) cast: Vec<Cast>,
    pub(super) runs: Vec<RunPlan>,
    pub(super) faults: Faults,
}

/// An agent, and its place in the team.
#[derive(Debug)]
pub(super) struct Cast {
    pub(super) agent: ScriptedAgent,
    pub(super) is_free: bool,
    /// In cents; none where nothing is said of it.
    pub(super) estimate: Option<u64>,
    pub(super) account: String,
    pub(super) scope: Option<String>,
    pub(super) timeout: Option<Duration>,
    pub(super) retries: u32,
}

/// What goes wrong below.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    /// How many submissions to the ledger fail, at most.
    pub(super) of_ledger: usize,
    /// How many calls of the store fail, at most.
    pub(super) of_store: usize,
    /// After how many calls the store is away for good.
    pub(super) store_ends: Option<usize>,
}

/// One run of the team.
pub(super) struct RunPlan {
    pub(super) strategy: Box<dyn Strategy>,
    pub(super) within: Duration,
    pub(super) cancel_after: Option<Duration>,
    pub(super) drop_after: Option<Duration>,
    pub(super) guards: Guards,
    pub(super) budget: Option<Amounts>,
    pub(super) output_bytes_max: Option<usize>,
}

pub(super) fn cents(cents: u64) -> Amount {
    let steps = i128::from(cents) * 10_000_000_000;
    Amount::new(Quantity::from_steps(steps).unwrap(), Unit::USD)
}

fn millis(dice: &mut Rng, most: u64) -> Duration {
    Duration::from_millis(dice.u64(0..=most))
}

fn once_in(dice: &mut Rng, times: u8) -> bool {
    dice.u8(0..times) == 0
}

impl Scene {
    pub(super) fn of(seed: u64) -> Self {
        let mut dice = Rng::with_seed(seed);
        let dice = &mut dice;
        let names: Vec<String> = ["a", "b", "c", "d", "e"][..dice.usize(1..=5)]
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        let mut accounts = vec![pool(dice), OpenAccount::new("user"), open("mid", "pool", dice)];
        let cast: Vec<Cast> = names.iter().map(|name| cast(name, &names, seed, dice)).collect();
        for (name, cast) in names.iter().zip(&cast) {
            if *name == cast.account {
                let under = if once_in(dice, 3) { "mid" } else { "pool" };
                accounts.push(open(name, under, dice));
            }
        }
        let many = if once_in(dice, 5) { 2 } else { 1 };
        let runs = (0..many).map(|_| run(&names, dice)).collect();
        let mut faults = Faults::default();
        if once_in(dice, 5) {
            faults.of_ledger = dice.usize(1..=2);
        }
        if once_in(dice, 5) {
            faults.of_store = dice.usize(1..=2);
        }
        if once_in(dice, 40) {
            faults.store_ends = Some(dice.usize(0..20));
        }
        Self { accounts, cast, runs, faults }
    }

    pub(super) fn members(&self) -> Vec<Member> {
        self.cast.iter().map(Cast::member).collect()
    }
}

impl Cast {
    fn member(&self) -> Member {
        let agent = Arc::new(self.agent.clone());
        let mut member = match self.estimate {
            Some(estimate) => Member::new(agent, cents(estimate)),
            None => Member::of(agent),
        };
        member = member.account(&*self.account).retry(Retry::times(self.retries));
        if let Some(scope) = &self.scope {
            member = member.scope(&**scope);
        }
        match self.timeout {
            Some(timeout) => member.timeout(timeout),
            None => member,
        }
    }
}

fn pool(dice: &mut Rng) -> OpenAccount {
    let limit = match dice.u8(0..6) {
        0 => cents(dice.u64(1..60)),
        1 => cents(dice.u64(60..200)),
        _ => cents(100_000),
    };
    let pool = OpenAccount::new("pool").limit(Limit::lifetime(limit));
    if once_in(dice, 6) {
        return pool.limit(Limit::lifetime(requests!(3)));
    }
    pool
}

fn open(name: &str, under: &str, dice: &mut Rng) -> OpenAccount {
    let account = OpenAccount::new(name).under(under);
    match dice.u8(0..10) {
        0 => account.limit(Limit::lifetime(cents(dice.u64(1..150)))),
        1 => {
            let window = Window::every_seconds(dice.u64(1..20)).unwrap();
            account.limit(Limit::new(cents(dice.u64(10..100)), window))
        }
        _ => account,
    }
}

fn cast(name: &str, names: &[String], seed: u64, dice: &mut Rng) -> Cast {
    let mut descriptor = Descriptor::new(name).grace(match dice.u8(0..4) {
        0 => Duration::ZERO,
        1 => Duration::from_millis(100),
        _ => Descriptor::GRACE,
    });
    let is_free = once_in(dice, 8);
    if is_free {
        descriptor = descriptor.free();
    }
    descriptor.blocks = once_in(dice, 8);
    let blocks = descriptor.blocks;
    let (own, others) = (seed ^ dice.u64(..), names.to_vec());
    let agent = ScriptedAgent::new(descriptor).planned(move |number, _| {
        let number = u64::try_from(number).unwrap();
        let mut dice = Rng::with_seed(own.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        Some(script(&others, blocks, &mut dice))
    });
    let estimate = match dice.u8(0..5) {
        0 => None,
        _ if is_free => Some(0),
        _ => Some(dice.u64(1..60)),
    };
    Cast {
        agent,
        is_free,
        estimate,
        account: if once_in(dice, 6) { "pool".to_owned() } else { name.to_owned() },
        scope: once_in(dice, 8).then(|| "user".to_owned()),
        timeout: once_in(dice, 3).then(|| Duration::from_millis(1) + millis(dice, 8_000)),
        retries: dice.u32(0..3),
    }
}

fn script(names: &[String], blocks: bool, dice: &mut Rng) -> Script {
    let mut script = Script::new().yields(dice.u32(0..3));
    for _ in 0..dice.usize(0..4) {
        let to = names[dice.usize(0..names.len())].as_str();
        let text = ["again", "the same"][dice.usize(0..2)];
        script = match dice.u8(0..14) {
            0..4 => script.takes(millis(dice, 4_000)),
            4 => script.takes(millis(dice, 60_000)),
            5..7 => script.draws(cents(dice.u64(0..40))),
            // Who blocks may be let go, and nobody hears what it reports then.
            7 if !blocks => script.reports(cents(dice.u64(0..60))),
            8 => script.logs("a line").progresses("half"),
            9 | 10 => script.delegates(to, text),
            11 => script.tries_to_delegate(to, text),
            _ => script.yields(dice.u32(0..5)),
        };
    }
    script = match dice.u8(0..9) {
        0..4 => script.costs(cents(dice.u64(0..40))),
        4 => script.costs([cents(dice.u64(0..40)), requests!(3)]),
        5 => script.costs(Amounts::none()),
        // More than was held, as a rule.
        6 => script.costs(cents(dice.u64(0..500))),
        _ => script,
    };
    match dice.u8(0..22) {
        0..7 => script.then_replies(json!({ "said": dice.u8(0..3) })),
        7..11 => {
            let next =
                if once_in(dice, 5) { "nobody" } else { &*names[dice.usize(0..names.len())] };
            script.then_replies(json!({ "next_speaker": next, "subtasks": ["one", "two"] }))
        }
        11 => script.then_replies(json!({ "next_speaker": "done", "subtasks": ["one"] })),
        12 => script.then_replies(json!(null)),
        13 => script.then_fails("down"),
        14..16 => script.then_fails_for_now("busy"),
        16 => script.then_panics("out of range"),
        17 => script.then_hangs(),
        18 => script.waits_to_be_stopped().then_fails("stopped in order"),
        19 => script.waits_to_be_stopped().takes(millis(dice, 4_000)),
        20 => script.then_replies_with_bytes(300),
        _ => script.takes(millis(dice, 300_000)),
    }
}

fn need() -> Query {
    Query::new("data.analysis").unwrap()
}

fn run(names: &[String], dice: &mut Rng) -> RunPlan {
    let strategy = strategy(names, dice);
    let within = Duration::from_millis(1) + millis(dice, 40_000);
    let most = u64::try_from(within.as_millis()).unwrap();
    let mut guards = Guards::default();
    if once_in(dice, 6) {
        guards.steps_max = dice.usize(0..6);
    }
    if once_in(dice, 6) {
        guards.depth_max = dice.u32(0..3);
    }
    if once_in(dice, 6) {
        guards.repeats_max = dice.u32(1..4);
    }
    if once_in(dice, 3) {
        guards.hand_overs_max = dice.u32(0..3);
    }
    RunPlan {
        strategy,
        within,
        cancel_after: once_in(dice, 5).then(|| millis(dice, most.min(8_000))),
        drop_after: once_in(dice, 16).then(|| millis(dice, most.min(8_000))),
        guards,
        budget: once_in(dice, 6).then(|| cents(dice.u64(1..150)).into()),
        output_bytes_max: once_in(dice, 3).then_some(100),
    }
}

fn seat(names: &[String], dice: &mut Rng) -> Seat {
    match dice.u8(0..4) {
        0 => Seat::from(need()),
        _ => Seat::from(names[dice.usize(0..names.len())].as_str()),
    }
}

fn strategy(names: &[String], dice: &mut Rng) -> Box<dyn Strategy> {
    match dice.u8(0..13) {
        0 => Box::new(Pipeline::new()),
        1 => {
            let seats: Vec<Seat> = (0..dice.usize(1..6)).map(|_| seat(names, dice)).collect();
            Box::new(Pipeline::through(seats))
        }
        2..5 => Box::new(fan_out(dice)),
        5 if dice.bool() => Box::new(MapReduce::by_last(fan_out(dice))),
        5 => Box::new(MapReduce::new(fan_out(dice), seat(names, dice))),
        6 | 7 => Box::new(supervise(names, dice)),
        8 | 9 => Box::new(vote(names, dice)),
        10 => Box::new(HandOver::new()),
        11 => {
            Box::new(HandOver::new().moderated_by(names[0].as_str()).transcript(dice.usize(0..3)))
        }
        _ => Box::new(Wild::seeded(dice.u64(..))),
    }
}

fn policy(dice: &mut Rng) -> Policy {
    match dice.u8(0..8) {
        0 => Policy::FailFast,
        1 => Policy::Any,
        2 => Policy::Quorum(dice.usize(0..4)),
        3 => Policy::AtLeast(dice.usize(0..4)),
        _ => Policy::All,
    }
}

fn fan_out(dice: &mut Rng) -> FanOut {
    let inputs = (0..dice.usize(0..12)).map(|input| json!(input / 2));
    let fan_out = match dice.u8(0..3) {
        0 => FanOut::to_everybody(),
        _ => FanOut::over(inputs).at_once(dice.usize(0..6)),
    };
    let fan_out = fan_out.policy(policy(dice));
    if once_in(dice, 4) { fan_out.by(need()) } else { fan_out }
}

fn supervise(names: &[String], dice: &mut Rng) -> Supervise {
    let many = dice.usize(0..6);
    let supervise = match dice.u8(0..4) {
        0 => Supervise::by_first(),
        1 => Supervise::by(seat(names, dice)),
        2 => Supervise::by_first()
            .decompose(move |_| (0..many).map(|part| Subtask::new(format!("{part}"))).collect()),
        _ => Supervise::new(
            move |_| (0..many).map(|part| Subtask::new(format!("{part}"))).collect(),
            |parts| json!(parts.len()),
        ),
    };
    supervise.policy(policy(dice)).at_once(dice.usize(0..4)).subtasks_max(dice.usize(1..8))
}

fn vote(names: &[String], dice: &mut Rng) -> Vote {
    let vote = match dice.u8(0..3) {
        0 => Vote::new(),
        1 => Vote::new().times(seat(names, dice), dice.usize(1..6)),
        _ => {
            Vote::new().among((0..dice.usize(1..5)).map(|_| seat(names, dice)).collect::<Vec<_>>())
        }
    };
    let vote = if once_in(dice, 3) { vote.judged_by(seat(names, dice)) } else { vote };
    let vote = if once_in(dice, 3) { vote.plurality() } else { vote };
    vote.at_once(dice.usize(0..5))
}

/// Chooses anybody, or nobody, or fails.
#[derive(Debug)]
pub(super) struct Chooser(Mutex<Rng>);

impl Chooser {
    pub(super) const fn new(dice: Rng) -> Self {
        Self(Mutex::new(dice))
    }
}

#[async_trait]
impl Selector for Chooser {
    async fn select(&self, _: &Query, candidates: &[Candidate]) -> Result<Selection, FindError> {
        let (outcome, place) = {
            let mut dice = self.0.lock();
            (dice.u8(0..40), dice.usize(0..candidates.len()))
        };
        let chosen = candidates[place].agent.clone();
        match outcome {
            0 => Ok(Selection::Nobody(vec![Unfit::new(chosen, "asleep")])),
            1 => Err(RegistryError::unavailable("the registry is away").into()),
            2 => resume_unwind(Box::new("the selector panics")),
            3 => std::future::pending().await,
            4 => Ok(Selection::Chosen("nobody".into())),
            _ => Ok(Selection::Chosen(chosen)),
        }
    }
}
