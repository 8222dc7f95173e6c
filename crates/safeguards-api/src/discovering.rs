//! What joins registries with ledgers: how agents stand by their accounts, and leases that end when they are due.

mod ledger_status;
mod swept;
mod watch;

pub use self::watch::Watch;
pub(crate) use self::{ledger_status::LedgerStatus, swept::SweptRegistry, swept::sweep_when_due};
