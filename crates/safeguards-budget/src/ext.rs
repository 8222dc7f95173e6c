//! [`LedgerExt`]: one verb per command, for callers.

use std::{collections::BTreeMap, error, fmt, time::Duration};

use async_trait::async_trait;
use safeguards_types::{AccountId, Amount, Amounts, OperationId, Priority, Quantity, Unit};

use crate::{
    Account, Action, Charge, Command, Denial, Divide, HoldId, HoldView, Ledger, LedgerError,
    LedgerErrorKind, Limit, OpenAccount, PlaceHold, ProtectionStep, Receipt, Settle, Window,
};

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The ledger said no.
    #[error("denied: {0}")]
    Denied(Denial),
    /// The ledger could not answer.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl CommandError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Denied(denial) => denial.code(),
            Self::Ledger(error) => error.code(),
        }
    }

    /// What the ledger refused with; `None` where it could not answer.
    pub const fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Denied(denial) => Some(denial),
            Self::Ledger(_) => None,
        }
    }
}

/// Amounts set aside, and the permission to spend them. Ends by [`LedgerExt::settle`] or
/// [`LedgerExt::release`], which consume it, or when its time runs out; dropping it does nothing.
///
/// ```compile_fail
/// # async fn twice(ledger: &safeguards_budget::MemoryLedger, hold: safeguards_budget::Hold) {
/// use safeguards_budget::LedgerExt;
/// use safeguards_types::usd;
/// # let (first, second) = (ledger.operation(), ledger.operation());
///
/// ledger.settle(hold, usd!(1).into(), first).await;
/// ledger.settle(hold, usd!(1).into(), second).await; // the hold is gone
/// # }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a hold must be settled or released, or what it sets aside is blocked until it expires"]
pub struct Hold {
    id: HoldId,
    receipt: Receipt,
}

impl Hold {
    /// Its name. Who may have to end it after a crash, or after a timeout that dropped the future of
    /// [`LedgerExt::settle`] and the handle with it, keeps it, and sends the same [`Settle`] under the same
    /// operation id with [`LedgerExt::apply`].
    pub const fn id(&self) -> HoldId {
        self.id
    }

    /// What the ledger answered when it was placed.
    pub const fn receipt(&self) -> &Receipt {
        &self.receipt
    }
}

/// A hold that could not be ended. It gives the hold back, for another try under the same operation id.
#[derive(Debug)]
pub struct SettleError {
    hold: Hold,
    error: CommandError,
}

impl SettleError {
    /// The hold.
    pub fn into_hold(self) -> Hold {
        self.hold
    }

    /// What went wrong.
    pub const fn error(&self) -> &CommandError {
        &self.error
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.error.code()
    }

    /// What the ledger refused with; `None` where it could not answer.
    pub const fn denial(&self) -> Option<&Denial> {
        self.error.denial()
    }
}

impl fmt::Display for SettleError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "hold {} could not be ended", self.hold.id)
    }
}

impl error::Error for SettleError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.error)
    }
}

