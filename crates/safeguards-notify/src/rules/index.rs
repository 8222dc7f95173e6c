//! [`MatchIndex`]: conditions filed so that those which an alert may fulfil are found without asking all.

use foldhash::HashMap;
use safeguards_types::AgentId;
use serde_json::Value;
use smallvec::SmallVec;

use crate::{Alert, AlertMatch, matching::at_path};

/// Numbers of conditions.
pub(super) type Numbers = SmallVec<[usize; 16]>;

/// Conditions under their numbers, each filed by one of its own: of an agent, a value of metadata, or a topic,
/// that by which the fewest are filed so far.
#[derive(Clone, Debug, Default)]
pub(super) struct MatchIndex {
    agents: HashMap<AgentId, Vec<usize>>,
    /// By the first part of the path, for that is a key which an alert has or has not.
    metadata: HashMap<Box<str>, Vec<ByPath>>,
    topics: Trie,
    /// Those that can be filed by nothing.
    always: Vec<usize>,
}

#[derive(Clone, Debug)]
struct ByPath {
    path: Box<str>,
    values: HashMap<Value, Vec<usize>>,
}

/// Topic filters, part by part.
#[derive(Clone, Debug, Default)]
struct Trie {
    names: HashMap<Box<str>, Self>,
    /// Below `*`.
    any: Option<Box<Self>>,
    /// Filters that end here.
    here: Vec<usize>,
    /// Filters that end here with `**`.
    rest: Vec<usize>,
}

/// What conditions are looked up by: an alert, or other conditions.
pub(super) trait Probe {
    fn agent(&self) -> Option<&AgentId>;
    /// A topic, or a filter, which is then looked up by what is as wide.
    fn topic(&self) -> &str;
    /// The paths that there may be a value at, or their first parts.
    fn keys(&self) -> impl Iterator<Item = &str>;
    fn value_at(&self, path: &str) -> Option<&Value>;
}

impl Probe for Alert {
    fn agent(&self) -> Option<&AgentId> {
        self.agent()
    }

    fn topic(&self) -> &str {
        self.topic().as_str()
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.metadata().keys().map(String::as_str)
    }

    fn value_at(&self, path: &str) -> Option<&Value> {
        at_path(self.metadata(), path)
    }
}

/// Finds conditions that may cover these. What covers them has all of their agents, topics and values, so one
/// of each is enough to find it.
impl Probe for AlertMatch {
    fn agent(&self) -> Option<&AgentId> {
        self.agents.first()
    }

    fn topic(&self) -> &str {
        self.topics.first().map_or("**", |filter| filter.as_str())
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.metadata.keys().map(String::as_str)
    }

    fn value_at(&self, path: &str) -> Option<&Value> {
        self.metadata.get(path)?.first()
    }
}

/// By what conditions are filed.
enum Place<'m> {
    Agents,
    Metadata(&'m str, &'m [Value]),
    Topics,
    Always,
}

impl MatchIndex {
    /// Files conditions under a number.
    pub(super) fn insert(&mut self, number: usize, when: &AlertMatch) {
        match self.best_place(when) {
            Place::Agents => {
                for agent in &when.agents {
                    self.agents.entry(agent.clone()).or_default().push(number);
                }
            }
            Place::Metadata(path, values) => {
                let paths = self.metadata.entry(first_part(path).into()).or_default();
                let known = paths.iter().position(|known| *known.path == *path);
                let known = known.unwrap_or_else(|| {
                    paths.push(ByPath { path: path.into(), values: HashMap::default() });
                    paths.len().saturating_sub(1)
                });
                if let Some(known) = paths.get_mut(known) {
                    for value in values {
                        known.values.entry(value.clone()).or_default().push(number);
                    }
                }
            }
            Place::Topics => {
                for filter in &when.topics {
                    self.topics.insert(filter.as_str(), number);
                }
            }
            Place::Always => self.always.push(number),
        }
    }

