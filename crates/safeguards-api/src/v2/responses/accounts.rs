//! What reads of the ledger give.

use std::time::Duration;

use safeguards_budget::{
    self as budget, AccountState, Accounts, Entry, EntryId, EntryPage, HoldId, HoldState, Limit,
    LimitMode, Metadata, Percent, ProtectionStep, Window,
};
use safeguards_types::{AccountId, Amount, Amounts, Priority, Quantity, Timestamp, Unit};

use super::responses;
use crate::{
    amount_text,
    v2::{AccountPage, forms},
};

responses! {
    /// How an account stands.
    Account {
        /// Its name.
        id: AccountId,
        /// The account that it stands below; `null` for a root.
        parent: Option<AccountId>,
        /// `open`, `suspended` or `closed`.
        state: AccountState,
        /// How much its work matters.
        priority: Priority,
        /// Its limits, and what is left of each.
        limits: Vec<LimitUsage>,
        /// Which last parts of its limits are kept for whom.
        protection: Vec<ProtectionStep>,
        /// What was ever spent at it, by unit, with all below it.
        spent: Amounts,
        /// What is set aside at it, by unit, with all below it.
        held: Amounts,
        /// What was noted of it when it was opened. Left out, nothing.
        #[serde(default, skip_serializing_if = "Metadata::is_empty")]
        metadata: Metadata,
    }

    /// A limit, and how much of it is used.
    LimitUsage {
        /// Of which unit.
        unit: Unit,
        /// Over which window.
        window: Window,
        /// The limit.
        amount: Quantity,
        /// `hard`, `soft` or `shadow`.
        mode: LimitMode,
        /// At which percentages of it a warning is given.
        warn_at: Vec<Percent>,
        /// What was spent in the window.
        spent: Quantity,
        /// What is set aside in it.
        held: Quantity,
        /// What is left, never below 0.
        available: Quantity,
        /// By how much it is overrun.
        over_by: Quantity,
        /// Since when is counted; `null`: ever since.
        window_started_at: Option<Timestamp>,
        /// From when on is counted anew; `null`: never.
        window_ends_at: Option<Timestamp>,
    }

    /// An account, if it is there.
    AccountResponse {
        /// The account; `null` where there is none of this name.
        account: Option<Account>,
    }

    /// Accounts as they stood together.
    UsageResponse {
        /// The last entry that they show; `null` where there is none.
        revision: Option<EntryId>,
        /// The accounts, in the order asked for; `null` where there is none of the name.
        accounts: Vec<Option<Account>>,
    }

    /// A page of accounts, by name.
    AccountsResponse {
        /// The accounts.
        accounts: Vec<Account>,
        /// What to ask for as `after` to read on; `null`: this is the last page.
        next: Option<AccountId>,
    }

    /// How a hold stands.
    HoldView {
        /// Its id: the operation that placed it.
        id: HoldId,
        /// Who placed it.
        account: AccountId,
        /// `open`, `settled`, `released` or `expired`.
        state: HoldState,
        /// What is still set aside, by unit.
        left: Amounts,
        /// When it frees itself, or did.
        expires_at: Timestamp,
        /// The accounts that it counts at.
        set: Vec<AccountId>,
    }

    /// A hold, if it is known.
    HoldViewResponse {
        /// The hold; `null` where none of this id is known.
        hold: Option<HoldView>,
    }

    /// A page of the journal, in order.
    EntriesResponse {
        /// The entries, as ledger lines have them.
        entries: Vec<Entry>,
        /// What to ask for as `from` to read on.
        next: EntryId,
        /// The first entry that is still kept. Who asked from before it has missed some.
        first_kept: EntryId,
    }

    /// How fast an account spends.
    BurnRateResponse {
        /// What was spent, less what was refunded: `"0.42 USD"`.
        #[serde(with = "amount_text")]
        amount: Amount,
        /// In the last so many seconds.
        #[serde(rename = "over_s", with = "forms::seconds")]
        over: Duration,
    }
}

impl From<budget::Account> for Account {
    fn from(account: budget::Account) -> Self {
        let budget::Account { id, parent, state, priority, limits, protection, .. } = account;
        let limits = limits.into_iter().map(LimitUsage::from).collect();
        let (spent, held, metadata) = (account.spent, account.held, account.metadata);
        Self { id, parent, state, priority, limits, protection, spent, held, metadata }
    }
}

impl From<budget::LimitUsage> for LimitUsage {
    fn from(usage: budget::LimitUsage) -> Self {
        let budget::LimitUsage { limit, spent, held, available, over_by, .. } = usage;
        let warn_at = limit.warnings().to_vec();
        let Limit { unit, window, amount, mode, .. } = limit;
        Self {
            unit,
            window,
            amount,
            mode,
            warn_at,
            spent,
            held,
            available,
            over_by,
            window_started_at: usage.window_started_at,
            window_ends_at: usage.window_ends_at,
        }
    }
}

impl From<Accounts> for UsageResponse {
    fn from(read: Accounts) -> Self {
        let accounts = read.accounts.into_iter().map(|account| account.map(Account::from));
        Self { revision: read.revision, accounts: accounts.collect() }
    }
}

impl From<AccountPage> for AccountsResponse {
    fn from(AccountPage { accounts, next }: AccountPage) -> Self {
        Self { accounts: accounts.into_iter().map(Account::from).collect(), next }
    }
}

impl From<budget::HoldView> for HoldView {
    fn from(hold: budget::HoldView) -> Self {
        let budget::HoldView { id, account, state, left, expires_at, set, .. } = hold;
        Self { id, account, state, left, expires_at, set: set.to_vec() }
    }
}

impl From<EntryPage> for EntriesResponse {
    fn from(page: EntryPage) -> Self {
        let EntryPage { entries, next, first_kept, .. } = page;
        Self { entries, next, first_kept }
    }
}
