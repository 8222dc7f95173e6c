//! Charges and holds: each verb decides and records in one step.

use std::{sync::Arc, time::Duration};

use safeguards_budget::{
    Account, Charge, CommandError, Hold, LedgerError, LedgerExt, PlaceHold, Receipt, SettleError,
};
use safeguards_types::{AccountId, Amounts, OperationId};

use crate::{core::Core, request::awaited};

/// How long a hold sets aside unless it says otherwise: ten minutes.
pub const DEFAULT_HOLD_TTL: Duration = Duration::from_mins(10);

/// Spends, sets aside, and writes down.
#[derive(Clone, Debug)]
pub struct Budget {
    core: Arc<Core>,
}

impl Budget {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Spends `amounts` at once, if they fit at the account and everything above it; else nothing happens.
    ///
    /// Sent again under the same `op`, it is answered again and paid once.
    pub fn charge(
        &self,
        account: impl Into<AccountId>,
        amounts: impl Into<Amounts>,
        op: OperationId,
    ) -> ChargeRequest {
        ChargeRequest { core: Arc::clone(&self.core), charge: Charge::new(account, amounts), op }
    }

    /// Sets `amounts` aside, if they fit, to be settled with what was really spent.
    pub fn hold(
        &self,
        account: impl Into<AccountId>,
        amounts: impl Into<Amounts>,
        op: OperationId,
    ) -> HoldRequest {
        HoldRequest {
            core: Arc::clone(&self.core),
            place: PlaceHold::new(account, amounts, DEFAULT_HOLD_TTL),
            op,
        }
    }

    /// Ends a hold by recording what was really spent, be it less or more than what was set aside.
    ///
    /// A hold ends once. Where the outcome is unknown the error gives the hold back, and settling it again
    /// with the same amounts is the same operation: it is answered with the first receipt.
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

    /// Writes down spending that has already happened and was never authorized. No limit refuses it; what
    /// goes beyond one is told as an overrun.
    ///
    /// # Errors
    ///
    /// Where there is no such account, or the ledger cannot answer.
    pub async fn record(
        &self,
        account: impl Into<AccountId>,
        amounts: impl Into<Amounts>,
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        let spent = Charge::new(account, amounts);
        self.core.ledger.record(spent, op).await
    }

    /// Reads an account: limits, what is spent, held and left. A reading, not a promise.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot answer.
    pub async fn account(
        &self,
        account: impl Into<AccountId>,
    ) -> Result<Option<Account>, LedgerError> {
        let account = account.into();
        self.core.ledger.account(&account).await
    }
}

/// A request to spend; sent by `.await`.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct ChargeRequest {
    core: Arc<Core>,
    charge: Charge,
    op: OperationId,
}

impl ChargeRequest {
    /// Counts it at `scope`, and everything above that, besides.
    pub fn scope(mut self, scope: impl Into<AccountId>) -> Self {
        self.charge = self.charge.scope(scope);
        self
    }

    async fn send(self) -> Result<Receipt, CommandError> {
        self.core.ledger.charge(self.charge, self.op).await
    }
}

awaited!(ChargeRequest => Result<Receipt, CommandError>);

/// A request to set aside; sent by `.await`.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct HoldRequest {
    core: Arc<Core>,
    place: PlaceHold,
    op: OperationId,
}

impl HoldRequest {
    /// Counts it at `scope`, and everything above that, besides.
    pub fn scope(mut self, scope: impl Into<AccountId>) -> Self {
        self.place = self.place.scope(scope);
        self
    }

    /// Frees it after `ttl` if nobody ends it: whole seconds, 1 to 10⁹.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.place.ttl = ttl;
        self
    }

    async fn send(self) -> Result<Hold, CommandError> {
        self.core.ledger.place_hold(self.place, self.op).await
    }
}

awaited!(HoldRequest => Result<Hold, CommandError>);
