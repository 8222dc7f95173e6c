//! The storm once more in real time, against an HTTP server and a mail server on this machine.
//!
//! `SAFEGUARDS_SERVER_ALERTS` says how many alerts are sent; `cargo xtask extra` sends a hundred thousand.

#![expect(
    clippy::disallowed_methods,
    reason = "the long run says in its environment how much to send"
)]
#![expect(clippy::wildcard_enum_match_arm, reason = "a script names the steps that it is about")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    net::TcpListener,
    num::NonZeroU32,
    time::Duration,
};

use safeguards_notify::{
    Alert, Alerts, Breaker, ChannelOptions, DeadLetter, EmailChannel, GroupLabel, MemoryAlertStore,
    MemoryAlertStoreBounds, Retry, Rules, Template, WebhookBuilder, WebhookChannel, topic,
};
use safeguards_types::Severity;
use serde_json::Value;
use tokio::time::sleep;

use crate::{
    http_server::{HttpServer, Reply, Request},
    smtp_server::{Privacy, SmtpServer, Step, Then},
};

const ALERTS: usize = 5_000;
/// With a hundred alerts for each, up to so many groups.
const GROUPS_MAX: usize = 200;
const WAVES: usize = 50;
const PAUSE: Duration = Duration::from_millis(50);
const INTERVAL: Duration = Duration::from_secs(1);

/// What a receiver was told by one notification.
#[derive(Debug)]
struct Told {
    id: String,
    group: String,
    at_millis: i64,
    alerts: Vec<String>,
    more: u64,
}

impl Told {
    fn of_webhook(request: &Request) -> Self {
        let body = request.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            id: text(&body["id"]),
            group: text(&body["group"]["agent"]),
            at_millis: millis(body["at"].as_str().unwrap()),
            alerts: body["alerts"].as_array().unwrap().iter().map(|one| text(&one["id"])).collect(),
            more: body["more"].as_u64().unwrap(),
        }
    }

    /// A mail has what [`MAIL`] says.
    fn of_mail(text: &str) -> Self {
        let mail = mailparse::parse_mail(text.as_bytes()).unwrap();
        let body = mail.get_body().unwrap();
        let mut lines = body.lines();
        let mut next = || lines.next().unwrap().to_owned();
        let (id, group, at, more) = (next(), next(), next(), next());
        Self {
            id,
            group,
            at_millis: millis(&at),
            more: more.parse().unwrap(),
            alerts: lines.filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        }
    }

    fn of_dead(letter: &DeadLetter) -> Self {
        let made = &letter.notification;
        Self {
            id: made.id().to_string(),
            group: made.group()[0].1.clone(),
            at_millis: made.at().as_nanos() / 1_000_000,
            alerts: made.alerts().map(|alert| alert.id().unwrap().to_string()).collect(),
            more: made.more(),
        }
    }
}

const MAIL: &str = "{{ id }}\n{{ group.agent }}\n{{ at }}\n{{ more }}\n{% for alert in alerts %}\n{{ alert.id }}\n{% endfor %}";

fn groups(alerts: usize) -> usize {
    (alerts / 100).clamp(1, GROUPS_MAX)
}

fn millis(at: &str) -> i64 {
    safeguards_types::Timestamp::parse(at).unwrap().as_nanos() / 1_000_000
}

fn hook(url: &str) -> WebhookBuilder {
    WebhookChannel::builder(url).allow_http("127.0.0.1").allow_private("127.0.0.1")
}

