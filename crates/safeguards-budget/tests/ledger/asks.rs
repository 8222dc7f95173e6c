//! Random steps: what may be asked of a small tree, and when.

use proptest::{collection::vec, prelude::*, sample::Index};
use safeguards_budget::{Limit, Percent, ProtectionStep, Window};
use safeguards_types::{Amount, Amounts, Priority, Quantity, Unit};

use crate::desk::quantity;

/// A tree of depth four, a second child of its root, another root, and a name that is opened only by chance.
pub(crate) const TREE: [(&str, Option<&str>); 7] = [
    ("org", None),
    ("team", Some("org")),
    ("agent", Some("team")),
    ("sub", Some("agent")),
    ("pool", Some("org")),
    ("user", None),
    ("late", Some("pool")),
];
const OPENED_AT_FIRST: usize = 6;

/// One thing asked; which account or hold it is about is said by a position in what there is.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    RegisterGpu,
    Open { name: usize, priority: Priority, limits: Vec<Limit>, steps: Vec<ProtectionStep> },
    SetLimit(usize, Limit),
    SetRemaining(usize, Limit),
    Charge(Spend),
    Record(Spend),
    Hold(Spend, u64),
    Settle(Index, Amounts),
    Release(Index),
}

#[derive(Clone, Debug)]
pub(crate) struct Spend {
    pub(crate) account: usize,
    pub(crate) scopes: Vec<usize>,
    pub(crate) amounts: Amounts,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Wait(i64),
    Tick,
    /// Read how all will stand so many seconds from now.
    LookAhead(u64),
    /// Commands, independent or linked, under fresh ids.
    Send {
        asks: Vec<Ask>,
        linked: bool,
    },
    /// A command whose id was minted so far ahead of the clock.
    SendAhead(Ask, u64),
    /// A batch that was sent before.
    Repeat(Index),
    /// Some commands that were sent before, with a fresh one, linked.
    Mix(Vec<Index>, Ask),
    /// Another command under an id that was used before.
    Reuse(Index, Ask),
}

/// Mostly one that is open.
fn account() -> impl Strategy<Value = usize> {
    prop_oneof![20 => 0..OPENED_AT_FIRST, 1 => OPENED_AT_FIRST..TREE.len()]
}

/// Few and round, so that sums meet limits exactly; one is a single step, and one is not allowed.
fn amount() -> impl Strategy<Value = Quantity> {
    let texts = ["1", "2", "2", "3", "2.5", "0.000000000001", "7"];
    prop_oneof![
        60 => prop::sample::select(texts.to_vec()).prop_map(quantity),
        1 => Just(Quantity::ZERO),
    ]
}

fn known_unit() -> impl Strategy<Value = Unit> {
    prop_oneof![3 => Just(Unit::USD), 1 => Just(Unit::TOKENS)]
}

fn unit() -> impl Strategy<Value = Unit> {
    prop_oneof![30 => known_unit(), 1 => Just(Unit::new("gpu"))]
}

fn amounts() -> impl Strategy<Value = Amounts> {
    let some = vec((amount(), unit()), 1..3);
    let sum = |some: Vec<(Quantity, Unit)>| {
        some.into_iter().map(|(quantity, unit)| Amount::new(quantity, unit)).collect()
    };
    prop_oneof![60 => some.prop_map(sum), 1 => Just(Amounts::none())]
}

fn limit(unit: impl Strategy<Value = Unit>) -> impl Strategy<Value = Limit> {
    let window = prop_oneof![
        3 => Just(Window::Lifetime),
        2 => Just(Window::every_seconds(4).unwrap()),
        1 => Just(Window::every_seconds(10).unwrap()),
        1 => Just(Window::day("Europe/Berlin").unwrap()),
    ];
    let size = prop::sample::select(vec!["0", "7.000000000001", "12", "20", "30", "60"]);
    let percents = vec(prop::sample::select(vec!["50", "33.333333333333", "80", "100"]), 0..3);
    (unit, window, size, percents).prop_map(|(unit, window, size, percents)| {
        let limit = Limit::new(Amount::new(quantity(size), unit), window);
        percents.iter().fold(limit, |limit, text| limit.warn_at(percent(text)))
    })
}

