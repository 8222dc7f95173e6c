//! [`Approval`]: leave for a transfer or a raise, from the request to the entry.

mod change;

use safeguards_types::{OperationId, Quantity, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use self::change::Change;
use crate::{
    Account, Command, CommandError, Denial, EntryId, Ledger, LedgerExt, Metadata, Receipt,
};

/// Leave for a transfer or a raise: somebody asks for it, somebody else gives it, and the ledger carries it out
/// once.
///
/// It decides and remembers, and submits nothing by itself: a value to be stored as JSON between its steps.
/// From `now >= expires_at` a request is expired. The command that an approval gives has an operation id that
/// follows from the request and the instant of the approval, so what is applied again after a crash is carried out
/// once. Two copies of a request that were each approved are two approvals: whoever stores a request lets one of
/// them be the one that is stored. Its metadata makes the journal the audit: under `approval` it has `request`,
/// `requested_by`, `requested_at`, `reason`, `approved_by` and `approved_at`.
///
/// ```
/// use safeguards_budget::{Approval, Change, LedgerExt, Limit, MemoryLedger, OpenAccount};
/// use safeguards_types::{Quantity, Timestamp, usd};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let ledger = MemoryLedger::new();
/// let limit = Limit::lifetime(usd!(5));
/// ledger.open_account(OpenAccount::new("reader").limit(limit.clone()), ledger.operation()).await?;
///
/// let change = Change::raise("reader", &limit, usd!(8).quantity());
/// let id = ledger.operation();
/// let mut approval = Approval::request(id, change, "ada", "two more books", Timestamp::MAX);
///
/// let now = id.minted_at();
/// let reader = ledger.account(&"reader".into()).await?;
/// assert!(approval.approve("ada", now, reader.as_ref()).is_err()); // nobody approves their own request
/// approval.approve("grace", now, reader.as_ref())?;
/// let receipt = approval.apply(&ledger).await?;
/// assert_eq!(approval.state().name(), "applied");
///
/// let page = ledger.sync().entries(receipt.entry, 1);
/// let audit = &page.entries[0].metadata().unwrap()["approval"];
/// assert_eq!(audit["approved_by"], "grace");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    id: OperationId,
    change: Change,
    requested_by: String,
    reason: String,
    expires_at: Timestamp,
    state: ApprovalState,
}

/// How far an [`Approval`] has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ApprovalState {
    /// Nobody has decided yet.
    Requested,
    /// It may be applied, and perhaps was: the ledger's answer is not known yet.
    Approved {
        /// Who gave leave.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// Leave was refused.
    Rejected {
        /// Who refused it.
        by: String,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// Nobody decided in time.
    Expired,
    /// The ledger has carried it out.
    Applied {
        /// Who gave leave.
        by: String,
        /// When.
        at: Timestamp,
        /// The entry that records it.
        entry: EntryId,
    },
    /// The ledger said no.
    Denied {
        /// Who gave leave.
        by: String,
        /// When.
        at: Timestamp,
        /// The code of the denial, such as `budget.limit_exceeded`.
        code: String,
        /// The denial in words.
        message: String,
    },
}

/// Why an approval did not come further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApprovalError {
    /// It has come too far for this, or not far enough.
    #[error("request {request} is {state}; it cannot be {wanted}")]
    WrongState {
        /// Which request.
        request: OperationId,
        /// Its state: `requested`, `approved`, `rejected`, `expired`, `applied` or `denied`.
        state: &'static str,
        /// What was to be done with it: `approved`, `rejected` or `applied`.
        wanted: &'static str,
    },
    /// Who asks cannot give leave. The request stays open.
    #[error("request {request} was made by {by}; somebody else has to approve it")]
    OwnRequest {
        /// Which request.
        request: OperationId,
        /// Who made it.
        by: String,
    },
    /// It would not raise the limit, or what remains of it. The request stays open.
    #[error("request {request} raises nothing: {}", raises_nothing(*current, *asked))]
    NotARaise {
        /// Which request.
        request: OperationId,
        /// What the limit is, or what remains of it; `None` where there is no such limit, or none was shown.
        current: Option<Quantity>,
        /// What was asked for.
        asked: Quantity,
    },
    /// The ledger denied it, or could not answer.
    #[error("request {request} was not applied: {error}")]
    Command {
        /// Which request.
        request: OperationId,
        /// What the ledger answered.
        #[source]
        error: CommandError,
    },
}

impl ApprovalError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WrongState { .. } => "approval.wrong_state",
            Self::OwnRequest { .. } => "approval.own_request",
            Self::NotARaise { .. } => "approval.not_a_raise",
            Self::Command { error, .. } => error.code(),
        }
    }

    /// What the ledger refused with; `None` where it was not the ledger, or it could not answer.
    pub const fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Command { error, .. } => error.denial(),
            Self::WrongState { .. } | Self::OwnRequest { .. } | Self::NotARaise { .. } => None,
        }
    }
}

fn raises_nothing(current: Option<Quantity>, asked: Quantity) -> String {
    match current {
        Some(current) => format!("there is {current} already, asked {asked}"),
        None => "no account was passed that has such a limit".to_owned(),
    }
}

impl Approval {
    /// Asks for leave, until `expires_at`. The time of `id` is when it was asked for.
    ///
    /// `by` is whoever the caller has made sure it is: names are compared letter by letter.
    pub fn request(
        id: OperationId,
        change: Change,
        by: impl Into<String>,
        reason: impl Into<String>,
        expires_at: Timestamp,
    ) -> Self {
        let (requested_by, reason) = (by.into(), reason.into());
        Self { id, change, requested_by, reason, expires_at, state: ApprovalState::Requested }
    }

