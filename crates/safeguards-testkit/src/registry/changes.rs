//! What happened is told from any revision on, in order and without gaps; who waits is woken.

use super::prelude::*;

/// Everything that happens to an agent is a change of its kind.
pub async fn each_kind_of_change_is_told(desk: &RegistryDesk) {
    desk.register(agent("a").capability(cap("x 1.0.0")).capability(cap("b"))).await;
    let lease = desk.register(agent("a").describe("reads")).await;
    desk.stands(&lease, Status::new().health(Health::Degraded)).await;
    desk.withdraw("a", "x").await.unwrap();
    desk.register(able("c", "y")).await;
    desk.delete("c").await.unwrap();
    desk.wait(60);
    let expected = [
        "arrived a",
        "advertised a b",
        "advertised a x 1.0.0",
        "described a",
        "status a degraded",
        "withdrawn a x 1.0.0",
        "arrived c",
        "advertised c y",
        "deleted c",
        "expired a",
    ];
    assert_eq!(desk.told(Revision::ZERO).await, expected);
}

/// A change says when it was, to whom, and carries what is new.
pub async fn a_change_carries_what_is_new(desk: &RegistryDesk) {
    let start = desk.now();
    let capability = cap("x 1.0.0").with("k", [1]).tag("t").cost(usd!(1));
    let status = Status::new().load(3);
    let lease =
        desk.register(agent("a").capability(capability.clone()).status(status.clone())).await;
    desk.wait(5);
    desk.withdraw("a", "x 1.0.0").await.unwrap();
    let changes = desk.changes(Revision::ZERO).await;
    assert!(changes.iter().all(|change| change.agent.as_str() == "a"));
    let after: Vec<_> = changes.iter().map(|change| change.at.since(start).as_secs()).collect();
    assert_eq!(after, [0, 0, 0, 5]);
    assert_eq!(changes[0].kind, ChangeKind::Arrived { lease: lease.id });
    assert_eq!(changes[1].kind, ChangeKind::Advertised { capability: capability.into() });
    assert_eq!(changes[2].kind, ChangeKind::StatusChanged { status });
    let gone = ChangeKind::Withdrawn { name: name("x"), version: Some(version("1.0.0")) };
    assert_eq!(changes[3].kind, gone);
}

/// Who comes with a description, a priority, a document or a status of its own differs in that from who says nothing,
/// and is told of so; what it can do comes before.
pub async fn a_newcomer_is_told_in_full(desk: &RegistryDesk) {
    let ill = Status::new().health(Health::Unhealthy);
    let said = able("a", "y").capability(cap("x")).describe("reads").priority(Priority::P9);
    desk.register(said.document("d", json!(1)).status(ill)).await;
    desk.register(able("b", "x").priority(Priority::default()).status(Status::new())).await;
    let expected = [
        "arrived a",
        "advertised a x",
        "advertised a y",
        "described a",
        "status a unhealthy",
        "arrived b",
        "advertised b x",
    ];
    assert_eq!(desk.told(Revision::ZERO).await, expected);
}

/// Leases that ran out before an operation are changes before its own.
pub async fn ends_come_before_what_is_done(desk: &RegistryDesk) {
    desk.register(agent("a").capability(cap("x"))).await;
    desk.register(agent("b")).await;
    desk.wait(60);
    desk.register(agent("a")).await;
    let told = desk.told(Revision::new(3)).await;
    assert_eq!(told, ["expired a", "expired b", "arrived a"]);
}

/// The first revision is 1; who has seen nothing begins at 0.
pub async fn revisions_begin_at_one(desk: &RegistryDesk) {
    assert_eq!(desk.revision().await, Revision::ZERO);
    let none = desk.registry().changes(Revision::ZERO, 10).await.unwrap();
    assert_eq!((none.changes.len(), none.next), (0, Revision::ZERO));
    desk.register(agent("a")).await;
    let changes = desk.changes(Revision::ZERO).await;
    assert_eq!(changes[0].revision, Revision::new(1));
    assert_eq!(desk.revision().await, Revision::new(1));
}

