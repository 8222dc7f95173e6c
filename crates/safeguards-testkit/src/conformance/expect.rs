//! [`Expected`]: which denial a case expects, with its numbers; and receipts in words.

use safeguards_budget::{Denial, Receipt, Retry, Shortfall, Window};
use safeguards_types::{AccountId, Amount, Quantity, Timestamp, Unit};

/// Which denial a case expects.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Expected {
    /// This one, with all that it says.
    Exactly(Denial),
    /// One about a limit, with all its numbers.
    Shortfall(Box<Numbers>),
    /// One of this code, without `budget.`: where the text leaves open what else it says.
    Code(&'static str),
    /// One about this bound.
    Bound(&'static str),
}

/// What a denial about a limit says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers {
    code: &'static str,
    account: AccountId,
    unit: Unit,
    window: Window,
    limit: Quantity,
    spent: Quantity,
    held: Quantity,
    protected: Quantity,
    asked: Quantity,
    available: Quantity,
    retry: Retry,
}

impl Numbers {
    fn of(denial: &Denial, shortfall: &Shortfall) -> Self {
        Self {
            code: denial.code(),
            account: shortfall.account.clone(),
            unit: shortfall.unit.clone(),
            window: shortfall.window.clone(),
            limit: shortfall.limit,
            spent: shortfall.spent,
            held: shortfall.held,
            protected: shortfall.protected,
            asked: shortfall.asked,
            available: shortfall.available,
            retry: shortfall.retry,
        }
    }

    pub(crate) fn over(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// What is available sinks by as much.
    pub(crate) fn spent(mut self, spent: Amount) -> Self {
        self.spent = spent.into_parts().0;
        self.available = self.available.saturating_sub(self.spent);
        self
    }

    /// What is available sinks by as much.
    pub(crate) fn held(mut self, held: Amount) -> Self {
        self.held = held.into_parts().0;
        self.available = self.available.saturating_sub(self.held);
        self
    }

    pub(crate) fn protected(mut self, protected: Amount) -> Self {
        self.code = "budget.protected";
        self.protected = protected.into_parts().0;
        self
    }

    /// A part is protected, and yet it is the limit itself that is exceeded.
    pub(crate) fn beside_protected(mut self, protected: Amount) -> Self {
        self.protected = protected.into_parts().0;
        self
    }

    pub(crate) fn asked(mut self, asked: Amount) -> Self {
        self.asked = asked.into_parts().0;
        self
    }

    /// Where it is not limit − spent − held.
    pub(crate) fn available(mut self, available: Amount) -> Self {
        self.available = available.into_parts().0;
        self
    }

    pub(crate) fn never(self) -> Expected {
        Expected::Shortfall(Box::new(self))
    }

    pub(crate) fn until(mut self, at: Timestamp) -> Expected {
        self.retry = Retry::At(at);
        Expected::Shortfall(Box::new(self))
    }
}

/// The lifetime limit of an account is exceeded; nothing is spent or held unless said.
pub(crate) fn exceeded(account: &str, limit: Amount) -> Numbers {
    let (limit, unit) = limit.into_parts();
    Numbers {
        code: "budget.limit_exceeded",
        account: account.into(),
        unit,
        window: Window::Lifetime,
        limit,
        spent: Quantity::ZERO,
        held: Quantity::ZERO,
        protected: Quantity::ZERO,
        asked: Quantity::ZERO,
        available: limit,
        retry: Retry::Never,
    }
}

impl From<Denial> for Expected {
    fn from(denial: Denial) -> Self {
        Self::Exactly(denial)
    }
}

impl From<&'static str> for Expected {
    fn from(code: &'static str) -> Self {
        Self::Code(code)
    }
}

/// Something is beyond this bound.
pub(crate) fn beyond(bound: &'static str) -> Expected {
    Expected::Bound(bound)
}

pub(crate) fn unknown_account(account: &str) -> Denial {
    Denial::UnknownAccount { account: account.into() }
}

pub(crate) fn closed(account: &str) -> Denial {
    Denial::ClosedAccount { account: account.into() }
}

pub(crate) fn suspended(account: &str) -> Denial {
    Denial::Suspended { account: account.into() }
}

pub(crate) fn no_limit(account: &str) -> Denial {
    Denial::NoLimit { account: account.into(), unit: Unit::USD }
}

/// A counter or limit of an account would be more than 10¹⁶ dollars.
pub(crate) fn overflow_at(account: &str) -> Denial {
    Denial::AmountOverflow { account: Some(account.into()), unit: Unit::USD, value: None }
}

impl Expected {
    /// What is wrong with a denial; nothing where it is the one expected.
    pub(crate) fn complaint(&self, denial: &Denial) -> Option<String> {
        let (is_it, expected) = match self {
            Self::Exactly(exactly) => (exactly == denial, format!("{exactly:?}")),
            Self::Shortfall(numbers) => {
                let found = denial.shortfall().map(|shortfall| Numbers::of(denial, shortfall));
                (found.as_ref() == Some(&**numbers), format!("{numbers:?}"))
            }
            Self::Code(code) => {
                (denial.code().strip_prefix("budget.") == Some(code), format!("budget.{code}"))
            }
            Self::Bound(wanted) => {
                let is_bound =
                    matches!(denial, Denial::BoundExceeded { bound, .. } if bound == wanted);
                (is_bound, format!("budget.bound_exceeded of {wanted}"))
            }
        };
        (!is_it).then(|| format!("expected {expected}\n   found {denial:?}"))
    }
}

/// What a receipt says was crossed: `a: 4 of 5 USD (80 %)`, `a: 5 of 5 USD per 60s`.
pub(crate) fn crossed(receipt: &Receipt) -> Vec<String> {
    let in_words = receipt.crossed.iter().map(|crossing| {
        let window = in_words(&crossing.window);
        let percent = crossing.percent.map(|percent| format!(" ({percent} %)"));
        format!(
            "{}: {} of {} {}{window}{}",
            crossing.account,
            crossing.spent,
            crossing.limit,
            crossing.unit,
            percent.unwrap_or_default()
        )
    });
    in_words.collect()
}

/// What a receipt says was overrun: `a: 6 + 1 of 5 USD, 2 over`.
pub(crate) fn overrun(receipt: &Receipt) -> Vec<String> {
    let in_words = receipt.overrun.iter().map(|overrun| {
        let window = in_words(&overrun.window);
        format!(
            "{}: {} + {} of {} {}{window}, {} over",
            overrun.account,
            overrun.spent,
            overrun.held,
            overrun.limit,
            overrun.unit,
            overrun.over_by
        )
    });
    in_words.collect()
}

/// What a receipt says a limit on trial would have denied: `a: 4 + 0 of 5 USD, 1 left, 2 asked`.
pub(crate) fn shadow(receipt: &Receipt) -> Vec<String> {
    let in_words = receipt.shadow.iter().map(|shadow| {
        let window = in_words(&shadow.window);
        format!(
            "{}: {} + {} of {} {}{window}, {} left, {} asked",
            shadow.account,
            shadow.spent,
            shadow.held,
            shadow.limit,
            shadow.unit,
            shadow.available,
            shadow.asked
        )
    });
    in_words.collect()
}

/// Nothing for a lifetime, else ` per 60s`.
pub(crate) fn in_words(window: &Window) -> String {
    if *window == Window::Lifetime { String::new() } else { format!(" {window}") }
}
