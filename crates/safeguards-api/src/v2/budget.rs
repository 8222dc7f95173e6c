//! [`Budget`]: each verb decides and records in one step.

mod limits;
mod reads;
mod sharing;
mod spending;
mod with_hold;

use std::{sync::Arc, time::Duration};

use safeguards_budget::{CommandError, Metadata, Receipt};

pub use self::{
    reads::AccountPage,
    with_hold::{WithHold, WithHoldError},
};
use super::{
    Pending,
    requests::{self, Noted},
};
use crate::{core::Core, request::awaited};

/// How long a hold sets aside unless it says otherwise: ten minutes.
pub const DEFAULT_HOLD_TTL: Duration = Duration::from_mins(10);

/// Spends, sets aside, writes down, and says what may be spent.
///
/// Every verb that writes takes the caller's name for it: asked again under the same name, after a timeout say, it is
/// answered again and done once.
///
/// ```
/// use safeguards_api::Safeguards;
/// use safeguards_types::{Priority, usd};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let v2 = Safeguards::in_memory().v2();
/// let (budget, job) = (v2.budget(), v2.operation());
/// let reader = v2.agents().create("reader", usd!(4), Priority::P7).await?;
///
/// // Set aside before the call, settled with what it really cost.
/// let hold = budget.hold(&reader, usd!(1.00), job.step("read")).await?;
/// let receipt = budget.settle(hold, usd!(0.31)).await?;
/// assert_eq!(receipt.available, usd!(3.69).into());
///
/// budget.suspend(&reader, "it loops", job.step("stop")).await?;
/// let denied = budget.charge(&reader, usd!(0.01), job.step("on")).await;
/// assert_eq!(denied.unwrap_err().code(), "budget.suspended");
/// budget.resume(&reader, job.step("go on")).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Budget {
    core: Arc<Core>,
}

impl Budget {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    fn ask<R>(&self, request: R) -> Pending<R> {
        Pending::new(Arc::clone(&self.core), request)
    }
}

#[expect(private_bounds, reason = "which requests have metadata is this module's to say")]
impl<R: Noted> Pending<R> {
    /// Keeps this in its entry, for audit and reports, in place of what was to be kept before.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        *self.request.metadata() = metadata;
        self
    }
}

/// Commands of the ledger that are answered by a receipt.
macro_rules! answered_by_receipt {
    ($($request:ty),+ $(,)?) => {$(
        impl Pending<$request> {
            async fn send(self) -> Result<Receipt, CommandError> {
                use safeguards_budget::LedgerExt;

                self.core.ledger.apply(self.request.into()).await
            }
        }

        awaited!(Pending<$request> => Result<Receipt, CommandError>);
    )+};
}

answered_by_receipt! {
    requests::Charge,
    requests::ExtendHold,
    requests::Draw,
    requests::Settle,
    requests::Release,
    requests::Record,
    requests::Refund,
    requests::SetLimit,
    requests::RemoveLimit,
    requests::SetRemaining,
    requests::SetProtection,
    requests::Suspend,
    requests::Resume,
    requests::Transfer,
    requests::AllocateExactly,
    requests::Reclaim,
}
