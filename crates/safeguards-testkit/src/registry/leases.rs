//! Leases hold until the instant at which they run out, and not at it.

use super::prelude::*;

/// Until the instant before its end an agent is here; at the end it is gone, and all that it could do with it.
pub async fn an_agent_is_gone_at_the_very_instant(desk: &RegistryDesk) {
    let lease = desk.register(agent("reader").capability(cap("a"))).await;
    assert_eq!(lease.expires_at, Some(desk.after(60)));
    desk.clock().advance(Duration::new(59, 999_999_999));
    desk.finds(&Query::new("a").unwrap(), "reader").await;
    desk.record("reader").await;
    desk.clock().advance(Duration::from_nanos(1));
    desk.finds(&Query::new("a").unwrap(), "").await;
    desk.finds(&Query::all(), "").await;
    assert_eq!(desk.record_of(&"reader".into()).await, None);
    desk.is_gone(&lease).await;
}

/// A renewal holds for as long again as the lease says, counted from now.
pub async fn a_renewal_counts_from_now(desk: &RegistryDesk) {
    let lease = desk.register(agent("reader")).await;
    desk.wait(20);
    let renewed = desk.renew(&lease).await;
    assert_eq!(renewed.expires_at, Some(desk.after(60)));
    assert_eq!((renewed.id, renewed.ttl, &renewed.agent), (lease.id, lease.ttl, &lease.agent));
    assert_eq!(desk.record("reader").await.lease, renewed);
    desk.wait(59);
    // The lease as it was given at first is as good.
    desk.renew(&lease).await;
    desk.wait(59);
    desk.finds(&Query::all(), "reader").await;
    desk.wait(1);
    desk.finds(&Query::all(), "").await;
}

/// A match and a record say when the lease runs out.
pub async fn who_is_found_has_an_end(desk: &RegistryDesk) {
    desk.register(agent("a")).await;
    desk.register(Registration::lasting("b")).await;
    let found = desk.find(&Query::all().order(Order::Name)).await;
    let ends: Vec<_> = found.agents.iter().map(|found| found.expires_at).collect();
    assert_eq!(ends, [Some(desk.after(60)), None]);
}

/// A renewal changes nothing else, and is no change.
pub async fn a_renewal_is_no_change(desk: &RegistryDesk) {
    let said = agent("reader").capability(cap("a")).status(Status::new().load(2));
    let lease = desk.register(said).await;
    let (before, revision) = (desk.record("reader").await, desk.revision().await);
    desk.wait(30);
    desk.stands(&lease, Status::new().load(2)).await;
    desk.renew(&lease).await;
    let mut after = desk.record("reader").await;
    assert_eq!(desk.revision().await, revision);
    after.lease = before.lease.clone();
    assert_eq!(after, before);
}

/// With a status, this is how the agent stands from now on.
pub async fn a_renewal_may_say_how_the_agent_stands(desk: &RegistryDesk) {
    let lease = desk.register(agent("reader")).await;
    let revision = desk.revision().await;
    let ill = Status::new().health(Health::Degraded).load(9).available(tokens!(5));
    desk.stands(&lease, ill.clone()).await;
    assert_eq!(desk.record("reader").await.status, ill);
    desk.renew(&lease).await;
    assert_eq!(desk.record("reader").await.status, ill, "who says nothing leaves it");
    let changes = desk.changes(revision).await;
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].kind, ChangeKind::StatusChanged { status: ill });
}

/// Who was gone and came back has another lease; the one before renews nothing.
pub async fn who_comes_back_has_another_lease(desk: &RegistryDesk) {
    let first = desk.register(agent("reader").capability(cap("a")).describe("reads")).await;
    desk.wait(60);
    let second = desk.register(agent("reader")).await;
    assert_ne!(second.id, first.id);
    desk.is_gone(&first).await;
    let record = desk.record("reader").await;
    assert_eq!((record.capabilities.len(), record.description.as_str()), (0, ""));
    assert_eq!(record.since, desk.now(), "it came when it came back");
    desk.delete("reader").await.unwrap();
    desk.is_gone(&second).await;
    let third = desk.register(agent("reader")).await;
    assert_ne!(third.id, first.id);
    assert_ne!(third.id, second.id);
    desk.is_gone(&second).await;
    desk.renew(&third).await;
}

