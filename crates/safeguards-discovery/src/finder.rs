//! [`Finder`]: finds agents by what they can do and by how they stand, as others know it.

use std::{cmp::Ordering, sync::Arc};

use safeguards_types::AgentId;

use crate::{
    AgentRecord, Bounds, Capability, Cursor, Explanation, FindError, Found, Match, Order, Query,
    Registry, RegistryError, Status, StatusSource,
};

/// A registry, and those who know how its agents stand better than they say themselves: what is found has both
/// joined. Without sources it finds what the registry finds.
///
/// Of what an agent said and each source says, the worse health holds and every block; a load, and an available
/// amount of a unit, is that of the source that was added last and names one. A source can make an agent look
/// worse, never well: who says that it is unhealthy is believed.
///
/// Where the order or [`Query::healthy_only`] depends on how agents stand, all that match are read from the
/// registry, joined, and put in order here. Else the registry's page is joined and nothing more is read.
///
/// A source that fails lets the whole query fail: not to know that an agent is suspended must not look as if it
/// were not.
#[derive(Clone, Debug)]
pub struct Finder {
    registry: Arc<dyn Registry>,
    sources: Vec<Arc<dyn StatusSource>>,
}

impl Finder {
    /// Finds agents of this registry, as they stand by their own word.
    pub fn new(registry: Arc<dyn Registry>) -> Self {
        Self { registry, sources: Vec::new() }
    }

    /// Adds somebody who knows how agents stand.
    #[must_use]
    pub fn source(mut self, source: Arc<dyn StatusSource>) -> Self {
        self.sources.push(source);
        self
    }

    /// The registry.
    pub const fn registry(&self) -> &Arc<dyn Registry> {
        &self.registry
    }

    /// Who can do what is asked for, with how they stand joined.
    ///
    /// The answer's revision is that of the first page that was read: watched from there, no change is missed.
    ///
    /// # Errors
    ///
    /// Where the query cannot be used, or the registry or a source fails.
    pub async fn find(&self, query: &Query) -> Result<Found, FindError> {
        if self.sources.is_empty() || !depends_on_status(query) {
            let mut found = self.registry.find(query).await?;
            self.join(&mut found.agents).await?;
            return Ok(found);
        }
        query.check()?;
        let (mut agents, revision) = self.all(query).await?;
        self.join(&mut agents).await?;
        agents.retain(|agent| !query.healthy_only || agent.status.is_healthy());
        let total = u64::try_from(agents.len()).unwrap_or(u64::MAX);
        let mut placed: Vec<(i128, Match)> =
            agents.into_iter().map(|agent| (place(&query.order, &agent), agent)).collect();
        placed.sort_unstable_by(|one, other| in_order(one, (other.0, &other.1.agent)));
        if let Some(after) = &query.after {
            let begins = placed.partition_point(|one| in_order(one, after.place()).is_le());
            placed.drain(..begins);
        }
        let limit = query.limit.unwrap_or(Query::LIMIT);
        let has_more = placed.len() > limit;
        placed.truncate(limit);
        let last = placed.last().filter(|_| has_more);
        let next = last.map(|(key, one)| Cursor::new(query.order.name(), *key, one.agent.clone()));
        let agents = placed.into_iter().map(|(_, agent)| agent).collect();
        Ok(Found::new(agents, total, next, revision))
    }

    /// The first that may be given work and is none of `excluding`; `None` where there is none.
    ///
    /// # Errors
    ///
    /// As [`Self::find`].
    pub async fn choose(
        &self,
        query: &Query,
        excluding: &[AgentId],
    ) -> Result<Option<Match>, FindError> {
        query.check()?;
        let limit = excluding.len().saturating_add(1).min(Bounds::PAGE);
        let mut query = query.clone().healthy().limit(limit);
        query.after = None;
        loop {
            let Found { agents, next, .. } = self.find(&query).await?;
            let chosen = agents.into_iter().find(|found| !excluding.contains(&found.agent));
            if chosen.is_some() || next.is_none() {
                return Ok(chosen);
            }
            query.after = next;
        }
    }