/// What callers write: one verb, one line. Implemented for every [`Ledger`].
///
/// ```
/// use safeguards_budget::{Charge, LedgerExt, MemoryLedger, OpenAccount, Limit};
/// use safeguards_types::usd;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let ledger = MemoryLedger::new();
/// let open = OpenAccount::new("reader").limit(Limit::lifetime(usd!(1)));
/// ledger.open_account(open, ledger.operation()).await?;
/// let receipt = ledger.charge(Charge::new("reader", usd!(0.42)), ledger.operation()).await?;
/// assert_eq!(receipt.available, usd!(0.58).into());
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait LedgerExt: Ledger {
    /// Submits one command.
    ///
    /// # Errors
    ///
    /// Where the ledger denies it, or cannot answer. So it is for every verb here.
    async fn apply(&self, command: Command) -> Result<Receipt, CommandError> {
        let outcomes = self.submit(command.into()).await?;
        let unanswered = || {
            LedgerError::new(
                LedgerErrorKind::OutcomeUnknown,
                "answer a command",
                "no outcome came back",
            )
        };
        match outcomes.into_iter().next() {
            Some(outcome) => outcome.map_err(CommandError::Denied),
            None => Err(unanswered().into()),
        }
    }

    /// Makes a unit known.
    async fn register_unit(&self, unit: Unit, op: OperationId) -> Result<Receipt, CommandError> {
        self.apply(Command::new(op, Action::RegisterUnit { unit })).await
    }

    /// Opens an account.
    async fn open_account(
        &self,
        open: OpenAccount,
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        self.apply(Command::new(op, open)).await
    }

    /// Closes an account that has no open children and counts no open hold.
    async fn close_account(
        &self,
        account: AccountId,
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        self.apply(Command::new(op, Action::CloseAccount { account })).await
    }

    /// Sets a limit, or changes its amount, mode and warnings.
    async fn set_limit(
        &self,
        account: AccountId,
        limit: Limit,
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        self.apply(Command::new(op, Action::SetLimit { account, limit })).await
    }

    /// Sets a limit to what is spent and held plus `amount`.
    async fn set_remaining(
        &self,
        account: AccountId,
        (unit, window): (Unit, Window),
        amount: Quantity,
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        self.apply(Command::new(op, Action::SetRemaining { account, unit, window, amount })).await
    }

    /// Takes a limit away.
    async fn remove_limit(
        &self,
        account: AccountId,
        (unit, window): (Unit, Window),
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        self.apply(Command::new(op, Action::RemoveLimit { account, unit, window })).await
    }

    /// Sets which last parts of an account's limits are kept for whom.
    async fn set_protection(
        &self,
        account: AccountId,
        steps: Vec<ProtectionStep>,
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        self.apply(Command::new(op, Action::SetProtection { account, steps })).await
    }

    /// Moves an account, and everything below it, below another; none makes it a root.
    async fn set_parent(
        &self,
        account: AccountId,
        parent: Option<AccountId>,
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        self.apply(Command::new(op, Action::SetParent { account, parent, from: None })).await
    }

    /// Takes an account, and everything below it, out of this parent, to be a root. Denied where it stands elsewhere.
    async fn leave_parent(
        &self,
        account: AccountId,
        parent: AccountId,
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        let from = Some(parent);
        self.apply(Command::new(op, Action::SetParent { account, parent: None, from })).await
    }

    /// Sets how much an account's work matters.
    async fn set_priority(
        &self,
        account: AccountId,
        priority: Priority,
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        self.apply(Command::new(op, Action::SetPriority { account, priority })).await
    }

    /// Stops new spending at an account and everything below it.
    async fn suspend(
        &self,
        account: AccountId,
        reason: Option<String>,
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        self.apply(Command::new(op, Action::Suspend { account, reason })).await
    }

    /// Takes an account's own suspension back.
    async fn resume(
        &self,
        account: AccountId,
        reason: Option<String>,
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        self.apply(Command::new(op, Action::Resume { account, reason })).await
    }

    /// Spends at once, if it fits.
    async fn charge(&self, charge: Charge, op: OperationId) -> Result<Receipt, CommandError> {
        self.apply(Command::new(op, charge)).await
    }

    /// Sets aside now, to decide later.
    async fn place_hold(&self, place: PlaceHold, op: OperationId) -> Result<Hold, CommandError> {
        let receipt = self.apply(Command::new(op, place)).await?;
        Ok(Hold { id: HoldId::placed_by(op), receipt })
    }

    /// Gives a hold more time, counted from now.
    async fn extend_hold(
        &self,
        hold: &Hold,
        ttl: Duration,
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        self.apply(Command::new(op, Action::ExtendHold { hold: hold.id, ttl })).await
    }

    /// Ends a hold by recording what was really spent, be it less or more than what was held.
    async fn settle(
        &self,
        hold: Hold,
        spent: Amounts,
        op: OperationId,
    ) -> Result<Receipt, SettleError> {
        let settle = Settle::new(hold.id, spent);
        self.apply(Command::new(op, settle)).await.map_err(|error| SettleError { hold, error })
    }

    /// Records a part of what is spent under a hold, step by step; the rest stays held.
    ///
    /// `spender` says who spent it, where that was an account below the hold's.
    async fn draw(
        &self,
        hold: &Hold,
        spender: Option<AccountId>,
        spent: Amounts,
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        let settle = Settle { attribute_to: spender, ..Settle::new(hold.id, spent).keep_open() };
        self.apply(Command::new(op, settle)).await
    }

    /// Ends a hold with nothing spent.
    async fn release(&self, hold: Hold, op: OperationId) -> Result<Receipt, SettleError> {
        let action = Action::Release { hold: hold.id };
        self.apply(Command::new(op, action)).await.map_err(|error| SettleError { hold, error })
    }

    /// Posts spending that has already happened and was never authorized.
    async fn record(&self, spent: Charge, op: OperationId) -> Result<Receipt, CommandError> {
        self.apply(Command::new(op, Action::Record(spent))).await
    }

    /// Takes back a part or all of what the operation `of` charged, settled or recorded.
    async fn refund(
        &self,
        of: OperationId,
        amounts: Amounts,
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        self.apply(Command::new(op, Action::Refund { of, amounts })).await
    }

    /// Moves lifetime limit from an account to its sibling.
    async fn transfer(
        &self,
        from: AccountId,
        to: AccountId,
        amount: Amount,
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        let (amount, unit) = amount.into_parts();
        self.apply(Command::new(op, Action::Transfer { from, to, unit, amount })).await
    }

    /// Sets the lifetime limits of several children of one account in one step.
    async fn allocate(
        &self,
        parent: AccountId,
        unit: Unit,
        shares: BTreeMap<AccountId, Quantity>,
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        self.apply(Command::new(op, Action::Allocate { parent, unit, shares })).await
    }

    /// Cuts what is free exactly, by weights.
    async fn divide(&self, divide: Divide, op: OperationId) -> Result<Receipt, CommandError> {
        self.apply(Command::new(op, divide)).await
    }

    /// In an emergency: raises the lifetime limit of one account at the cost of what is free above it, and
    /// then of siblings of lower priority.
    async fn reclaim(
        &self,
        account: AccountId,
        amount: Amount,
        op: OperationId,
    ) -> Result<Receipt, CommandError> {
        let (amount, unit) = amount.into_parts();
        self.apply(Command::new(op, Action::Reclaim { account, unit, amount })).await
    }

    /// Reads one account.
    async fn account(&self, id: &AccountId) -> Result<Option<Account>, LedgerError> {
        let read = self.accounts(std::slice::from_ref(id)).await?;
        Ok(read.accounts.into_iter().next().flatten())
    }

    /// Reads one hold.
    async fn hold(&self, id: HoldId) -> Result<Option<HoldView>, LedgerError> {
        Ok(self.holds(&[id]).await?.into_iter().next().flatten())
    }
}

impl<L: Ledger + ?Sized> LedgerExt for L {}
