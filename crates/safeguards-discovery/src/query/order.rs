//! [`Order`]: who comes first.

use std::{fmt, str::FromStr};

use safeguards_types::{Priority, Quantity, Unit};
use serde::{Deserialize, Serialize};

use crate::{AgentRecord, Bounds, Capability, Health, InvalidField, InvalidKind, Status};

/// Longer names are compared with none.
const LONGEST: usize = 100;

/// The orders as they are written, for messages.
const NAMES: [&str; 7] =
    ["best", "name", "least-loaded", "cheapest", "most-budget", "priority", "relevance"];

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

    /// The place in an order that asks for no more than this.
    pub(crate) fn key_of(&self, health: Health, priority: Priority, load: Option<u32>) -> i128 {
        let priority = i128::from(priority.level());
        match self {
            Self::Best => {
                // Health first: 16 is more than there are priorities.
                let health = match health {
                    Health::Healthy => 0_i128,
                    Health::Degraded => 1,
                    Health::Unhealthy => 2,
                };
                health.saturating_mul(16).saturating_sub(priority)
            }
            Self::LeastLoaded => load.map_or(i128::MAX, i128::from),
            Self::Priority => priority.saturating_neg(),
            Self::Name | Self::Cheapest(_) | Self::MostBudget(_) | Self::Relevance => 0,
        }
    }

    /// The place by what may still be spent.
    pub(crate) fn key_of_budget(left: Option<Quantity>) -> i128 {
        left.map_or(i128::MAX, |left| left.steps().saturating_neg())
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
        let Status { health, load, available, blocks: _ } = status;
        match self {
            Self::Best | Self::Name | Self::LeastLoaded | Self::Priority => {
                self.key_of(*health, priority, *load)
            }
            Self::Cheapest(unit) => {
                let costs = meant.into_iter().filter(|capability| capability.cost.names(unit));
                let costs = costs.map(|capability| capability.cost.get(unit).steps());
                costs.min().unwrap_or(i128::MAX)
            }
            Self::MostBudget(unit) => {
                Self::key_of_budget(available.names(unit).then(|| available.get(unit)))
            }
            Self::Relevance => {
                relevance.map_or(i128::MAX, |score| i128::from(score).saturating_neg())
            }
        }
    }
}

impl FromStr for Order {
    type Err = InvalidField;

    /// Reads an order: `best`, `name`, `least-loaded`, `priority`, `relevance`, or `cheapest` and `most-budget`,
    /// which may name a unit, as in `cheapest:tokens`, and else mean US dollars.
    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let invalid =
            |allowed: String| InvalidField::new(InvalidKind::Order, "order", text, allowed);
        let (name, unit) = match text.split_once(':') {
            Some((name, unit)) => (name.trim(), Some(unit.trim())),
            None => (text.trim(), None),
        };
        let by_unit = |order: fn(Unit) -> Self| {
            let unit = unit.map_or(Unit::USD, Unit::new);
            crate::check::check_name(
                InvalidKind::Order,
                "order.unit",
                unit.as_str(),
                Bounds::UNIT_BYTES,
            )?;
            Ok(order(unit))
        };
        let plain = |order: Self| match unit {
            None => Ok(order),
            Some(_) => Err(invalid(format!("`{name}` takes no unit"))),
        };
        // As JSON has it, with underscores, is fine too.
        match name.replace('_', "-").as_str() {
            "best" => plain(Self::Best),
            "name" => plain(Self::Name),
            "least-loaded" => plain(Self::LeastLoaded),
            "cheapest" => by_unit(Self::Cheapest),
            "most-budget" => by_unit(Self::MostBudget),
            "priority" => plain(Self::Priority),
            "relevance" => plain(Self::Relevance),
            unknown => {
                // Comparing takes the product of both lengths.
                let compared = if unknown.len() <= LONGEST { NAMES.as_slice() } else { &[] };
                let distances =
                    compared.iter().map(|known| (strsim::osa_distance(known, unknown), known));
                let near = distances.min().filter(|(distance, _)| *distance <= 2);
                let hint = near.map(|(_, known)| format!("did you mean `{known}`? "));
                let hint = hint.unwrap_or_default();
                Err(invalid(format!("{hint}there are {}", NAMES.join(", "))))
            }
        }
    }
}

impl fmt::Display for Order {
    /// As it is read: `cheapest:USD`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => out.pad("best"),
            Self::Name => out.pad("name"),
            Self::LeastLoaded => out.pad("least-loaded"),
            Self::Cheapest(unit) => write!(out, "cheapest:{unit}"),
            Self::MostBudget(unit) => write!(out, "most-budget:{unit}"),
            Self::Priority => out.pad("priority"),
            Self::Relevance => out.pad("relevance"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_and_written() {
        #[track_caller]
        fn check(text: &str, order: Order, written: &str) {
            assert_eq!(text.parse(), Ok(order.clone()), "{text}");
            assert_eq!(order.to_string(), written);
            assert_eq!(written.parse(), Ok(order));
        }
        check("best", Order::Best, "best");
        check("name", Order::Name, "name");
        check("least-loaded", Order::LeastLoaded, "least-loaded");
        check("least_loaded", Order::LeastLoaded, "least-loaded");
        check("cheapest", Order::Cheapest(Unit::USD), "cheapest:USD");
        check("cheapest:tokens", Order::Cheapest(Unit::TOKENS), "cheapest:tokens");
        check("cheapest: a:b", Order::Cheapest(Unit::new("a:b")), "cheapest:a:b");
        check("most-budget:USD", Order::MostBudget(Unit::USD), "most-budget:USD");
        check("priority", Order::Priority, "priority");
        check("relevance", Order::Relevance, "relevance");
    }

    #[test]
    fn what_is_no_order_is_told() {
        #[track_caller]
        fn check(text: &str, part: &str) {
            let error = text.parse::<Order>().unwrap_err();
            assert_eq!(error.code(), "discovery.invalid_order");
            assert!(error.to_string().contains(part), "{error}");
        }
        check("chepest", "did you mean `cheapest`? there are best, name, least-loaded");
        check("fastest", "there are best");
        check("best:USD", "`best` takes no unit");
        check("cheapest:", "from 1 to 256 bytes");
        check("", "there are best");
    }
}
