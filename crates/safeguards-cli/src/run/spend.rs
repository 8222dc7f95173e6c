//! [`Spend`]: what a run has spent so far of what it may.

use std::collections::HashMap;

use safeguards_api::TeamSpec;
use safeguards_budget::Account;
use safeguards_coord::StepId;
use safeguards_types::{Amount, Amounts, Quantity, Unit};

use super::units::Units;

/// All of a bar.
pub(crate) const FULL: u64 = 1000;

/// What the run has spent so far against a limit of the team's pool: on money, where that is limited.
#[derive(Debug)]
pub(crate) struct Spend {
    pub(crate) units: Units,
    limit: Option<Amount>,
    /// What others had spent of the limit before this run began: a durable file has runs before it.
    before: Quantity,
    spent: Amounts,
    /// Of steps that go on, how much of it is theirs.
    open: HashMap<StepId, Amounts>,
}

impl Spend {
    /// Nothing yet.
    pub(crate) fn of(spec: &TeamSpec) -> Self {
        let own = spec.pools.iter().find(|pool| pool.account == spec.account);
        let limits = own.map(|pool| pool.limits.as_slice()).unwrap_or_default();
        let limit = limits.iter().find(|limit| limit.unit == Unit::USD).or_else(|| limits.first());
        let limit = limit.map(|limit| Amount::new(limit.amount, limit.unit.clone()));
        let (spent, open) = (Amounts::none(), HashMap::new());
        Self { units: Units::of(spec), limit, before: Quantity::ZERO, spent, open }
    }

    /// The limit that is told stands so at the beginning, with what this run spent in the legs before.
    pub(crate) fn stands_at(&mut self, account: &Account) {
        let Some(limit) = &self.limit else { return };
        let mut limits = account.limits.iter();
        let usage = limits.find(|usage| usage.limit.unit == *limit.unit());
        self.before = usage.map_or(Quantity::ZERO, |usage| {
            usage.spent.saturating_sub(self.spent.get(limit.unit()))
        });
    }

    /// How much of the limit is spent.
    fn of_limit(&self, limit: &Amount) -> Quantity {
        self.before.saturating_add(self.spent.get(limit.unit()))
    }

    /// Begins with what each step spent in the legs before.
    pub(crate) fn before(&mut self, steps: HashMap<StepId, Amounts>) {
        for spent in steps.values() {
            self.spent.add_all(spent);
        }
        self.open = steps;
    }

    /// Adds what an attempt of a step cost.
    pub(crate) fn add(&mut self, step: &StepId, amounts: &Amounts) {
        self.spent.add_all(amounts);
        self.open.entry(step.clone()).or_default().add_all(amounts);
    }

    /// A step ended, whose attempts cost this in all: what is not yet counted of it is.
    pub(crate) fn end(&mut self, step: &StepId, in_all: &Amounts) {
        let counted = self.open.remove(step).unwrap_or_default();
        for amount in in_all {
            let counted = counted.get(amount.unit());
            let more = amount.quantity().saturating_sub(counted);
            self.spent.add(&Amount::new(more, amount.unit().clone()));
        }
    }

    /// Such as `0.0007 of 0.05 USD`.
    pub(crate) fn text(&self) -> String {
        match &self.limit {
            Some(limit) => {
                let unit = limit.unit();
                format!("{} of {limit}", figure(self.of_limit(limit), unit))
            }
            None => self.units.shown(&self.spent).to_string(),
        }
    }

    /// How much of the limit is spent, in thousandths; none where there is no limit.
    pub(crate) fn permille(&self) -> u64 {
        self.limit.as_ref().map_or(0, |limit| {
            let spent = Amount::new(self.of_limit(limit), limit.unit().clone());
            permille(&spent.into(), &limit.clone().into())
        })
    }
}

/// A quantity of a unit in the style of amounts, without the unit: `0.10`, of which 0.10 USD is said.
pub(crate) fn figure(quantity: Quantity, unit: &Unit) -> String {
    let text = Amount::new(quantity, unit.clone()).to_string();
    match text.strip_suffix(unit.as_str()) {
        Some(figure) => figure.trim_end().to_owned(),
        None => text,
    }
}

/// How much is used of the first unit of `whole` that is not zero, in thousandths, up to all of it.
pub(crate) fn permille(used: &Amounts, whole: &Amounts) -> u64 {
    let Some(whole) = whole.iter().find(|amount| !amount.quantity().is_zero()) else {
        return 0;
    };
    let used = used.get(whole.unit()).steps().saturating_mul(FULL.into());
    let permille = used.checked_div(whole.quantity().steps()).unwrap_or(0);
    u64::try_from(permille).unwrap_or(FULL).min(FULL)
}

#[cfg(test)]
mod tests {
    use safeguards_types::{requests, usd};

    use super::*;

    #[track_caller]
    fn check(used: impl Into<Amounts>, whole: impl Into<Amounts>, expected: u64) {
        assert_eq!(permille(&used.into(), &whole.into()), expected);
    }

    #[test]
    fn shares_are_cut_off_at_both_ends() {
        check(usd!(0.25), usd!(1), 250);
        check(usd!(0.0019), usd!(1), 1);
        check(usd!(7), usd!(1), FULL);
        check(Amount::new(Quantity::MAX, Unit::USD), Amount::new(Quantity::STEP, Unit::USD), FULL);
        check(Amounts::none(), usd!(1), 0);
        check(usd!(1), Amounts::none(), 0);
        check([usd!(1), requests!(1)], [usd!(0), requests!(4)], 250);
    }

    #[test]
    fn the_sum_is_that_of_the_end_whatever_was_spent_in_legs_before() {
        let agent = "[[agent]]\nname = \"a\"\ncommand = [\"true\"]\nestimate = \"0.10 USD\"\n";
        let team = format!("pool = {{ limits = [\"2 USD\"] }}\n{agent}");
        let mut spend = Spend::of(&TeamSpec::parse(&team, "crew.toml").unwrap());
        let [a, b, c] = ["a", "b", "c"].map(StepId::new);
        let before = [(a.clone(), usd!(0.05).into()), (b.clone(), usd!(0.1).into())];
        spend.before(before.into());
        assert_eq!(spend.text(), "0.15 of 2.00 USD");
        // Done before, and not again.
        spend.end(&a, &usd!(0.05).into());
        assert_eq!(spend.text(), "0.15 of 2.00 USD");
        spend.add(&b, &usd!(0.05).into());
        spend.end(&b, &usd!(0.15).into());
        assert_eq!(spend.text(), "0.20 of 2.00 USD");
        // What nobody told of while it went on.
        spend.end(&c, &usd!(0.3).into());
        assert_eq!(spend.text(), "0.50 of 2.00 USD");
    }

    #[test]
    fn money_is_shown_before_other_limits() {
        let spend = |limits: &str| {
            let agent = "[[agent]]\nname = \"a\"\ncommand = [\"true\"]\nestimate = \"0.10 USD\"\n";
            let team = format!("pool = {{ limits = [{limits}] }}\n{agent}");
            let mut spend = Spend::of(&TeamSpec::parse(&team, "crew.toml").unwrap());
            spend.add(&"a".into(), &[usd!(0.5), requests!(1)].into());
            (spend.text(), spend.permille())
        };
        assert_eq!(spend(r#""4 requests", "2 USD""#), ("0.50 of 2.00 USD".to_owned(), 250));
        assert_eq!(spend(r#""4 requests""#), ("1 of 4 requests".to_owned(), 250));
        assert_eq!(spend(""), ("0.50 USD".to_owned(), 0));
    }
}
