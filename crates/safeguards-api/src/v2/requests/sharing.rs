//! Money that goes from one account's limit to another's.

use std::collections::BTreeMap;

use safeguards_budget::{self as budget, Action, Allocation, Weight};
use safeguards_types::{AccountId, Amount, OperationId, Quantity, Unit};
use serde::{Deserialize, Serialize};

use super::{commands, requests};
use crate::amount_text;

commands! {
    /// Moves limit from an account to its sibling. The sum does not change.
    Transfer {
        /// Whose limit sinks.
        from: AccountId,
        /// Whose limit rises.
        to: AccountId,
        /// By how much, more than 0: `"5 USD"`.
        #[serde(with = "amount_text")]
        amount: Amount,
    }

    /// Sets the limits of several children of one account in one step, as given.
    AllocateExactly {
        /// Whose children.
        pool: AccountId,
        /// Of which unit.
        unit: Unit,
        /// What each may spend in all: `{"reader": "7", "writer": "3"}`.
        shares: BTreeMap<AccountId, Quantity>,
    }

    /// In an emergency: raises one account's limit at the cost of what is free above it, and then of siblings of
    /// lower priority.
    Reclaim {
        /// Whose limit rises.
        account: AccountId,
        /// By how much, more than 0: `"5 USD"`.
        #[serde(with = "amount_text")]
        amount: Amount,
    }
}

requests! {
    /// Shares a pool's money out among its children by a plan, in one step and to the last digit.
    Allocate {
        /// Whose money.
        pool: AccountId,
        /// By what.
        plan: Plan,
        /// The caller's name for it, a version 7 UUID. Asked again under the same name, it is done once.
        op: OperationId,
    }
}

/// By what a pool's money is shared out. In JSON an object with the name of the basis at `by`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Plan {
    /// To all open children, by their priorities.
    Priority {
        /// How much in all: `"500 USD"`.
        #[serde(with = "amount_text")]
        total: Amount,
        /// What each gets at the least: `"10 USD"`. Left out, nothing.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "amount_text::maybe")]
        at_least: Option<Amount>,
    },
    /// To these children, by weights; only their proportions matter. All of them 0 means equal parts.
    Weights {
        /// How much each counts, as decimal text: `{"reader": "7", "writer": "3"}`.
        weights: BTreeMap<AccountId, Quantity>,
        /// Of which unit.
        unit: Unit,
        /// How much in all, as decimal text. Left out, all that is free.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        total: Option<Quantity>,
        /// What each gets at the least: `"10 USD"`. Left out, nothing.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "amount_text::maybe")]
        at_least: Option<Amount>,
    },
    /// All that is free to these children, by what they have to do: three for each recent task and seven for each that
    /// waits.
    Workload {
        /// How busy each is: `{"reader": {"recent_tasks": 10, "pending_tasks": 2}}`.
        workloads: BTreeMap<AccountId, Workload>,
        /// Of which unit.
        unit: Unit,
        /// What each gets at the least: `"10 USD"`. Left out, nothing.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "amount_text::maybe")]
        at_least: Option<Amount>,
    },
}

/// How busy somebody is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "callers write it out, so that the two are not mixed up"
)]
pub struct Workload {
    /// How many tasks were done lately.
    pub recent_tasks: u64,
    /// How many tasks wait.
    pub pending_tasks: u64,
}

impl From<Workload> for budget::Workload {
    fn from(Workload { recent_tasks, pending_tasks }: Workload) -> Self {
        Self { recent_tasks, pending_tasks }
    }
}

impl From<Plan> for Allocation {
    fn from(plan: Plan) -> Self {
        let (allocation, at_least) = match plan {
            Plan::Priority { total, at_least } => (Self::by_priority(total), at_least),
            Plan::Weights { weights, unit, total: Some(total), at_least } => {
                (Self::by_weights(Amount::new(total, unit), weights), at_least)
            }
            Plan::Weights { weights, unit, total: None, at_least } => {
                (Self::of_available(unit, weights), at_least)
            }
            Plan::Workload { workloads, unit, at_least } => {
                let weigh = |(account, load)| (account, Weight::from(budget::Workload::from(load)));
                (Self::of_available(unit, workloads.into_iter().map(weigh)), at_least)
            }
        };
        at_least.into_iter().fold(allocation, Self::at_least)
    }
}

impl From<Transfer> for Action {
    fn from(Transfer { from, to, amount, .. }: Transfer) -> Self {
        let (amount, unit) = amount.into_parts();
        Self::Transfer { from, to, unit, amount }
    }
}

impl From<AllocateExactly> for Action {
    fn from(AllocateExactly { pool, unit, shares, .. }: AllocateExactly) -> Self {
        Self::Allocate { parent: pool, unit, shares }
    }
}

impl From<Reclaim> for Action {
    fn from(Reclaim { account, amount, .. }: Reclaim) -> Self {
        let (amount, unit) = amount.into_parts();
        Self::Reclaim { account, unit, amount }
    }
}
