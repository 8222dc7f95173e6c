//! [`Cursor`]: where the next page begins.

use std::{fmt, str::FromStr};

use safeguards_types::AgentId;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{InvalidField, InvalidKind};

/// Where the next page of an answer begins: after the agent that the page before ended with.
///
/// It is good for the same query in the same order, for as long as one likes. Between two pages agents may come
/// and go; who stayed and did not move in the order is on exactly one of them.
///
/// As text, to be handed to others and back: `order:key:agent`, with colons of the order as `%3A`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    order: String,
    key: i128,
    agent: AgentId,
}

impl Cursor {
    /// After `agent`, whose place in the order of this name is `key`.
    pub fn new(order: impl Into<String>, key: i128, agent: AgentId) -> Self {
        Self { order: order.into(), key, agent }
    }

    /// The order that it is good for, as [`Order::name`](crate::Order::name) has it.
    pub fn order(&self) -> &str {
        &self.order
    }

    /// The place in that order, and the agent: what comes later is on the next page.
    pub const fn place(&self) -> (i128, &AgentId) {
        (self.key, &self.agent)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = self.order.replace('%', "%25").replace(':', "%3A");
        write!(out, "{order}:{}:{}", self.key, self.agent)
    }
}

impl FromStr for Cursor {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let read = || {
            let mut parts = text.splitn(3, ':');
            let (order, key, agent) = (parts.next()?, parts.next()?, parts.next()?);
            let order = order.replace("%3A", ":").replace("%25", "%");
            Some(Self::new(order, key.parse().ok()?, AgentId::from(agent)))
        };
        let allowed = "the `next` of a page before, as it was given";
        read().ok_or_else(|| InvalidField::new(InvalidKind::Cursor, "after", text, allowed))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        for order in ["best", "cheapest(USD)", "cheapest(a:b)", "cheapest(%3A:%)"] {
            let cursor = Cursor::new(order, i128::MIN, AgentId::from("a:b:c"));
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }
}
