//! [`Change`]: what leave is asked for.

use safeguards_types::{AccountId, Quantity, Unit};
use serde::{Deserialize, Serialize};

use crate::{Account, Action, Limit, Window};

/// What leave is asked for: a transfer, or more for one account.
///
/// ```
/// use safeguards_budget::{Change, Limit};
/// use safeguards_types::usd;
///
/// let raise = Change::raise("reader", &Limit::lifetime(usd!(5)).soft(), usd!(8).quantity());
/// assert_eq!(raise.account().map(|account| account.as_str()), Some("reader"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// Move lifetime limit from an account to its sibling.
    Transfer {
        /// Whose limit sinks.
        from: AccountId,
        /// Whose limit rises.
        to: AccountId,
        /// Of which unit.
        unit: Unit,
        /// By how much.
        amount: Quantity,
    },
    /// Set a limit that there is to more.
    RaiseLimit {
        /// Whose limit.
        account: AccountId,
        /// The limit as it is to be: of the same mode as before, with its warnings.
        limit: Limit,
    },
    /// Set a limit that there is so that more remains: to what will be spent and held by then, and `amount`
    /// on top.
    RaiseRemaining {
        /// Whose limit.
        account: AccountId,
        /// Of which unit.
        unit: Unit,
        /// Over which window.
        window: Window,
        /// What shall remain.
        amount: Quantity,
    },
}

impl Change {
    /// Raises a limit, as it is now, to `amount`; its mode and warnings stay.
    pub fn raise(account: impl Into<AccountId>, current: &Limit, amount: Quantity) -> Self {
        let mut limit = current.clone();
        limit.amount = amount;
        Self::RaiseLimit { account: account.into(), limit }
    }

    /// Whose limit would be raised: the account that an approval has to be shown. None for a transfer.
    pub const fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Transfer { .. } => None,
            Self::RaiseLimit { account, .. } | Self::RaiseRemaining { account, .. } => {
                Some(account)
            }
        }
    }

    /// What it asks of the ledger.
    pub fn action(&self) -> Action {
        match self.clone() {
            Self::Transfer { from, to, unit, amount } => {
                Action::Transfer { from, to, unit, amount }
            }
            Self::RaiseLimit { account, limit } => Action::SetLimit { account, limit },
            Self::RaiseRemaining { account, unit, window, amount } => {
                Action::SetRemaining { account, unit, window, amount }
            }
        }
    }

    /// Whether it is a raise, or a transfer, which the ledger itself judges. If not: what there is already of
    /// what was asked for, and that.
    pub(super) fn check(
        &self,
        account: Option<&Account>,
    ) -> Result<(), (Option<Quantity>, Quantity)> {
        let usage = |unit, window| {
            let account = account.filter(|account| Some(&account.id) == self.account())?;
            account.limit(unit, window)
        };
        let (current, asked) = match self {
            Self::Transfer { .. } => return Ok(()),
            Self::RaiseLimit { limit, .. } => {
                // A limit of another mode by now is another limit: setting it would do more than raise it.
                let usage = usage(&limit.unit, &limit.window);
                let current = usage.filter(|usage| usage.limit.mode == limit.mode);
                (current.map(|usage| usage.limit.amount), limit.amount)
            }
            Self::RaiseRemaining { unit, window, amount, .. } => {
                (usage(unit, window).map(|usage| usage.available), *amount)
            }
        };
        if current.is_some_and(|current| current < asked) { Ok(()) } else { Err((current, asked)) }
    }
}
