//! [`Status`]: how an agent stands at this moment; [`StatusSource`]: who knows better than the agent itself.

use std::fmt;

use async_trait::async_trait;
use safeguards_types::{AgentId, Amounts, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{RegistryError, error::harmless};

/// How well an agent is. The better is the smaller.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Health {
    /// It does its work.
    #[default]
    Healthy,
    /// It does its work, slower or with more mistakes than it should.
    Degraded,
    /// It does not do its work now.
    Unhealthy,
}

impl Health {
    /// `healthy`, `degraded` or `unhealthy`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// What keeps an agent from working at this moment, however well it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Block {
    /// Somebody suspended it, or what it is paid from.
    Suspended {
        /// Why.
        reason: String,
    },
    /// It failed too often lately, and is left alone for a while.
    BreakerOpen {
        /// When it is tried again, where that is known.
        until: Option<Timestamp>,
    },
    /// It has nothing left to spend.
    Exhausted {
        /// Of which units.
        units: Vec<String>,
    },
}

impl fmt::Display for Block {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Suspended { reason } if reason.is_empty() => out.write_str("suspended"),
            Self::Suspended { reason } => write!(out, "suspended: {}", harmless(reason)),
            Self::BreakerOpen { until: None } => out.write_str("breaker open"),
            Self::BreakerOpen { until: Some(until) } => write!(out, "breaker open until {until}"),
            Self::Exhausted { units } => write!(out, "no {} left", harmless(&units.join(", "))),
        }
    }
}

/// How an agent stands at this moment. Whoever says nothing is healthy and idle as far as anybody knows.
///
/// ```
/// use safeguards_discovery::{Health, Status};
/// use safeguards_types::usd;
///
/// let busy = Status::new().health(Health::Degraded).load(12).available(usd!(3.50));
/// assert!(!busy.is_healthy());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Status {
    /// How well it is.
    pub health: Health,
    /// How many tasks it has under way or waiting; `None`: unknown, which comes after all that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<u32>,
    /// What it may still spend; a unit that is not named is unknown, which comes after all that is known.
    #[serde(skip_serializing_if = "Amounts::is_empty")]
    pub available: Amounts,
    /// What keeps it from working.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Block>,
}

impl Status {
    /// Healthy, and nothing else known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how well it is.
    #[must_use]
    pub fn health(self, health: Health) -> Self {
        Self { health, ..self }
    }

    /// Sets how many tasks it has under way or waiting.
    #[must_use]
    pub fn load(self, tasks: u32) -> Self {
        Self { load: Some(tasks), ..self }
    }

    /// Sets what it may still spend.
    #[must_use]
    pub fn available(self, available: impl Into<Amounts>) -> Self {
        Self { available: available.into(), ..self }
    }

    /// Adds what keeps it from working.
    #[must_use]
    pub fn block(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    /// Whether it may be given work: it is well, and nothing keeps it from working.
    pub fn is_healthy(&self) -> bool {
        self.health == Health::Healthy && self.blocks.is_empty()
    }
}

/// Who knows how agents stand, better than they say themselves: a ledger, a runner, circuit breakers.
///
/// # Contract
///
/// - Answers come in the order of the agents, one for each; `None` where nothing is known of it, and what the
///   agent said itself stands.
/// - What it says replaces what the agent said itself, field by field: a health that is worse, blocks besides, a
///   load or an available amount where it names one.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait StatusSource: fmt::Debug + Send + Sync + 'static {
    /// How these agents stand now.
    async fn statuses(&self, agents: &[AgentId]) -> Result<Vec<Option<Status>>, RegistryError>;
}
