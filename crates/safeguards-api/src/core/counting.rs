//! [`Standing`]: agents and pools in numbers, how they stand in the ledger and what they have done and have to do.

use std::collections::BTreeMap;

use safeguards_budget::{Account, Accounts};
use safeguards_types::{AccountId, AgentId, Amount, Amounts};

use super::{Core, EITHER, remaining_of};
use crate::{
    directory::{Role, Terms},
    error::BudgetError,
    metrics::RecentTasks,
};

/// How somebody stands.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) terms: Terms,
    pub(crate) account: Account,
    /// How many agents stand directly in it.
    pub(crate) agents: u64,
    /// How many tasks were paid for lately; `None` where that is not known. Of a pool those of its agents are in it
    /// only where it was asked for alone.
    pub(crate) recent_tasks: Option<u64>,
    /// How many attempts are under way; `None` where that is not known. Of a pool, as above.
    pub(crate) pending_tasks: Option<u64>,
}

impl Standing {
    /// What is left of its own budget; `None` where that was taken away.
    pub(crate) fn remaining(&self) -> Option<Amount> {
        remaining_of(&self.account, self.terms.budget.unit())
    }

    /// How many attempts of these are under way: of those of whom that is known, if there are any.
    fn pending_of(standings: &[Self]) -> Option<u64> {
        let known = standings.iter().filter_map(|standing| standing.pending_tasks);
        known.reduce(u64::saturating_add)
    }
}

/// How all that was made here stands together.
#[derive(Clone, Debug)]
pub(crate) struct Totals {
    pub(crate) agents: u64,
    pub(crate) pools: u64,
    /// What is left to those that stand in no pool.
    pub(crate) remaining: Amounts,
    pub(crate) spent: Amounts,
    pub(crate) held: Amounts,
    /// As in [`Standing`].
    pub(crate) recent_tasks: Option<u64>,
    /// As in [`Standing`].
    pub(crate) pending_tasks: Option<u64>,
}

impl Core {
    /// How an agent, or a pool, stands: what is neither, or the other, is not there.
    pub(crate) async fn standing_as(
        &self,
        role: Role,
        account: AccountId,
    ) -> Result<Standing, BudgetError> {
        let standing = self.standing(&account).await?;
        if standing.terms.role == role {
            Ok(standing)
        } else {
            Err(BudgetError::Unknown { what: role.as_str(), account })
        }
    }

    /// How an agent or pool stands. The tasks of a pool are those of its agents, and what it paid for itself.
    async fn standing(&self, account: &AccountId) -> Result<Standing, BudgetError> {
        let terms = self.known(account).await?;
        let standings = if terms.role == Role::Pool {
            let (members, read) = self.inside(account).await?;
            self.standing_in(read, [terms].into_iter().chain(members)).await?
        } else {
            self.standings(vec![terms]).await?
        };
        let recent_tasks = standings.iter().map(|standing| standing.recent_tasks).sum();
        let pending_tasks = Standing::pending_of(&standings);
        let agents = whole(standings.len().saturating_sub(1));
        let own = standings.into_iter().find(|standing| standing.account.id == *account);
        let own =
            own.ok_or_else(|| BudgetError::Unknown { what: EITHER, account: account.clone() })?;
        Ok(Standing { agents, recent_tasks, pending_tasks, ..own })
    }

    /// How all agents and pools that were made here stand together, at one revision.
    pub(crate) async fn totals(&self) -> Result<Totals, BudgetError> {
        let mut all = self.directory.list(Role::Agent);
        all.extend(self.directory.list(Role::Pool));
        let all = self.standings(all).await?;
        let count = |role| all.iter().filter(|standing| standing.terms.role == role).count();
        let mut totals = Totals {
            agents: whole(count(Role::Agent)),
            pools: whole(count(Role::Pool)),
            remaining: Amounts::none(),
            spent: Amounts::none(),
            held: Amounts::none(),
            recent_tasks: all.iter().map(|standing| standing.recent_tasks).sum(),
            pending_tasks: Standing::pending_of(&all),
        };
        for standing in &all {
            if standing.account.parent.is_none() {
                standing.remaining().iter().for_each(|left| totals.remaining.add(left));
            }
            // What each did itself: nothing is in two of them.
            totals.spent.add_all(&standing.account.spent_directly);
            totals.held.add_all(&standing.account.held_directly);
        }
        totals.held = totals.held.without_zeros();
        Ok(totals)
    }

    /// How these stand, at one revision, in this order; those whose accounts are not there are left out.
    pub(crate) async fn standings(&self, wanted: Vec<Terms>) -> Result<Vec<Standing>, BudgetError> {
        let ids: Vec<AccountId> = wanted.iter().map(|terms| terms.account.clone()).collect();
        let read = self.ledger.accounts(&ids).await?;
        self.standing_in(read, wanted.into_iter()).await
    }

    /// How the agents that stand directly in a pool stand, at one revision, by name.
    pub(crate) async fn standings_inside(
        &self,
        pool: &AccountId,
    ) -> Result<Vec<Standing>, BudgetError> {
        let (members, read) = self.inside(pool).await?;
        self.standing_in(read, members.into_iter()).await
    }

    /// How these stand by accounts that were read at one revision, in this order; those that are not among them are
    /// left out.
    async fn standing_in(
        &self,
        read: Accounts,
        wanted: impl Iterator<Item = Terms>,
    ) -> Result<Vec<Standing>, BudgetError> {
        let Accounts { revision, accounts, .. } = read;
        let recent = RecentTasks::read(&*self.ledger, revision, self.clock.now()).await?;
        let by_name = accounts.into_iter().flatten().map(|account| (account.id.clone(), account));
        let mut by_name: BTreeMap<AccountId, Account> = by_name.collect();
        let there = wanted.filter_map(|terms| {
            let account = by_name.remove(&terms.account)?;
            Some((terms, account))
        });
        let standing = there.map(|(terms, account)| Standing {
            agents: 0,
            recent_tasks: recent.as_ref().map(|recent| recent.of(&account.id)),
            pending_tasks: self.pending_tasks(&account.id),
            terms,
            account,
        });
        Ok(standing.collect())
    }

    /// How many attempts of an agent are under way in teams that run here; `None` where it is in none.
    pub(crate) fn pending_tasks(&self, account: &AccountId) -> Option<u64> {
        self.loads.of(&AgentId::from(account.as_str())).map(u64::from)
    }
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
