//! [`Allocation`]: a plan by which an account's money is shared out among its children.

use std::{collections::BTreeMap, fmt};

use safeguards_types::{AccountId, Amount, OperationId, Priority, Quantity, Unit};

use crate::{
    Account, AccountState, Accounts, Command, CommandError, Denial, Divide, Ledger, LedgerError,
    LedgerErrorKind, LedgerExt, Window, divide,
};

/// A plan by which an account's money is shared out among its children, exactly.
///
/// [`Allocation::apply`] carries it out as one [`Divide`]: what the children have spent or hold stays, each has
/// its share left afterwards, and a charge that arrives meanwhile meets the old limits or the new.
///
/// ```
/// use safeguards_budget::{Allocation, LedgerExt, Limit, MemoryLedger, OpenAccount};
/// use safeguards_types::{Priority, usd};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let ledger = MemoryLedger::new();
/// for open in [
///     OpenAccount::new("pool").limit(Limit::lifetime(usd!(500))),
///     OpenAccount::new("reader").under("pool").priority(Priority::P7),
///     OpenAccount::new("writer").under("pool").priority(Priority::P3),
/// ] {
///     ledger.open_account(open, ledger.operation()).await?;
/// }
///
/// let plan = Allocation::by_priority(usd!(500)).at_least(usd!(10));
/// let shares = plan.apply(&ledger, &"pool".into(), ledger.operation()).await?;
/// assert_eq!(shares.to_string(), "reader 350.00 USD, writer 150.00 USD");
/// assert_eq!(shares.total(), usd!(500)); // to the last digit, whatever the priorities
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    unit: Unit,
    /// What is shared out; none means all that is free.
    total: Option<Quantity>,
    basis: Basis,
    at_least: Option<Amount>,
}

/// What says how much each child counts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Basis {
    Priorities,
    Weights(BTreeMap<AccountId, Quantity>),
}

/// How much one child counts beside the others: a whole number, an exact decimal, a priority or a workload.
///
/// Only the proportions matter. A weight above [`Quantity::AMOUNT_MAX`] is refused by the ledger.
///
/// ```
/// use safeguards_budget::{Weight, Workload};
/// use safeguards_types::Priority;
///
/// assert_eq!(Weight::from(7), Priority::P7.into());
/// assert_eq!(Weight::from(44), Workload { recent_tasks: 10, pending_tasks: 2 }.into());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(Quantity);

/// How busy who spends from an account is.
///
/// Its weight is three for each recent task and seven for each that waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "callers write it out, so that the two are not mixed up"
)]
pub struct Workload {
    /// How many tasks were done lately.
    pub recent_tasks: u64,
    /// How many tasks wait.
    pub pending_tasks: u64,
}

/// Why a plan was not carried out. Nothing was changed, unless the ledger could not say.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AllocationError {
    /// The minimum is in another unit than what is shared out.
    #[error("a minimum in {at_least} does not go with an allocation of {unit}")]
    MixedUnits {
        /// Of what is shared out.
        unit: Unit,
        /// Of the minimum.
        at_least: Unit,
    },
    /// There is nobody to share it out among.
    #[error("there is no account `{parent}` with open children to allocate to")]
    NoChildren {
        /// Whose children were meant.
        parent: AccountId,
    },
    /// The ledger said no, or could not answer.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl AllocationError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MixedUnits { .. } => "allocation.mixed_units",
            Self::NoChildren { .. } => "allocation.no_children",
            Self::Command(error) => error.code(),
        }
    }

    /// What the ledger refused with; `None` where it was not the ledger, or it could not answer.
    pub const fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Command(error) => error.denial(),
            Self::MixedUnits { .. } | Self::NoChildren { .. } => None,
        }
    }
}

impl Allocation {
    /// Shares `total` out among all open children, suspended ones too, by their priorities.
    pub fn by_priority(total: Amount) -> Self {
        let (total, unit) = total.into_parts();
        Self { unit, total: Some(total), basis: Basis::Priorities, at_least: None }
    }

