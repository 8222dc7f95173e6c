//! The example of `safeguards-types`'s README, which needs that crate alone.

use std::time::Duration;

use safeguards_types::{Amount, Clock, OperationIds, Priority, SimClock, Timestamp, usd};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Exact to 10⁻¹²: text is read as it stands, and a literal at compile time.
    let total = Amount::parse("0.1 USD")?.checked_add(&usd!(0.2));
    assert_eq!(total, Some(usd!(0.3)));
    assert!(Amount::parse("0.1").is_err()); // an amount has a unit

    // Time is handed in, so a test needs no sleep.
    let clock = SimClock::at("2026-03-02T14:00:00Z".parse::<Timestamp>()?);
    clock.advance(Duration::from_secs(90));

    // An operation id names a piece of work; a step of it has the same id each time.
    let job = OperationIds::new().mint(clock.now());
    assert_eq!(job.step("read"), job.step("read"));
    assert!(Priority::P7 > Priority::P3);

    println!("{} at {}", usd!(0.3), clock.now());
    Ok(())
}
