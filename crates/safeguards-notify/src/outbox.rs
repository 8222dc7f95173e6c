//! [`Outbox`]: what was sent, what waits for which channel, and what was given up on. Pure: it takes `now`.

use std::{collections::VecDeque, sync::Arc};

use safeguards_types::{OperationIds, Timestamp};

use crate::{
    Alert, AlertId, DeadLetter, DeadLetters, DeadReason, Delivery, DeliveryId, Notification,
};

/// How many are kept at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Alerts waiting for one channel, the one under way included.
    pub(crate) queue: usize,
    /// Alerts that were sent.
    pub(crate) history: usize,
    /// Dead letters.
    pub(crate) dead_letters: usize,
}

/// The state of one hub.
#[derive(Debug)]
pub(crate) struct Outbox {
    bounds: Bounds,
    ids: OperationIds,
    queues: Vec<Queue>,
    history: VecDeque<Arc<Alert>>,
    dead: DeadLetters,
}

#[derive(Debug)]
struct Queue {
    channel: Arc<str>,
    // The first is under way: it stays until its fate is known, so that a lost task loses nothing.
    waiting: VecDeque<Queued>,
}

#[derive(Clone, Debug)]
struct Queued {
    id: AlertId,
    alert: Arc<Alert>,
}

impl Outbox {
    /// An outbox for these channels; elsewhere a channel is named by its index here.
    pub(crate) fn new(bounds: Bounds, channels: impl Iterator<Item = Arc<str>>) -> Self {
        let queue = |channel| Queue { channel, waiting: VecDeque::new() };
        Self {
            bounds,
            ids: OperationIds::new(),
            queues: channels.map(queue).collect(),
            history: VecDeque::new(),
            dead: DeadLetters::default(),
        }
    }

    /// Takes an alert in: into the history, and into the queue of each channel.
    pub(crate) fn accept(&mut self, alert: Alert, now: Timestamp) -> (AlertId, Arc<Alert>) {
        let id = alert.id().unwrap_or_else(|| self.ids.mint(now).into());
        let alert = Arc::new(alert.stamp(id, now));
        self.history.push_back(Arc::clone(&alert));
        while self.history.len() > self.bounds.history {
            self.history.pop_front();
        }
        let queue_max = self.bounds.queue;
        for queue in &mut self.queues {
            let alert = Arc::clone(&alert);
            if queue.waiting.len() < queue_max {
                queue.waiting.push_back(Queued { id, alert });
            } else {
                let reason = DeadReason::QueueFull { queue_max };
                let letter = dead_letter(&queue.channel, alert, reason, now);
                self.dead.push(letter, self.bounds.dead_letters);
            }
        }
        (id, alert)
    }

    /// What is to be delivered to this channel next; the same until [`Outbox::finish`] ends it.
    pub(crate) fn next_delivery(&self, channel: usize) -> Option<Delivery> {
        let queue = self.queues.get(channel)?;
        let Queued { id, alert } = queue.waiting.front()?;
        let id = DeliveryId::of(*id, &queue.channel);
        let channel = Arc::clone(&queue.channel);
        Some(Delivery::new(Notification::new(id, channel, Arc::clone(alert))))
    }

    /// Ends a delivery: it arrived, or it is given up on. One that is no longer under way is passed over.
    pub(crate) fn finish(
        &mut self,
        channel: usize,
        delivery: DeliveryId,
        result: Result<(), DeadReason>,
        now: Timestamp,
    ) {
        let is_under_way = self.next_delivery(channel).is_some_and(|front| front.id() == delivery);
        let Some(queue) = self.queues.get_mut(channel).filter(|_| is_under_way) else {
            return;
        };
        let front = queue.waiting.pop_front();
        if let (Some(Queued { alert, .. }), Err(reason)) = (front, result) {
            let letter = DeadLetter { alert, channel: Arc::clone(&queue.channel), reason, at: now };
            self.dead.push(letter, self.bounds.dead_letters);
        }
    }

    /// Gives up on all that waits.
    pub(crate) fn stop(&mut self, now: Timestamp) {
        for queue in &mut self.queues {
            for Queued { alert, .. } in queue.waiting.drain(..) {
                let letter = dead_letter(&queue.channel, alert, DeadReason::Stopped, now);
                self.dead.push(letter, self.bounds.dead_letters);
            }
        }
    }

    /// The latest alerts, oldest first.
    pub(crate) fn history(&self) -> Vec<Arc<Alert>> {
        self.history.iter().cloned().collect()
    }

    /// What was given up on.
    pub(crate) fn dead_letters(&self) -> DeadLetters {
        self.dead.clone()
    }
}