    /// Shares `total` out among these children by their weights. All weights zero means equal parts.
    pub fn by_weights<A: Into<AccountId>, W: Into<Weight>>(
        total: Amount,
        weights: impl IntoIterator<Item = (A, W)>,
    ) -> Self {
        let (total, unit) = total.into_parts();
        Self { total: Some(total), ..Self::of_available(unit, weights) }
    }

    /// Shares all that is free out among these children by their weights or workloads, so that more goes
    /// where more is to do. All weights zero means equal parts.
    ///
    /// Free is what the parent has neither spent itself nor given to other children, without what these
    /// children have spent and hold.
    ///
    /// ```
    /// use safeguards_budget::{Allocation, Workload};
    /// use safeguards_types::{Unit, usd};
    ///
    /// let busy = Workload { recent_tasks: 10, pending_tasks: 2 };
    /// let idle = Workload::default();
    /// let plan = Allocation::of_available(Unit::USD, [("reader", busy), ("writer", idle)])
    ///     .at_least(usd!(10));
    /// # let _ = plan;
    /// ```
    pub fn of_available<A: Into<AccountId>, W: Into<Weight>>(
        unit: Unit,
        weights: impl IntoIterator<Item = (A, W)>,
    ) -> Self {
        let weights =
            weights.into_iter().map(|(account, weight)| (account.into(), weight.into().0));
        Self { unit, total: None, basis: Basis::Weights(weights.collect()), at_least: None }
    }

    /// Gives each child this much at the least. What all minimums need together must be there, or nothing is
    /// shared out.
    #[must_use]
    pub fn at_least(self, amount: Amount) -> Self {
        Self { at_least: Some(amount), ..self }
    }

    /// Makes the plan out as a command, for the accounts as they were read by
    /// [`Ledger::subtree`]. Only a plan by priority looks at them.
    ///
    /// # Errors
    ///
    /// Where the minimum is of another unit, or `parent` has no open children in `accounts`.
    ///
    /// ```
    /// use safeguards_budget::{Accounts, Allocation};
    /// use safeguards_types::{Quantity, usd};
    ///
    /// let plan = Allocation::by_weights(usd!(5), [("reader", 7), ("writer", 3)]).at_least(usd!(1));
    /// let divide = plan.divide(&"pool".into(), &Accounts::new(None, vec![]))?;
    /// assert_eq!((divide.amount, divide.at_least), (Quantity::from_units(5), Quantity::ONE));
    /// assert_eq!(Some(divide.weights["reader"]), Quantity::from_units(7));
    /// # Ok::<(), safeguards_budget::AllocationError>(())
    /// ```
    pub fn divide(
        &self,
        parent: &AccountId,
        accounts: &Accounts,
    ) -> Result<Divide, AllocationError> {
        let at_least = match &self.at_least {
            None => Quantity::ZERO,
            Some(amount) if *amount.unit() == self.unit => amount.quantity(),
            Some(amount) => {
                let (unit, at_least) = (self.unit.clone(), amount.unit().clone());
                return Err(AllocationError::MixedUnits { unit, at_least });
            }
        };
        let weights = match &self.basis {
            Basis::Weights(weights) => weights.clone(),
            Basis::Priorities => priorities(parent, accounts),
        };
        if weights.is_empty() {
            return Err(AllocationError::NoChildren { parent: parent.clone() });
        }
        let mut divide = Divide::new(parent.clone(), self.unit.clone(), weights).at_least(at_least);
        divide.amount = self.total;
        Ok(divide)
    }

