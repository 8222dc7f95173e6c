//! `strategy`, and the table of its name: how a task is cut into steps.

mod graph;
mod kind;
mod reading;
#[cfg(test)]
mod tests;
mod words;

use std::sync::Arc;

use safeguards_coord::{
    Choice, FanOut, Graph, HandOver, MapReduce, Pipeline, Policy, Strategy, Supervise, Vote,
};
use safeguards_types::AgentId;
use serde_json::Value;

use self::graph::graph_of;
pub(super) use self::{
    kind::{Kind, read_kind},
    reading::{policy_at, read},
};
use super::TeamSpec;

/// How a task is cut into steps, with all that the file says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StrategySpec {
    /// The output of one agent is the input of the next, in the order written.
    Pipeline,
    /// Every agent is given the task at the same time, or inputs are given out.
    FanOut(SpreadSpec),
    /// A fan-out, then one agent over what it gave.
    MapReduce {
        /// The fan-out.
        map: SpreadSpec,
        /// Who makes one of it; `None` for the last agent.
        reducer: Option<AgentId>,
    },
    /// An agent cuts the task up for others, and puts together what they gave.
    Supervisor(SupervisorSpec),
    /// Several do the same, and most of them are right.
    Vote(VoteSpec),
    /// Each names the next.
    HandOver(HandOverSpec),
    /// Every agent begins as soon as those that it is `after` are done.
    Graph(GraphSpec),
}

/// How a fan-out gives out what there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpreadSpec {
    /// What the end of one step means for the others.
    pub policy: Policy,
    /// Who gets which input.
    pub choose: Choice,
    /// Only these; `None` for the team.
    pub agents: Option<Vec<AgentId>>,
}

/// Who cuts a task up, who works, and who puts it together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SupervisorSpec {
    /// Who cuts the task up.
    pub decompose: AgentId,
    /// Who puts together what came of it.
    pub combine: AgentId,
    /// Who does the subtasks; `None` for all others.
    pub workers: Option<Vec<AgentId>>,
    /// Who gets a subtask that names nobody.
    pub choose: Choice,
    /// What the end of one subtask means for the others.
    pub policy: Policy,
    /// How many subtasks there may be.
    pub subtasks_max: usize,
}

/// Who votes, and what counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VoteSpec {
    /// Who votes, twice whoever is named twice; `None` for the team but the judge.
    pub voters: Option<Vec<AgentId>>,
    /// Whether most votes count, be it that they are not more than half.
    pub is_plurality: bool,
    /// Who judges the answers, instead of counting.
    pub judge: Option<AgentId>,
    /// How many must vote; `None` for one.
    pub at_least: Option<usize>,
    /// Whether every vote is waited for.
    pub hears_all: bool,
}

/// Who speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandOverSpec {
    /// Who begins; `None` for the first agent.
    pub first: Option<AgentId>,
    /// Who speaks between any two others.
    pub moderator: Option<AgentId>,
    /// How many turns everybody is told of.
    pub transcript: usize,
}

/// What a graph of agents is run with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GraphSpec {
    /// Whether the first that does not succeed stops everything.
    pub stops_on_failure: bool,
    /// What agents may need, and there is.
    pub resources: Vec<String>,
}

impl StrategySpec {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline",
            Self::FanOut(_) => "fan_out",
            Self::MapReduce { .. } => "map_reduce",
            Self::Supervisor(_) => "supervisor",
            Self::Vote(_) => "vote",
            Self::HandOver(_) => "hand_over",
            Self::Graph(_) => "graph",
        }
    }

    /// Whether it can be given a list of inputs: whether [`TeamSpec::strategy_over`] gives something.
    pub const fn takes_inputs(&self) -> bool {
        matches!(self, Self::FanOut(_) | Self::MapReduce { .. })
    }
}

