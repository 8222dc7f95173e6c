//! A key lives as long as its owner says, by the store's time.

use super::prelude::*;

const MINUTE: Duration = Duration::from_mins(1);

/// At the very instant at which its time runs out a key is gone.
pub async fn a_key_is_gone_at_the_very_instant(desk: &StateDesk) {
    desk.write("a", write("k", 1).ttl(MINUTE)).await;
    desk.clock().advance(MINUTE.checked_sub(Duration::from_nanos(1)).unwrap());
    desk.shows("b", "k", "1").await;
    desk.clock().advance(Duration::from_nanos(1));
    desk.shows("b", "k", "-").await;
    desk.lists("b", "", "").await;
    assert_eq!(desk.versions("b", "k").await, "");
}

/// A time to live counts from the write that says it.
pub async fn an_end_counts_from_the_write(desk: &StateDesk) {
    desk.write("a", write("k", 1).ttl(MINUTE)).await;
    desk.wait(40);
    desk.write("a", write("k", 2).ttl(MINUTE)).await;
    desk.wait(59);
    desk.shows("a", "k", "2").await;
    desk.wait(1);
    desk.shows("a", "k", "-").await;
}

/// A write that says nothing of it leaves the end as it is.
pub async fn a_write_keeps_the_end(desk: &StateDesk) {
    desk.write("a", write("k", 1).rules(KeyRules::public()).ttl(MINUTE)).await;
    desk.wait(30);
    desk.set("a", "k", 2).await;
    desk.set("b", "k", 3).await;
    assert_eq!(desk.entry("b", "k").await.expires_at, Some(desk.after(30)));
    desk.wait(30);
    desk.shows("a", "k", "-").await;
}

/// The owner may let a key stay after all, or give it an end, with a write or without.
pub async fn an_end_may_be_set_and_taken_back(desk: &StateDesk) {
    desk.write("a", write("k", 1).ttl(MINUTE)).await;
    desk.write("a", write("l", 1).ttl(MINUTE)).await;
    desk.set("a", "m", 1).await;
    desk.write("a", write("k", 2).lasting()).await;
    desk.amend("a", terms("l").lasting()).await;
    desk.amend("a", terms("m").ttl(MINUTE)).await;
    desk.wait(60);
    desk.lists("a", "", "k l").await;
    desk.wait(10_000_000);
    desk.lists("a", "", "k l").await;
}

/// An end is a change that nobody made, at the instant when it was.
pub async fn an_end_is_a_change(desk: &StateDesk) {
    desk.write("a", write("k", 1).ttl(MINUTE)).await;
    let end = desk.after(60);
    desk.wait(100);
    let changes = desk.changes("b", &StateScope::all(), 1).await;
    assert_eq!(changes.iter().map(line).collect::<Vec<_>>(), ["expired k"]);
    assert_eq!((changes[0].at, changes[0].revision), (end, Revision::new(2)));
    assert_eq!(changes[0].by, None);
}

/// Ends that came before an operation are changes before its own.
pub async fn ends_come_before_what_is_done(desk: &StateDesk) {
    desk.write("a", write("k", 1).ttl(MINUTE)).await;
    desk.wait(60);
    assert_eq!(desk.set("b", "k", 2).await, Revision::new(3));
    assert_eq!(desk.told("c", "", 1).await, ["expired k", "written k 2 by b"]);
    assert_eq!(desk.entry("c", "k").await.owner.as_str(), "b");
}

/// Ends are told in their order, those of one instant by key.
pub async fn ends_are_told_in_order(desk: &StateDesk) {
    for (name, seconds) in [("b", 5), ("d", 3), ("a", 5), ("c", 4), ("e", 3)] {
        desk.write("a", write(name, 0).ttl(Duration::from_secs(seconds))).await;
    }
    desk.wait(10);
    let expected = ["expired d", "expired e", "expired c", "expired a", "expired b"];
    assert_eq!(desk.told("a", "", 5).await, expected);
}

/// Who read a key that expired since is not deceived, also where it is there again.
pub async fn an_expired_key_is_not_as_it_was(desk: &StateDesk) {
    let old = desk.write("a", write("k", 1).ttl(MINUTE)).await;
    let absent_before = desk.read("a", "l").await.revision;
    desk.write("a", write("l", 1).ttl(MINUTE)).await;
    desk.wait(60);
    desk.refuses("a", write("k", 2).if_revision(old), "state.conflict").await;
    desk.refuses("a", write("l", 2).if_revision(absent_before), "state.conflict").await;
    desk.refuses_deletion("a", "k", Some(old), "state.absent").await;
}

/// A sweep ends what ran out, and tells when the next key does.
pub async fn a_sweep_tells_the_next_end(desk: &StateDesk) {
    assert_eq!(desk.store().sweep().await.unwrap(), None);
    desk.set("a", "stays", 1).await;
    assert_eq!(desk.store().sweep().await.unwrap(), None);
    desk.write("a", write("k", 1).ttl(MINUTE)).await;
    desk.write("a", write("l", 1).ttl(MINUTE * 2)).await;
    let (first, second) = (desk.after(60), desk.after(120));
    assert_eq!(desk.store().sweep().await.unwrap(), Some(first));
    desk.clock().set(first);
    assert_eq!(desk.store().sweep().await.unwrap(), Some(second));
    assert_eq!(desk.told("a", "", 3).await, ["expired k"]);
    desk.delete("a", "l").await;
    assert_eq!(desk.store().sweep().await.unwrap(), None);
}

/// A key may live as short, and as long, as the bounds say.
pub async fn the_shortest_and_the_longest_are_kept(desk: &StateDesk) {
    desk.write("a", write("k", 1).ttl(StateBounds::TTL_MIN)).await;
    desk.write("a", write("l", 1).ttl(StateBounds::TTL_MAX)).await;
    desk.clock().advance(StateBounds::TTL_MIN);
    desk.lists("a", "", "l").await;
    desk.clock().advance(StateBounds::TTL_MAX);
    desk.lists("a", "", "").await;
}

/// A clock that is set back brings nothing back, and no change is earlier than the one before.
pub async fn a_clock_that_is_set_back_brings_nothing_back(desk: &StateDesk) {
    let morning = desk.now();
    desk.write("a", write("k", 1).ttl(MINUTE)).await;
    desk.wait(60);
    desk.shows("a", "k", "-").await;
    desk.clock().set(morning);
    desk.shows("a", "k", "-").await;
    desk.set("a", "l", 1).await;
    let changes = desk.changes("a", &StateScope::all(), 0).await;
    assert!(changes.windows(2).all(|pair| pair[0].at <= pair[1].at), "{changes:?}");
    assert_eq!(desk.entry("a", "l").await.written_at, changes[1].at);
}
