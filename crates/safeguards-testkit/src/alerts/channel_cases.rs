//! The cases of [`channel_conformance!`](crate::channel_conformance): a function each, which panics where the
//! channel does not keep the line of the contract that the case's first line quotes.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a case is an assertion: it panics where the channel does not keep the rule"
)]

use std::{error::Error, future::poll_fn, iter::successors, sync::Arc, task::Poll};

use safeguards_notify::{
    Alert, AlertId, Channel, Delivery, DeliveryId, Notification, Topic, topic,
};
use safeguards_types::{OperationIds, Severity, Timestamp};
use serde_json::json;

use super::{ChannelEnv, Repeats};

/// The text of a hostile alert that must not be read as another one.
const HOSTILE: &str =
    "begin\r\nhigh  budget.denied: forged\n.\n\u{1b}[2J\u{7}\0\u{2028}<b>*_`|{{x}}%00</b> end";

fn ids() -> OperationIds {
    OperationIds::seeded(1)
}

/// An alert as a hub hands it out: with an id and a time.
fn sent(ids: &OperationIds, topic: &Topic, message: &str) -> Alert {
    let at = Timestamp::from_nanos(1_767_603_600_000_000_000).unwrap_or_default();
    let alert = json!({
        "id": AlertId::from(ids.mint(at)),
        "at": at,
        "severity": Severity::High,
        "topic": topic,
        "agent": "reader",
        "message": message,
        "metadata": { "account": "research" },
    });
    serde_json::from_value(alert).expect("an alert as it is written")
}

fn delivery(alerts: Vec<Alert>) -> Delivery {
    let mut alerts = alerts.into_iter();
    let first = alerts.next().expect("a notification has an alert");
    let id = DeliveryId::of(first.id().expect("it was sent"), "ops");
    let notification = Notification::new(id, "ops", first).in_group("agent", "reader");
    Delivery::new(alerts.fold(notification, Notification::with_alert))
}

/// A delivery of one alert with this message.
fn of(ids: &OperationIds, message: &str) -> Delivery {
    delivery(vec![sent(ids, &topic!("team.note"), message)])
}

async fn deliver(channel: &dyn Channel, delivery: &Delivery) {
    if let Err(error) = channel.deliver(delivery).await {
        panic!("{delivery:?} did not arrive: {}", with_causes(&error));
    }
}

fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl ChannelEnv {
    async fn arrived(&self) -> Vec<String> {
        (self.read)().await
    }

    /// What arrived that holds this text.
    async fn with(&self, text: &str) -> Vec<String> {
        let arrived = self.arrived().await;
        arrived.into_iter().filter(|arrival| arrival.contains(text)).collect()
    }

    /// A group may take several texts, such as lines.
    async fn holds(&self, text: &str) {
        let is_there = !self.with(text).await.is_empty();
        assert!(is_there, "`{text}` is there, in: {:#?}", self.arrived().await);
    }

    async fn holds_once(&self, text: &str) {
        let found = self.with(text).await;
        assert_eq!(found.len(), 1, "`{text}` is there once, in: {:#?}", self.arrived().await);
    }
}

/// A message of a group. Its number is so large that none of them holds the count of a group.
fn numbered(number: u64) -> String {
    format!("message <{}> of the group", number.saturating_add(700_000))
}

/// What arrives of a group of so many alerts.
async fn group_of(env: &ChannelEnv, count: u64) -> String {
    let ids = ids();
    let alerts = (1..=count).map(|number| sent(&ids, &topic!("team.note"), &numbered(number)));
    deliver(&*env.channel, &delivery(alerts.collect())).await;
    env.arrived().await.join("\n")
}

fn is_all_there(text: &str, count: u64) -> bool {
    (1..=count).all(|number| text.contains(&numbered(number)))
}

/// Whether the number stands there by itself: not as a part of an id, or of another number.
fn has_number(text: &str, number: u64) -> bool {
    // Thousands may be set apart.
    let text = text.replace(',', "");
    let number = number.to_string();
    text.split(|mark: char| !mark.is_alphanumeric()).any(|word| word == number)
}

/// `Ok` means that the notification is where it should be: one alert, once, with its topic and its words.
pub async fn one_alert_arrives(env: &ChannelEnv) {
    assert_eq!(env.arrived().await, Vec::<String>::new(), "nothing is there before");
    deliver(&*env.channel, &of(&ids(), "the printer is on fire")).await;
    env.holds_once("the printer is on fire").await;
    env.holds_once("team.note").await;
    assert_eq!(env.arrived().await.len(), 1);
}

