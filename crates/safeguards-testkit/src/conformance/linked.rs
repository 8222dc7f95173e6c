//! Batches: independent commands in order, and linked ones, of which all take effect or none does.

use super::prelude::*;

/// The codes of outcomes; `ok` where one was granted.
fn codes(outcomes: &[safeguards_budget::Outcome]) -> Vec<&'static str> {
    outcomes.iter().map(|outcome| outcome.as_ref().map_or_else(Denial::code, |_| "ok")).collect()
}

/// A batch is a list of independent commands applied in order: one that is denied stops no other.
pub async fn independent_commands_are_each_judged_alone(desk: &Desk) {
    let batch = [
        desk.command(open("a").limit(lifetime(usd!(5)))),
        desk.command(charge("a", usd!(4))),
        desk.command(charge("a", usd!(2))),
        desk.command(charge("a", usd!(1))),
    ];
    let outcomes = desk.submit(Batch::independent(batch)).await;
    assert_eq!(codes(&outcomes), ["ok", "ok", "budget.limit_exceeded", "ok"]);
    desk.shows("a", "5 + 0 of 5 USD").await;
}

/// Linked: later commands see the effects of earlier ones.
pub async fn later_commands_see_the_effects_of_earlier_ones(desk: &Desk) {
    let placed = desk.command(hold("a", usd!(2), 60));
    let batch = [
        desk.command(open("a").limit(lifetime(usd!(5)))),
        placed.clone(),
        desk.command(settle(HoldId::placed_by(placed.op), usd!(1))),
        desk.command(charge("a", usd!(4))),
    ];
    let outcomes = desk.linked(batch).await;
    assert_eq!(codes(&outcomes), ["ok"; 4]);
    let left = |at: usize| outcomes[at].as_ref().unwrap().available.clone();
    assert_eq!([left(1), left(2), left(3)], [usd!(3), usd!(4), usd!(0)].map(Amounts::from));
    desk.shows("a", "5 + 0 of 5 USD").await;
}

/// If one is denied nothing happens: that one carries its denial, the others `linked_failed { index }`.
pub async fn if_one_is_denied_nothing_happens(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    let held = desk.hold("a", usd!(1), 60).await;
    let batch = [
        desk.command(charge("a", usd!(2))),
        desk.command(settle(held, usd!(1))),
        desk.command(set_limit("a", lifetime(usd!(4)))),
        desk.command(open("b").under("a")),
        desk.command(charge("b", usd!(2))),
        desk.command(charge("b", tokens!(1))),
    ];
    let denial = exceeded("a", usd!(4)).spent(usd!(3)).asked(usd!(2)).never();
    desk.link_fails(batch, 4, denial).await;
    desk.shows("a", "0 + 1 of 5 USD").await;
    assert_eq!(desk.state(held).await, HoldState::Open);
    assert_eq!(desk.entries().await.len(), 2);
    // Not even a name is used up.
    desk.done(open("b")).await;
}

/// A linked batch that fails remembers none of its ids: each may be used again.
pub async fn a_batch_that_failed_is_not_remembered(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(1)))]).await;
    let batch = [desk.command(charge("a", usd!(1))), desk.command(charge("a", usd!(0.5)))];
    let denial = exceeded("a", usd!(1)).spent(usd!(1)).asked(usd!(0.5)).never();
    desk.link_fails(batch.clone(), 1, denial).await;
    let other = Command::new(batch[0].op, charge("a", usd!(0.25)));
    desk.sent(&other).await;
    desk.done(set_limit("a", lifetime(usd!(2)))).await;
    let first = Command::new(desk.op(), charge("a", usd!(1)));
    assert_eq!(codes(&desk.linked([first, batch[1].clone()]).await), ["ok", "ok"]);
    desk.shows("a", "1.75 + 0 of 2 USD").await;
}

/// A linked batch that fails takes everything back, the sweeping too.
pub async fn a_batch_that_fails_takes_the_sweeping_back(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(5)))]).await;
    desk.hold("a", usd!(5), 10).await;
    desk.wait(10);
    let batch = [desk.command(charge("a", usd!(5))), desk.command(charge("a", usd!(1)))];
    let denial = exceeded("a", usd!(5)).spent(usd!(5)).asked(usd!(1)).never();
    desk.link_fails(batch, 1, denial).await;
    assert_eq!(desk.names_from(EntryId::FIRST).await, ["open_account", "place_hold"]);
    // The next decision ends the hold again, and for good.
    desk.done(charge("a", usd!(5))).await;
    assert_eq!(desk.names_from(EntryId::new(3)).await, ["expire", "charge"]);
}

