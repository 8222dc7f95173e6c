//! [`RunOptions`]: how one run is to be run.

use std::{fmt, sync::Arc, time::Duration};

use safeguards_types::{Amounts, OperationId, Timestamp};
use tokio_util::sync::CancellationToken;

use super::Guards;
use crate::{Observer, RunId};

/// How one run is to be run.
#[derive(Clone)]
pub struct RunOptions {
    pub(super) op: OperationId,
    pub(super) id: RunId,
    /// None: as long as [`RunOptions::WITHIN`], or what is left of the time that a run had which is resumed.
    pub(super) deadline: Option<Deadline>,
    pub(super) cancellation: CancellationToken,
    pub(super) observer: Option<Arc<dyn Observer>>,
    pub(super) guards: Guards,
    pub(super) budget: Option<Amounts>,
    pub(super) output_bytes_max: usize,
    pub(super) is_ledger_new: bool,
    pub(super) reruns: bool,
}

/// When a run has to be done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deadline {
    At(Timestamp),
    Within(Duration),
}

impl Deadline {
    /// The instant, for a run that begins at `started_at`.
    pub(super) fn of(self, started_at: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Within(span) => started_at.saturating_add(span),
        }
    }
}

impl RunOptions {
    /// How long a run may take unless it says otherwise.
    pub const WITHIN: Duration = Duration::from_mins(10);
    /// How many bytes an output may have, as compact JSON, unless the run says otherwise: 1 MiB.
    pub const OUTPUT_BYTES_MAX: usize = 1 << 20;

    /// A run that `op` names: the operations of its steps are derived from it. It is done within
    /// [`Self::WITHIN`].
    pub fn new(op: OperationId) -> Self {
        Self {
            op,
            id: RunId::of(op),
            deadline: None,
            cancellation: CancellationToken::new(),
            observer: None,
            guards: Guards::default(),
            budget: None,
            output_bytes_max: Self::OUTPUT_BYTES_MAX,
            is_ledger_new: false,
            reruns: false,
        }
    }

    /// Calls it by another name than [`RunId::of`] its operation.
    #[must_use]
    pub fn id(self, id: impl Into<RunId>) -> Self {
        Self { id: id.into(), ..self }
    }

    /// It has to be done at this instant.
    #[must_use]
    pub fn deadline(self, at: Timestamp) -> Self {
        Self { deadline: Some(Deadline::At(at)), ..self }
    }

    /// It has to be done so long after it began.
    #[must_use]
    pub fn within(self, span: Duration) -> Self {
        Self { deadline: Some(Deadline::Within(span)), ..self }
    }

    /// It is cancelled with this token.
    #[must_use]
    pub fn cancellation(self, token: CancellationToken) -> Self {
        Self { cancellation: token, ..self }
    }

    /// Tells `observer` what happens.
    #[must_use]
    pub fn observer(self, observer: impl Observer) -> Self {
        Self { observer: Some(Arc::new(observer)), ..self }
    }

    /// Sets what keeps it from going on for ever.
    #[must_use]
    pub fn guards(self, guards: Guards) -> Self {
        Self { guards, ..self }
    }

    /// Lets it have at most `steps` steps: one of its [guards](Self::guards).
    #[must_use]
    pub fn steps_max(mut self, steps: usize) -> Self {
        self.guards.steps_max = steps;
        self
    }

    /// Lets it spend at most `budget` in all, beside what its accounts may: a step whose estimate does not fit into
    /// what is left of that is denied. Units that are not named are not bounded. A run that is resumed has it anew,
    /// less what it spent before.
    #[must_use]
    pub fn budget(self, budget: impl Into<Amounts>) -> Self {
        Self { budget: Some(budget.into()), ..self }
    }

    /// Lets an output have at most `bytes` as compact JSON; a larger one is a failure of who gave it.
    #[must_use]
    pub fn output_bytes_max(self, bytes: usize) -> Self {
        Self { output_bytes_max: bytes, ..self }
    }

    /// Says, of a run that is resumed, that the ledger is another one than before and knows nothing of it, such as
    /// one in memory after a restart: what the run spent before is recorded in it first, and an attempt that was
    /// cut off may have begun, though the ledger knows of no hold.
    #[must_use]
    pub fn ledger_is_new(self) -> Self {
        Self { is_ledger_new: true, ..self }
    }

    /// Lets a run that is resumed do again what was interrupted or abandoned, be it that the agent does not say that
    /// it may be run again: whoever asks has looked at what it did. It is another attempt, and what was cut off is
    /// paid for as well: what is known that it drew, else its estimate.
    #[must_use]
    pub fn rerun_interrupted(self) -> Self {
        Self { reruns: true, ..self }
    }
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("RunOptions");
        out.field("op", &self.op).field("id", &self.id).field("deadline", &self.deadline);
        out.field("guards", &self.guards).field("budget", &self.budget).finish_non_exhaustive()
    }
}
