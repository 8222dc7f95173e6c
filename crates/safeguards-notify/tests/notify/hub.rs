//! A hub with channels: what arrives, what is given up on, and who waits for whom.

use std::{fs, io, sync::Arc, thread, time::Duration};

use async_trait::async_trait;
use safeguards_notify::{
    Alert, AlertQuery, Alerts, Channel, ChannelOptions, ConsoleChannel, DeadLetters, Delivery,
    DeliveryError, DeliveryId, GroupBy, JsonLinesChannel, MemoryAlertStore, Rules, StartError,
    topic,
};
use safeguards_testkit::PausedClock;
use safeguards_types::{Severity, SimClock, Timestamp};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What a scripted channel does with a delivery.
enum Answer {
    Arrive,
    Fail,
    Refuse,
    Hang,
    Panic,
}

/// Notes each attempt, and does as it is told.
#[derive(Debug)]
struct Scripted {
    attempts: UnboundedSender<Attempt>,
    script: fn(&Delivery) -> Answer,
}

#[derive(Debug)]
struct Attempt {
    id: DeliveryId,
    message: String,
    number: u32,
}

#[async_trait]
impl Channel for Scripted {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        let attempt = Attempt {
            id: delivery.id(),
            message: delivery.notification().first().message().to_owned(),
            number: delivery.attempt(),
        };
        // A test that has seen enough may have dropped the other end.
        let _ = self.attempts.send(attempt);
        match (self.script)(delivery) {
            Answer::Arrive => Ok(()),
            Answer::Fail => Err(DeliveryError::retryable(io::Error::other("line busy"))),
            Answer::Refuse => Err(DeliveryError::permanent("no such mailbox")),
            Answer::Hang => std::future::pending().await,
            Answer::Panic => panic!("a channel that panics, on purpose"),
        }
    }
}

fn scripted(script: fn(&Delivery) -> Answer) -> (Scripted, UnboundedReceiver<Attempt>) {
    let (attempts, seen) = unbounded_channel();
    (Scripted { attempts, script }, seen)
}

fn alert(message: impl Into<String>) -> Alert {
    Alert::new(Severity::Medium, topic!("team.note"), message)
}

/// Messages and attempts up to now.
fn drain(seen: &mut UnboundedReceiver<Attempt>) -> Vec<(String, u32)> {
    let next = || seen.try_recv().ok();
    std::iter::from_fn(next).map(|attempt| (attempt.message, attempt.number)).collect()
}

fn texts(dead: &DeadLetters) -> Vec<String> {
    dead.letters.iter().map(ToString::to_string).collect()
}

/// Brings out each alert alone.
fn each() -> Rules {
    let mut rules = Rules::default();
    rules.otherwise = rules.otherwise.group_by(GroupBy::Each);
    rules
}

/// A hub with this channel, on the runtime's time, that brings out each alert alone.
fn hub(channel: Scripted) -> Alerts {
    let builder = Alerts::builder().channel("ops", channel).clock(PausedClock::new());
    builder.rules(each()).build().unwrap()
}

/// What became of two alerts.
struct Fate {
    attempts: Vec<(String, u32)>,
    dead: Vec<String>,
}

/// Sends `one` and `two` to a channel that does as told.
async fn two_alerts(script: fn(&Delivery) -> Answer) -> Fate {
    let (channel, mut seen) = scripted(script);
    let alerts = hub(channel);
    alerts.send(alert("one"));
    alerts.send(alert("two"));
    let running = alerts.start().unwrap();
    let left = running.stop_within(Duration::from_hours(1)).await;
    assert!(left.waiting.is_empty() && left.store_error.is_none());
    assert_eq!(left.dead_letters, alerts.dead_letters().await.unwrap());
    Fate { attempts: drain(&mut seen), dead: texts(&left.dead_letters) }
}

#[track_caller]
fn check(fate: &Fate, attempts: &[(&str, u32)], dead: &[&str]) {
    let brief: Vec<_> = fate.attempts.iter().map(|(text, n)| (text.as_str(), *n)).collect();
    assert_eq!(brief, attempts);
    assert_eq!(fate.dead, dead);
}

