//! Leave for transfers and raises.

use std::sync::Arc;

use safeguards_budget::{Approval, ApprovalError, Change, CommandError, LedgerExt, Receipt};
use safeguards_types::Timestamp;

use crate::core::Core;

/// Asks for leave for transfers and raises, gives or refuses it, and carries it out once.
///
/// An [`Approval`] is a value that its callers keep between the steps, as JSON say; nothing of it is kept here. Who
/// really asks and approves is for the caller to make sure.
///
/// ```
/// use safeguards_api::Safeguards;
/// use safeguards_budget::Change;
/// use safeguards_types::{Priority, Timestamp, Unit, usd};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let v2 = Safeguards::in_memory().v2();
/// let pool = v2.pools().create("research", usd!(5), Priority::P5).await?;
/// v2.agents().create("reader", usd!(4), Priority::P7).pool(&pool).await?;
/// v2.agents().create("writer", usd!(1), Priority::P3).pool(&pool).await?;
///
/// let approvals = v2.approvals();
/// let change = Change::Transfer {
///     from: "reader".into(),
///     to: "writer".into(),
///     unit: Unit::USD,
///     amount: usd!(2).quantity(),
/// };
/// let mut leave = approvals.request(change, "ada", "one more chapter", Timestamp::MAX);
/// assert!(approvals.approve(&mut leave, "ada").await.is_err()); // nobody approves their own request
/// approvals.approve(&mut leave, "grace").await?;
/// approvals.apply(&mut leave).await?;
/// let writer = v2.budget().account("writer").await?.expect("it was made");
/// assert_eq!(writer.available(&Unit::USD), Some(usd!(3).quantity()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Approvals {
    core: Arc<Core>,
}

impl Approvals {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Asks for leave, until `expires_at`. Nothing happens yet.
    pub fn request(
        &self,
        change: Change,
        by: impl Into<String>,
        reason: impl Into<String>,
        expires_at: Timestamp,
    ) -> Approval {
        Approval::request(self.core.operation(), change, by, reason, expires_at)
    }

    /// Gives leave. Of a raise the account is read: what is no raise any more is refused.
    ///
    /// # Errors
    ///
    /// Where it is decided or expired, `by` asked for it, it raises nothing, or the ledger cannot answer.
    pub async fn approve(
        &self,
        approval: &mut Approval,
        by: impl Into<String>,
    ) -> Result<(), ApprovalError> {
        let by = by.into();
        let account = match approval.change().account() {
            Some(account) => {
                self.core.ledger.account(account).await.map_err(|error| ApprovalError::Command {
                    request: approval.id(),
                    error: CommandError::Ledger(error),
                })?
            }
            None => None,
        };
        approval.approve(by, self.core.clock.now(), account.as_ref())?;
        Ok(())
    }

    /// Refuses leave. Who asked may do so too, and thereby takes the request back.
    ///
    /// # Errors
    ///
    /// Where it is decided or expired.
    pub fn reject(
        &self,
        approval: &mut Approval,
        by: impl Into<String>,
        reason: impl Into<String>,
    ) -> Result<(), ApprovalError> {
        approval.reject(by, reason, self.core.clock.now())
    }

    /// Carries out what leave was given for, and notes the answer in the approval. Applied again after a crash it is
    /// done once.
    ///
    /// # Errors
    ///
    /// Where leave was not given, or it was applied before; where the ledger denies it or cannot answer.
    pub async fn apply(&self, approval: &mut Approval) -> Result<Receipt, ApprovalError> {
        approval.apply(&*self.core.ledger).await
    }
}
