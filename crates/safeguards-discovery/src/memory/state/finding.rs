//! Who can do what is asked for: sets from the index, then the first few in the order asked for.

use std::{collections::BinaryHeap, sync::Arc};

use roaring::RoaringBitmap;
use safeguards_types::AgentId;

use super::{
    super::{index::Candidates, slot::Slot},
    Rank, State,
};
use crate::{
    AgentRecord, Capability, Cursor, Found, InvalidField, Match, Order, Query, Words,
    search::index::Search,
};

/// Words that are searched for, in agents' own words and in what they can do.
struct Wanted<'s> {
    agents: Search<'s>,
    capabilities: Search<'s>,
}

/// Where an agent stands in an order: the smaller comes first.
type Place = (i128, u64, Slot);

impl State {
    /// How many match.
    pub(in crate::memory) fn count(&self, query: &Query) -> Result<u64, InvalidField> {
        query.check()?;
        let matched = self.matched(query, self.wanted(query).as_ref());
        Ok(u64::try_from(matched.len()).unwrap_or(u64::MAX))
    }

    /// Shows who matches.
    pub(in crate::memory) fn for_each(
        &self,
        query: &Query,
        see: impl FnMut(&AgentId),
    ) -> Result<(), InvalidField> {
        query.check()?;
        let matched = self.matched(query, self.wanted(query).as_ref());
        let agents = matched.iter().filter_map(|slot| self.agents.get(*slot));
        agents.map(|agent| &agent.id).for_each(see);
        Ok(())
    }

    /// Who matches: one page of them, in order.
    pub(in crate::memory) fn find(&self, query: &Query) -> Result<Found, InvalidField> {
        query.check()?;
        let wanted = self.wanted(query);
        let slots = self.matched(query, wanted.as_ref());
        let total = u64::try_from(slots.len()).unwrap_or(u64::MAX);
        let limit = query.limit.unwrap_or(Query::LIMIT);
        let begin = query.after.as_ref().map(|cursor| {
            let (key, agent) = cursor.place();
            (key, self.names.label_after(agent.as_str()))
        });
        // One more than a page, to see whether there is another.
        let mut first: BinaryHeap<Place> = BinaryHeap::new();
        for slot in slots {
            let key = self.key(query, slot, wanted.as_ref());
            if first.len() > limit && first.peek().is_some_and(|last| key > last.0) {
                continue;
            }
            let label = self.names.label(slot);
            let is_later = begin.is_none_or(|(begin, from)| {
                key > begin || (key == begin && from.is_some_and(|from| label >= from))
            });
            if is_later {
                first.push((key, label, slot));
                if first.len() > limit.saturating_add(1) {
                    first.pop();
                }
            }
        }
        let mut page = first.into_sorted_vec();
        let has_more = page.len() > limit;
        page.truncate(limit);
        let last = page.last().filter(|_| has_more);
        let next = last.and_then(|(key, _, slot)| {
            let agent = self.agents.get(*slot)?.id.clone();
            Some(Cursor::new(query.order.name(), *key, agent))
        });
        let found = page.iter().filter_map(|(_, _, slot)| self.told(query, *slot, wanted.as_ref()));
        Ok(Found::new(found.collect(), total, next, self.log.latest()))
    }

