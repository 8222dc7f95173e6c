//! [`WithHold`]: hold, work and settle in one.

use std::{
    fmt,
    future::{Future, IntoFuture},
    time::Duration,
};

use safeguards_budget::{CommandError, Denial, Receipt, SettleError};
use safeguards_types::{AccountId, Amounts};

use super::Budget;
use crate::{
    RequestFuture,
    v2::{Pending, requests},
};

/// Work that is done under a hold; begun by `.await`. [`Budget::with_hold`] makes it.
#[must_use = "nothing is held or done until it is awaited"]
pub struct WithHold<F> {
    budget: Budget,
    hold: Pending<requests::Hold>,
    work: F,
}

impl<F> fmt::Debug for WithHold<F> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("WithHold").field("hold", &self.hold).finish_non_exhaustive()
    }
}

/// Why work under a hold was not done, or not paid.
#[derive(Debug, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "either nothing was held, or it is not settled")]
pub enum WithHoldError<T> {
    /// Nothing was held, and the work was not begun.
    #[error(transparent)]
    Hold(#[from] CommandError),
    /// The work was done, and it is not known that it is paid. With the same amounts the hold can be settled again.
    #[error("the work is done, but what it cost is not settled")]
    Settle {
        /// What the work gave.
        value: T,
        /// What it said that it cost.
        spent: Amounts,
        /// Why it is not settled; it gives the hold back.
        source: Box<SettleError>,
    },
}

impl<T> WithHoldError<T> {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Hold(error) => error.code(),
            Self::Settle { source, .. } => source.code(),
        }
    }

    /// What the ledger refused with; `None` where it could not answer.
    pub const fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Hold(error) => error.denial(),
            Self::Settle { source, .. } => source.denial(),
        }
    }
}

impl<F> WithHold<F> {
    pub(super) const fn new(budget: Budget, hold: Pending<requests::Hold>, work: F) -> Self {
        Self { budget, hold, work }
    }

    /// Counts it at `scope`, and everything above that, besides.
    pub fn scope(self, scope: impl Into<AccountId>) -> Self {
        Self { hold: self.hold.scope(scope), ..self }
    }

    /// Frees what is held after `ttl`, whole seconds, 1 to 10⁹: longer than the work can take. What is settled later
    /// is recorded all the same, but others may have spent what was held by then.
    pub fn ttl(self, ttl: Duration) -> Self {
        Self { hold: self.hold.ttl(ttl), ..self }
    }
}

impl<F, T, C> IntoFuture for WithHold<F>
where
    F: Future<Output = (T, C)> + Send + 'static,
    T: Send + 'static,
    C: Into<Amounts> + Send + 'static,
{
    type Output = Result<(T, Receipt), WithHoldError<T>>;
    type IntoFuture = RequestFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { budget, hold, work } = self;
        Box::pin(async move {
            let hold = hold.await?;
            let (value, spent) = work.await;
            let spent: Amounts = spent.into();
            match budget.settle(hold, spent.clone()).await {
                Ok(receipt) => Ok((value, receipt)),
                Err(error) => Err(WithHoldError::Settle { value, spent, source: Box::new(error) }),
            }
        })
    }
}
