//! [`Pair`]: two registries that are asked the same.

use std::{fmt, time::Duration};

use safeguards_discovery::{
    AgentRecord, Change, ChangeKind, ChangesError, FindError, Found, Lease, LeaseId, Match, Order,
    Query, RegisterError, Registry, RegistryError, RenewError, Revision, WithdrawError,
};
use safeguards_types::{AgentId, Clock, SimClock, Timestamp};

use super::{RegistryAct, RegistryTally, RegistryTurn};

type Compared<T> = Result<T, String>;

/// Two registries that are asked the same, and what they gave so far.
pub(super) struct Pair<'a> {
    clock: &'a SimClock,
    one: &'a dyn Registry,
    other: &'a dyn Registry,
    /// The leases that were given, as each calls them.
    leases: Vec<(Lease, Lease)>,
    tally: RegistryTally,
}

/// What every error of a registry has.
trait Coded: fmt::Debug {
    fn code(&self) -> &'static str;
}

macro_rules! coded {
    ($($error:ty),*) => {
        $(impl Coded for $error {
            fn code(&self) -> &'static str {
                self.code()
            }
        })*
    };
}

coded!(RegisterError, RenewError, WithdrawError, FindError, ChangesError, RegistryError);

fn same<T: PartialEq + fmt::Debug>(what: &str, one: &T, other: &T) -> Compared<()> {
    if one == other { Ok(()) } else { Err(format!("{what}: {one:?}, the other: {other:?}")) }
}

fn is_invalid(error: &impl Coded) -> bool {
    error.code().starts_with("discovery.invalid_")
}

impl<'a> Pair<'a> {
    pub(super) fn new(clock: &'a SimClock, one: &'a dyn Registry, other: &'a dyn Registry) -> Self {
        Self { clock, one, other, leases: Vec::new(), tally: RegistryTally::default() }
    }

    pub(super) async fn turn(&mut self, turn: &RegistryTurn) -> Compared<()> {
        let nanos = turn.wait_ms.saturating_mul(1_000_000);
        if nanos >= 0 {
            self.clock.advance(Duration::from_nanos(nanos.unsigned_abs()));
        } else {
            let back = self.clock.now().as_nanos().saturating_add(nanos);
            self.clock.set(Timestamp::from_nanos(back).unwrap_or_default());
        }
        let (one, other) = (self.one, self.other);
        match &turn.act {
            RegistryAct::Register(said) => {
                let answers =
                    (one.register(said.clone()).await, other.register(said.clone()).await);
                if let Some((one, other)) = self.both(answers)? {
                    self.lease(one, other)?;
                }
            }
            RegistryAct::Renew(back, status) => {
                let Some((a, b)) = self.leases.iter().rev().nth(*back).cloned() else {
                    return Ok(());
                };
                let answers =
                    (one.renew(&a, status.clone()).await, other.renew(&b, status.clone()).await);
                if let Some((one, other)) = self.both(answers)? {
                    self.lease(one, other)?;
                }
            }
            RegistryAct::Withdraw(agent, name, version) => {
                let answers = (
                    one.withdraw(agent, name, version.clone()).await,
                    other.withdraw(agent, name, version.clone()).await,
                );
                self.both(answers)?;
            }
            RegistryAct::Delete(agent) => {
                let answers = (one.delete(agent).await, other.delete(agent).await);
                self.both(answers)?;
            }
            RegistryAct::Find(query) => self.find(query).await?,
            RegistryAct::Agent(agent) => self.agent(agent).await?,
            RegistryAct::Changes(back, limit) => {
                let latest = self.revision().await?;
                // One too far ahead, too.
                let from = latest.number().saturating_add(1).saturating_sub(*back);
                self.changes(Revision::new(from), *limit).await?;
            }
            RegistryAct::Sweep => {
                let answers = (one.sweep().await, other.sweep().await);
                if let Some((one, other)) = self.both(answers)? {
                    same("the next end", &one, &other)?;
                }
            }
        }
        Ok(())
    }

    /// What there is in the end.
    pub(super) async fn end(mut self) -> Compared<RegistryTally> {
        self.find(&Query::all().order(Order::Name)).await?;
        self.changes(Revision::ZERO, usize::MAX).await?;
        let found = self.one.find(&Query::all().order(Order::Name)).await;
        let agents: Vec<AgentId> = found.iter().flat_map(Found::names).cloned().collect();
        for agent in agents {
            self.agent(&agent).await?;
        }
        Ok(self.tally)
    }

