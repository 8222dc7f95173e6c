//! What goes wrong with agents, pools and budgets. Both API versions speak of it in the same words.

use safeguards_budget::{CommandError, Denial, LedgerError};
use safeguards_types::{AccountId, Unit};

/// An agent or pool was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// There is one of this name, on other terms.
    #[error("`{name}` was asked for as {asked}, but there is one already: {existing}")]
    OtherTerms {
        /// The name.
        name: AccountId,
        /// The terms asked for.
        asked: String,
        /// The terms on which it is there.
        existing: String,
    },
    /// The ledger denied the account, or could not answer.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl CreateError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OtherTerms { .. } => "api.other_terms",
            Self::Command(error) => error.code(),
        }
    }

    /// What the ledger refused with; `None` where it was not the ledger, or it could not answer.
    pub const fn denial(&self) -> Option<&Denial> {
        match self {
            Self::OtherTerms { .. } => None,
            Self::Command(error) => error.denial(),
        }
    }
}

impl From<LedgerError> for CreateError {
    fn from(error: LedgerError) -> Self {
        Self::Command(error.into())
    }
}

/// A budget was not read or set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// Nobody of this name was made here.
    #[error("there is no agent or pool `{account}`; make it first")]
    Unknown {
        /// The name.
        account: AccountId,
    },
    /// The budget of the account is in another unit.
    #[error("the budget of `{account}` is in {unit}, not in {given}")]
    Unit {
        /// The account.
        account: AccountId,
        /// What its budget counts.
        unit: Unit,
        /// What was given.
        given: Unit,
    },
    /// The ledger denied it, or could not answer.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl BudgetError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "api.unknown",
            Self::Unit { .. } => "api.other_unit",
            Self::Command(error) => error.code(),
        }
    }

    /// What the ledger refused with; `None` where it was not the ledger, or it could not answer.
    pub const fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Unknown { .. } | Self::Unit { .. } => None,
            Self::Command(error) => error.denial(),
        }
    }
}

impl From<LedgerError> for BudgetError {
    fn from(error: LedgerError) -> Self {
        Self::Command(error.into())
    }
}
