//! What can be said of two [`AlertMatch`]es without an alert: whether one is as wide as the other, and
//! whether they have nothing in common. Both are sure where they say yes, and may say no for want of a proof.

use std::fmt;

use safeguards_types::Severity;

use super::AlertMatch;
use crate::TopicFilter;

/// The condition by which two sets of conditions have no alert in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Clash {
    Topics,
    Severity,
    Agents,
    Metadata(String),
}

impl fmt::Display for Clash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topics => out.write_str("`topics`"),
            Self::Severity => out.write_str("`at_least` and `at_most`"),
            Self::Agents => out.write_str("`agents`"),
            Self::Metadata(path) => write!(out, "`metadata.{path}`"),
        }
    }
}

impl AlertMatch {
    /// Whether these are no conditions at all.
    pub(crate) fn is_all(&self) -> bool {
        let Self { topics, at_least, at_most, agents, metadata } = self;
        topics.is_empty()
            && at_least.is_none()
            && at_most.is_none()
            && agents.is_empty()
            && metadata.is_empty()
    }

    /// The least and the most severity that may be.
    fn severities(&self) -> (Severity, Severity) {
        let least = self.at_least.unwrap_or(Severity::Informational);
        (least, self.at_most.unwrap_or(Severity::Critical))
    }

    /// Whether no alert can fulfil these conditions.
    pub(crate) fn is_contradictory(&self) -> bool {
        let (least, most) = self.severities();
        least > most
    }

    /// Whether every alert that `other` means is meant here too.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let (least, most) = self.severities();
        let (other_least, other_most) = other.severities();
        let every_topic = TopicFilter::all();
        let other_topics = match other.topics.as_slice() {
            [] => std::slice::from_ref(&every_topic),
            topics => topics,
        };
        let covers_topic =
            |topic: &TopicFilter| self.topics.iter().any(|filter| is_as_wide(filter, topic));
        least <= other_least
            && most >= other_most
            && (self.agents.is_empty()
                || (!other.agents.is_empty()
                    && other.agents.iter().all(|agent| self.agents.contains(agent))))
            && self.metadata.iter().all(|(path, values)| {
                let others = other.metadata.get(path);
                others.is_some_and(|others| others.iter().all(|value| values.contains(value)))
            })
            && (self.topics.is_empty() || other_topics.iter().all(covers_topic))
    }

    /// By which condition no alert can be meant both here and by `other`.
    pub(crate) fn clash(&self, other: &Self) -> Option<Clash> {
        let (least, most) = self.severities();
        let (other_least, other_most) = other.severities();
        if least > other_most || other_least > most {
            return Some(Clash::Severity);
        }
        if are_apart(&self.agents, &other.agents, PartialEq::eq) {
            return Some(Clash::Agents);
        }
        if are_apart(&self.topics, &other.topics, have_common) {
            return Some(Clash::Topics);
        }
        self.metadata
            .iter()
            .find(|(path, values)| {
                let others = other.metadata.get(*path);
                others.is_some_and(|others| are_apart(values, others, PartialEq::eq))
            })
            .map(|(path, _)| Clash::Metadata(path.clone()))
    }
}

/// Whether both lists say something, and no two of them go together.
fn are_apart<T>(some: &[T], others: &[T], go_together: impl Fn(&T, &T) -> bool) -> bool {
    !some.is_empty()
        && !others.is_empty()
        && !some.iter().any(|one| others.iter().any(|other| go_together(one, other)))
}

/// Whether `wide` matches every topic that `narrow` matches.
fn is_as_wide(wide: &TopicFilter, narrow: &TopicFilter) -> bool {
    let mut narrow = narrow.as_str().split('.');
    for part in wide.as_str().split('.') {
        match (part, narrow.next()) {
            ("**", Some(_)) => return true,
            ("*", Some(other)) if other != "**" => {}
            (name, Some(other)) if name == other => {}
            _ => return false,
        }
    }
    narrow.next().is_none()
}