/// One agent's lease renews no other's.
pub async fn a_lease_renews_its_own_agent_alone(desk: &RegistryDesk) {
    let a = desk.register(agent("a")).await;
    let b = desk.register(agent("b")).await;
    let crossed = Lease::new("b".into(), a.id, a.ttl, a.expires_at);
    desk.is_gone(&crossed).await;
    let nobody = Lease::new("nobody".into(), b.id, b.ttl, b.expires_at);
    desk.is_gone(&nobody).await;
    desk.wait(30);
    desk.renew(&a).await;
    desk.wait(30);
    desk.finds(&Query::all(), "a").await;
}

/// What a lease says of its own length counts for nothing: the registry knows it.
pub async fn a_forged_length_counts_for_nothing(desk: &RegistryDesk) {
    let lease = desk.register(agent("reader")).await;
    let forged = Lease::new("reader".into(), lease.id, None, None);
    let renewed = desk.renew(&forged).await;
    assert_eq!((renewed.ttl, renewed.expires_at), (lease.ttl, lease.expires_at));
}

/// A lasting agent stays until it is deleted.
pub async fn a_lasting_agent_stays(desk: &RegistryDesk) {
    let lease = desk.register(Registration::lasting("reader")).await;
    assert_eq!((lease.ttl, lease.expires_at), (None, None));
    desk.wait(50 * 365 * 24 * 3_600);
    desk.finds(&Query::all(), "reader").await;
    assert_eq!(desk.renew(&lease).await.expires_at, None);
    desk.delete("reader").await.unwrap();
    desk.finds(&Query::all(), "").await;
}

/// The latest registration says how long the lease holds, be it shorter, longer, or without an end.
pub async fn the_latest_registration_says_how_long(desk: &RegistryDesk) {
    let first = desk.register(agent("reader")).await;
    let shorter = desk.register(Registration::new("reader", Duration::from_secs(5))).await;
    assert_eq!((shorter.id, shorter.expires_at), (first.id, Some(desk.after(5))));
    desk.wait(4);
    assert_eq!(desk.renew(&first).await.expires_at, Some(desk.after(5)));
    let lasting = desk.register(Registration::lasting("reader")).await;
    assert_eq!((lasting.id, lasting.expires_at), (first.id, None));
    desk.wait(1_000);
    desk.finds(&Query::all(), "reader").await;
    let ends = desk.register(agent("reader")).await;
    assert_eq!((ends.id, ends.expires_at), (first.id, Some(desk.after(60))));
    desk.wait(60);
    desk.finds(&Query::all(), "").await;
}

/// A lease holds a millisecond at least, and ends to the nanosecond.
pub async fn a_lease_may_be_short(desk: &RegistryDesk) {
    desk.register(Registration::new("reader", Duration::new(0, 1_000_001))).await;
    desk.clock().advance(Duration::from_millis(1));
    desk.finds(&Query::all(), "reader").await;
    desk.clock().advance(Duration::from_nanos(1));
    desk.finds(&Query::all(), "").await;
}

/// Each operation sees that a lease ran out, though nobody swept.
pub async fn an_end_is_seen_without_sweeping(desk: &RegistryDesk) {
    for name in ["a", "b", "c", "d"] {
        desk.register(agent(name).capability(cap("x"))).await;
    }
    let revision = desk.revision().await;
    desk.wait(60);
    let registry = desk.registry();
    let unknown = |result: Result<(), WithdrawError>| result.unwrap_err().code();
    assert_eq!(unknown(desk.withdraw("a", "x").await), "discovery.unknown_agent");
    assert_eq!(unknown(desk.delete("b").await), "discovery.unknown_agent");
    assert_eq!(registry.agent(&"c".into()).await.unwrap(), None);
    let told = desk.told(revision).await;
    assert_eq!(told, ["expired a", "expired b", "expired c", "expired d"]);
}

/// Whichever operation comes first sees it: reading changes is enough.
pub async fn changes_tell_an_end_without_sweeping(desk: &RegistryDesk) {
    let lease = desk.register(agent("reader")).await;
    desk.wait(100);
    let changes = desk.changes(Revision::new(1)).await;
    assert_eq!(changes.iter().map(line).collect::<Vec<_>>(), ["expired reader"]);
    assert_eq!(Some(changes[0].at), lease.expires_at, "it is told of the instant of its end");
}

