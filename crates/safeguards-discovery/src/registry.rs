//! [`Registry`]: where agents register and are found, the seam; [`RegistryExt`]: its verbs for callers.

use std::{cmp::Reverse, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use safeguards_types::{AgentId, Timestamp};
use semver::Version;

use crate::{
    AgentRecord, Bounds, Capability, CapabilityName, Changes, ChangesError, Explanation, FindError,
    Found, InvalidField, InvalidKind, Lease, Match, Order, Query, RegisterError, Registration,
    RegistryError, RenewError, Revision, Status, WithdrawError,
};

/// Where agents say what they can do, and are found by it.
///
/// # Contract
///
/// - Time is the registry's own and never goes back: now is the later of its clock and its latest change.
/// - An agent whose lease has run out is never shown, also before its end was swept up, and what it could do is
///   gone with it. At the very instant at which a lease runs out it has run out.
/// - Each operation takes effect as a whole or not at all, and what it did is seen by whatever begins after its
///   answer.
/// - What a query finds is what is there at one revision: the answer says which.
/// - What is found stands in the order asked for, equals by the agents' names, letter by letter; the pages of an
///   answer have each agent once where nothing changes in between. All registries find the same; only how well
///   words fit may be reckoned otherwise.
/// - Every change has the next revision, without gaps, in the order in which they took effect; leases that ran
///   out before an operation are changes before those of the operation. Changes are kept as long as the registry
///   says; one that is kept no more is said to be, never left out.
/// - Renewing changes nothing but the lease's end, unless the status is another.
/// - Any of these futures may be dropped at any point: the operation then took effect as a whole or not at all.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Registry: fmt::Debug + Send + Sync + 'static {
    /// Lets an agent come, say more, or say the same again; its lease is renewed. What is invalid is said before what
    /// contradicts, or that there is no room.
    async fn register(&self, registration: Registration) -> Result<Lease, RegisterError>;

    /// Renews a lease for as long again as the agent's latest registration said; with a status, this is how the agent
    /// stands from now on. Agent and id tell which lease is meant; what else it says is not looked at.
    async fn renew(&self, lease: &Lease, status: Option<Status>) -> Result<Lease, RenewError>;

    /// Takes back a capability of this very name in one version or, without one, in all. The agent stays.
    async fn withdraw(
        &self,
        agent: &AgentId,
        capability: &CapabilityName,
        version: Option<Version>,
    ) -> Result<(), WithdrawError>;

    /// Removes an agent with all that it can do; its lease ends.
    async fn delete(&self, agent: &AgentId) -> Result<(), WithdrawError>;

    /// Who can do what is asked for.
    async fn find(&self, query: &Query) -> Result<Found, FindError>;

    /// All that is known of an agent; `None` where none of this name is here.
    async fn agent(&self, agent: &AgentId) -> Result<Option<AgentRecord>, RegistryError>;

    /// At most `limit` changes after a revision, oldest first; none where nothing happened since. A limit above
    /// [`Bounds::CHANGES`](crate::Bounds::CHANGES) is taken for that.
    async fn changes(&self, after: Revision, limit: usize) -> Result<Changes, ChangesError>;

    /// Waits until something happens after this revision. It answers at once where something has, or where the
    /// registry cannot tell. Leases that run out are told when they are swept up.
    async fn changed(&self, after: Revision) -> Result<(), ChangesError>;

    /// Ends the leases that ran out, and gives the instant when the next one does.
    async fn sweep(&self) -> Result<Option<Timestamp>, RegistryError>;
}

/// What callers write.
#[async_trait]
pub trait RegistryExt: Registry {
    /// Says that an agent can do this, for as long as it renews the lease.
    ///
    /// # Errors
    ///
    /// As [`Registry::register`].
    async fn advertise(
        &self,
        agent: &AgentId,
        capability: Capability,
        ttl: Duration,
    ) -> Result<Lease, RegisterError> {
        self.register(Registration::new(agent, ttl).capability(capability)).await
    }

