//! [`Limit`]: a cap on one unit over one window, and who may use its last part.

use std::fmt;

use safeguards_types::{Amount, Priority, Quantity, Unit};
use serde::{Deserialize, Serialize};

use crate::{Window, WindowError};

/// A cap on one unit at one account over one window.
///
/// ```
/// use safeguards_budget::{Limit, Percent};
/// use safeguards_types::{tokens, usd};
///
/// let lifetime = Limit::lifetime(usd!(5)).warn_at(Percent::parse("80")?);
/// let daily = Limit::per_day(tokens!(2_000_000), "Europe/Berlin")?;
/// assert_eq!(daily.to_string(), "2000000 tokens per day in Europe/Berlin");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limit {
    /// What is counted.
    pub unit: Unit,
    /// Over how long.
    pub window: Window,
    /// How much of it at most.
    pub amount: Quantity,
    /// What happens beyond it.
    pub mode: LimitMode,
    /// Shares of `amount` whose crossing is reported, lowest first, each once.
    warnings: Vec<Percent>,
}

/// What a limit does about spending beyond it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LimitMode {
    /// It denies.
    #[default]
    Hard,
    /// It lets it pass, and reports in the receipt that spending reached it.
    Soft,
    /// It lets it pass, and reports in the receipt that it would have denied: a limit on trial.
    Shadow,
}

impl LimitMode {
    /// The name, as in JSON: `hard`, `soft`, `shadow`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
            Self::Shadow => "shadow",
        }
    }
}

impl Limit {
    /// At most `amount` over `window`.
    pub fn new(amount: Amount, window: Window) -> Self {
        let (amount, unit) = amount.into_parts();
        Self { unit, window, amount, mode: LimitMode::Hard, warnings: Vec::new() }
    }

    /// At most `amount`, ever.
    pub fn lifetime(amount: Amount) -> Self {
        Self::new(amount, Window::Lifetime)
    }

    /// At most `amount` in each calendar day of a time zone, named as in the IANA database.
    ///
    /// # Errors
    ///
    /// Where no zone has that name.
    pub fn per_day(amount: Amount, zone: &str) -> Result<Self, WindowError> {
        Ok(Self::new(amount, Window::day(zone)?))
    }

    /// Makes it a threshold: spending may pass it, and the receipt says so.
    #[must_use]
    pub fn soft(self) -> Self {
        self.mode(LimitMode::Soft)
    }

    /// Puts it on trial: spending may pass it, and the receipt says what it would have denied.
    #[must_use]
    pub fn shadow(self) -> Self {
        self.mode(LimitMode::Shadow)
    }

    /// Says what it does about spending beyond it.
    #[must_use]
    pub fn mode(self, mode: LimitMode) -> Self {
        Self { mode, ..self }
    }

    /// Reports it when spending reaches this share of the limit. Nothing is ever said of 0 %.
    #[must_use]
    pub fn warn_at(mut self, percent: Percent) -> Self {
        if percent > Percent::ZERO
            && let Err(at) = self.warnings.binary_search(&percent)
        {
            self.warnings.insert(at, percent);
        }
        self
    }

    /// The shares of the limit whose crossing is reported, lowest first.
    pub fn warnings(&self) -> &[Percent] {
        &self.warnings
    }

    /// Whether it denies.
    pub fn is_hard(&self) -> bool {
        self.mode == LimitMode::Hard
    }

    /// Unit and window: what tells one limit of an account from another.
    pub(crate) fn is_same(&self, unit: &Unit, window: &Window) -> bool {
        self.unit == *unit && self.window == *window
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", Amount::new(self.amount, self.unit.clone()))?;
        match self.window {
            Window::Lifetime => Ok(()),
            Window::EverySeconds(_) | Window::Day(_) | Window::Week(_) | Window::Month(_) => {
                write!(out, " {}", self.window)
            }
        }
    }
}

/// A share of a limit: 0 to 100, with at most twelve decimal places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(Quantity);

/// A text that is no [`Percent`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no percentage; write a decimal number from 0 to 100")]
pub struct PercentError {
    text: String,
}

