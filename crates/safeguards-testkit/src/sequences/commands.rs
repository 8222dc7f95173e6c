//! Every command, with keys drawn at random: [`draft`].

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use super::{
    play::FAR_BACK,
    words::{
        ACCOUNTS, account, amount, amounts, any_amount, any_amounts, family, limit, limits,
        metadata, priority, protection, unit, window,
    },
};

/// A command before it has an id. Amounts are places in the list of amounts; holds and earlier operations are
/// told by how far back they are.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) id: Id,
    pub(super) command: Value,
}

impl Draft {
    fn new(command: Value) -> Self {
        Self { id: Id::New { ahead_ms: 0 }, command }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Id {
    /// One minted so many milliseconds after the clock.
    New { ahead_ms: i64 },
    /// An earlier command once more, maybe written in another way.
    Again { back: usize, rewritten: bool },
    /// That of an earlier command.
    Taken { back: usize },
}

/// Opens most of the accounts, each below the one where it belongs, and places a few holds.
pub(super) fn openings() -> BoxedStrategy<Vec<Draft>> {
    let holds = vec(hold(), 0..4).prop_map(|holds| holds.into_iter().map(Draft::new));
    (accounts(), holds)
        .prop_map(|(accounts, holds)| accounts.into_iter().chain(holds).collect())
        .boxed()
}

fn accounts() -> BoxedStrategy<Vec<Draft>> {
    let details = || (prop::bool::weighted(0.985), priority(), limits(), protection(3));
    vec(details(), ACCOUNTS.len())
        .prop_map(|all| {
            let openings = ACCOUNTS.iter().zip(all).filter(|((name, parent), (is_there, ..))| {
                (parent.is_none() || *is_there) && *name != "nobody"
            });
            let drafts = openings.map(|((name, parent), (_, priority, limits, protection))| {
                Draft::new(json!({
                    "do": "open_account", "account": name, "parent": parent, "priority": priority,
                    "limits": limits, "protection": protection,
                }))
            });
            drafts.collect()
        })
        .boxed()
}

/// Spends or holds 10¹⁵ units a few times, up to what a counter can hold.
pub(super) fn fill() -> BoxedStrategy<Vec<Draft>> {
    let is_hold = prop::bool::weighted(0.3);
    (is_hold, 7_usize..=10)
        .prop_map(|(is_hold, times)| {
            let record = json!({"do": "record", "account": "ada", "amounts": {"USD": 0}});
            let hold = json!({"do": "place_hold", "account": "ada", "amounts": {"USD": 0}, "ttl_s": 1_000_000_000});
            let command = if is_hold { hold } else { record };
            vec![Draft::new(command); times]
        })
        .boxed()
}

pub(super) fn draft() -> BoxedStrategy<Draft> {
    let id = prop_oneof![
        92 => Just(Id::New { ahead_ms: 0 }),
        3 => select(vec![299_999, 300_000, 300_001, 301_000, -1, -1_000, -600_000])
            .prop_map(|ahead_ms| Id::New { ahead_ms }),
        4 => (0_usize..20, prop::bool::ANY).prop_map(|(back, rewritten)| Id::Again { back, rewritten }),
        1 => (0_usize..10).prop_map(|back| Id::Taken { back }),
    ];
    (id, command(), metadata())
        .prop_map(|(id, command, metadata)| {
            let is_plain = metadata == json!({});
            let command = if is_plain { command } else { with(command, "metadata", metadata) };
            Draft { id, command }
        })
        .boxed()
}

fn command() -> BoxedStrategy<Value> {
    prop_oneof![
        24 => charge(),
        13 => hold(),
        14 => settle(),
        6 => charge().prop_map(|charge| with(charge, "do", json!("record"))),
        7 => (back(), amounts()).prop_map(|(of, amounts)| json!({"do": "refund", "of": of, "amounts": amounts})),
        3 => back().prop_map(|hold| json!({"do": "release", "hold": hold})),
        3 => (back(), ttl()).prop_map(|(hold, ttl)| json!({"do": "extend_hold", "hold": hold, "ttl_s": ttl})),
        12 => plan(),
        10 => limits_set(),
        8 => tree(),
    ].boxed()
}

fn charge() -> BoxedStrategy<Value> {
    let scopes =
        prop_oneof![6 => Just(Vec::new()), 2 => vec(account(), 1..3), 1 => vec(account(), 3..5)];
    (account(), amounts(), scopes)
        .prop_map(|(account, amounts, scopes)| {
            let charge = json!({"do": "charge", "account": account, "amounts": amounts});
            if scopes.is_empty() { charge } else { with(charge, "scopes", json!(scopes)) }
        })
        .boxed()
}

fn hold() -> BoxedStrategy<Value> {
    (charge(), ttl())
        .prop_map(|(charge, ttl)| {
            with(with(charge, "do", json!("place_hold")), "ttl_s", json!(ttl))
        })
        .boxed()
}

fn ttl() -> BoxedStrategy<u64> {
    prop_oneof![
        4 => 1_u64..30,
        4 => select(vec![60, 300, 3_600, 86_400]),
        1 => Just(1_000_000_000),
    ]
    .boxed()
}

fn settle() -> BoxedStrategy<Value> {
    let attribute_to = prop_oneof![
        6 => Just(None),
        2 => select(vec!["ada/1/2", "ada/1"]).prop_map(|name| Some(name.to_owned())),
        1 => account().prop_map(Some),
    ];
    (back(), any_amounts(), prop::bool::weighted(0.4), attribute_to)
        .prop_map(|(hold, amounts, keep_open, attribute_to)| {
            let settle = json!({"do": "settle", "hold": hold, "amounts": amounts});
            let settle = if keep_open { with(settle, "keep_open", json!(true)) } else { settle };
            match attribute_to {
                Some(account) => with(settle, "attribute_to", json!(account)),
                None => settle,
            }
        })
        .boxed()
}

/// How far back: mostly the last few.
fn back() -> BoxedStrategy<Value> {
    prop_oneof![8 => 0_usize..3, 4 => 3_usize..12, 1 => Just(FAR_BACK)]
        .prop_map(|back| json!(back))
        .boxed()
}

fn plan() -> BoxedStrategy<Value> {
    let siblings =
        [("ada", "bob"), ("bob", "ada"), ("team", "lab"), ("eve", "ada"), ("lab", "team")];
    let siblings = prop_oneof![
        8 => select(siblings.to_vec()).prop_map(|(from, to)| (from.to_owned(), to.to_owned())),
        1 => (account(), account()),
    ];
    let unit = || prop_oneof![9 => Just("USD".to_owned()), 1 => unit()];
    let transfer = (siblings, unit(), amount()).prop_map(|((from, to), unit, amount)| {
        json!({"do": "transfer", "from": from, "to": to, "unit": unit, "amount": amount})
    });
    let allocate = (family(), unit(), vec(any_amount(), 4)).prop_map(|((parent, children), unit, shares)| {
        json!({"do": "allocate", "parent": parent, "unit": unit, "shares": by_name(children, shares)})
    });
    let amount_to_cut = prop_oneof![1 => Just(None), 2 => amount().prop_map(Some)];
    let at_least = prop_oneof![2 => Just(None), 1 => any_amount().prop_map(Some)];
    let divide = (family(), unit(), vec(any_amount(), 4), amount_to_cut, at_least);
    let divide = divide.prop_map(|((parent, children), unit, weights, amount, at_least)| {
        let weights = by_name(children, weights);
        let divide = json!({"do": "divide", "parent": parent, "unit": unit, "weights": weights});
        let divide =
            amount.into_iter().fold(divide, |divide, amount| with(divide, "amount", amount));
        at_least.into_iter().fold(divide, |divide, at_least| with(divide, "at_least", at_least))
    });
    let reclaim = (account(), unit(), amount()).prop_map(|(account, unit, amount)| {
        json!({"do": "reclaim", "account": account, "unit": unit, "amount": amount})
    });
    let empty = select(vec![
        json!({"do": "allocate", "parent": "team", "unit": "USD", "shares": {}}),
        json!({"do": "divide", "parent": "team", "unit": "USD", "weights": {}}),
    ]);
    prop_oneof![20 => transfer, 20 => allocate, 25 => divide, 25 => reclaim, 1 => empty].boxed()
}

fn limits_set() -> BoxedStrategy<Value> {
    let set = (account(), limit()).prop_map(|(account, limit)| {
        with(with(limit, "do", json!("set_limit")), "account", json!(account))
    });
    let remaining = (account(), unit(), window(), any_amount());
    let remaining = remaining.prop_map(|(account, unit, window, amount)| {
        json!({"do": "set_remaining", "account": account, "unit": unit, "window": window, "amount": amount})
    });
    let remove = (account(), unit(), window()).prop_map(|(account, unit, window)| {
        json!({"do": "remove_limit", "account": account, "unit": unit, "window": window})
    });
    let protect = (account(), protection(5)).prop_map(
        |(account, steps)| json!({"do": "set_protection", "account": account, "steps": steps}),
    );
    let priority = (account(), priority())
        .prop_map(|(account, priority)| json!({"do": "set_priority", "account": account, "priority": priority}));
    prop_oneof![5 => set, 3 => remaining, 2 => remove, 2 => protect, 2 => priority].boxed()
}

fn tree() -> BoxedStrategy<Value> {
    let bad = ["", "a\nb", "a\u{85}"].map(str::to_owned).to_vec();
    let bad = prop_oneof![3 => select(bad), 1 => Just("x".repeat(257))];
    let new = prop_oneof![6 => (0..40_u8).prop_map(|number| format!("new{number}")), 4 => account(), 1 => bad.clone()];
    let parent = prop_oneof![4 => account().prop_map(Some), 1 => Just(None)];
    let open = (new, parent.clone(), limits()).prop_map(|(account, parent, limits)| {
        json!({"do": "open_account", "account": account, "parent": parent, "limits": limits})
    });
    let close = account().prop_map(|account| json!({"do": "close_account", "account": account}));
    let from = prop_oneof![3 => Just(None), 2 => account().prop_map(Some)];
    let set_parent = (account(), parent, from).prop_map(|(account, parent, from)| {
        let command = json!({"do": "set_parent", "account": account, "parent": parent});
        match (command, from) {
            (Value::Object(mut command), Some(from)) => {
                command.insert("from".to_owned(), json!(from));
                Value::Object(command)
            }
            (command, _) => command,
        }
    });
    let reason = prop_oneof![3 => Just(None), 1 => Just(Some("stop!"))];
    let state = (account(), select(vec!["resume", "suspend"]), reason).prop_map(
        |(account, state, reason)| json!({"do": state, "account": account, "reason": reason}),
    );
    let unit = prop_oneof![6 => Just("gpu".to_owned()), 1 => bad];
    let register = unit.prop_map(|unit| json!({"do": "register_unit", "unit": unit}));
    prop_oneof![5 => open, 3 => close, 7 => set_parent, 6 => state, 1 => register].boxed()
}

fn by_name(names: Vec<String>, values: Vec<Value>) -> Value {
    Value::Object(names.into_iter().zip(values).collect())
}

fn with(mut command: Value, key: &str, value: Value) -> Value {
    if let Some(keys) = command.as_object_mut() {
        keys.insert(key.to_owned(), value);
    }
    command
}
