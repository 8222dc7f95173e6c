//! Alerts: facts worth telling someone, brought to handlers in the process and to channels that lead out.
//!
//! ```
//! use safeguards_notify::{Alert, Alerts, ConsoleChannel, topic};
//! use safeguards_types::Severity;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let alerts = Alerts::builder().channel("ops", ConsoleChannel::stderr()).build()?;
//! alerts.on("budget.**", |alert: &Alert| println!("seen at once: {alert}"))?;
//!
//! let running = alerts.start()?; // from here on the channels are served
//! let alert = Alert::new(Severity::Medium, topic!("budget.threshold"), "reader has spent 97.5 % of 4.00 USD");
//! alerts.send(alert.about("reader").with("percent", "97.5")); // waits for nobody
//!
//! let undelivered = running.stop().await;
//! assert!(undelivered.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! - [`Alerts`] is the hub. An alert sent to it is kept in a bounded history, queued for each channel, and
//!   shown to the handlers, in that order.
//! - A [`Handler`] reacts inside the process, at once. One that panics or fails is noted
//!   ([`Alerts::handler_faults`]) and harms no other.
//! - A [`Channel`] leads out of the process: [`ConsoleChannel`], [`JsonLinesChannel`], with the feature `email`
//!   `EmailChannel`, or your own. Each has a queue and a task of its own, so one that is slow or down delays
//!   nobody else.
//! - A [`Template`] puts alerts into words. Its mistakes are named before it is needed, and cost no alert.
//! - What is given up on becomes a [`DeadLetter`] with its reason: nothing is lost in silence.
//!
//! Nothing is spawned before [`Alerts::start`], and [`Running`] ends what it spawned.

mod alert;
mod channel;
mod channels;
mod dead_letter;
mod handler;
mod hub;
mod notification;
mod outbox;
mod panics;
mod running;
mod template;
mod topic;

pub use alert::{Alert, AlertId};
#[cfg(feature = "mock")]
pub use channel::MockChannel;
pub use channel::{Channel, Delivery, DeliveryError, DeliveryErrorKind, DeliveryId};
pub use channels::{ConsoleChannel, FileError, JsonLinesBuilder, JsonLinesChannel};
#[cfg(feature = "email")]
pub use channels::{EmailBuilder, EmailChannel, EmailError};
pub use dead_letter::{DeadLetter, DeadLetters, DeadReason};
pub use handler::{
    FaultKind, Handled, Handler, HandlerError, HandlerFault, HandlerId, IntoHandled,
};
pub use hub::{Alerts, AlertsBuilder, BuildError, Sent};
pub use notification::Notification;
pub use running::{Running, StartError};
#[cfg(feature = "email")]
pub use secrecy::SecretString;
pub use template::{Template, TemplateError};
pub use topic::{Topic, TopicError, TopicFilter};
