//! Who is told in the end, where nobody acknowledges.

use std::time::Duration;

use safeguards_notify::{
    Alert, AlertMatch, Escalation, GroupBy, MemoryAlertStore, MemoryAlertStoreBounds, Route, Rules,
    Silence,
};
use safeguards_types::Severity;

use crate::dispatch_hub::{Desk, NOTHING, Room, note};

const CHANNELS: [&str; 4] = ["ops", "mail", "pager", "boss"];

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// To ops at once; then by mail, then to the pager.
fn rules() -> Rules {
    let mut rules = Rules::default().to(["ops"]);
    rules.otherwise = rules
        .otherwise
        .escalate(Escalation::after(seconds(900), ["mail"]))
        .escalate(Escalation::after(seconds(3_600), ["pager", "boss"]));
    rules
}

/// What each channel was told; what it was told at one instant may come in any order.
fn told(desk: &Desk) -> [Vec<String>; 4] {
    CHANNELS.map(|channel| {
        let mut told = desk.told(channel);
        told.sort_by_key(|text| {
            let second = text.split(':').next().map(|second| second.parse::<u64>().unwrap());
            (second, text.clone())
        });
        told
    })
}

fn expect(texts: [&[&str]; 4]) -> [Vec<String>; 4] {
    texts.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect())
}

#[tokio::test(start_paused = true)]
async fn each_step_tells_its_channels_and_after_the_last_it_is_over() {
    let desk = Desk::new(rules(), &CHANNELS);
    desk.note("a");
    desk.wait(10).await;
    assert_eq!(desk.alerts.status().escalations, 1);
    desk.wait(900).await;
    assert_eq!(told(&desk), expect([&["0: a"], &["900: a !1"], &[], &[]]));
    desk.wait(3_000).await;
    assert_eq!(told(&desk), expect([&[], &[], &["3600: a !2"], &["3600: a !2"]]));
    assert_eq!(desk.alerts.status().escalations, 0);
    desk.wait(100_000).await;
    assert_eq!(told(&desk), expect([&[], &[], &[], &[]]));
}

#[tokio::test(start_paused = true)]
async fn what_is_acknowledged_is_told_to_nobody_else() {
    let desk = Desk::new(rules(), &CHANNELS);
    let id = desk.note("a");
    desk.wait(899).await;
    let record = desk.alerts.acknowledge(id, "ada").await.unwrap();
    assert_eq!(record.acknowledged.unwrap().by, "ada");
    let again = desk.alerts.acknowledge(id, "bob").await.unwrap();
    assert_eq!(again.acknowledged.unwrap().by, "ada", "it stays as it was");
    assert_eq!(desk.alerts.status().escalations, 0);
    desk.wait(10_000).await;
    assert_eq!(told(&desk), expect([&["0: a"], &[], &[], &[]]));
    let unknown = desk.alerts.acknowledge(
        safeguards_types::OperationIds::seeded(1).mint(desk.room.after(0)).into(),
        "ada",
    );
    assert_eq!(unknown.await.unwrap_err().code(), "notify.unknown_alert");
}

#[tokio::test(start_paused = true)]
async fn new_alerts_of_a_group_join_its_escalation() {
    let desk = Desk::new(rules(), &CHANNELS);
    let a = desk.note("a");
    desk.note("b");
    desk.send(note("w").about("writer")); // has one of its own
    desk.wait(70).await;
    assert_eq!(desk.alerts.status().escalations, 2);
    desk.wait(900).await;
    let [ops, mail, ..] = told(&desk);
    assert_eq!(ops, ["0: a", "0: w", "60: b"]);
    assert_eq!(mail, ["900: a b !1", "900: w !1"]);
    // What is acknowledged leaves it; the others stay.
    desk.alerts.acknowledge(a, "ada").await.unwrap();
    desk.note("c");
    desk.wait(3_000).await;
    let [.., pager, _] = told(&desk);
    assert_eq!(pager, ["3600: b c !2", "3600: w !2"]);
}

