//! Amounts as the model counts them: whole numbers of 10⁻¹² of a unit, and their texts.

use num_bigint::BigInt;
use serde_json::Value;

/// 10⁻¹² units in one unit.
const ONE: i128 = 1_000_000_000_000;
/// The most that one command may name: 10¹⁵ units.
pub(super) const AMOUNT_MAX: i128 = 1_000_000_000_000_000 * ONE;
/// The most that a counter or limit may reach: 10¹⁶ units.
pub(super) const COUNTER_MAX: i128 = 10 * AMOUNT_MAX;

/// Reads `[0-9]+(\.[0-9]{1,12})?`; `None` of another form. What no integer could hold is the largest there is.
pub(super) fn read(text: &str) -> Option<i128> {
    let (whole, places) = match text.split_once('.') {
        Some((_, "")) => return None,
        Some((whole, places)) => (whole, places),
        None => (text, ""),
    };
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || places.len() > 12 || !are_digits(whole) || !are_digits(places) {
        return None;
    }
    Some(format!("{whole}{places:0<12}").parse().unwrap_or(i128::MAX))
}

/// The text of an amount, without trailing zeros.
pub(super) fn said(steps: i128) -> Value {
    let text = format!("{}.{:012}", steps / ONE, steps % ONE);
    Value::from(text.trim_end_matches('0').trim_end_matches('.'))
}

/// A percentage of a whole, rounded up to 10⁻¹².
pub(super) fn share(percent: i128, whole: i128) -> i128 {
    let divisor = BigInt::from(100 * ONE);
    let product = BigInt::from(percent) * whole;
    to_steps(&((product + &divisor - 1) / divisor))
}

/// Cuts `amount` by weights, exactly. Everybody gets at least `at_least`; the caller has seen to it that this
/// fits. The shares come in the order of the weights, which is that of the accounts' names.
pub(super) fn cut(amount: i128, weights: &[i128], at_least: i128) -> Vec<i128> {
    let all_zero = weights.iter().all(|weight| *weight == 0);
    let weight = |at: usize| if all_zero { 1 } else { weights[at] };
    let mut by_weight: Vec<usize> = (0..weights.len()).collect();
    let mut shares = vec![at_least; weights.len()];
    loop {
        let others = weights.len() - by_weight.len();
        let to_cut = amount - at_least * steps(others);
        let sum: BigInt = by_weight.iter().map(|at| BigInt::from(weight(*at))).sum();
        let part_times_sum = |at: usize| BigInt::from(to_cut) * weight(at);
        let is_below = |at: &usize| part_times_sum(*at) < BigInt::from(at_least) * &sum;
        if by_weight.iter().any(is_below) {
            by_weight.retain(|at| !is_below(at));
            continue;
        }
        let mut remainders = Vec::new();
        let mut left = to_cut;
        for at in by_weight {
            shares[at] = to_steps(&(part_times_sum(at) / &sum));
            left -= shares[at];
            remainders.push((part_times_sum(at) % &sum, at));
        }
        // The largest remainder first; of equal ones the first name.
        remainders.sort_by(|(one, at), (other, other_at)| other.cmp(one).then(at.cmp(other_at)));
        for ((_, at), _) in remainders.into_iter().zip(0..left) {
            shares[at] += 1;
        }
        return shares;
    }
}

fn steps(count: usize) -> i128 {
    i128::try_from(count).unwrap_or(i128::MAX)
}

fn to_steps(number: &BigInt) -> i128 {
    i128::try_from(number).unwrap_or(i128::MAX)
}