impl Percent {
    /// Nothing of it.
    pub const ZERO: Self = Self(Quantity::ZERO);
    /// 80 %, at which every limit of a team file warns unless it says otherwise.
    pub const EIGHTY: Self = Self(Quantity::literal("80"));
    /// All of it.
    pub const HUNDRED: Self = Self(Quantity::literal("100"));

    /// Reads a decimal number from 0 to 100.
    ///
    /// # Errors
    ///
    /// Where the text is no such number.
    pub fn parse(text: &str) -> Result<Self, PercentError> {
        text.parse::<Quantity>()
            .ok()
            .map(Self)
            .filter(|share| *share <= Self::HUNDRED)
            .ok_or_else(|| PercentError { text: text.to_owned() })
    }

    /// This share of `whole`, rounded up to 10⁻¹².
    pub fn of(self, whole: Quantity) -> Quantity {
        /// Steps of one percent times steps of one unit, times a hundred percent.
        const DIVISOR: i128 = 100 * Quantity::ONE.steps();
        // At most 10¹⁴ times 10²⁸ would not fit; dividing first the whole, then what is left over, does.
        let (share, whole) = (self.0.steps(), whole.steps());
        let (parts, rest) = (whole.checked_div(DIVISOR), whole.checked_rem(DIVISOR));
        let of_parts = parts.and_then(|parts| parts.checked_mul(share));
        let of_rest = rest
            .and_then(|rest| rest.checked_mul(share))
            .and_then(|product| product.checked_add(DIVISOR.checked_sub(1)?))
            .and_then(|product| product.checked_div(DIVISOR));
        of_parts
            .zip(of_rest)
            .and_then(|(parts, rest)| parts.checked_add(rest))
            .and_then(Quantity::from_steps)
            .unwrap_or(Quantity::MAX)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

/// "The last ten percent are for priority 8 and up": a part of each limit of an account, kept for spenders
/// that matter more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProtectionStep {
    /// How much of the limit is kept.
    pub last: Percent,
    /// Who may use it: spenders of this priority and above.
    pub from: Priority,
}

impl ProtectionStep {
    /// The `last` part is for spenders of priority `from` and above.
    pub const fn new(last: Percent, from: Priority) -> Self {
        Self { last, from }
    }

    /// What these steps keep of a limit from a spender of this priority: the largest part that is for
    /// priorities above it.
    ///
    /// ```
    /// use safeguards_budget::{Percent, ProtectionStep};
    /// use safeguards_types::{Priority, usd};
    ///
    /// let steps = [ProtectionStep::new(Percent::parse("10")?, Priority::P8)];
    /// let limit = usd!(5).quantity();
    /// assert_eq!(ProtectionStep::protected(&steps, limit, Priority::P7), usd!(0.5).quantity());
    /// assert!(ProtectionStep::protected(&steps, limit, Priority::P8).is_zero());
    /// # Ok::<(), safeguards_budget::PercentError>(())
    /// ```
    pub fn protected(steps: &[Self], limit: Quantity, spender: Priority) -> Quantity {
        let kept = steps.iter().filter(|step| step.from > spender).map(|step| step.last);
        kept.max().map_or(Quantity::ZERO, |last| last.of(limit))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_share_is_rounded_up_to_the_smallest_step() {
        let share = |percent: &str, whole: &str| {
            Percent::parse(percent).unwrap().of(whole.parse().unwrap()).to_string()
        };
        assert_eq!(share("80", "5"), "4");
        assert_eq!(share("33.333333333333", "0.000000000001"), "0.000000000001");
        assert_eq!(share("0", "5"), "0");
        assert_eq!(share("100", "10000000000000000"), "10000000000000000");
        assert_eq!(share("99.999999999999", "10000000000000000"), "9999999999999900");
        for text in ["100.1", "-1", "80%", ""] {
            assert!(Percent::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_share_is_between_nothing_and_the_whole(
            percent in 0..=Percent::HUNDRED.0.steps(), whole in 0..=Quantity::MAX.steps(),
        ) {
            let (percent, whole) = (Percent(Quantity::from_steps(percent).unwrap()), Quantity::from_steps(whole).unwrap());
            prop_assert!(percent.of(whole) <= whole);
        }
    }
}
