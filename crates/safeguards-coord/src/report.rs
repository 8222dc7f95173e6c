//! [`Report`]: how a run and each of its steps ended, and what they cost.

use std::{fmt, sync::Arc, time::Duration};

use safeguards_budget::Denial;
use safeguards_discovery::Query;
use safeguards_types::{AccountId, AgentId, Amounts, OperationId, Timestamp};
use serde_json::Value;

use crate::{AttemptId, CostBasis, CostMismatch, Reason, RunId, State, StepId, context::PassedUp};

/// How a run ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Its name.
    pub run: RunId,
    /// The operation that it was run as; those of its steps are derived from it.
    pub op: OperationId,
    /// The team.
    pub team: String,
    /// The strategy's name.
    pub strategy: String,
    /// How it ended.
    pub state: State,
    /// Why; none where it succeeded.
    pub reason: Option<Reason>,
    /// What the team has to show; of a run that did not succeed what there is, if anything.
    pub output: Option<Value>,
    /// What all its steps spent.
    pub spent: Amounts,
    /// Its steps, in the order in which the strategy named them.
    pub steps: Vec<StepReport>,
    /// Which leg of the run this was, from 1: one more for each time that it was resumed.
    pub leg: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What the observer said if it panicked; it was told nothing after that.
    pub observer_panicked: Option<String>,
}

/// How a step ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StepReport {
    /// Its name.
    pub step: StepId,
    /// Who did it; none where it was given to nobody by name, and nobody was chosen.
    pub agent: Option<AgentId>,
    /// What was needed, where it was given to nobody by name.
    pub need: Option<Arc<Query>>,
    /// Who paid; none where there was nobody.
    pub account: Option<AccountId>,
    /// How many attempts there were; 0 where it was not begun.
    pub attempts: u32,
    /// How it ended.
    pub state: State,
    /// Why; none where it succeeded.
    pub reason: Option<Reason>,
    /// The denial, where a budget said no.
    pub denial: Option<Denial>,
    /// What the agent gave back, be it that the step did not succeed.
    pub output: Option<Value>,
    /// What people should know about it.
    pub notes: Vec<String>,
    /// The last lines of its log.
    pub log: Vec<String>,
    /// What was set aside for it.
    pub held: Amounts,
    /// What it spent.
    pub spent: Amounts,
    /// What that rests on.
    pub basis: CostBasis,
    /// That the agent said less than it had drawn.
    pub cost_mismatch: Option<CostMismatch>,
    /// What it passes up from what it delegated itself, where it did not succeed for that.
    pub(crate) passed_up: Option<Box<PassedUp>>,
    /// Which step it was delegated by, where it was.
    pub delegated_by: Option<StepId>,
    /// Whether it was done in an earlier leg of the run, and not again.
    pub is_reused: bool,
    /// When it was named; its agent began a little later.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: Duration,
}

impl StepReport {
    /// Its last attempt.
    pub(crate) fn last_attempt(&self) -> AttemptId {
        AttemptId { step: self.step.clone(), agent: self.agent.clone(), number: self.attempts }
    }

    pub(crate) fn new(
        id: &AttemptId,
        account: Option<&AccountId>,
        state: State,
        started_at: Timestamp,
    ) -> Self {
        Self {
            step: id.step.clone(),
            agent: id.agent.clone(),
            need: None,
            account: account.cloned(),
            attempts: id.number,
            state,
            reason: None,
            denial: None,
            output: None,
            notes: Vec::new(),
            log: Vec::new(),
            held: Amounts::none(),
            spent: Amounts::none(),
            basis: CostBasis::NotBegun,
            cost_mismatch: None,
            passed_up: None,
            delegated_by: None,
            is_reused: false,
            started_at,
            duration: Duration::ZERO,
        }
    }

    /// Whether the estimate was settled because nobody knows what it cost.
    pub const fn is_cost_unknown(&self) -> bool {
        matches!(self.basis, CostBasis::Estimate)
    }
}

impl fmt::Display for StepReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.step, self.state)?;
        if let Some(reason) = &self.reason {
            write!(out, " ({})", reason.code)?;
        }
        write!(out, ", spent {}", self.spent)?;
        if self.is_cost_unknown() {
            out.write_str(" (unknown cost: the estimate)")?;
        }
        Ok(())
    }
}
