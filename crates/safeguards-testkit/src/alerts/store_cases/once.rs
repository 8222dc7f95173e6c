//! The same changes may come again; a commit is done or not.

use std::{future::poll_fn, sync::Arc, task::Poll};

use safeguards_notify::MemoryAlertStore;

use super::{super::StoreEnv, prelude::*};

/// No changes at all are a commit too.
pub async fn nothing_changes_nothing(desk: &StoreDesk) {
    desk.commit(&[]).await;
    desk.commit(&[accepted(1, &["ops"])]).await;
    let before = desk.all().await;
    desk.commit(&[]).await;
    assert_eq!(desk.all().await, before);
}

/// The same changes, where an answer was lost, leave what they left applied once.
pub async fn a_repeat_changes_nothing(desk: &StoreDesk) {
    for changes in life() {
        desk.commit(&changes).await;
        let once = desk.all().await;
        for _ in 0..2 {
            desk.commit(&changes).await;
            assert_eq!(desk.all().await, once, "after {changes:#?}");
        }
    }
}

/// A repeat may be longer than what it repeats: what is new in it is added.
pub async fn a_longer_repeat_adds_what_is_new(desk: &StoreDesk) {
    let expected = StoreDesk::new(StoreEnv::new(Arc::new(MemoryAlertStore::new())));
    let life = life();
    for three in life.chunks(3) {
        // The answers to the first two were lost: they come again, in one with the next.
        for count in 1..=three.len() {
            desk.commit(&three[..count].concat()).await;
        }
        expected.commit(&three.concat()).await;
        assert_eq!(desk.all().await, expected.all().await);
    }
}

/// All that ever was may come again at once, and leaves what it left bit by bit.
pub async fn all_that_ever_was_may_come_again_at_once(desk: &StoreDesk) {
    let mut so_far: Vec<AlertChange> = Vec::new();
    for changes in life() {
        desk.commit(&changes).await;
        so_far.extend(changes);
    }
    let (unfinished, history, dead) = desk.all().await;
    desk.commit(&so_far).await;
    let (again, history_again, dead_again) = desk.all().await;
    assert_eq!((again.waiting, again.escalations), (unfinished.waiting, unfinished.escalations));
    assert_eq!((history_again, dead_again), (history, dead));
    assert_eq!(again.queued.len(), unfinished.queued.len());
}

/// Changes of one commit take effect in their order.
pub async fn changes_take_effect_in_their_order(desk: &StoreDesk) {
    desk.commit(&[
        accepted(1, &["ops"]),
        queued("ops", &[1]),
        given_up("ops", &[1]),
        withdrawn("ops", 1),
        queued("ops", &[1]),
        escalating(&[1], 0),
        escalation_ended(1),
        escalating(&[2], 0),
        escalating(&[2], 1),
        acknowledged(1, 3, "ada"),
        acknowledged(1, 4, "bob"),
    ])
    .await;
    assert_eq!(desk.queued().await, ["ops: alert 1"]);
    assert_eq!(desk.dead().await, Vec::<String>::new());
    assert_eq!(desk.unfinished().await.escalations, [escalation(&[2], 1)]);
    assert_eq!(desk.record(1).await.acknowledged, Some(mark(4, "bob")));
}

/// Reads show what was committed before they began, by whichever handle.
pub async fn what_was_committed_is_read(desk: &StoreDesk) {
    let (writer, reader) = (desk.store(), desk.store());
    for number in 1..=50 {
        let changes = [accepted(number, &["ops"]), queued("ops", &[number])];
        writer.commit(&changes).await.expect("a commit");
        let reader = Arc::clone(&reader);
        let read = tokio::spawn(async move {
            let found = reader.history(&AlertQuery::all().id(id(number))).await.expect("a read");
            (found.len(), reader.unfinished().await.expect("a read").queued.len())
        });
        let expected = usize::try_from(number).expect("a small number");
        assert_eq!(read.await.expect("a reader"), (1, expected));
    }
}

/// A commit whose future was dropped is done or not done, all of it; repeated, it is done.
pub async fn a_commit_that_was_dropped_is_done_or_not(desk: &StoreDesk) {
    let mut so_far = 0;
    for polls in 0..6_u32 {
        let first = polls.saturating_mul(3).saturating_add(1);
        let changes: Vec<_> =
            (first..first.saturating_add(3)).map(|number| accepted(number, &["ops"])).collect();
        {
            let store = desk.store();
            let mut commit = store.commit(&changes);
            for _ in 0..polls {
                let is_over =
                    poll_fn(|context| Poll::Ready(commit.as_mut().poll(context).is_ready())).await;
                if is_over {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        let waiting = desk.waiting().await.len();
        assert!(waiting == so_far || waiting == so_far.saturating_add(3), "{waiting} wait");
        desk.commit(&changes).await;
        so_far = so_far.saturating_add(3);
        assert_eq!(desk.waiting().await.len(), so_far);
    }
}
