//! Which due holds a command ends before it is judged, and how their entries look.

use super::prelude::*;

/// Each decision first ends the due holds of its set, as entries stamped with the instant they expired,
/// before the entry of the command that met them.
pub async fn due_holds_end_before_the_command_is_judged(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    desk.hold("a", usd!(5), 10).await;
    desk.wait(60);
    let receipt = desk.receipt(charge("a", usd!(5))).await;
    let entries = desk.entries().await;
    let [.., expired, charged] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((expired.name(), expired.op(), expired.id), ("expire", None, EntryId::new(3)));
    assert_eq!(expired.at, at("2026-01-05T09:00:10Z"));
    assert_eq!((charged.name(), charged.id), ("charge", receipt.entry));
    assert_eq!((receipt.entry, charged.at), (EntryId::new(4), at("2026-01-05T09:01:00Z")));
}

/// What an expiry freed is in its entry: the hold, how much, and at which accounts.
pub async fn an_expiry_says_what_it_freed(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool")]).await;
    let held = desk.hold("a", usd!(5), 10).await;
    desk.done(settle(held, usd!(2)).keep_open()).await;
    desk.wait(10);
    desk.tick().await;
    let Fact::Freed { hold, posting } = desk.last_entry().await.fact else { panic!("not freed") };
    assert_eq!((hold, posting.spender), (held, "a".into()));
    assert_eq!(posting.amounts, usd!(3).into());
    assert_eq!(*posting.set, ["a", "pool"].map(AccountId::from));
}

/// Due holds are ended in order of (`expires_at`, entry).
pub async fn due_holds_end_in_the_order_of_their_instants(desk: &Desk) {
    desk.with([open("a")]).await;
    let third = desk.hold("a", usd!(1), 20).await;
    let first = desk.hold("a", usd!(2), 10).await;
    let fourth = desk.hold("a", usd!(3), 20).await;
    let second = desk.hold("a", usd!(4), 15).await;
    desk.wait(20);
    desk.done(charge("a", usd!(1))).await;
    let entries = desk.entries().await;
    let freed = entries.iter().filter_map(|entry| match &entry.fact {
        Fact::Freed { hold, .. } => Some(*hold),
        _ => None,
    });
    assert_eq!(freed.collect::<Vec<_>>(), [first, second, third, fourth]);
}

/// Their entries stay even if the command is denied.
pub async fn what_was_swept_stays_although_the_command_is_denied(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    desk.hold("a", usd!(5), 10).await;
    desk.wait(10);
    desk.denied(charge("a", usd!(6)), exceeded("a", usd!(5)).asked(usd!(6)).never()).await;
    assert_eq!(desk.names_from(EntryId::new(3)).await, ["expire"]);
    desk.hold("a", usd!(5), 10).await;
    desk.wait(10);
    // Sweeping comes before any check of the command itself.
    desk.denied(charge("a", Amounts::none()), "invalid_amount").await;
    assert_eq!(desk.names_from(EntryId::new(4)).await, ["place_hold", "expire"]);
}

/// A known id, one too new, one that conflicts is answered before due holds are looked for.
pub async fn what_is_answered_by_its_id_sweeps_nothing(desk: &Desk) {
    desk.with([open("a")]).await;
    let known = desk.command(charge("a", usd!(1)));
    desk.sent(&known).await;
    desk.hold("a", usd!(5), 10).await;
    desk.wait(10);
    desk.sent(&known).await;
    let other = Command::new(known.op, charge("a", usd!(2)));
    desk.refused(&other, Denial::OperationConflict).await;
    let ahead = desk.now().saturating_add(Duration::from_hours(1));
    let op = desk.op().step_at("ahead", ahead);
    desk.refused(&Command::new(op, charge("a", usd!(2))), Denial::OperationTooNew { op }).await;
    assert_eq!(desk.names_from(EntryId::new(3)).await, ["place_hold"]);
}

/// Holds are swept whose set meets the accounts that the command names, or their ancestors.
pub async fn holds_are_swept_that_meet_the_accounts_and_those_above(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool"), open("b").under("pool"), open("z")]).await;
    desk.hold("z", usd!(1), 10).await;
    desk.hold("b", usd!(2), 10).await;
    desk.wait(10);
    // `b` is not named, but its hold counts at the pool, which stands above `a`.
    desk.done(set_priority("a", 7)).await;
    assert_eq!(desk.names_from(EntryId::new(7)).await, ["expire", "set_priority"]);
    // Nobody has named `z` yet, and a unit names no account.
    desk.done(register("gpu")).await;
    assert_eq!(desk.names_from(EntryId::new(9)).await, ["register_unit"]);
    desk.done(charge("z", usd!(1))).await;
    assert_eq!(desk.names_from(EntryId::new(10)).await, ["expire", "charge"]);
}

