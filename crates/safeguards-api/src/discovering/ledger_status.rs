//! [`LedgerStatus`]: how agents stand by the accounts of their names.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use safeguards_budget::{Account, AccountState, Ledger};
use safeguards_discovery::{Block, RegistryError, Status, StatusSource};
use safeguards_types::{AccountId, AgentId, Amount, Amounts, Quantity, Unit};

/// How agents stand by the accounts of their names: suspended, with nothing left, or with so much.
///
/// Of an agent without an account it knows nothing. What is left of a unit is the least that the hard limits of
/// the account and of those above it leave; a unit that none of them limits is not named.
#[derive(Debug)]
pub(crate) struct LedgerStatus(pub(crate) Arc<dyn Ledger>);

#[async_trait]
impl StatusSource for LedgerStatus {
    async fn statuses(&self, agents: &[AgentId]) -> Result<Vec<Option<Status>>, RegistryError> {
        let known = self.with_all_above(agents.iter().map(AccountId::from).collect()).await?;
        Ok(agents.iter().map(|agent| status(&known, agent)).collect())
    }
}

impl LedgerStatus {
    /// These accounts and all above them: one reading for each level of the tree.
    async fn with_all_above(
        &self,
        mut wanted: BTreeSet<AccountId>,
    ) -> Result<BTreeMap<AccountId, Account>, RegistryError> {
        let mut known = BTreeMap::new();
        while !wanted.is_empty() {
            let ids: Vec<AccountId> = wanted.into_iter().collect();
            let read = self.0.accounts(&ids).await.map_err(RegistryError::unavailable)?;
            let read: Vec<Account> = read.accounts.into_iter().flatten().collect();
            let parents: BTreeSet<AccountId> =
                read.iter().filter_map(|account| account.parent.clone()).collect();
            known.extend(read.into_iter().map(|account| (account.id.clone(), account)));
            wanted = parents.into_iter().filter(|parent| !known.contains_key(parent)).collect();
        }
        Ok(known)
    }
}

fn status(known: &BTreeMap<AccountId, Account>, agent: &AgentId) -> Option<Status> {
    let own = known.get(&AccountId::from(agent))?;
    let above = |account: &&Account| account.parent.as_ref().and_then(|parent| known.get(parent));
    // As many as there are at most: a tree that is moved between two readings may look like a circle.
    let path: Vec<&Account> = std::iter::successors(Some(own), above).take(known.len()).collect();
    let mut status = Status::new();
    let stopped = path.iter().find(|account| account.state != AccountState::Open);
    if let Some(account) = stopped {
        let is_closed = account.state == AccountState::Closed;
        let closed = if is_closed { " is closed" } else { "" };
        let reason = format!("account `{}`{closed}", account.id);
        status = status.block(Block::Suspended { reason });
    }
    let left = least_left(&path);
    let units: Vec<String> = left
        .iter()
        .filter(|(_, left)| left.is_zero())
        .map(|(unit, _)| unit.as_str().to_owned())
        .collect();
    if !units.is_empty() {
        status = status.block(Block::Exhausted { units });
    }
    let available: Amounts = left.into_iter().map(|(unit, left)| Amount::new(left, unit)).collect();
    Some(status.available(available))
}

/// What the hard limits on a path leave of each unit.
fn least_left(path: &[&Account]) -> BTreeMap<Unit, Quantity> {
    let mut least: BTreeMap<Unit, Quantity> = BTreeMap::new();
    for usage in path.iter().flat_map(|account| &account.limits) {
        if usage.limit.is_hard() {
            let left = least.entry(usage.limit.unit.clone()).or_insert(usage.available);
            *left = usage.available.min(*left);
        }
    }
    least
}
