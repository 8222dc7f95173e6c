//! [`Queue`]: what is to be shown, on its way to the one thread that shows it. Putting in never waits.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use safeguards_budget::Account;
use safeguards_coord::{RunEvent, StepId};
use safeguards_types::Amounts;

/// How many bytes of progress and of logs wait at most: the rest is dropped. What changes state is kept.
const TALK_MAX: usize = 16 * 1024 * 1024;
/// What a line of it takes beside its text, about.
const LINE: usize = 256;

/// Something to show.
#[derive(Debug)]
pub(crate) enum Item {
    /// What happened.
    Event(Box<RunEvent>),
    /// What each step of a run that goes on had spent.
    Before(HashMap<StepId, Amounts>),
    /// How the team's account stands as the run begins or goes on.
    Stands(Box<Account>),
    /// A line of ours.
    Line(String),
    /// Text of an alert, with its line end.
    Alert(String),
    /// So many lines of progress and of logs stood here, and were dropped.
    Dropped(u64),
}

/// Whether a run can be understood without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// It cannot.
    News,
    /// It can: progress, and lines of logs. So many bytes of text.
    Talk(usize),
}

/// First in, first out.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<(Item, Weight)>,
    /// How many bytes of talk are in them.
    talk: usize,
    /// Whether talk is dropped: from where it is full up to where half of that is shown, so that what is dropped
    /// is dropped in long pieces.
    is_dropping: bool,
    is_closed: bool,
}

impl Queue {
    /// Puts something in; nothing after the end.
    pub(crate) fn push(&self, item: Item, weight: Weight) {
        let mut state = self.lock();
        if state.is_closed {
            return;
        }
        state.push(item, weight);
        drop(state);
        self.changed.notify_one();
    }

    /// Says that nothing more comes.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_one();
    }

    /// Takes the next one out, and waits for it; `None` after the last.
    pub(crate) fn pop(&self) -> Option<Item> {
        let mut state = self.lock();
        loop {
            if let Some(item) = state.pop() {
                return Some(item);
            }
            if state.is_closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, item: Item, weight: Weight) {
        let Weight::Talk(bytes) = weight else {
            self.items.push_back((item, weight));
            return;
        };
        let bound = if self.is_dropping { TALK_MAX / 2 } else { TALK_MAX };
        self.is_dropping = self.talk + LINE + bytes > bound;
        if !self.is_dropping {
            self.talk += LINE + bytes;
            self.items.push_back((item, weight));
        } else if let Some((Item::Dropped(count), _)) = self.items.back_mut() {
            *count += 1;
        } else {
            self.items.push_back((Item::Dropped(1), Weight::News));
        }
    }

    fn pop(&mut self) -> Option<Item> {
        let (item, weight) = self.items.pop_front()?;
        if let Weight::Talk(bytes) = weight {
            self.talk -= LINE + bytes;
        }
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A piece of talk of which so many fit.
    const PIECE: Weight = Weight::Talk(TALK_MAX / PIECES - LINE);
    const PIECES: usize = 8;

    fn push(queue: &Queue, weight: Weight) {
        let line = if weight == Weight::News { "news" } else { "talk" };
        queue.push(Item::Line(line.to_owned()), weight);
    }

    /// What comes out: lines, or how many were dropped.
    fn rest(queue: &Queue) -> Vec<String> {
        queue.close();
        let text = |item: Item| match item {
            Item::Dropped(count) => count.to_string(),
            Item::Line(line) => line,
            Item::Before(_) => "before".to_owned(),
            Item::Event(_) | Item::Alert(_) | Item::Stands(_) => unreachable!(),
        };
        std::iter::from_fn(|| queue.pop()).map(text).collect()
    }

    #[test]
    fn talk_beyond_the_bound_is_dropped_and_counted_where_it_stood() {
        let queue = Queue::default();
        for _ in 0..PIECES + 2 {
            push(&queue, PIECE);
        }
        for weight in [Weight::News, PIECE, Weight::News] {
            push(&queue, weight);
        }
        let came = rest(&queue);
        let (kept, after) = came.split_at(PIECES);
        assert_eq!(kept, ["talk"; PIECES]);
        assert_eq!(after, ["2", "news", "1", "news"]);
    }

    #[test]
    fn half_of_it_must_be_shown_before_more_is_kept() {
        let queue = Queue::default();
        for _ in 0..=PIECES {
            push(&queue, PIECE);
        }
        for _ in 0..PIECES / 2 {
            assert!(queue.pop().is_some());
            push(&queue, PIECE);
        }
        assert!(queue.pop().is_some());
        push(&queue, PIECE);
        assert_eq!(rest(&queue), ["talk", "talk", "talk", "5", "talk"]);
        push(&queue, Weight::News);
        assert!(queue.pop().is_none(), "it was closed");
    }
}