    /// Carries the plan out, as one command under the name `op`.
    ///
    /// Sent again under the same name, it is carried out once. A plan by priority is made out anew each time:
    /// if priorities or children have changed since, the repetition is denied as `operation_conflict`.
    ///
    /// # Errors
    ///
    /// As for [`Allocation::divide`], and where the ledger denies the command or cannot answer.
    pub async fn apply<L: Ledger + ?Sized>(
        &self,
        ledger: &L,
        parent: &AccountId,
        op: OperationId,
    ) -> Result<Shares, AllocationError> {
        let accounts = match self.basis {
            Basis::Priorities => ledger.subtree(parent).await.map_err(CommandError::from)?,
            Basis::Weights(_) => Accounts::new(None, Vec::new()),
        };
        let plan = self.divide(parent, &accounts)?;
        ledger.apply(Command::new(op, plan.clone())).await?;
        match Shares::planned(&plan) {
            Some(shares) => Ok(shares),
            None => Shares::left(ledger, &plan).await.map_err(|error| {
                let kind = LedgerErrorKind::OutcomeUnknown;
                CommandError::from(LedgerError::new(kind, "read what was allocated", error)).into()
            }),
        }
    }
}

/// The open children, each with its priority as the weight.
fn priorities(parent: &AccountId, accounts: &Accounts) -> BTreeMap<AccountId, Quantity> {
    let is_open_child = |account: &&Account| {
        account.parent.as_ref() == Some(parent) && account.state != AccountState::Closed
    };
    let children = accounts.accounts.iter().flatten().filter(is_open_child);
    children.map(|child| (child.id.clone(), Weight::from(child.priority).0)).collect()
}

/// What each child got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shares {
    unit: Unit,
    shares: BTreeMap<AccountId, Quantity>,
}

impl Shares {
    /// The shares of a plan that says how much is shared out.
    fn planned(plan: &Divide) -> Option<Self> {
        let weights: Vec<_> = plan.weights.values().copied().collect();
        let shares = divide(plan.amount?, &weights, plan.at_least).ok()?;
        let shares = plan.weights.keys().cloned().zip(shares).collect();
        Some(Self { unit: plan.unit.clone(), shares })
    }

    /// What each has left now.
    async fn left<L: Ledger + ?Sized>(ledger: &L, plan: &Divide) -> Result<Self, LedgerError> {
        let children: Vec<_> = plan.weights.keys().cloned().collect();
        let read = ledger.accounts(&children).await?;
        let left = |child: Account| {
            let left = child.limit(&plan.unit, &Window::Lifetime)?.available;
            Some((child.id, left))
        };
        let shares = read.accounts.into_iter().flatten().filter_map(left).collect();
        Ok(Self { unit: plan.unit.clone(), shares })
    }

    /// What all got together: exactly what was shared out.
    pub fn total(&self) -> Amount {
        let steps =
            self.shares.values().fold(0_i128, |sum, share| sum.saturating_add(share.steps()));
        Amount::new(Quantity::told(steps), self.unit.clone())
    }

    /// What one child got; `None` for who was not in the plan.
    pub fn of(&self, child: &AccountId) -> Option<Amount> {
        self.shares.get(child).map(|share| Amount::new(*share, self.unit.clone()))
    }

    /// Each child with its share, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&AccountId, Amount)> {
        self.shares.iter().map(|(child, share)| (child, Amount::new(*share, self.unit.clone())))
    }
}

impl fmt::Display for Shares {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (child, share)) in self.iter().enumerate() {
            let separator = if number == 0 { "" } else { ", " };
            write!(out, "{separator}{child} {share}")?;
        }
        Ok(())
    }
}

impl Weight {
    /// The number.
    pub const fn quantity(self) -> Quantity {
        self.0
    }
}

impl From<Quantity> for Weight {
    fn from(weight: Quantity) -> Self {
        Self(weight)
    }
}

impl From<u64> for Weight {
    /// What is more than [`Quantity::MAX`] becomes that, which every ledger refuses as a weight.
    fn from(weight: u64) -> Self {
        Self(Quantity::from_units(weight).unwrap_or(Quantity::MAX))
    }
}

impl From<Priority> for Weight {
    fn from(priority: Priority) -> Self {
        u64::from(priority.level()).into()
    }
}

impl From<Workload> for Weight {
    fn from(workload: Workload) -> Self {
        let Workload { recent_tasks, pending_tasks } = workload;
        recent_tasks.saturating_mul(3).saturating_add(pending_tasks.saturating_mul(7)).into()
    }
}
