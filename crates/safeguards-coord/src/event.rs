//! What happens in a run, as it happens: [`RunEvent`], told to an [`Observer`].

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use safeguards_budget::{Denial, Receipt};
use safeguards_discovery::Query;
use safeguards_types::{AccountId, AgentId, Amounts, Clock, Timestamp};
use serde::{Serialize, Serializer};

use crate::{CostBasis, CostMismatch, Reason, RunId, State, StepId, panics::panic_text, telemetry};

/// Is told what happens in a run, while it happens. Every closure that takes a [`RunEvent`] is one.
///
/// A trait and no bare closure type, so that a value with state of its own (a terminal, a channel's sender)
/// can be one by name.
///
/// # Contract
///
/// - `observe` returns soon and never blocks: the step that it is told about waits for it.
/// - Events of one step come in order; those of steps that run side by side come from several threads.
pub trait Observer: Send + Sync + 'static {
    /// Something happened.
    fn observe(&self, event: &RunEvent);
}

impl<F: Fn(&RunEvent) + Send + Sync + 'static> Observer for F {
    fn observe(&self, event: &RunEvent) {
        self(event);
    }
}

/// Something that happened in a run.
///
/// In JSON one object: `type`, `run`, where it is about a step `step`, `agent` and `attempt`, then `at` and
/// the keys of the fact.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunEvent {
    /// In which run.
    pub run: RunId,
    /// In which attempt of which step; none where it is about the run.
    pub attempt: Option<AttemptId>,
    /// When.
    pub at: Timestamp,
    /// What.
    pub fact: RunFact,
}

/// Names one attempt within a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AttemptId {
    /// Of which step.
    pub step: StepId,
    /// By whom; none where nobody was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// Its number, from 1; 0 for a step that was not begun.
    #[serde(rename = "attempt")]
    pub number: u32,
}

/// What happened.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum RunFact {
    /// A run began.
    RunStarted {
        /// The team.
        team: String,
        /// The account that all its spending counts at.
        pool: AccountId,
        /// The strategy's name.
        strategy: String,
        /// The team's agents, in order.
        agents: Vec<AgentId>,
        /// When it ends at the latest, but for the grace of what is running then.
        deadline: Timestamp,
    },
    /// A run that was cut off, or had ended without success, goes on; it follows [`RunFact::RunStarted`].
    RunResumed {
        /// Which leg begins.
        leg: u32,
        /// How many steps have ended, and are not done again.
        reused: usize,
    },
    /// Somebody was chosen to do a step that was given to nobody by name.
    Chosen {
        /// By what was needed.
        need: Arc<Query>,
    },
    /// An attempt of a step began.
    StepStarted {
        /// When it has to be done.
        deadline: Timestamp,
        /// Which step delegated it, where one did.
        #[serde(skip_serializing_if = "Option::is_none")]
        delegated_by: Option<StepId>,
    },
    /// Money was set aside for it.
    Held {
        /// How much.
        amounts: Amounts,
        /// What the ledger answered.
        receipt: Receipt,
    },
    /// A budget said no.
    Denied {
        /// With these numbers.
        denial: Denial,
    },
    /// The agent told how far it is.
    Progressed {
        /// In words.
        text: String,
        /// What it has drawn so far.
        drawn: Amounts,
    },
    /// The agent wrote a line into its log.
    Logged {
        /// The line.
        line: String,
    },
    /// What it cost is written down.
    Settled {
        /// How much.
        amounts: Amounts,
        /// What that rests on.
        basis: CostBasis,
        /// That it said less than it had drawn.
        #[serde(skip_serializing_if = "Option::is_none")]
        cost_mismatch: Option<CostMismatch>,
        /// What the ledger answered.
        receipt: Receipt,
    },
    /// An attempt ended, and another one follows.
    Retrying {
        /// Why it did not do.
        reason: Reason,
        /// What it spent.
        spent: Amounts,
        /// How long until the next one.
        #[serde(rename = "wait_ms", serialize_with = "milliseconds")]
        wait: Duration,
    },
    /// A step ended, or will not be begun.
    StepEnded {
        /// How.
        state: State,
        /// Why; none where it succeeded.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// What it spent.
        spent: Amounts,
        /// How long it took.
        #[serde(rename = "duration_ms", serialize_with = "milliseconds")]
        duration: Duration,
        /// That it ended in an earlier leg of the run, and was not done again.
        #[serde(skip_serializing_if = "is_false")]
        reused: bool,
    },
    /// The run ended.
    RunEnded {
        /// How.
        state: State,
        /// Why; none where it succeeded.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// What all its steps spent.
        spent: Amounts,
    },
}

impl RunFact {
    /// The name that stands as `type` in JSON.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::RunStarted { .. } => "run_started",
            Self::RunResumed { .. } => "run_resumed",
            Self::Chosen { .. } => "chosen",
            Self::StepStarted { .. } => "step_started",
            Self::Held { .. } => "held",
            Self::Denied { .. } => "denied",
            Self::Progressed { .. } => "progressed",
            Self::Logged { .. } => "logged",
            Self::Settled { .. } => "settled",
            Self::Retrying { .. } => "retrying",
            Self::StepEnded { .. } => "step_ended",
            Self::RunEnded { .. } => "run_ended",
        }
    }
}

impl Serialize for RunEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Line<'event> {
            r#type: &'static str,
            run: &'event RunId,
            #[serde(flatten)]
            attempt: &'event Option<AttemptId>,
            at: Timestamp,
            #[serde(flatten)]
            fact: &'event RunFact,
        }
        let Self { run, attempt, at, fact } = self;
        let line = Line { r#type: fact.kind(), run, attempt, at: *at, fact };
        line.serialize(serializer)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

fn milliseconds<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

/// Tells an observer, and outlives its panics.
pub(crate) struct Emitter {
    run: RunId,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn Observer>>,
    /// What the observer said when it panicked first; it is told nothing more after that.
    panicked: Mutex<Option<String>>,
}

impl Emitter {
    pub(crate) fn new(
        run: RunId,
        clock: Arc<dyn Clock>,
        observer: Option<Arc<dyn Observer>>,
    ) -> Self {
        Self { run, clock, observer, panicked: Mutex::new(None) }
    }

    pub(crate) fn emit(&self, attempt: Option<&AttemptId>, fact: RunFact) {
        telemetry::tell(&self.run, attempt, &fact);
        let Some(observer) = &self.observer else {
            return;
        };
        if self.panicked.lock().is_some() {
            return;
        }
        let event = RunEvent {
            run: self.run.clone(),
            attempt: attempt.cloned(),
            at: self.clock.now(),
            fact,
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| observer.observe(&event))) {
            *self.panicked.lock() = Some(panic_text(&*panic));
        }
    }

    /// What the observer said if it panicked.
    pub(crate) fn panicked(&self) -> Option<String> {
        self.panicked.lock().clone()
    }
}

impl fmt::Debug for Emitter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Emitter");
        out.field("run", &self.run).finish_non_exhaustive()
    }
}
