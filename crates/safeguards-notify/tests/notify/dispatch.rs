//! How alerts are told: groups, cooldowns, silences, inhibition.

use std::time::Duration;

use safeguards_notify::{
    Alert, AlertMatch, AlertQuery, Alerts, ConsoleChannel, Escalation, GroupBy, GroupLabel,
    Inhibition, Muted, Route, Rules, Silence, topic,
};
use safeguards_types::{Severity, SimClock, Timestamp};

use crate::dispatch_hub::{Desk, NOTHING, note};

fn rules(root: impl FnOnce(Route) -> Route) -> Rules {
    let mut rules = Rules::default();
    rules.otherwise = root(rules.otherwise);
    rules
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[tokio::test(start_paused = true)]
async fn the_first_of_a_group_is_told_at_once_and_more_of_it_an_interval_later() {
    let desk = Desk::new(Rules::default(), &["ops"]);
    desk.note("a");
    desk.wait(1).await;
    assert_eq!(desk.told("ops"), ["0: a"]);
    desk.note("b");
    desk.send(note("w").about("writer")); // another group
    desk.wait(10).await;
    desk.note("c");
    assert_eq!(desk.told("ops"), ["1: w"]);
    assert_eq!(desk.alerts.status().gathering, 2);
    desk.wait(60).await;
    assert_eq!(desk.told("ops"), ["60: b c"]);
    desk.wait(10).await;
    desk.note("d");
    desk.wait(60).await;
    assert_eq!(desk.told("ops"), ["120: d"], "an interval after the last one");
    // A group that gathered nothing for an interval is forgotten: its next alert is told at once.
    desk.wait(120).await;
    assert_eq!(desk.alerts.status().gathering, 0);
    desk.note("e");
    desk.wait(1).await;
    assert_eq!(desk.told("ops"), ["261: e"]);
}

#[tokio::test(start_paused = true)]
async fn the_first_of_a_group_waits_for_more() {
    let desk = Desk::new(rules(|root| root.wait(seconds(10)).interval(seconds(300))), &["ops"]);
    desk.note("a");
    desk.wait(5).await;
    desk.note("b");
    desk.wait(4).await;
    assert_eq!(desk.told("ops"), NOTHING);
    desk.wait(1).await;
    assert_eq!(desk.told("ops"), ["10: a b"]);
    desk.note("c");
    desk.wait(400).await;
    assert_eq!(desk.told("ops"), ["310: c"]);
}

#[tokio::test(start_paused = true)]
async fn alerts_are_told_alone_or_all_together_as_the_route_says() {
    let desk = Desk::new(rules(|root| root.group_by(GroupBy::Each)), &["ops"]);
    desk.note("a");
    desk.note("b");
    desk.wait(0).await;
    assert_eq!(desk.told("ops"), ["0: a", "0: b"]);
    let desk = Desk::new(rules(|root| root.group_by(vec![]).wait(seconds(1))), &["ops"]);
    desk.note("a");
    desk.send(Alert::new(Severity::Low, topic!("budget.low"), "b").about("writer"));
    desk.wait(1).await;
    assert_eq!(desk.told("ops"), ["1: a b"]);
}

#[tokio::test(start_paused = true)]
async fn beyond_a_thousand_alerts_of_a_group_are_counted() {
    let desk = Desk::new(rules(|root| root.wait(seconds(10))), &["ops", "mail"]);
    for number in 0..1_500 {
        desk.note(&number.to_string());
    }
    let last = desk.note("last");
    desk.wait(10).await;
    assert_eq!(desk.muted(last).await, Some(Muted::Counted));
    for channel in ["ops", "mail"] {
        let told = desk.told(channel);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("10: 0 1 2 ") && told[0].ends_with(" 998 999 +501"));
    }
    desk.note("afterwards");
    desk.wait(60).await;
    assert_eq!(desk.told("ops"), ["70: afterwards"]);
}

