//! What a durable store has answered is there when it is opened again.

use super::prelude::*;

/// Values, terms, earlier versions and changes are there again.
pub async fn all_is_there_again(desk: &StateDesk) {
    desk.set("a", "k", json!({ "n": [1.5, null, "é"] })).await;
    let said = write("k", 2).rules(KeyRules::private().readers(["b"])).ttl(Duration::from_mins(9));
    desk.write("a", said).await;
    desk.set("a", "gone", 1).await;
    let gone = desk.delete("a", "gone").await;
    let before = (desk.all().await, desk.changes("b", &StateScope::all(), 0).await);
    desk.reopen().await;
    assert_eq!((desk.all().await, desk.changes("b", &StateScope::all(), 0).await), before);
    assert_eq!(desk.versions("b", "k").await, r#"2 {"n":[1.5,null,"é"]}"#);
    desk.refuses_reading("c", "k").await;
    let late = Revision::new(gone.number() - 1);
    desk.refuses("a", write("gone", 2).if_revision(late), "state.conflict").await;
    desk.write("a", write("gone", 2).if_revision(gone)).await;
}

/// Keys end while nobody is there, and are told when it is opened again.
pub async fn keys_end_meanwhile(desk: &StateDesk) {
    desk.write("a", write("k", 1).ttl(Duration::from_secs(30))).await;
    desk.write("a", write("l", 1).ttl(Duration::from_secs(90))).await;
    let end = desk.after(30);
    desk.wait(60);
    desk.reopen().await;
    desk.lists("a", "", "l").await;
    let changes = desk.changes("b", &StateScope::all(), 2).await;
    assert_eq!(changes.iter().map(line).collect::<Vec<_>>(), ["expired k"]);
    assert_eq!(changes[0].at, end);
    desk.wait(30);
    desk.lists("a", "", "").await;
}

/// Revisions go on from where they were.
pub async fn numbers_go_on(desk: &StateDesk) {
    desk.set("a", "k", 1).await;
    desk.delete("a", "k").await;
    desk.reopen().await;
    assert_eq!(desk.set("b", "k", 1).await, Revision::new(3));
}

/// Time does not go back because it was closed.
pub async fn time_goes_on(desk: &StateDesk) {
    let morning = desk.now();
    desk.wait(100);
    desk.write("a", write("k", 1)).await;
    let late = desk.now();
    desk.reopen().await;
    desk.clock().set(morning);
    desk.set("a", "k", 2).await;
    assert_eq!(desk.entry("a", "k").await.written_at, late);
}
