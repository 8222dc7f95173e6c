//! What a durable registry has answered is there when it is opened again.

use super::prelude::*;

/// Agents, what they can do, how they stand, their leases and documents are there again.
pub async fn all_is_there_again(desk: &RegistryDesk) {
    let said = agent("a")
        .capability(cap("x 1.0.0").with("k", [1, 2]).tag("t").cost(usd!(1)))
        .describe("reads")
        .priority(Priority::P9)
        .status(Status::new().load(3))
        .document("d", json!({ "b": [null] }));
    let lease = desk.register(said).await;
    desk.register(able("b", "y")).await;
    desk.withdraw("b", "y").await.unwrap();
    desk.delete("b").await.unwrap();
    let (before, told) = (desk.all().await, desk.told(Revision::ZERO).await);
    desk.reopen().await;
    assert_eq!((desk.all().await, desk.told(Revision::ZERO).await), (before, told));
    desk.finds(&Query::new("x").unwrap().with("k", 2).tag("t"), "a").await;
    desk.finds(&Query::search("reads"), "a").await;
    desk.renew(&lease).await;
}

/// Leases run out while nobody is there, and are told when it is opened again.
pub async fn leases_run_out_meanwhile(desk: &RegistryDesk) {
    let lease = desk.register(agent("a").capability(cap("x"))).await;
    let renewed = desk.register(agent("b")).await;
    desk.wait(30);
    desk.renew(&renewed).await;
    desk.wait(30);
    desk.reopen().await;
    desk.finds(&Query::all(), "b").await;
    desk.is_gone(&lease).await;
    let changes = desk.changes(Revision::new(3)).await;
    assert_eq!(changes.iter().map(line).collect::<Vec<_>>(), ["expired a"]);
    assert_eq!(Some(changes[0].at), lease.expires_at);
}

/// Leases and revisions go on from where they were; none is given twice.
pub async fn numbers_go_on(desk: &RegistryDesk) {
    let first = desk.register(agent("a")).await;
    desk.delete("a").await.unwrap();
    desk.reopen().await;
    let second = desk.register(agent("a")).await;
    assert_ne!(first.id, second.id);
    desk.is_gone(&first).await;
    assert_eq!(desk.revision().await, Revision::new(3));
}

/// Time does not go back because it was closed.
pub async fn time_goes_on(desk: &RegistryDesk) {
    let morning = desk.now();
    desk.register(agent("gone")).await;
    desk.wait(100);
    let late = desk.now();
    desk.register(Registration::lasting("here")).await;
    desk.reopen().await;
    desk.clock().set(morning);
    desk.finds(&Query::all(), "here").await;
    desk.register(agent("new")).await;
    assert_eq!(desk.record("new").await.since, late);
}