    /// Why an agent is, or is not, among those that a query finds.
    ///
    /// # Errors
    ///
    /// As [`Registry::find`].
    async fn explain(&self, query: &Query, agent: &AgentId) -> Result<Explanation, FindError> {
        query.check()?;
        let record = self.agent(agent).await?;
        Ok(match record {
            // Whom the registry shows is here: the time is the registry's.
            Some(record) => Explanation::of_present(query, &record),
            None => Explanation::not_here(agent.clone()),
        })
    }

    /// Who can do what is asked for, those with the highest score first, equals by name; as many as the query's
    /// limit allows. All that match are asked for their score, a page of the registry at a time, so that who comes
    /// or goes meanwhile may be missing or there no more.
    ///
    /// The query's own order is not looked at. There is one page only: `next` is `None`, and `total` says how
    /// many had a score.
    ///
    /// # Errors
    ///
    /// As [`Registry::find`]; and where the query names a page.
    async fn find_by<S>(&self, query: &Query, score: S) -> Result<Found, FindError>
    where
        S: Fn(&Match) -> i64 + Send + Sync,
    {
        query.check()?;
        if let Some(cursor) = &query.after {
            let allowed = "none: what is found by a score has one page";
            return Err(InvalidField::new(InvalidKind::Cursor, "after", cursor, allowed).into());
        }
        let limit = query.limit.unwrap_or(Query::LIMIT);
        let mut rest = query.clone().order(Order::Name).limit(Bounds::PAGE);
        let mut best: Vec<(Reverse<i64>, Match)> = Vec::new();
        let mut total = 0_u64;
        loop {
            let page = self.find(&rest).await?;
            for found in page.agents {
                total = total.saturating_add(1);
                best.push((Reverse(score(&found)), found));
            }
            // No more is kept than a page and the answer.
            best.sort_by(|(one, a), (other, b)| one.cmp(other).then_with(|| a.agent.cmp(&b.agent)));
            best.truncate(limit);
            let Some(next) = page.next else {
                let agents = best.into_iter().map(|(_, found)| found).collect();
                return Ok(Found::new(agents, total, None, page.revision));
            };
            rest = rest.after(next);
        }
    }
}

impl<R: Registry + ?Sized> RegistryExt for R {}

#[async_trait]
impl<R: Registry + ?Sized> Registry for Arc<R> {
    async fn register(&self, registration: Registration) -> Result<Lease, RegisterError> {
        (**self).register(registration).await
    }

    async fn renew(&self, lease: &Lease, status: Option<Status>) -> Result<Lease, RenewError> {
        (**self).renew(lease, status).await
    }

    async fn withdraw(
        &self,
        agent: &AgentId,
        capability: &CapabilityName,
        version: Option<Version>,
    ) -> Result<(), WithdrawError> {
        (**self).withdraw(agent, capability, version).await
    }

    async fn delete(&self, agent: &AgentId) -> Result<(), WithdrawError> {
        (**self).delete(agent).await
    }

    async fn find(&self, query: &Query) -> Result<Found, FindError> {
        (**self).find(query).await
    }

    async fn agent(&self, agent: &AgentId) -> Result<Option<AgentRecord>, RegistryError> {
        (**self).agent(agent).await
    }

    async fn changes(&self, after: Revision, limit: usize) -> Result<Changes, ChangesError> {
        (**self).changes(after, limit).await
    }

    async fn changed(&self, after: Revision) -> Result<(), ChangesError> {
        (**self).changed(after).await
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, RegistryError> {
        (**self).sweep().await
    }
}

#[cfg(test)]
mod tests {
    use safeguards_types::Priority;

    use super::*;
    use crate::{Cursor, Health, LeaseId};

    /// Three agents to a page, whatever is asked for.
    #[derive(Debug)]
    struct Pages(Vec<AgentRecord>);

    impl Pages {
        fn of(loads: &[(&str, u32)]) -> Self {
            let record = |&(name, load): &(&str, u32)| {
                let lease = Lease::new(name.into(), LeaseId::new(1), None, None);
                let mut record = AgentRecord::new(lease, Timestamp::UNIX_EPOCH);
                record.status = Status::new().load(load);
                record
            };
            let mut records: Vec<_> = loads.iter().map(record).collect();
            records.sort_by(|one, other| one.agent.cmp(&other.agent));
            Self(records)
        }
    }

