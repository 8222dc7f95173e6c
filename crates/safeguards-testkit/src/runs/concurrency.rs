//! Many at once: nothing is lost, and each operation takes effect as a whole.

use super::prelude::*;

/// Many that append to one run at once: nothing is lost, and each sees its own in order.
pub async fn nothing_is_lost_among_many(desk: &RunStoreDesk) {
    const ROUNDS: u32 = 100;
    desk.begin(head("r")).await;
    at_once(|task| {
        let store = desk.store();
        async move {
            for round in 0..ROUNDS {
                let entry = outcome(&format!("{task}"), round, round);
                store.append(&"r".into(), 1, entry.clone()).await.unwrap();
                if round % 7 == 0 {
                    store.append(&"r".into(), 1, entry).await.unwrap();
                }
            }
        }
    })
    .await;
    let entries = desk.entries("r").await;
    assert_eq!(entries.len(), 8 * usize::try_from(ROUNDS).unwrap());
    for task in 0..8 {
        let step = format!("{task}");
        let outcomes = entries.iter().filter_map(|entry| match entry {
            RunEntry::Outcome(outcome) => Some(outcome),
            RunEntry::Intent(_) | RunEntry::TakenOver { .. } | RunEntry::Ended(_) | _ => None,
        });
        let of_task = outcomes.filter(|outcome| outcome.step.as_str() == step);
        let attempts = of_task.map(|outcome| outcome.attempt);
        assert!(attempts.eq(0..ROUNDS), "those of {task} are in order");
    }
}

/// Many runs begin, go on and end at once, and do not mix.
pub async fn many_runs_go_on_at_once(desk: &RunStoreDesk) {
    const ROUNDS: u32 = 20;
    at_once(|task| {
        let store = desk.store();
        async move {
            for round in 0..ROUNDS {
                let run = format!("{task}-{round:02}");
                store.begin(head(&run)).await.unwrap();
                let said = [intent(&run, 1), outcome(&run, 1, round), end("succeeded")];
                for entry in said.clone() {
                    store.append(&run.as_str().into(), 1, entry).await.unwrap();
                }
                let read = store.entries(&run.as_str().into(), 0, 10).await.unwrap();
                assert_eq!(read, said, "who wrote it sees it");
            }
        }
    })
    .await;
    let all = desk.store().runs(&RunQuery::all()).await.unwrap();
    assert_eq!(all.len(), 8 * usize::try_from(ROUNDS).unwrap());
    assert!(all.iter().all(|run| run.entries == 3 && run.end.is_some()));
}

/// Of many that begin runs of one name otherwise, one does.
pub async fn one_of_many_begins(desk: &RunStoreDesk) {
    for round in 0..10 {
        let run = format!("{round}");
        let begun = at_once(|task| {
            let (store, head) = (desk.store(), head_at(&run, i64::from(task)));
            async move { store.begin(head).await.map_err(|error| error.code()) }
        })
        .await;
        let first = begun.iter().position(Result::is_ok).unwrap();
        assert_eq!(begun.iter().filter(|begun| begun.is_ok()).count(), 1, "{begun:?}");
        assert!(begun.iter().all(|begun| begun.is_ok() || *begun == Err("runs.run_exists")));
        let expected = head_at(&run, i64::try_from(first).unwrap());
        assert_eq!(desk.view(&run).await.head, expected);
    }
}

/// Of many that take a run over from one leg, one does; the others write nothing.
pub async fn one_of_many_takes_over(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    for leg in 1..=10_u32 {
        let taken = at_once(|task| {
            let store = desk.store();
            async move {
                let by = taker(i64::from(leg * 8 + task));
                let next = store.take_over(&"r".into(), leg, by, instant(leg.into())).await;
                let next = next.map_err(|error| error.code())?;
                let entry = intent(&format!("{task}"), 1);
                store.append(&"r".into(), next, entry).await.map_err(|error| error.code())?;
                Ok(next)
            }
        })
        .await;
        let of = |expected: Result<u32, &'static str>| {
            taken.iter().filter(|taken| **taken == expected).count()
        };
        assert_eq!((of(Ok(leg + 1)), of(Err("runs.taken_over"))), (1, 7), "{taken:?}");
    }
    assert_eq!(desk.view("r").await.entries, 20);
}