fn percent(text: &str) -> Percent {
    Percent::parse(text).unwrap()
}

fn priority() -> impl Strategy<Value = Priority> {
    (1..=10_i64).prop_map(|level| Priority::try_from(level).unwrap())
}

fn protection() -> impl Strategy<Value = Vec<ProtectionStep>> {
    let step = (prop::sample::select(vec!["10", "25", "33.333333333333"]), priority());
    vec(step.prop_map(|(last, from)| ProtectionStep::new(percent(last), from)), 0..3)
}

/// Limits of one account: one for each unit and window.
fn limits() -> impl Strategy<Value = Vec<Limit>> {
    vec(limit(known_unit()), 0..3).prop_map(|limits| {
        let mut once: Vec<Limit> = Vec::new();
        for limit in limits {
            if !once.iter().any(|known| known.unit == limit.unit && known.window == limit.window) {
                once.push(limit);
            }
        }
        once
    })
}

fn open(name: impl Strategy<Value = usize>) -> impl Strategy<Value = Ask> {
    (name, priority(), limits(), protection())
        .prop_map(|(name, priority, limits, steps)| Ask::Open { name, priority, limits, steps })
}

fn spend() -> impl Strategy<Value = Spend> {
    let scopes = prop_oneof![3 => Just(Vec::new()), 1 => vec(account(), 1..3)];
    (account(), scopes, amounts()).prop_map(|(account, scopes, amounts)| Spend {
        account,
        scopes,
        amounts,
    })
}

fn ask() -> impl Strategy<Value = Ask> {
    let ttl = prop_oneof![1..30_u64, Just(90_000)];
    prop_oneof![
        1 => Just(Ask::RegisterGpu),
        1 => open(account()),
        1 => (account(), limit(unit())).prop_map(|(account, limit)| Ask::SetLimit(account, limit)),
        1 => (account(), limit(unit())).prop_map(|(account, limit)| Ask::SetRemaining(account, limit)),
        8 => spend().prop_map(Ask::Charge),
        2 => spend().prop_map(Ask::Record),
        8 => (spend(), ttl).prop_map(|(spend, ttl)| Ask::Hold(spend, ttl)),
        6 => (any::<Index>(), amounts()).prop_map(|(hold, amounts)| Ask::Settle(hold, amounts)),
        3 => any::<Index>().prop_map(Ask::Release),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (-5..8_i64).prop_map(Step::Wait),
        1 => Just(Step::Wait(50_000)),
        1 => Just(Step::Tick),
        2 => (1..40_u64).prop_map(Step::LookAhead),
        14 => ask().prop_map(|ask| Step::Send { asks: vec![ask], linked: false }),
        5 => (vec(ask(), 0..5), any::<bool>())
            .prop_map(|(asks, linked)| Step::Send { asks, linked }),
        1 => (ask(), 299..303_u64).prop_map(|(ask, ahead)| Step::SendAhead(ask, ahead)),
        2 => any::<Index>().prop_map(Step::Repeat),
        1 => (vec(any::<Index>(), 0..3), ask()).prop_map(|(known, ask)| Step::Mix(known, ask)),
        1 => (any::<Index>(), ask()).prop_map(|(of, ask)| Step::Reuse(of, ask)),
    ]
}

/// The tree, then whatever comes.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let opened: Vec<_> = (0..OPENED_AT_FIRST).map(|name| open(Just(name))).collect();
    (opened, vec(step(), 1..60)).prop_map(|(opened, rest)| {
        let opened = opened.into_iter().map(|ask| Step::Send { asks: vec![ask], linked: false });
        opened.chain(rest).collect()
    })
}
