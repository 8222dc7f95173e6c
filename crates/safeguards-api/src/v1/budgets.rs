//! Budgets of agents and pools.

use std::sync::Arc;

use safeguards_budget::{Charge, LedgerExt, Receipt};
use safeguards_types::{AccountId, AgentId, Amount, Priority};
use serde::{Deserialize, Serialize};

use crate::{
    BudgetError, ChangeError, CreateError, amount_text,
    core::Core,
    directory::{Role, Terms},
};

/// A pool as it was made: a budget that the agents in it share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pool {
    /// Its name.
    pub id: AccountId,
    /// What its agents together could spend in all when it was made.
    #[serde(with = "amount_text")]
    pub initial_budget: Amount,
    /// How much its work matters.
    pub priority: Priority,
}

impl From<Terms> for Pool {
    fn from(terms: Terms) -> Self {
        Self { id: terms.account, initial_budget: terms.budget, priority: terms.priority }
    }
}

/// Reads and sets budgets, and makes pools.
#[derive(Clone, Debug)]
pub struct Budgets {
    core: Arc<Core>,
}

impl Budgets {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// What an agent or pool may still spend of its own budget, in the budget's unit. Those above it may have
    /// less left.
    ///
    /// It is a reading: a moment later it may be another. Who subtracts from it and calls
    /// [`update_budget`](Self::update_budget) overwrites what others did in between; `charge` of
    /// [`v2`](crate::v2) decides and records in one step.
    ///
    /// # Errors
    ///
    /// Where nobody of this name was made here, or the ledger cannot answer.
    pub async fn get_budget(&self, account: impl Into<AccountId>) -> Result<Amount, BudgetError> {
        let account = account.into();
        self.core.remaining(&account).await
    }

    /// Sets what an agent or pool may still spend of its own budget to `amount`, in one step, whatever it was.
    ///
    /// The last one wins: an amount worked out from an earlier [`get_budget`](Self::get_budget) undoes what
    /// was set in between. What is spent and held stays spent and held.
    ///
    /// # Errors
    ///
    /// Where nobody of this name was made here, the amount is in another unit than the budget, or the ledger
    /// denies it or cannot answer.
    pub async fn update_budget(
        &self,
        account: impl Into<AccountId>,
        amount: Amount,
    ) -> Result<(), BudgetError> {
        let account = account.into();
        let op = self.core.operation();
        self.core.set_remaining(&account, amount, op).await
    }

    /// Writes down what an agent or pool has already spent, in one step: no update is lost, however many record at
    /// once. No limit refuses it; the receipt says what went beyond one. It may be in any unit that the ledger
    /// knows.
    ///
    /// Sent twice, it is paid twice: `record` of [`v2`](crate::v2) takes the caller's name for it. And it comes
    /// after the fact: who must not overspend asks first, by `charge` or `hold` there.
    ///
    /// # Errors
    ///
    /// Where nobody of this name was made here, or the ledger denies it, say of an unknown unit, or cannot answer.
    pub async fn record_cost(
        &self,
        account: impl Into<AccountId>,
        cost: Amount,
    ) -> Result<Receipt, BudgetError> {
        let account = account.into();
        self.core.known(&account).await?;
        let op = self.core.operation();
        Ok(self.core.ledger.record(Charge::new(account, cost), op).await?)
    }

    /// How much an agent's work matters, as the ledger has it.
    ///
    /// # Errors
    ///
    /// Where nobody of this name was made here, or the ledger cannot answer.
    pub async fn get_agent_priority(
        &self,
        agent_id: impl Into<AgentId>,
    ) -> Result<Priority, BudgetError> {
        let account = AccountId::from(&agent_id.into());
        Ok(self.core.account(&account).await?.priority)
    }

    /// Makes a pool whose agents together may spend `initial_budget` in all.
    ///
    /// # Errors
    ///
    /// Where there is a pool or agent of this name on other terms, or the ledger denies it or cannot answer.
    pub async fn create_budget_pool(
        &self,
        name: impl Into<AccountId>,
        initial_budget: Amount,
        priority: Priority,
    ) -> Result<Pool, CreateError> {
        let terms = Terms::new(name.into(), Role::Pool, initial_budget, priority);
        self.core.create(terms.clone()).await?;
        Ok(terms.into())
    }

    /// The pool of this name; `None` where none was made here.
    pub fn get_budget_pool(&self, id: &AccountId) -> Option<Pool> {
        let terms = self.core.directory.find(id)?;
        (terms.role == Role::Pool).then(|| terms.into())
    }

    /// Puts an agent into a pool, out of the one that it is in: what it spends from now on must fit there, too.
    /// What it has spent stays counted where it was. Where it is in the pool already, nothing changes.
    ///
    /// # Errors
    ///
    /// Where no such agent or pool was made here, or the ledger denies it or cannot answer.
    pub async fn join_budget_pool(
        &self,
        agent_id: impl Into<AgentId>,
        pool_id: impl Into<AccountId>,
    ) -> Result<(), ChangeError> {
        let account = AccountId::from(&agent_id.into());
        self.core.join(&account, pool_id.into(), self.core.operation()).await?;
        Ok(())
    }

    /// Takes an agent out of a pool, to stand alone.
    ///
    /// # Errors
    ///
    /// Where no such agent was made here, it is not in this pool, or the ledger denies it or cannot answer.
    pub async fn leave_budget_pool(
        &self,
        agent_id: impl Into<AgentId>,
        pool_id: impl Into<AccountId>,
    ) -> Result<(), ChangeError> {
        let (account, pool) = (AccountId::from(&agent_id.into()), pool_id.into());
        self.core.leave(&account, &pool, self.core.operation()).await?;
        Ok(())
    }

    /// The agents that stand directly in a pool, by name; of those in pools below it none.
    ///
    /// # Errors
    ///
    /// Where no such pool was made here, or the ledger cannot answer.
    pub async fn get_pool_agents(
        &self,
        pool_id: impl Into<AccountId>,
    ) -> Result<Vec<AgentId>, BudgetError> {
        let members = self.core.members(&pool_id.into()).await?;
        Ok(members.iter().map(|terms| AgentId::from(terms.account.as_str())).collect())
    }

    /// All pools that were made here, by name.
    pub fn list_budget_pools(&self) -> Vec<Pool> {
        let pools = self.core.directory.list(Role::Pool);
        pools.into_iter().map(Pool::from).collect()
    }
}
