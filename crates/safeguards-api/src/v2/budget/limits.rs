//! What may be spent: limits, their last parts, and whether anything may be spent at all.

use safeguards_budget::{Limit, ProtectionStep, Window};
use safeguards_types::{AccountId, AgentId, Amount, OperationId, Unit};

use super::Budget;
use crate::{
    ChangeError,
    request::awaited,
    v2::{Agent, Pending, requests},
};

impl Budget {
    /// Sets a limit, or changes its amount, mode and warnings. What was counted stays counted; a limit below what is
    /// spent and held grants nothing more.
    pub fn set_limit(
        &self,
        account: impl Into<AccountId>,
        limit: Limit,
        op: OperationId,
    ) -> Pending<requests::SetLimit> {
        self.ask(requests::SetLimit::new(account, limit, op))
    }

    /// Takes a limit away.
    pub fn remove_limit(
        &self,
        account: impl Into<AccountId>,
        unit: Unit,
        window: Window,
        op: OperationId,
    ) -> Pending<requests::RemoveLimit> {
        self.ask(requests::RemoveLimit::new(account, unit, window, op))
    }

    /// Sets the lifetime limit so that `remaining` is left of it, whatever was spent and is held.
    pub fn set_remaining(
        &self,
        account: impl Into<AccountId>,
        remaining: Amount,
        op: OperationId,
    ) -> Pending<requests::SetRemaining> {
        self.ask(requests::SetRemaining::new(account, remaining, op))
    }

    /// Keeps the last parts of all limits of an account for agents whose work matters more; what was kept before is
    /// not any more.
    pub fn set_protection(
        &self,
        account: impl Into<AccountId>,
        steps: impl Into<Vec<ProtectionStep>>,
        op: OperationId,
    ) -> Pending<requests::SetProtection> {
        self.ask(requests::SetProtection::new(account, steps, op))
    }

    /// Stops new spending at an account and everything below it. What is held can be settled.
    pub fn suspend(
        &self,
        account: impl Into<AccountId>,
        reason: impl Into<String>,
        op: OperationId,
    ) -> Pending<requests::Suspend> {
        let mut request = requests::Suspend::new(account, op);
        request.reason = Some(reason.into());
        self.ask(request)
    }

    /// Takes an account's own suspension back; what is suspended above it stays so.
    pub fn resume(
        &self,
        account: impl Into<AccountId>,
        op: OperationId,
    ) -> Pending<requests::Resume> {
        self.ask(requests::Resume::new(account, op))
    }

    /// Puts an agent into a pool, out of the one that it is in. What it has spent stays counted where it was.
    pub fn join(
        &self,
        agent: impl Into<AgentId>,
        pool: impl Into<AccountId>,
        op: OperationId,
    ) -> Pending<requests::JoinPool> {
        self.ask(requests::JoinPool::new(agent, pool, op))
    }

    /// Takes an agent out of this pool, to stand alone; refused where it is not in it.
    pub fn leave(
        &self,
        agent: impl Into<AgentId>,
        pool: impl Into<AccountId>,
        op: OperationId,
    ) -> Pending<requests::LeavePool> {
        self.ask(requests::LeavePool::new(agent, pool, op))
    }
}

impl Pending<requests::SetRemaining> {
    /// Means the limit over this window, in place of the lifetime's.
    pub fn window(mut self, window: Window) -> Self {
        self.request.window = Some(window);
        self
    }
}

impl Pending<requests::Resume> {
    /// Says why, for people.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.request.reason = Some(reason.into());
        self
    }
}

impl Pending<requests::JoinPool> {
    async fn send(self) -> Result<Agent, ChangeError> {
        let requests::JoinPool { agent, pool, op } = self.request;
        Ok(self.core.join(&AccountId::from(&agent), pool, op).await?.into())
    }
}

awaited!(Pending<requests::JoinPool> => Result<Agent, ChangeError>);

impl Pending<requests::LeavePool> {
    async fn send(self) -> Result<Agent, ChangeError> {
        let requests::LeavePool { agent, pool, op } = self.request;
        Ok(self.core.leave(&AccountId::from(&agent), &pool, op).await?.into())
    }
}

awaited!(Pending<requests::LeavePool> => Result<Agent, ChangeError>);
