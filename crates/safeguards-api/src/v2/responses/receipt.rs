//! What the ledger answers to commands.

use std::collections::BTreeMap;

use safeguards_budget::{self as budget, Crossing, EntryId, HoldId, Overrun, ShadowDenial, Shares};
use safeguards_types::{AccountId, Amounts, Quantity, Unit};

use super::responses;

responses! {
    /// What the ledger says of a command that it has carried out.
    Receipt {
        /// The number of its entry.
        entry: EntryId,
        /// What is left after it, by unit of the command: the least at the accounts that it counts at. Units without a
        /// hard limit on the way are left out.
        available: Amounts,
        /// Thresholds that spending reached or passed by it.
        crossed: Vec<Crossing>,
        /// Hard limits that are overrun by it: it told of spending that had happened.
        overrun: Vec<Overrun>,
        /// Limits on trial that would have denied it.
        shadow: Vec<ShadowDenial>,
        /// Whether it settled a hold that had ended before.
        late: bool,
    }

    /// A receipt.
    ReceiptResponse {
        /// The receipt.
        receipt: Receipt,
    }

    /// A hold, and its receipt.
    HoldResponse {
        /// The hold's id: the operation that placed it.
        hold: HoldId,
        /// The receipt.
        receipt: Receipt,
    }

    /// Who got what.
    SharesResponse {
        /// Of which unit.
        unit: Unit,
        /// What each has left now: `{"reader": "7", "writer": "3"}`.
        shares: BTreeMap<AccountId, Quantity>,
    }
}

impl From<budget::Receipt> for Receipt {
    fn from(receipt: budget::Receipt) -> Self {
        let budget::Receipt { entry, available, crossed, overrun, shadow, late, .. } = receipt;
        Self { entry, available, crossed, overrun, shadow, late }
    }
}

impl From<budget::Receipt> for ReceiptResponse {
    fn from(receipt: budget::Receipt) -> Self {
        Self { receipt: receipt.into() }
    }
}

impl From<Shares> for SharesResponse {
    fn from(shares: Shares) -> Self {
        let each = shares.iter().map(|(account, share)| (account.clone(), share.quantity()));
        Self { shares: each.collect(), unit: shares.total().unit().clone() }
    }
}
