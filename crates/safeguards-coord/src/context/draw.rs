//! Drawing on what is held for an attempt: [`Context::charge`] and [`Context::remaining`].

use std::fmt;

use async_trait::async_trait;
use safeguards_budget::CommandError;
use safeguards_types::{Amount, Amounts};

use super::Context;
use crate::{
    AgentError, RunFact, RunFault,
    bill::{beyond, larger},
    error::with_causes,
};

/// Why nothing was drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrawError {
    /// More was needed than is held, and a budget said no, or could not answer.
    #[error("{}", with_causes(.0))]
    NotHeld(CommandError),
    /// More was needed than is held, and than the run may spend.
    #[error(transparent)]
    Refused(RunFault),
    /// The attempt has ended: what an agent left behind spends nothing in its name.
    #[error("the attempt has ended; nothing is charged to it any more")]
    Ended,
}

impl DrawError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotHeld(error) => error.code(),
            Self::Refused(fault) => fault.code(),
            Self::Ended => "run.attempt_ended",
        }
    }
}

impl From<DrawError> for AgentError {
    /// An agent that stops because it may not spend more: its step is denied where a budget said so. What it drew
    /// counts.
    fn from(error: DrawError) -> Self {
        let denial = match &error {
            DrawError::NotHeld(error) => error.denial().cloned(),
            DrawError::Refused(_) | DrawError::Ended => None,
        };
        let stopped = Self::new("it may not spend more").caused_by(error);
        match denial {
            Some(denial) => stopped.denied(denial),
            None => stopped,
        }
    }
}

/// Where an attempt draws from: sets more aside where what is held does not do.
#[async_trait]
pub(crate) trait Backing: fmt::Debug + Send + Sync + 'static {
    /// Sets `amounts` aside besides what is held.
    async fn hold_more(&self, amounts: Amounts) -> Result<(), DrawError>;
}

/// What was drawn so far.
#[derive(Debug)]
pub(crate) struct Drawing {
    /// What was charged.
    charged: Amounts,
    /// What is set aside for it.
    covered: Amounts,
}

impl Drawing {
    pub(crate) fn of(held: Amounts) -> Self {
        Self { charged: Amounts::none(), covered: held }
    }
}

impl Context {
    /// Charges what the agent has just spent, or is about to, to this attempt: it is drawn from what is held for
    /// it. Where that does not do, more is set aside first, as far as the budgets allow.
    ///
    /// What is charged counts if the agent ends without saying what it cost; a total that it says then is meant to
    /// have it in.
    ///
    /// # Errors
    ///
    /// Where more would have to be set aside and that is denied; nothing is drawn then.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use safeguards_coord::{AgentError, Context, Reply, Task, agent_fn};
    /// use safeguards_types::usd;
    ///
    /// let reader = agent_fn("reader", |_task: Task, cx: Context| async move {
    ///     for page in 1..=3 {
    ///         cx.charge(usd!(0.01)).await?; // stops here when the budget says no
    ///         cx.progress(format!("page {page}"));
    ///     }
    ///     Ok(Reply::text("read"))
    /// });
    /// # let _ = reader;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn charge(&self, amounts: impl Into<Amounts>) -> Result<(), DrawError> {
        let amounts = amounts.into();
        // One draw at a time, so that two do not take the same rest of what is held.
        let mut drawing = self.shared.drawing.lock().await;
        if self.shared.told.lock().is_none() {
            return Err(DrawError::Ended);
        }
        let mut after = drawing.charged.clone();
        after.add_all(&amounts);
        let missing = beyond(&after, &drawing.covered);
        if !missing.is_empty() {
            self.shared.backing.hold_more(missing.clone()).await?;
            drawing.covered.add_all(&missing);
        }
        drawing.charged = after;
        let drawn = {
            let mut told = self.shared.told.lock();
            let told = told.as_mut().ok_or(DrawError::Ended)?;
            told.drawn = larger(&told.drawn, &drawing.charged);
            told.drawn.clone()
        };
        self.emit(RunFact::Progressed { text: String::new(), drawn });
        Ok(())
    }

    /// What is left of what is held for this attempt, after what was charged and told so far; never below 0.
    pub fn remaining(&self) -> Amounts {
        let drawn = self.shared.told.lock().as_ref().map(|told| told.drawn.clone());
        let drawn = drawn.unwrap_or_default();
        let left = |amount: &Amount| {
            let unit = amount.unit();
            Amount::new(amount.quantity().saturating_sub(drawn.get(unit)), unit.clone())
        };
        self.shared.held.iter().map(left).collect()
    }
}
