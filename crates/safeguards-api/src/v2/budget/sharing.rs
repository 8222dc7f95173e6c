//! Money that goes from one account's limit to another's.

use std::collections::BTreeMap;

use safeguards_budget::{Allocation, AllocationError, Shares};
use safeguards_types::{AccountId, Amount, OperationId, Quantity, Unit};

use super::Budget;
use crate::v2::{Pending, requests};

impl Budget {
    /// Moves lifetime limit from an account to its sibling: at most what it has left itself. The sum does not change.
    ///
    /// Where somebody else has to agree first, [`Api::approvals`](crate::v2::Api::approvals).
    pub fn transfer(
        &self,
        from: impl Into<AccountId>,
        to: impl Into<AccountId>,
        amount: Amount,
        op: OperationId,
    ) -> Pending<requests::Transfer> {
        self.ask(requests::Transfer::new(from, to, amount, op))
    }

    /// Shares a pool's money out among its children by a plan: by priority, by weights or by workload. One step, exact
    /// to the last digit; a charge that arrives meanwhile meets the old limits or the new.
    ///
    /// Asked again under the same name it is done once. A plan by priority is made out anew each time: if priorities
    /// or members have changed since, the repetition is denied with `budget.operation_conflict`.
    ///
    /// ```
    /// use safeguards_api::Safeguards;
    /// use safeguards_budget::Allocation;
    /// use safeguards_types::{Priority, usd};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let v2 = Safeguards::in_memory().v2();
    /// let high = v2.pools().create("high_priority_tasks", usd!(500), Priority::P8).await?;
    /// for (name, priority) in [("research", Priority::P7), ("analysis", Priority::P5)] {
    ///     v2.agents().create(name, usd!(1), priority).pool(&high).await?;
    /// }
    /// let plan = Allocation::by_priority(usd!(500)).at_least(usd!(10));
    /// let shares = v2.budget().allocate(&high, plan, v2.operation()).await?;
    /// assert_eq!(shares.total(), usd!(500)); // to the last digit, whatever the priorities
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Where the plan contradicts itself or there is nobody to share among, where the ledger denies it, or it cannot
    /// answer.
    pub async fn allocate(
        &self,
        pool: impl Into<AccountId>,
        plan: impl Into<Allocation>,
        op: OperationId,
    ) -> Result<Shares, AllocationError> {
        let (pool, plan) = (pool.into(), plan.into());
        plan.apply(&*self.core.ledger, &pool, op).await
    }

    /// Sets the lifetime limits of several children of one account in one step, as given: never more together than
    /// what the account has to give, unless they had it already.
    pub fn allocate_exactly<A: Into<AccountId>>(
        &self,
        pool: impl Into<AccountId>,
        unit: Unit,
        shares: impl IntoIterator<Item = (A, Quantity)>,
        op: OperationId,
    ) -> Pending<requests::AllocateExactly> {
        let shares = shares.into_iter().map(|(account, share)| (account.into(), share));
        let shares: BTreeMap<AccountId, Quantity> = shares.collect();
        self.ask(requests::AllocateExactly::new(pool, unit, shares, op))
    }

    /// In an emergency: raises one account's lifetime limit at the cost of what is free above it, and then of siblings
    /// of lower priority; never of what is spent or held.
    pub fn reclaim(
        &self,
        account: impl Into<AccountId>,
        amount: Amount,
        op: OperationId,
    ) -> Pending<requests::Reclaim> {
        self.ask(requests::Reclaim::new(account, amount, op))
    }
}
