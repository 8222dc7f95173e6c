//! What the auditor says of entries that are as they should be, and of entries that were tampered with.

use std::time::Duration;

use safeguards_budget::{
    AccountState, Action, Batch, Book, Charge, Command, Divide, HoldId, Limit, OpenAccount,
    Percent, PlaceHold, ProtectionStep, Settle, Window,
};
use safeguards_types::{OperationIds, Priority, Quantity, tokens, usd};

use super::*;

/// A book in which much has happened, the instant at which it has, and its entries.
struct History {
    book: Book,
    now: Timestamp,
    ids: OperationIds,
}

impl History {
    fn apply(&mut self, action: impl Into<Action>) -> HoldId {
        let command = Command::new(self.ids.mint(self.now), action);
        let op = command.op;
        self.book.apply(command, self.now).unwrap();
        HoldId::placed_by(op)
    }

    fn wait(&mut self, seconds: u64) {
        self.now = self.now.saturating_add(Duration::from_secs(seconds));
    }

    fn entries(&self) -> Vec<Entry> {
        self.book.entries(EntryId::FIRST, usize::MAX).entries
    }
}

fn quantity(units: u64) -> Quantity {
    Quantity::from_units(units).unwrap()
}

/// The entries are numbered in the comments.
fn history() -> History {
    let now = Timestamp::parse("2026-01-05T09:00:00Z").unwrap();
    let mut history = History { book: Book::new(), now, ids: OperationIds::seeded(1) };
    let minute = Window::every_seconds(60).unwrap();
    let protected = ProtectionStep::new(Percent::parse("10").unwrap(), Priority::P8);
    let org = OpenAccount::new("org").limit(Limit::lifetime(usd!(100))).protect(protected);
    history.apply(org.limit(Limit::new(usd!(20), minute.clone()))); // 1
    let [a, b] = ["a", "b"].map(|name| OpenAccount::new(name).under("org"));
    history.apply(a.limit(Limit::lifetime(usd!(30)))); // 2
    history.apply(b.limit(Limit::lifetime(usd!(10))).priority(Priority::P3)); // 3
    history.apply(OpenAccount::new("a/1").under("a")); // 4
    history.apply(Charge::new("a", [usd!(2), tokens!(7)])); // 5
    history.wait(10);
    let place = PlaceHold::new("a", usd!(6), Duration::from_secs(30));
    let hold = history.apply(place.scope("b")); // 6
    history.apply(Settle::new(hold, usd!(1)).keep_open().attribute_to("a/1")); // 7
    history.apply(Settle::new(hold, usd!(7))); // 8: 2 beyond what was held
    let spent = history.entries().last().and_then(Entry::op).unwrap();
    history.apply(Action::Refund { of: spent, amounts: usd!(3).into() }); // 9
    let late = history.apply(PlaceHold::new("a", usd!(1), Duration::from_secs(5))); // 10
    history.wait(60);
    history.apply(Charge::new("b", usd!(2))); // 11 ends the hold, 12
    history.apply(Settle::new(late, usd!(4))); // 13
    let open = history.apply(PlaceHold::new("a", usd!(2), Duration::from_secs(500))); // 14
    history.apply(Action::ExtendHold { hold: open, ttl: Duration::from_mins(15) }); // 15
    let released = history.apply(PlaceHold::new("a", usd!(2), Duration::from_secs(500))); // 16
    history.apply(Action::Release { hold: released }); // 17
    let (from, to, unit) = ("a".into(), "b".into(), Unit::USD);
    history.apply(Action::Transfer { from, to, unit, amount: quantity(1) }); // 18
    let shares = [("a".into(), quantity(40)), ("b".into(), quantity(15))].into();
    history.apply(Action::Allocate { parent: "org".into(), unit: Unit::USD, shares }); // 19
    let weights = [("a", quantity(1)), ("b", quantity(2))];
    history.apply(Divide::new("org", Unit::USD, weights).amount(quantity(9))); // 20
    let amount = quantity(76);
    history.apply(Action::Reclaim { account: "a".into(), unit: Unit::USD, amount }); // 21
    let unit = Unit::USD;
    history.apply(Action::SetRemaining { account: "org".into(), unit, window: minute, amount }); // 22
    history.apply(Action::Record(Charge::new("b", usd!(50)))); // 23
    history.apply(Action::Suspend { account: "b".into(), reason: None }); // 24
    let linked = ["c", "d"]
        .map(|name| Command::new(history.ids.mint(history.now), OpenAccount::new(name).under("a")));
    history.book.submit(Batch::linked(linked), history.now); // 25, 26
    history.apply(Action::CloseAccount { account: "d".into() }); // 27
    history.apply(Action::SetParent { account: "c".into(), parent: None, from: None }); // 28
    history
}

