//! A registry in memory that is made again of what it gave: it is the same one.

use std::{mem, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use proptest::prelude::*;
use safeguards_discovery::{
    AgentRecord, Capability, CapabilityName, Change, Changes, ChangesError, Edit, EditKind,
    FindError, Found, Lease, LeaseId, MemoryRegistry, Profile, Query, RegisterError, Registration,
    Registry, RegistryError, RenewError, RestoreError, Revision, Standing, Status, Unwritten,
    WithdrawError,
};
use safeguards_testkit::registry::{RegistrySetup, registry_sequences};
use safeguards_types::{AgentId, Timestamp};
use semver::Version;

/// All that a registry gave, one after the other.
#[derive(Debug, Default)]
struct Given {
    edits: Vec<Edit>,
    changes: Vec<Change>,
    standing: Standing,
}

impl Given {
    fn take(&mut self, unwritten: Unwritten) {
        self.edits.extend(unwritten.edits);
        self.changes.extend(unwritten.changes);
        self.standing = unwritten.standing;
    }

    fn restore(&self, setup: &RegistrySetup) -> Result<MemoryRegistry, RestoreError> {
        let changes = self.changes.iter();
        let changes = changes.filter(|change| change.revision > self.standing.forgotten);
        MemoryRegistry::builder()
            .clock(setup.clock.clone())
            .changes_kept(setup.changes_kept)
            .agents_max(setup.agents_max)
            .restore(self.standing, self.edits.iter().cloned().map(Ok), changes.cloned().map(Ok))
    }
}

/// A registry that is made again before every so manieth call.
#[derive(Debug)]
struct Restored {
    setup: RegistrySetup,
    every: usize,
    now: Mutex<(usize, Given, MemoryRegistry)>,
}

impl Restored {
    fn new(setup: RegistrySetup, every: usize) -> Self {
        let given = Given::default();
        let registry = given.restore(&setup).unwrap();
        Self { setup, every, now: Mutex::new((0, given, registry)) }
    }

    fn registry(&self) -> MemoryRegistry {
        let (calls, given, registry) = &mut *self.now.lock();
        *calls += 1;
        // Given now and then, and made again now and then.
        if calls.is_multiple_of(3) || calls.is_multiple_of(self.every) {
            given.take(registry.sync().unwritten());
        }
        if calls.is_multiple_of(self.every) {
            *registry = given.restore(&self.setup).unwrap();
        }
        registry.clone()
    }
}

#[async_trait]
impl Registry for Restored {
    async fn register(&self, registration: Registration) -> Result<Lease, RegisterError> {
        self.registry().register(registration).await
    }

    async fn renew(&self, lease: &Lease, status: Option<Status>) -> Result<Lease, RenewError> {
        self.registry().renew(lease, status).await
    }

    async fn withdraw(
        &self,
        agent: &AgentId,
        capability: &CapabilityName,
        version: Option<Version>,
    ) -> Result<(), WithdrawError> {
        self.registry().withdraw(agent, capability, version).await
    }

    async fn delete(&self, agent: &AgentId) -> Result<(), WithdrawError> {
        self.registry().delete(agent).await
    }

    async fn find(&self, query: &Query) -> Result<Found, FindError> {
        self.registry().find(query).await
    }

    async fn agent(&self, agent: &AgentId) -> Result<Option<AgentRecord>, RegistryError> {
        Registry::agent(&self.registry(), agent).await
    }

    async fn changes(&self, after: Revision, limit: usize) -> Result<Changes, ChangesError> {
        self.registry().changes(after, limit).await
    }

    async fn changed(&self, after: Revision) -> Result<(), ChangesError> {
        self.registry().changed(after).await
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, RegistryError> {
        self.registry().sweep().await
    }
}

proptest! {
    #[test]
    fn a_registry_that_is_made_again_answers_as_one_that_was_not(
        sequence in registry_sequences(),
        every in 1..40_usize,
    ) {
        let setup = sequence.setup();
        let one = Restored::new(setup.clone(), every);
        let other = MemoryRegistry::builder()
            .clock(setup.clock.clone())
            .changes_kept(setup.changes_kept)
            .agents_max(setup.agents_max)
            .build();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let played = runtime.block_on(sequence.play(&setup.clock, &one, &other));
        prop_assert!(played.is_ok(), "{}", played.unwrap_err());
    }
}

/// What changes often is given once, what came and went not at all, and what was given not again.
#[test]
fn what_is_given_is_what_is_new() {
    let setup = RegistrySetup::large();
    let registry = Given::default().restore(&setup).unwrap();
    let registry = registry.sync();
    let nothing = |unwritten: Unwritten| unwritten.edits.is_empty() && unwritten.changes.is_empty();
    assert!(nothing(registry.unwritten()));
    let minute = Duration::from_mins(1);
    let capability = Capability::new("read").unwrap();
    let lease = registry.register(Registration::new("a", minute).capability(capability)).unwrap();
    let kinds = |edits: &[Edit]| -> Vec<&str> {
        let kind = |edit: &Edit| match edit.kind {
            EditKind::Profile(_) => "profile",
            EditKind::Lease { .. } => "lease",
            EditKind::Status(_) => "status",
            EditKind::Capability(_) => "capability",
            EditKind::NoCapability { .. } => "no capability",
            EditKind::Gone => "gone",
            _ => "other",
        };
        edits.iter().map(kind).collect()
    };
    assert_eq!(kinds(&registry.unwritten().edits), ["profile", "lease", "capability"]);
    let before = registry.steps();
    registry.renew(&lease, None).unwrap();
    assert_eq!(registry.steps(), before, "it holds as long as it did");
    for _ in 0..10 {
        setup.clock.advance(Duration::from_secs(1));
        registry.renew(&lease, None).unwrap();
    }
    assert!(registry.steps() > before);
    let unwritten = registry.unwritten();
    assert_eq!((kinds(&unwritten.edits), unwritten.changes.len()), (vec!["lease"], 0));
    registry.withdraw(&"a".into(), &"read".parse().unwrap(), None).unwrap();
    assert_eq!(kinds(&registry.unwritten().edits), ["no capability"]);
    registry.register(Registration::lasting("b")).unwrap();
    registry.delete(&"b".into()).unwrap();
    registry.delete(&"a".into()).unwrap();
    let unwritten = registry.unwritten();
    assert_eq!(kinds(&unwritten.edits), ["gone"]);
    assert_eq!(unwritten.edits[0].lease, lease.id);
    assert!(nothing(registry.unwritten()));

    // Where nobody writes it, nothing is noted.
    let plain = MemoryRegistry::new();
    plain.sync().register(Registration::lasting("a")).unwrap();
    assert_eq!((plain.sync().steps(), plain.sync().unwritten().edits), (0, vec![]));
}

#[test]
fn what_was_not_given_by_a_registry_is_refused() {
    let setup = RegistrySetup::large();
    let given = || {
        let mut given = Given::default();
        let registry = given.restore(&setup).unwrap();
        for name in ["a", "b"] {
            let capability = Capability::new("read").unwrap();
            registry.sync().register(Registration::lasting(name).capability(capability)).unwrap();
        }
        given.take(registry.sync().unwritten());
        given
    };
    let refused = |spoil: fn(&mut Given)| {
        let mut given = given();
        spoil(&mut given);
        given.restore(&setup).unwrap_err()
    };
    given().restore(&setup).unwrap();
    let error = refused(|given| drop(given.edits.remove(0)));
    assert!(matches!(error, RestoreError::Unknown { .. }), "{error}");
    let error = refused(|given| drop(given.edits.remove(1)));
    assert!(matches!(error, RestoreError::Endless { .. }), "{error}");
    let error = refused(|given| given.standing.lease = LeaseId::new(1));
    assert!(matches!(error, RestoreError::NotGiven { .. }), "{error}");
    let error = refused(|given| {
        let profile = Profile::new("a".into(), Timestamp::default());
        given.edits[3] = Edit::new(given.edits[3].lease, EditKind::Profile(profile));
    });
    assert!(matches!(error, RestoreError::Twice { .. }), "{error}");
    let missing = |error: RestoreError| {
        let RestoreError::Missing { missing, .. } = error else {
            panic!("{error}");
        };
        missing.number()
    };
    assert_eq!(missing(refused(|given| drop(given.changes.remove(1)))), 2);
    assert_eq!(missing(refused(|given| given.changes.swap(0, 1))), 1);
    assert_eq!(missing(refused(|given| drop(given.changes.pop()))), 4);
    assert_eq!(missing(refused(|given| drop(mem::take(&mut given.changes)))), 1);
}
