//! [`AccountLine`]: what a run left of one account, a pool's or an agent's.

use std::{collections::HashMap, time::Duration};

use safeguards_api::TeamSpec;
use safeguards_budget::Account;
use safeguards_coord::{Report, State, StepReport};
use safeguards_types::{AccountId, Amounts, Quantity, Unit};
use serde::Serialize;

use super::{spans::milliseconds, units::Units};

/// An account after the run.
#[derive(Debug, Serialize)]
pub(crate) struct AccountLine {
    pub(crate) account: AccountId,
    /// How far below the team's own pool it stands.
    #[serde(skip)]
    pub(crate) depth: usize,
    /// What was spent by this run: of a pool, by everybody in it.
    pub(crate) this_run: Amounts,
    /// What was ever spent.
    pub(crate) spent: Amounts,
    /// What is still set aside: nothing, once every step is settled.
    pub(crate) held: Amounts,
    pub(crate) limits: Vec<String>,
    /// What may still be spent, by the account that has the least left on the way up.
    pub(crate) left: Vec<Left>,
    /// How many steps were begun.
    pub(crate) tasks: usize,
    /// How many steps a budget denied.
    pub(crate) denials: usize,
    /// How long all of them took together.
    #[serde(rename = "time_ms", serialize_with = "milliseconds")]
    pub(crate) time: Duration,
}

/// What is left of a unit, and who has the least of it.
#[derive(Debug, Serialize)]
pub(crate) struct Left {
    pub(crate) unit: Unit,
    pub(crate) amount: Quantity,
    pub(crate) by: AccountId,
}

/// Every account of the team, each after the one that it stands below.
pub(crate) fn lines(spec: &TeamSpec, accounts: &[Account], report: &Report) -> Vec<AccountLine> {
    let tree = Tree::of(accounts, report, Units::of(spec));
    let mut lines = Vec::with_capacity(accounts.len());
    tree.add_below(None, 0, &mut lines);
    lines
}

/// The team's accounts, and what happened at them.
struct Tree<'a> {
    accounts: HashMap<&'a AccountId, &'a Account>,
    /// By what they stand below, in the order of the team; none for the team's own pool.
    below: HashMap<Option<&'a AccountId>, Vec<&'a Account>>,
    sums: HashMap<&'a AccountId, Sums>,
    units: Units,
}

/// What the steps of an account add up to, with those of all accounts below it.
#[derive(Clone, Debug, Default)]
struct Sums {
    spent: Amounts,
    tasks: usize,
    denials: usize,
    time: Duration,
}

impl Sums {
    fn add(&mut self, step: &StepReport) {
        let is_begun = step.attempts > 0 && step.state != State::Denied;
        self.spent.add_all(&step.spent);
        self.tasks += usize::from(is_begun);
        self.denials += usize::from(step.denial.is_some());
        self.time += step.duration;
    }
}

impl<'a> Tree<'a> {
    fn of(accounts: &'a [Account], report: &Report, units: Units) -> Self {
        let mut below: HashMap<Option<&AccountId>, Vec<&Account>> = HashMap::new();
        for account in accounts {
            below.entry(account.parent.as_ref()).or_default().push(account);
        }
        let accounts = accounts.iter().map(|account| (&account.id, account)).collect();
        let mut tree = Self { accounts, below, sums: HashMap::new(), units };
        for step in &report.steps {
            let path: Vec<&AccountId> = step
                .account
                .iter()
                .flat_map(|account| tree.upward(account))
                .map(|account| &account.id)
                .collect();
            for id in path {
                tree.sums.entry(id).or_default().add(step);
            }
        }
        tree
    }

    /// Adds a line for each account below `parent`, and then for what stands below that.
    fn add_below(&self, parent: Option<&AccountId>, depth: usize, lines: &mut Vec<AccountLine>) {
        for account in self.below.get(&parent).into_iter().flatten() {
            lines.push(self.line(account, depth));
            self.add_below(Some(&account.id), depth + 1, lines);
        }
    }

    fn line(&self, account: &Account, depth: usize) -> AccountLine {
        let Sums { spent, tasks, denials, time } =
            self.sums.get(&account.id).cloned().unwrap_or_default();
        let left = self.units.iter().filter_map(|unit| self.left(account, unit));
        AccountLine {
            account: account.id.clone(),
            depth,
            this_run: spent,
            spent: account.spent.without_zeros(),
            held: account.held.without_zeros(),
            limits: account.limits.iter().map(|usage| usage.limit.to_string()).collect(),
            left: left.collect(),
            tasks,
            denials,
            time,
        }
    }

    /// The account of this name and everything above it.
    fn upward(&self, id: &AccountId) -> impl Iterator<Item = &'a Account> {
        let find = |id: &AccountId| self.accounts.get(id).copied();
        std::iter::successors(find(id), move |account| find(account.parent.as_ref()?))
    }

    fn left(&self, account: &Account, unit: &Unit) -> Option<Left> {
        let left = |above: &Account| {
            let amount = above.available(unit)?;
            Some(Left { unit: unit.clone(), amount, by: above.id.clone() })
        };
        self.upward(&account.id).filter_map(left).min_by_key(|left| left.amount)
    }
}
