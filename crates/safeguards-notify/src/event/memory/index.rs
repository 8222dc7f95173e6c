//! [`Index`]: which subscriptions see an event.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::Arc,
};

use foldhash::fast::RandomState;
use safeguards_types::AgentId;
use smallvec::SmallVec;

use super::queue::{Queue, SubscriptionNumber};
use crate::{Subscribe, Topic};

type Queues = BTreeMap<SubscriptionNumber, Arc<Queue>>;

/// Which subscriptions see an event: those to one topic by that topic, inboxes by their agent, those to a
/// pattern one by one. What was found for a topic is kept until a subscription changes it.
#[derive(Debug, Default)]
pub(super) struct Index {
    topics: HashMap<Topic, Queues, RandomState>,
    patterns: Queues,
    inboxes: HashMap<AgentId, Queues, RandomState>,
    found: HashMap<Topic, Arc<[Arc<Queue>]>, RandomState>,
    /// How much `found` holds, at most: what was taken out of it alone is counted until it is emptied.
    found_len: usize,
    watchers: usize,
    len: usize,
}

/// How many topics and subscriptions to them are kept at most as found. Topics that are used once, such as those with the
/// name of a job in them, must not fill the memory.
const FOUND_MAX: usize = 65_536;

/// For how many subscriptions the topic itself counts.
const TOPIC_LEN: usize = 16;

/// Who sees a message or a reply: few, as a rule.
pub(super) type Few = SmallVec<[Arc<Queue>; 4]>;

/// The topic that a subscription is to, where it is to one.
fn one_topic(wanted: &Subscribe) -> Option<Topic> {
    Topic::parse(wanted.filter().as_str()).ok()
}

/// Removes a queue, and its list where it was the last one in it.
fn remove_from<K: Eq + Hash>(
    lists: &mut HashMap<K, Queues, RandomState>,
    key: &K,
    number: SubscriptionNumber,
) {
    if let Some(queues) = lists.get_mut(key) {
        queues.remove(&number);
        if queues.is_empty() {
            lists.remove(key);
        }
    }
}

impl Index {
    /// How many subscriptions there are.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn add(&mut self, queue: Arc<Queue>) {
        let wanted = &queue.wanted;
        self.len = self.len.saturating_add(1);
        self.watchers = self.watchers.saturating_add(usize::from(wanted.sees_messages()));
        let queues = if let Some(agent) = wanted.agent() {
            self.inboxes.entry(agent.clone()).or_default()
        } else if let Some(topic) = one_topic(wanted) {
            self.found.remove(&topic);
            self.topics.entry(topic).or_default()
        } else {
            self.found.clear();
            self.found_len = 0;
            &mut self.patterns
        };
        queues.insert(queue.number, queue);
    }

    /// Removes a subscription. Who removes it still holds the queue, so nothing of it is dropped here, under a lock.
    pub(super) fn remove(&mut self, queue: &Queue) {
        let wanted = &queue.wanted;
        self.len = self.len.saturating_sub(1);
        self.watchers = self.watchers.saturating_sub(usize::from(wanted.sees_messages()));
        if let Some(agent) = wanted.agent() {
            remove_from(&mut self.inboxes, agent, queue.number);
        } else if let Some(topic) = one_topic(wanted) {
            self.found.remove(&topic);
            remove_from(&mut self.topics, &topic, queue.number);
        } else {
            self.found.clear();
            self.found_len = 0;
            self.patterns.remove(&queue.number);
        }
    }

    /// The subscriptions that see an event for everybody under this topic; of messages and replies, those of them
    /// that watch.
    pub(super) fn of_topic(&mut self, topic: &Topic) -> Arc<[Arc<Queue>]> {
        if let Some(found) = self.found.get(topic) {
            return Arc::clone(found);
        }
        let exact = self.topics.get(topic).into_iter().flat_map(BTreeMap::values);
        let patterns = self.patterns.values().filter(|queue| queue.wanted.filter().matches(topic));
        let found: Arc<[_]> = exact.chain(patterns).cloned().collect();
        // A topic without subscriptions takes room too, its text above all.
        let added = found.len().saturating_add(TOPIC_LEN);
        self.found_len = self.found_len.saturating_add(added);
        if self.found_len > FOUND_MAX {
            self.found.clear();
            self.found_len = added;
        }
        self.found.insert(topic.clone(), Arc::clone(&found));
        found
    }

    /// The inboxes of an agent that take messages under this topic.
    pub(super) fn inboxes(&self, agent: &AgentId, topic: &Topic) -> Few {
        let inboxes = self.inboxes.get(agent).into_iter().flat_map(BTreeMap::values);
        inboxes.filter(|queue| queue.wanted.filter().matches(topic)).cloned().collect()
    }

    /// The subscriptions that watch messages and replies under this topic.
    pub(super) fn watchers(&mut self, topic: &Topic) -> Few {
        if self.watchers == 0 {
            return Few::new();
        }
        let of_topic = self.of_topic(topic);
        of_topic.iter().filter(|queue| queue.wanted.sees_messages()).cloned().collect()
    }

    /// All queues, in no order.
    pub(super) fn queues(&self) -> impl Iterator<Item = &Arc<Queue>> {
        let lists = self.topics.values().chain(self.inboxes.values()).chain([&self.patterns]);
        lists.flat_map(BTreeMap::values)
    }
}