#[tokio::test(start_paused = true)]
async fn each_alert_arrives_or_is_given_up_on_with_a_reason() {
    check(&two_alerts(|_| Answer::Arrive).await, &[("one", 1), ("two", 1)], &[]);
    check(
        &two_alerts(|delivery| match delivery.attempt() {
            3 => Answer::Arrive,
            _ => Answer::Fail,
        })
        .await,
        &[("one", 1), ("one", 2), ("one", 3), ("two", 1), ("two", 2), ("two", 3)],
        &[],
    );
    let six = [("one", 1), ("one", 2), ("one", 3), ("one", 4), ("one", 5), ("one", 6), ("two", 1)];
    check(
        &two_alerts(|delivery| match delivery.notification().first().message() {
            "one" => Answer::Fail,
            _ => Answer::Arrive,
        })
        .await,
        &six,
        &["medium  team.note: one (did not reach ops: failed at each of 6 attempts: line busy)"],
    );
    check(
        &two_alerts(|_| Answer::Refuse).await,
        &[("one", 1), ("two", 1)],
        &[
            "medium  team.note: one (did not reach ops: refused: no such mailbox)",
            "medium  team.note: two (did not reach ops: refused: no such mailbox)",
        ],
    );
    check(
        &two_alerts(|delivery| match delivery.notification().first().message() {
            "one" => Answer::Panic,
            _ => Answer::Arrive,
        })
        .await,
        &[("one", 1), ("two", 1)],
        &[
            "medium  team.note: one (did not reach ops: the channel panicked: a channel that panics, on purpose)",
        ],
    );
    check(
        &two_alerts(|delivery| match delivery.notification().first().message() {
            "one" => Answer::Hang,
            _ => Answer::Arrive,
        })
        .await,
        &six,
        &[
            "medium  team.note: one (did not reach ops: failed at each of 6 attempts: no answer within 10s)",
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_hangs_delays_no_other_and_stopping_has_an_end() {
    let (stuck, mut stuck_seen) = scripted(|_| Answer::Hang);
    let (healthy, mut seen) = scripted(|_| Answer::Arrive);
    let small = ChannelOptions::new().queue_max(2);
    let alerts = Alerts::builder()
        .channel_with("stuck", stuck, small.clone())
        .channel_with("healthy", healthy, small)
        .rules(each())
        .clock(PausedClock::new())
        .build()
        .unwrap();
    let running = alerts.start().unwrap();
    for message in ["one", "two", "three"] {
        alerts.send(alert(message));
        assert_eq!(seen.recv().await.unwrap().message, message);
    }
    assert_eq!(
        texts(&alerts.dead_letters().await.unwrap()),
        ["medium  team.note: three (did not reach stuck: its queue of 2 was full)"]
    );
    let left = running.stop_within(Duration::from_secs(1)).await;
    let waiting: Vec<String> = left.waiting.iter().map(ToString::to_string).collect();
    assert_eq!(waiting, ["medium  team.note: one", "medium  team.note: two"]);
    assert_eq!(left.dead_letters.letters.len(), 1);
    assert_eq!(drain(&mut stuck_seen), [("one".to_owned(), 1)]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_delivered_by_the_next_start() {
    let (channel, mut seen) = scripted(|_| Answer::Arrive);
    let alerts = hub(channel);
    alerts.send(alert("before"));
    tokio::task::yield_now().await;
    assert!(seen.try_recv().is_err());
    assert!(alerts.start().unwrap().stop().await.is_empty());
    alerts.send(alert("between"));
    assert!(alerts.start().unwrap().stop().await.is_empty());
    let expected = [("before".to_owned(), 1), ("between".to_owned(), 1)];
    assert_eq!(drain(&mut seen), expected);
}

#[tokio::test(start_paused = true)]
async fn what_was_cut_off_is_delivered_again_under_the_same_id() {
    let (channel, mut seen) = scripted(|_| Answer::Hang);
    let alerts = hub(channel);
    alerts.send(alert("one"));
    let running = alerts.start().unwrap();
    let first = seen.recv().await.unwrap();
    assert_eq!(alerts.start().unwrap_err(), StartError::AlreadyRunning);
    drop(running);
    let running = loop {
        // The tasks that were cut off end when the runtime comes round to them.
        match alerts.start() {
            Ok(running) => break running,
            Err(StartError::AlreadyRunning) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    let second = seen.recv().await.unwrap();
    assert_eq!((first.id, second.number), (second.id, 1));
    assert_eq!(running.stop().await.waiting.len(), 1);
}

#[test]
fn delivery_needs_a_runtime_that_can_wait() {
    let alerts = Alerts::new();
    assert_eq!(alerts.start().unwrap_err(), StartError::NoRuntime);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let inside = runtime.enter();
    assert_eq!(alerts.start().unwrap_err(), StartError::NoTimer);
    drop(inside);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let left = runtime.block_on(async { alerts.start().unwrap().stop().await });
    assert!(left.is_empty());
}

#[tokio::test]
async fn many_senders_one_order() {
    let (ops, mut ops_seen) = scripted(|_| Answer::Arrive);
    let (mail, mut mail_seen) = scripted(|_| Answer::Arrive);
    let builder = Alerts::builder().channel("ops", ops).channel("mail", mail);
    let alerts = builder.rules(each()).build().unwrap();
    let running = alerts.start().unwrap();
    let senders: Vec<_> = (0..4)
        .map(|sender| {
            let alerts = alerts.clone();
            thread::spawn(move || {
                for number in 0..50 {
                    alerts.send(alert(format!("{sender}/{number}")));
                }
            })
        })
        .collect();
    for sender in senders {
        sender.join().unwrap();
    }
    assert!(running.stop().await.is_empty());
    let history = alerts.history(&AlertQuery::all()).await.unwrap();
    let sent: Vec<_> =
        history.iter().map(|record| (record.alert.message().to_owned(), 1)).collect();
    assert_eq!(sent.len(), 200);
    assert_eq!(drain(&mut ops_seen), sent);
    assert_eq!(drain(&mut mail_seen), sent);
}

#[test]
fn sending_names_dates_and_shows_an_alert() {
    let now = Timestamp::parse("2026-01-05T09:00:00Z").unwrap();
    let store = MemoryAlertStore::new();
    let alerts = Alerts::builder().clock(SimClock::at(now)).memory(store.clone()).build().unwrap();
    let (answering, kept) = (alerts.clone(), store.clone());
    alerts
        .on("team.note", move |alert: &Alert| {
            let history = kept.sync().history(&AlertQuery::all());
            assert_eq!(history.last().unwrap().alert.id(), alert.id());
            let answer = Alert::new(Severity::Low, topic!("team.answer"), "seen");
            answering.send(answer).handled
        })
        .unwrap();
    let sent = alerts.send(alert("ready").about("reader"));
    assert!(!sent.handled);
    assert_eq!(alerts.handler_faults(), []);
    let history = store.sync().history(&AlertQuery::all());
    let brief: Vec<_> =
        history.iter().map(|record| (record.alert.at().unwrap(), record.alert.message())).collect();
    assert_eq!(brief, [(now, "ready"), (now, "seen")]);
    assert_eq!(history[0].alert.id(), Some(sent.id));
    let error = alerts.on("team.", |_: &Alert| ()).unwrap_err();
    assert_eq!(error.code(), "notify.invalid_filter");
}

#[test]
fn a_hub_that_cannot_work_is_not_built() {
    let names = |names: &[&str]| {
        let add = |builder: safeguards_notify::AlertsBuilder, name: &&str| {
            builder.channel(*name, ConsoleChannel::stderr())
        };
        let built = names.iter().fold(Alerts::builder(), add).build();
        built.map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(names(&["ops", "mail"]), Ok(()));
    assert_eq!(names(&["ops", "ops"]), Err("notify.channel_name_taken"));
    assert_eq!(names(&["ops", ""]), Err("notify.invalid_channel_name"));
    assert_eq!(names(&["o\nps"]), Err("notify.invalid_channel_name"));
    let none = ChannelOptions::new().queue_max(0);
    let built = Alerts::builder().channel_with("ops", ConsoleChannel::stderr(), none).build();
    let error = built.unwrap_err();
    assert_eq!(error.code(), "notify.invalid_channel_option");
    assert_eq!(
        error.to_string(),
        "channel `ops`: queue_max is 0; a queue that holds nothing delivers nothing; it holds 1 or more"
    );
    let error = Alerts::builder().rules(Rules::default().to(["mail"])).build().unwrap_err();
    assert_eq!(error.to_string(), "the root: `to` names no channel: `mail`; there are none");
}

#[tokio::test]
async fn console_and_file_get_one_line_for_each_alert() {
    let folder = tempfile::tempdir().unwrap();
    let (console, file) = (folder.path().join("console"), folder.path().join("a.jsonl"));
    // A line that a crash cut off stays as it is.
    fs::write(&file, "{\"severity\":").unwrap();
    for message in ["one", "two\nlines"] {
        let writer = fs::OpenOptions::new().create(true).append(true).open(&console);
        let alerts = Alerts::builder()
            .channel("console", ConsoleChannel::new(writer.unwrap()))
            .channel("file", Arc::new(JsonLinesChannel::open(&file).unwrap()))
            .build()
            .unwrap();
        let running = alerts.start().unwrap();
        alerts.send(alert(message).with("left", "0.1"));
        assert!(running.stop().await.is_empty());
        let last = fs::read_to_string(&file).unwrap();
        let last: Alert = serde_json::from_str(last.lines().last().unwrap()).unwrap();
        assert_eq!(last, *alerts.history(&AlertQuery::all()).await.unwrap()[0].alert);
    }
    assert_eq!(
        fs::read_to_string(&console).unwrap(),
        "medium  team.note: one\nmedium  team.note: two\\nlines\n"
    );
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 3);
    let error = JsonLinesChannel::open(folder.path()).unwrap_err();
    assert_eq!(error.code(), "notify.file_not_opened");
    assert!(error.to_string().contains(folder.path().to_str().unwrap()));
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_at_once() {
    #[track_caller]
    fn check(path: &std::path::Path, what: Option<&str>) {
        let opened = JsonLinesChannel::open(path);
        let error =
            opened.err().map(|error| std::error::Error::source(&error).unwrap().to_string());
        assert_eq!(error.as_deref(), what, "{}", path.display());
    }
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let what =
        "it is a named pipe, where every line would wait for a reader; write the path of a file";
    check(&pipe, Some(what));
    check(folder.path(), Some("it is a folder; write the path of a file in it"));
    check("/dev/null".as_ref(), None);
    check(&folder.path().join("new.jsonl"), None);
}
