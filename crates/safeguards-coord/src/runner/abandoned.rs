//! [`Abandoned`]: agents that were let go and may still be running.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::telemetry::AbandonedTelling;

/// How many agents were let go and are still running: shared by a runner and its clones.
#[derive(Clone, Debug, Default)]
pub(super) struct Abandoned(Arc<AtomicUsize>);

impl Abandoned {
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    /// Counts one until `ended` is over.
    pub(super) fn watch(&self, ended: impl Future<Output = ()> + Send + 'static) {
        self.0.fetch_add(1, Ordering::AcqRel);
        let one = (One(Arc::clone(&self.0)), AbandonedTelling::begin());
        tokio::spawn(async move {
            let _counted_until_the_end = one;
            ended.await;
        });
    }
}

/// One that is counted. Dropped, it is no longer.
struct One(Arc<AtomicUsize>);

impl Drop for One {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
