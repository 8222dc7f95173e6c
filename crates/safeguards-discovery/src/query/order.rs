//! [`Order`]: who comes first.

use safeguards_types::{Priority, Unit};
use serde::{Deserialize, Serialize};

use crate::{AgentRecord, Capability, Health, Status};

/// Who comes first. Equals stand by the agent's name, letter by letter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Order {
    /// The healthiest; among these who has the highest priority.
    #[default]
    Best,
    /// By name alone.
    Name,
    /// Who has the fewest tasks; unknown last.
    LeastLoaded,
    /// Whose cheapest capability that is meant costs least of this unit; unknown last.
    Cheapest(Unit),
    /// Who may still spend the most of this unit; unknown last.
    MostBudget(Unit),
    /// Who has the highest priority.
    Priority,
    /// Whose words fit best those that are searched for; only with a text.
    Relevance,
}

impl Order {
    /// Its name, such as `best` or `cheapest(USD)`.
    pub fn name(&self) -> String {
        match self {
            Self::Best => "best".to_owned(),
            Self::Name => "name".to_owned(),
            Self::LeastLoaded => "least_loaded".to_owned(),
            Self::Cheapest(unit) => format!("cheapest({unit})"),
            Self::MostBudget(unit) => format!("most_budget({unit})"),
            Self::Priority => "priority".to_owned(),
            Self::Relevance => "relevance".to_owned(),
        }
    }

    /// The place in this order of an agent of which these capabilities are meant: the smaller comes first.
    ///
    /// Each registry reckons by this, so that a [`Cursor`](crate::Cursor) means the same in all.
    pub fn key<'a>(
        &self,
        agent: &AgentRecord,
        meant: impl IntoIterator<Item = &'a Capability>,
        relevance: Option<u64>,
    ) -> i128 {
        self.place((&agent.status, agent.priority), meant, relevance)
    }

    /// The same of an agent of which only this is known.
    pub(crate) fn place<'a>(
        &self,
        (status, priority): (&Status, Priority),
        meant: impl IntoIterator<Item = &'a Capability>,
        relevance: Option<u64>,
    ) -> i128 {
        let priority = i128::from(priority.level());
        match self {
            Self::Best => {
                // Health first: 16 is more than there are priorities.
                let health = match status.health {
                    Health::Healthy => 0_i128,
                    Health::Degraded => 1,
                    Health::Unhealthy => 2,
                };
                health.saturating_mul(16).saturating_sub(priority)
            }
            Self::Name => 0,
            Self::LeastLoaded => status.load.map_or(i128::MAX, i128::from),
            Self::Cheapest(unit) => {
                let costs = meant.into_iter().filter(|capability| capability.cost.names(unit));
                let costs = costs.map(|capability| capability.cost.get(unit).steps());
                costs.min().unwrap_or(i128::MAX)
            }
            Self::MostBudget(unit) if status.available.names(unit) => {
                status.available.get(unit).steps().saturating_neg()
            }
            Self::MostBudget(_) => i128::MAX,
            Self::Priority => priority.saturating_neg(),
            Self::Relevance => {
                relevance.map_or(i128::MAX, |score| i128::from(score).saturating_neg())
            }
        }
    }
}