#[test]
fn what_happened_is_predicted_to_the_last_step() {
    let history = history();
    let audited = audit(&history.entries()).unwrap();
    assert_eq!(audited.revision(), Some(EntryId::new(28)));
    let names = audited.accounts();
    assert_eq!(names.len(), 6);
    assert_eq!(audited.compare(&history.book.accounts(&names, history.now)), []);
    let holds = audited.holds();
    assert_eq!(holds.len(), 4);
    assert_eq!(audited.compare_holds(&holds, &history.book.holds(&holds, history.now)), []);
    let Figures { entries, grants, expired, fullest_permille } = audited.figures();
    assert_eq!((entries, grants, expired), (28, 6, 1));
    assert!((1..=1_000).contains(&fullest_permille), "{fullest_permille}");
}

/// The history with something changed in one entry: the auditor says that a rule is broken.
#[track_caller]
fn check(number: usize, tamper: impl FnOnce(&mut Entry), rule: Rule, part: &str) {
    let mut entries = history().entries();
    tamper(&mut entries[number - 1]);
    let found = audit(&entries).unwrap_err();
    let says = |one: &Discrepancy| one.rule == rule && one.to_string().contains(part);
    assert!(found.iter().any(says), "no {rule:?} with `{part}` in {found:#?}");
}

fn posting(entry: &mut Entry) -> &mut Posting {
    match &mut entry.fact {
        Fact::Spent(posting) | Fact::Held { posting, .. } | Fact::Freed { posting, .. } => posting,
        Fact::Settled(settled) => &mut settled.posting,
        Fact::Refunded(refunded) => &mut refunded.posting,
        other => panic!("{other:?}"),
    }
}

