//! Law 4: conservation. What is counted is what the entries say.

use std::collections::BTreeMap;

use super::prelude::*;

/// What the entries say that each account has spent in its lifetime.
fn spent_by_entries(entries: &[Entry]) -> BTreeMap<AccountId, Amounts> {
    let mut sums: BTreeMap<AccountId, Amounts> = BTreeMap::new();
    for entry in entries {
        if let Some(posting) = entry.fact.spending() {
            for account in posting.set.iter() {
                sums.entry(account.clone()).or_default().add_all(&posting.amounts);
            }
        } else if let Fact::Refunded(refunded) = &entry.fact {
            for account in refunded.posting.set.iter() {
                let sum = sums.entry(account.clone()).or_default();
                for amount in &refunded.posting.amounts {
                    let left = sum.get(amount.unit()).checked_sub(amount.quantity());
                    sum.set(Amount::new(left.unwrap(), amount.unit().clone()));
                }
            }
        }
    }
    sums
}

/// What an account has spent in its lifetime equals the sum of the entries whose frozen set contains it.
pub async fn spending_is_the_sum_of_the_entries(desk: &Desk) {
    desk.with([
        open("org").limit(lifetime(usd!(100))),
        open("pool").under("org"),
        open("a").under("pool").limit(lifetime(usd!(10))),
        open("b").under("pool"),
        open("sub").under("a"),
        open("tag"),
    ])
    .await;
    let paid = desk.done(charge("a", [usd!(2), tokens!(30)]).scope("tag")).await;
    desk.denied(charge("a", [usd!(9), tokens!(1)]), "limit_exceeded").await;
    let held = desk.hold("a", usd!(4), 60).await;
    desk.done(settle(held, usd!(1)).keep_open().attribute_to("sub")).await;
    desk.done(set_parent("a", "org")).await;
    desk.done(settle(held, [usd!(8), tokens!(1)])).await;
    desk.done(refund(paid, [usd!(1.5), tokens!(7)])).await;
    desk.done(Action::Record(charge("b", usd!(0.25)).scope("tag"))).await;
    let held = desk.hold("b", usd!(4), 60).await;
    desk.done(release(held)).await;
    let late = desk.done(settle(held, usd!(5))).await;
    desk.done(refund(late, usd!(5))).await;
    let sums = spent_by_entries(&desk.entries().await);
    assert_eq!(sums.len(), 6);
    for (account, spent) in sums {
        assert_eq!(desk.account(account.as_str()).await.spent, spent, "{account}");
    }
}

/// What is held in all is what the open holds have left, and each ends with nothing held.
pub async fn what_is_held_comes_back_to_nothing(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(100))), open("a").under("pool")]).await;
    let mut holds = Vec::new();
    for amount in [usd!(1), usd!(2), usd!(3), usd!(4)] {
        holds.push(desk.hold("a", amount, 60).await);
    }
    desk.counts("pool", "0 + 10 USD").await;
    desk.done(settle(holds[0], usd!(5))).await;
    desk.done(settle(holds[1], usd!(0.5)).keep_open()).await;
    desk.done(release(holds[2])).await;
    desk.counts("pool", "5.5 + 5.5 USD").await;
    desk.done(release(holds[1])).await;
    desk.done(settle(holds[3], Amounts::none())).await;
    desk.counts("pool", "5.5 + 0 USD").await;
}

/// Transfer changes no total: neither what is spent, nor the sum of the limits.
pub async fn a_transfer_changes_no_total(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(10)))]).await;
    desk.with(["a", "b"].map(|name| open(name).under("pool").limit(lifetime(usd!(5))))).await;
    desk.done(charge("a", usd!(2))).await;
    desk.done(transfer("a", "b", usd!(1.25))).await;
    desk.shows("a", "2 + 0 of 3.75 USD").await;
    desk.shows("b", "0 + 0 of 6.25 USD").await;
    desk.shows("pool", "2 + 0 of 10 USD").await;
}

/// Allocate changes no total of spending.
pub async fn an_allocation_changes_no_spending(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(10))), open("a").under("pool")]).await;
    desk.done(charge("a", usd!(2))).await;
    desk.done(allocate("pool", [("a", usd!(1))])).await;
    desk.shows("a", "2 + 0 of 1 USD").await;
    desk.shows("pool", "2 + 0 of 10 USD").await;
}

/// Children that together exceed their parent are legal; the parent's limit still holds.
pub async fn children_may_exceed_their_parent_whose_limit_still_holds(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(10)))]).await;
    desk.with(["a", "b"].map(|name| open(name).under("pool").limit(lifetime(usd!(8))))).await;
    desk.done(charge("a", usd!(8))).await;
    let denial = exceeded("pool", usd!(10)).spent(usd!(8)).asked(usd!(3)).never();
    desk.denied(charge("b", usd!(3)), denial).await;
    desk.done(charge("b", usd!(2))).await;
}
