//! Capabilities are withdrawn, agents deleted.

use super::prelude::*;

/// A capability is withdrawn in one version; the others stay, and so does the agent.
pub async fn one_version_is_withdrawn(desk: &RegistryDesk) {
    for text in ["a", "a 1.0.0", "a 2.0.0", "a.b 1.0.0"] {
        desk.register(able("reader", text)).await;
    }
    desk.withdraw("reader", "a 1.0.0").await.unwrap();
    assert_eq!(desk.can("reader").await, "a, a 2.0.0, a.b 1.0.0");
    desk.finds(&Query::new("a").unwrap().version("^1").unwrap(), "reader").await;
    desk.withdraw("reader", "a.b 1.0.0").await.unwrap();
    desk.finds(&Query::new("a").unwrap().version("^1").unwrap(), "").await;
}

/// Without a version a capability is withdrawn in all, and none below it.
pub async fn all_versions_are_withdrawn(desk: &RegistryDesk) {
    for text in ["a", "a 1.0.0", "a 2.0.0", "a.b 1.0.0", "ab"] {
        desk.register(able("reader", text)).await;
    }
    let revision = desk.revision().await;
    desk.withdraw("reader", "a").await.unwrap();
    assert_eq!(desk.can("reader").await, "a.b 1.0.0, ab");
    let told = desk.told(revision).await;
    assert_eq!(
        told,
        ["withdrawn reader a", "withdrawn reader a 1.0.0", "withdrawn reader a 2.0.0"]
    );
}

/// Who can do nothing more is still here.
pub async fn who_withdraws_all_stays(desk: &RegistryDesk) {
    let lease = desk.register(agent("reader").capability(cap("a"))).await;
    desk.withdraw("reader", "a").await.unwrap();
    assert_eq!(desk.record("reader").await.lease, lease);
    desk.finds(&Query::all(), "reader").await;
    desk.finds(&Query::new("a").unwrap(), "").await;
    desk.renew(&lease).await;
}

/// What was withdrawn may be registered again, with other content.
pub async fn what_was_withdrawn_may_come_back_otherwise(desk: &RegistryDesk) {
    desk.register(able("reader", "a 1.0.0")).await;
    desk.withdraw("reader", "a 1.0.0").await.unwrap();
    let other = cap("a 1.0.0").with("k", 2).tag("t");
    desk.register(Registration::lasting("reader").capability(other)).await;
    desk.finds(&Query::new("a").unwrap().with("k", 2).tag("t"), "reader").await;
}

/// What an agent has not, and who is not here, is named.
pub async fn what_is_not_there_is_named(desk: &RegistryDesk) {
    desk.register(able("reader", "a.b 1.0.0")).await;
    let revision = desk.revision().await;
    for absent in ["a", "a.b 1.0.1", "a.b.c", "a.b 1.0.0-rc.1"] {
        let error = desk.withdraw("reader", absent).await.unwrap_err();
        assert_eq!(error.code(), "discovery.unknown_capability");
        let WithdrawError::UnknownCapability { agent, capability, version, .. } = &error else {
            panic!("{error:?}")
        };
        let asked = cap(absent);
        assert_eq!((agent.as_str(), capability, version), ("reader", &asked.name, &asked.version));
    }
    let error = desk.withdraw("nobody", "a.b").await.unwrap_err();
    let WithdrawError::UnknownAgent { agent } = &error else { panic!("{error:?}") };
    assert_eq!((agent.as_str(), error.code()), ("nobody", "discovery.unknown_agent"));
    assert_eq!(desk.delete("nobody").await.unwrap_err().code(), "discovery.unknown_agent");
    assert_eq!(desk.revision().await, revision, "nothing has happened");
}

/// What is withdrawn or deleted a second time is not there.
pub async fn nothing_is_taken_back_twice(desk: &RegistryDesk) {
    desk.register(able("reader", "a")).await;
    desk.withdraw("reader", "a").await.unwrap();
    let error = desk.withdraw("reader", "a").await.unwrap_err();
    assert_eq!(error.code(), "discovery.unknown_capability");
    desk.delete("reader").await.unwrap();
    let error = desk.delete("reader").await.unwrap_err();
    assert_eq!(error.code(), "discovery.unknown_agent");
}

/// Who is deleted is gone with all that it could do, and its lease ends.
pub async fn who_is_deleted_is_gone(desk: &RegistryDesk) {
    let said = agent("reader").capability(cap("a").tag("t").describe("parses")).describe("reads");
    let lease = desk.register(said).await;
    desk.register(able("other", "b")).await;
    desk.delete("reader").await.unwrap();
    assert_eq!(desk.record_of(&"reader".into()).await, None);
    desk.finds(&Query::all(), "other").await;
    desk.finds(&Query::new("a").unwrap(), "").await;
    desk.finds(&Query::all().tag("t"), "").await;
    desk.finds(&Query::search("parses reads reader"), "").await;
    desk.is_gone(&lease).await;
    // Its end does not come once more.
    desk.wait(100);
    assert_eq!(desk.told(Revision::new(5)).await, ["deleted reader"]);
}

/// Who comes back after it was deleted begins anew.
pub async fn who_was_deleted_begins_anew(desk: &RegistryDesk) {
    desk.register(able("reader", "a").describe("reads").priority(Priority::P9)).await;
    desk.delete("reader").await.unwrap();
    desk.wait(5);
    desk.register(Registration::lasting("reader")).await;
    let record = desk.record("reader").await;
    assert_eq!((record.description.as_str(), record.priority), ("", Priority::default()));
    assert_eq!((record.capabilities.len(), record.since), (0, desk.now()));
}

/// Many come and go by turns, and nobody inherits what another could do.
pub async fn nobody_inherits(desk: &RegistryDesk) {
    for round in 0..20 {
        let who = format!("agent {round}");
        let capability = cap(&format!("x.c{round} 1.0.{round}")).tag(format!("t{round}"));
        let said = Registration::lasting(who.as_str()).capability(capability.with("round", round));
        desk.register(said.describe(format!("word{round}"))).await;
        desk.finds(&Query::new("x").unwrap(), &who).await;
        for other in 0..20 {
            let expected = if other == round { who.as_str() } else { "" };
            desk.finds(&Query::all().with("round", other), expected).await;
            desk.finds(&Query::all().tag(format!("t{other}")), expected).await;
            desk.finds(&Query::search(format!("word{other}")), expected).await;
        }
        desk.delete(&who).await.unwrap();
    }
}
