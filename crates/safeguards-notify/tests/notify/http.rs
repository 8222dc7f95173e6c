//! Webhooks and chats against a server on this machine.
//!
//! - `delivery`: what is sent, what an answer means, and that a repeat can be told.
//! - `redirects`: which are followed, and with what.
//! - `refusals`: addresses and URLs that are not posted to.
//! - `secrets`: what no text shows.
//! - `slack`: what stands in a chat.
//! - `tls`: whom a channel trusts.

mod delivery;
mod redirects;
mod refusals;
mod secrets;
mod slack;
mod tls;

use std::error::Error;

use safeguards_notify::{
    Alert, AlertId, Channel, Delivery, DeliveryError, DeliveryId, Notification, WebhookBuilder,
    WebhookChannel, topic,
};
use safeguards_types::{OperationIds, Severity, Timestamp};

/// A channel to a server of these tests.
fn hook(url: &str) -> WebhookBuilder {
    WebhookChannel::builder(url).allow_http("127.0.0.1").allow_private("127.0.0.1")
}

fn alert(message: &str) -> Alert {
    Alert::new(Severity::High, topic!("budget.denied"), message)
}

fn id(seed: u64) -> DeliveryId {
    let id = AlertId::from(OperationIds::seeded(seed).mint(Timestamp::UNIX_EPOCH));
    DeliveryId::of(id, "ops")
}

fn notification(message: &str) -> Notification {
    Notification::new(id(1), "ops", alert(message))
}

fn delivery(message: &str) -> Delivery {
    Delivery::new(notification(message))
}

/// What became of one delivery: nothing where it arrived, else whether to try again, and why.
async fn fate(channel: &impl Channel) -> Result<(), (bool, String)> {
    let result = channel.deliver(&delivery("no money")).await;
    result.map_err(|error| (error.is_retryable(), cause(&error)))
}

/// What an error comes from, in words.
fn cause(error: &DeliveryError) -> String {
    error.source().unwrap().to_string()
}