/// What is found names a revision that counts the leases that ran out.
pub async fn what_is_found_counts_the_ends(desk: &RegistryDesk) {
    desk.register(agent("reader")).await;
    desk.wait(60);
    let found = desk.find(&Query::all()).await;
    assert_eq!((found.revision, found.total), (Revision::new(2), 0));
}

/// Leases that run out are told in the order of their ends, those of one instant by name.
pub async fn ends_are_told_in_order(desk: &RegistryDesk) {
    let ends = [("z", 5), ("b", 7), ("a", 7), ("c", 6), ("B", 7), ("stays", 100)];
    for (name, seconds) in ends {
        desk.register(Registration::new(name, Duration::from_secs(seconds))).await;
    }
    let (revision, start) = (desk.revision().await, desk.now());
    desk.wait(10);
    let changes = desk.changes(revision).await;
    let lines: Vec<_> = changes.iter().map(line).collect();
    assert_eq!(lines, ["expired z", "expired c", "expired B", "expired a", "expired b"]);
    let after: Vec<_> = changes.iter().map(|change| change.at.since(start).as_secs()).collect();
    assert_eq!(after, [5, 6, 7, 7, 7]);
}

/// A renewal puts off the end, also in the order in which ends are told.
pub async fn a_renewed_lease_ends_later(desk: &RegistryDesk) {
    let a = desk.register(agent("a")).await;
    desk.register(agent("b")).await;
    desk.wait(30);
    desk.renew(&a).await;
    desk.wait(200);
    let told = desk.told(Revision::new(2)).await;
    assert_eq!(told, ["expired b", "expired a"]);
}

/// A sweep ends what ran out, and tells when the next lease ends.
pub async fn a_sweep_tells_the_next_end(desk: &RegistryDesk) {
    let registry = desk.registry();
    assert_eq!(registry.sweep().await.unwrap(), None);
    desk.register(Registration::lasting("lasting")).await;
    assert_eq!(registry.sweep().await.unwrap(), None);
    let a = desk.register(Registration::new("a", Duration::from_secs(10))).await;
    let b = desk.register(Registration::new("b", Duration::from_secs(20))).await;
    assert_eq!(registry.sweep().await.unwrap(), a.expires_at);
    desk.wait(9);
    let a = desk.renew(&a).await;
    assert_eq!(registry.sweep().await.unwrap(), a.expires_at);
    desk.wait(10);
    assert_eq!(registry.sweep().await.unwrap(), b.expires_at);
    desk.register(Registration::lasting("b")).await;
    assert_eq!(registry.sweep().await.unwrap(), None);
    let told = desk.told(Revision::new(3)).await;
    assert_eq!(told, ["expired a"]);
}

/// Who sleeps until the end that a sweep told finds that it has come.
pub async fn the_end_that_was_told_comes(desk: &RegistryDesk) {
    for (name, millis) in [("a", 1_500), ("b", 2_500), ("c", 2_500)] {
        desk.register(Registration::new(name, Duration::from_millis(millis))).await;
    }
    let registry = desk.registry();
    let mut left = Vec::new();
    while let Some(end) = registry.sweep().await.unwrap() {
        assert!(end > desk.now(), "the next end is to come");
        desk.clock().set(end);
        registry.sweep().await.unwrap();
        left.push(names(&desk.find(&Query::all().order(Order::Name)).await));
    }
    assert_eq!(left, ["b c", ""]);
}

/// Time never goes back: after a clock was set back it is still as late as the latest change.
pub async fn a_clock_that_is_set_back_brings_nobody_back(desk: &RegistryDesk) {
    let morning = desk.now();
    desk.register(agent("gone")).await;
    desk.wait(100);
    let late = desk.now();
    desk.register(agent("here")).await;
    desk.clock().set(morning);
    desk.finds(&Query::all(), "here").await;
    let lease = desk.register(agent("new")).await;
    assert_eq!(lease.expires_at, late.checked_add(Duration::from_mins(1)));
    let changes = desk.changes(Revision::ZERO).await;
    assert_eq!(changes.last().unwrap().at, late);
    assert_eq!(desk.record("new").await.since, late);
}

/// An end that was seen once is seen for good, though it was only read and the clock is set back.
pub async fn an_end_that_was_read_stays(desk: &RegistryDesk) {
    let morning = desk.now();
    let lease = desk.register(agent("reader")).await;
    desk.wait(61);
    desk.finds(&Query::all(), "").await;
    desk.clock().set(morning);
    desk.finds(&Query::all(), "").await;
    desk.is_gone(&lease).await;
}