    fn wanted(&self, query: &Query) -> Option<Wanted<'_>> {
        let words = Words::of(query.text.as_ref()?);
        let (agents, capabilities) = (self.words.search(&words), self.index.words().search(&words));
        Some(Wanted { agents, capabilities })
    }

    /// Who matches: each once, ascending by number.
    fn matched(&self, query: &Query, wanted: Option<&Wanted<'_>>) -> Vec<Slot> {
        let mut slots = match (query.says_of_a_capability(), wanted) {
            (true, wanted) => self.capable(query, wanted),
            (false, None) => self.names.slots(),
            (false, Some(wanted)) => {
                let mut slots = self.owners_of(&wanted.capabilities.documents());
                slots.extend(wanted.agents.documents());
                slots
            }
        };
        if !query.says_of_a_capability() && query.healthy_only {
            slots.retain(|slot| self.rank(*slot).is_healthy);
        }
        ascending(&mut slots);
        if let Some(among) = &query.among {
            let mut these: Vec<Slot> =
                among.iter().filter_map(|agent| self.names.find(agent.as_str())).collect();
            ascending(&mut these);
            slots.retain(|slot| these.binary_search(slot).is_ok());
        }
        slots
    }

    /// Whose capabilities are meant.
    fn capable(&self, query: &Query, wanted: Option<&Wanted<'_>>) -> Vec<Slot> {
        let Candidates { mut entries, unsure } = self.index.candidates(query);
        if !unsure.is_empty() {
            let is_meant = |entry: u32| self.capability(entry).is_some_and(|it| query.means(it));
            let wrong = unsure & &*entries;
            let wrong: RoaringBitmap = wrong.iter().filter(|entry| !is_meant(*entry)).collect();
            *entries.to_mut() -= wrong;
        }
        match wanted {
            None => self.owners_of(&entries),
            Some(wanted) => {
                let mut slots = self.owners_of(&(&*entries & wanted.capabilities.documents()));
                let own = wanted.agents.documents();
                let owners = self.owners_of(&entries);
                slots.extend(owners.into_iter().filter(|slot| own.contains(*slot)));
                slots
            }
        }
    }

    fn owners_of(&self, entries: &RoaringBitmap) -> Vec<Slot> {
        let mut owners = Vec::with_capacity(usize::try_from(entries.len()).unwrap_or(0));
        // An agent's capabilities stand together, as a rule.
        let mut latest = None;
        for entry in entries {
            let owner = self.owner(entry);
            if owner != latest {
                owners.extend(owner);
                latest = owner;
            }
        }
        owners
    }

    /// Where an agent stands in the order asked for.
    fn key(&self, query: &Query, slot: Slot, wanted: Option<&Wanted<'_>>) -> i128 {
        let Rank { health, priority, is_healthy: _, load } = self.rank(slot);
        let order = &query.order;
        match order {
            Order::Name => 0,
            Order::Best | Order::Priority | Order::LeastLoaded => {
                order.key_of(health, priority, load)
            }
            Order::MostBudget(unit) => {
                let left = self.agents.get(slot).map(|agent| &agent.status.available);
                Order::key_of_budget(
                    left.filter(|left| left.names(unit)).map(|left| left.get(unit)),
                )
            }
            Order::Cheapest(unit) => {
                let costs = self.each_meant(query, slot, wanted).filter_map(|(_, capability)| {
                    let cost = &capability.cost;
                    cost.names(unit).then(|| cost.get(unit).steps())
                });
                costs.min().unwrap_or(i128::MAX)
            }
            Order::Relevance => {
                let relevance = wanted.map(|wanted| self.relevance(query, slot, wanted));
                relevance.map_or(i128::MAX, |score| i128::from(score).saturating_neg())
            }
        }
    }

    /// Which of an agent's capabilities are meant, each with how well its own words fit.
    fn each_meant<'s>(
        &'s self,
        query: &'s Query,
        slot: Slot,
        wanted: Option<&'s Wanted<'_>>,
    ) -> impl Iterator<Item = (Option<u64>, &'s Arc<Capability>)> {
        let entries = self.agents.get(slot).map_or(&[][..], |agent| &agent.entries);
        let all = wanted.is_none_or(|wanted| wanted.agents.score(slot).is_some());
        entries.iter().filter_map(move |entry| {
            let capability = self.capability(*entry).filter(|one| query.means(one))?;
            let score = wanted.and_then(|wanted| wanted.capabilities.score(*entry));
            (all || score.is_some()).then_some((score, capability))
        })
    }

    /// How well an agent's words fit: its own, and those of the best that is meant.
    fn relevance(&self, query: &Query, slot: Slot, wanted: &Wanted<'_>) -> u64 {
        let best = self.each_meant(query, slot, Some(wanted)).filter_map(|(score, _)| score).max();
        wanted.agents.score(slot).unwrap_or(0).saturating_add(best.unwrap_or(0))
    }

    fn told(&self, query: &Query, slot: Slot, wanted: Option<&Wanted<'_>>) -> Option<Match> {
        let record: AgentRecord = self.record_at(slot)?;
        let meant = self.each_meant(query, slot, wanted).map(|(_, one)| Arc::clone(one));
        let mut told = Match::new(&record, meant.collect());
        told.relevance = wanted.map(|wanted| self.relevance(query, slot, wanted));
        Some(told)
    }
}

/// Each once, ascending.
fn ascending(slots: &mut Vec<Slot>) {
    if !slots.is_sorted_by(|one, next| one < next) {
        slots.sort_unstable();
        slots.dedup();
    }
}
