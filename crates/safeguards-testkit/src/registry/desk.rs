//! [`RegistryDesk`]: what a case works at: a registry, and the words to ask it with.

use std::{
    cell::RefCell, collections::BTreeMap, future::poll_fn, sync::Arc, task::Poll, time::Duration,
};

use safeguards_discovery::{
    AgentRecord, Capability, CapabilityName, Change, ChangeKind, FindError, Found, Lease, Order,
    Query, RegisterError, Registration, Registry, RenewError, Revision, Status, Version,
    WithdrawError,
};
use safeguards_types::{AgentId, Clock, SimClock, Timestamp};

use super::{RegistryEnv, RegistrySetup, env::Open};

/// What a case works at: a registry, and the words to ask it with.
#[derive(Debug)]
pub struct RegistryDesk {
    env: RegistryEnv,
    setup: RegistrySetup,
    /// None only while it is opened again.
    registry: RefCell<Option<Arc<dyn Registry>>>,
}

/// How long a case waits for what is to come, in real time. Only where that never comes does anybody wait.
const PATIENCE: Duration = Duration::from_secs(20);

impl RegistryDesk {
    /// A desk for this registry, which was made as `setup` says.
    pub fn new(mut env: RegistryEnv, setup: RegistrySetup) -> Self {
        let registry = RefCell::new(env.registry.take());
        Self { env, setup, registry }
    }

    /// The registry.
    pub fn registry(&self) -> Arc<dyn Registry> {
        self.registry.borrow().clone().expect("the registry is open")
    }

    pub(super) const fn clock(&self) -> &SimClock {
        &self.setup.clock
    }

    pub(super) const fn setup(&self) -> &RegistrySetup {
        &self.setup
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// So many seconds go by.
    pub(super) fn wait(&self, seconds: u64) {
        self.clock().advance(Duration::from_secs(seconds));
    }

    /// So many seconds from now.
    pub(super) fn after(&self, seconds: u64) -> Timestamp {
        self.now().checked_add(Duration::from_secs(seconds)).unwrap()
    }

    pub(super) async fn register(&self, registration: Registration) -> Lease {
        self.registry().register(registration).await.unwrap()
    }

    /// The registration is refused with this code, and nothing has happened.
    pub(super) async fn refuses(&self, registration: Registration, code: &str) -> RegisterError {
        let agent = registration.agent.clone();
        let before = (self.record_of(&agent).await, self.revision().await);
        let error = self.registry().register(registration).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        let after = (self.record_of(&agent).await, self.revision().await);
        assert_eq!(after, before, "nothing of what is refused has happened");
        error
    }

    pub(super) async fn renew(&self, lease: &Lease) -> Lease {
        self.registry().renew(lease, None).await.unwrap()
    }

    pub(super) async fn stands(&self, lease: &Lease, status: Status) {
        self.registry().renew(lease, Some(status)).await.unwrap();
    }

    /// The lease is no more.
    pub(super) async fn is_gone(&self, lease: &Lease) {
        let error = self.registry().renew(lease, None).await.unwrap_err();
        let RenewError::Gone { agent, lease: id } = &error else { panic!("{error:?}") };
        assert_eq!((agent, *id), (&lease.agent, lease.id));
        assert_eq!(error.code(), "discovery.gone");
    }

    /// Withdraws `name` in all versions, or `name version` in that one.
    pub(super) async fn withdraw(
        &self,
        agent: &str,
        capability: &str,
    ) -> Result<(), WithdrawError> {
        let Capability { name, version, .. } = cap(capability);
        self.registry().withdraw(&agent.into(), &name, version).await
    }

    pub(super) async fn delete(&self, agent: &str) -> Result<(), WithdrawError> {
        self.registry().delete(&agent.into()).await
    }

    pub(super) async fn find(&self, query: &Query) -> Found {
        self.registry().find(query).await.unwrap()
    }

    /// The query finds these, in this order: names, with spaces between.
    #[track_caller]
    pub(super) fn finds(&self, query: &Query, expected: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let found = self.find(query).await;
            assert_eq!(names(&found), expected, "{caller}: {query:?}");
            let total = usize::try_from(found.total).unwrap();
            if found.next.is_none() && query.after.is_none() {
                assert_eq!(total, found.agents.len(), "{caller}: all are on the one page");
            }
        }
    }

    /// The query is refused with this code and names this field.
    pub(super) async fn refuses_query(&self, query: &Query, code: &str, field: &str) {
        let error = self.registry().find(query).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        let FindError::Invalid(invalid) = &error else { panic!("{error:?}") };
        assert!(invalid.field().contains(field), "{field} in {error}");
    }

    pub(super) async fn record_of(&self, agent: &AgentId) -> Option<AgentRecord> {
        self.registry().agent(agent).await.unwrap()
    }

    /// The agent, which is here.
    pub(super) async fn record(&self, agent: &str) -> AgentRecord {
        self.record_of(&agent.into()).await.expect("the agent is here")
    }

    /// What the agent can do, in the order in which it is shown.
    pub(super) async fn can(&self, agent: &str) -> String {
        let record = self.record(agent).await;
        let texts: Vec<_> = record.capabilities.iter().map(ToString::to_string).collect();
        texts.join(", ")
    }

    pub(super) async fn revision(&self) -> Revision {
        self.find(&Query::all().limit(1)).await.revision
    }

    pub(super) async fn changes(&self, after: Revision) -> Vec<Change> {
        self.registry().changes(after, usize::MAX).await.unwrap().changes
    }

    /// What happened after a revision, a line each.
    pub(super) async fn told(&self, after: Revision) -> Vec<String> {
        self.changes(after).await.iter().map(line).collect()
    }

    /// Whether the registry can be opened again.
    pub(super) fn reopens(&self) -> bool {
        self.env.reopen.is_some()
    }

