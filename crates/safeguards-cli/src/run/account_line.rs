//! [`AccountLine`]: what a run left of one account, a pool's or an agent's.

use std::time::Duration;

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
    let tree = Tree { accounts, report, units: Units::of(spec) };
    let mut lines = Vec::new();
    for root in accounts.iter().filter(|account| account.parent.is_none()) {
        tree.add(root, 0, &mut lines);
    }
    lines
}

/// The team's accounts, and what happened at them.
struct Tree<'a> {
    accounts: &'a [Account],
    report: &'a Report,
    units: Units,
}

impl Tree<'_> {
    fn add(&self, account: &Account, depth: usize, lines: &mut Vec<AccountLine>) {
        lines.push(self.line(account, depth));
        for child in self.accounts.iter().filter(|child| child.parent.as_ref() == Some(&account.id))
        {
            self.add(child, depth + 1, lines);
        }
    }

    fn line(&self, account: &Account, depth: usize) -> AccountLine {
        let steps =
            || self.report.steps.iter().filter(|step| self.is_within(&step.account, account));
        let begun = |step: &&StepReport| step.attempts > 0 && step.state != State::Denied;
        let mut this_run = Amounts::none();
        steps().for_each(|step| this_run.add_all(&step.spent));
        let left = self.units.iter().filter_map(|unit| self.left(account, unit));
        AccountLine {
            account: account.id.clone(),
            depth,
            this_run,
            spent: account.spent.clone(),
            held: account.held.clone(),
            limits: account.limits.iter().map(|usage| usage.limit.to_string()).collect(),
            left: left.collect(),
            tasks: steps().filter(begun).count(),
            denials: steps().filter(|step| step.denial.is_some()).count(),
            time: steps().map(|step| step.duration).sum(),
        }
    }

    /// Whether `id` is `account` or stands below it.
    fn is_within(&self, id: &AccountId, account: &Account) -> bool {
        self.upward(id).any(|above| above.id == account.id)
    }

    /// The account of this name and everything above it.
    fn upward(&self, id: &AccountId) -> impl Iterator<Item = &Account> {
        let find = |id: &AccountId| self.accounts.iter().find(|account| account.id == *id);
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
