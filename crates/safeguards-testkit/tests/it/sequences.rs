//! Random sequences are good for something: each denial occurs in them, and about half of all commands pass.

use std::collections::BTreeMap;

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use safeguards_budget::{Batch, Bounds, Charge, Command, Limit, OpenAccount};
use safeguards_testkit::{
    Model,
    sequences::{Act, sequences},
};
use safeguards_types::{OperationIds, Timestamp, usd};
use serde_json::json;

/// All codes, in their order.
const CODES: [&str; 29] = [
    "operation_conflict",
    "operation_too_old",
    "operation_too_new",
    "invalid_amount",
    "amount_overflow",
    "unknown_unit",
    "duplicate_account",
    "unknown_account",
    "closed_account",
    "unknown_hold",
    "hold_forgotten",
    "hold_ended",
    "unknown_entry",
    "entry_forgotten",
    "refund_exceeds_charge",
    "not_descendant",
    "not_child",
    "not_siblings",
    "cycle",
    "depth_exceeded",
    "too_many_accounts",
    "bound_exceeded",
    "not_empty",
    "no_limit",
    "suspended",
    "limit_exceeded",
    "protected",
    "insufficient_for_minimums",
    "linked_failed",
];

#[test]
fn every_denial_occurs_and_much_is_accepted() {
    let mut seen = BTreeMap::<String, u32>::new();
    let mut runner = TestRunner::deterministic();
    let sequences = sequences();
    for _ in 0..400 {
        let sequence = sequences.new_tree(&mut runner).unwrap().current();
        let mut model = Model::new(sequence.bounds);
        for turn in &sequence.turns {
            if let Act::Submit { commands, linked } = &turn.act {
                for outcome in model.apply(commands, *linked, turn.at) {
                    let code = outcome.pointer("/denied/code").and_then(|code| code.as_str());
                    *seen.entry(code.unwrap_or("ok").to_owned()).or_default() += 1;
                }
            }
        }
    }
    let all: u32 = seen.values().sum();
    let passed = seen.remove("ok").unwrap_or_default();
    assert!(passed > all / 3 && passed < all / 3 * 2, "{passed} of {all} passed");
    let codes = CODES.map(|code| format!("budget.{code}"));
    for code in &codes {
        assert!(seen.contains_key(code), "{code} does not occur: {seen:#?}");
    }
    assert_eq!(seen.len(), codes.len(), "{seen:#?}");
}

#[test]
fn a_batch_is_answered_like_its_json() {
    let ids = OperationIds::seeded(1);
    let now = Timestamp::UNIX_EPOCH;
    let commands = [
        Command::new(ids.mint(now), OpenAccount::new("reader").limit(Limit::lifetime(usd!(1)))),
        Command::new(ids.mint(now), Charge::new("reader", usd!(0.42))),
    ];
    let json = commands.each_ref().map(|command| json!(command));
    let outcomes = Model::new(Bounds::default()).submit(&Batch::linked(commands), now);
    assert_eq!(outcomes, Model::new(Bounds::default()).apply(&json, true, now));
    assert_eq!(outcomes[1]["ok"]["available"], json!({"USD": "0.58"}));
}
