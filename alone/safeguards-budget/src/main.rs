//! The example of `safeguards-budget`'s README, which needs that crate alone.

use std::time::Duration;

use safeguards_budget::{
    Charge, Command, Denial, HoldId, Limit, MemoryLedger, OpenAccount, PlaceHold, Settle, types::usd,
};

fn main() -> Result<(), Denial> {
    let ledger = MemoryLedger::new();
    let sync = ledger.sync(); // no future, no runtime
    let pool = OpenAccount::new("pool").limit(Limit::lifetime(usd!(1)));
    sync.open_account(pool, ledger.operation())?;
    sync.open_account(OpenAccount::new("reader").under("pool"), ledger.operation())?;

    // A charge fits every account up to the root, or nothing is recorded.
    let receipt = sync.charge(Charge::new("reader", usd!(0.42)), ledger.operation())?;
    assert_eq!(receipt.available, usd!(0.58).into());

    // A hold is set aside before a call, and settled with what the call really cost.
    let call = ledger.operation();
    let hold = PlaceHold::new("reader", usd!(0.30), Duration::from_secs(60));
    sync.apply(Command::new(call, hold))?;
    let settle = Settle::new(HoldId::placed_by(call), usd!(0.11));
    sync.apply(Command::new(call.step("settle"), settle))?;

    // A denial is data: which account, which limit, how much was left, whether waiting helps.
    if let Err(denial) = sync.charge(Charge::new("reader", usd!(0.60)), ledger.operation()) {
        assert_eq!(denial.code(), "budget.limit_exceeded");
        println!("{denial}");
    }
    Ok(())
}
