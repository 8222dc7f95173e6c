//! Leave for a transfer or a raise.
//!
//! A request for leave is a value that its callers keep between the steps, so each step takes it and gives it back.

use safeguards_budget::{Approval, Change};
use safeguards_types::Timestamp;

use super::requests;
use crate::v2::forms;

requests! {
    /// Asks for leave. Nothing happens until somebody else has given it and it is applied.
    RequestApproval {
        /// For what: `{"do": "transfer", "from": …, "to": …, "unit": …, "amount": …}`, or `"raise_limit"` or
        /// `"raise_remaining"`.
        #[serde(deserialize_with = "forms::known_only")]
        change: Change,
        /// Who asks. Names are compared letter by letter; who it really is, is for the caller to make sure.
        by: String,
        /// Why, for people.
        reason: String,
        /// Until when it may be decided, as `"2026-01-05T09:00:00Z"`.
        expires_at: Timestamp,
    }

    /// Gives leave.
    ApproveChange {
        /// The request as it was answered last.
        #[serde(deserialize_with = "forms::known_only")]
        approval: Approval,
        /// Who gives it: not who asked.
        by: String,
    }

    /// Refuses leave.
    RejectChange {
        /// The request as it was answered last.
        #[serde(deserialize_with = "forms::known_only")]
        approval: Approval,
        /// Who refuses it. Who asked may do so too, and takes the request back.
        by: String,
        /// Why, for people.
        reason: String,
    }

    /// Carries out what leave was given for; once, however often it is asked.
    ApplyApproval {
        /// The request as it was answered last.
        #[serde(deserialize_with = "forms::known_only")]
        approval: Approval,
    }
}
