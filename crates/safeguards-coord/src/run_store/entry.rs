//! What is written down of a run: [`RunHead`], and [`RunEntry`] after [`RunEntry`].

use std::{fmt, sync::Arc, time::Duration};

use safeguards_discovery::Query;
use safeguards_types::{AccountId, AgentId, Amounts, OperationId, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::{CostBasis, CostMismatch, Reason, RunId, State, StepId, Task};

/// How a run began: what it is, and all that is needed to begin it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RunHead {
    /// Its name.
    pub run: RunId,
    /// The operation that it is run as; those of its steps are derived from it.
    pub op: OperationId,
    /// The team.
    pub team: String,
    /// The account that all its spending counts at.
    pub pool: AccountId,
    /// The strategy's name.
    pub strategy: String,
    /// The team's agents, in order.
    pub agents: Vec<AgentId>,
    /// What was to be done.
    pub task: Task,
    /// When it began.
    pub started_at: Timestamp,
    /// When it had to be done.
    pub deadline: Timestamp,
}

/// Something that happened in a run, as it is written down.
///
/// In JSON an object with `type`: `intent`, `outcome`, `taken_over` or `ended`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunEntry {
    /// An attempt is about to begin.
    Intent(Box<Intent>),
    /// An attempt ended, or a step that was not begun.
    Outcome(Box<Outcome>),
    /// A runner took the run over, and goes on.
    TakenOver {
        /// The leg that begins.
        leg: u32,
        /// Which operation took it over: two that do at one instant are told apart.
        by: OperationId,
        /// When.
        at: Timestamp,
    },
    /// The run ended.
    Ended(Box<RunEnd>),
}

/// What there is one entry of in a leg of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EntryKey {
    /// The intent of an attempt of a step.
    Intent(StepId, u32),
    /// The outcome of an attempt of a step.
    Outcome(StepId, u32),
    /// The taking over that began the leg.
    TakenOver,
    /// The end.
    Ended,
}

impl fmt::Display for EntryKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Intent(step, attempt) => {
                write!(out, "the intent of step {step}, attempt {attempt}")
            }
            Self::Outcome(step, attempt) => {
                write!(out, "the outcome of step {step}, attempt {attempt}")
            }
            Self::TakenOver => out.write_str("the taking over"),
            Self::Ended => out.write_str("the end"),
        }
    }
}

impl RunEntry {
    /// What there is one of in a leg, of which this is that one.
    pub fn key(&self) -> EntryKey {
        match self {
            Self::Intent(intent) => EntryKey::Intent(intent.step.clone(), intent.attempt),
            Self::Outcome(outcome) => EntryKey::Outcome(outcome.step.clone(), outcome.attempt),
            Self::TakenOver { .. } => EntryKey::TakenOver,
            Self::Ended(_) => EntryKey::Ended,
        }
    }
}

/// An attempt that is about to begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Intent {
    /// Of which step.
    pub step: StepId,
    /// Its number, from 1.
    pub attempt: u32,
    /// Who does it.
    pub agent: AgentId,
    /// What was needed, where it was given to nobody by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<Arc<Query>>,
    /// Which step it was delegated by, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegated_by: Option<StepId>,
    /// Who pays.
    pub account: AccountId,
    /// What is to be done.
    pub task: Task,
    /// What is to be held.
    pub hold: Amounts,
    /// When: the operations of the attempt take their time from this.
    pub at: Timestamp,
}

/// How an attempt ended, or a step that was not begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Outcome {
    /// Of which step.
    pub step: StepId,
    /// Its number, from 1; 0 for a step that was not begun.
    pub attempt: u32,
    /// Who did it; none where nobody was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// The how manieth end of a step this is in the run's leg, from 0, as the strategy was told; none where
    /// another attempt follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<u64>,
    /// How it ended.
    pub state: State,
    /// Why; none where it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The denial, where a budget said no, as the ledger's wire form has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denial: Option<Value>,
    /// What the agent gave back.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub output: Option<Value>,
    /// What people should know about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The last lines of its log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// What was set aside for it.
    pub held: Amounts,
    /// What it spent.
    pub spent: Amounts,
    /// What that rests on.
    pub basis: CostBasis,
    /// That the agent said less than it had drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_mismatch: Option<CostMismatch>,
    /// When it was named; its agent began a little later.
    pub started_at: Timestamp,
    /// How long it took.
    #[serde(rename = "duration_ns", serialize_with = "to_nanos", deserialize_with = "of_nanos")]
    pub duration: Duration,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunEnd {
    /// How.
    pub state: State,
    /// Why; none where it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What the team has to show.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub output: Option<Value>,
    /// What all its steps spent, in all legs.
    pub spent: Amounts,
    /// When.
    pub at: Timestamp,
}

/// A `null` that stands there is a value, unlike one that is missing.
fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// To the nanosecond, so that what is read is what was written.
fn to_nanos<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
}

fn of_nanos<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_nanos)
}