#[tokio::test(start_paused = true)]
async fn what_tells_the_same_is_counted_and_the_count_told_with_the_next() {
    let root = |root: Route| root.group_by(GroupBy::Each).cooldown(seconds(600));
    let desk = Desk::new(rules(root), &["ops"]);
    let first = desk.note("a");
    let mut repeat = first;
    for _ in 0..4 {
        desk.wait(100).await;
        repeat = desk.note("a");
    }
    desk.note("b"); // other words
    desk.send(note("a").about("reader")); // another agent
    desk.send(note("k").keyed("disk"));
    desk.send(note("other words, same key").keyed("disk"));
    desk.wait(1).await;
    assert_eq!(desk.told("ops"), ["0: a", "400: b", "400: a", "400: k"]);
    assert_eq!(desk.muted(repeat).await, Some(Muted::Repeated { of: first }));
    desk.wait(300).await;
    desk.note("a");
    desk.wait(300).await;
    desk.note("a");
    desk.wait(300).await;
    assert_eq!(desk.told("ops"), ["701: a x4"], "a cooldown is not made longer by repeats");
    desk.wait(1).await;
    desk.note("a");
    desk.wait(1).await;
    assert_eq!(desk.told("ops"), ["1302: a x1"]);
}

#[tokio::test(start_paused = true)]
async fn a_group_tells_the_repeats_of_what_it_tells() {
    let root = |root: Route| root.wait(seconds(10)).cooldown(seconds(60));
    let desk = Desk::new(rules(root), &["ops"]);
    for message in ["a", "a", "b", "a"] {
        desk.note(message);
    }
    desk.wait(100).await;
    assert_eq!(desk.told("ops"), ["10: a b"]);
    for message in ["b", "b", "a"] {
        desk.note(message);
    }
    desk.wait(100).await;
    assert_eq!(desk.told("ops"), ["110: b a x2"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_resolved_is_news_when_it_comes_again() {
    let root = |root: Route| root.group_by(GroupBy::Each).cooldown(seconds(600));
    let desk = Desk::new(rules(root), &["ops"]);
    let first = desk.send(note("a").keyed("disk"));
    let second = desk.send(note("b").keyed("disk"));
    let other = desk.send(note("c").keyed("fan"));
    desk.alerts.resolve(second, "ada").await.unwrap();
    assert_eq!(desk.record(first).await.resolved.unwrap().by, "ada");
    assert_eq!(desk.record(other).await.resolved, None);
    desk.send(note("d").keyed("disk"));
    desk.send(note("e").keyed("fan"));
    desk.wait(1).await;
    assert_eq!(desk.told("ops"), ["0: a", "0: c", "0: d"]);
}

#[tokio::test(start_paused = true)]
async fn a_silence_mutes_what_it_means_until_its_end() {
    let desk = Desk::new(rules(|root| root.group_by(GroupBy::Each)), &["ops"]);
    let reader = AlertMatch::all().agent("reader");
    let silence = Silence::until(reader, desk.room.after(100)).comment("maintenance");
    let id = desk.alerts.silence(silence);
    let muted = desk.send(note("a").about("reader"));
    desk.send(note("b").about("writer"));
    assert_eq!(
        desk.muted(muted).await,
        Some(Muted::Silenced { comment: "maintenance".to_owned() })
    );
    assert_eq!(desk.alerts.silences().len(), 1);
    desk.wait(99).await;
    desk.send(note("c").about("reader"));
    desk.wait(1).await;
    desk.send(note("d").about("reader"));
    desk.wait(1).await;
    assert_eq!(desk.told("ops"), ["0: b", "100: d"]);
    assert_eq!(desk.alerts.silences(), []);
    assert!(!desk.alerts.unsilence(id), "it is over");

    let id = desk.alerts.silence(Silence::until(AlertMatch::all(), desk.room.after(1_000)));
    desk.note("e");
    assert!(desk.alerts.unsilence(id) && !desk.alerts.unsilence(id));
    desk.note("f");
    desk.wait(1).await;
    assert_eq!(desk.told("ops"), ["101: f"]);
}

#[tokio::test(start_paused = true)]
async fn a_silence_that_is_over_is_no_longer_there() {
    let desk = Desk::new(Rules::default(), &["ops"]);
    let id = desk.alerts.silence(Silence::until(AlertMatch::all(), desk.room.after(10)));
    desk.wait(10).await;
    assert!(!desk.alerts.unsilence(id));
}

#[tokio::test(start_paused = true)]
async fn a_silence_mutes_what_waits_in_groups_too() {
    let desk = Desk::new(rules(|root| root.wait(seconds(60))), &["ops", "mail"]);
    let waits = desk.send(note("a").keyed("k"));
    desk.wait(1).await;
    desk.send(note("b"));
    let full = AlertMatch::all().metadata("disk", "full");
    desk.send(note("c").with("disk", "full"));
    desk.alerts.silence(Silence::until(full, desk.room.after(100)));
    desk.wait(60).await;
    assert_eq!(desk.told("ops"), ["60: a b"]);
    assert_eq!(desk.told("mail"), ["60: a b"]);
    assert_eq!(desk.muted(waits).await, None);
    let d = desk.send(note("d").with("disk", "empty"));
    desk.alerts.silence(Silence::until(AlertMatch::all(), desk.room.after(1_000)));
    desk.wait(100).await;
    assert_eq!(desk.told("ops"), NOTHING);
    assert_eq!(desk.muted(d).await, Some(Muted::Silenced { comment: String::new() }));
    assert!(desk.alerts.status().gathering == 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_silenced_while_it_waited_counts_as_not_told() {
    let root = |root: Route| root.wait(seconds(10)).cooldown(seconds(3_600));
    let desk = Desk::new(rules(root), &["ops"]);
    desk.note("a");
    desk.alerts.silence(Silence::until(AlertMatch::all(), desk.room.after(20)));
    desk.wait(30).await;
    // Within the cooldown of what nobody was told.
    desk.note("a");
    desk.wait(100).await;
    assert_eq!(desk.told("ops"), ["70: a"]);
}

#[tokio::test(start_paused = true)]
async fn rules_silence_from_an_instant_to_another() {
    let began = crate::dispatch_hub::Room::new(&[]);
    let silence = Silence::until(AlertMatch::all(), began.after(100)).from(began.after(50));
    let each = rules(|root| root.group_by(GroupBy::Each)).silence(silence);
    let desk = Desk::new(each, &["ops"]);
    for message in ["a", "b", "c"] {
        desk.note(message);
        desk.wait(51).await;
    }
    assert_eq!(desk.told("ops"), ["0: a", "102: c"]);
}

/// What is critical about an agent mutes what is less.
fn inhibiting() -> Rules {
    let critical = AlertMatch::all().at_least(Severity::Critical);
    let less = AlertMatch::all().at_most(Severity::High);
    let inhibition = Inhibition::new(critical, less).equal([GroupLabel::Agent]);
    rules(|root| root.group_by(GroupBy::Each)).inhibit(inhibition.lasts(seconds(300)))
}

fn critical(message: &str) -> Alert {
    Alert::new(Severity::Critical, topic!("budget.suspended"), message)
}

#[tokio::test(start_paused = true)]
async fn a_graver_alert_mutes_its_like_while_it_is_recent() {
    let desk = Desk::new(inhibiting(), &["ops"]);
    desk.send(note("before").about("reader"));
    let by = desk.send(critical("grave").about("reader"));
    let muted = desk.send(note("muted").about("reader"));
    desk.send(note("another's").about("writer"));
    desk.send(note("nobody's"));
    desk.send(critical("grave too").about("reader"));
    assert_eq!(desk.muted(muted).await, Some(Muted::Inhibited { by }));
    desk.wait(299).await;
    desk.send(note("muted").about("reader"));
    desk.wait(1).await;
    desk.send(note("after").about("reader"));
    desk.wait(1).await;
    assert_eq!(
        desk.told("ops"),
        ["0: before", "0: grave", "0: another's", "0: nobody's", "0: grave too", "300: after"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_graver_alert_that_is_resolved_mutes_no_longer() {
    let desk = Desk::new(inhibiting(), &["ops"]);
    let by = desk.send(critical("grave").about("reader"));
    desk.send(note("muted").about("reader"));
    desk.alerts.resolve(by, "ada").await.unwrap();
    desk.send(note("heard").about("reader"));
    desk.wait(1).await;
    assert_eq!(desk.told("ops"), ["0: grave", "0: heard"]);
}

#[tokio::test(start_paused = true)]
async fn of_several_graver_alerts_each_mutes_until_it_is_resolved() {
    let desk = Desk::new(inhibiting(), &["ops"]);
    let by = ["one", "two"].map(|message| desk.send(critical(message).about("reader")));
    desk.alerts.resolve(by[1], "ada").await.unwrap();
    let muted = desk.send(note("muted").about("reader"));
    assert_eq!(desk.muted(muted).await, Some(Muted::Inhibited { by: by[0] }));
    desk.alerts.resolve(by[0], "ada").await.unwrap();
    desk.send(note("heard").about("reader"));
    desk.wait(1).await;
    assert_eq!(desk.told("ops"), ["0: one", "0: two", "0: heard"]);
}

#[tokio::test(start_paused = true)]
async fn a_graver_alert_mutes_what_waits_in_groups_too() {
    let mut rules = inhibiting();
    rules.otherwise = rules.otherwise.group_by(vec![GroupLabel::Severity]).wait(seconds(10));
    let desk = Desk::new(rules, &["ops"]);
    let waits = desk.send(note("a").about("reader"));
    desk.send(note("b").about("writer"));
    let by = desk.send(critical("grave").about("reader"));
    desk.wait(10).await;
    let mut told = desk.told("ops");
    told.sort();
    assert_eq!(told, ["10: b", "10: grave"]);
    assert_eq!(desk.muted(waits).await, Some(Muted::Inhibited { by }));
}

#[tokio::test(start_paused = true)]
async fn each_route_that_goes_on_tells_and_no_channel_is_told_twice() {
    let grave = AlertMatch::all().at_least(Severity::High);
    let rules = rules(|root| root.to(["log"]).wait(seconds(5)))
        .route(Route::when(grave).to(["pager", "log"]).group_by(GroupBy::Each).goes_on())
        .route(Route::when(AlertMatch::all()).to(["log", "mail"]));
    let desk = Desk::new(rules, &["log", "pager", "mail"]);
    desk.note("a");
    desk.send(critical("b"));
    desk.wait(5).await;
    let told = ["log", "pager", "mail"].map(|channel| {
        let mut told = desk.told(channel);
        told.sort();
        told.join(", ")
    });
    assert_eq!(told, ["0: b, 5: a", "0: b", "5: a, 5: b"]);
}

#[tokio::test(start_paused = true)]
async fn what_goes_nowhere_stands_in_the_history() {
    let nowhere = Route::when(AlertMatch::all().agent("ghost")).nowhere();
    let desk = Desk::new(Rules::default().route(nowhere), &["ops"]);
    let ghost = desk.send(note("boo").about("ghost"));
    desk.wait(100).await;
    assert_eq!(desk.told("ops"), NOTHING);
    assert_eq!(desk.muted(ghost).await, Some(Muted::NoChannel));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_cut_and_said() {
    let desk = Desk::new(Rules::default(), &["ops"]);
    let large = note(&"x".repeat(100_000)).with("log", "y".repeat(100_000)).with("left", "0.1");
    let sent = desk.alerts.send(large);
    assert_eq!(sent.cut.unwrap().code(), "notify.message_too_long");
    desk.wait(1).await;
    assert!(desk.told("ops")[0].ends_with("… (87712 bytes more)"));
    let kept = desk.record(sent.id).await.alert;
    assert_eq!((kept.check(), &kept.metadata()["alerts.cut"][0]), (Ok(()), &"log".into()));
}

#[tokio::test(start_paused = true)]
async fn the_first_fault_of_a_handler_is_an_alert_whatever_its_length() {
    let desk = Desk::new(Rules::default(), &["ops"]);
    let long = |_: &Alert| Err::<(), _>("no mail ".repeat(100_000));
    let id = desk.alerts.on("**", long).unwrap();
    desk.note("a");
    desk.note("b");
    desk.wait(1).await;
    let told = desk.told("ops");
    assert_eq!(told.len(), 2);
    assert!(told[1].starts_with("0: a handler of `**` failed: no mail "));
    let faults =
        AlertQuery::all().matching(AlertMatch::all().topic(topic!("alerts.handler_failed")));
    let history = desk.alerts.history(&faults).await.unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].alert.check(), Ok(()), "it is cut as any other");
    assert_eq!(desk.alerts.handler_faults()[0].handler, id);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_can_have_no_effect_is_told_at_the_start() {
    let never = AlertMatch::all().at_least(Severity::High).at_most(Severity::Low);
    let desk = Desk::new(Rules::default().route(Route::when(never).named("never")), &["ops"]);
    desk.wait(1).await;
    let told = desk.told("ops");
    assert_eq!(told, [format!("0: {}", desk.alerts.warnings()[0])]);
    assert!(told[0].contains("can never take an alert: its `at_least` is above"), "{told:?}");
}

#[test]
fn a_clock_that_ran_ahead_and_is_set_right_holds_nothing_up() {
    let start = Timestamp::parse("2026-01-05T09:00:00Z").unwrap();
    let clock = SimClock::at(start);
    let route = |root: Route| {
        root.cooldown(seconds(600)).escalate(Escalation::after(seconds(900), ["boss"]))
    };
    let console = || ConsoleChannel::new(std::io::sink());
    let alerts = Alerts::builder()
        .clock(clock.clone())
        .rules(rules(|root| route(root.to(["ops"]))))
        .channel("ops", console())
        .channel("boss", console());
    let alerts = alerts.build().unwrap();
    clock.set(start.saturating_add(Duration::from_hours(1_000)));
    let mut told = Vec::new();
    let mut pump = |alerts: &Alerts| {
        let due =
            alerts.pump(|made| told.push(format!("{} {}", made.channel(), made.first().message())));
        (due.unwrap(), std::mem::take(&mut told))
    };
    alerts.send(note("a"));
    assert_eq!(pump(&alerts).1, ["ops a"]);
    alerts.send(note("b"));
    clock.set(start);
    let (due, told) = pump(&alerts);
    assert_eq!((due, told.len()), (Some(start.saturating_add(seconds(60))), 0));
    clock.advance(seconds(60));
    assert_eq!(pump(&alerts).1, ["ops b"]);
    alerts.send(note("a"));
    clock.advance(seconds(540));
    assert_eq!(pump(&alerts).1, NOTHING, "within its cooldown");
    alerts.send(note("a"));
    assert_eq!(pump(&alerts).1, ["ops a"]);
    clock.advance(seconds(300));
    assert_eq!(pump(&alerts).1, ["boss a"]);
}

/// Stopped at the very instant at which its first alert was told: its next time falls on the one it had.
#[tokio::test(start_paused = true)]
async fn a_group_that_was_told_early_is_told_again_an_interval_later() {
    let clock = SimClock::at(Timestamp::UNIX_EPOCH);
    let console = ConsoleChannel::new(std::io::sink());
    let alerts = Alerts::builder().clock(clock.clone()).channel("ops", console).build().unwrap();
    alerts.send(note("a"));
    alerts.send(note("b"));
    assert!(alerts.start().unwrap().stop().await.is_empty());
    alerts.send(note("c"));
    clock.advance(seconds(60));
    let mut told = Vec::new();
    alerts.pump(|made| told.push(made.latest().message().to_owned())).unwrap();
    assert_eq!(told, ["c"]);
}
