//! The few words that random commands are made of.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

/// The accounts of random commands, each with the one that it usually stands below. `nobody` is never opened.
pub const ACCOUNTS: [(&str, Option<&str>); 11] = [
    ("org", None),
    ("team", Some("org")),
    ("lab", Some("org")),
    ("ada", Some("team")),
    ("bob", Some("team")),
    ("eve", Some("team")),
    ("ada/1", Some("ada")),
    ("ada/1/2", Some("ada/1")),
    ("pool", None),
    ("user/ü", Some("pool")),
    ("nobody", None),
];

/// Amounts: as they usually are, and where they are huge. A random command names one by its place.
pub(super) const AMOUNTS: [(&str, &str); 16] = [
    ("1", "1000000000000000"),
    ("2", "900000000000000"),
    ("0.5", "1"),
    ("3", "999999999999999.999999999999"),
    ("0.000000000001", "0.000000000001"),
    ("1.5", "1.5"),
    ("0.25", "500000000000000.000000000001"),
    ("4", "600000000000000"),
    ("7", "33.333333333333"),
    ("10", "1000000000000000"),
    ("20", "1000000000000000"),
    ("33.333333333333", "900000000000000"),
    ("40", "999999999999999.999999999999"),
    ("12", "1000000000000000"),
    ("100", "1000000000000000"),
    ("60", "800000000000000"),
];
/// What is usually spent stands before this place, what is usually a limit at it or after.
const LIMITS: usize = 8;

/// An account that is usually there.
pub(super) fn account() -> BoxedStrategy<String> {
    let names = ["team", "ada", "ada/1", "org", "bob", "lab", "user/ü", "eve", "ada/1/2", "pool"];
    prop_oneof![99 => select(names.to_vec()), 1 => Just("nobody")].prop_map(str::to_owned).boxed()
}

/// A parent with some of its children, now and then with somebody else among them.
pub(super) fn family() -> BoxedStrategy<(String, Vec<String>)> {
    let families = [
        ("team", vec!["ada", "bob"]),
        ("team", vec!["ada", "bob", "eve"]),
        ("org", vec!["team", "lab"]),
        ("team", vec!["ada"]),
        ("team", vec!["bob", "eve"]),
        ("ada", vec!["ada/1"]),
        ("pool", vec!["user/ü"]),
    ];
    let stranger = prop_oneof![10 => Just(None), 1 => account().prop_map(Some)];
    (select(families.to_vec()), stranger)
        .prop_map(|((parent, children), stranger)| {
            let children = children.into_iter().map(str::to_owned).chain(stranger);
            (parent.to_owned(), children.collect())
        })
        .boxed()
}

/// A unit that is usually registered.
pub(super) fn unit() -> BoxedStrategy<String> {
    prop_oneof![
        70 => Just("USD"),
        20 => Just("tokens"),
        8 => Just("requests"),
        2 => Just("gpu"),
    ]
    .prop_map(str::to_owned)
    .boxed()
}

pub(super) fn window() -> BoxedStrategy<Value> {
    let every = [1, 2, 60, 3_600, 86_400, 1_000_000_000].map(|seconds| json!({"every_s": seconds}));
    let mut windows = every.to_vec();
    for zone in ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia"] {
        windows.extend(["day", "week", "month"].map(|length| json!({length: zone})));
    }
    prop_oneof![
        5 => Just(json!("lifetime")),
        1 => select(vec![json!({"every_s": 60}), json!({"day": "Europe/Berlin"})]),
        2 => select(windows),
    ]
    .boxed()
}

/// An amount above 0, by its place in [`AMOUNTS`]; now and then one that is none.
pub(super) fn amount() -> BoxedStrategy<Value> {
    let bad = ["0", "-1", "", "abc", ".5", "1.", "1.0000000000001", "1000000000000001", "1e3"];
    prop_oneof![
        60 => (0..=LIMITS).prop_map(|place| json!(place)),
        1 => select(bad.to_vec()).prop_map(|text| json!(text)),
    ]
    .boxed()
}