/// From any revision on, and by any number at a time, the same changes are read.
pub async fn changes_are_read_from_anywhere(desk: &RegistryDesk) {
    for number in 0..10 {
        desk.register(able(&format!("{number}"), "x")).await;
        desk.delete(&format!("{number}")).await.unwrap();
    }
    let all = desk.changes(Revision::ZERO).await;
    assert_eq!(all.len(), 30);
    for (skipped, _) in all.iter().enumerate() {
        let after = Revision::new(u64::try_from(skipped).unwrap());
        assert_eq!(desk.changes(after).await, all[skipped..]);
    }
    let registry = desk.registry();
    for limit in [1, 7, 29, 30, 31] {
        let (mut read, mut after) = (Vec::new(), Revision::ZERO);
        loop {
            let page = registry.changes(after, limit).await.unwrap();
            if page.changes.is_empty() {
                assert_eq!(page.next, after);
                break;
            }
            assert!(page.changes.len() <= limit);
            assert_eq!(page.next, page.changes.last().unwrap().revision);
            after = page.next;
            read.extend(page.changes);
        }
        assert_eq!(read, all);
    }
    let none = registry.changes(Revision::new(4), 0).await.unwrap();
    assert_eq!((none.changes.len(), none.next), (0, Revision::new(4)));
}

/// A limit above the bound is taken for that.
pub async fn changes_of_one_answer_are_bounded(desk: &RegistryDesk) {
    for _ in 0..(Bounds::CHANGES / 100) {
        let said = Registration::lasting("a").replacing();
        let said = (0..50).fold(said, |said, number| said.capability(cap(&format!("x.c{number}"))));
        desk.register(said).await;
        desk.delete("a").await.unwrap();
        desk.register(able("b", "x").replacing()).await;
        let said = Registration::lasting("b").replacing();
        let said = (0..50).fold(said, |said, number| said.capability(cap(&format!("y.c{number}"))));
        desk.register(said).await;
    }
    let changes = desk.registry().changes(Revision::ZERO, usize::MAX).await.unwrap();
    assert_eq!(changes.changes.len(), Bounds::CHANGES);
    assert_eq!(changes.next, Revision::new(u64::try_from(Bounds::CHANGES).unwrap()));
}

/// Changes that are kept no more are said to be, with the oldest that can be gone on from.
pub async fn forgotten_changes_are_said_to_be(desk: &RegistryDesk) {
    let kept = u64::try_from(desk.setup().changes_kept).unwrap();
    let lease = desk.register(Registration::lasting("a")).await;
    for number in 1..=kept.saturating_add(2) {
        let load = u32::try_from(number).unwrap();
        desk.stands(&lease, Status::new().load(load)).await;
    }
    let latest = desk.revision().await;
    assert_eq!(latest.number(), kept.saturating_add(3));
    let registry = desk.registry();
    let oldest = Revision::new(3);
    for forgotten in 0..3 {
        let after = Revision::new(forgotten);
        let error = registry.changes(after, 1).await.unwrap_err();
        let ChangesError::Forgotten { after: told, oldest: first } = &error else {
            panic!("{error:?}")
        };
        assert_eq!((*told, *first, error.code()), (after, oldest, "discovery.forgotten"));
    }
    let changes = desk.changes(oldest).await;
    let numbers: Vec<_> = changes.iter().map(|change| change.revision.number()).collect();
    assert_eq!(numbers, (4..=latest.number()).collect::<Vec<_>>());
    assert_eq!(desk.changes(latest).await, []);
}

/// Who waits from a forgotten revision is told at once that something happened since.
pub async fn who_waits_from_what_is_forgotten_is_told(desk: &RegistryDesk) {
    let lease = desk.register(Registration::lasting("a")).await;
    for load in 0..20 {
        desk.stands(&lease, Status::new().load(load)).await;
    }
    let waited = soon(desk.registry().changed(Revision::ZERO)).await;
    assert!(matches!(waited, Ok(()) | Err(ChangesError::Forgotten { .. })), "{waited:?}");
}

/// A revision that has not been yet is another registry's.
pub async fn a_revision_to_come_is_refused(desk: &RegistryDesk) {
    desk.register(agent("a")).await;
    let registry = desk.registry();
    let errors = [
        registry.changes(Revision::new(2), 1).await.unwrap_err(),
        soon(registry.changed(Revision::new(2))).await.unwrap_err(),
    ];
    for error in errors {
        let ChangesError::Ahead { after, latest } = &error else { panic!("{error:?}") };
        assert_eq!((after.number(), latest.number()), (2, 1));
        assert_eq!(error.code(), "discovery.ahead");
    }
}

