//! Cutting an amount by weights: rows by hand, and a slow model in fractions.

use num_rational::BigRational;
use proptest::{collection::vec, prelude::*};
use safeguards_budget::divide;
use safeguards_types::Quantity;

use crate::desk::quantity;

/// `weights` and `shares` are separated by spaces.
#[track_caller]
fn check(amount: &str, weights: &str, at_least: &str, shares: &str) {
    let weights: Vec<_> = weights.split_whitespace().map(quantity).collect();
    let divided = divide(quantity(amount), &weights, quantity(at_least)).unwrap();
    let divided: Vec<_> = divided.iter().map(ToString::to_string).collect();
    assert_eq!(divided.join(" "), shares);
}

#[test]
fn shares_are_by_weight_and_add_up() {
    check("500", "7 3", "0", "350 150");
    check("10", "1 1 1", "0", "3.333333333334 3.333333333333 3.333333333333");
    check("1", "0.000000000001 10000000000000000", "0", "0 1");
    check("5", "1", "0", "5");
    check("0", "3 2", "0", "0 0");
    check("0", "", "0", "");
    check("1", "", "1", "");
}

#[test]
fn weights_that_are_all_zero_mean_equal_parts() {
    check("9", "0 0 0", "0", "3 3 3");
    check("9", "0 0 0", "3", "3 3 3");
    check("0.000000000002", "0 0 0", "0", "0.000000000001 0.000000000001 0");
    check("9", "0 1 0", "0", "0 9 0");
}

#[test]
fn what_is_left_over_goes_to_the_largest_remainders() {
    // Fifths of 7 steps: 1.4, 2.8, 2.8; the first has the smallest remainder.
    check("0.000000000007", "1 2 2", "0", "0.000000000001 0.000000000003 0.000000000003");
    // Of equal remainders the earlier.
    check("0.000000000001", "2 2 2", "0", "0.000000000001 0 0");
    check("0.000000000002", "1 2 2", "0", "0 0.000000000001 0.000000000001");
}

#[test]
fn minimums_come_first() {
    check("10", "7 3", "4", "6 4");
    check("10", "7 3", "3", "7 3");
    check("10", "7 3", "5", "5 5");
    // The guide's: of 21.40 by 100, 1 and 1, at least 10 for each needs 30; 30.01 are enough.
    check("30.01", "100 1 1", "10", "10.01 10 10");
    // Only once the lightest has its minimum is the second below.
    check("10", "1 4 5", "3.2", "3.2 3.2 3.6");
}

#[test]
fn minimums_that_need_more_are_refused_with_numbers() {
    #[track_caller]
    fn check(amount: &str, count: usize, at_least: Quantity, needed: &str) {
        let weights = vec![Quantity::ONE; count];
        let error = divide(quantity(amount), &weights, at_least).unwrap_err();
        assert_eq!(
            (error.needed().to_string().as_str(), error.available()),
            (needed, quantity(amount))
        );
    }
    check("21.4", 3, quantity("10"), "30");
    check("0", 1, Quantity::STEP, "0.000000000001");
    // More than any quantity can be.
    check("1", 1_000_000, Quantity::MAX, "10000000000000000000000");
}

#[test]
fn a_million_of_the_largest_weights_fit() {
    let weights = vec![Quantity::MAX; 1_000_000];
    let shares = divide(Quantity::MAX, &weights, quantity("10000000000")).unwrap();
    assert!(shares.iter().all(|share| *share == quantity("10000000000")));

    // Each is below only once all lighter ones have their minimum: one walk, not one for each.
    let weights: Vec<_> = (1..=1_000_000).filter_map(Quantity::from_units).collect();
    let shares = divide(quantity("1000000"), &weights, quantity("0.999999")).unwrap();
    assert_eq!(shares.iter().map(|share| share.steps()).sum::<i128>(), quantity("1000000").steps());
}

/// The rule as it is written, round by round, in fractions.
fn slowly(amount: Quantity, weights: &[Quantity], at_least: Quantity) -> Option<Vec<i128>> {
    let exact = |steps: i128| BigRational::from_integer(steps.into());
    let minimum = exact(at_least.steps());
    let mut rest = exact(amount.steps());
    if &minimum * exact(i128::try_from(weights.len()).unwrap()) > rest {
        return None;
    }
    let equal = weights.iter().all(|weight| weight.is_zero());
    let weights: Vec<_> =
        weights.iter().map(|weight| exact(if equal { 1 } else { weight.steps() })).collect();
    let mut shares = vec![None; weights.len()];
    let by_weight = loop {
        let open: Vec<_> = (0..weights.len()).filter(|at| shares[*at].is_none()).collect();
        let sum: BigRational = open.iter().map(|at| &weights[*at]).sum();
        let parts: Vec<_> = open.iter().map(|at| (*at, &rest * &weights[*at] / &sum)).collect();
        let below: Vec<_> = parts.iter().filter(|(_, part)| *part < minimum).collect();
        if below.is_empty() {
            break parts;
        }
        for (at, _) in below {
            shares[*at] = Some(at_least.steps());
            rest -= &minimum;
        }
    };
    let down = |part: &BigRational| i128::try_from(part.floor().to_integer()).unwrap();
    let mut left_over = amount.steps()
        - shares.iter().flatten().sum::<i128>()
        - by_weight.iter().map(|(_, part)| down(part)).sum::<i128>();
    let mut largest_first = by_weight;
    largest_first.sort_by_key(|(at, part)| (part.floor() - part, *at));
    for (at, part) in largest_first {
        let step = left_over.min(1);
        left_over -= step;
        shares[at] = Some(down(&part) + step);
    }
    shares.into_iter().collect()
}

fn steps(max: Quantity) -> impl Strategy<Value = Quantity> {
    let any = 0..=max.steps();
    prop_oneof![2 => 0..20_i128, 1 => any].prop_map(|steps| Quantity::from_steps(steps).unwrap())
}

proptest! {
    #[test]
    fn it_divides_as_the_slow_model_does(
        amount in steps(Quantity::MAX), weights in vec(steps(Quantity::MAX), 1..9), share in 0..12_u32,
        offset in 0..3_i128,
    ) {
        // Minimums from nothing to a little more than there is for each.
        let each = amount.steps() / i128::try_from(weights.len()).unwrap();
        let at_least = Quantity::told(each * i128::from(share) / 10 + offset - 1);

        let divided = divide(amount, &weights, at_least).ok();
        let model = slowly(amount, &weights, at_least);
        prop_assert_eq!(divided.as_ref().map(|shares| shares.iter().map(|s| s.steps()).collect()), model);

        let Some(shares) = divided else { return Ok(()) };
        prop_assert_eq!(shares.iter().map(|share| share.steps()).sum::<i128>(), amount.steps());
        prop_assert!(shares.iter().all(|share| *share >= at_least));
        for (weight, share) in weights.iter().zip(&shares) {
            for (heavier, larger) in weights.iter().zip(&shares).filter(|(other, _)| *other > weight) {
                prop_assert!(share <= larger, "{weight} gets {share}, {heavier} gets {larger}");
            }
        }
    }
}
