//! [`StrategyFault`]: why a strategy of ours ends a run as failed.

use safeguards_types::AgentId;

use crate::{Move, Policy, Reason, StepId};

/// Why one of the strategies here ends a run as failed. The code stands in the run's [`Reason`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StrategyFault {
    /// So many can never succeed, or none are needed.
    #[error("{policy} of {steps} steps cannot be; {}", can_be(*.steps))]
    BadQuorum {
        /// What was asked for.
        policy: Policy,
        /// How many steps there are.
        steps: usize,
    },
    /// There is nobody to give subtasks to.
    #[error("there is nobody to do subtasks: {why}")]
    NoWorkers {
        /// Why not.
        why: String,
    },
    /// Somebody who is to do subtasks is not in the team.
    #[error("worker {agent} is not in the team; in it are {team}")]
    WorkerNotInTeam {
        /// Who.
        agent: AgentId,
        /// Who is in the team.
        team: String,
    },
    /// What was to be a list of subtasks is none.
    #[error(
        "step {step} gave {got} instead of subtasks; a list, or an object with a list `subtasks`, is one"
    )]
    NoList {
        /// The step that was to decompose.
        step: StepId,
        /// What it gave.
        got: String,
    },
    /// There are no subtasks.
    #[error("the task was cut into no subtasks; there must be at least one")]
    NoSubtasks,
    /// There are more subtasks than are allowed.
    #[error("the task was cut into {count} subtasks; at most {max} are allowed")]
    TooManySubtasks {
        /// How many there are.
        count: usize,
        /// How many are allowed.
        max: usize,
    },
    /// A subtask is none.
    #[error("subtask {number} is none: {what}")]
    BadSubtask {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A subtask is for somebody who does none.
    #[error("subtask {number} is for {agent}, who is none of {workers}")]
    UnknownWorker {
        /// Which, from 1.
        number: usize,
        /// For whom.
        agent: AgentId,
        /// Who does subtasks.
        workers: String,
    },
    /// Nobody may vote.
    #[error("nobody may vote: there are no voters")]
    NoVoters,
    /// Opinions differ too much.
    #[error("no majority: {counts}; {needed}")]
    NoMajority {
        /// What got how many votes.
        counts: String,
        /// What would have been one.
        needed: String,
    },
    /// Too many voters failed.
    #[error("{votes} of {voters} voters can vote, and {needed} votes are needed: {why}")]
    TooFewVotes {
        /// How many votes there can be at most.
        votes: usize,
        /// How many were to vote.
        voters: usize,
        /// How many votes are needed.
        needed: usize,
        /// Who did not.
        why: String,
    },
    /// More votes are needed than there are voters.
    #[error("{needed} votes are needed, and {}", voters_there(*.voters))]
    TooFewVoters {
        /// How many are to vote.
        voters: usize,
        /// How many votes are needed.
        needed: usize,
    },
    /// A speaker hands over to somebody who is not in the team.
    #[error("step {step} hands over to {speaker}, who is not in the team; in it are {team}")]
    UnknownSpeaker {
        /// Who hands over.
        step: StepId,
        /// To whom.
        speaker: String,
        /// Who is in the team.
        team: String,
    },
    /// Whom a speaker hands over to cannot be told.
    #[error("step {step} does not say who speaks next: {what}")]
    UnclearSpeaker {
        /// Who hands over.
        step: StepId,
        /// What it said.
        what: String,
    },
}

impl StrategyFault {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadQuorum { .. } => "fan_out.bad_quorum",
            Self::NoWorkers { .. } => "supervisor.no_workers",
            Self::NoList { .. } => "supervisor.no_list",
            Self::NoSubtasks => "supervisor.no_subtasks",
            Self::TooManySubtasks { .. } => "supervisor.too_many_subtasks",
            Self::BadSubtask { .. } => "supervisor.bad_subtask",
            Self::WorkerNotInTeam { .. } | Self::UnknownWorker { .. } => {
                "supervisor.unknown_worker"
            }
            Self::NoVoters => "vote.no_voters",
            Self::NoMajority { .. } => "vote.no_majority",
            Self::TooFewVotes { .. } | Self::TooFewVoters { .. } => "vote.too_few_votes",
            Self::UnknownSpeaker { .. } => "hand_over.unknown_speaker",
            Self::UnclearSpeaker { .. } => "hand_over.unclear_speaker",
        }
    }

    /// The end of a run because of this, with what there is to show all the same.
    pub(super) fn fail(&self, output: Option<serde_json::Value>) -> Move {
        Move::Fail { reason: Reason::new(self.code(), self.to_string()), output }
    }
}

fn voters_there(voters: usize) -> String {
    if voters == 1 { "there is 1 voter".to_owned() } else { format!("there are {voters} voters") }
}

fn can_be(steps: usize) -> String {
    match steps {
        0 => "there is nothing to do".to_owned(),
        1 => "1 can".to_owned(),
        _ => format!("from 1 to {steps} can"),
    }
}

/// How many names a message lists.
const LISTED_MAX: usize = 20;

/// Names for a message: `a, b and 3 more`.
pub(super) fn listed(names: impl IntoIterator<Item = impl ToString>) -> String {
    let mut names = names.into_iter();
    let told: Vec<String> = names.by_ref().take(LISTED_MAX).map(|name| name.to_string()).collect();
    match (told.is_empty(), names.count()) {
        (true, _) => "nobody".to_owned(),
        (false, 0) => told.join(", "),
        (false, more) => format!("{} and {more} more", told.join(", ")),
    }
}

/// How much of a text that others wrote is told.
const TOLD_CHARS: usize = 80;

/// The beginning of a text that others wrote.
pub(super) fn told(text: &str) -> String {
    match text.char_indices().nth(TOLD_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