/// Where something happened since, nobody waits.
pub async fn who_is_behind_does_not_wait(desk: &RegistryDesk) {
    desk.register(able("a", "x")).await;
    soon(desk.registry().changed(Revision::ZERO)).await.unwrap();
    soon(desk.registry().changed(Revision::new(1))).await.unwrap();
}

/// Each change wakes who waits; a renewal that says nothing new does not.
pub async fn each_change_wakes_who_waits(desk: &RegistryDesk) {
    let registry = desk.registry();
    let mut lease = desk.register(agent("a")).await;
    let acts = ["register", "status", "withdraw", "delete", "arrive", "expire"];
    for act in acts {
        let revision = desk.revision().await;
        let mut waiting = registry.changed(revision);
        tokio::select! {
            biased;
            result = &mut waiting => panic!("nothing happened before {act}: {result:?}"),
            () = pass(50) => {}
        }
        if act != "arrive" {
            desk.renew(&lease).await;
            tokio::select! {
                biased;
                result = &mut waiting => panic!("a renewal is no change: {result:?}"),
                () = pass(50) => {}
            }
        }
        match act {
            "register" => lease = desk.register(agent("a").capability(cap("x"))).await,
            "status" => desk.stands(&lease, Status::new().load(1)).await,
            "withdraw" => desk.withdraw("a", "x").await.unwrap(),
            "delete" => desk.delete("a").await.unwrap(),
            "arrive" => lease = desk.register(agent("a")).await,
            _ => {
                desk.wait(60);
                registry.sweep().await.unwrap();
            }
        }
        soon(waiting).await.unwrap();
    }
}

/// All who wait are woken, wherever they wait.
pub async fn all_who_wait_are_woken(desk: &RegistryDesk) {
    let registry = desk.registry();
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let registry = desk.registry();
            tokio::spawn(async move { registry.changed(Revision::ZERO).await })
        })
        .collect();
    pass(50).await;
    registry.register(agent("a")).await.unwrap();
    for waiting in waiting {
        soon(waiting).await.unwrap().unwrap();
    }
}

/// Who waits no more harms nobody, and nothing is lost.
pub async fn who_waits_no_more_harms_nobody(desk: &RegistryDesk) {
    let registry = desk.registry();
    for polls in 0..20 {
        tokio::select! {
            biased;
            result = registry.changed(Revision::ZERO) => panic!("nothing happened: {result:?}"),
            () = pass(polls) => {}
        }
    }
    let other = desk.registry();
    let other = tokio::spawn(async move { other.changed(Revision::ZERO).await });
    desk.register(agent("a")).await;
    soon(other).await.unwrap().unwrap();
    soon(registry.changed(Revision::ZERO)).await.unwrap();
}

/// What was found, and what changed since, is what is found now: who watches from a query's revision misses nothing.
pub async fn what_was_found_and_what_changed_is_what_is_found(desk: &RegistryDesk) {
    desk.register(able("a", "x")).await;
    desk.register(agent("b").capability(cap("x"))).await;
    let before = desk.find(&Query::all().order(Order::Name)).await;
    let lease = desk.register(able("c", "x")).await;
    desk.stands(&lease, Status::new().load(1)).await;
    desk.delete("a").await.unwrap();
    desk.wait(60);
    desk.register(agent("d")).await;
    let mut here: std::collections::BTreeSet<AgentId> = before.names().cloned().collect();
    for change in desk.changes(before.revision).await {
        match change.kind {
            ChangeKind::Arrived { .. } => assert!(here.insert(change.agent)),
            ChangeKind::Deleted | ChangeKind::Expired => assert!(here.remove(&change.agent)),
            ChangeKind::Advertised { .. }
            | ChangeKind::Withdrawn { .. }
            | ChangeKind::Described
            | ChangeKind::StatusChanged { .. }
            | _ => assert!(here.contains(&change.agent)),
        }
    }
    let after = desk.find(&Query::all().order(Order::Name)).await;
    assert_eq!(after.names().cloned().collect::<Vec<_>>(), here.into_iter().collect::<Vec<_>>());
}
