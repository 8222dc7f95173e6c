//! What tests of code above a ledger begin with, beside [`MockLedger`]: one that says what it promises, and answers
//! to give.
//!
//! ```
//! use safeguards_budget::{Charge, Ledger, LedgerExt, sample};
//! use safeguards_types::{OperationId, OperationIds, Timestamp, usd};
//!
//! /// The code that is tested.
//! async fn answer(ledger: &dyn Ledger, op: OperationId) -> &'static str {
//!     match ledger.charge(Charge::new("reader", usd!(1)), op).await {
//!         Ok(_) => "asked the model",
//!         Err(_) => "from the cache",
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let mut ledger = sample::mock_ledger();
//! ledger.expect_submit().once().returning(sample::deny_all);
//! let op = OperationIds::new().mint(Timestamp::UNIX_EPOCH);
//! assert_eq!(answer(&ledger, op).await, "from the cache");
//! # }
//! ```

use safeguards_types::Quantity;

use crate::{
    Accounts, Action, Batch, Bounds, Charge, Command, Denial, Guarantees, LedgerError, MockLedger,
    Outcome, PlaceHold, Retry, Shortfall, Window,
};

/// A mock that promises what a ledger in memory does, and is empty so far: reading no accounts gives that.
///
/// All else fails the test until it is expected.
pub fn mock_ledger() -> MockLedger {
    let mut ledger = MockLedger::new();
    ledger.expect_guarantees().return_const(Guarantees::in_memory(Bounds::default()));
    // Whoever follows the journal of a ledger asks for this first.
    let empty = |_: &[_]| Ok(Accounts::new(None, Vec::new()));
    ledger.expect_accounts().withf(<[_]>::is_empty).returning(empty);
    ledger
}

/// Denies each command. Charges and holds are denied by a limit of 0 over the account's lifetime, on the first unit
/// that they ask for; all else because the ledger takes no commands.
///
/// # Errors
///
/// Never: a denial is an answer. It is what [`Ledger::submit`](crate::Ledger::submit) returns.
#[expect(clippy::needless_pass_by_value, reason = "as mocks want it: they give arguments away")]
pub fn deny_all(batch: Batch) -> Result<Vec<Outcome>, LedgerError> {
    Ok(batch.commands.iter().map(|command| Err(denial(command))).collect())
}

fn denial(command: &Command) -> Denial {
    let (Action::Charge(charge) | Action::PlaceHold(PlaceHold { charge, .. })) = &command.action
    else {
        let (given, allowed) = ("1".to_owned(), "0".to_owned());
        return Denial::BoundExceeded { bound: "commands", given, allowed };
    };
    let Charge { account, amounts, .. } = charge;
    let Some((asked, unit)) = amounts.iter().next().map(|amount| amount.clone().into_parts())
    else {
        return Denial::InvalidAmount { unit: None, value: None };
    };
    Denial::LimitExceeded(Box::new(Shortfall {
        account: account.clone(),
        unit,
        window: Window::Lifetime,
        limit: Quantity::ZERO,
        spent: Quantity::ZERO,
        held: Quantity::ZERO,
        protected: Quantity::ZERO,
        asked,
        available: Quantity::ZERO,
        retry: Retry::Never,
    }))
}

#[cfg(test)]
mod tests {
    use safeguards_types::{AccountId, Amounts, OperationIds, Timestamp, usd};

    use super::*;

    #[test]
    fn each_command_is_denied_in_its_own_words() {
        let ids = OperationIds::new();
        let mut commands: Vec<Command> = Vec::new();
        let mut ask =
            |action: Action| commands.push(Command::new(ids.mint(Timestamp::UNIX_EPOCH), action));
        ask(Action::Charge(Charge::new("a", usd!(2))));
        ask(Action::Charge(Charge::new("a", Amounts::none())));
        ask(Action::CloseAccount { account: AccountId::from("a") });
        let outcomes = deny_all(Batch::independent(commands)).unwrap();
        let denials: Vec<String> =
            outcomes.iter().map(|outcome| outcome.as_ref().unwrap_err().to_string()).collect();
        assert_eq!(
            denials,
            [
                "a has 0.00 USD left of 0.00 USD (lifetime; 0 spent, 0 held), asked 2.00 USD; waiting does not help",
                "nothing was given; at least one amount, share or weight is needed",
                "commands: 1 given, 0 allowed",
            ]
        );
    }
}
