//! Charges, holds, and what was spent already.

use std::{future::Future, time::Duration};

use safeguards_budget::{CommandError, Hold, LedgerExt, Receipt, SettleError};
use safeguards_types::{AccountId, Amounts, OperationId};

use super::{Budget, WithHold};
use crate::{
    core::Core,
    request::awaited,
    v2::{Pending, requests},
};

impl Budget {
    /// Spends `amounts` at once, if they fit at the account and everything above it; else nothing happens.
    ///
    /// Sent again under the same `op`, it is answered again and paid once.
    pub fn charge(
        &self,
        account: impl Into<AccountId>,
        amounts: impl Into<Amounts>,
        op: OperationId,
    ) -> Pending<requests::Charge> {
        self.ask(requests::Charge::new(account, amounts, op))
    }

    /// Sets `amounts` aside, if they fit, to be settled with what was really spent.
    pub fn hold(
        &self,
        account: impl Into<AccountId>,
        amounts: impl Into<Amounts>,
        op: OperationId,
    ) -> Pending<requests::Hold> {
        self.ask(requests::Hold::new(account, amounts, op))
    }

    /// Gives a hold more time: `ttl` from now, in whole seconds. It never gets less.
    pub fn extend(
        &self,
        hold: &Hold,
        ttl: Duration,
        op: OperationId,
    ) -> Pending<requests::ExtendHold> {
        self.ask(requests::ExtendHold::new(hold.id(), ttl, op))
    }

    /// Records a part of what is spent under a hold, step by step; the rest stays held.
    pub fn draw(
        &self,
        hold: &Hold,
        spent: impl Into<Amounts>,
        op: OperationId,
    ) -> Pending<requests::Draw> {
        self.ask(requests::Draw::new(hold.id(), spent, op))
    }

    /// Ends a hold by recording what was really spent, be it less or more than what was set aside.
    ///
    /// A hold ends once. Where the outcome is unknown the error gives the hold back, and settling it again
    /// with the same amounts is the same operation: it is answered with the first receipt.
    ///
    /// After a crash, when the hold's name is all that is left, [`Api::call`](crate::v2::Api::call) ends it with a
    /// [`requests::Settle`].
    ///
    /// # Errors
    ///
    /// Where the ledger denies it, or cannot answer. Of a hold that was settled by an earlier try, other
    /// amounts are denied with `budget.operation_conflict`.
    pub async fn settle(
        &self,
        hold: Hold,
        spent: impl Into<Amounts>,
    ) -> Result<Receipt, SettleError> {
        let Core { ledger, endings, clock, .. } = &*self.core;
        let (id, spent) = (hold.id(), spent.into());
        let op = endings.operation(id, "settle", clock.now());
        let ended = ledger.settle(hold, spent, op).await;
        endings.note(id, op, &ended);
        ended
    }

    /// Ends a hold with nothing spent. Tried again, it is the same operation, as for
    /// [`settle`](Self::settle).
    ///
    /// # Errors
    ///
    /// Where the ledger denies it, or cannot answer.
    pub async fn release(&self, hold: Hold) -> Result<Receipt, SettleError> {
        let Core { ledger, endings, clock, .. } = &*self.core;
        let id = hold.id();
        let op = endings.operation(id, "release", clock.now());
        let ended = ledger.release(hold, op).await;
        endings.note(id, op, &ended);
        ended
    }

    /// Sets `amounts` aside, does `work`, and settles with what that says it cost: hold and settle in one.
    ///
    /// `work` gives its value and its cost. It is begun only where the hold is granted. What fails costs too, so a
    /// value that is an error has its cost beside it all the same. Dropped on the way, or if `work` panics, the hold
    /// frees itself when its time runs out.
    ///
    /// ```
    /// use safeguards_api::Safeguards;
    /// use safeguards_types::{Priority, usd};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let v2 = Safeguards::in_memory().v2();
    /// let reader = v2.agents().create("reader", usd!(4), Priority::P7).await?;
    /// let ask_model = async { ("three sentences", usd!(0.31)) };
    ///
    /// let (text, receipt) =
    ///     v2.budget().with_hold(&reader, usd!(1.00), v2.operation(), ask_model).await?;
    /// assert_eq!(text, "three sentences");
    /// assert_eq!(receipt.available, usd!(3.69).into());
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_hold<F, T, C>(
        &self,
        account: impl Into<AccountId>,
        amounts: impl Into<Amounts>,
        op: OperationId,
        work: F,
    ) -> WithHold<F>
    where
        F: Future<Output = (T, C)> + Send + 'static,
        T: Send + 'static,
        C: Into<Amounts> + Send + 'static,
    {
        WithHold::new(self.clone(), self.hold(account, amounts, op), work)
    }

    /// Writes down spending that has already happened and was never authorized. No limit refuses it; what
    /// goes beyond one is told as an overrun.
    pub fn record(
        &self,
        account: impl Into<AccountId>,
        amounts: impl Into<Amounts>,
        op: OperationId,
    ) -> Pending<requests::Record> {
        self.ask(requests::Record::new(account, amounts, op))
    }

    /// Takes back a part or all of what the operation `of` charged, settled, drew or recorded.
    pub fn refund(
        &self,
        of: OperationId,
        amounts: impl Into<Amounts>,
        op: OperationId,
    ) -> Pending<requests::Refund> {
        self.ask(requests::Refund::new(of, amounts, op))
    }
}

impl Pending<requests::Charge> {
    /// Counts it at `scope`, and everything above that, besides.
    pub fn scope(mut self, scope: impl Into<AccountId>) -> Self {
        self.request.scopes.push(scope.into());
        self
    }
}

impl Pending<requests::Record> {
    /// Counts it at `scope`, and everything above that, besides.
    pub fn scope(mut self, scope: impl Into<AccountId>) -> Self {
        self.request.scopes.push(scope.into());
        self
    }
}

impl Pending<requests::Draw> {
    /// Says who spent it: an account below the hold's.
    pub fn spender(mut self, spender: impl Into<AccountId>) -> Self {
        self.request.spender = Some(spender.into());
        self
    }
}

impl Pending<requests::Hold> {
    /// Counts it at `scope`, and everything above that, besides.
    pub fn scope(mut self, scope: impl Into<AccountId>) -> Self {
        self.request.scopes.push(scope.into());
        self
    }

    /// Frees it after `ttl` if nobody ends it: whole seconds, 1 to 10⁹.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.request.ttl = Some(ttl);
        self
    }

    async fn send(self) -> Result<Hold, CommandError> {
        let op = self.request.op;
        self.core.ledger.place_hold(self.request.into(), op).await
    }
}

awaited!(Pending<requests::Hold> => Result<Hold, CommandError>);