fn dead_letter(
    channel: &Arc<str>,
    alert: Arc<Alert>,
    reason: DeadReason,
    now: Timestamp,
) -> DeadLetter {
    DeadLetter { alert, channel: Arc::clone(channel), reason, at: now }
}

#[cfg(test)]
mod tests {
    use safeguards_types::Severity;

    use super::*;
    use crate::topic;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn outbox(bounds: Bounds) -> Outbox {
        Outbox::new(bounds, ["ops", "mail"].into_iter().map(Arc::from))
    }

    fn small() -> Outbox {
        outbox(Bounds { queue: 2, history: 3, dead_letters: 2 })
    }

    fn send(outbox: &mut Outbox, message: &str) -> AlertId {
        let alert = Alert::new(Severity::Low, topic!("team.note"), message);
        outbox.accept(alert, NOW).0
    }

    fn next(outbox: &Outbox, channel: usize) -> Option<String> {
        let delivery = outbox.next_delivery(channel)?;
        Some(delivery.notification().first().message().to_owned())
    }

    fn finish(outbox: &mut Outbox, channel: usize, result: Result<(), DeadReason>) {
        let delivery = outbox.next_delivery(channel).unwrap();
        outbox.finish(channel, delivery.id(), result, NOW);
    }

    fn dead(outbox: &Outbox) -> Vec<String> {
        let letters = outbox.dead_letters().letters;
        letters.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_channel_goes_at_its_own_pace() {
        let mut outbox = small();
        send(&mut outbox, "one");
        send(&mut outbox, "two");
        finish(&mut outbox, 0, Ok(()));
        assert_eq!(next(&outbox, 0).as_deref(), Some("two"));
        assert_eq!(next(&outbox, 1).as_deref(), Some("one"));
        finish(&mut outbox, 0, Ok(()));
        assert_eq!(next(&outbox, 0), None);
        assert_eq!(next(&outbox, 7), None);
        assert!(outbox.dead_letters().is_empty());
    }

    #[test]
    fn a_full_queue_hurts_its_own_channel_alone() {
        let mut outbox = small();
        send(&mut outbox, "one");
        send(&mut outbox, "two");
        finish(&mut outbox, 1, Ok(()));
        send(&mut outbox, "three");
        assert_eq!(
            dead(&outbox),
            ["low  team.note: three (did not reach ops: its queue of 2 was full)"]
        );
        finish(&mut outbox, 1, Ok(()));
        assert_eq!(next(&outbox, 1).as_deref(), Some("three"));
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_is_dropped_is_counted() {
        let mut outbox = small();
        for message in ["one", "two", "three", "four"] {
            send(&mut outbox, message);
        }
        let history = outbox.history();
        let kept: Vec<_> = history.iter().map(|alert| alert.message()).collect();
        assert_eq!(kept, ["two", "three", "four"]);
        // Two channels, and a queue of two each: two alerts did not fit, twice.
        let letters = outbox.dead_letters();
        assert_eq!((letters.letters.len(), letters.dropped), (2, 2));
    }

    #[test]
    fn a_delivery_is_ended_once_and_only_while_it_is_under_way() {
        let mut outbox = small();
        send(&mut outbox, "one");
        send(&mut outbox, "two");
        let first = outbox.next_delivery(0).unwrap();
        let refused = || {
            let error = "no such mailbox".to_owned();
            Err(DeadReason::Refused { error })
        };
        outbox.finish(0, first.id(), refused(), NOW);
        outbox.finish(0, first.id(), refused(), NOW);
        assert_eq!(
            dead(&outbox),
            ["low  team.note: one (did not reach ops: refused: no such mailbox)"]
        );
        assert_eq!(next(&outbox, 0).as_deref(), Some("two"));
    }

    #[test]
    fn stopping_gives_up_on_all_that_waits() {
        let mut outbox = outbox(Bounds { queue: 9, history: 9, dead_letters: 9 });
        let ids = [send(&mut outbox, "one"), send(&mut outbox, "two")];
        finish(&mut outbox, 0, Ok(()));
        outbox.stop(NOW);
        let letters = outbox.dead_letters().letters;
        let brief: Vec<_> = letters
            .iter()
            .map(|letter| (letter.alert.id(), &*letter.channel, letter.reason.code()))
            .collect();
        let [one, two] = ids.map(Some);
        assert_eq!(
            brief,
            [
                (two, "ops", "notify.stopped"),
                (one, "mail", "notify.stopped"),
                (two, "mail", "notify.stopped"),
            ]
        );
        assert_eq!(next(&outbox, 0), None);
    }
}