    /// Drops the registry and opens it again.
    pub(super) async fn reopen(&self) {
        self.registry.replace(None);
        let open: &Open = self.env.reopen.as_ref().expect("the environment says how");
        let registry = open().await;
        self.registry.replace(Some(registry));
    }

    /// Everybody, by name, and the latest revision.
    pub(super) async fn all(&self) -> (Vec<AgentRecord>, Revision) {
        let mut all = Vec::new();
        let mut query = Query::all().order(Order::Name);
        loop {
            let found = self.find(&query).await;
            for agent in found.names() {
                all.extend(self.record_of(agent).await);
            }
            let Some(next) = found.next else { return (all, found.revision) };
            query = query.after(next);
        }
    }

    /// What holds after every case: revisions have no gaps, and who reads all changes knows who is here and what
    /// each can do.
    pub(super) async fn audit(&self) {
        let (all, revision) = self.all().await;
        let Ok(first) = self.registry().changes(Revision::ZERO, usize::MAX).await else {
            // Some are forgotten; there is a case about that.
            return;
        };
        let (mut changes, mut next) = (first.changes, first.next);
        while next < revision {
            let more = self.registry().changes(next, usize::MAX).await.unwrap();
            changes.extend(more.changes);
            next = more.next;
        }
        assert_eq!(next, revision, "the last change has the latest revision");
        let numbers: Vec<u64> = changes.iter().map(|change| change.revision.number()).collect();
        let expected: Vec<u64> = (1..=revision.number()).collect();
        assert_eq!(numbers, expected, "revisions have no gaps");
        let here = all.into_iter().map(|record| (record.agent.clone(), Mirrored::of(&record)));
        assert_eq!(mirror(&changes), here.collect(), "who reads all changes knows all");
    }
}

/// What changes say of an agent.
#[derive(Debug, PartialEq)]
pub(super) struct Mirrored {
    lease: u64,
    capabilities: Vec<Capability>,
    status: Status,
}

impl Mirrored {
    pub(super) fn of(record: &AgentRecord) -> Self {
        let capabilities = record.capabilities.iter().map(|one| (**one).clone()).collect();
        Self { lease: record.lease.id.number(), capabilities, status: record.status.clone() }
    }
}

/// Who is here, as one knows it who has nothing but the changes.
pub(super) fn mirror(changes: &[Change]) -> BTreeMap<AgentId, Mirrored> {
    let mut all = BTreeMap::new();
    for change in changes {
        let agent = change.agent.clone();
        if let ChangeKind::Arrived { lease } = &change.kind {
            let status = Status::new();
            let new = Mirrored { lease: lease.number(), capabilities: Vec::new(), status };
            assert!(all.insert(agent, new).is_none(), "it was not here: {change:?}");
            continue;
        }
        let known: &mut Mirrored = all.get_mut(&agent).unwrap_or_else(|| panic!("{change:?}"));
        match &change.kind {
            ChangeKind::Advertised { capability } => {
                known.capabilities.push((**capability).clone());
                known.capabilities.sort_by_key(|one| (one.name.clone(), one.version.clone()));
            }
            ChangeKind::Withdrawn { name, version } => {
                let before = known.capabilities.len();
                known.capabilities.retain(|one| one.name != *name || one.version != *version);
                assert_eq!(before.checked_sub(1), Some(known.capabilities.len()), "{change:?}");
            }
            ChangeKind::StatusChanged { status } => known.status = status.clone(),
            ChangeKind::Deleted | ChangeKind::Expired => {
                all.remove(&agent);
            }
            ChangeKind::Arrived { .. } | ChangeKind::Described | _ => {}
        }
    }
    all
}

/// A change, as `advertised reader data 1.0.0`.
pub(super) fn line(change: &Change) -> String {
    let agent = &change.agent;
    match &change.kind {
        ChangeKind::Arrived { .. } => format!("arrived {agent}"),
        ChangeKind::Advertised { capability } => format!("advertised {agent} {capability}"),
        ChangeKind::Withdrawn { name, version } => {
            let version = version.iter().map(|version| format!(" {version}"));
            format!("withdrawn {agent} {name}{}", version.collect::<String>())
        }
        ChangeKind::Described => format!("described {agent}"),
        ChangeKind::StatusChanged { status } => format!("status {agent} {}", status.health),
        ChangeKind::Deleted => format!("deleted {agent}"),
        ChangeKind::Expired => format!("expired {agent}"),
        other => panic!("the suite does not know {other:?} yet"),
    }
}

/// The names of those found, with spaces between.
pub(super) fn names(found: &Found) -> String {
    let names: Vec<_> = found.names().map(AgentId::as_str).collect();
    names.join(" ")
}

/// An agent whose lease holds for a minute.
pub(super) fn agent(name: &str) -> Registration {
    Registration::new(name, Duration::from_mins(1))
}

/// An agent that stays, and can do this.
pub(super) fn able(name: &str, capability: &str) -> Registration {
    Registration::lasting(name).capability(cap(capability))
}

/// The capability `name` or `name version`.
pub(super) fn cap(text: &str) -> Capability {
    let (name, version) = text.split_once(' ').unwrap_or((text, ""));
    let capability = Capability::new(name).unwrap();
    if version.is_empty() { capability } else { capability.version(version).unwrap() }
}

pub(super) fn name(text: &str) -> CapabilityName {
    CapabilityName::parse(text).unwrap()
}

pub(super) fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

/// Waits for what is to come at once, and panics where it does not come.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("what was waited for has come")
}

/// Gives way so many times, and is over then.
pub(super) async fn pass(mut times: usize) {
    poll_fn(|context| {
        let Some(left) = times.checked_sub(1) else {
            return Poll::Ready(());
        };
        times = left;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