    #[async_trait]
    impl Registry for Pages {
        async fn register(&self, _: Registration) -> Result<Lease, RegisterError> {
            unimplemented!()
        }

        async fn renew(&self, _: &Lease, _: Option<Status>) -> Result<Lease, RenewError> {
            unimplemented!()
        }

        async fn withdraw(
            &self,
            _: &AgentId,
            _: &CapabilityName,
            _: Option<Version>,
        ) -> Result<(), WithdrawError> {
            unimplemented!()
        }

        async fn delete(&self, _: &AgentId) -> Result<(), WithdrawError> {
            unimplemented!()
        }

        async fn find(&self, query: &Query) -> Result<Found, FindError> {
            query.check()?;
            assert_eq!(query.order, Order::Name);
            let after = query.after.as_ref().map(|cursor| cursor.place().1);
            let rest = self.0.iter().filter(|record| after.is_none_or(|a| record.agent > *a));
            let rest: Vec<&AgentRecord> = rest.collect();
            let found = |record: &&AgentRecord| Match {
                agent: record.agent.clone(),
                description: String::new(),
                priority: Priority::default(),
                capabilities: Vec::new(),
                health: Health::Healthy,
                status: record.status.clone(),
                expires_at: None,
                relevance: None,
            };
            let agents: Vec<Match> = rest.iter().take(3).map(found).collect();
            let last = agents.last().filter(|_| rest.len() > 3);
            let next = last.map(|last| Cursor::new("name", 0, last.agent.clone()));
            Ok(Found::new(agents, self.0.len() as u64, next, Revision::new(7)))
        }

        async fn agent(&self, agent: &AgentId) -> Result<Option<AgentRecord>, RegistryError> {
            Ok(self.0.iter().find(|record| record.agent == *agent).cloned())
        }

        async fn changes(&self, _: Revision, _: usize) -> Result<Changes, ChangesError> {
            unimplemented!()
        }

        async fn changed(&self, _: Revision) -> Result<(), ChangesError> {
            unimplemented!()
        }

        async fn sweep(&self) -> Result<Option<Timestamp>, RegistryError> {
            unimplemented!()
        }
    }

    fn load(found: &Match) -> i64 {
        found.status.load.map_or(-1, i64::from)
    }

    #[tokio::test]
    async fn the_highest_score_of_all_pages_is_first_and_equals_stand_by_name() {
        let loads = [("g", 5), ("f", 9), ("e", 1), ("d", 5), ("c", 9), ("b", 0), ("a", 5)];
        let registry: Arc<dyn Registry> = Arc::new(Pages::of(&loads));
        let found = registry.find_by(&Query::all(), load).await.unwrap();
        let names = |found: &Found| found.names().map(AgentId::to_string).collect::<String>();
        assert_eq!((names(&found).as_str(), found.total), ("cfadgeb", 7));
        assert_eq!((found.next, found.revision), (None, Revision::new(7)));

        let query = Query::all().limit(4).order(Order::Best);
        let first = registry.find_by(&query, load).await.unwrap();
        assert_eq!((names(&first).as_str(), first.total), ("cfad", 7));
        let least = registry.find_by(&query, |found| -load(found)).await.unwrap();
        assert_eq!(names(&least), "bead");
    }

    #[tokio::test]
    async fn what_is_found_by_a_score_has_one_page() {
        let query = Query::all().after(Cursor::new("best", 0, "a".into()));
        let error = Pages::of(&[]).find_by(&query, load).await.unwrap_err();
        assert_eq!(error.code(), "discovery.invalid_cursor");
    }

    #[tokio::test]
    async fn explaining_asks_who_is_here() {
        let registry = Pages::of(&[("a", 1)]);
        let explain = async |query: Query, agent: &str| {
            registry.explain(&query, &agent.into()).await.map(|found| found.is_found())
        };
        assert!(explain(Query::all(), "a").await.unwrap());
        assert!(!explain(Query::all().tag("x"), "a").await.unwrap());
        assert!(!explain(Query::all(), "b").await.unwrap());
        let error = explain(Query::all().limit(0), "b").await.unwrap_err();
        assert_eq!(error.code(), "discovery.invalid_limit");
    }
}
