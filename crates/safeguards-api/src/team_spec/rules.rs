//! What must hold across tables: names, the tree of pools, and estimates that can be held.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use safeguards_budget::{Limit, ProtectionStep, Window};
use safeguards_types::{AccountId, Amount, Amounts, Priority, Quantity, Unit};

use super::{
    agents::{AgentDraft, AgentSpec},
    mistake::{MistakeKind, TeamFileError},
    near::nearest,
    pools::{PoolDraft, PoolSpec},
    reader::Reader,
};

/// Checks that every name is given once, and that every pool named is there.
pub(super) fn check_names(reader: &Reader<'_>, pools: &[PoolDraft<'_>], agents: &[AgentDraft<'_>]) {
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    for pool in pools {
        let name = pool.spec.account.as_str();
        if let Some(other) = taken.insert(name, "a pool") {
            let message = format!("there is {other} `{name}` already; each name once");
            reader.mistake(MistakeKind::Pool, &pool.name.span(), message);
        }
    }
    let names: BTreeSet<&str> = taken.keys().copied().collect();
    let all: Vec<&str> = names.iter().copied().collect();
    for pool in pools {
        let Some(parent) = &pool.parent else { continue };
        if !names.contains(parent.get_ref()) {
            let (account, parent_name) = (&pool.spec.account, parent.get_ref());
            let message = format!(
                "pool {account}: there is no pool `{parent_name}`; there are {}",
                nearest(parent_name, &all)
            );
            reader.mistake(MistakeKind::Pool, &parent.span(), message);
        }
    }
    for agent in agents {
        let name = agent.spec.id.as_str();
        if let Some(other) = taken.insert(name, "an agent") {
            let message = format!("there is {other} `{name}` already; each name once");
            reader.mistake(MistakeKind::Agent, &agent.name, message);
        }
        let Some(pool) = &agent.pool else { continue };
        if !names.contains(pool.get_ref()) {
            let message = format!(
                "agent {name}: there is no pool `{}`; there are {}",
                pool.get_ref(),
                nearest(pool.get_ref(), &all)
            );
            reader.mistake(MistakeKind::Agent, &pool.span(), message);
        }
    }
}

/// Puts the pools in an order in which each comes after its parent: the team's own first, where the file is one team.
pub(super) fn order_pools(
    reader: &Reader<'_>,
    drafts: Vec<PoolDraft<'_>>,
    is_team: bool,
) -> Result<Vec<PoolSpec>, TeamFileError> {
    let mut below: BTreeMap<Option<AccountId>, Vec<PoolDraft<'_>>> = BTreeMap::new();
    for draft in drafts {
        below.entry(draft.spec.parent.clone()).or_default().push(draft);
    }
    let mut ordered: Vec<PoolSpec> = Vec::new();
    let mut next: VecDeque<_> = below.remove(&None).unwrap_or_default().into();
    while let Some(PoolDraft { spec, .. }) = next.pop_front() {
        next.extend(below.remove(&Some(spec.account.clone())).unwrap_or_default());
        ordered.push(spec);
    }
    // In a team file the team's own pool is the root, and the first; in a configuration any pool without a parent is one.
    let root = if is_team { "the team's own pool" } else { "a pool that has none" };
    for draft in below.values().flatten() {
        let message = format!(
            "pool {} stands below itself; `parent` must lead to {root}",
            draft.spec.account
        );
        reader.mistake(MistakeKind::Pool, &draft.name.span(), message);
    }
    reader.verdict().map(|()| ordered)
}

/// Checks that what each agent holds before a run names every limited unit, and can ever be granted.
pub(super) fn check_estimates(reader: &Reader<'_>, pools: &[PoolSpec], agents: &[AgentDraft<'_>]) {
    for draft in agents {
        if draft.spec.is_free {
            continue;
        }
        for bound in bounds_of(&draft.spec, pools) {
            check_bound(reader, draft, &bound);
        }
    }
}

