//! Runs of teams.

use safeguards_coord::{self as coord, CostBasis, Reason, RunEntry, RunId, RunView, State, StepId};
use safeguards_types::{AccountId, AgentId, Amounts, OperationId, Timestamp};
use serde_json::Value;

use super::responses;
use crate::v2::forms;

responses! {
    /// How a run ended.
    ReportResponse {
        /// All of it.
        report: Report,
    }

    /// How a run ended, and each of its steps.
    Report {
        /// Which run.
        run: RunId,
        /// The operation that it began with.
        op: OperationId,
        /// The team.
        team: String,
        /// The strategy.
        strategy: String,
        /// How it ended: `succeeded`, `failed`, `denied`, `timed_out`, `cancelled`, and so on.
        state: State,
        /// Why, where it did not succeed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// What came out of it. Left out, nothing.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "forms::given")]
        output: Option<Value>,
        /// What it spent, by unit.
        spent: Amounts,
        /// Its steps, in the order in which they began.
        steps: Vec<StepReport>,
        /// How often it was gone on with, the first time counted.
        leg: u32,
        /// When it began, or was gone on with.
        started_at: Timestamp,
        /// When it ended.
        ended_at: Timestamp,
    }

    /// How a step ended.
    StepReport {
        /// Which step.
        step: StepId,
        /// Who did it. Left out where nobody was found.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<AgentId>,
        /// Which account paid. Left out where it never came to that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
        /// How often it was tried.
        attempts: u32,
        /// How it ended.
        state: State,
        /// Why, where it did not succeed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// What the ledger refused it with, as in a ledger line. Left out where it was not the ledger.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        denial: Option<Value>,
        /// What came out of it. Left out, nothing.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "forms::given")]
        output: Option<Value>,
        /// What it said besides.
        notes: Vec<String>,
        /// What was held for it, by unit.
        held: Amounts,
        /// What it spent, by unit.
        spent: Amounts,
        /// Where that is known from.
        basis: CostBasis,
        /// Whether it ended in a leg before, and was not done again.
        is_reused: bool,
    }

    /// A page of runs, by name.
    RunsResponse {
        /// The runs.
        runs: Vec<RunView>,
    }

    /// A run, if it is known.
    RunResponse {
        /// The run; `null` where none of this name is known.
        run: Option<RunView>,
    }

    /// A page of what was written down of a run, in order.
    RunEntriesResponse {
        /// The entries.
        entries: Vec<RunEntry>,
    }
}

impl From<coord::Report> for Report {
    fn from(report: coord::Report) -> Self {
        Self {
            run: report.run,
            op: report.op,
            team: report.team,
            strategy: report.strategy,
            state: report.state,
            reason: report.reason,
            output: report.output,
            spent: report.spent,
            steps: report.steps.into_iter().map(StepReport::from).collect(),
            leg: report.leg,
            started_at: report.started_at,
            ended_at: report.ended_at,
        }
    }
}

impl From<coord::StepReport> for StepReport {
    fn from(step: coord::StepReport) -> Self {
        Self {
            step: step.step,
            agent: step.agent,
            account: step.account,
            attempts: step.attempts,
            state: step.state,
            reason: step.reason,
            denial: step.denial.and_then(|denial| serde_json::to_value(denial).ok()),
            output: step.output,
            notes: step.notes,
            held: step.held,
            spent: step.spent,
            basis: step.basis,
            is_reused: step.is_reused,
        }
    }
}
