//! What was committed is there when it is opened again. For stores whose environment can do that.

use super::prelude::*;

/// What a durable store confirmed is there when it is opened again, at each point of a hub's life.
pub async fn what_was_committed_is_there_when_it_is_opened_again(desk: &StoreDesk) {
    for changes in life() {
        desk.commit(&changes).await;
        let before = desk.all().await;
        desk.reopen().await;
        assert_eq!(desk.all().await, before, "after {changes:#?}");
    }
}

/// Work goes on where it stood: orders stay what they were.
pub async fn work_goes_on_where_it_stood(desk: &StoreDesk) {
    desk.commit(&[accepted(2, &["ops"]), accepted(1, &["ops"]), queued("mail", &[2])]).await;
    desk.reopen().await;
    desk.commit(&[accepted(4, &["ops"]), accepted(3, &["ops"]), queued("mail", &[1])]).await;
    desk.reopen().await;
    desk.commit(&[queued("mail", &[4]), given_up("pager", &[4]), queued("ops", &[1])]).await;
    assert_eq!(desk.waiting().await, ["alert 2: ops", "alert 4: ops", "alert 3: ops"]);
    let queued = ["mail: alert 2", "mail: alert 1", "mail: alert 4", "ops: alert 1"];
    assert_eq!(desk.queued().await, queued);
    let all = desk.messages(&AlertQuery::all()).await;
    assert_eq!(all, ["alert 2", "alert 1", "alert 4", "alert 3"]);
}

/// A repeat changes nothing after it was opened again as well.
pub async fn a_repeat_after_it_was_opened_again_changes_nothing(desk: &StoreDesk) {
    for changes in life() {
        desk.commit(&changes).await;
        let once = desk.all().await;
        desk.reopen().await;
        desk.commit(&changes).await;
        assert_eq!(desk.all().await, once, "after {changes:#?}");
    }
}

/// All changes of a commit take effect or none does, also across a crash; and it can be repeated.
pub async fn a_commit_that_was_torn_took_effect_as_a_whole_or_not_at_all(desk: &StoreDesk) {
    for changes in life() {
        let before = desk.all().await;
        desk.commit(&changes).await;
        let after = desk.all().await;
        desk.tear().await;
        let torn = desk.all().await;
        assert!(torn == before || torn == after, "{torn:#?}\nafter {changes:#?}");
        desk.commit(&changes).await;
        assert_eq!(desk.all().await, after);
    }
}