/// An amount that may be 0.
pub(super) fn any_amount() -> BoxedStrategy<Value> {
    prop_oneof![8 => amount(), 1 => Just(json!("0"))].boxed()
}

/// Amounts of one unit, sometimes of several, rarely of none.
pub(super) fn amounts() -> BoxedStrategy<Value> {
    let count = prop_oneof![60 => Just(1_usize), 12 => Just(2), 1 => Just(0)];
    count
        .prop_flat_map(|count| vec((unit(), amount()), count))
        .prop_map(|amounts| Value::Object(amounts.into_iter().collect()))
        .boxed()
}

/// Amounts of which each may be 0.
pub(super) fn any_amounts() -> BoxedStrategy<Value> {
    let count = prop_oneof![30 => Just(1_usize), 6 => Just(2), 2 => Just(0)];
    count
        .prop_flat_map(|count| vec((unit(), any_amount()), count))
        .prop_map(|amounts| Value::Object(amounts.into_iter().collect()))
        .boxed()
}

fn percent() -> BoxedStrategy<Value> {
    select(vec!["50", "80", "10", "100", "33.3", "0.000000000001"])
        .prop_map(|percent| json!(percent))
        .boxed()
}

/// A limit, larger than most that is charged; now and then a wrong one.
pub(super) fn limit() -> BoxedStrategy<Value> {
    prop_oneof![9 => good_limit(), 1 => limit_of(unit(), any_amount())].boxed()
}

fn good_limit() -> BoxedStrategy<Value> {
    let unit = select(vec!["USD", "USD", "USD", "tokens"]).prop_map(str::to_owned).boxed();
    limit_of(unit, (LIMITS..AMOUNTS.len()).prop_map(|place| json!(place)).boxed())
}

fn limit_of(unit: BoxedStrategy<String>, amount: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let mode = select(vec!["hard", "hard", "hard", "hard", "soft", "shadow"]);
    let warn_at = prop_oneof![3 => Just(Vec::new()), 1 => vec(percent(), 1..4)];
    (unit, window(), amount, mode, warn_at)
        .prop_map(|(unit, window, amount, mode, warn_at)| {
            json!({"unit": unit, "window": window, "amount": amount, "mode": mode, "warn_at": warn_at})
        })
        .boxed()
}

/// Limits that an account may have from the start, none on the unit and window of another.
pub(super) fn limits() -> BoxedStrategy<Vec<Value>> {
    let drawn = prop_oneof![2 => vec(good_limit(), 0..2), 3 => vec(good_limit(), 1..4)];
    drawn
        .prop_map(|drawn| {
            let mut limits: Vec<Value> = Vec::new();
            for limit in drawn {
                let is_same = |known: &Value| {
                    ["unit", "window"].iter().all(|key| known.get(*key) == limit.get(*key))
                };
                if !limits.iter().any(is_same) {
                    limits.push(limit);
                }
            }
            limits
        })
        .boxed()
}

pub(super) fn priority() -> BoxedStrategy<u64> {
    prop_oneof![2 => Just(5_u64), 3 => 1_u64..=10].boxed()
}

/// At most so many steps of protection; mostly none.
pub(super) fn protection(steps_max: usize) -> BoxedStrategy<Vec<Value>> {
    let step = (percent(), priority()).prop_map(
        |(percent, priority)| json!({"last_percent": percent, "from_priority": priority}),
    );
    prop_oneof![4 => Just(Vec::new()), 1 => vec(step, 1..=steps_max)].boxed()
}

pub(super) fn metadata() -> BoxedStrategy<Value> {
    let some = [json!({"task": "a"}), json!({"task": "b", "tries": [1, 2.5, null]})];
    prop_oneof![30 => Just(json!({})), 2 => select(some.to_vec())].boxed()
}
