//! Many at once: nothing is lost, and each operation takes effect as a whole.

use super::prelude::*;

const TASKS: u32 = 8;

/// Does this in eight tasks at once, and waits for all of them.
async fn at_once<T, Fut>(act: impl Fn(u32) -> Fut) -> Vec<T>
where
    T: Send + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(act(task))).collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(soon(task).await.unwrap());
    }
    results
}

/// Many that register, renew, withdraw and leave at once: nothing is lost, and revisions have no gaps.
pub async fn nothing_is_lost_among_many(desk: &RegistryDesk) {
    const ROUNDS: u32 = 25;
    at_once(|task| {
        let registry = desk.registry();
        async move {
            for round in 0..ROUNDS {
                let who = format!("{task}-{round}");
                let said = agent(&who).capability(cap("x 1.0.0")).capability(cap("y"));
                let lease = registry.register(said).await.unwrap();
                let busy = Status::new().load(round);
                registry.renew(&lease, Some(busy)).await.unwrap();
                registry.withdraw(&who.as_str().into(), &name("y"), None).await.unwrap();
                let found = registry.find(&Query::all().among([who.as_str()])).await.unwrap();
                assert_eq!(found.total, 1, "{who} sees what it did");
                if round.is_multiple_of(5) {
                    registry.delete(&who.as_str().into()).await.unwrap();
                }
            }
        }
    })
    .await;
    let found = desk.find(&Query::new("x").unwrap()).await;
    assert_eq!(found.total, u64::from(TASKS * (ROUNDS - ROUNDS / 5)));
    desk.finds(&Query::new("y").unwrap(), "").await;
    // Arrived, two advertised, its load, withdrawn; one in five deleted.
    let changes = TASKS * (ROUNDS * 5 + ROUNDS / 5);
    assert_eq!(found.revision.number(), u64::from(changes));
}

/// Of two that say otherwise of one capability, one is first and the other contradicts it.
pub async fn of_two_that_contradict_one_is_refused(desk: &RegistryDesk) {
    for round in 0..20 {
        let results = at_once(|task| {
            let registry = desk.registry();
            let said = agent(&format!("{round}")).capability(cap("x").with("by", task));
            async move { registry.register(said).await.map(|_| task).map_err(|error| error.code()) }
        })
        .await;
        let taken: Vec<u32> = results.iter().filter_map(|result| result.ok()).collect();
        assert_eq!(taken.len(), 1, "{results:?}");
        let refused = results.iter().filter(|result| **result == Err("discovery.conflict")).count();
        assert_eq!(refused, 7, "{results:?}");
        let record = desk.record(&format!("{round}")).await;
        assert_eq!(record.capabilities[0].metadata["by"], json!(taken[0]));
    }
}

/// All that come at once under one name are one agent, under one lease.
pub async fn one_name_is_one_agent(desk: &RegistryDesk) {
    let leases = at_once(|task| {
        let registry = desk.registry();
        async move {
            registry.register(agent("a").capability(cap(&format!("x.c{task}")))).await.unwrap()
        }
    })
    .await;
    assert!(leases.iter().all(|lease| lease.id == leases[0].id), "{leases:?}");
    assert_eq!(desk.record("a").await.capabilities.len(), 8);
    let told = desk.told(Revision::ZERO).await;
    assert_eq!(told.iter().filter(|line| *line == "arrived a").count(), 1);
}

/// Who replaces does so in one step: nobody sees it by half.
pub async fn nobody_sees_a_half_replaced_agent(desk: &RegistryDesk) {
    let version = |round: u32| {
        let said = Registration::lasting("a").replacing();
        (0..10).fold(said, |said, place| {
            said.capability(cap(&format!("x.c{place}")).with("round", round))
        })
    };
    desk.register(version(0)).await;
    at_once(|task| {
        let registry = desk.registry();
        async move {
            for round in 0..30 {
                if task == 0 {
                    registry.register(version(round)).await.unwrap();
                    continue;
                }
                let found = registry.find(&Query::new("x").unwrap()).await.unwrap();
                let capabilities = &found.agents[0].capabilities;
                assert_eq!(capabilities.len(), 10);
                let first = &capabilities[0].metadata;
                assert!(capabilities.iter().all(|one| one.metadata == *first), "{capabilities:?}");
            }
        }
    })
    .await;
}

/// Of many that delete one agent, one does.
pub async fn one_of_many_deletes(desk: &RegistryDesk) {
    for _ in 0..10 {
        desk.register(agent("a")).await;
        let results = at_once(|_| {
            let registry = desk.registry();
            async move { registry.delete(&"a".into()).await.is_ok() }
        })
        .await;
        assert_eq!(results.iter().filter(|deleted| **deleted).count(), 1);
    }
}

/// Who follows the changes while others work misses none.
pub async fn who_follows_misses_none(desk: &RegistryDesk) {
    const ROUNDS: u32 = 40;
    let registry = desk.registry();
    let following = tokio::spawn(async move {
        let (mut seen, mut next) = (Vec::new(), Revision::ZERO);
        while next.number() < u64::from(TASKS * ROUNDS * 2) {
            registry.changed(next).await.unwrap();
            let changes = registry.changes(next, 7).await.unwrap();
            next = changes.next;
            seen.extend(changes.changes);
        }
        seen
    });
    at_once(|task| {
        let registry = desk.registry();
        async move {
            for _ in 0..ROUNDS {
                let who = format!("{task}");
                registry.register(agent(&who)).await.unwrap();
                registry.delete(&who.as_str().into()).await.unwrap();
            }
        }
    })
    .await;
    let seen = soon(following).await.unwrap();
    assert_eq!(seen, desk.changes(Revision::ZERO).await);
    assert!(mirror(&seen).is_empty());
}

/// Leases run out while others work, each once.
pub async fn each_lease_runs_out_once(desk: &RegistryDesk) {
    for number in 0..50 {
        desk.register(agent(&format!("{number:02}"))).await;
    }
    let revision = desk.revision().await;
    desk.wait(60);
    at_once(|task| {
        let registry = desk.registry();
        async move {
            for _ in 0..10 {
                match task.rem_euclid(3) {
                    0 => assert_eq!(registry.find(&Query::all()).await.unwrap().total, 0),
                    1 => assert_eq!(registry.agent(&"07".into()).await.unwrap(), None),
                    _ => assert_eq!(registry.sweep().await.unwrap(), None),
                }
            }
        }
    })
    .await;
    let expected: Vec<_> = (0..50).map(|number| format!("expired {number:02}")).collect();
    assert_eq!(desk.told(revision).await, expected);
}

/// A future that is dropped before it is waited for has done nothing, or all of it.
pub async fn what_is_dropped_is_done_as_a_whole(desk: &RegistryDesk) {
    let registry = desk.registry();
    for polls in 0..20 {
        let who = format!("{polls}");
        let said = agent(&who).capability(cap("x")).capability(cap("y"));
        tokio::select! {
            biased;
            () = pass(polls) => {}
            result = registry.register(said) => drop(result.unwrap()),
        }
        if let Some(record) = desk.record_of(&who.as_str().into()).await {
            assert_eq!(record.capabilities.len(), 2);
        }
    }
}
