//! [`Seat`]: who is to do a step, by name or by what is needed.

use std::sync::Arc;

use safeguards_discovery::Query;
use safeguards_types::AgentId;

/// Who is to do a step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Seat {
    /// This agent.
    Agent(AgentId),
    /// Whoever of the team a [`Selector`](crate::Selector) chooses when the step begins, by this need.
    Capable(Arc<Query>),
}

impl Seat {
    /// The agent, where it is named.
    pub const fn agent(&self) -> Option<&AgentId> {
        match self {
            Self::Agent(agent) => Some(agent),
            Self::Capable(_) => None,
        }
    }

    /// What is needed, where nobody is named.
    pub const fn need(&self) -> Option<&Arc<Query>> {
        match self {
            Self::Agent(_) => None,
            Self::Capable(need) => Some(need),
        }
    }

    /// What steps are called that are given to it: the agent, or the capability that is needed.
    #[cfg(feature = "teams")]
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Agent(agent) => agent.as_str(),
            Self::Capable(need) => {
                need.capability.as_ref().map_or("anybody", |capability| capability.as_str())
            }
        }
    }
}

impl From<AgentId> for Seat {
    fn from(agent: AgentId) -> Self {
        Self::Agent(agent)
    }
}

impl From<&AgentId> for Seat {
    fn from(agent: &AgentId) -> Self {
        Self::Agent(agent.clone())
    }
}

impl From<&str> for Seat {
    fn from(agent: &str) -> Self {
        Self::Agent(agent.into())
    }
}

impl From<Query> for Seat {
    fn from(need: Query) -> Self {
        Self::Capable(Arc::new(need))
    }
}

/// A need in few words, for messages: `data.analysis >=1, tag fast, formats contains json`.
#[cfg(feature = "teams")]
pub(crate) fn need_text(need: &Query) -> String {
    let mut words = match &need.capability {
        Some(capability) => capability.to_string(),
        None => "anything".to_owned(),
    };
    if let Some(version) = &need.version {
        words = format!("{words} {version}");
    }
    let tags = need.tags.iter().map(|tag| format!("tag {tag}"));
    let conditions = need.conditions.iter().map(ToString::to_string);
    let text = need.text.as_ref().map(|text| format!("words `{text}`"));
    tags.chain(conditions).chain(text).fold(words, |words, more| format!("{words}, {more}"))
}