/// Deliveries one after the other arrive in that order.
pub async fn alerts_arrive_in_order(env: &ChannelEnv) {
    let ids = ids();
    let messages: Vec<String> = (1..=5).map(|number| format!("message {number} of five")).collect();
    for message in &messages {
        deliver(&*env.channel, &of(&ids, message)).await;
    }
    let arrived = env.arrived().await;
    assert_eq!(arrived.len(), messages.len(), "{arrived:#?}");
    for (arrival, message) in arrived.iter().zip(&messages) {
        assert!(arrival.contains(message.as_str()), "`{message}` in {arrived:#?}");
    }
}

/// All alerts of a group arrive, or their number.
pub async fn a_group_arrives_in_full_or_in_number(env: &ChannelEnv) {
    let all = group_of(env, 37).await;
    assert!(
        is_all_there(&all, 37) || has_number(&all, 37),
        "37 alerts, in full or in number: {all}"
    );
}

/// Alerts that are only counted are told by their number, with those in full or without.
pub async fn a_counted_group_arrives(env: &ChannelEnv) {
    let one = of(&ids(), "the latest of many").notification().as_ref().clone();
    deliver(&*env.channel, &Delivery::new(one.with_more(4_711).with_repeats(42))).await;
    env.holds("the latest of many").await;
    let all = env.arrived().await.join("\n");
    assert!(
        has_number(&all, 4_711) || has_number(&all, 4_712),
        "4,712 alerts, or 4,711 more than one: {all}"
    );
}

/// An escalated notification arrives.
pub async fn an_escalation_arrives(env: &ChannelEnv) {
    let one = of(&ids(), "nobody looked at this").notification().as_ref().clone();
    deliver(&*env.channel, &Delivery::new(one.escalated(2))).await;
    env.holds("nobody looked at this").await;
}

/// The same delivery has the same id, so that a repeat can be made harmless: as the environment declares.
pub async fn a_repeat_is_as_declared(env: &ChannelEnv) {
    let ids = ids();
    let first = of(&ids, "said twice");
    deliver(&*env.channel, &first).await;
    deliver(&*env.channel, &first.clone().at_attempt(2)).await;
    deliver(&*env.channel, &of(&ids, "said once")).await;
    let twice = env.with("said twice").await;
    match env.repeats {
        Repeats::Once => assert_eq!(twice.len(), 1, "{twice:#?}"),
        Repeats::Named => {
            let id = first.id().to_string();
            assert_eq!(twice.len(), 2, "{twice:#?}");
            assert!(twice.iter().all(|arrival| arrival.contains(&id)), "{id} in {twice:#?}");
        }
        Repeats::Shown => assert_eq!(twice.len(), 2, "{twice:#?}"),
    }
    env.holds_once("said once").await;
}

/// What an agent writes is text: it forges no second alert, and controls no terminal.
pub async fn hostile_text_stays_text(env: &ChannelEnv) {
    let ids = ids();
    deliver(&*env.channel, &of(&ids, HOSTILE)).await;
    deliver(&*env.channel, &of(&ids, "the one after it")).await;
    let arrived = env.arrived().await;
    let [hostile, after] = arrived.as_slice() else {
        panic!("two arrive: {arrived:#?}");
    };
    assert!(after.contains("the one after it"), "{after}");
    assert!(hostile.contains("begin") && hostile.contains("end"), "{hostile}");
    // Line ends and tabs may be the format's own.
    let is_odd =
        |character: &char| character.is_control() && !matches!(character, '\r' | '\n' | '\t');
    assert_eq!(hostile.chars().find(is_odd), None, "{hostile:?}");
    let forged = hostile.lines().find(|line| line.starts_with("high  budget.denied"));
    assert_eq!(forged, None, "{hostile}");
}

/// Text beyond ASCII arrives as it is.
pub async fn text_beyond_ascii_arrives(env: &ChannelEnv) {
    let text = "Grüße an 世界, Ωμέγα, עולם, 🦀";
    deliver(&*env.channel, &of(&ids(), text)).await;
    env.holds_once(text).await;
}