/// A command that names an account does not sweep what counts only below it.
pub async fn holds_that_count_elsewhere_are_left(desk: &Desk) {
    desk.with([open("old"), open("a").under("old"), open("new")]).await;
    desk.hold("a", usd!(1), 10).await;
    desk.done(set_parent("a", "new")).await;
    desk.wait(10);
    // The hold counts at `a` and `old`: not at `new`, where `a` stands now.
    desk.done(charge("new", usd!(1))).await;
    assert_eq!(desk.names_from(EntryId::new(6)).await, ["charge"]);
    desk.done(charge("old", usd!(1))).await;
    assert_eq!(desk.names_from(EntryId::new(7)).await, ["expire", "charge"]);
}

/// Its scopes and theirs; what does not exist is passed over.
pub async fn holds_at_scopes_are_swept_and_unknown_scopes_passed_over(desk: &Desk) {
    desk.with([open("users"), open("ada").under("users"), open("bob").under("users"), open("a")])
        .await;
    desk.hold("bob", usd!(1), 10).await;
    desk.wait(10);
    let denied = charge("a", usd!(1)).scope("nobody").scope("ada");
    desk.denied(denied, unknown_account("nobody")).await;
    assert_eq!(desk.names_from(EntryId::new(6)).await, ["expire"]);
}

/// For settle, extend and release: the hold's frozen set.
pub async fn ending_a_hold_sweeps_its_frozen_set(desk: &Desk) {
    desk.with([open("old"), open("new"), open("a").under("old"), open("b").under("new")]).await;
    let held = desk.hold("a", usd!(1), 3_600).await;
    desk.done(set_parent("a", "new")).await;
    desk.hold("old", usd!(1), 10).await;
    desk.hold("b", usd!(1), 10).await;
    desk.wait(10);
    desk.done(extend(held, 60)).await;
    assert_eq!(desk.names_from(EntryId::new(9)).await, ["expire", "extend_hold"]);
    desk.hold("old", usd!(1), 10).await;
    desk.wait(10);
    desk.done(settle(held, usd!(1)).keep_open()).await;
    desk.hold("old", usd!(1), 10).await;
    desk.wait(10);
    desk.done(release(held)).await;
    let names = ["place_hold", "expire", "settle", "place_hold", "expire", "release"];
    assert_eq!(desk.names_from(EntryId::new(11)).await, names);
}

/// For settle also `attribute_to` and its ancestors.
pub async fn a_settlement_sweeps_whom_it_is_attributed_to(desk: &Desk) {
    desk.with([open("old"), open("new"), open("a").under("old"), open("sub").under("a")]).await;
    let held = desk.hold("a", usd!(1), 3_600).await;
    desk.done(set_parent("a", "new")).await;
    desk.hold("sub", usd!(1), 10).await;
    desk.hold("new", usd!(1), 10).await;
    desk.wait(10);
    desk.done(settle(held, usd!(1)).attribute_to("sub")).await;
    assert_eq!(desk.names_from(EntryId::new(9)).await, ["expire", "expire", "settle"]);
}

/// For refund: the frozen set of what is refunded.
pub async fn a_refund_sweeps_the_frozen_set_of_what_it_refunds(desk: &Desk) {
    desk.with([open("old"), open("new"), open("a").under("old")]).await;
    let paid = desk.done(charge("a", usd!(1))).await;
    desk.done(set_parent("a", "new")).await;
    desk.hold("old", usd!(1), 10).await;
    desk.hold("new", usd!(2), 10).await;
    desk.wait(10);
    desk.done(refund(paid, usd!(1))).await;
    let entries = desk.entries().await;
    let Some(Fact::Freed { posting, .. }) = entries.get(7).map(|entry| &entry.fact) else {
        panic!("{entries:?}")
    };
    assert_eq!(posting.spender, "old".into());
    assert_eq!(desk.names_from(EntryId::new(8)).await, ["expire", "refund"]);
}

/// For allocate, divide and reclaim: the parent's children too.
pub async fn sharing_out_sweeps_the_children_too(desk: &Desk) {
    let shared = || lifetime(usd!(2));
    desk.with([
        open("pool").limit(lifetime(usd!(10))),
        open("old"),
        open("a").under("old").limit(shared()),
        open("b").under("pool").limit(shared()),
    ])
    .await;
    // These holds count at `a` and `old` alone, and `a` is the pool's child afterwards.
    for ttl_s in [10, 20, 30] {
        desk.hold("a", usd!(0.5), ttl_s).await;
    }
    desk.done(set_parent("a", "pool")).await;
    desk.wait(10);
    desk.done(allocate("pool", [("b", usd!(3))])).await;
    desk.wait(10);
    desk.done(divide("pool", [("b", "1")]).amount(quantity("4"))).await;
    desk.wait(10);
    desk.done(reclaim("b", usd!(1))).await;
    let names = ["expire", "allocate", "expire", "divide", "expire", "reclaim"];
    assert_eq!(desk.names_from(EntryId::new(9)).await, names);
}
