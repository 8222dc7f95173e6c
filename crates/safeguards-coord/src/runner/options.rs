//! [`RunOptions`]: how one run is to be run.

use std::{fmt, sync::Arc, time::Duration};

use safeguards_types::{OperationId, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::{Observer, RunId};

/// How one run is to be run.
#[derive(Clone)]
pub struct RunOptions {
    pub(super) op: OperationId,
    pub(super) id: RunId,
    pub(super) deadline: Deadline,
    pub(super) cancellation: CancellationToken,
    pub(super) observer: Option<Arc<dyn Observer>>,
    pub(super) steps_max: usize,
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
    /// How many steps a run may have unless it says otherwise.
    pub const STEPS_MAX: usize = 10_000;

    /// A run that `op` names: the operations of its steps are derived from it. It is done within
    /// [`Self::WITHIN`].
    pub fn new(op: OperationId) -> Self {
        Self {
            op,
            id: RunId::of(op),
            deadline: Deadline::Within(Self::WITHIN),
            cancellation: CancellationToken::new(),
            observer: None,
            steps_max: Self::STEPS_MAX,
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
        Self { deadline: Deadline::At(at), ..self }
    }

    /// It has to be done so long after it began.
    #[must_use]
    pub fn within(self, span: Duration) -> Self {
        Self { deadline: Deadline::Within(span), ..self }
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

    /// Lets it have at most `steps` steps.
    #[must_use]
    pub fn steps_max(self, steps: usize) -> Self {
        Self { steps_max: steps, ..self }
    }
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("RunOptions");
        out.field("op", &self.op).field("id", &self.id).field("deadline", &self.deadline);
        out.field("steps_max", &self.steps_max).finish_non_exhaustive()
    }
}
