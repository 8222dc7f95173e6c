//! What goes wrong with agents, pools and budgets. Both API versions speak of it in the same words.

use safeguards_budget::{CommandError, Denial, LedgerError};
use safeguards_discovery::RegistryError;
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
    /// There was one of this name, which was deleted.
    #[error("`{name}` was deleted, and names are never used again; choose another")]
    NameGone {
        /// The name.
        name: AccountId,
    },
    /// It was to stand below an agent.
    #[error("`{name}` is an agent, and nobody stands below one; make a pool for both")]
    NotAPool {
        /// The agent.
        name: AccountId,
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
            Self::NameGone { .. } => "api.name_gone",
            Self::NotAPool { .. } => "api.not_a_pool",
            Self::Command(error) => error.code(),
        }
    }

    /// What the ledger refused with; `None` where it was not the ledger, or it could not answer.
    pub const fn denial(&self) -> Option<&Denial> {
        match self {
            Self::OtherTerms { .. } | Self::NameGone { .. } | Self::NotAPool { .. } => None,
            Self::Command(error) => error.denial(),
        }
    }
}

impl From<LedgerError> for CreateError {
    fn from(error: LedgerError) -> Self {
        Self::Command(error.into())
    }
}

/// A budget was not set, or something of an agent or pool was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// Nobody of this name was made here, or not as what was asked for.
    #[error("there is no {what} `{account}`; make it first")]
    Unknown {
        /// What was asked for: an agent, a pool, or either.
        what: &'static str,
        /// The name.
        account: AccountId,
    },
    /// There was one of this name, which was deleted.
    #[error("`{name}` was deleted")]
    NameGone {
        /// The name.
        name: AccountId,
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
            Self::NameGone { .. } => "api.name_gone",
            Self::Unit { .. } => "api.other_unit",
            Self::Command(error) => error.code(),
        }
    }

    /// What the ledger refused with; `None` where it was not the ledger, or it could not answer.
    pub const fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Unknown { .. } | Self::NameGone { .. } | Self::Unit { .. } => None,
            Self::Command(error) => error.denial(),
        }
    }
}

impl From<LedgerError> for BudgetError {
    fn from(error: LedgerError) -> Self {
        Self::Command(error.into())
    }
}

/// An agent or pool was not changed, moved or deleted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// Nobody of this name was made here.
    #[error("there is no {what} `{name}`; make it first")]
    Unknown {
        /// What was looked for: `agent` or `pool`.
        what: &'static str,
        /// The name.
        name: AccountId,
    },
    /// There was one of this name, which was deleted.
    #[error("`{name}` was deleted")]
    NameGone {
        /// The name.
        name: AccountId,
    },
    /// It cannot leave a pool that it is not in.
    #[error("`{name}` is not in pool `{pool}`; it is {}", place(found.as_ref()))]
    NotMember {
        /// The name.
        name: AccountId,
        /// The pool that it was to leave.
        pool: AccountId,
        /// The pool that it is in; `None` where it stands alone.
        found: Option<AccountId>,
    },
    /// The ledger denied it, or could not answer.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The account is closed, and the registry failed to forget the agent: delete it again.
    #[error("`{name}` is closed, but is perhaps still registered; delete it again")]
    Registry {
        /// The name.
        name: AccountId,
        /// What the registry said.
        source: RegistryError,
    },
}

fn place(pool: Option<&AccountId>) -> String {
    pool.map_or_else(|| "in none".to_owned(), |pool| format!("in pool `{pool}`"))
}

impl ChangeError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "api.unknown",
            Self::NameGone { .. } => "api.name_gone",
            Self::NotMember { .. } => "api.not_member",
            Self::Command(error) => error.code(),
            Self::Registry { source, .. } => source.code(),
        }
    }

    /// What the ledger refused with; `None` where it was not the ledger, or it could not answer.
    pub const fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Unknown { .. }
            | Self::NameGone { .. }
            | Self::NotMember { .. }
            | Self::Registry { .. } => None,
            Self::Command(error) => error.denial(),
        }
    }
}

impl From<LedgerError> for ChangeError {
    fn from(error: LedgerError) -> Self {
        Self::Command(error.into())
    }
}
