//! [`AlertMatch`]: which alerts are meant.

mod overlap;

use std::collections::BTreeMap;

use safeguards_types::{AgentId, Severity};
use serde::Serialize;
use serde_json::{Map, Value};

pub(crate) use self::overlap::Clash;
use crate::{Alert, TopicFilter};

/// Which alerts are meant: those that fulfil all conditions. Without conditions: every alert.
///
/// ```
/// use safeguards_notify::{Alert, AlertMatch, TopicFilter, topic};
/// use safeguards_types::Severity;
///
/// let serious = AlertMatch::all()
///     .topic(TopicFilter::parse("budget.**")?)
///     .at_least(Severity::High)
///     .metadata("account.team", "research");
/// let alert = Alert::new(Severity::High, topic!("budget.suspended"), "reader is suspended")
///     .with("account", serde_json::json!({ "team": "research" }));
/// assert!(serious.matches(&alert));
/// assert!(AlertMatch::all().matches(&alert));
/// # Ok::<(), safeguards_notify::TopicError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AlertMatch {
    /// The alert's topic matches one of these. None given: any topic will do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<TopicFilter>,
    /// The alert matters at least so much.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Severity>,
    /// The alert matters at most so much.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Severity>,
    /// The alert is about one of these agents. None given: about any, or about none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentId>,
    /// The alert's metadata has, for every path, one of its values. A path is a key of the metadata, or keys
    /// joined by dots that lead through objects; values are equal as JSON, so `1` is not `"1"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, Vec<Value>>,
}

impl AlertMatch {
    /// Every alert.
    pub fn all() -> Self {
        Self::default()
    }

    /// Adds a topic that may be, or several by a filter.
    #[must_use]
    pub fn topic(mut self, filter: impl Into<TopicFilter>) -> Self {
        self.topics.push(filter.into());
        self
    }

    /// Only alerts that matter at least so much.
    #[must_use]
    pub fn at_least(self, severity: Severity) -> Self {
        Self { at_least: Some(severity), ..self }
    }

    /// Only alerts that matter at most so much.
    #[must_use]
    pub fn at_most(self, severity: Severity) -> Self {
        Self { at_most: Some(severity), ..self }
    }

    /// Adds an agent that the alert may be about.
    #[must_use]
    pub fn agent(mut self, agent: impl Into<AgentId>) -> Self {
        self.agents.push(agent.into());
        self
    }

    /// Adds a value that the metadata may have at this path.
    #[must_use]
    pub fn metadata(mut self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.entry(path.into()).or_default().push(value.into());
        self
    }

    /// Whether `alert` is meant.
    pub fn matches(&self, alert: &Alert) -> bool {
        let Self { topics, at_least, at_most, agents, metadata } = self;
        // The cheap conditions first.
        at_least.is_none_or(|least| alert.severity() >= least)
            && at_most.is_none_or(|most| alert.severity() <= most)
            && (agents.is_empty() || alert.agent().is_some_and(|agent| agents.contains(agent)))
            && metadata.iter().all(|(path, values)| {
                at_path(alert.metadata(), path).is_some_and(|value| values.contains(value))
            })
            && (topics.is_empty() || topics.iter().any(|filter| filter.matches(alert.topic())))
    }
}

/// The value at a path: of the key that is so called, else of what its parts lead to.
pub(crate) fn at_path<'m>(metadata: &'m Map<String, Value>, path: &str) -> Option<&'m Value> {
    metadata.get(path).or_else(|| {
        let (first, rest) = path.split_once('.')?;
        at_path(metadata.get(first)?.as_object()?, rest)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::topic;

    fn alert() -> Alert {
        Alert::new(Severity::Medium, topic!("budget.low"), "little is left")
            .about("reader")
            .with("account", json!({ "team": "a", "size": 3 }))
            .with("http.status", 500)
    }

    #[track_caller]
    fn check(when: &AlertMatch, expected: bool) {
        assert_eq!(when.matches(&alert()), expected, "{when:?}");
    }

    fn filter(text: &str) -> TopicFilter {
        text.parse().unwrap()
    }

    #[test]
    fn every_condition_must_hold_and_one_of_its_values() {
        let all = AlertMatch::all;
        check(&all(), true);
        check(&all().topic(topic!("budget.low")), true);
        check(&all().topic(filter("team.**")).topic(filter("budget.*")), true);
        check(&all().topic(filter("team.**")), false);
        check(&all().at_least(Severity::Medium).at_most(Severity::Medium), true);
        check(&all().at_least(Severity::High), false);
        check(&all().at_most(Severity::Low), false);
        check(&all().agent("writer").agent("reader"), true);
        check(&all().agent("writer"), false);
        check(&all().metadata("account.team", "b").metadata("account.team", "a"), true);
        check(&all().metadata("account.team", "a").metadata("account.size", 3), true);
        check(&all().metadata("account.team", "a").metadata("account.size", 4), false);
        check(&all().metadata("account.size", "3"), false);
        check(&all().metadata("account", "a"), false);
        check(&all().metadata("account.team.name", "a"), false);
        check(&all().metadata("http.status", 500), true);
        check(&all().metadata("nothing", Value::Null), false);
        check(&all().agent("reader").topic(filter("team.**")), false);
    }

    #[test]
    fn an_alert_about_nobody_is_about_none_of_the_agents() {
        let about_nobody = Alert::new(Severity::Low, topic!("team.note"), "");
        assert!(AlertMatch::all().matches(&about_nobody));
        assert!(!AlertMatch::all().agent("").matches(&about_nobody));
    }

    #[test]
    fn a_path_without_values_matches_nothing() {
        let mut when = AlertMatch::all();
        when.metadata.insert("account.team".to_owned(), Vec::new());
        check(&when, false);
    }
}