    /// Takes conditions out again, wherever they are filed.
    pub(super) fn remove(&mut self, number: usize, when: &AlertMatch) {
        for agent in &when.agents {
            if let Some(numbers) = self.agents.get_mut(agent) {
                numbers.retain(|known| *known != number);
                if numbers.is_empty() {
                    self.agents.remove(agent);
                }
            }
        }
        for (path, values) in &when.metadata {
            let Some(paths) = self.metadata.get_mut(first_part(path)) else {
                continue;
            };
            if let Some(known) = paths.iter_mut().find(|known| *known.path == **path) {
                for value in values {
                    if let Some(numbers) = known.values.get_mut(value) {
                        numbers.retain(|known| *known != number);
                        if numbers.is_empty() {
                            known.values.remove(value);
                        }
                    }
                }
            }
            paths.retain(|known| !known.values.is_empty());
            if paths.is_empty() {
                self.metadata.remove(first_part(path));
            }
        }
        for filter in &when.topics {
            self.topics.remove(filter.as_str().split('.'), number);
        }
        self.always.retain(|known| *known != number);
    }

    /// The numbers, from the least, of conditions that may mean this; all those that do are among them.
    pub(super) fn candidates(&self, probe: &impl Probe) -> Numbers {
        let mut found = Numbers::new();
        found.extend_from_slice(&self.always);
        if let Some(numbers) = probe.agent().and_then(|agent| self.agents.get(agent)) {
            found.extend_from_slice(numbers);
        }
        if !self.metadata.is_empty() {
            let mut before = None;
            for first in probe.keys().map(first_part) {
                // Keys that begin alike mostly stand together; they lead to the same paths.
                if before.replace(first) == Some(first) {
                    continue;
                }
                for known in self.metadata.get(first).into_iter().flatten() {
                    let value = probe.value_at(&known.path);
                    if let Some(numbers) = value.and_then(|value| known.values.get(value)) {
                        found.extend_from_slice(numbers);
                    }
                }
            }
        }
        self.topics.find(probe.topic().split('.'), &mut found);
        // Some may be found in two ways.
        found.sort_unstable();
        found.dedup();
        found
    }

    /// By what the fewest are filed that would be found together with these.
    fn best_place<'m>(&self, when: &'m AlertMatch) -> Place<'m> {
        let mut best = (usize::MAX, Place::Always);
        let mut offer = |beside: Option<usize>, place: Place<'m>| {
            if let Some(beside) = beside.filter(|beside| *beside < best.0) {
                best = (beside, place);
            }
        };
        let of_agent = |agent| self.agents.get(agent).map_or(0, Vec::len);
        offer(when.agents.iter().map(of_agent).max(), Place::Agents);
        for (path, values) in &when.metadata {
            let paths = self.metadata.get(first_part(path));
            let known = paths.into_iter().flatten().find(|known| *known.path == **path);
            let of_value =
                |value| known.and_then(|known| known.values.get(value)).map_or(0, Vec::len);
            // A path without values means no alert, so it need not be found by any.
            let beside = values.iter().map(of_value).max().unwrap_or(0);
            offer(Some(beside), Place::Metadata(path, values));
        }
        if !when.topics.iter().any(|filter| filter.as_str() == "**") {
            let of_filter = |filter: &crate::TopicFilter| self.topics.beside(filter.as_str());
            offer(when.topics.iter().map(of_filter).max(), Place::Topics);
        }
        best.1
    }
}

/// The key at which a path may begin.
fn first_part(path: &str) -> &str {
    path.split_once('.').map_or(path, |(first, _)| first)
}

impl Trie {
    fn insert(&mut self, filter: &str, number: usize) {
        let mut place = self;
        for part in filter.split('.') {
            match part {
                // It is the last part.
                "**" => {
                    place.rest.push(number);
                    return;
                }
                "*" => place = place.any.get_or_insert_default(),
                name => place = place.names.entry(name.into()).or_default(),
            }
        }
        place.here.push(number);
    }

