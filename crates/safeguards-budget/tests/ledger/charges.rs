//! Charges and records: what is counted where, and what a receipt says.

use safeguards_budget::{
    Action, Charge, EntryId, Fact, Limit, OpenAccount, Percent, ProtectionStep,
};
use safeguards_types::{Amounts, Priority, tokens, usd};

use crate::desk::{Desk, code, every, quantity, shortfall};

/// A pool of ten dollars with two agents, of which one has four of its own, and a user beside them.
fn team() -> Desk {
    Desk::with([
        OpenAccount::new("pool").limit(Limit::lifetime(usd!(10))),
        OpenAccount::new("reader").under("pool").limit(Limit::lifetime(usd!(4))),
        OpenAccount::new("writer").under("pool"),
        OpenAccount::new("ada").limit(Limit::lifetime(usd!(3))),
    ])
}

#[test]
fn a_charge_counts_at_the_spender_and_everything_above_it() {
    let mut desk = team();
    let receipt = desk.charge("reader", usd!(1.5)).unwrap();
    assert_eq!(receipt.available, usd!(2.5).into());
    assert_eq!(receipt.at, desk.now);
    assert_eq!(
        ["reader", "pool", "writer", "ada"].map(|id| desk.dollars(id)),
        ["1.5 + 0", "1.5 + 0", "0 + 0", "0 + 0"]
    );
    let entry = desk.entries().pop().unwrap();
    assert_eq!((entry.id, entry.at), (receipt.entry, desk.now));
    let Fact::Spent(posting) = entry.fact else { panic!("{entry:?}") };
    assert_eq!(posting.spender, "reader".into());
    assert_eq!(*posting.set, ["reader".into(), "pool".into()]);
    assert_eq!(posting.amounts, usd!(1.5).into());
}

#[test]
fn the_limit_itself_may_be_spent_and_not_a_step_more() {
    let mut desk = team();
    assert_eq!(code(&desk.charge("reader", usd!(4.000000000001))), "budget.limit_exceeded");
    assert_eq!(desk.charge("reader", usd!(4)).unwrap().available, usd!(0).into());
    assert_eq!(code(&desk.charge("reader", usd!(0.000000000001))), "budget.limit_exceeded");
}

#[test]
fn siblings_share_what_their_parent_has() {
    let mut desk = team();
    desk.charge("writer", usd!(8)).unwrap();
    let denied = desk.charge("reader", usd!(3));
    assert_eq!(shortfall(&denied).account, "pool".into());
    assert_eq!(desk.charge("reader", usd!(2)).unwrap().available, usd!(0).into());
}

#[test]
fn a_scope_counts_besides_and_nothing_counts_twice() {
    let mut desk = team();
    let charge = Charge::new("reader", usd!(1)).scope("ada").scope("pool").scope("ada");
    let receipt = desk.apply(charge).unwrap();
    let entry = desk.book.entries(receipt.entry, 1).entries.remove(0);
    let set = &entry.fact.spending().unwrap().set;
    assert_eq!(**set, ["reader".into(), "pool".into(), "ada".into()]);
    assert_eq!(["reader", "pool", "ada"].map(|id| desk.dollars(id)), ["1 + 0"; 3]);
    let denied = desk.apply(Charge::new("writer", usd!(2.5)).scope("ada"));
    assert_eq!(shortfall(&denied).account, "ada".into());
    assert_eq!(desk.dollars("pool"), "1 + 0", "recorded at all accounts or at none");
}

#[test]
fn several_units_are_all_charged_or_none_is() {
    let mut desk = team();
    desk.set_limit("writer", Limit::lifetime(tokens!(100))).unwrap();
    let denied = desk.charge("writer", [usd!(1), tokens!(101)]);
    assert_eq!(shortfall(&denied).unit, tokens!(1).unit().clone());
    assert_eq!(desk.dollars("writer"), "0 + 0");
    let receipt = desk.charge("writer", [usd!(1), tokens!(40)]).unwrap();
    assert_eq!(receipt.available, [usd!(9), tokens!(60)].into());
}

