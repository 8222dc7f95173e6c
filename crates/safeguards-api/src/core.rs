//! The unversioned core that every API version translates onto: ledger, alerts, registry, clock, ids, prices,
//! directory.

use std::{path::PathBuf, sync::Arc};

use safeguards_budget::{Account, CommandError, Denial, Ledger, LedgerExt, Window};
use safeguards_coord::{Loads, RunStore, SharedState};
use safeguards_discovery::{Finder, Lease, RegisterError, Registration, Registry};
use safeguards_notify::{Alerts, EventBus};
use safeguards_pricing::PriceTable;
use safeguards_types::{AccountId, Amount, Clock, OperationId, OperationIds, Quantity};

use crate::{
    alerting::AlertingLedger,
    directory::{Directory, Terms},
    discovering::SweptRegistry,
    endings::Endings,
    error::{BudgetError, CreateError},
    swept_state::SweptStateStore,
    terms,
};

/// What the parts have in common. It has no idea which version called.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) ledger: Arc<dyn Ledger>,
    /// The same ledger, to tick it.
    pub(crate) alerting: Arc<AlertingLedger>,
    pub(crate) alerts: Alerts,
    /// What the rules of team files say in vain.
    pub(crate) rule_warnings: Vec<String>,
    pub(crate) events: Arc<dyn EventBus>,
    /// The registry, to sweep it.
    pub(crate) swept: Arc<SweptRegistry>,
    /// The same registry, joined with all who know how agents stand.
    pub(crate) finder: Finder,
    /// What agents have to do in teams that run.
    pub(crate) loads: Loads,
    /// What agents share.
    pub(crate) state: SharedState,
    /// Where that is kept, to sweep it.
    pub(crate) swept_state: Arc<SweptStateStore>,
    /// Where the progress of runs is written down.
    pub(crate) run_store: Arc<dyn RunStore>,
    /// The team files whose alerts have a channel here.
    pub(crate) alerts_of: Vec<PathBuf>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: OperationIds,
    pub(crate) prices: Arc<PriceTable>,
    pub(crate) directory: Directory,
    pub(crate) endings: Endings,
}

impl Core {
    /// Mints the name of a piece of work.
    pub(crate) fn operation(&self) -> OperationId {
        self.ids.mint(self.clock.now())
    }

    /// Where agents register.
    pub(crate) const fn registry(&self) -> &Arc<dyn Registry> {
        self.finder.registry()
    }

    /// Registers an agent; with the priority that it has here, unless it is there already.
    pub(crate) async fn register(
        &self,
        registration: Registration,
    ) -> Result<Lease, RegisterError> {
        let made_here = self.directory.find(&AccountId::from(&registration.agent));
        let Some(terms) = made_here.filter(|_| registration.priority.is_none()) else {
            return self.registry().register(registration).await;
        };
        let is_new = self.registry().agent(&registration.agent).await?.is_none();
        let registration =
            if is_new { registration.priority(terms.priority) } else { registration };
        self.registry().register(registration).await
    }

    /// Makes an agent or pool. One that is there on the same terms is left as it is.
    pub(crate) async fn create(&self, terms: Terms) -> Result<(), CreateError> {
        let opened = self.ledger.open_account(terms.open(), self.operation()).await;
        match opened {
            Ok(_) => self.directory.insert(terms),
            Err(CommandError::Denied(Denial::DuplicateAccount { .. })) => {
                self.recognize(terms).await?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Accepts who is there already, if it is there on these terms.
    ///
    /// Of an account that was not made here only its place and priority are compared: what it may spend has
    /// perhaps been changed since it was made.
    async fn recognize(&self, terms: Terms) -> Result<(), CreateError> {
        let existing = match self.directory.find(&terms.account) {
            Some(known) if known == terms => return Ok(()),
            Some(known) => known.to_string(),
            None => match self.ledger.account(&terms.account).await? {
                Some(account) if is_alike(&account, &terms) => {
                    self.directory.insert(terms);
                    return Ok(());
                }
                Some(account) => format!("an account, {}", terms::of_account(&account)),
                None => "an account that is closed; names are never used again".to_owned(),
            },
        };
        Err(CreateError::OtherTerms {
            name: terms.account.clone(),
            asked: terms.to_string(),
            existing,
        })
    }

    /// What an account may still spend of its budget, whatever those above it have left.
    pub(crate) async fn remaining(&self, account: &AccountId) -> Result<Amount, BudgetError> {
        let unknown = || BudgetError::Unknown { account: account.clone() };
        let terms = self.directory.find(account).ok_or_else(unknown)?;
        let unit = terms.budget.unit().clone();
        let found = self.ledger.account(account).await?.ok_or_else(unknown)?;
        let limit = found.limit(&unit, &Window::Lifetime);
        let available = limit.map_or(Quantity::ZERO, |usage| usage.available);
        Ok(Amount::new(available, unit))
    }

    /// Sets what an account may still spend of its budget, in one step.
    pub(crate) async fn set_remaining(
        &self,
        account: &AccountId,
        amount: Amount,
        op: OperationId,
    ) -> Result<(), BudgetError> {
        let terms = self
            .directory
            .find(account)
            .ok_or_else(|| BudgetError::Unknown { account: account.clone() })?;
        let unit = terms.budget.unit();
        if amount.unit() != unit {
            return Err(BudgetError::Unit {
                account: account.clone(),
                unit: unit.clone(),
                given: amount.unit().clone(),
            });
        }
        let which = (unit.clone(), Window::Lifetime);
        self.ledger.set_remaining(account.clone(), which, amount.quantity(), op).await?;
        Ok(())
    }
}

fn is_alike(account: &Account, terms: &Terms) -> bool {
    let budget = account.limit(terms.budget.unit(), &Window::Lifetime);
    account.parent == terms.pool && account.priority == terms.priority && budget.is_some()
}
