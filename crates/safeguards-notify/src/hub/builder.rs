//! [`AlertsBuilder`]: makes an [`Alerts`].

use std::sync::{Arc, atomic::AtomicBool};

use parking_lot::Mutex;
use safeguards_types::{Clock, OperationIds, SystemClock};
use tokio::sync::Notify;

use super::{Alerts, Hub, LaneEnd, Saving, State};
use crate::{
    AlertStore, Channel, ChannelOptions, MemoryAlertStore, Router, Rules, RulesError,
    dispatch::Dispatcher, handler::Handlers, outbox::Outbox,
};

/// Makes an [`Alerts`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct AlertsBuilder {
    clock: Arc<dyn Clock>,
    channels: Vec<(Arc<str>, LaneEnd)>,
    rules: Rules,
    saving: Saving,
}

/// Why there is no such hub.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two channels have one name.
    #[error("two channels are named `{name}`; each has a name of its own")]
    ChannelNameTaken {
        /// The name.
        name: Arc<str>,
    },
    /// A channel's name is empty, too long, or has control characters.
    #[error("{name:?} is no name of a channel: 1 to 256 bytes without control characters")]
    InvalidChannelName {
        /// The name.
        name: Arc<str>,
    },
    /// A channel's options would deliver nothing.
    #[error("channel `{name}`: {key} is 0; {allowed}")]
    InvalidOption {
        /// The channel.
        name: Arc<str>,
        /// The option.
        key: &'static str,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The rules are wrong, or name a channel that is not there.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

impl BuildError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ChannelNameTaken { .. } => "notify.channel_name_taken",
            Self::InvalidChannelName { .. } => "notify.invalid_channel_name",
            Self::InvalidOption { .. } => "notify.invalid_channel_option",
            Self::Rules(error) => error.code(),
        }
    }
}

const NAME_BYTES_MAX: usize = 256;

impl AlertsBuilder {
    pub(super) fn new() -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            channels: Vec::new(),
            rules: Rules::default(),
            saving: Saving::in_memory(MemoryAlertStore::new()),
        }
    }

    /// A hub with nothing added, which nothing can be wrong with.
    pub(super) fn plain() -> Alerts {
        let Self { clock, channels, rules: _, saving } = Self::new();
        assemble(clock, channels, Router::nowhere(), saving)
    }

    /// Adds a channel, with the default [`ChannelOptions`]. Its name is what rules and dead letters call it.
    pub fn channel(self, name: impl Into<Arc<str>>, channel: impl Channel) -> Self {
        self.channel_with(name, channel, ChannelOptions::new())
    }

    /// Adds a channel, to be treated like this.
    pub fn channel_with(
        mut self,
        name: impl Into<Arc<str>>,
        channel: impl Channel,
        options: ChannelOptions,
    ) -> Self {
        let end = LaneEnd { channel: Arc::new(channel), options, wake: Notify::new() };
        self.channels.push((name.into(), end));
        self
    }

    /// Takes the time of alerts, groups and pauses from `clock`. What waits for an instant sleeps by the
    /// runtime's own time, and then asks the clock again.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Brings alerts where these rules say; [`Rules::default`] if not set: every alert to every channel,
    /// grouped by topic, agent and severity, the first at once and then one notification a minute.
    pub fn rules(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// Keeps alerts in this store. What it holds unfinished, this hub goes on with.
    pub fn store(self, store: impl AlertStore) -> Self {
        Self { saving: Saving::new(Arc::new(store)), ..self }
    }

    /// Keeps alerts in this store, which is told at once of every change.
    pub fn memory(self, store: MemoryAlertStore) -> Self {
        Self { saving: Saving::in_memory(store), ..self }
    }

    /// Makes the hub.
    ///
    /// # Errors
    ///
    /// Where two channels have one name, a name is not 1 to 256 bytes without control characters, an option
    /// is 0 that may not be, or the rules are wrong or name a channel that is not there.
    pub fn build(self) -> Result<Alerts, BuildError> {
        let Self { clock, channels, rules, saving } = self;
        for (index, (name, end)) in channels.iter().enumerate() {
            let name = Arc::clone(name);
            if !(1..=NAME_BYTES_MAX).contains(&name.len()) || name.chars().any(char::is_control) {
                return Err(BuildError::InvalidChannelName { name });
            }
            if channels.iter().take(index).any(|(earlier, _)| *earlier == name) {
                return Err(BuildError::ChannelNameTaken { name });
            }
            if let Some((key, allowed)) = end.options.fault() {
                return Err(BuildError::InvalidOption { name, key, allowed });
            }
        }
        let names: Vec<Arc<str>> = channels.iter().map(|(name, _)| Arc::clone(name)).collect();
        let router = Router::new(rules, &names)?;
        Ok(assemble(clock, channels, router, saving))
    }
}

fn assemble(
    clock: Arc<dyn Clock>,
    channels: Vec<(Arc<str>, LaneEnd)>,
    router: Router,
    saving: Saving,
) -> Alerts {
    let named = channels.iter().map(|(name, end)| (Arc::clone(name), end.options.clone()));
    let outbox = Outbox::new(named);
    let warnings = router.warnings(clock.now());
    let left_over = saving.left_over();
    let hub = Hub {
        clock,
        ids: OperationIds::new(),
        handlers: Handlers::default(),
        state: Mutex::new(State { dispatcher: Dispatcher::new(router), outbox }),
        saving,
        lanes: channels.into_iter().map(|(_, end)| end).collect(),
        warnings,
        wake: Notify::new(),
        is_running: AtomicBool::new(false),
    };
    if let Some(left_over) = left_over.filter(|left_over| !left_over.unfinished.is_empty()) {
        hub.restore(left_over);
    }
    Alerts { hub: Arc::new(hub) }
}