#[tokio::test(start_paused = true)]
async fn resolving_one_ends_the_escalation_of_all_with_its_key() {
    let mut rules = rules();
    rules.otherwise = rules.otherwise.group_by(GroupBy::Each);
    let desk = Desk::new(rules, &CHANNELS);
    desk.send(note("a").keyed("disk"));
    let b = desk.send(note("b").keyed("disk"));
    desk.send(note("c").keyed("fan"));
    desk.alerts.resolve(b, "ada").await.unwrap();
    desk.wait(1_000).await;
    let [_, mail, ..] = told(&desk);
    assert_eq!(mail, ["900: c !1"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_acknowledged_while_it_waits_is_told_and_not_escalated() {
    let mut rules = rules();
    rules.otherwise = rules.otherwise.wait(seconds(60));
    let desk = Desk::new(rules, &CHANNELS);
    let a = desk.note("a");
    desk.note("b");
    desk.alerts.acknowledge(a, "ada").await.unwrap();
    let w = desk.send(note("w").about("writer"));
    desk.alerts.resolve(w, "ada").await.unwrap();
    desk.wait(1_000).await;
    let [mut ops, mail, ..] = told(&desk);
    ops.sort();
    assert_eq!(ops, ["60: a b", "60: w"]);
    assert_eq!(mail, ["960: b !1"]);
}

#[tokio::test(start_paused = true)]
async fn routes_that_tell_of_the_same_alert_escalate_each_by_itself() {
    let route = |to: &str, after, at_last: &str| {
        Route::when(AlertMatch::all())
            .to([to])
            .escalate(Escalation::after(seconds(after), [at_last]))
    };
    let rules = Rules::default()
        .route(route("ops", 600, "pager").goes_on())
        .route(route("mail", 900, "boss"));
    let desk = Desk::new(rules, &CHANNELS);
    desk.note("a");
    desk.wait(1).await;
    assert_eq!(desk.alerts.status().escalations, 2);
    desk.wait(1_000).await;
    assert_eq!(told(&desk), expect([&["0: a"], &["0: a"], &["600: a !1"], &["900: a !1"]]));
}

#[tokio::test(start_paused = true)]
async fn an_alert_that_is_sent_again_is_escalated_anew() {
    let mut rules = rules();
    rules.otherwise = rules.otherwise.group_by(GroupBy::Each);
    let desk = Desk::new(rules, &CHANNELS);
    let id = desk.note("a");
    desk.wait(600).await;
    let alert = Alert::clone(&desk.record(id).await.alert);
    desk.send(alert);
    desk.wait(899).await;
    assert_eq!(told(&desk), expect([&["0: a", "600: a"], &[], &[], &[]]));
    desk.wait(1).await;
    assert_eq!(told(&desk), expect([&[], &["1500: a !1"], &[], &[]]));
}

#[tokio::test(start_paused = true)]
async fn a_silence_mutes_escalations_too() {
    let desk = Desk::new(rules(), &CHANNELS);
    desk.note("a");
    desk.send(Alert::new(Severity::High, "team.note".parse().unwrap(), "h"));
    desk.wait(1).await;
    let medium = AlertMatch::all().at_most(Severity::Medium);
    desk.alerts.silence(Silence::until(medium, desk.room.after(1_000)));
    desk.wait(1_000).await;
    let [_, mail, ..] = told(&desk);
    assert_eq!(mail, ["900: h !1"]);
    desk.wait(3_000).await;
    let [_, mail, pager, _] = told(&desk);
    assert_eq!(
        (mail.as_slice(), pager),
        (&[][..], vec!["3600: a !2".to_owned(), "3600: h !2".to_owned()])
    );
    assert_eq!(desk.told("mail"), NOTHING);
}

#[tokio::test(start_paused = true)]
async fn alerts_that_are_only_counted_are_escalated_when_all_others_are_seen_to() {
    for is_told_first in [true, false] {
        let mut rules = rules();
        rules.otherwise = rules.otherwise.wait(seconds(10));
        let mut bounds = MemoryAlertStoreBounds::default();
        bounds.history = 2_000;
        let store = MemoryAlertStore::with_bounds(bounds);
        let desk = Desk::in_memory(Room::new(&CHANNELS), rules, &store);
        let ids: Vec<_> = (0..1_500).map(|number| desk.note(&number.to_string())).collect();
        if is_told_first {
            desk.wait(10).await;
        }
        for id in &ids[..1_000] {
            desk.alerts.acknowledge(*id, "ada").await.unwrap();
        }
        desk.wait(1_000).await;
        let [_, mail, ..] = told(&desk);
        assert_eq!(mail, ["910: 999 +500 !1"]);
    }
}
