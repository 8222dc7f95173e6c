//! Charges, holds, and what was spent already.

use std::time::Duration;

use safeguards_budget::{self as budget, Action, Command, HoldId, Metadata, PlaceHold};
use safeguards_types::{AccountId, Amounts, OperationId};

use super::{commands, requests};
use crate::v2::{DEFAULT_HOLD_TTL, forms};

commands! {
    /// Spends at once, if it fits; else nothing happens.
    Charge {
        /// Who spends: an agent or a pool.
        account: AccountId,
        /// How much, more than 0 of each unit: `{"USD": "0.42"}`.
        amounts: Amounts,
        ;
        /// Accounts that it counts at besides, with all above them. Left out, none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        scopes: Vec<AccountId>,
    }

    /// Gives a hold more time. It never gets less.
    ExtendHold {
        /// Which hold: the operation that placed it.
        hold: HoldId,
        /// For how many seconds from now, 1 to 10⁹.
        #[serde(rename = "ttl_s", with = "forms::seconds")]
        ttl: Duration,
    }

    /// Records a part of what is spent under a hold; the rest stays held.
    Draw {
        /// Which hold.
        hold: HoldId,
        /// How much was spent: `{"USD": "0.42"}`.
        amounts: Amounts,
        ;
        /// Who spent it, where that was an account below the hold's. Left out, the hold's own account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spender: Option<AccountId>,
    }

    /// Ends a hold by recording what was really spent, be it less or more than what was held.
    Settle {
        /// Which hold.
        hold: HoldId,
        /// What was spent: `{"USD": "0.31"}`; `{}` for nothing.
        amounts: Amounts,
    }

    /// Ends a hold with nothing spent.
    Release {
        /// Which hold.
        hold: HoldId,
    }

    /// Writes down spending that has already happened and was never authorized. No limit refuses it.
    Record {
        /// Who spent it.
        account: AccountId,
        /// How much, more than 0 of each unit: `{"USD": "0.42"}`.
        amounts: Amounts,
        ;
        /// Accounts that it counts at besides, with all above them. Left out, none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        scopes: Vec<AccountId>,
    }

    /// Takes back a part or all of what was spent.
    Refund {
        /// The operation that charged, settled, drew or recorded it.
        of: OperationId,
        /// How much comes back, more than 0 of each unit: `{"USD": "0.11"}`.
        amounts: Amounts,
    }
}

requests! {
    /// Sets aside now, to decide later, if it fits. The hold's id is the operation that placed it.
    Hold {
        /// Who will spend: an agent or a pool.
        account: AccountId,
        /// How much, more than 0 of each unit: `{"USD": "0.42"}`.
        amounts: Amounts,
        /// The caller's name for it, a version 7 UUID, and the hold's. Asked again under the same name, it is answered
        /// again and done once.
        op: OperationId,
        ;
        /// For how many seconds, 1 to 10⁹: it frees itself if nobody ended it. Left out, for 600.
        #[serde(
            rename = "ttl_s",
            default,
            skip_serializing_if = "Option::is_none",
            with = "forms::maybe_seconds"
        )]
        ttl: Option<Duration>,
        /// Accounts that it counts at besides, with all above them. Left out, none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        scopes: Vec<AccountId>,
        /// Kept in its entry, for audit and reports: an object of at most 64 KiB. Left out, nothing.
        #[serde(default, skip_serializing_if = "Metadata::is_empty")]
        metadata: Metadata,
    }
}

impl From<Charge> for Action {
    fn from(Charge { account, amounts, scopes, .. }: Charge) -> Self {
        Self::Charge(at(account, amounts, scopes))
    }
}

impl From<Hold> for PlaceHold {
    fn from(Hold { account, amounts, ttl, scopes, .. }: Hold) -> Self {
        let mut place = Self::new(account, amounts, ttl.unwrap_or(DEFAULT_HOLD_TTL));
        place.charge.scopes = scopes;
        place
    }
}

impl From<Hold> for Command {
    fn from(mut request: Hold) -> Self {
        let (op, metadata) = (request.op, std::mem::take(&mut request.metadata));
        Self::new(op, PlaceHold::from(request)).with_metadata(metadata)
    }
}

impl From<ExtendHold> for Action {
    fn from(ExtendHold { hold, ttl, .. }: ExtendHold) -> Self {
        Self::ExtendHold { hold, ttl }
    }
}

impl From<Draw> for Action {
    fn from(Draw { hold, amounts, spender, .. }: Draw) -> Self {
        let mut settle = budget::Settle::new(hold, amounts).keep_open();
        settle.attribute_to = spender;
        Self::Settle(settle)
    }
}

impl From<Settle> for Action {
    fn from(Settle { hold, amounts, .. }: Settle) -> Self {
        Self::Settle(budget::Settle::new(hold, amounts))
    }
}

impl From<Release> for Action {
    fn from(Release { hold, .. }: Release) -> Self {
        Self::Release { hold }
    }
}

impl From<Record> for Action {
    fn from(Record { account, amounts, scopes, .. }: Record) -> Self {
        Self::Record(at(account, amounts, scopes))
    }
}

impl From<Refund> for Action {
    fn from(Refund { of, amounts, .. }: Refund) -> Self {
        Self::Refund { of, amounts }
    }
}

fn at(account: AccountId, amounts: Amounts, scopes: Vec<AccountId>) -> budget::Charge {
    let mut charge = budget::Charge::new(account, amounts);
    charge.scopes = scopes;
    charge
}