    /// Which request.
    pub const fn id(&self) -> OperationId {
        self.id
    }

    /// What is asked for.
    pub const fn change(&self) -> &Change {
        &self.change
    }

    /// Who asked.
    pub fn requested_by(&self) -> &str {
        &self.requested_by
    }

    /// Why it was asked for.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Until when it may be decided.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// How far it has come, as far as it was told: [`Approval::expire`] tells it the time.
    pub const fn state(&self) -> &ApprovalState {
        &self.state
    }

    /// Gives leave. The command is to be submitted; [`Approval::apply`] does that and notes the answer.
    ///
    /// A raise needs `account`, the one whose limit it is, as it was just read: what is no raise any more is
    /// refused. A transfer does not look at it.
    ///
    /// # Errors
    ///
    /// Where the request is decided or expired, `by` made it, or it raises nothing.
    pub fn approve(
        &mut self,
        by: impl Into<String>,
        now: Timestamp,
        account: Option<&Account>,
    ) -> Result<Command, ApprovalError> {
        self.check_open(now, "approved")?;
        let by = by.into();
        if by == self.requested_by {
            return Err(ApprovalError::OwnRequest { request: self.id, by });
        }
        self.change.check(account).map_err(|(current, asked)| ApprovalError::NotARaise {
            request: self.id,
            current,
            asked,
        })?;
        let command = self.command_of(&by, now);
        self.state = ApprovalState::Approved { by, at: now };
        Ok(command)
    }

    /// Refuses leave. Who asked may do so too, and thereby takes the request back.
    ///
    /// # Errors
    ///
    /// Where the request is decided or expired.
    pub fn reject(
        &mut self,
        by: impl Into<String>,
        reason: impl Into<String>,
        now: Timestamp,
    ) -> Result<(), ApprovalError> {
        self.check_open(now, "rejected")?;
        let (by, reason) = (by.into(), reason.into());
        self.state = ApprovalState::Rejected { by, at: now, reason };
        Ok(())
    }

    /// Ends the request if its time has run out, and says whether it has. What was decided stays decided.
    pub fn expire(&mut self, now: Timestamp) -> bool {
        if self.state == ApprovalState::Requested && now >= self.expires_at {
            self.state = ApprovalState::Expired;
        }
        self.state == ApprovalState::Expired
    }

    /// The command of an approval that was not answered yet, always the same one.
    pub fn command(&self) -> Option<Command> {
        if let ApprovalState::Approved { by, at } = &self.state {
            Some(self.command_of(by, *at))
        } else {
            None
        }
    }

    /// Submits the command of what was approved, and notes the answer. Where none came the approval stays as
    /// it is, to be applied again.
    ///
    /// # Errors
    ///
    /// Where it is not approved, or was applied before; where the ledger denies it or cannot answer.
    pub async fn apply<L: Ledger + ?Sized>(
        &mut self,
        ledger: &L,
    ) -> Result<Receipt, ApprovalError> {
        let command = self.command().ok_or_else(|| self.wrong_state("applied"))?;
        let answer = ledger.apply(command).await;
        match &answer {
            Ok(receipt) => self.note(Ok(receipt)),
            Err(CommandError::Denied(denial)) => self.note(Err(denial)),
            Err(CommandError::Ledger(_)) => {}
        }
        answer.map_err(|error| ApprovalError::Command { request: self.id, error })
    }

    /// Notes the ledger's answer to the command, for those who submit it themselves. Only what is approved and
    /// not answered yet takes a note of it.
    ///
    /// An id that is too old or too new for the ledger is no answer: the command may have been carried out
    /// before, or be accepted later.
    pub fn note(&mut self, answer: Result<&Receipt, &Denial>) {
        let ApprovalState::Approved { by, at } = &self.state else { return };
        let (by, at) = (by.clone(), *at);
        match answer {
            Ok(receipt) => self.state = ApprovalState::Applied { by, at, entry: receipt.entry },
            Err(Denial::OperationTooOld { .. } | Denial::OperationTooNew { .. }) => {}
            Err(denial) => {
                let (code, message) = (denial.code().to_owned(), denial.to_string());
                self.state = ApprovalState::Denied { by, at, code, message };
            }
        }
    }

    fn check_open(&mut self, now: Timestamp, wanted: &'static str) -> Result<(), ApprovalError> {
        self.expire(now);
        if self.state == ApprovalState::Requested { Ok(()) } else { Err(self.wrong_state(wanted)) }
    }

    fn wrong_state(&self, wanted: &'static str) -> ApprovalError {
        ApprovalError::WrongState { request: self.id, state: self.state.name(), wanted }
    }

    /// Named after the request, with the time of the approval: by then the request's own time may be too old
    /// for the ledger.
    fn command_of(&self, by: &str, at: Timestamp) -> Command {
        let audit = json!({
            "request": self.id,
            "requested_by": self.requested_by,
            "requested_at": self.id.minted_at(),
            "reason": self.reason,
            "approved_by": by,
            "approved_at": at,
        });
        let metadata = Metadata::from_iter([("approval".to_owned(), audit)]);
        Command::new(self.id.step_at("apply", at), self.change.action()).with_metadata(metadata)
    }
}

impl ApprovalState {
    /// The name, as in JSON: `requested`, `approved`, `rejected`, `expired`, `applied`, `denied`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Expired => "expired",
            Self::Applied { .. } => "applied",
            Self::Denied { .. } => "denied",
        }
    }
}
