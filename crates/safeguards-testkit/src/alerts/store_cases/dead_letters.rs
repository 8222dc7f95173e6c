//! What was given up on and not sent again.

use std::time::Duration;

use super::prelude::*;

/// Dead letters come oldest first, whatever their channels.
pub async fn dead_letters_come_oldest_first(desk: &StoreDesk) {
    desk.commit(&[given_up("ops", &[3]), given_up("mail", &[1])]).await;
    desk.commit(&[given_up("ops", &[2])]).await;
    assert_eq!(desk.dead().await, ["ops: alert 3", "mail: alert 1", "ops: alert 2"]);
    assert_eq!(desk.dead_letters().await.dropped, 0);
}

/// Each reason is kept, with its numbers and words.
pub async fn each_reason_is_kept(desk: &StoreDesk) {
    let error = "line busy\n'\"".to_owned();
    let expires_after = Duration::new(86_400, 1);
    let reasons = [
        DeadReason::QueueFull { queue_max: 1_024 },
        DeadReason::Refused { error: error.clone() },
        DeadReason::Failed { attempts: 6, error: error.clone() },
        DeadReason::Panicked { message: error.clone() },
        DeadReason::Expired { attempts: 0, expires_after, error: None },
        DeadReason::Expired { attempts: 2, expires_after, error: Some(error) },
        DeadReason::NoChannel,
    ];
    let letters: Vec<DeadLetter> =
        (1..).zip(reasons).map(|(number, reason)| letter("ops", &[number, 9], reason)).collect();
    let changes: Vec<_> = letters.iter().cloned().map(AlertChange::GivenUp).collect();
    desk.commit(&changes).await;
    assert_eq!(desk.dead_letters().await.letters, letters);
}

/// A dead letter that was taken out is out.
pub async fn what_was_withdrawn_is_out(desk: &StoreDesk) {
    desk.commit(&[given_up("ops", &[1]), given_up("mail", &[1]), given_up("ops", &[2])]).await;
    desk.commit(&[withdrawn("ops", 1)]).await;
    assert_eq!(desk.dead().await, ["mail: alert 1", "ops: alert 2"]);
    assert_eq!(desk.dead_letters().await.dropped, 0, "it was not dropped");
    assert!(desk.unfinished().await.is_empty(), "where it is to be delivered, that is said apart");
}

/// What was taken out may be queued again, under the same id.
pub async fn what_was_withdrawn_may_be_queued_again(desk: &StoreDesk) {
    desk.commit(&[accepted(1, &["ops"]), queued("ops", &[1]), queued("ops", &[2])]).await;
    desk.commit(&[given_up("ops", &[1])]).await;
    desk.commit(&[withdrawn("ops", 1), queued("ops", &[1])]).await;
    assert_eq!(desk.dead().await, Vec::<String>::new());
    assert_eq!(desk.queued().await, ["ops: alert 2", "ops: alert 1"]);
    desk.commit(&[delivered("ops", 1)]).await;
    assert_eq!(desk.queued().await, ["ops: alert 2"]);
}

/// What is given up on again is there once, as the latest.
pub async fn what_is_given_up_on_again_stands_last(desk: &StoreDesk) {
    desk.commit(&[given_up("ops", &[1]), given_up("ops", &[2])]).await;
    desk.commit(&[withdrawn("ops", 1), queued("ops", &[1])]).await;
    let again = letter("ops", &[1], DeadReason::QueueFull { queue_max: 1 });
    desk.commit(&[AlertChange::GivenUp(again.clone())]).await;
    assert_eq!(desk.dead().await, ["ops: alert 2", "ops: alert 1"]);
    assert_eq!(desk.dead_letters().await.letters.back(), Some(&again));
    assert!(desk.unfinished().await.is_empty());
}

/// Taking out what is not there changes nothing.
pub async fn what_is_not_there_cannot_be_withdrawn(desk: &StoreDesk) {
    desk.commit(&[given_up("ops", &[1]), queued("mail", &[1])]).await;
    desk.commit(&[withdrawn("mail", 1), withdrawn("ops", 2)]).await;
    assert_eq!(desk.dead().await, ["ops: alert 1"]);
    assert_eq!(desk.queued().await, ["mail: alert 1"]);
}

/// Dead letters may be bounded: the oldest are dropped, and counted. (This store keeps three.)
pub async fn dead_letters_that_are_dropped_are_counted(desk: &StoreDesk) {
    for number in 1..=5 {
        desk.commit(&[given_up("ops", &[number])]).await;
    }
    assert_eq!(desk.dead().await, ["ops: alert 3", "ops: alert 4", "ops: alert 5"]);
    assert_eq!(desk.dead_letters().await.dropped, 2);
    // What is taken out makes room, and is not counted.
    desk.commit(&[withdrawn("ops", 4), given_up("ops", &[6])]).await;
    assert_eq!(desk.dead().await, ["ops: alert 3", "ops: alert 5", "ops: alert 6"]);
    assert_eq!(desk.dead_letters().await.dropped, 2);
}
