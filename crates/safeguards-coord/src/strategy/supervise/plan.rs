//! [`Plan`]: the subtasks of one run, remembered so that they are not read anew after every step.

use std::{fmt, sync::Arc};

use parking_lot::Mutex;
use serde_json::Value;

use super::Subtask;
use crate::{Task, strategy::fault::StrategyFault};

/// The subtasks of the run that was asked about last. It changes no answer, only how soon it comes.
#[derive(Clone, Default)]
pub(super) struct Plan {
    last: Arc<Mutex<Option<Known>>>,
}

/// Subtasks, and what they were made of.
type Known = (Origin, Arc<[Subtask]>);

/// What subtasks were made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The task, by a function.
    Task(Task),
    /// What an agent gave.
    Output(Value),
}

impl Plan {
    /// The subtasks made of this, which `make` makes where they are not known.
    pub(super) fn of(
        &self,
        origin: Origin,
        make: impl FnOnce() -> Result<Vec<Subtask>, StrategyFault>,
    ) -> Result<Arc<[Subtask]>, StrategyFault> {
        let known = self
            .last
            .lock()
            .as_ref()
            .filter(|(of, _)| *of == origin)
            .map(|(_, all)| Arc::clone(all));
        if let Some(known) = known {
            return Ok(known);
        }
        // Not under the lock: it calls a function of the user's.
        let subtasks: Arc<[Subtask]> = make()?.into();
        *self.last.lock() = Some((origin, Arc::clone(&subtasks)));
        Ok(subtasks)
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("plan")
    }
}