/// The address of a server that is down.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// Each alert was told once, by one notification for each group and interval.
fn check(channel: &str, told: &[Told], sent: &BTreeSet<String>, once: bool) {
    let groups = groups(sent.len());
    let mut by_id = BTreeMap::new();
    for one in told {
        let again = by_id.insert(&one.id, one);
        assert!(again.is_none() || !once, "{channel}: {} came twice", one.id);
    }
    let mut alerts = BTreeSet::new();
    let mut more = 0;
    let mut times: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for one in by_id.values() {
        for alert in &one.alerts {
            assert!(alerts.insert(alert.clone()), "{channel}: {alert} was told twice");
        }
        more += one.more;
        times.entry(&one.group).or_default().push(one.at_millis);
    }
    assert!(alerts.is_subset(sent), "{channel}");
    assert_eq!(alerts.len() as u64 + more, sent.len() as u64, "{channel}: told and counted");
    assert_eq!(times.len(), groups, "{channel}");
    for (group, mut times) in times {
        times.sort_unstable();
        // The last came when the hub was stopped, and that waits for no interval.
        times.pop();
        let interval = i64::try_from(INTERVAL.as_millis()).unwrap();
        // Times are cut to milliseconds.
        let is_apart = |two: &[i64]| two[1] - two[0] >= interval - 1;
        assert!(times.windows(2).all(is_apart), "{channel}: {group}: {times:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_real_posts_and_mails() {
    let count = env::var("SAFEGUARDS_SERVER_ALERTS").map_or(ALERTS, |count| count.parse().unwrap());
    let healthy = HttpServer::start(|_| Reply::status(200)).await;
    let seen = parking_lot::Mutex::new(0_usize);
    let flapping = HttpServer::start(move |_| {
        let mut seen = seen.lock();
        *seen += 1;
        match *seen % 7 {
            2 | 3 => Reply::status(503),
            // It was taken in, and the answer is lost.
            5 => Reply::hang_up(),
            _ => Reply::status(200),
        }
    })
    .await;
    let slow = SmtpServer::scripted(Privacy::None, |heard| match heard.step {
        Step::End => Then::Wait(Duration::from_millis(3)),
        _ => Then::Usual,
    })
    .await;

    let mut bounds = MemoryAlertStoreBounds::default();
    bounds.dead_letters = usize::MAX;
    let mut rules = Rules::default();
    rules.otherwise = rules.otherwise.group_by(vec![GroupLabel::Agent]).interval(INTERVAL);
    let retry = |attempts| {
        Retry::attempts(attempts).pauses(Duration::from_millis(1), Duration::from_millis(5))
    };
    let eager = ChannelOptions::new()
        .retry(retry(20))
        .breaker(Breaker::after(NonZeroU32::new(10).unwrap()).reset_in(Duration::from_millis(2)));
    let brief = eager.clone().retry(retry(1));
    let mail = EmailChannel::builder("127.0.0.1", "agents@example.com")
        .to("ops@example.com")
        .port(slow.port())
        .allow_plain("127.0.0.1")
        .text(Template::parse(MAIL).unwrap());
    let alerts = Alerts::builder()
        .memory(MemoryAlertStore::with_bounds(bounds))
        .rules(rules)
        .channel_with("down", hook(&nobody()).build().unwrap(), brief)
        .channel_with("slow", mail.build().unwrap(), eager.clone())
        .channel_with("flapping", hook(&flapping.url("/")).build().unwrap(), eager.clone())
        .channel_with("healthy", hook(&healthy.url("/")).build().unwrap(), eager)
        .build()
        .unwrap();

    let running = alerts.start().unwrap();
    let mut sent = BTreeSet::new();
    for wave in 1..=WAVES {
        while sent.len() < count * wave / WAVES {
            let group = sent.len() % groups(count);
            let alert = Alert::new(Severity::High, topic!("budget.denied"), "no money left");
            sent.insert(alerts.send(alert.about(format!("agent {group}"))).id.to_string());
        }
        sleep(PAUSE).await;
    }
    let left = running.stop_within(Duration::from_mins(2)).await;
    assert_eq!(left.waiting.len(), 0, "{:#?}", alerts.status());

    let mut told: BTreeMap<&str, Vec<Told>> = BTreeMap::new();
    for letter in &left.dead_letters.letters {
        let channel = match &**letter.notification.channel() {
            "down" => "down",
            "slow" => "slow",
            "flapping" => "flapping",
            other => panic!("{other} lost {letter}"),
        };
        told.entry(channel).or_default().push(Told::of_dead(letter));
    }
    let mails = slow.mails();
    told.entry("slow").or_default().extend(mails.iter().map(|mail| Told::of_mail(&mail.text)));
    // Refused requests stand in the server's notes too: what is told again has the same id.
    let requests = flapping.requests();
    told.entry("flapping").or_default().extend(requests.iter().map(Told::of_webhook));
    told.entry("healthy").or_default().extend(healthy.requests().iter().map(Told::of_webhook));
    check("down", &told["down"], &sent, true);
    check("slow", &told["slow"], &sent, true);
    check("flapping", &told["flapping"], &sent, false);
    check("healthy", &told["healthy"], &sent, true);
    assert!(requests.len() > healthy.requests().len(), "the flapping one was asked again");
}