/// Of two that say otherwise of one attempt, one is first and the other contradicts it.
pub async fn of_two_that_contradict_one_is_refused(desk: &RunStoreDesk) {
    desk.begin(head("r")).await;
    for round in 0..20 {
        let said = at_once(|task| {
            let store = desk.store();
            async move {
                let said = store.append(&"r".into(), 1, outcome("a", round, task)).await;
                said.map_err(|error| error.code())
            }
        })
        .await;
        let of = |expected: Result<(), &'static str>| {
            said.iter().filter(|said| **said == expected).count()
        };
        assert_eq!((of(Ok(())), of(Err("runs.entry_conflict"))), (1, 7), "{said:?}");
    }
}

/// Who sees an end sees all entries before it, and nothing comes after it.
pub async fn nobody_sees_an_end_without_what_came_before(desk: &RunStoreDesk) {
    for round in 0..5 {
        let run = format!("{round}");
        desk.begin(head(&run)).await;
        at_once(|task| {
            let (store, run) = (desk.store(), run.as_str().into());
            async move {
                for attempt in 0..30_u32 {
                    if task == 0 && attempt == 20 {
                        store.append(&run, 1, end("succeeded")).await.unwrap();
                        continue;
                    }
                    if task < 4 {
                        let said = store.append(&run, 1, intent(&format!("{task}"), attempt)).await;
                        let refused = said.map_err(|error| error.code()).err();
                        assert!(refused.is_none_or(|code| code == "runs.run_ended"), "{refused:?}");
                        assert!(task != 0 || refused.is_some() == (attempt > 20), "{refused:?}");
                        continue;
                    }
                    let view = store.run(&run).await.unwrap().unwrap();
                    let entries = store.entries(&run, 0, 1_000).await.unwrap();
                    let has_end = matches!(entries.last(), Some(RunEntry::Ended(_)));
                    assert!(has_end || view.end.is_none(), "an end is shown that is not there");
                    assert!(u64::try_from(entries.len()).unwrap() >= view.entries);
                    let ends = entries.iter().filter(|one| matches!(one, RunEntry::Ended(_)));
                    assert_eq!(ends.count(), usize::from(has_end), "an end is the last");
                }
            }
        })
        .await;
    }
}

/// Of many that forget one run, one does.
pub async fn one_of_many_forgets(desk: &RunStoreDesk) {
    for _ in 0..10 {
        desk.ended(head("r")).await;
        let forgotten = at_once(|_| {
            let store = desk.store();
            async move { store.forget(&"r".into()).await.unwrap() }
        })
        .await;
        assert_eq!(forgotten.iter().filter(|forgotten| **forgotten).count(), 1);
    }
}

/// A future that is dropped before it is waited for has done nothing, or all of it.
pub async fn what_is_dropped_is_done_as_a_whole(desk: &RunStoreDesk) {
    let store = desk.store();
    for polls in 0..20 {
        let run = format!("{polls}");
        let id = run.as_str().into();
        tokio::select! {
            biased;
            () = pass(polls) => {}
            begun = store.begin(head(&run)) => begun.unwrap(),
        }
        if desk.view_of(&run).await.is_none() {
            continue;
        }
        tokio::select! {
            biased;
            () = pass(polls) => {}
            ended = store.append(&id, 1, end("failed")) => ended.unwrap(),
        }
        let view = desk.view(&run).await;
        let entries = desk.entries(&run).await;
        assert_eq!((view.entries == 1, entries.len()), (view.end.is_some(), entries.len().min(1)));
    }
    // It may be done a little later, too. What is asked for again is done for sure, and once.
    for polls in 0..20 {
        let run = format!("{polls}");
        desk.begin(head(&run)).await;
        desk.append(&run, 1, end("failed")).await;
        assert_eq!(desk.entries(&run).await, [end("failed")]);
    }
}
