//! The naive registry passes every case, also behind one whose futures wait; each case stands in its lists; and what
//! is wrong with a registry is found.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use safeguards_discovery::{
    AgentRecord, CapabilityName, Changes, ChangesError, FindError, Found, Lease, Query,
    RegisterError, Registration, Registry, RegistryError, RenewError, Revision, Status, Version,
    WithdrawError,
};
use safeguards_testkit::{
    registry::{
        FaultyRegistry, PlainRegistry, RegistryCall, RegistryEnv, RegistryFault, RegistrySetup,
        registry_sequences,
    },
    registry_conformance,
};
use safeguards_types::{AgentId, Timestamp};
use tokio::task::yield_now;

mod plain {
    use super::*;

    async fn make(setup: RegistrySetup) -> RegistryEnv {
        RegistryEnv::new(Arc::new(PlainRegistry::new(setup)))
    }

    registry_conformance!(make);
}

/// One whose futures wait, and which is as durable as a test: it is opened again by another handle.
mod slow {
    use super::*;

    async fn make(setup: RegistrySetup) -> RegistryEnv {
        let plain = PlainRegistry::new(setup);
        let again = plain.clone();
        RegistryEnv::new(Arc::new(Twisted { plain, twist: Twist::Slow })).reopens(move || {
            let plain = again.clone();
            async move { Arc::new(Twisted { plain, twist: Twist::Slow }) as Arc<dyn Registry> }
        })
    }

    registry_conformance!(make, durable);
}

/// One with bounds of its own: what needs others is ignored.
mod own {
    use super::*;

    async fn make(setup: RegistrySetup) -> RegistryEnv {
        let mut own = RegistrySetup::large();
        own.clock = setup.clock;
        RegistryEnv::new(Arc::new(PlainRegistry::new(own)))
    }

    registry_conformance!(make, fixed_bounds);
}

/// What is odd about a registry.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Twist {
    /// Others go first, before a call arrives and before its answer does.
    Slow,
    /// It does not look at tags.
    NoTags,
    /// It counts what is on the page.
    Total,
    /// A renewal is not written down.
    NoRenewal,
    /// All versions are withdrawn, whichever is asked for.
    AllVersions,
    /// Leases run out, and the changes do not say so.
    SilentEnd,
    /// Conditions are not looked at.
    NoConditions,
    /// A page may begin anywhere.
    NoCursor,
    /// It takes back nothing when it is to replace.
    NoReplacing,
}

#[derive(Debug)]
struct Twisted {
    plain: PlainRegistry,
    twist: Twist,
}

impl Twisted {
    async fn give_way(&self) {
        if self.twist == Twist::Slow {
            for _ in 0..5 {
                yield_now().await;
            }
        }
    }
}

#[async_trait]
impl Registry for Twisted {
    async fn register(&self, mut registration: Registration) -> Result<Lease, RegisterError> {
        self.give_way().await;
        registration.replaces &= self.twist != Twist::NoReplacing;
        let lease = self.plain.register(registration).await;
        self.give_way().await;
        lease
    }

    async fn renew(&self, lease: &Lease, status: Option<Status>) -> Result<Lease, RenewError> {
        self.give_way().await;
        if self.twist == Twist::NoRenewal && status.is_none() {
            return Ok(lease.clone());
        }
        let lease = self.plain.renew(lease, status).await;
        self.give_way().await;
        lease
    }

    async fn withdraw(
        &self,
        agent: &AgentId,
        capability: &CapabilityName,
        version: Option<Version>,
    ) -> Result<(), WithdrawError> {
        self.give_way().await;
        let version = version.filter(|_| self.twist != Twist::AllVersions);
        let withdrawn = self.plain.withdraw(agent, capability, version).await;
        self.give_way().await;
        withdrawn
    }

    async fn delete(&self, agent: &AgentId) -> Result<(), WithdrawError> {
        self.give_way().await;
        let deleted = self.plain.delete(agent).await;
        self.give_way().await;
        deleted
    }

