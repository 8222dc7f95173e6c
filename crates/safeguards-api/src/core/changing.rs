//! What changes of agents and pools once they are made: priority, place, and that they are deleted.

use safeguards_budget::{
    AccountState, Accounts, Action, Batch, Command, CommandError, Denial, LedgerExt, Receipt,
};
use safeguards_discovery::WithdrawError;
use safeguards_types::{AccountId, AgentId, OperationId};

use super::Core;
use crate::{
    directory::{Change, Role, Terms},
    error::{BudgetError, ChangeError},
};

impl Core {
    /// Changes all that `change` names, or nothing. Gives the terms from now on.
    pub(crate) async fn update(
        &self,
        (account, role): (&AccountId, Role),
        change: Change,
        op: OperationId,
    ) -> Result<Terms, ChangeError> {
        let terms = self.known_as(account, role).await?;
        let Change { priority, pool } = change;
        if let Some(pool) = pool.iter().flatten().find(|pool| self.is_agent(pool)) {
            return Err(ChangeError::Unknown { what: Role::Pool.as_str(), name: pool.clone() });
        }
        let account = account.clone();
        match (priority, pool) {
            (None, None) => Ok(terms),
            (Some(priority), None) => {
                let receipt = self.ledger.set_priority(account, priority, op).await?;
                let change = Change { priority: Some(priority), pool: None };
                Ok(self.changed(terms, change, &receipt))
            }
            (None, Some(pool)) => {
                let receipt = self.ledger.set_parent(account, pool.clone(), op).await?;
                let change = Change { priority: None, pool: Some(pool) };
                Ok(self.changed(terms, change, &receipt))
            }
            (Some(priority), Some(pool)) => {
                let parent = pool.clone();
                let commands = [
                    Command::new(op, Action::SetPriority { account: account.clone(), priority }),
                    Command::new(
                        op.step("pool"),
                        Action::SetParent { account, parent, from: None },
                    ),
                ];
                let receipt = self.linked(Batch::linked(commands)).await?;
                let change = Change { priority: Some(priority), pool: Some(pool) };
                Ok(self.changed(terms, change, &receipt))
            }
        }
    }

    fn changed(&self, terms: Terms, change: Change, receipt: &Receipt) -> Terms {
        // Who was deleted meanwhile has at least been changed before.
        self.directory.change(&terms.account, change, receipt.entry).unwrap_or(terms)
    }

    /// Carries out commands that stand or fall together. Gives the receipt of the last one.
    async fn linked(&self, batch: Batch) -> Result<Receipt, CommandError> {
        let mut last = Err(Denial::LinkedFailed { index: 0 });
        for outcome in self.ledger.submit(batch).await? {
            match outcome {
                // Another one was denied, and says why.
                Err(Denial::LinkedFailed { .. }) => {}
                Err(denial) => return Err(CommandError::Denied(denial)),
                Ok(receipt) => last = Ok(receipt),
            }
        }
        last.map_err(CommandError::Denied)
    }

    /// Puts somebody into a pool, out of the one that it is in. What was spent stays counted where it was.
    pub(crate) async fn join(
        &self,
        account: &AccountId,
        pool: AccountId,
        op: OperationId,
    ) -> Result<Terms, ChangeError> {
        self.known_as(&pool, Role::Pool).await?;
        let change = Change { priority: None, pool: Some(Some(pool)) };
        self.update((account, Role::Agent), change, op).await
    }

    /// Takes somebody out of this pool, to stand alone. Who stands elsewhere stays there.
    pub(crate) async fn leave(
        &self,
        account: &AccountId,
        pool: &AccountId,
        op: OperationId,
    ) -> Result<Terms, ChangeError> {
        let terms = self.known_as(account, Role::Agent).await?;
        let (name, pool) = (account.clone(), pool.clone());
        match self.ledger.leave_parent(name.clone(), pool.clone(), op).await {
            Ok(receipt) => {
                let change = Change { priority: None, pool: Some(None) };
                Ok(self.changed(terms, change, &receipt))
            }
            Err(CommandError::Denied(
                Denial::NotChild { .. }
                | Denial::UnknownAccount { .. }
                | Denial::ClosedAccount { .. },
            )) => {
                let found = self.ledger.account(account).await?.and_then(|account| account.parent);
                Err(ChangeError::NotMember { name, pool, found })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The agents that were made here and stand directly in this pool now, by name.
    pub(crate) async fn members(&self, pool: &AccountId) -> Result<Vec<Terms>, BudgetError> {
        Ok(self.inside(pool).await?.0)
    }

    /// The agents that were made here and stand directly in this pool, by name, with all accounts of the pool at the
    /// same revision.
    pub(super) async fn inside(
        &self,
        pool: &AccountId,
    ) -> Result<(Vec<Terms>, Accounts), BudgetError> {
        if self.known(pool).await?.role != Role::Pool {
            return Err(BudgetError::Unknown { what: Role::Pool.as_str(), account: pool.clone() });
        }
        let read = self.ledger.subtree(pool).await?;
        let inside = read.accounts.iter().flatten().filter(|account| {
            account.parent.as_ref() == Some(pool) && account.state != AccountState::Closed
        });
        let known = inside.filter_map(|account| self.directory.find(&account.id));
        let mut agents: Vec<Terms> = known.filter(|terms| terms.role == Role::Agent).collect();
        agents.sort_unstable_by(|one, other| one.account.cmp(&other.account));
        Ok((agents, read))
    }

    /// Closes an account for good; of an agent, ends its leases too.
    ///
    /// Where the account was closed, and the registry failed, it can be deleted again; repeated under its operation it is
    /// answered again.
    pub(crate) async fn delete(
        &self,
        account: &AccountId,
        role: Role,
        op: OperationId,
    ) -> Result<(), ChangeError> {
        let was_known = match self.known_as(account, role).await {
            Ok(_) => true,
            Err(ChangeError::NameGone { .. }) => false,
            Err(error) => return Err(error),
        };
        let closed_now = match self.ledger.close_account(account.clone(), op).await {
            Ok(_) => true,
            // By an earlier try whose answer was lost, or past us.
            Err(CommandError::Denied(Denial::ClosedAccount { .. })) => false,
            Err(error) => return Err(error.into()),
        };
        self.directory.remove(account);
        let was_registered = role == Role::Agent && self.unregister(account).await?;
        if was_known || closed_now || was_registered {
            Ok(())
        } else {
            Err(ChangeError::NameGone { name: account.clone() })
        }
    }

    /// Ends what an agent has in the registry. Tells whether it had anything there.
    async fn unregister(&self, account: &AccountId) -> Result<bool, ChangeError> {
        match self.registry().delete(&AgentId::from(account.as_str())).await {
            Ok(()) => Ok(true),
            Err(WithdrawError::Registry(source)) => {
                Err(ChangeError::Registry { name: account.clone(), source })
            }
            Err(_) => Ok(false),
        }
    }

    /// On which terms somebody of this role was made here.
    async fn known_as(&self, account: &AccountId, role: Role) -> Result<Terms, ChangeError> {
        match self.directory.find(account) {
            Some(terms) if terms.role == role => Ok(terms),
            None if self.is_gone(account).await? => {
                Err(ChangeError::NameGone { name: account.clone() })
            }
            Some(_) | None => {
                Err(ChangeError::Unknown { what: role.as_str(), name: account.clone() })
            }
        }
    }
}
