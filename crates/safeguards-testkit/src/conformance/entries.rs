//! The journal: one entry for each accepted command, in commit order, without gaps.

use super::prelude::*;

/// Every accepted command makes exactly one entry, numbered from 1 without gaps; a denied one makes none.
pub async fn every_accepted_command_makes_one_entry(desk: &Desk) {
    let first = desk.receipt(open("a").limit(lifetime(usd!(1)))).await;
    desk.denied(charge("a", usd!(2)), "limit_exceeded").await;
    let second = desk.receipt(charge("a", usd!(1))).await;
    desk.denied(open("a"), "duplicate_account").await;
    let third = desk.receipt(suspend("a")).await;
    assert_eq!([first.entry, second.entry, third.entry], [1, 2, 3].map(EntryId::new));
    let numbers = desk.entries().await.into_iter().map(|entry| entry.id);
    assert_eq!(numbers.collect::<Vec<_>>(), [1, 2, 3].map(EntryId::new));
}

/// An entry says what was asked, what was answered, and when.
pub async fn an_entry_keeps_the_command_and_its_receipt(desk: &Desk) {
    let mut metadata = safeguards_budget::Metadata::new();
    metadata.insert("model".into(), "small".into());
    desk.with([open("a")]).await;
    let command = desk.command(charge("a", usd!(1))).with_metadata(metadata.clone());
    let receipt = desk.sent(&command).await;
    let entry = desk.last_entry().await;
    assert_eq!((entry.id, entry.at), (receipt.entry, receipt.at));
    assert_eq!((entry.op(), entry.name()), (Some(command.op), "charge"));
    assert_eq!(entry.metadata(), Some(&metadata));
    let cause = entry.cause.unwrap();
    assert_eq!((cause.command, cause.receipt), (command, receipt));
}

/// Entries come in pages of any size, in commit order, and a reader that goes on where a page ended sees
/// each once.
pub async fn pages_of_any_size_give_the_same_entries(desk: &Desk) {
    desk.with([open("a")]).await;
    for _ in 0..9 {
        desk.done(charge("a", usd!(1))).await;
    }
    let all = desk.entries().await;
    assert_eq!(all.len(), 10);
    for size in [1, 3, 10, 11] {
        let (mut read, mut from) = (Vec::new(), EntryId::FIRST);
        loop {
            let page = desk.ledger().entries(from, size).await.unwrap();
            assert!(page.entries.len() <= size);
            assert_eq!(page.first_kept, EntryId::FIRST);
            if page.entries.is_empty() {
                assert_eq!(page.next, from, "there is nothing to skip");
                break;
            }
            read.extend(page.entries);
            from = page.next;
        }
        assert_eq!(read, all, "in pages of {size}");
    }
    // The end is where new entries come.
    let page = desk.ledger().entries(EntryId::new(11), 5).await.unwrap();
    assert!(page.entries.is_empty());
    let receipt = desk.receipt(charge("a", usd!(1))).await;
    let page = desk.ledger().entries(page.next, 5).await.unwrap();
    assert_eq!(page.entries.len(), 1);
    assert_eq!(page.entries[0].id, receipt.entry);
}

/// A page may begin anywhere, and one of no entries is empty.
pub async fn a_page_begins_where_it_is_told(desk: &Desk) {
    desk.with([open("a"), open("b"), open("c")]).await;
    let page = desk.ledger().entries(EntryId::new(2), 1).await.unwrap();
    assert_eq!(page.entries.len(), 1);
    assert_eq!((page.entries[0].id, page.next), (EntryId::new(2), EntryId::new(3)));
    let page = desk.ledger().entries(EntryId::new(2), 0).await.unwrap();
    assert_eq!((page.entries.len(), page.next), (0, EntryId::new(2)));
}

/// A settlement's entry says the held part, the excess, what was freed, and whether it was late.
pub async fn a_settlements_entry_says_its_parts(desk: &Desk) {
    desk.with([open("a")]).await;
    let held = desk.hold("a", [usd!(5), tokens!(9)], 60).await;
    desk.done(settle(held, [usd!(7), tokens!(2)])).await;
    let Fact::Settled(settled) = desk.last_entry().await.fact else { panic!("not settled") };
    assert_eq!((settled.hold, settled.late, settled.keep_open), (held, false, false));
    assert_eq!(settled.posting.amounts, [usd!(7), tokens!(2)].into());
    assert_eq!(settled.held_part, [usd!(5), tokens!(2)].into());
    assert_eq!(settled.excess, usd!(2).into());
    assert_eq!(settled.freed.get(&Unit::TOKENS), quantity("7"));
    assert!(settled.freed.get(&Unit::USD).is_zero());
}

/// A hold's entry says until when; an extension's until when now.
pub async fn a_holds_entry_says_until_when(desk: &Desk) {
    desk.with([open("a")]).await;
    let held = desk.hold("a", usd!(5), 60).await;
    let Fact::Held { posting, expires_at } = desk.last_entry().await.fact else {
        panic!("not held")
    };
    assert_eq!((posting.spender, posting.amounts), ("a".into(), usd!(5).into()));
    assert_eq!(expires_at, desk.view(held).await.expires_at);
    desk.done(extend(held, 7_200)).await;
    let Fact::Extended { hold, expires_at } = desk.last_entry().await.fact else {
        panic!("not extended")
    };
    assert_eq!((hold, expires_at), (held, desk.view(held).await.expires_at));
}

/// Whatever sets limits says in its entry how each limit is now, with nothing left to decide.
pub async fn limits_are_told_as_they_are_now(desk: &Desk) {
    desk.with([open("pool").limit(lifetime(usd!(9)))]).await;
    desk.with(["a", "b"].map(|name| open(name).under("pool").limit(lifetime(usd!(1))))).await;
    desk.done(charge("a", usd!(1))).await;
    let told = async |action: Action| {
        desk.done(action).await;
        let Fact::LimitsSet(set) = desk.last_entry().await.fact else { panic!("no limits set") };
        let limits = set.limits.iter().map(|set| format!("{} {}", set.account, set.limit.amount));
        limits.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(told(set_remaining("a", usd!(2))).await, "a 3");
    let mut both = told(transfer("a", "b", usd!(1))).await;
    assert_eq!(both, "a 2, b 2");
    both = told(allocate("pool", [("a", usd!(3)), ("b", usd!(4))])).await;
    assert_eq!(both, "a 3, b 4");
    both = told(divide("pool", [("a", "1"), ("b", "1")]).amount(quantity("8")).into()).await;
    assert_eq!(both, "a 5, b 4");
}

/// Accounts are read together, as of one entry, which the read names.
pub async fn a_read_names_its_revision(desk: &Desk) {
    let read = desk.ledger().accounts(&["a".into()]).await.unwrap();
    assert_eq!((read.revision, read.accounts), (None, vec![None]));
    desk.with([open("a")]).await;
    let receipt = desk.receipt(charge("a", usd!(1))).await;
    let read = desk.ledger().accounts(&["a".into()]).await.unwrap();
    assert_eq!(read.revision, Some(receipt.entry));
}