#[test]
fn a_unit_without_a_limit_is_counted_and_not_capped() {
    let mut desk = Desk::with([OpenAccount::new("free")]);
    let receipt = desk.charge("free", usd!(1_000_000)).unwrap();
    assert_eq!(receipt.available, Amounts::none());
    assert_eq!(desk.account("free").spent, usd!(1_000_000).into());
}

#[test]
fn a_unit_can_be_charged_once_it_is_registered() {
    let mut desk = Desk::with([OpenAccount::new("a")]);
    let gpu: Amounts = "1.5 gpu-hours".parse::<safeguards_types::Amount>().unwrap().into();
    assert_eq!(code(&desk.charge("a", gpu.clone())), "budget.unknown_unit");
    for _ in 0..2 {
        desk.apply(Action::RegisterUnit { unit: "gpu-hours".into() }).unwrap();
    }
    desk.charge("a", gpu).unwrap();
}

#[test]
fn a_warning_is_given_once_when_its_share_is_reached() {
    let percent = |text| Percent::parse(text).unwrap();
    let limit = Limit::lifetime(usd!(10)).warn_at(percent("80")).warn_at(percent("50"));
    let mut desk = Desk::with([
        OpenAccount::new("pool").limit(limit),
        OpenAccount::new("a").under("pool").limit(every(60, usd!(8)).warn_at(percent("100"))),
    ]);
    let mut crossed = |dollars| -> Vec<String> {
        let receipt = desk.charge("a", dollars).unwrap();
        receipt.crossed.iter().map(ToString::to_string).collect()
    };
    assert!(crossed(usd!(4.999999999999)).is_empty());
    assert_eq!(
        crossed(usd!(0.000000000001)),
        ["pool has spent 50.0 % of 10.00 USD (5.00 USD; lifetime)"]
    );
    assert!(crossed(usd!(1)).is_empty());
    assert_eq!(
        crossed(usd!(2)),
        [
            "a has spent 100.0 % of 8.00 USD (8.00 USD; per 60s)",
            "pool has spent 80.0 % of 10.00 USD (8.00 USD; lifetime)",
        ]
    );
}

#[test]
fn one_charge_may_cross_several_warnings_lowest_first() {
    let percent = |text| Percent::parse(text).unwrap();
    let limit = Limit::lifetime(usd!(10)).warn_at(percent("80")).warn_at(percent("50"));
    let mut desk = Desk::with([OpenAccount::new("a").limit(limit)]);
    let receipt = desk.charge("a", usd!(9)).unwrap();
    let crossed: Vec<_> = receipt.crossed.iter().map(|at| at.percent).collect();
    assert_eq!(crossed, [Some(percent("50")), Some(percent("80"))]);
}

#[test]
fn a_record_is_written_down_whatever_the_limit_and_says_by_how_much_it_passed() {
    let mut desk = team();
    desk.hold("reader", usd!(1), 60);
    let receipt = desk.record("reader", usd!(5)).unwrap();
    assert_eq!(receipt.available, usd!(0).into());
    let overrun: Vec<_> = receipt.overrun.iter().map(ToString::to_string).collect();
    assert_eq!(overrun, ["reader is 2.00 USD over 4.00 USD (lifetime; 5 spent, 1 held)"]);
    let limit = desk.limit("reader");
    assert_eq!((limit.available, limit.over_by), (quantity("0"), quantity("2")));
    assert!(matches!(desk.entries().pop().unwrap().fact, Fact::Spent(_)));
    // What is over a limit denies what is new there, and is told again with each further record.
    assert_eq!(code(&desk.charge("reader", usd!(0.01))), "budget.limit_exceeded");
    assert_eq!(desk.record("reader", usd!(0.01)).unwrap().overrun.len(), 1);
    // What raises no spending there is no overrun of it.
    assert_eq!(desk.record("reader", tokens!(1)).unwrap().overrun, []);
    let hold = desk.hold("writer", usd!(1), 60);
    desk.record("writer", usd!(9)).unwrap();
    assert_eq!(desk.settle(hold, usd!(0)).unwrap().overrun, []);
}