/// The longest message that an alert holds arrives, or as much of it as the way takes.
pub async fn the_longest_message_arrives(env: &ChannelEnv) {
    let ids = ids();
    let mut long = format!("it begins here {}", "x".repeat(16 * 1_024));
    long.truncate(16 * 1_024);
    let alert = sent(&ids, &topic!("team.note"), &long);
    let alert = alert.with("log", "y".repeat(63 * 1_024));
    assert_eq!(alert.check(), Ok(()));
    deliver(&*env.channel, &delivery(vec![alert])).await;
    env.holds_once("it begins here").await;
    deliver(&*env.channel, &of(&ids, "the one after it")).await;
    env.holds_once("the one after it").await;
}

/// The largest group arrives: a thousand alerts.
pub async fn the_largest_group_arrives(env: &ChannelEnv) {
    let all = group_of(env, 1_000).await;
    assert!(
        is_all_there(&all, 1_000) || has_number(&all, 1_000),
        "1,000 alerts, in full or in number: {all}"
    );
}

/// An alert without words arrives: its topic says enough.
pub async fn an_alert_without_words_arrives(env: &ChannelEnv) {
    deliver(&*env.channel, &delivery(vec![sent(&ids(), &topic!("team.silent"), "")])).await;
    env.holds_once("team.silent").await;
}

/// Several hubs may share a channel: what they deliver at once arrives, each once and whole.
pub async fn several_hubs_share_it(env: &ChannelEnv) {
    let ids = Arc::new(ids());
    let hubs: Vec<_> = (0..4)
        .map(|hub| {
            let (channel, ids) = (Arc::clone(&env.channel), Arc::clone(&ids));
            tokio::spawn(async move {
                for number in 0..10 {
                    deliver(&*channel, &of(&ids, &format!("[{number} of hub {hub}]"))).await;
                }
            })
        })
        .collect();
    for hub in hubs {
        hub.await.expect("a hub that delivered");
    }
    let arrived = env.arrived().await;
    assert_eq!(arrived.len(), 40, "{arrived:#?}");
    for hub in 0..4 {
        for number in 0..10 {
            env.holds_once(&format!("[{number} of hub {hub}]")).await;
        }
    }
}

/// Its future may be dropped at any point: the attempt after it arrives, and so does the next delivery.
pub async fn a_future_that_was_dropped_does_no_harm(env: &ChannelEnv) {
    let ids = ids();
    for polls in 0..4_u32 {
        let message = format!("[dropped after {polls}]");
        let cut_off = of(&ids, &message);
        {
            let mut future = env.channel.deliver(&cut_off);
            for _ in 0..polls {
                let is_over =
                    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await;
                if is_over {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        deliver(&*env.channel, &cut_off.clone().at_attempt(2)).await;
        let found = env.with(&message).await.len();
        match env.repeats {
            Repeats::Once => assert_eq!(found, 1, "{message}"),
            Repeats::Named | Repeats::Shown => assert!((1..=2).contains(&found), "{message}"),
        }
    }
    deliver(&*env.channel, &of(&ids, "the one after them")).await;
    env.holds_once("the one after them").await;
}

/// No secret is in `Debug`.
pub async fn debug_shows_no_secret(env: &ChannelEnv) {
    deliver(&*env.channel, &of(&ids(), "ready")).await;
    for channel in [&env.channel].into_iter().chain(&env.failing) {
        for text in [format!("{channel:?}"), format!("{channel:#?}")] {
            for secret in &env.secrets {
                assert!(!text.contains(secret.as_str()), "a secret in {text}");
            }
        }
    }
}

/// A failure is an error, with a cause in words and no secret in them.
pub async fn a_failure_says_why_and_no_secret(env: &ChannelEnv) {
    assert!(!env.failing.is_empty(), "an environment that says `fails` has a channel that does");
    for channel in &env.failing {
        let result = channel.deliver(&of(&ids(), "ready")).await;
        let error = result.expect_err("a channel that is out of order fails");
        let causes = with_causes(&error);
        assert!(error.source().is_some_and(|cause| !cause.to_string().is_empty()), "{causes}");
        for text in [causes, format!("{error:?}")] {
            for secret in &env.secrets {
                assert!(!text.contains(secret.as_str()), "a secret in {text}");
            }
        }
    }
    assert_eq!(env.arrived().await, Vec::<String>::new(), "what failed is not there");
}
