//! [`Configuration`]: what is in force.

use safeguards_budget::{Bounds, Guarantees, Ledger, Percent};
use serde::{Deserialize, Serialize};

use crate::{ApiVersion, RECENT};

/// What is in force: how budgets are kept, and what is counted how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Configuration {
    /// The version that answers: `v1`.
    pub version: String,
    /// The newest version that there is.
    pub latest: String,
    /// How budgets are kept.
    pub ledger: LedgerConfiguration,
    /// At how many percent of a budget an alert says that it becomes scarce: `"80"`.
    pub warn_at_percent: String,
    /// For how many seconds a task is recent in metrics.
    pub recent_tasks_s: u64,
    /// What the rules for alerts say in vain, for people.
    pub rule_warnings: Vec<String>,
}

/// How budgets are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LedgerConfiguration {
    /// Whether what was spent is still known when the process has ended.
    pub durable: bool,
    /// Whether other processes spend from the same budgets.
    pub shared: bool,
    /// How many agents and pools there may ever be, deleted ones counted.
    pub accounts_max: u64,
    /// How deep pools may stand in pools; an agent in no pool has depth 1.
    pub depth_max: u64,
}

impl Configuration {
    pub(super) fn of(ledger: &dyn Ledger, rule_warnings: &[String]) -> Self {
        let Guarantees { durable, shared, bounds, .. } = ledger.guarantees();
        let Bounds { accounts_max, depth_max, .. } = bounds;
        let whole = |bound: usize| u64::try_from(bound).unwrap_or(u64::MAX);
        Self {
            version: ApiVersion::V1.to_string(),
            latest: ApiVersion::LATEST.to_string(),
            ledger: LedgerConfiguration {
                durable,
                shared,
                accounts_max: whole(accounts_max),
                depth_max: whole(depth_max),
            },
            warn_at_percent: Percent::EIGHTY.to_string(),
            recent_tasks_s: RECENT.as_secs(),
            rule_warnings: rule_warnings.to_vec(),
        }
    }
}
