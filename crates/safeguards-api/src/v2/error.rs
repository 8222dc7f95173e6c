//! [`Error`]: why a call of version 2 was not carried out, as JSON.

use safeguards_budget::{AllocationError, ApprovalError, BurnRateError, CommandError, LedgerError};
use safeguards_coord::{RunError, RunStoreError, TeamError, UnknownStrategy};
use safeguards_discovery::{FindError, RegisterError, RegistryError, RenewError, WithdrawError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::WorkloadError;
use crate::{
    BudgetError, ChangeError, CreateError, UnknownVersion,
    refused::{Fault, Refused, refused_by},
};

/// Why a call was not carried out. In JSON `{"code": …, "message": …}`, and `"denial"` with all its numbers where the
/// ledger said no.
///
/// The verbs of Rust have errors of their own, with the same codes; each becomes one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Error {
    /// The stable code, such as `api.unknown` or `budget.limit_exceeded`; all are on the page of errors.
    pub code: String,
    /// What is wrong, for people: lower case, no final period.
    pub message: String,
    /// What the ledger refused with, as in a ledger line: its code, and what is at fault. Left out where it was not
    /// the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denial: Option<Value>,
}

impl From<Refused> for Error {
    fn from(Refused { code, message, denial }: Refused) -> Self {
        Self { code, message, denial }
    }
}

refused_by! {
    Fault: |_| None,
    CommandError: CommandError::denial,
    CreateError: CreateError::denial,
    BudgetError: BudgetError::denial,
    ChangeError: ChangeError::denial,
    LedgerError: |_| None,
    AllocationError: AllocationError::denial,
    ApprovalError: ApprovalError::denial,
    BurnRateError: |_| None,
    WorkloadError: |_| None,
    TeamError: |_| None,
    RunError: |_| None,
    RunStoreError: |_| None,
    UnknownStrategy: |_| None,
    RegisterError: |_| None,
    RenewError: |_| None,
    WithdrawError: |_| None,
    FindError: |_| None,
    RegistryError: |_| None,
    UnknownVersion: |_| None,
}
