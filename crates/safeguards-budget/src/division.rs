//! [`divide`]: cuts an amount by weights, exactly.

use std::cmp::Reverse;

use ethnum::U256;
use safeguards_types::Quantity;

/// Why an amount cannot be divided: the minimums alone need more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the minimums together need {needed}, {available} to divide")]
pub struct MinimumsError {
    needed: Quantity,
    available: Quantity,
}

impl MinimumsError {
    /// What all minimums need together; may be more than [`Quantity::MAX`].
    pub const fn needed(&self) -> Quantity {
        self.needed
    }

    /// What was to be divided.
    pub const fn available(&self) -> Quantity {
        self.available
    }
}

/// Cuts `amount` into one share for each weight, in their order; the shares add up to it exactly.
///
/// Each gets its part by weight. Who would get less than `at_least` gets `at_least`, and the rest is cut anew
/// among the others, until nobody is below. Then shares are rounded down to 10⁻¹², and what is left over goes
/// to the largest remainders, one step each; of equal ones to the earlier. All weights zero means equal parts.
/// Without weights there is nobody to give to, and no share.
///
/// # Errors
///
/// Where `at_least` for everybody is more than `amount`.
///
/// ```
/// use safeguards_budget::{MinimumsError, divide};
/// use safeguards_types::Quantity;
///
/// let units = |count| Quantity::from_units(count).unwrap_or_default();
/// let shares = divide(units(10), &[units(1), units(1), units(1)], Quantity::ZERO)?;
/// let texts: Vec<_> = shares.iter().map(ToString::to_string).collect();
/// assert_eq!(texts, ["3.333333333334", "3.333333333333", "3.333333333333"]);
///
/// // Seven tenths and three tenths, but at least 4 for each.
/// let shares = divide(units(10), &[units(7), units(3)], units(4))?;
/// assert_eq!(shares, [units(6), units(4)]);
///
/// let error = divide(units(10), &[units(7), units(3)], units(6)).unwrap_err();
/// assert_eq!((error.needed(), error.available()), (units(12), units(10)));
/// # Ok::<(), MinimumsError>(())
/// ```
pub fn divide(
    amount: Quantity,
    weights: &[Quantity],
    at_least: Quantity,
) -> Result<Vec<Quantity>, MinimumsError> {
    let count = i128::try_from(weights.len()).unwrap_or(i128::MAX);
    let needed = Quantity::told(at_least.steps().saturating_mul(count));
    if needed > amount {
        return Err(MinimumsError { needed, available: amount });
    }
    let claims = lightest_first(weights);
    let mut shares = vec![at_least; weights.len()];
    for (place, share) in above_minimum(amount, &claims, at_least) {
        if let Some(slot) = shares.get_mut(place) {
            *slot = share;
        }
    }
    Ok(shares)
}

/// One who gets a share: the place in the order of the weights, and the weight.
type Claim = (usize, U256);

/// The claims by weight. All weights zero are as good as all weights one.
fn lightest_first(weights: &[Quantity]) -> Vec<Claim> {
    let equal = weights.iter().all(|weight| weight.is_zero());
    let weigh = |weight: &Quantity| if equal { U256::ONE } else { wide(*weight) };
    let mut claims: Vec<Claim> = weights.iter().map(weigh).enumerate().collect();
    claims.sort_unstable_by_key(|(_, weight)| *weight);
    claims
}

/// The shares of those who get at least the minimum by their weight, each with its place.
///
/// Who is below is lighter than who is not, and each minimum that is given out leaves less for a weight: so
/// one walk from the lightest upward gives minimums to just those who would get them round by round.
fn above_minimum(
    amount: Quantity,
    lightest_first: &[Claim],
    at_least: Quantity,
) -> Vec<(usize, Quantity)> {
    let minimum = wide(at_least);
    let mut rest = wide(amount);
    let mut weights = lightest_first
        .iter()
        .fold(U256::ZERO, |weights, (_, weight)| weights.saturating_add(*weight));
    let mut claims = lightest_first;
    while let [(_, weight), heavier @ ..] = claims {
        // Compared crosswise, so that nothing is rounded. What 256 bits cannot hold is more than any product
        // of two quantities.
        let is_below =
            minimum.checked_mul(weights).is_none_or(|needed| rest.saturating_mul(*weight) < needed);
        if !is_below {
            break;
        }
        rest = rest.saturating_sub(minimum);
        weights = weights.saturating_sub(*weight);
        claims = heavier;
    }
    by_weight(rest, weights, claims)
}

/// Cuts `rest` by weight down to whole steps, and gives what is left over to the largest remainders.
fn by_weight(rest: U256, weights: U256, claims: &[Claim]) -> Vec<(usize, Quantity)> {
    let mut left_over = rest;
    let mut cuts = Vec::with_capacity(claims.len());
    for (place, weight) in claims {
        let product = rest.saturating_mul(*weight);
        let share = product.checked_div(weights).unwrap_or(U256::ZERO);
        let remainder = product.checked_rem(weights).unwrap_or(U256::ZERO);
        left_over = left_over.saturating_sub(share);
        cuts.push((Reverse(remainder), *place, share));
    }
    cuts.sort_unstable();
    let mut shares = Vec::with_capacity(cuts.len());
    for (_, place, share) in cuts {
        let step = left_over.min(U256::ONE);
        left_over = left_over.saturating_sub(step);
        shares.push((place, narrow(share.saturating_add(step))));
    }
    shares
}

/// A quantity takes up to 127 bits, so a product of two fits.
pub(crate) fn wide(quantity: Quantity) -> U256 {
    U256::from(quantity.steps().unsigned_abs())
}

/// A share is at most what was divided, which was a quantity.
fn narrow(steps: U256) -> Quantity {
    i128::try_from(steps).map_or(Quantity::ZERO, Quantity::told)
}
