//! [`StateWatch`]: each change of some keys, as an agent may see it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use safeguards_discovery::Revision;
use safeguards_types::{AgentId, Clock};
use tokio::time::sleep;

use super::{StateChange, StateError, StateScope};
use crate::StateStore;

/// How many changes are read at a time.
const PAGE: usize = 256;
/// How long is waited at least for a key's end: a store's clock may be behind.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// Each change of some keys, one after the other, as an agent may see it: [`SharedState::watch`](super::SharedState::watch)
/// gives one. While somebody waits here, keys whose time runs out are swept up.
///
/// ```
/// use safeguards_coord::{Revision, SharedState, StateError, StateScope};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), StateError> {
/// let state = SharedState::in_memory();
/// let mut jobs = state.watch("board", StateScope::prefix("jobs/"), Revision::ZERO);
/// state.set("worker", "jobs/1", "running").await?;
/// state.set("worker", "other", 1).await?;
/// state.delete("worker", "jobs/1").await?;
///
/// assert_eq!(jobs.next().await?.kind.entry().map(|entry| &*entry.value), Some(&"running".into()));
/// assert!(jobs.next().await?.kind.entry().is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct StateWatch {
    store: Arc<dyn StateStore>,
    clock: Arc<dyn Clock>,
    agent: AgentId,
    scope: StateScope,
    read: VecDeque<StateChange>,
    /// All changes until here were read.
    next: Revision,
}

impl StateWatch {
    pub(super) const fn new(
        store: Arc<dyn StateStore>,
        clock: Arc<dyn Clock>,
        agent: AgentId,
        scope: StateScope,
        from: Revision,
    ) -> Self {
        Self { store, clock, agent, scope, read: VecDeque::new(), next: from }
    }

    /// The next change; waits for it. Where it is dropped, no change is lost. Within a Tokio runtime with a timer.
    ///
    /// # Errors
    ///
    /// [`StateError::Lagged`] where changes are kept no more that were not read: said once, then it goes on with the oldest
    /// that is kept; read what is there. Where the revision to begin from has not been yet, or the store fails.
    pub async fn next(&mut self) -> Result<StateChange, StateError> {
        loop {
            if let Some(change) = self.read.pop_front() {
                return Ok(change);
            }
            match self.store.changes(&self.agent, &self.scope, self.next, PAGE).await {
                Ok(changes) => {
                    self.next = changes.next;
                    self.read.extend(changes.changes);
                }
                Err(error) => {
                    if let StateError::Lagged { oldest, .. } = error {
                        self.next = oldest;
                    }
                    return Err(error);
                }
            }
            if self.read.is_empty() {
                self.wait().await?;
            }
        }
    }

    /// Waits until something changes, or a key's time runs out.
    async fn wait(&self) -> Result<(), StateError> {
        let end = self.store.sweep().await?;
        let changed = self.store.changed(&self.scope, self.next);
        let waited = match end {
            None => changed.await,
            Some(end) => {
                let span = end.since(self.clock.now()).max(WAIT_MIN);
                tokio::select! {
                    biased;
                    waited = changed => waited,
                    () = sleep(span) => return Ok(()),
                }
            }
        };
        match waited {
            // The next look at the changes says so.
            Err(StateError::Lagged { .. }) => Ok(()),
            waited => waited,
        }
    }
}