    /// How many have the same filter.
    fn beside(&self, filter: &str) -> usize {
        let mut place = self;
        for part in filter.split('.') {
            let next = match part {
                "**" => return place.rest.len(),
                "*" => place.any.as_deref(),
                name => place.names.get(name),
            };
            match next {
                Some(next) => place = next,
                None => return 0,
            }
        }
        place.here.len()
    }

    /// Goes down all ways that match: a filter as a topic goes only where all of its topics do.
    fn find<'t>(&self, mut parts: impl Iterator<Item = &'t str> + Clone, found: &mut Numbers) {
        let Some(part) = parts.next() else {
            found.extend_from_slice(&self.here);
            return;
        };
        found.extend_from_slice(&self.rest);
        if let Some(next) = self.names.get(part) {
            next.find(parts.clone(), found);
        }
        if let Some(next) = self.any.as_deref().filter(|_| part != "**") {
            next.find(parts, found);
        }
    }

    fn remove<'t>(&mut self, mut parts: impl Iterator<Item = &'t str>, number: usize) {
        match parts.next() {
            None => self.here.retain(|known| *known != number),
            Some("**") => self.rest.retain(|known| *known != number),
            Some("*") => {
                if let Some(next) = &mut self.any {
                    next.remove(parts, number);
                    if next.is_empty() {
                        self.any = None;
                    }
                }
            }
            Some(name) => {
                if let Some(next) = self.names.get_mut(name) {
                    next.remove(parts, number);
                    if next.is_empty() {
                        self.names.remove(name);
                    }
                }
            }
        }
    }

    fn is_empty(&self) -> bool {
        let Self { names, any, here, rest } = self;
        names.is_empty() && any.is_none() && here.is_empty() && rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use safeguards_types::Severity;

    use super::*;
    use crate::{TopicFilter, topic};

    fn filter(text: &str) -> TopicFilter {
        text.parse().unwrap()
    }

    fn index(all: &[AlertMatch]) -> MatchIndex {
        let mut index = MatchIndex::default();
        for (number, when) in all.iter().enumerate() {
            index.insert(number, when);
        }
        index
    }

    #[test]
    fn only_those_that_may_match_are_found() {
        let all = AlertMatch::all;
        let index = index(&[
            all().agent("writer"),
            all().agent("reader"),
            all().metadata("team.name", "a"),
            all().metadata("team.name", "b").metadata("team.name", "c"),
            all().topic(filter("budget.*")),
            all().topic(filter("budget.low")).topic(filter("*.low")),
            all().topic(filter("budget.low.**")),
            all().at_least(Severity::Critical),
            all().topic(filter("**")),
        ]);
        let alert = Alert::new(Severity::Low, topic!("budget.low"), "")
            .about("reader")
            .with("team", serde_json::json!({ "name": "c" }));
        assert_eq!(index.candidates(&alert).as_slice(), [1, 3, 4, 5, 7, 8]);
    }

    #[test]
    fn what_many_have_in_common_is_not_what_they_are_filed_by() {
        let of = |topic: usize| {
            AlertMatch::all().agent("reader").topic(filter(&format!("budget.n{topic}")))
        };
        let index = index(&(0..1_000).map(of).collect::<Vec<_>>());
        let alert = Alert::new(Severity::Low, topic!("budget.n7"), "").about("reader");
        let found = index.candidates(&alert);
        assert!(found.contains(&7) && found.len() <= 3, "{found:?}");
    }

    #[test]
    fn what_is_removed_leaves_nothing_behind() {
        let all = AlertMatch::all;
        let conditions = [
            all(),
            all().agent("reader").agent("writer"),
            all().metadata("team.name", "a").metadata("team.name", "b"),
            all().metadata("team.name", "a"),
            all().topic(filter("budget.*.low")).topic(filter("team.**")),
            all().topic(filter("budget.*.low")),
        ];
        let mut index = index(&conditions);
        for (number, when) in conditions.iter().enumerate() {
            index.remove(number, when);
        }
        let MatchIndex { agents, metadata, topics, always } = index;
        assert!(agents.is_empty() && metadata.is_empty() && topics.is_empty() && always.is_empty());
    }
}