#[test]
fn a_limit_may_be_set_below_what_is_spent() {
    let mut desk = team();
    let hold = desk.hold("reader", usd!(1), 60);
    desk.charge("reader", usd!(2)).unwrap();
    desk.set_limit("reader", Limit::lifetime(usd!(1))).unwrap();
    let limit = desk.limit("reader");
    assert_eq!((limit.spent, limit.held), (quantity("2"), quantity("1")), "it keeps its counters");
    assert_eq!((limit.available, limit.over_by), (quantity("0"), quantity("2")));
    desk.settle(hold, usd!(1)).unwrap();
    // A lifetime limit that is new counts what was spent before it.
    desk.set_limit("writer", Limit::lifetime(tokens!(1))).unwrap();
    desk.record("writer", usd!(3)).unwrap();
    desk.set_limit("writer", Limit::lifetime(usd!(5))).unwrap();
    assert_eq!(code(&desk.charge("writer", usd!(2.01))), "budget.limit_exceeded");
}

#[test]
fn what_shall_remain_is_set_above_what_is_used() {
    let mut desk = team();
    desk.charge("reader", usd!(1)).unwrap();
    desk.hold("reader", usd!(2), 60);
    desk.set_remaining("reader", usd!(5)).unwrap();
    assert_eq!(desk.limit("reader").limit, Limit::lifetime(usd!(8)));
    assert_eq!(desk.limit("reader").available, quantity("5"));
    let Fact::LimitsSet(set) = desk.entries().pop().unwrap().fact else { panic!() };
    assert_eq!(set.limits[0].limit, Limit::lifetime(usd!(8)));
    // Without a limit it makes one, above what was spent before; warnings stay.
    desk.charge("writer", usd!(1)).unwrap();
    desk.set_remaining("writer", usd!(0)).unwrap();
    assert_eq!(desk.limit("writer").limit, Limit::lifetime(usd!(1)));
    desk.set_limit("writer", Limit::lifetime(usd!(1)).warn_at(Percent::EIGHTY)).unwrap();
    desk.set_remaining("writer", usd!(1)).unwrap();
    assert_eq!(desk.limit("writer").limit.warnings(), [Percent::EIGHTY]);
}

#[test]
fn the_last_part_of_a_limit_is_kept_for_those_who_matter_more() {
    let step = |last, from| ProtectionStep::new(Percent::parse(last).unwrap(), from);
    let pool = OpenAccount::new("pool")
        .limit(Limit::lifetime(usd!(10)))
        .protect(step("10", Priority::P8))
        .protect(step("25", Priority::P5));
    let mut desk = Desk::with([
        pool,
        OpenAccount::new("low").under("pool").priority(Priority::P4),
        OpenAccount::new("middle").under("pool").priority(Priority::P5),
        OpenAccount::new("high").under("pool").priority(Priority::P8),
    ]);
    desk.charge("low", usd!(7.5)).unwrap();
    let denied = desk.charge("low", usd!(0.01));
    assert_eq!(code(&denied), "budget.protected");
    assert_eq!(shortfall(&denied).protected, quantity("2.5"));
    assert_eq!(shortfall(&denied).available, quantity("2.5"), "what is kept is not subtracted");
    desk.charge("middle", usd!(1.5)).unwrap();
    assert_eq!(code(&desk.charge("middle", usd!(0.01))), "budget.protected");
    desk.charge("high", usd!(1)).unwrap();
    assert_eq!(code(&desk.charge("high", usd!(0.01))), "budget.limit_exceeded");
}

#[test]
fn accounts_are_read_in_the_order_asked_at_one_revision() {
    let mut desk = Desk::new();
    assert_eq!(desk.book.accounts(&["a".into()], desk.now).revision, None);
    desk.apply(OpenAccount::new("a").priority(Priority::P7)).unwrap();
    desk.apply(OpenAccount::new("b").under("a")).unwrap();
    let read = desk.book.accounts(&["b".into(), "no".into(), "a".into(), "b".into()], desk.now);
    assert_eq!(read.revision, Some(EntryId::new(2)));
    let ids: Vec<_> = read.accounts.iter().flatten().map(|account| account.id.as_str()).collect();
    assert_eq!(ids, ["b", "a", "b"]);
    assert_eq!(read.accounts[0].as_ref().unwrap().parent, Some("a".into()));
    assert_eq!(read.accounts[1], None);
    assert_eq!(read.accounts[2].as_ref().unwrap().priority, Priority::P7);
}