    /// Both succeeded, or both were refused by the same code. Where several things are invalid, each may say another.
    fn both<T: fmt::Debug, E: Coded>(
        &mut self,
        answers: (Result<T, E>, Result<T, E>),
    ) -> Compared<Option<(T, T)>> {
        let code = match &answers.0 {
            Ok(_) => "ok",
            Err(error) => error.code(),
        };
        let codes = &mut self.tally.codes;
        codes.insert(code, codes.get(code).copied().unwrap_or_default().saturating_add(1));
        match answers {
            (Ok(one), Ok(other)) => Ok(Some((one, other))),
            (Err(one), Err(other)) if one.code() == other.code() => Ok(None),
            (Err(one), Err(other)) if is_invalid(&one) && is_invalid(&other) => Ok(None),
            (one, other) => Err(format!("{one:?}, the other: {other:?}")),
        }
    }

    /// The same lease, by whatever name; a name that was given before stands for the one that it stood for.
    fn lease(&mut self, one: Lease, other: Lease) -> Compared<()> {
        let content = |lease: &Lease| (lease.agent.clone(), lease.ttl, lease.expires_at);
        same("a lease", &content(&one), &content(&other))?;
        for (a, b) in &self.leases {
            if (a.id == one.id) != (b.id == other.id) {
                return Err(format!("leases {a:?} and {one:?}, the other: {b:?} and {other:?}"));
            }
        }
        self.leases.push((one, other));
        Ok(())
    }

    /// What the second registry calls a lease of the first.
    fn name_of(&self, lease: LeaseId) -> Compared<LeaseId> {
        let known = self.leases.iter().find(|(one, _)| one.id == lease);
        known.map(|(_, other)| other.id).ok_or_else(|| format!("nobody was given lease {lease}"))
    }

    async fn revision(&mut self) -> Compared<Revision> {
        let query = Query::all().limit(1);
        let answers = (self.one.find(&query).await, self.other.find(&query).await);
        let Some((one, other)) = self.both(answers)? else { return Ok(Revision::ZERO) };
        same("the revision", &one.revision, &other.revision)?;
        Ok(one.revision)
    }

    async fn find(&mut self, query: &Query) -> Compared<()> {
        let mut query = query.clone();
        if query.order == Order::Relevance && query.limit.is_some_and(|limit| limit > 0) {
            // How well words fit may be reckoned otherwise, so pages may be cut otherwise.
            query.limit = None;
        }
        loop {
            let answers = (self.one.find(&query).await, self.other.find(&query).await);
            let Some((mut one, mut other)) = self.both(answers)? else { return Ok(()) };
            for found in [&mut one, &mut other] {
                if query.order == Order::Relevance {
                    found.agents.sort_by(|a, b| a.agent.cmp(&b.agent));
                }
                for one in &mut found.agents {
                    if one.relevance.is_some() != query.text.is_some() {
                        return Err(format!("a relevance where there is a text: {one:?}"));
                    }
                    one.relevance = None;
                }
            }
            for (one, other) in std::iter::zip(&one.agents, &other.agents) {
                same::<Match>("a match", one, other)?;
            }
            same("what is found", &one, &other)?;
            let many = u64::try_from(one.agents.len()).unwrap_or(u64::MAX);
            self.tally.found = self.tally.found.saturating_add(many);
            let Some(next) = one.next else { return Ok(()) };
            query = query.after(next);
        }
    }

    async fn agent(&mut self, agent: &AgentId) -> Compared<()> {
        let answers = (self.one.agent(agent).await, self.other.agent(agent).await);
        let Some((one, other)) = self.both(answers)? else { return Ok(()) };
        let rename = |mut record: AgentRecord| -> Compared<AgentRecord> {
            record.lease.id = self.name_of(record.lease.id)?;
            Ok(record)
        };
        same("an agent", &one.map(rename).transpose()?, &other)
    }

    async fn changes(&mut self, after: Revision, limit: usize) -> Compared<()> {
        let answers =
            (self.one.changes(after, limit).await, self.other.changes(after, limit).await);
        let Some((mut one, other)) = self.both(answers)? else { return Ok(()) };
        for Change { kind, .. } in &mut one.changes {
            if let ChangeKind::Arrived { lease } = kind {
                *lease = self.name_of(*lease)?;
            }
            let expired = u64::from(matches!(kind, ChangeKind::Expired));
            self.tally.expired = self.tally.expired.saturating_add(expired);
        }
        for (one, other) in std::iter::zip(&one.changes, &other.changes) {
            same("a change", one, other)?;
        }
        same("changes", &one, &other)
    }
}
