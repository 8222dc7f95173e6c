//! [`Allowance`]: what one run may spend in all, beside what budgets allow.

use parking_lot::Mutex;
use safeguards_types::{Amount, Amounts};

use crate::RunFault;

/// What a run may spend in all, and what it has taken of that: spent, or set aside.
#[derive(Debug)]
pub(super) struct Allowance {
    /// None where only budgets bound it. Units that are not named are not bounded.
    max: Option<Amounts>,
    taken: Mutex<Amounts>,
}

impl Allowance {
    pub(super) fn new(max: Option<Amounts>) -> Self {
        Self { max, taken: Mutex::default() }
    }

    /// Takes `amounts` of it.
    pub(super) fn take(&self, amounts: &Amounts) -> Result<(), RunFault> {
        let Some(max) = &self.max else {
            return Ok(());
        };
        let mut taken = self.taken.lock();
        let mut after = taken.clone();
        after.add_all(amounts);
        for bound in max {
            let unit = bound.unit();
            if after.get(unit) > bound.quantity() && !amounts.get(unit).is_zero() {
                let left = bound.quantity().saturating_sub(taken.get(unit));
                return Err(RunFault::BudgetExceeded {
                    asked: amounts.get(unit),
                    left,
                    max: bound.clone(),
                });
            }
        }
        *taken = after;
        Ok(())
    }

    /// Counts what was taken before the run was cut off, be it more than there is.
    pub(super) fn take_again(&self, amounts: &Amounts) {
        self.settle(&Amounts::none(), amounts);
    }

    /// What was set aside is spent as this instead.
    pub(super) fn settle(&self, held: &Amounts, spent: &Amounts) {
        if self.max.is_none() {
            return;
        }
        let mut taken = self.taken.lock();
        for amount in held {
            let left = taken.get(amount.unit()).saturating_sub(amount.quantity());
            taken.set(Amount::new(left, amount.unit().clone()));
        }
        taken.add_all(spent);
    }
}

#[cfg(test)]
mod tests {
    use safeguards_types::{requests, usd};

    use super::*;

    #[test]
    fn what_is_set_aside_counts_until_it_is_settled() {
        let allowance = Allowance::new(Some(usd!(1).into()));
        let held = || Amounts::from([usd!(0.6), requests!(1)]);
        allowance.take(&held()).unwrap();
        let refused = allowance.take(&held()).unwrap_err();
        let told = "the run may spend 1.00 USD in all; 0.40 USD of that are left, asked 0.60 USD";
        assert_eq!(refused.to_string(), told);
        allowance.settle(&held(), &usd!(0.1).into());
        allowance.take(&held()).unwrap();
        // What was spent beyond it is spent; nothing more is taken then, but what costs nothing of it.
        allowance.settle(&held(), &usd!(2).into());
        assert!(allowance.take(&usd!(0.01).into()).is_err());
        allowance.take(&requests!(1).into()).unwrap();
        assert!(Allowance::new(None).take(&usd!(1_000_000).into()).is_ok());
    }
}
