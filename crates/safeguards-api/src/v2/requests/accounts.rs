//! Reads: accounts, holds, entries, and how fast money goes.

use std::time::Duration;

use safeguards_budget::{AccountState, EntryId, HoldId};
use safeguards_types::{AccountId, Amount, Unit};

use super::requests;
use crate::{
    amount_text,
    v2::{Role, forms},
};

requests! {
    /// Asks for a name for a piece of work, for those who cannot mint version 7 UUIDs.
    MintOperation {}

    /// Asks how an account stands.
    GetAccount {
        /// Which account.
        account: AccountId,
    }

    /// Asks how many accounts stand, all at one revision.
    GetUsage {
        /// Which accounts.
        accounts: Vec<AccountId>,
    }

    /// Asks which accounts are as said here, by name, a page at a time.
    FindAccounts {
        ;
        /// This account and all below it. Left out, all agents and pools that were made here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        under: Option<AccountId>,
        /// Only `agent`s or `pool`s that were made here. Left out, both, and accounts that are neither.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<Role>,
        /// Only those that are `open`, `suspended` or `closed`. Left out, all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<AccountState>,
        /// Only those that have less than this left of one of their own hard limits: `"1 USD"`. Left out, all.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "amount_text::maybe")]
        less_than: Option<Amount>,
        /// Only those whose names come after this one: the `next` of the page before. Left out, from the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<AccountId>,
        /// How many at most, 1 to 1,000; fewer are taken for 1, and more for 1,000. Left out, 100.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    }

    /// Asks how a hold stands.
    GetHold {
        /// Which hold: the operation that placed it.
        hold: HoldId,
    }

    /// Asks for entries of the journal, in order, a page at a time.
    GetEntries {
        ;
        /// The number of the first. Left out, 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<EntryId>,
        /// How many at most, 1 to 1,000; fewer are taken for 1, and more for 1,000. Left out, 100.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    }

    /// Asks how fast an account, with all below it, spends.
    BurnRate {
        /// Which account.
        account: AccountId,
        /// Which unit.
        unit: Unit,
        /// In the last so many seconds, 1 to 10⁹.
        #[serde(rename = "over_s", with = "forms::seconds")]
        over: Duration,
    }
}
