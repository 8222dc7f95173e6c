//! [`HubStatus`]: how a hub fares; [`Undelivered`]: what it leaves behind when it stops.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{Hub, saving::Saving};
use crate::{AlertStoreError, ChannelStatus, DeadLetters, Notification, panics};

/// How a hub and its channels fare.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubStatus {
    /// Each channel, in the order in which they were added.
    pub channels: Vec<ChannelStatus>,
    /// How many alerts gather in groups, as far as they stand in full.
    pub gathering: usize,
    /// How many escalations are open.
    pub escalations: usize,
    /// How many changes the store is still to be told.
    pub unsaved: usize,
    /// How many changes the store will never be told, since it did not answer for too long: after a restart
    /// they would be unknown. What they tell of is delivered nevertheless, as long as this process lives.
    pub unsaved_dropped: u64,
    /// What the store said where it failed the last time it was written to.
    pub store_error: Option<String>,
}

/// What a hub leaves behind when it stops.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "what did not arrive stands here"]
pub struct Undelivered {
    /// What still waits, channel by channel. With a durable store the next process goes on with it; in memory
    /// it is lost when the hub is. One that was being delivered may have arrived.
    pub waiting: Vec<Arc<Notification>>,
    /// How many alerts still gather in groups, as far as they stand in full. The same holds for them.
    pub gathering: usize,
    /// What was given up on: all dead letters that the store keeps.
    pub dead_letters: DeadLetters,
    /// What the store said, where it failed: dead letters may be missing then, and what waits may not have
    /// been saved.
    pub store_error: Option<AlertStoreError>,
}

impl Undelivered {
    /// Whether all that was sent arrived, as far as can be known.
    pub fn is_empty(&self) -> bool {
        let Self { waiting, gathering, dead_letters, store_error } = self;
        waiting.is_empty() && *gathering == 0 && dead_letters.is_empty() && store_error.is_none()
    }
}

/// How long the store may take for an answer. One that takes longer is not available.
const STORE_TIME: Duration = Duration::from_secs(10);

/// The store's answer, or an error where there is none in time, or a panic in its place.
pub(crate) async fn in_time<T>(
    answer: impl Future<Output = Result<T, AlertStoreError>>,
) -> Result<T, AlertStoreError> {
    match panics::catch_async(timeout(STORE_TIME, answer)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(AlertStoreError::unavailable(format!("no answer within {STORE_TIME:?}"))),
        Err(panic) => Err(AlertStoreError::unavailable(format!("the store panicked: {panic}"))),
    }
}

impl Hub {
    pub(super) fn status(&self) -> HubStatus {
        let now = self.now();
        let (channels, gathering, escalations) = {
            let state = self.state.lock();
            let dispatcher = &state.dispatcher;
            (state.outbox.status(now), dispatcher.gathering(), dispatcher.escalations())
        };
        let (unsaved, unsaved_dropped, store_error) = Saving::status(&self.saving);
        HubStatus { channels, gathering, escalations, unsaved, unsaved_dropped, store_error }
    }

    /// What is left when delivering has stopped.
    pub(crate) async fn undelivered(&self) -> Undelivered {
        let (waiting, gathering) = {
            let state = self.state.lock();
            (state.outbox.waiting(), state.dispatcher.gathering())
        };
        let saved = self.save().await;
        let letters = in_time(self.saving.store().dead_letters()).await;
        let (dead_letters, unread) = letters
            .map_or_else(|error| (DeadLetters::default(), Some(error)), |letters| (letters, None));
        let store_error = saved.err().or(unread);
        Undelivered { waiting, gathering, dead_letters, store_error }
    }
}
