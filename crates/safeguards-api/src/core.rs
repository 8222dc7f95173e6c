//! The unversioned core that every API version translates onto: ledger, alerts, registry, clock, ids, prices,
//! directory.

mod changing;
mod counting;
mod v2_lookup;

use std::{path::PathBuf, sync::Arc};

use safeguards_budget::{
    Account, AccountState, CommandError, Denial, Ledger, LedgerError, LedgerExt, Window,
};
use safeguards_coord::{Loads, RunStore, SharedState};
use safeguards_discovery::{
    Finder, Lease, RegisterError, Registration, Registry, RegistryError, WithdrawError,
};
use safeguards_notify::{Alerts, EventBus};
use safeguards_pricing::PriceTable;
use safeguards_types::{AccountId, Amount, Clock, OperationId, OperationIds, Unit};

pub(crate) use self::counting::{Standing, Totals};
use crate::{
    alerting::AlertingLedger,
    directory::{Directory, Role, Terms},
    discovering::SweptRegistry,
    endings::Endings,
    error::{BudgetError, CreateError},
    swept_state::SweptStateStore,
    terms,
};

/// What is asked for where an agent will do, and a pool.
const EITHER: &str = "agent or pool";

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

    /// Registers an agent; with the priority that it has here, unless it is there already. One that was deleted is
    /// refused.
    pub(crate) async fn advertise(
        &self,
        registration: Registration,
    ) -> Result<Lease, RegisterError> {
        let made_here = self.directory.find(&AccountId::from(&registration.agent));
        let Some(terms) = made_here.filter(|_| registration.priority.is_none()) else {
            return self.register(registration).await;
        };
        let is_new = self.registry().agent(&registration.agent).await?.is_none();
        let registration =
            if is_new { registration.priority(terms.priority) } else { registration };
        self.register(registration).await
    }

    /// Registers an agent as the registration says. One that was deleted is refused.
    pub(crate) async fn register(
        &self,
        registration: Registration,
    ) -> Result<Lease, RegisterError> {
        let agent = registration.agent.clone();
        let lease = self.registry().register(registration).await?;
        // Looked at afterwards: who deletes an agent closes its account and then ends its leases, so whoever comes
        // second sees what the other did.
        let is_gone = self.is_gone(&AccountId::from(&agent)).await;
        if !is_gone.map_err(RegistryError::unavailable)? {
            return Ok(lease);
        }
        match self.registry().delete(&agent).await {
            Err(WithdrawError::Registry(error)) => Err(error.into()),
            Ok(()) | Err(_) => Err(RegisterError::Deleted { agent }),
        }
    }

    /// Makes an agent or pool. One that is there on the same terms is left as it is.
    pub(crate) async fn create(&self, terms: Terms) -> Result<(), CreateError> {
        if let Some(pool) = terms.pool.as_ref().filter(|pool| self.is_agent(pool)) {
            return Err(CreateError::NotAPool { name: pool.clone() });
        }
        let opened = self.ledger.apply(terms.command(self.operation())).await;
        match opened {
            Ok(_) => self.admit(terms).await,
            Err(CommandError::Denied(Denial::DuplicateAccount { .. })) => {
                self.recognize(terms).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes somebody into the directory whose account a configuration opened, unless it is known already.
    pub(crate) async fn adopt(&self, terms: Terms) -> Result<(), CreateError> {
        match self.directory.find(&terms.account) {
            Some(_) => Ok(()),
            None => self.admit(terms).await,
        }
    }

    /// Whether this is an agent that was made here: nobody stands below one.
    pub(crate) fn is_agent(&self, account: &AccountId) -> bool {
        self.directory.find(account).is_some_and(|terms| terms.role == Role::Agent)
    }

    /// Takes somebody into the directory whose account is there, unless it was closed meanwhile: by another task before
    /// the ledger's answer came, or by another program.
    async fn admit(&self, terms: Terms) -> Result<(), CreateError> {
        let name = terms.account.clone();
        self.directory.insert(terms);
        self.keep_open(name).await
    }

    /// Takes somebody out of the directory whose account was closed.
    async fn keep_open(&self, name: AccountId) -> Result<(), CreateError> {
        match self.ledger.account(&name).await? {
            Some(account) if account.state != AccountState::Closed => Ok(()),
            Some(_) | None => {
                self.directory.remove(&name);
                Err(CreateError::NameGone { name })
            }
        }
    }

    /// Accepts who is there already, if it is there on these terms.
    ///
    /// What an account may spend has perhaps been changed since it was made. So of one that an earlier program made only its
    /// place and priority are compared, and its budget as it was made or as it is; where that is not known, nothing of it.
    async fn recognize(&self, terms: Terms) -> Result<(), CreateError> {
        let existing = match self.directory.find(&terms.account) {
            Some(known) if known == terms => return self.keep_open(terms.account).await,
            Some(known)
                if !self.directory.was_there(&terms.account) || known.role != terms.role =>
            {
                known.to_string()
            }
            known => match self.ledger.account(&terms.account).await? {
                // Names are never used again, and an account of which nothing is known any more was closed long ago.
                None => return Err(CreateError::NameGone { name: terms.account.clone() }),
                Some(account) if account.state == AccountState::Closed => {
                    return Err(CreateError::NameGone { name: terms.account.clone() });
                }
                Some(account) if is_alike(&account, &terms, known.as_ref()) => {
                    return self.admit(terms).await;
                }
                Some(account) => format!("an account, {}", terms::of_account(&account)),
            },
        };
        Err(CreateError::OtherTerms {
            name: terms.account.clone(),
            asked: terms.to_string(),
            existing,
        })
    }

    /// On which terms an agent or pool was made here.
    pub(crate) async fn known(&self, account: &AccountId) -> Result<Terms, BudgetError> {
        match self.directory.find(account) {
            Some(terms) => Ok(terms),
            None if self.is_gone(account).await? => {
                Err(BudgetError::NameGone { name: account.clone() })
            }
            None => Err(BudgetError::Unknown { what: EITHER, account: account.clone() }),
        }
    }

    /// The account of an agent or pool that was made here.
    pub(crate) async fn account(&self, account: &AccountId) -> Result<Account, BudgetError> {
        self.known(account).await?;
        let found = self.ledger.account(account).await?;
        found.ok_or_else(|| BudgetError::Unknown { what: EITHER, account: account.clone() })
    }

    /// Whether there was an account of this name, which is closed.
    async fn is_gone(&self, account: &AccountId) -> Result<bool, LedgerError> {
        let found = self.ledger.account(account).await?;
        Ok(found.is_some_and(|account| account.state == AccountState::Closed))
    }

    /// What an account may still spend of its budget, whatever those above it have left.
    pub(crate) async fn remaining(&self, account: &AccountId) -> Result<Amount, BudgetError> {
        let terms = self.known(account).await?;
        let unit = terms.budget.unit();
        remaining_of(&self.account(account).await?, unit).ok_or_else(|| {
            let (account, unit) = (account.clone(), unit.clone());
            CommandError::Denied(Denial::NoLimit { account, unit }).into()
        })
    }

    /// Sets what an account may still spend of its budget, in one step.
    pub(crate) async fn set_remaining(
        &self,
        account: &AccountId,
        amount: Amount,
        op: OperationId,
    ) -> Result<(), BudgetError> {
        let terms = self.known(account).await?;
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

/// What an account may still spend of its budget in this unit; `None` where that was taken away.
pub(crate) fn remaining_of(account: &Account, unit: &Unit) -> Option<Amount> {
    let limit = account.limit(unit, &Window::Lifetime)?;
    Some(Amount::new(limit.available, unit.clone()))
}

fn is_alike(account: &Account, terms: &Terms, known: Option<&Terms>) -> bool {
    let Some(budget) = account.limit(terms.budget.unit(), &Window::Lifetime) else {
        return false;
    };
    let has_place = account.parent == terms.pool && account.priority == terms.priority;
    has_place
        && known.is_none_or(|known| {
            known.budget == terms.budget || budget.limit.amount == terms.budget.quantity()
        })
}
