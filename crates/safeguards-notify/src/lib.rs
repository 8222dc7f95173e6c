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
//! - [`Alerts`] is the hub. An alert sent to it is kept in a bounded history, brought on its way to channels,
//!   and shown to the handlers, in that order.
//! - A [`Handler`] reacts inside the process, at once. One that panics or fails is noted
//!   ([`Alerts::handler_faults`]) and harms no other.
//! - [`Rules`] say where alerts go: a tree by topic, severity, agent and metadata. They group what belongs
//!   together, count repeats, mute what a silence or a graver alert covers, and tell others where nobody
//!   [acknowledges](Alerts::acknowledge). What comes out is a [`Notification`]: one alert or a group.
//! - A [`Channel`] leads out of the process: [`ConsoleChannel`], [`JsonLinesChannel`], or your own; with the
//!   feature `webhook` also `WebhookChannel` and `SlackChannel`, with `email` also `EmailChannel`. Each is
//!   treated as its [`ChannelOptions`] say, by a task of its own, so one that is slow or down delays nobody.
//! - A [`Template`] puts notifications into words. Its mistakes are named when it is read, and cost no alert.
//! - What is given up on becomes a [`DeadLetter`] with its reason, and can be [sent again](Alerts::resend).
//!   History, dead letters and what is unfinished live in an [`AlertStore`].
//! - Beside alerts, which are for people, there are [`Event`]s, which are for agents: an [`EventBus`] brings
//!   them to whoever subscribed, and says where one was lost ([`Gap`]). [`MemoryEventBus`] is the one inside a
//!   process.
//!
//! Nothing is spawned before [`Alerts::start`], and [`Running`] ends what it spawned.

mod alert;
mod channel;
mod channels;
mod dead_letter;
mod dispatch;
mod event;
mod handler;
#[cfg(feature = "webhook")]
mod http;
mod hub;
mod lane;
mod matching;
mod notification;
mod options;
mod outbox;
mod panics;
mod rules;
mod running;
mod store;
pub mod telemetry;
mod template;
mod text;
mod topic;

pub use alert::{Alert, AlertError, AlertId};
#[cfg(feature = "mock")]
pub use channel::MockChannel;
pub use channel::{Channel, Delivery, DeliveryError, DeliveryErrorKind, DeliveryId};
pub use channels::{ConsoleChannel, FileError, JsonLinesBuilder, JsonLinesChannel};
#[cfg(feature = "email")]
pub use channels::{EmailBuilder, EmailChannel, EmailError};
#[cfg(feature = "webhook")]
pub use channels::{SlackBuilder, SlackChannel, webhook};
pub use dead_letter::{DeadLetter, DeadLetters, DeadReason};
pub use dispatch::SilenceId;
#[cfg(feature = "mock")]
pub use event::MockEventBus;
pub use event::{
    AskError, Cursor, DeadEvent, DeadEventReason, DeadEvents, Event, EventBus, EventBusError,
    EventBusErrorKind, EventBusExt, EventId, EventSource, Gap, MemoryEventBus,
    MemoryEventBusBuilder, NewEvent, PublishError, Published, Subscribe, SubscribeError,
    Subscription, SyncEventBus, WhenFull,
};
pub use handler::{
    FaultKind, Handled, Handler, HandlerError, HandlerFault, HandlerId, IntoHandled,
};
pub use hub::{
    Alerts, AlertsBuilder, BuildError, HubStatus, MarkError, ResendError, Sent, Undelivered,
};
pub use lane::{BreakerState, ChannelStatus};
pub use matching::AlertMatch;
pub use notification::Notification;
pub use options::{Breaker, ChannelOptions, Rate, Retry};
pub use rules::{
    Escalation, GroupBy, GroupKey, GroupLabel, GroupLabelError, Inhibition, Route, Routed, Router,
    RuleMistake, RuleMistakeKind, Rules, RulesError, RulesWarning, Settings, Silence, Silences,
    Stop, route,
};
pub use running::{Running, StartError};
#[cfg(any(feature = "email", feature = "webhook"))]
pub use secrecy::SecretString;
#[cfg(feature = "mock")]
pub use store::MockAlertStore;
pub use store::{
    AlertChange, AlertQuery, AlertRecord, AlertStore, AlertStoreError, AlertStoreErrorKind, Mark,
    MemoryAlertStore, MemoryAlertStoreBounds, Muted, OpenEscalation, SyncAlertStore, Unfinished,
};
pub use template::{Template, TemplateError};
pub use topic::{Topic, TopicError, TopicFilter};
#[cfg(feature = "webhook")]
pub use webhook::{WebhookBuilder, WebhookChannel, WebhookError};

// The crates that signatures here name, so that who uses this one needs no other.
pub use safeguards_types as types;

// Only where it is read: a build of the library needs no file beside its own.
#[cfg(doc)]
pub mod guides {
    //! How to use it, step by step.

    #[doc = include_str!("../docs/events.md")]
    pub mod events {}

    #[cfg(feature = "webhook")]
    #[doc = include_str!("../docs/webhooks.md")]
    pub mod webhooks {}
}

// What the page shows is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
