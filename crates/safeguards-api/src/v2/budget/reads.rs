//! Reads: accounts, holds, entries, and how fast money goes. Each is a reading, not a promise.

use std::time::Duration;

use safeguards_budget::{
    Account, AccountState, Accounts, BurnRate, BurnRateError, EntryId, EntryPage, HoldId, HoldView,
    LedgerError, LedgerExt,
};
use safeguards_types::{AccountId, Amount, Unit};

use super::Budget;
use crate::{
    request::awaited,
    v2::{Pending, Role, page, requests},
};

/// Accounts that are as asked for, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountPage {
    /// The accounts.
    pub accounts: Vec<Account>,
    /// After which one the next page begins; `None`: this is the last.
    pub next: Option<AccountId>,
}

impl Budget {
    /// Reads an account: limits, what is spent, held and left. `None` where there is none.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot answer.
    pub async fn account(
        &self,
        account: impl Into<AccountId>,
    ) -> Result<Option<Account>, LedgerError> {
        let account = account.into();
        self.core.ledger.account(&account).await
    }

    /// Reads many accounts, all at one revision, in this order; `None` where there is none.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot answer.
    pub async fn usage<A: Into<AccountId>>(
        &self,
        accounts: impl IntoIterator<Item = A>,
    ) -> Result<Accounts, LedgerError> {
        let accounts: Vec<AccountId> = accounts.into_iter().map(Into::into).collect();
        self.core.ledger.accounts(&accounts).await
    }

    /// The accounts of all agents and pools that were made here, or those that the options of the request ask for, by
    /// name, a page at a time.
    ///
    /// ```
    /// use safeguards_api::{Safeguards, v2::Role};
    /// use safeguards_types::{Priority, usd};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let v2 = Safeguards::in_memory().v2();
    /// let pool = v2.pools().create("research", usd!(5), Priority::P5).await?;
    /// v2.agents().create("reader", usd!(4), Priority::P7).pool(&pool).await?;
    /// v2.agents().create("writer", usd!(0.50), Priority::P7).pool(&pool).await?;
    ///
    /// let low = v2.budget().accounts().under(&pool).role(Role::Agent).less_than(usd!(1)).await?;
    /// assert_eq!(low.accounts[0].id.as_str(), "writer");
    /// assert_eq!((low.accounts.len(), low.next), (1, None));
    /// # Ok(())
    /// # }
    /// ```
    pub fn accounts(&self) -> Pending<requests::FindAccounts> {
        self.ask(requests::FindAccounts::new())
    }

    /// Reads a hold; `None` where none is known by this name.
    ///
    /// # Errors
    ///
    /// Where the ledger cannot answer.
    pub async fn hold_view(&self, hold: HoldId) -> Result<Option<HoldView>, LedgerError> {
        self.core.ledger.hold(hold).await
    }

    /// Reads entries of the journal, in order, a page at a time: 100 from the first one, unless the options say
    /// otherwise.
    pub fn entries(&self) -> Pending<requests::GetEntries> {
        self.ask(requests::GetEntries::new())
    }

    /// How fast an account, with all below it, has spent a unit in the time `over` up to now.
    ///
    /// # Errors
    ///
    /// Where `over` is no time, there is no such account, entries of that time are not kept any more, or the ledger
    /// cannot answer.
    pub async fn burn_rate(
        &self,
        account: impl Into<AccountId>,
        unit: &Unit,
        over: Duration,
    ) -> Result<BurnRate, BurnRateError> {
        let (account, now) = (account.into(), self.core.clock.now());
        BurnRate::read(&*self.core.ledger, &account, unit, over, now).await
    }
}

impl Pending<requests::FindAccounts> {
    /// Only this account and all below it, be they made here or not.
    pub fn under(mut self, account: impl Into<AccountId>) -> Self {
        self.request.under = Some(account.into());
        self
    }

    /// Only agents, or only pools, that were made here.
    pub fn role(mut self, role: Role) -> Self {
        self.request.role = Some(role);
        self
    }

    /// Only those in this state.
    pub fn state(mut self, state: AccountState) -> Self {
        self.request.state = Some(state);
        self
    }

    /// Only those that have less than this left of one of their own hard limits.
    pub fn less_than(mut self, amount: Amount) -> Self {
        self.request.less_than = Some(amount);
        self
    }

    /// Only those whose names come after this one: the `next` of the page before.
    pub fn after(mut self, account: impl Into<AccountId>) -> Self {
        self.request.after = Some(account.into());
        self
    }

    /// At most so many: 100 unless it is said, and never more than 1,000.
    pub fn limit(mut self, accounts: usize) -> Self {
        self.request.limit = Some(accounts);
        self
    }

    async fn send(self) -> Result<AccountPage, LedgerError> {
        let Self { core, request } = self;
        let requests::FindAccounts { under, role, state, less_than, after, limit } = request;
        let read = match under {
            Some(account) => core.ledger.subtree(&account).await?,
            None => core.ledger.accounts(&core.made_here()).await?,
        };
        let is_wanted = |account: &Account| {
            role.is_none_or(|role| core.role(&account.id) == Some(role))
                && state.is_none_or(|state| account.state == state)
                && after.as_ref().is_none_or(|after| account.id > *after)
                && less_than.as_ref().is_none_or(|least| {
                    let left = account.available(least.unit());
                    left.is_some_and(|left| left < least.quantity())
                })
        };
        let mut accounts: Vec<Account> =
            read.accounts.into_iter().flatten().filter(is_wanted).collect();
        accounts.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        let limit = page::len(limit);
        let is_more = accounts.len() > limit;
        accounts.truncate(limit);
        let next = accounts.last().filter(|_| is_more).map(|account| account.id.clone());
        Ok(AccountPage { accounts, next })
    }
}

awaited!(Pending<requests::FindAccounts> => Result<AccountPage, LedgerError>);

impl Pending<requests::GetEntries> {
    /// Begins with the entry of this number: the `next` of the page before.
    pub fn from(mut self, entry: EntryId) -> Self {
        self.request.from = Some(entry);
        self
    }

    /// At most so many: 100 unless it is said, and never more than 1,000.
    pub fn limit(mut self, entries: usize) -> Self {
        self.request.limit = Some(entries);
        self
    }

    async fn send(self) -> Result<EntryPage, LedgerError> {
        let requests::GetEntries { from, limit } = self.request;
        self.core.ledger.entries(from.unwrap_or(EntryId::FIRST), page::len(limit)).await
    }
}

awaited!(Pending<requests::GetEntries> => Result<EntryPage, LedgerError>);