/// Linked: if every id is known with the same command, the receipts are repeated.
pub async fn sent_again_a_linked_batch_gives_its_receipts_again(desk: &Desk) {
    desk.with([open("a")]).await;
    let batch = [desk.command(charge("a", usd!(1))), desk.command(charge("a", usd!(2)))];
    let first = desk.linked(batch.clone()).await;
    assert_eq!(desk.linked(batch.clone()).await, first);
    // Linking does not count, nor does the order.
    assert_eq!(desk.submit(Batch::independent(batch.clone())).await, first);
    let [one, two] = batch;
    assert_eq!(desk.linked([two.clone()]).await, first[1..]);
    assert_eq!(desk.linked([two, one]).await, [first[1].clone(), first[0].clone()]);
    desk.counts("a", "3 + 0 USD").await;
}

/// Linked: sent one by one before, linked now: every id is known with the same command.
pub async fn commands_that_were_sent_alone_are_known_when_linked(desk: &Desk) {
    desk.with([open("a")]).await;
    let batch = [desk.command(charge("a", usd!(1))), desk.command(charge("a", usd!(2)))];
    let alone = [desk.send(&batch[0]).await, desk.send(&batch[1]).await];
    assert_eq!(desk.linked(batch).await, alone);
    desk.counts("a", "3 + 0 USD").await;
}

/// Linked: otherwise, if any id is known when the batch arrives, the first known one is
/// `operation_conflict`, whatever its command, and the others `linked_failed`.
pub async fn a_known_id_among_new_ones_is_a_conflict(desk: &Desk) {
    desk.with([open("a")]).await;
    let known = [desk.command(charge("a", usd!(1))), desk.command(charge("a", usd!(2)))];
    desk.sent(&known[0]).await;
    desk.sent(&known[1]).await;
    let new = || desk.command(charge("a", usd!(4)));
    let [one, two] = known;
    desk.link_fails([new(), two.clone(), one.clone()], 1, Denial::OperationConflict).await;
    desk.link_fails([one.clone(), new()], 0, Denial::OperationConflict).await;
    // Known, all of them, but not all with the same command.
    let other = Command::new(two.op, charge("a", usd!(8)));
    desk.link_fails([one, other], 0, Denial::OperationConflict).await;
    desk.counts("a", "3 + 0 USD").await;
}

/// "When the batch arrives": an id that comes twice in one batch is done once, and answered twice alike.
pub async fn an_id_twice_in_one_batch_is_done_once(desk: &Desk) {
    desk.with([open("a")]).await;
    let twice = desk.command(charge("a", usd!(1)));
    let outcomes = desk.linked([twice.clone(), twice]).await;
    assert_eq!(outcomes[0], outcomes[1]);
    let twice = desk.command(charge("a", usd!(2)));
    let outcomes = desk.submit(Batch::independent([twice.clone(), twice])).await;
    assert_eq!(outcomes[0], outcomes[1]);
    desk.counts("a", "3 + 0 USD").await;
    let one = desk.command(charge("a", usd!(4)));
    let other = Command::new(one.op, charge("a", usd!(8)));
    desk.link_fails([one, other], 1, Denial::OperationConflict).await;
    desk.counts("a", "3 + 0 USD").await;
}

/// Bounds: beyond 10,000 commands in a linked batch the first is `bound_exceeded`, the others
/// `linked_failed`, before all else.
pub async fn too_many_commands_are_refused_before_all_else(desk: &Desk) {
    desk.with([open("a")]).await;
    let known = desk.command(charge("a", usd!(1)));
    desk.sent(&known).await;
    let most = desk.bounds().commands_max;
    desk.link_fails(vec![known; most + 1], 0, beyond("commands")).await;
    let registers: Vec<_> = (0..most).map(|_| desk.command(register("USD"))).collect();
    assert_eq!(codes(&desk.linked(registers).await), vec!["ok"; most]);
    // A batch of independent commands has no such bound.
    let registers: Vec<_> = (0..=most).map(|_| desk.command(register("USD"))).collect();
    assert_eq!(codes(&desk.submit(Batch::independent(registers)).await), vec!["ok"; most + 1]);
}

/// A batch without commands has no outcomes and changes nothing.
pub async fn a_batch_of_nothing_does_nothing(desk: &Desk) {
    assert!(desk.submit(Batch::independent(Vec::new())).await.is_empty());
    assert!(desk.linked(Vec::new()).await.is_empty());
    assert!(desk.entries().await.is_empty());
}
