//! Many at once: nothing is lost, and each operation takes effect as a whole.

use std::{future::poll_fn, task::Poll};

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

/// Who reads, adds one and writes on the revision that was read loses nothing, however many do.
pub async fn no_increment_is_lost(desk: &StateDesk) {
    const ROUNDS: u32 = 50;
    desk.write("a", write("k", 0).rules(KeyRules::public())).await;
    at_once(|task| {
        let store = desk.store();
        async move {
            let agent = format!("{task}").into();
            for _ in 0..ROUNDS {
                loop {
                    let old = store.read(&agent, &key("k")).await.unwrap();
                    let value = old.value().and_then(Value::as_u64).unwrap() + 1;
                    let said = write("k", value).if_revision(old.revision);
                    match store.write(&agent, said).await {
                        Ok(_) => break,
                        Err(StateError::Conflict { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        }
    })
    .await;
    desk.shows("a", "k", &(TASKS * ROUNDS).to_string()).await;
    assert_eq!(desk.revision().await.number(), u64::from(TASKS * ROUNDS + 1));
}

/// Of many that write on absence at once, one becomes the owner.
pub async fn one_of_many_comes_first(desk: &StateDesk) {
    for round in 0..20 {
        let absent = desk.revision().await;
        let results = at_once(|task| {
            let store = desk.store();
            let said = write(&format!("{round}"), task).if_revision(absent);
            async move {
                let result = store.write(&format!("{task}").into(), said).await;
                result.map(|_| task).map_err(|error| error.code())
            }
        })
        .await;
        let made: Vec<u32> = results.iter().filter_map(|result| result.ok()).collect();
        assert_eq!(made.len(), 1, "{results:?}");
        let entry = desk.entry("b", &format!("{round}")).await;
        assert_eq!((entry.owner.as_str(), &*entry.value), (&*made[0].to_string(), &json!(made[0])));
    }
}

/// Of many that delete a key, one does.
pub async fn one_of_many_deletes(desk: &StateDesk) {
    for _ in 0..10 {
        desk.set("a", "k", 1).await;
        let results = at_once(|_| {
            let store = desk.store();
            async move { store.delete(&"a".into(), &key("k"), None).await.is_ok() }
        })
        .await;
        assert_eq!(results.iter().filter(|deleted| **deleted).count(), 1);
    }
}

/// Who follows the changes while others work misses none.
pub async fn who_follows_misses_none(desk: &StateDesk) {
    const ROUNDS: u32 = 40;
    let scopes = [StateScope::all(), StateScope::prefix("j/"), StateScope::key("j/3").unwrap()];
    let following: Vec<_> = scopes
        .iter()
        .map(|scope| {
            let (store, scope) = (desk.store(), scope.clone());
            let each = if matches!(scope, StateScope::Key(_)) { 1 } else { TASKS };
            let expected = usize::try_from(each * ROUNDS * 2).unwrap();
            tokio::spawn(async move {
                let (mut seen, mut next) = (Vec::new(), Revision::ZERO);
                while seen.len() < expected {
                    store.changed(&scope, next).await.unwrap();
                    let changes = store.changes(&"b".into(), &scope, next, 7).await.unwrap();
                    next = changes.next;
                    seen.extend(changes.changes);
                }
                seen
            })
        })
        .collect();
    at_once(|task| {
        let store = desk.store();
        async move {
            let name = format!("j/{task}");
            for round in 0..ROUNDS {
                store.write(&"a".into(), write(&name, round)).await.unwrap();
                store.delete(&"a".into(), &key(&name), None).await.unwrap();
            }
        }
    })
    .await;
    for (following, scope) in following.into_iter().zip(scopes) {
        assert_eq!(soon(following).await.unwrap(), desk.changes("b", &scope, 0).await);
    }
}

/// Nobody sees a value of one write with the rest of another.
pub async fn nobody_sees_half_a_write(desk: &StateDesk) {
    let version = |round: u32| {
        let rules = KeyRules::new().writers([format!("w{round}")]);
        write("k", json!([round, round])).rules(rules)
    };
    desk.write("a", version(0)).await;
    at_once(|task| {
        let store = desk.store();
        async move {
            for round in 0..40 {
                if task == 0 {
                    store.write(&"a".into(), version(round)).await.unwrap();
                    continue;
                }
                let reading = store.read(&"b".into(), &key("k")).await.unwrap();
                let entry = reading.entry.unwrap();
                assert_eq!(entry.value[0], entry.value[1]);
                let writer = format!("w{}", entry.value[0]).as_str().into();
                assert!(entry.may_write(&writer), "{entry:?}");
            }
        }
    })
    .await;
}

/// Keys end while others work, each once.
pub async fn each_key_ends_once(desk: &StateDesk) {
    for number in 0..50 {
        let said = write(&format!("{number:02}"), 0).ttl(Duration::from_mins(1));
        desk.write("a", said).await;
    }
    desk.wait(60);
    at_once(|task| {
        let store = desk.store();
        async move {
            for _ in 0..10 {
                match task.rem_euclid(3) {
                    0 => assert!(store.read(&"b".into(), &key("07")).await.unwrap().is_absent()),
                    1 => {
                        let page = store.list(&"b".into(), &StateQuery::all()).await.unwrap();
                        assert_eq!(page.entries, []);
                    }
                    _ => assert_eq!(store.sweep().await.unwrap(), None),
                }
            }
        }
    })
    .await;
    let expected: Vec<_> = (0..50).map(|number| format!("expired {number:02}")).collect();
    assert_eq!(desk.told("b", "", 50).await, expected);
}

/// A future that is dropped at any point has done nothing, or all of it.
pub async fn what_is_dropped_is_done_as_a_whole(desk: &StateDesk) {
    let (store, agent) = (desk.store(), "a".into());
    for polls in 0..20 {
        let name = format!("{polls:02}");
        let before = desk.revision().await;
        let said = write(&name, 1).rules(KeyRules::private());
        tokio::select! {
            biased;
            () = pass(polls) => {}
            result = store.write(&agent, said) => drop(result.unwrap()),
        }
        let reading = desk.read("a", &name).await;
        let changes = desk.changes("a", &StateScope::key(&*name).unwrap(), before.number()).await;
        assert_eq!(changes.len(), usize::from(!reading.is_absent()));
        if let Some(entry) = reading.entry {
            assert_eq!(*entry.rules, KeyRules::private());
        }
    }
}

/// Gives way so many times, and is over then.
async fn pass(mut times: usize) {
    poll_fn(|context| {
        let Some(left) = times.checked_sub(1) else {
            return Poll::Ready(());
        };
        times = left;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
