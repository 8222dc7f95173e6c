//! What is told of a denial: its numbers, and what somebody can do about it.

use safeguards_budget::{Denial, Retry, Window};

/// A denial with its numbers. When waiting would help is left out: both verbs keep their accounts in memory, so
/// that nothing can be asked for again once the program has ended.
pub(crate) fn told(denial: &Denial) -> String {
    let text = denial.to_string();
    let retry = denial.shortfall().map(|shortfall| &shortfall.retry);
    match retry.filter(|retry| matches!(retry, Retry::At(_))) {
        Some(retry) => text.strip_suffix(&format!("; {retry}")).unwrap_or(&text).to_owned(),
        None => text,
    }
}

/// What helps the next run.
pub(crate) fn what_helps(denial: &Denial) -> Option<String> {
    if let Denial::Suspended { account } = denial {
        return Some(format!(
            "`safeguards budget resume {account} --store FILE`; `safeguards budget show` says why it was suspended"
        ));
    }
    let shortfall = denial.shortfall()?;
    let mut ways =
        vec![format!("raise the limit of {}", shortfall.account), "lower the estimate".to_owned()];
    if matches!(denial, Denial::Protected(_)) {
        ways.push("give the agent a higher `priority`".to_owned());
    }
    if !shortfall.held.is_zero() {
        // What others hold comes back when they end, for the most part.
        ways.push("let fewer run at once (`concurrency`)".to_owned());
    }
    let last = ways.pop()?;
    let ways = format!("{}, or {last}", ways.join(", "));
    if shortfall.window == Window::Lifetime {
        return Some(ways);
    }
    Some(format!(
        "{ways}; a run does not wait for the next window, and a later one begins with nothing spent"
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use safeguards_budget::{Charge, Command, Limit, MemoryLedger, OpenAccount, PlaceHold};
    use safeguards_types::{Amount, requests, usd};

    use super::*;

    /// What is said of 0.60 USD, or 1 request, at an account where something was spent and something is held.
    #[track_caller]
    fn check(limit: &str, spent: Option<Amount>, held: Option<Amount>, expected: [&str; 2]) {
        let ledger = MemoryLedger::new();
        let sync = ledger.sync();
        let limit: Limit = safeguards_api::limit_text::parse(limit).unwrap();
        let asked =
            if limit.unit == requests!(1).unit().clone() { requests!(1) } else { usd!(0.6) };
        sync.open_account(OpenAccount::new("crew").limit(limit), ledger.operation()).unwrap();
        if let Some(spent) = spent {
            sync.charge(Charge::new("crew", spent), ledger.operation()).unwrap();
        }
        if let Some(held) = held {
            let place = PlaceHold::new("crew", held, Duration::from_mins(1));
            sync.apply(Command::new(ledger.operation(), place)).unwrap();
        }
        let denial = sync.charge(Charge::new("crew", asked), ledger.operation()).unwrap_err();
        assert_eq!([told(&denial), what_helps(&denial).unwrap()], expected);
    }

    #[test]
    fn advice_fits_what_took_the_room() {
        check(
            "1 USD",
            Some(usd!(0.5)),
            None,
            [
                "crew has 0.50 USD left of 1.00 USD (lifetime; 0.5 spent, 0 held), asked 0.60 USD; waiting does not help",
                "raise the limit of crew, or lower the estimate",
            ],
        );
        check(
            "1 USD",
            None,
            Some(usd!(0.5)),
            [
                "crew has 0.50 USD left of 1.00 USD (lifetime; 0 spent, 0.5 held), asked 0.60 USD",
                "raise the limit of crew, lower the estimate, or let fewer run at once (`concurrency`)",
            ],
        );
        check(
            "1 requests per 60s",
            Some(requests!(1)),
            None,
            [
                "crew has 0 requests left of 1 requests (per 60s; 1 spent, 0 held), asked 1 requests",
                "raise the limit of crew, or lower the estimate; a run does not wait for the next window, and a \
                 later one begins with nothing spent",
            ],
        );
    }
}