    async fn find(&self, query: &Query) -> Result<Found, FindError> {
        self.give_way().await;
        let mut query = query.clone();
        match self.twist {
            Twist::NoTags => query.tags.clear(),
            Twist::NoConditions => query.conditions.clear(),
            Twist::NoCursor => query.after = None,
            Twist::Slow
            | Twist::Total
            | Twist::NoRenewal
            | Twist::AllVersions
            | Twist::SilentEnd
            | Twist::NoReplacing => {}
        }
        let mut found = self.plain.find(&query).await?;
        if self.twist == Twist::Total {
            found.total = u64::try_from(found.agents.len()).unwrap();
        }
        self.give_way().await;
        Ok(found)
    }

    async fn agent(&self, agent: &AgentId) -> Result<Option<AgentRecord>, RegistryError> {
        self.give_way().await;
        self.plain.agent(agent).await
    }

    async fn changes(&self, after: Revision, limit: usize) -> Result<Changes, ChangesError> {
        self.give_way().await;
        let mut changes = self.plain.changes(after, limit).await?;
        if self.twist == Twist::SilentEnd {
            changes
                .changes
                .retain(|change| !matches!(change.kind, safeguards_discovery::ChangeKind::Expired));
        }
        Ok(changes)
    }

    async fn changed(&self, after: Revision) -> Result<(), ChangesError> {
        self.give_way().await;
        let changed = self.plain.changed(after).await;
        self.give_way().await;
        changed
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, RegistryError> {
        self.give_way().await;
        self.plain.sweep().await
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn whatever_is_odd_about_a_registry_is_found() {
    #[track_caller]
    fn check(twist: Twist, is_found: bool) {
        let mut runner = TestRunner::deterministic();
        let sequences = registry_sequences();
        let differs = (0..300).any(|_| {
            let sequence = sequences.new_tree(&mut runner).unwrap().current();
            let setup = sequence.setup();
            let one = PlainRegistry::new(setup.clone());
            let other = Twisted { plain: PlainRegistry::new(setup.clone()), twist };
            block_on(sequence.play(&setup.clock, &one, &other)).is_err()
        });
        assert_eq!(differs, is_found, "{twist:?}");
    }
    check(Twist::Slow, false);
    check(Twist::NoTags, true);
    check(Twist::Total, true);
    check(Twist::NoRenewal, true);
    check(Twist::AllVersions, true);
    check(Twist::SilentEnd, true);
    check(Twist::NoConditions, true);
    check(Twist::NoCursor, true);
    check(Twist::NoReplacing, true);
}

#[test]
fn sequences_meet_every_code_and_find_much() {
    let mut runner = TestRunner::deterministic();
    let sequences = registry_sequences();
    let mut seen = BTreeMap::<&str, u64>::new();
    let (mut found, mut expired) = (0, 0);
    for _ in 0..300 {
        let sequence = sequences.new_tree(&mut runner).unwrap().current();
        let setup = sequence.setup();
        let plain = PlainRegistry::new(setup.clone());
        let other = PlainRegistry::new(setup.clone());
        let tally = block_on(sequence.play(&setup.clock, &plain, &other)).unwrap();
        for (code, times) in tally.codes {
            *seen.entry(code).or_default() += times;
        }
        (found, expired) = (found + tally.found, expired + tally.expired);
    }
    let codes = [
        "ahead",
        "conflict",
        "forgotten",
        "full",
        "gone",
        "invalid_agent_name",
        "invalid_capabilities",
        "invalid_condition",
        "invalid_limit",
        "invalid_order",
        "invalid_path",
        "invalid_tag",
        "invalid_text",
        "invalid_ttl",
        "unknown_agent",
        "unknown_capability",
    ];
    for code in codes {
        assert!(seen.contains_key(&*format!("discovery.{code}")), "{code}: {seen:#?}");
    }
    let all: u64 = seen.values().sum();
    assert!(seen["ok"] > all / 2, "{seen:#?}");
    assert!(found > 4_000 && expired > 200, "{found} found, {expired} expired");
}

#[test]
fn a_faulty_registry_fails_as_it_is_told() {
    block_on(async {
        let registry = FaultyRegistry::new(PlainRegistry::new(RegistrySetup::large()));
        let said = || Registration::new("a", Duration::from_mins(1));
        registry.script([Some(RegistryFault::Before), Some(RegistryFault::After), None]);
        assert_eq!(registry.register(said()).await.unwrap_err().code(), "discovery.unavailable");
        assert_eq!(
            registry.delete(&"a".into()).await.unwrap_err().code(),
            "discovery.unknown_agent"
        );
        assert_eq!(registry.agent(&"a".into()).await.unwrap(), None, "it never arrived");
        registry.script([Some(RegistryFault::After)]);
        registry.register(said()).await.unwrap_err();
        assert!(registry.agent(&"a".into()).await.unwrap().is_some(), "its answer was lost");
        let lease = registry.register(said()).await.unwrap();
        registry.plan(|call| (call == RegistryCall::Find).then_some(RegistryFault::Corrupt));
        let error = registry.find(&Query::all()).await.unwrap_err();
        assert_eq!(error.code(), "discovery.corrupt");
        registry.renew(&lease, None).await.unwrap();
        registry.fail_always(RegistryFault::Before);
        let codes = [
            registry.renew(&lease, None).await.unwrap_err().code(),
            registry.changes(Revision::ZERO, 1).await.unwrap_err().code(),
            registry.changed(Revision::ZERO).await.unwrap_err().code(),
            registry.sweep().await.unwrap_err().code(),
        ];
        assert_eq!(codes, ["discovery.unavailable"; 4]);
        registry.plan(|_| Some(RegistryFault::Hang));
        tokio::select! {
            biased;
            result = registry.sweep() => panic!("there is no answer: {result:?}"),
            () = yield_now() => {}
        }
        registry.mend();
        assert_eq!(registry.find(&Query::all()).await.unwrap().total, 1);
        assert_eq!(registry.calls(), 14);
    });
}

/// The folder of the suite.
fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/registry")
}

/// `topic::case` of each public async function that takes nothing but a desk.
fn written() -> BTreeSet<String> {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| path.is_file());
    let cases = files.flat_map(|path| {
        let topic = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let functions = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
        let cases = functions.filter_map(|line| line.strip_suffix("(desk: &RegistryDesk) {"));
        cases.map(|case| format!("{topic}::{case}")).collect::<Vec<_>>()
    });
    cases.collect()
}

/// `topic::case` of each line of the list, in their order.
fn listed() -> Vec<String> {
    let text = fs::read_to_string(folder().join("suite.rs")).unwrap();
    let mut topic = "";
    let mut cases = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some((_, opened)) = line.split_once("$make $options ")
            && let Some(name) = opened.strip_suffix(" {")
        {
            topic = name;
        } else if let Some((need, case)) = line.split_once(' ')
            && ["any", "bounds", "durable"].contains(&need)
            && let Some(case) = case.strip_suffix(',')
        {
            cases.push(format!("{topic}::{case}"));
        }
    }
    cases
}

#[test]
fn every_case_of_a_registry_stands_in_the_list_once_and_among_the_laws() {
    let listed = listed();
    assert!(listed.len() > 120, "{} cases are listed", listed.len());
    let once: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(once.len(), listed.len(), "one is listed twice");
    assert_eq!(written(), once, "src/registry/suite.rs lists what there is");
    let laws = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/laws.md");
    let laws = fs::read_to_string(laws).unwrap();
    let (_, laws) = laws.split_once("## Registries of agents").unwrap();
    let missing: Vec<_> = once.iter().filter(|case| !laws.contains(&format!("`{case}`"))).collect();
    assert!(missing.is_empty(), "docs/reference/laws.md has no rule with {missing:#?}");
}
