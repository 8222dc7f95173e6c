//! What an attempt is charged, written from the rules alone: the larger of what was said and what was drawn, else what was
//! drawn, else the estimate; nothing for who is free and said nothing; and the requests that were held.

use safeguards_testkit::Call;
use safeguards_types::{Amount, Amounts, Unit};

/// What is owed for a call.
pub(super) fn owed(call: &Call, said: Option<&Amounts>, is_free: bool) -> Amounts {
    let mut owed = match said {
        Some(said) => {
            let mut owed = Amounts::none();
            for amount in said.iter().chain(&call.drawn) {
                if owed.get(amount.unit()) <= amount.quantity() {
                    owed.set(amount.clone());
                }
            }
            owed
        }
        None if !call.drawn.is_zero() => call.drawn.clone(),
        None if is_free => Amounts::none(),
        None => call.held.clone(),
    };
    let requests = call.held.get(&Unit::REQUESTS);
    if owed.iter().all(|amount| *amount.unit() != Unit::REQUESTS) && !requests.is_zero() {
        owed.set(Amount::new(requests, Unit::REQUESTS));
    }
    owed.without_zeros()
}