/// Checks that what each agent holds before a run fits into what a run may spend.
pub(super) fn check_budget(
    reader: &Reader<'_>,
    budget: Option<&Amounts>,
    agents: &[AgentDraft<'_>],
) {
    for bound in budget.into_iter().flatten() {
        let unit = bound.unit();
        for draft in agents.iter().filter(|draft| !draft.spec.is_free) {
            let asked = draft.spec.estimate.get(unit);
            if asked > bound.quantity() {
                let asked = Amount::new(asked, unit.clone());
                let message = format!(
                    "agent {} holds {asked} before a run, but `budget` of [run] is {bound}: it can never start",
                    draft.spec.id
                );
                reader.mistake(MistakeKind::Never, &draft.estimate, message);
            }
        }
    }
}

fn check_bound(reader: &Reader<'_>, draft: &AgentDraft<'_>, bound: &Bound<'_>) {
    let AgentSpec { id, estimate, .. } = &draft.spec;
    let unit = &bound.limit.unit;
    // Where the estimate does not say how many, a run counts one request.
    if !estimate.names(unit) && *unit != Unit::REQUESTS {
        let message = format!(
            "{} limits {unit}, but the estimate of agent {id} names none; add what a run may take, such as \
             \"8_000 {unit}\", or \"0 {unit}\"",
            bound.owner
        );
        return reader.mistake(MistakeKind::Unheld, &draft.header, message);
    }
    let asked = if estimate.names(unit) { estimate.get(unit) } else { Quantity::ONE };
    if asked > bound.most(draft.spec.priority) {
        let [asked, limit] =
            [asked, bound.limit.amount].map(|quantity| Amount::new(quantity, unit.clone()));
        let is_lifetime = bound.limit.window == Window::Lifetime;
        let window = if is_lifetime { "in all".to_owned() } else { bound.limit.window.to_string() };
        let who = if *bound.owner.as_str() == *id.as_str() {
            "may".to_owned()
        } else {
            format!("{} may", bound.owner)
        };
        let message = format!(
            "agent {id} holds {asked} before a run but {who} spend {limit} {window}{}: it can never start",
            bound.kept(draft.spec.priority),
        );
        reader.mistake(MistakeKind::Never, &draft.estimate, message);
    }
}

/// A limit that an agent's hold must fit.
struct Bound<'a> {
    owner: AccountId,
    limit: &'a Limit,
    protection: &'a [ProtectionStep],
}

impl Bound<'_> {
    /// The most that a spender of this priority may hold at once.
    fn most(&self, priority: Priority) -> Quantity {
        self.limit.amount.saturating_sub(self.protected(priority))
    }

    fn protected(&self, priority: Priority) -> Quantity {
        ProtectionStep::protected(self.protection, self.limit.amount, priority)
    }

    /// What is to be said of the part that is kept for others.
    fn kept(&self, priority: Priority) -> String {
        let protected = self.protected(priority);
        if protected.is_zero() {
            return String::new();
        }
        let kept = Amount::new(protected, self.limit.unit.clone());
        format!(", of which {kept} are kept for higher priorities")
    }
}

/// All limits on an agent's way up to the root.
fn bounds_of<'a>(agent: &'a AgentSpec, pools: &'a [PoolSpec]) -> Vec<Bound<'a>> {
    let own = agent.limits.iter().map(|limit| Bound {
        owner: AccountId::from(&agent.id),
        limit,
        protection: &[],
    });
    let mut bounds: Vec<Bound<'a>> = own.collect();
    for pool in path_up(&agent.pool, pools) {
        bounds.extend(pool.limits.iter().map(|limit| Bound {
            owner: pool.account.clone(),
            limit,
            protection: &pool.protection,
        }));
    }
    bounds
}

/// A pool and those above it. `pools` are ordered, so that each parent comes before its children.
pub(super) fn path_up<'a>(pool: &AccountId, pools: &'a [PoolSpec]) -> Vec<&'a PoolSpec> {
    let mut next = Some(pool);
    let mut path = Vec::new();
    for candidate in pools.iter().rev() {
        if Some(&candidate.account) == next {
            next = candidate.parent.as_ref();
            path.push(candidate);
        }
    }
    path
}
