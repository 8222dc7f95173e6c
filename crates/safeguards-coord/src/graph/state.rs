//! [`TaskState`], [`TaskCounts`], [`OnFailure`]: how far tasks are.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskState {
    /// Something is missing: [`TaskGraph::missing`](crate::TaskGraph::missing) says what.
    Waiting,
    /// It may begin.
    Ready,
    /// It has begun.
    Running,
    /// It is done.
    Succeeded,
    /// It went wrong, or was given up.
    Failed,
    /// It will not be done, because of one that failed.
    Skipped,
}

impl TaskState {
    /// The name as it stands in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// Whether it has not begun, and may yet.
    pub const fn is_to_come(self) -> bool {
        matches!(self, Self::Waiting | Self::Ready)
    }

    /// Whether it is over.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Skipped)
    }

    /// Whether it is over, and what depends on it cannot begin.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Skipped)
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// How many tasks are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskCounts {
    /// Something is missing.
    pub waiting: u32,
    /// They may begin.
    pub ready: u32,
    /// They have begun.
    pub running: u32,
    /// They are done.
    pub succeeded: u32,
    /// They went wrong.
    pub failed: u32,
    /// They will not be done.
    pub skipped: u32,
}

impl TaskCounts {
    /// How many there are in all.
    pub const fn total(&self) -> u32 {
        let Self { waiting, ready, running, succeeded, failed, skipped } = *self;
        let to_come = waiting.saturating_add(ready).saturating_add(running);
        to_come.saturating_add(succeeded).saturating_add(failed).saturating_add(skipped)
    }

    /// How many are over.
    pub const fn ended(&self) -> u32 {
        self.succeeded.saturating_add(self.failed).saturating_add(self.skipped)
    }

    pub(super) const fn add(&mut self, state: TaskState) {
        let count = self.of(state);
        *count = count.saturating_add(1);
    }

    pub(super) const fn take(&mut self, state: TaskState) {
        let count = self.of(state);
        *count = count.saturating_sub(1);
    }

    const fn of(&mut self, state: TaskState) -> &mut u32 {
        match state {
            TaskState::Waiting => &mut self.waiting,
            TaskState::Ready => &mut self.ready,
            TaskState::Running => &mut self.running,
            TaskState::Succeeded => &mut self.succeeded,
            TaskState::Failed => &mut self.failed,
            TaskState::Skipped => &mut self.skipped,
        }
    }
}

/// What becomes of those that depend on a task that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnFailure {
    /// They are skipped, and what depends on them, and so on: each once. All ends some day.
    #[default]
    Skip,
    /// They wait: the task may be tried again, or they may be freed of it.
    Block,
}