impl TeamSpec {
    /// The strategy as the file says it.
    pub fn strategy(&self) -> Arc<dyn Strategy> {
        match &self.strategy {
            StrategySpec::Pipeline => Arc::new(Pipeline::new()),
            StrategySpec::FanOut(_) => Arc::new(self.fan_out([])),
            StrategySpec::MapReduce { reducer, .. } => {
                map_reduce(self.fan_out([]), reducer.as_ref())
            }
            StrategySpec::Supervisor(spec) => Arc::new(self.supervise(spec)),
            StrategySpec::Vote(spec) => Arc::new(self.vote(spec)),
            StrategySpec::HandOver(spec) => Arc::new(hand_over(spec)),
            StrategySpec::Graph(spec) => {
                // The same was built when it was read, and had no mistake then.
                let graph = graph_of(&self.agents, spec).unwrap_or_default();
                let graph = self
                    .concurrency
                    .into_iter()
                    .fold(Graph::new(graph), |graph, steps| graph.at_once(steps.get()));
                Arc::new(if spec.stops_on_failure { graph.stop_on_failure() } else { graph })
            }
        }
    }

    /// The strategy over these inputs instead of the task itself; `None` where it takes none.
    pub fn strategy_over(
        &self,
        inputs: impl IntoIterator<Item = Value>,
    ) -> Option<Arc<dyn Strategy>> {
        match &self.strategy {
            StrategySpec::FanOut(_) => Some(Arc::new(self.fan_out(inputs))),
            StrategySpec::MapReduce { reducer, .. } => {
                Some(map_reduce(self.fan_out(inputs), reducer.as_ref()))
            }
            StrategySpec::Pipeline
            | StrategySpec::Supervisor(_)
            | StrategySpec::Vote(_)
            | StrategySpec::HandOver(_)
            | StrategySpec::Graph(_) => None,
        }
    }

    /// A fan-out over these inputs as the file says: so many at once, by its need. Without inputs, of the task
    /// itself.
    pub fn fan_out(&self, inputs: impl IntoIterator<Item = Value>) -> FanOut {
        let at_once = self.concurrency.unwrap_or(FanOut::AT_ONCE);
        let mut inputs = inputs.into_iter().peekable();
        let fan_out = match inputs.peek() {
            Some(_) => FanOut::over(inputs),
            None => FanOut::to_everybody(),
        };
        let mut fan_out = fan_out.at_once(at_once.get());
        if let StrategySpec::FanOut(spread) | StrategySpec::MapReduce { map: spread, .. } =
            &self.strategy
        {
            fan_out = fan_out.policy(spread.policy).choose(spread.choose.clone());
            if let Some(agents) = &spread.agents {
                fan_out = fan_out.among(agents.iter().cloned());
            }
        }
        match &self.by {
            Some(need) => fan_out.by(need.clone()),
            None => fan_out,
        }
    }

    fn supervise(&self, spec: &SupervisorSpec) -> Supervise {
        let mut strategy = Supervise::by(&spec.decompose)
            .combine_by(&spec.combine)
            .choose(spec.choose.clone())
            .policy(spec.policy)
            .subtasks_max(spec.subtasks_max);
        if let Some(workers) = &spec.workers {
            strategy = strategy.workers(workers.iter().cloned());
        }
        match self.concurrency {
            Some(steps) => strategy.at_once(steps.get()),
            None => strategy,
        }
    }

    fn vote(&self, spec: &VoteSpec) -> Vote {
        let mut vote = Vote::new();
        if let Some(voters) = &spec.voters {
            vote = vote.among(voters);
        }
        if spec.is_plurality {
            vote = vote.plurality();
        }
        if let Some(judge) = &spec.judge {
            vote = vote.judged_by(judge);
        }
        if let Some(votes) = spec.at_least {
            vote = vote.at_least(votes);
        }
        if spec.hears_all {
            vote = vote.hear_all();
        }
        match self.concurrency {
            Some(steps) => vote.at_once(steps.get()),
            None => vote,
        }
    }
}

fn map_reduce(map: FanOut, reducer: Option<&AgentId>) -> Arc<dyn Strategy> {
    Arc::new(match reducer {
        Some(reducer) => MapReduce::new(map, reducer),
        None => MapReduce::by_last(map),
    })
}

fn hand_over(spec: &HandOverSpec) -> HandOver {
    let mut talk = HandOver::new();
    if let Some(first) = &spec.first {
        talk = talk.starting_with(first);
    }
    if let Some(moderator) = &spec.moderator {
        talk = talk.moderated_by(moderator);
    }
    if spec.transcript > 0 { talk.transcript(spec.transcript) } else { talk }
}
