//! [`Log`]: the latest events, for who comes late; and the letters that are dead.

use std::collections::VecDeque;

use safeguards_types::Timestamp;
use smallvec::SmallVec;

use crate::event::{
    Cursor, DeadEvent, DeadEventReason, DeadEvents, Event, Gap, NewEvent, Subscribe, SubscribeError,
};

/// What a log dropped; to be dropped in turn where no lock is held.
pub(super) type Dropped = SmallVec<[Event; 2]>;

/// The latest events: so many, and so many bytes of their bodies as JSON.
#[derive(Debug)]
pub(super) struct Log {
    events: VecDeque<(Event, usize)>,
    bytes: usize,
    events_max: usize,
    bytes_max: usize,
    next_seq: u64,
}

impl Log {
    pub(super) const fn new(events_max: usize, bytes_max: usize) -> Self {
        Self { events: VecDeque::new(), bytes: 0, events_max, bytes_max, next_seq: 1 }
    }

    /// The number that the next event will have.
    pub(super) const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Adds the event that has the next number.
    pub(super) fn add(&mut self, event: Event, bytes: usize) -> Dropped {
        self.next_seq = self.next_seq.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        self.events.push_back((event, bytes));
        let mut dropped = Dropped::new();
        while (self.events.len() > self.events_max || self.bytes > self.bytes_max)
            && let Some((oldest, bytes)) = self.events.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(bytes);
            dropped.push(oldest);
        }
        dropped
    }

    /// What a new subscription begins with: what is no longer there, and what is.
    pub(super) fn replay(
        &self,
        wanted: &Subscribe,
    ) -> Result<(Option<Gap>, VecDeque<Event>), SubscribeError> {
        let next = self.next_seq;
        let oldest = self.events.front().map_or(next, |(event, _)| event.seq());
        let from = match wanted.cursor() {
            Cursor::Now => next,
            Cursor::Oldest => oldest,
            Cursor::Seq(seq) if seq > next => {
                return Err(SubscribeError::CursorAhead { seq, next });
            }
            Cursor::Seq(seq) => seq.max(1),
        };
        let gap = (from < oldest).then(|| Gap { from, to: oldest.saturating_sub(1) });
        let skipped = usize::try_from(from.saturating_sub(oldest)).unwrap_or(usize::MAX);
        let rest = self.events.iter().skip(skipped).map(|(event, _)| event);
        Ok((gap, rest.filter(|event| wanted.sees(event)).cloned().collect()))
    }
}

/// The events that could not be delivered: so many, and so many bytes of their bodies as JSON.
#[derive(Debug)]
pub(super) struct Dead {
    letters: VecDeque<(DeadEvent, usize)>,
    bytes: usize,
    dropped: u64,
    letters_max: usize,
    bytes_max: usize,
}

impl Dead {
    pub(super) const fn new(letters_max: usize, bytes_max: usize) -> Self {
        Self { letters: VecDeque::new(), bytes: 0, dropped: 0, letters_max, bytes_max }
    }

    pub(super) fn add(
        &mut self,
        event: NewEvent,
        bytes: usize,
        reason: DeadEventReason,
        at: Timestamp,
    ) -> SmallVec<[DeadEvent; 1]> {
        self.bytes = self.bytes.saturating_add(bytes);
        self.letters.push_back((DeadEvent::new(event, reason, at), bytes));
        let mut dropped = SmallVec::new();
        while (self.letters.len() > self.letters_max || self.bytes > self.bytes_max)
            && let Some((oldest, bytes)) = self.letters.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(bytes);
            self.dropped = self.dropped.saturating_add(1);
            dropped.push(oldest);
        }
        dropped
    }

    pub(super) fn read(&self) -> DeadEvents {
        let letters = self.letters.iter().map(|(letter, _)| letter.clone()).collect();
        DeadEvents { letters, dropped: self.dropped }
    }
}