/// Changes what was asked and what was counted alike.
fn charge(entry: &mut Entry, amount: safeguards_types::Amount) {
    posting(entry).amounts = amount.clone().into();
    match &mut entry.cause.as_mut().unwrap().command.action {
        Action::Charge(charge) => charge.amounts = amount.into(),
        Action::PlaceHold(place) => place.charge.amounts = amount.into(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn order_and_causes_are_checked() {
    check(5, |entry| entry.id = EntryId::new(6), Rule::Order, "number 5 was expected");
    check(6, |entry| entry.at = Timestamp::UNIX_EPOCH, Rule::Order, "to which the ledger had come");
    check(11, |entry| entry.at = Timestamp::MAX, Rule::Holds, "expired at");
    check(5, |entry| entry.cause = None, Rule::Fact, "time alone");
    check(5, |entry| entry.fact = Fact::AsCommanded, Rule::Fact, "says more than its command");
    let mut entries = history().entries();
    let op = entries[4].op().unwrap();
    entries[13].cause.as_mut().unwrap().command.op = op;
    let found = audit(&entries).unwrap_err();
    assert!(found.iter().any(|one| one.rule == Rule::Once), "{found:?}");
    entries.remove(7);
    assert!(audit(&entries).unwrap_err().iter().any(|one| one.rule == Rule::Order));
}

#[test]
fn an_overshoot_is_told_with_its_numbers() {
    check(
        5,
        |entry| charge(entry, usd!(31)),
        Rule::Overshoot,
        "a granted 31 of 30.00 USD: 0 spent",
    );
    // The organization keeps a tenth of both of its limits from priority 5.
    check(5, |entry| charge(entry, usd!(19)), Rule::Overshoot, "0 held, 2 protected");
    check(6, |entry| charge(entry, usd!(18)), Rule::Overshoot, "2 spent, 0 held, 2 protected");
    // In a window that is over nothing counts any more.
    check(14, |entry| charge(entry, usd!(13)), Rule::Overshoot, "6 spent, 0 held, 2 protected");
}

#[test]
fn what_is_counted_where_is_checked() {
    check(5, |entry| posting(entry).set = ["a".into()].into(), Rule::Set, "the tree says");
    check(5, |entry| posting(entry).spender = "b".into(), Rule::Fact, "asked a");
    check(
        5,
        |entry| posting(entry).windows.clear(),
        Rule::Windows,
        "0 told of a window in which 2",
    );
    check(12, |entry| posting(entry).windows.clear(), Rule::Windows, "counted in no window");
    let later = |entry: &mut Entry| {
        posting(entry).windows.iter_mut().for_each(|window| window.serial += 1);
    };
    check(5, later, Rule::Windows, "neither the window of now");
    check(7, |entry| posting(entry).windows.clear(), Rule::Windows, "1 counts");
    check(9, |entry| posting(entry).windows.clear(), Rule::Windows, "3 counts");
    check(
        5,
        |entry| charge(entry, safeguards_types::Amount::new(quantity(1), "credits".into())),
        Rule::Stopped,
        "`credits` is unknown",
    );
    check(
        7,
        |entry| posting(entry).set = ["a".into(), "org".into(), "b".into()].into(),
        Rule::Set,
        "in front",
    );
}

fn settled(entry: &mut Entry) -> &mut safeguards_budget::Settled {
    match &mut entry.fact {
        Fact::Settled(settled) => settled,
        other => panic!("{other:?}"),
    }
}

#[test]
fn holds_and_refunds_are_checked() {
    check(
        8,
        |entry| settled(entry).excess = usd!(1).into(),
        Rule::Holds,
        "under a hold with `5.00 USD` left",
    );
    check(8, |entry| settled(entry).late = true, Rule::Holds, "late true");
    check(13, |entry| settled(entry).late = false, Rule::Holds, "was expired");
    check(17, |entry| posting(entry).amounts = usd!(1).into(), Rule::Holds, "had `2.00 USD` left");
    check(
        15,
        |entry| {
            entry.fact = match entry.fact {
                Fact::Extended { hold, .. } => Fact::Extended { hold, expires_at: Timestamp::MAX },
                _ => panic!(),
            }
        },
        Rule::Holds,
        "was asked for",
    );
    // The hold of entry 10 was due when entry 12 was decided; without its end, that counts it still.
    let mut entries = history().entries();
    entries.remove(10);
    let found = audit(&entries).unwrap_err();
    assert!(found.iter().any(|one| one.what.contains("was due at")), "{found:?}");
    let refund = |entry: &mut Entry, amount: safeguards_types::Amount| {
        posting(entry).amounts = amount.clone().into();
        if let Action::Refund { amounts, .. } = &mut entry.cause.as_mut().unwrap().command.action {
            *amounts = amount.into();
        }
    };
    check(9, |entry| refund(entry, usd!(8)), Rule::Refunds, "8.00 USD back of 2 USD and 5 USD");
}

fn limit(entry: &mut Entry, at: usize) -> &mut Limit {
    match &mut entry.fact {
        Fact::LimitsSet(set) => &mut set.limits[at].limit,
        other => panic!("{other:?}"),
    }
}

#[test]
fn limits_keep_their_sums() {
    for number in [18, 19, 20, 21, 22] {
        let raise = |entry: &mut Entry| {
            let limit = limit(entry, 0);
            limit.amount = limit.amount.checked_add(Quantity::STEP).unwrap();
        };
        check(number, raise, Rule::Limits, "");
    }
    check(
        20,
        |entry| limit(entry, 0).amount = quantity(1_000),
        Rule::Limits,
        "org divides 9 USD into",
    );
    check(
        1,
        |entry| {
            if let Fact::LimitsSet(set) = &mut entry.fact {
                set.limits.clear();
            }
        },
        Rule::Limits,
        "org should have got",
    );
    let forget = |entry: &mut Entry| {
        if let Fact::LimitsSet(set) = &mut entry.fact {
            set.taken.clear();
        }
    };
    check(21, forget, Rule::Limits, "a gets 76 USD");
}

#[test]
fn receipts_are_checked() {
    let receipt = |entry: &mut Entry, change: fn(&mut Receipt)| {
        change(&mut entry.cause.as_mut().unwrap().receipt);
    };
    check(
        5,
        |entry| receipt(entry, |receipt| receipt.entry = EntryId::new(4)),
        Rule::Receipt,
        "names entry 4",
    );
    check(
        5,
        |entry| receipt(entry, |receipt| receipt.available = usd!(1).into()),
        Rule::Receipt,
        "`1.00 USD` available, there is `18.00 USD`",
    );
    check(
        13,
        |entry| receipt(entry, |receipt| receipt.late = false),
        Rule::Receipt,
        "late is false",
    );
    check(
        23,
        |entry| receipt(entry, |receipt| receipt.overrun.clear()),
        Rule::Receipt,
        "overruns []",
    );
}

#[test]
fn what_a_ledger_shows_is_compared() {
    let history = history();
    let audited = audit(&history.entries()).unwrap();
    let names = audited.accounts();
    let check = |change: fn(&mut safeguards_budget::Account), part: &str| {
        let mut read = history.book.accounts(&names, history.now);
        change(read.accounts[1].as_mut().unwrap());
        let found = audited.compare(&read);
        assert!(found.iter().any(|one| one.what.contains(part)), "{part}: {found:?}");
    };
    check(|a| a.spent = usd!(1).into(), "a: 1 USD spent, predicted");
    check(|a| a.held_directly = usd!(1).into(), "a: 1 USD held directly, predicted 2");
    check(|a| a.state = AccountState::Suspended, "a: the state is");
    check(|a| a.limits.clear(), "a: the limit");
    check(|a| a.limits[0].spent = usd!(1).quantity(), "1 spent, predicted");
    check(|a| a.limits[0].window_started_at = Some(Timestamp::MAX), "counts in");
    check(|a| a.parent = None, "a: the parent is");
    let mut read = history.book.accounts(&names, history.now);
    read.revision = Some(EntryId::new(1));
    read.accounts[0] = None;
    assert_eq!(audited.compare(&read).len(), 2);
}
