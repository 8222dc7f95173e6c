//! [`Waiters`]: who waits until what was done in memory is on the disk. One deed takes all of them along.

use std::mem;

use tokio::sync::oneshot;

use super::Pen;
use crate::error::{Fault, NotWritten};

/// Who waits until all that was done in memory up to now is on the disk.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    all: Vec<oneshot::Sender<Result<(), Fault>>>,
    /// Whether a deed that takes them along was handed over, and has not begun.
    is_queued: bool,
}

/// A place among those who wait.
#[derive(Debug)]
pub(crate) struct Place {
    told: oneshot::Receiver<Result<(), Fault>>,
    /// Whether a deed has to be handed over: none is queued.
    pub(crate) is_first: bool,
}

impl Waiters {
    /// One more of them. Where theirs is the first place, they have a deed to hand over.
    pub(crate) fn join(&mut self) -> Place {
        let (tell, told) = oneshot::channel();
        self.all.push(tell);
        Place { told, is_first: !mem::replace(&mut self.is_queued, true) }
    }

    /// Those whom a deed that begins takes along.
    pub(crate) fn take(&mut self) -> Self {
        mem::take(self)
    }

    /// Tells all how it ended, and gives how many they are.
    pub(crate) fn tell(self, end: &Result<(), Fault>) -> u64 {
        let mut count = 0_u64;
        for tell in self.all {
            // Nobody waits any more where this is not taken.
            let _: Result<(), _> = tell.send(end.clone());
            count = count.saturating_add(1);
        }
        count
    }
}

impl Place {
    /// Waits until it is on the disk.
    pub(crate) async fn told(self, pen: &Pen) -> Result<(), NotWritten> {
        pen.is_asked();
        match self.told.await {
            Ok(end) => end.map_err(NotWritten::Unknown),
            Err(_) => Err(pen.unknown()),
        }
    }
}
