//! [`Outbox`]: the lanes of a hub, one for each channel. Pure: it takes `now`.

use std::{collections::HashMap, sync::Arc};

use safeguards_types::Timestamp;

use crate::{
    AlertChange, ChannelOptions, ChannelStatus, DeadLetter, DeadReason, DeliveryId, Notification,
    lane::{Ended, Failure, Lane, Next},
};

/// The lanes of a hub, in the order in which channels were added; elsewhere a channel is named by its index
/// here.
#[derive(Debug)]
pub(crate) struct Outbox {
    lanes: Vec<Lane>,
    indexes: HashMap<Arc<str>, usize>,
}

impl Outbox {
    pub(crate) fn new(channels: impl Iterator<Item = (Arc<str>, ChannelOptions)>) -> Self {
        let lanes: Vec<Lane> =
            channels.map(|(channel, options)| Lane::new(channel, options)).collect();
        let named = lanes.iter().enumerate();
        let indexes = named.map(|(index, lane)| (Arc::clone(&lane.channel), index)).collect();
        Self { lanes, indexes }
    }

    /// Takes in a notification, and says in `changes` what became of it. Gives the lane that has news.
    pub(crate) fn queue(
        &mut self,
        notification: Arc<Notification>,
        now: Timestamp,
        changes: &mut Vec<AlertChange>,
    ) -> Option<usize> {
        let queued = AlertChange::Queued(Arc::clone(&notification));
        match self.push(notification, now) {
            Ok(index) => {
                changes.push(queued);
                Some(index)
            }
            Err(letter) => {
                changes.push(AlertChange::GivenUp(letter));
                None
            }
        }
    }

    /// Takes in a notification that was queued before a restart.
    pub(crate) fn restore(
        &mut self,
        notification: Arc<Notification>,
        now: Timestamp,
        changes: &mut Vec<AlertChange>,
    ) {
        if let Err(letter) = self.push(notification, now) {
            changes.push(AlertChange::GivenUp(letter));
        }
    }

    fn push(
        &mut self,
        notification: Arc<Notification>,
        now: Timestamp,
    ) -> Result<usize, DeadLetter> {
        let index = self.indexes.get(notification.channel()).copied();
        match index.and_then(|index| Some((index, self.lanes.get_mut(index)?))) {
            Some((index, lane)) => lane.push(notification, now).map(|()| index),
            None => Err(DeadLetter::new(notification, DeadReason::NoChannel, now)),
        }
    }

    /// What to do for this channel now. What waited too long is given up on.
    pub(crate) fn next(
        &mut self,
        lane: usize,
        now: Timestamp,
        changes: &mut Vec<AlertChange>,
    ) -> Next {
        let Some(lane) = self.lanes.get_mut(lane) else {
            return Next::Nothing;
        };
        let mut given_up = Vec::new();
        let next = lane.next(now, &mut given_up);
        changes.extend(given_up.into_iter().map(AlertChange::GivenUp));
        next
    }

    /// Ends an attempt. One that is no longer under way is passed over.
    pub(crate) fn finish(
        &mut self,
        lane: usize,
        id: DeliveryId,
        result: Result<(), Failure>,
        now: Timestamp,
    ) -> Option<AlertChange> {
        Some(match self.lanes.get_mut(lane)?.finish(id, result, now)? {
            Ended::Arrived(id) => AlertChange::Delivered { id },
            Ended::GivenUp(letter) => AlertChange::GivenUp(letter),
        })
    }

    /// What is not delivered, channel by channel.
    pub(crate) fn waiting(&self) -> Vec<Arc<Notification>> {
        self.lanes.iter().flat_map(Lane::waiting).cloned().collect()
    }

    pub(crate) fn status(&self, now: Timestamp) -> Vec<ChannelStatus> {
        self.lanes.iter().map(|lane| lane.status(now)).collect()
    }

    /// Whether this notification waits already.
    pub(crate) fn holds(&self, notification: &Notification) -> bool {
        self.lanes
            .iter()
            .filter(|lane| lane.channel == *notification.channel())
            .any(|lane| lane.waiting().any(|waiting| waiting.id() == notification.id()))
    }

    /// Whether there is a channel of this name.
    pub(crate) fn knows(&self, channel: &str) -> bool {
        self.indexes.contains_key(channel)
    }
}