    /// All that is known of an agent, with how it stands joined; `None` where none of this name is here.
    ///
    /// # Errors
    ///
    /// Where the registry or a source fails.
    pub async fn agent(&self, agent: &AgentId) -> Result<Option<AgentRecord>, RegistryError> {
        let Some(mut record) = self.registry.agent(agent).await? else {
            return Ok(None);
        };
        for answer in self.ask(std::slice::from_ref(agent)).await? {
            for said in answer.into_iter().flatten() {
                join(&mut record.status, said);
            }
        }
        Ok(Some(record))
    }

    /// Why an agent is, or is not, among those that a query finds, with how it stands joined.
    ///
    /// # Errors
    ///
    /// As [`Self::find`].
    pub async fn explain(&self, query: &Query, agent: &AgentId) -> Result<Explanation, FindError> {
        query.check()?;
        Ok(match self.agent(agent).await? {
            Some(record) => Explanation::of_present(query, &record),
            None => Explanation::not_here(agent.clone()),
        })
    }

    /// All that match, as they stand by their own word.
    async fn all(&self, query: &Query) -> Result<(Vec<Match>, crate::Revision), FindError> {
        // By name, pages are sound while statuses change. Who is not well by its own word is not well at all.
        let mut page = query.clone().order(Order::Name).limit(Bounds::PAGE);
        page.after = None;
        let first = self.registry.find(&page).await?;
        let (mut agents, revision, mut next) = (first.agents, first.revision, first.next);
        while next.is_some() {
            page.after = next;
            let found = self.registry.find(&page).await?;
            agents.extend(found.agents);
            next = found.next;
        }
        Ok((agents, revision))
    }

    async fn join(&self, agents: &mut [Match]) -> Result<(), RegistryError> {
        if agents.is_empty() {
            return Ok(());
        }
        let names: Vec<AgentId> = agents.iter().map(|found| found.agent.clone()).collect();
        for answer in self.ask(&names).await? {
            for (found, said) in agents.iter_mut().zip(answer) {
                if let Some(said) = said {
                    join(&mut found.status, said);
                    found.health = found.status.health;
                }
            }
        }
        Ok(())
    }

    /// What each source says, one answer for each agent.
    async fn ask(&self, agents: &[AgentId]) -> Result<Vec<Vec<Option<Status>>>, RegistryError> {
        let mut answers = Vec::with_capacity(self.sources.len());
        for source in &self.sources {
            let answer = source.statuses(agents).await?;
            // One answer too few would give every agent after the gap the status of another.
            if answer.len() != agents.len() {
                let (got, asked) = (answer.len(), agents.len());
                let message =
                    format!("a status source answered {got} times for {asked} agents: {source:?}");
                return Err(RegistryError::corrupt(message));
            }
            answers.push(answer);
        }
        Ok(answers)
    }
}

/// Whether who is found, or in which order, depends on how agents stand.
const fn depends_on_status(query: &Query) -> bool {
    match query.order {
        Order::Best | Order::LeastLoaded | Order::MostBudget(_) => true,
        Order::Name | Order::Cheapest(_) | Order::Priority | Order::Relevance => query.healthy_only,
    }
}

/// Lets a status also be what a source says.
fn join(status: &mut Status, said: Status) {
    let Status { health, load, available, blocks } = said;
    status.health = status.health.max(health);
    status.load = load.or(status.load);
    for amount in &available {
        status.available.set(amount.clone());
    }
    for block in blocks {
        if !status.blocks.contains(&block) {
            status.blocks.push(block);
        }
    }
}

fn place(order: &Order, found: &Match) -> i128 {
    let meant = found.capabilities.iter().map(AsRef::<Capability>::as_ref);
    order.place((&found.status, found.priority), meant, found.relevance)
}

fn in_order((key, found): &(i128, Match), (other_key, other): (i128, &AgentId)) -> Ordering {
    (*key, found.agent.as_str()).cmp(&(other_key, other.as_str()))
}