/// Whether some topic matches both.
fn have_common(one: &TopicFilter, other: &TopicFilter) -> bool {
    let mut others = other.as_str().split('.');
    for part in one.as_str().split('.') {
        match (part, others.next()) {
            // What is left on the other side is at least one part, and so is what `**` stands for.
            ("**", Some(_)) | (_, Some("**")) => return true,
            ("*", Some(_)) | (_, Some("*")) => {}
            (name, Some(other)) if name == other => {}
            _ => return false,
        }
    }
    others.next().is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Topic;

    fn filter(text: &str) -> TopicFilter {
        text.parse().unwrap()
    }

    /// All topics of one to five parts of two letters: enough to tell filters of at most three parts and a
    /// rest apart.
    fn topics() -> Vec<Topic> {
        let mut topics = Vec::new();
        let mut longest = vec![String::new()];
        for _ in 0..5 {
            let grow = |topic: &String| {
                ["a", "b", "z"].map(|part| {
                    if topic.is_empty() { part.to_owned() } else { format!("{topic}.{part}") }
                })
            };
            longest = longest.iter().flat_map(grow).collect();
            topics.extend(longest.iter().map(|topic| topic.parse().unwrap()));
        }
        topics
    }

    proptest! {
        #[test]
        fn filters_are_compared_as_their_topics_are(
            one in "(a|b|\\*)(\\.(a|b|\\*)){0,2}(\\.\\*\\*)?|\\*\\*",
            other in "(a|b|\\*)(\\.(a|b|\\*)){0,2}(\\.\\*\\*)?|\\*\\*",
        ) {
            let (one, other) = (filter(&one), filter(&other));
            let topics = topics();
            let common = topics.iter().any(|topic| one.matches(topic) && other.matches(topic));
            prop_assert_eq!(have_common(&one, &other), common);
            let wide = topics.iter().all(|topic| one.matches(topic) || !other.matches(topic));
            prop_assert_eq!(is_as_wide(&one, &other), wide);
        }
    }

    #[track_caller]
    fn check(one: &AlertMatch, other: &AlertMatch, covers: bool, clash: Option<&Clash>) {
        assert_eq!(one.covers(other), covers, "{one:?} covers {other:?}");
        assert_eq!(one.clash(other).as_ref(), clash, "{one:?} and {other:?}");
        assert_eq!(other.clash(one).is_some(), clash.is_some(), "the other way round");
    }

    #[test]
    fn each_condition_counts() {
        let all = AlertMatch::all;
        check(&all(), &all(), true, None);
        check(&all(), &all().agent("a"), true, None);
        check(&all().agent("a"), &all(), false, None);
        check(&all().agent("a").agent("b"), &all().agent("b"), true, None);
        check(&all().agent("a"), &all().agent("b"), false, Some(&Clash::Agents));
        check(&all().topic(filter("**")), &all(), true, None);
        check(&all().topic(filter("a.**")), &all(), false, None);
        check(&all().topic(filter("a.*")), &all().topic(filter("a.b")), true, None);
        let apart = Some(&Clash::Topics);
        check(&all().topic(filter("a.*")), &all().topic(filter("a")), false, apart);
        let (high, low) = (all().at_least(Severity::High), all().at_most(Severity::Low));
        check(&high, &low, false, Some(&Clash::Severity));
        check(&high, &all().at_least(Severity::Critical), true, None);
        check(&all().at_most(Severity::Medium), &low, true, None);
        check(&low, &all(), false, None);
        let team = |name: &str| all().metadata("team", name);
        check(&team("a").metadata("team", "b"), &team("b").agent("x"), true, None);
        check(&team("a"), &team("b"), false, Some(&Clash::Metadata("team".to_owned())));
        check(&team("a"), &all(), false, None);
    }

    #[test]
    fn more_than_the_most_is_a_contradiction() {
        let range = |least, most| AlertMatch::all().at_least(least).at_most(most);
        assert!(range(Severity::High, Severity::Low).is_contradictory());
        assert!(!range(Severity::High, Severity::High).is_contradictory());
        assert!(!AlertMatch::all().is_contradictory());
    }
}
