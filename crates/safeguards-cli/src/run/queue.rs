//! [`Queue`]: what is to be shown, on its way to the one thread that shows it. Putting in never waits.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use safeguards_coord::RunEvent;

/// How many lines of progress and of logs wait at most: the rest is dropped. What changes state is kept.
const LINES_MAX: usize = 1_024;

/// Something to show.
#[derive(Debug)]
pub(crate) enum Item {
    /// What happened.
    Event(Box<RunEvent>),
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
    /// It can: progress, and lines of logs.
    Talk,
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
    /// How many of them are talk.
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
        if weight == Weight::News {
            self.items.push_back((item, weight));
            return;
        }
        let bound = if self.is_dropping { LINES_MAX / 2 } else { LINES_MAX };
        self.is_dropping = self.talk >= bound;
        if !self.is_dropping {
            self.talk += 1;
            self.items.push_back((item, weight));
        } else if let Some((Item::Dropped(count), _)) = self.items.back_mut() {
            *count += 1;
        } else {
            self.items.push_back((Item::Dropped(1), Weight::News));
        }
    }

    fn pop(&mut self) -> Option<Item> {
        let (item, weight) = self.items.pop_front()?;
        self.talk -= usize::from(weight == Weight::Talk);
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(queue: &Queue, weight: Weight) {
        queue.push(Item::Line(format!("{weight:?}")), weight);
    }

    /// What comes out: lines, or how many were dropped.
    fn rest(queue: &Queue) -> Vec<String> {
        queue.close();
        let text = |item: Item| match item {
            Item::Dropped(count) => count.to_string(),
            Item::Line(line) => line,
            Item::Event(_) | Item::Alert(_) => unreachable!(),
        };
        std::iter::from_fn(|| queue.pop()).map(text).collect()
    }

    #[test]
    fn talk_beyond_the_bound_is_dropped_and_counted_where_it_stood() {
        let queue = Queue::default();
        for _ in 0..LINES_MAX + 2 {
            push(&queue, Weight::Talk);
        }
        push(&queue, Weight::News);
        push(&queue, Weight::Talk);
        push(&queue, Weight::News);
        let came = rest(&queue);
        let (kept, after) = came.split_at(LINES_MAX);
        assert!(kept.iter().all(|line| line == "Talk"));
        assert_eq!(after, ["2", "News", "1", "News"]);
    }

    #[test]
    fn half_of_it_must_be_shown_before_more_is_kept() {
        let queue = Queue::default();
        for _ in 0..=LINES_MAX {
            push(&queue, Weight::Talk);
        }
        for _ in 0..LINES_MAX / 2 {
            assert!(queue.pop().is_some());
            push(&queue, Weight::Talk);
        }
        assert!(queue.pop().is_some());
        push(&queue, Weight::Talk);
        let came = rest(&queue);
        let (kept, after) = came.split_at(LINES_MAX / 2 - 1);
        assert!(kept.iter().all(|line| line == "Talk"));
        assert_eq!(after, [(LINES_MAX / 2 + 1).to_string(), "Talk".to_owned()]);
        push(&queue, Weight::News);
        assert!(queue.pop().is_none(), "it was closed");
    }
}
