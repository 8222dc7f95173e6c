//! What may be spent: limits, their last parts, and whether anything may be spent at all.

use safeguards_budget::{Action, Limit, ProtectionStep, Window};
use safeguards_types::{AccountId, Amount, Unit};

use super::commands;
use crate::amount_text;

commands! {
    /// Sets a limit, or changes its amount, mode and warnings. What was counted stays counted.
    SetLimit {
        /// Whose.
        account: AccountId,
        /// The limit: `{"unit": "USD", "window": {"day": "UTC"}, "amount": "5", "mode": "hard", "warn_at": ["80"]}`;
        /// `mode` and `warn_at` may be left out.
        limit: Limit,
    }

    /// Takes a limit away.
    RemoveLimit {
        /// Whose.
        account: AccountId,
        /// Of which unit.
        unit: Unit,
        /// Over which window: `"lifetime"`, `{"day": "Europe/Berlin"}`, `{"every_s": 3600}`.
        window: Window,
    }

    /// Sets a limit so that this is left of it, whatever was spent and is held.
    SetRemaining {
        /// Whose.
        account: AccountId,
        /// What shall be left: `"7 USD"`.
        #[serde(with = "amount_text")]
        remaining: Amount,
        ;
        /// Over which window. Left out, the lifetime.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window: Option<Window>,
    }

    /// Sets which last parts of all limits of an account are kept for whom; what was set before is gone.
    SetProtection {
        /// Whose limits.
        account: AccountId,
        /// `[{"last_percent": "10", "from_priority": 8}]`: the last 10 % are for priority 8 and above.
        steps: Vec<ProtectionStep>,
    }

    /// Stops new spending at an account and everything below it.
    Suspend {
        /// Which account.
        account: AccountId,
        ;
        /// Why, for people, at most 1,024 bytes. Left out, nothing is said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }

    /// Takes an account's own suspension back.
    Resume {
        /// Which account.
        account: AccountId,
        ;
        /// Why, for people, at most 1,024 bytes. Left out, nothing is said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
}

impl From<SetLimit> for Action {
    fn from(SetLimit { account, limit, .. }: SetLimit) -> Self {
        Self::SetLimit { account, limit }
    }
}

impl From<RemoveLimit> for Action {
    fn from(RemoveLimit { account, unit, window, .. }: RemoveLimit) -> Self {
        Self::RemoveLimit { account, unit, window }
    }
}

impl From<SetRemaining> for Action {
    fn from(SetRemaining { account, remaining, window, .. }: SetRemaining) -> Self {
        let (amount, unit) = remaining.into_parts();
        Self::SetRemaining { account, unit, window: window.unwrap_or(Window::Lifetime), amount }
    }
}

impl From<SetProtection> for Action {
    fn from(SetProtection { account, steps, .. }: SetProtection) -> Self {
        Self::SetProtection { account, steps }
    }
}

impl From<Suspend> for Action {
    fn from(Suspend { account, reason, .. }: Suspend) -> Self {
        Self::Suspend { account, reason }
    }
}

impl From<Resume> for Action {
    fn from(Resume { account, reason, .. }: Resume) -> Self {
        Self::Resume { account, reason }
    }
}
