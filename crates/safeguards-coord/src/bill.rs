//! What an attempt is charged: the rules by which reports, drawn amounts and estimates become spending.

use safeguards_budget::Denial;
use safeguards_pricing::{Price, PriceError, PriceTable, Usage};
use safeguards_types::{Amount, Amounts, Quantity, Unit};
use serde::{Deserialize, Serialize};

use crate::{Cost, context::Told};

/// What the amounts that were settled rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CostBasis {
    /// Nothing was spent: it never began.
    NotBegun,
    /// What the agent said that it cost.
    Reported,
    /// What it had drawn; it did not say what it cost.
    Drawn,
    /// The estimate, or more where that much is known: nobody knows what it cost (`unknown_cost`).
    Estimate,
    /// What the ledger could write down: all that it cost was too much, or in units that it does not know.
    Partial,
    /// The agent is free.
    Free,
}

/// An agent said that it cost less than it had drawn; the larger was settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CostMismatch {
    /// What it said that it cost.
    pub reported: Amounts,
    /// What it had drawn.
    pub drawn: Amounts,
}

/// What is to be settled, and why that much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bill {
    pub(crate) amounts: Amounts,
    pub(crate) basis: CostBasis,
    pub(crate) mismatch: Option<CostMismatch>,
    /// The model that was used, where it is one and was said.
    pub(crate) model: Option<String>,
}

/// What is known of a cost once usage is priced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing.
    Nothing,
    /// The total.
    Total(Amounts),
    /// These amounts, and what nobody could read or price.
    AtLeast(Amounts),
}

impl Said {
    /// The larger of two, unit by unit.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, said) | (said, Self::Nothing) => said,
            (Self::Total(one), Self::Total(other)) => Self::Total(larger(&one, &other)),
            (Self::Total(one) | Self::AtLeast(one), Self::Total(other) | Self::AtLeast(other)) => {
                Self::AtLeast(larger(&one, &other))
            }
        }
    }
}

/// By what usage is priced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tariff<'a> {
    /// Each model by its entry in a table.
    Table(&'a PriceTable),
    /// Every model alike.
    Flat(&'a Price),
}

impl Tariff<'_> {
    /// What a usage costs, and what people should know about that.
    fn price(self, model: &str, usage: &Usage) -> Result<(Amount, Vec<String>), PriceError> {
        let (cost, model, notes) = match self {
            Self::Table(table) => {
                let priced = table.price(model, usage)?;
                (priced.cost, priced.model.to_string(), priced.notes)
            }
            Self::Flat(price) => (price.cost(usage)?, model.to_owned(), price.notes(usage)),
        };
        Ok((cost, notes.iter().map(|note| format!("{model}: {note}")).collect()))
    }
}

/// Prices all that was said of a cost: at the end, and while the agent ran. Gives what people should know,
/// and the first reason why something has no price.
pub(crate) fn price_all(
    cost: &Cost,
    told: &Told,
    tariff: Tariff<'_>,
) -> (Said, Vec<String>, Option<PriceError>) {
    let mut said =
        if told.is_cost_unreadable { Said::AtLeast(Amounts::none()) } else { Said::Nothing };
    let (mut all_notes, mut trouble) = (Vec::new(), None);
    // A cost said at the end was most often noted before.
    let before = told.costs.iter().filter(|said| *said != cost);
    for cost in before.chain([cost]) {
        let (one, notes) = price(cost.clone(), tariff);
        said = said.or(one);
        match notes {
            Ok(notes) => all_notes.extend(notes),
            Err(error) => trouble = trouble.or(Some(error)),
        }
    }
    all_notes.dedup();
    (said, all_notes, trouble)
}

/// Prices a cost. A usage counts its tokens besides what they cost. Gives what people should know, or why
/// there is no price.
fn price(cost: Cost, tariff: Tariff<'_>) -> (Said, Result<Vec<String>, PriceError>) {
    match cost {
        Cost::Unknown => (Said::Nothing, Ok(Vec::new())),
        Cost::Known(amounts) => (Said::Total(amounts), Ok(Vec::new())),
        Cost::Usage { model, usage } => {
            let tokens = Amounts::from(tokens(&usage));
            match tariff.price(&model, &usage) {
                Ok((cost, notes)) => {
                    let mut total = tokens;
                    total.add(&cost);
                    (Said::Total(total), Ok(notes))
                }
                Err(error) => (Said::AtLeast(tokens), Err(error)),
            }
        }
    }
}

fn tokens(usage: &Usage) -> Amount {
    let count = usage.input_tokens.saturating_add(usage.output_tokens);
    Amount::new(Quantity::from_units(count).unwrap_or(Quantity::MAX), Unit::TOKENS)
}

/// What an attempt that began is charged.
pub(crate) fn bill(held: &Amounts, free: bool, drawn: &Amounts, said: Said) -> Bill {
    let (mut amounts, basis, mismatch) = match said {
        Said::Total(total) => {
            let mismatch = is_below(&total, drawn)
                .then(|| CostMismatch { reported: total.clone(), drawn: drawn.clone() });
            (larger(&total, drawn), CostBasis::Reported, mismatch)
        }
        Said::AtLeast(amounts) => {
            let known = larger(&amounts, drawn);
            (larger(held, &known), CostBasis::Estimate, None)
        }
        Said::Nothing if !drawn.is_zero() => (drawn.clone(), CostBasis::Drawn, None),
        Said::Nothing if free => (Amounts::none(), CostBasis::Free, None),
        Said::Nothing => (held.clone(), CostBasis::Estimate, None),
    };
    // A run counts the requests that were held for it, one as a rule, unless it says how many they were.
    if !amounts.names(&Unit::REQUESTS) && held.names(&Unit::REQUESTS) {
        amounts.set(Amount::new(held.get(&Unit::REQUESTS), Unit::REQUESTS));
    }
    Bill { amounts, basis, mismatch, model: None }
}

/// The model that all usages name which were said; `None` where there is none, or not one.
pub(crate) fn one_model<'a>(cost: &'a Cost, told: &'a Told) -> Option<&'a str> {
    let mut models = told.costs.iter().chain([cost]).filter_map(|cost| match cost {
        Cost::Usage { model, .. } => Some(model.as_str()),
        Cost::Unknown | Cost::Known(_) => None,
    });
    let first = models.next()?;
    models.all(|model| model == first).then_some(first)
}

/// What is left of a bill that a ledger denied, for it to be asked again; none where no other bill helps.
pub(crate) fn cut_down(bill: &Bill, held: &Amounts, denial: &Denial) -> Option<Bill> {
    let Bill { amounts, .. } = bill;
    let without = |unit: &Unit| -> Amounts {
        amounts.iter().filter(|amount| amount.unit() != unit).cloned().collect()
    };
    let with = |quantity, unit: &Unit| {
        let mut amounts = amounts.clone();
        amounts.set(Amount::new(quantity, unit.clone()));
        amounts
    };
    let amounts = match denial {
        // Who pays in units that nobody knows pays no less than the estimate.
        Denial::UnknownUnit { unit } => larger(held, &without(unit)),
        Denial::AmountOverflow { account: None, unit, .. } => with(Quantity::AMOUNT_MAX, unit),
        Denial::AmountOverflow { account: Some(_), unit, .. } => {
            let was_held = held.get(unit);
            let is_more = amounts.get(unit) > was_held && !was_held.is_zero();
            if is_more { with(was_held, unit) } else { without(unit) }
        }
        // What is said of the entry is too long.
        Denial::BoundExceeded { .. } if bill.mismatch.is_some() => {
            return Some(Bill { mismatch: None, ..bill.clone() });
        }
        // No other amount would make a difference.
        Denial::LimitExceeded(_) | _ => return None,
    };
    Some(Bill { amounts, basis: CostBasis::Partial, ..bill.clone() })
}

/// The larger of two, unit by unit.
pub(crate) fn larger(one: &Amounts, other: &Amounts) -> Amounts {
    let mut larger = one.clone();
    for amount in other {
        if amount.quantity() > larger.get(amount.unit()) {
            larger.set(amount.clone());
        }
    }
    larger
}

/// By how much `amounts` is more than `covered`, unit by unit.
pub(crate) fn beyond(amounts: &Amounts, covered: &Amounts) -> Amounts {
    let over = |amount: &Amount| {
        let unit = amount.unit();
        Amount::new(amount.quantity().saturating_sub(covered.get(unit)), unit.clone())
    };
    amounts.iter().map(over).filter(|amount| !amount.quantity().is_zero()).collect()
}

/// Whether a total names less of a unit than was drawn.
fn is_below(total: &Amounts, drawn: &Amounts) -> bool {
    let mut named = drawn.iter().filter(|amount| total.names(amount.unit()));
    named.any(|amount| total.get(amount.unit()) < amount.quantity())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use safeguards_types::{requests, tokens, usd};

    use super::*;

    fn held() -> Amounts {
        [usd!(0.20), requests!(1)].into()
    }

    #[track_caller]
    fn check(free: bool, drawn: impl Into<Amounts>, said: Said, amounts: &str, basis: CostBasis) {
        let bill = bill(&held(), free, &drawn.into(), said);
        assert_eq!((bill.amounts.to_string().as_str(), bill.basis), (amounts, basis));
    }

    #[test]
    fn the_larger_of_total_and_drawn_else_drawn_else_the_estimate() {
        use CostBasis::{Drawn, Estimate, Free, Reported};
        let total = |amount: Amount| Said::Total(amount.into());
        let nothing = Amounts::none;
        check(false, nothing(), total(usd!(0.1)), "0.10 USD, 1 requests", Reported);
        check(false, nothing(), total(usd!(0.3)), "0.30 USD, 1 requests", Reported);
        check(false, nothing(), Said::Total(nothing()), "1 requests", Reported);
        check(false, usd!(0.05), total(usd!(0.01)), "0.05 USD, 1 requests", Reported);
        check(false, usd!(0.05), Said::Nothing, "0.05 USD, 1 requests", Drawn);
        check(false, usd!(0), Said::Nothing, "0.20 USD, 1 requests", Estimate);
        check(true, nothing(), Said::Nothing, "1 requests", Free);
        check(true, nothing(), total(usd!(0.1)), "0.10 USD, 1 requests", Reported);
        check(false, nothing(), total(requests!(3)), "3 requests", Reported);
        let unpriced = Said::AtLeast(tokens!(900).into());
        check(false, usd!(0.05), unpriced, "0.20 USD, 1 requests, 900 tokens", Estimate);
    }

    #[test]
    fn a_total_below_what_was_drawn_is_reported() {
        #[track_caller]
        fn check(total: impl Into<Amounts>, drawn: impl Into<Amounts>, mismatch: bool) {
            let bill = bill(&held(), false, &drawn.into(), Said::Total(total.into()));
            assert_eq!(bill.mismatch.is_some(), mismatch);
        }
        check(usd!(0.01), usd!(0.05), true);
        check(usd!(0.05), usd!(0.05), false);
        check(usd!(0.05), [usd!(0.05), tokens!(7)], false);
        check([usd!(0.05), tokens!(0)], [usd!(0.05), tokens!(7)], true);
    }

    #[test]
    fn usage_is_priced_and_its_tokens_counted_and_no_price_is_not_free() {
        let usage =
            |model: &str| Cost::Usage { model: model.to_owned(), usage: Usage::new(4_808, 10) };
        let table = Tariff::Table(PriceTable::builtin());
        let (said, notes) = price(usage("gpt-4o"), table);
        assert_eq!(said, Said::Total([usd!(0.01212), tokens!(4_818)].into()));
        assert!(notes.is_ok());
        let (said, notes) = price(usage("nobody-1"), table);
        assert_eq!(said, Said::AtLeast(tokens!(4_818).into()));
        assert_eq!(notes.map_err(|error| error.code()), Err("pricing.unknown_model"));
    }

    #[test]
    fn what_the_ledger_cannot_write_down_is_cut_down() {
        #[track_caller]
        fn check(billed: &[&str], denial: &Denial, expected: Option<&str>) {
            let amounts = billed.iter().map(|amount| Amount::parse(amount).unwrap()).collect();
            let bill = Bill { amounts, basis: CostBasis::Reported, mismatch: None, model: None };
            let cut = cut_down(&bill, &held(), denial);
            assert!(cut.iter().all(|bill| bill.basis == CostBasis::Partial));
            assert_eq!(cut.map(|bill| bill.amounts.to_string()).as_deref(), expected);
        }
        let unknown = Denial::UnknownUnit { unit: Unit::new("EUR") };
        let overflow = |account, unit| Denial::AmountOverflow { account, unit, value: None };
        let counter = || Some("pool".into());
        check(&["0.5 USD", "3 EUR"], &unknown, Some("0.50 USD, 1 requests"));
        check(&["3 EUR", "7 tokens"], &unknown, Some("0.20 USD, 1 requests, 7 tokens"));
        let too_large = "2_000_000_000_000_000 USD";
        check(&[too_large], &overflow(None, Unit::USD), Some("1000000000000000.00 USD"));
        check(
            &[too_large, "7 tokens"],
            &overflow(counter(), Unit::USD),
            Some("0.20 USD, 7 tokens"),
        );
        check(&["0.2 USD", "7 tokens"], &overflow(counter(), Unit::USD), Some("7 tokens"));
        check(&["0.2 USD", "7 tokens"], &overflow(counter(), Unit::TOKENS), Some("0.20 USD"));
        check(&["0.2 USD"], &Denial::UnknownAccount { account: "a".into() }, None);
    }

    prop_compose! {
        fn amounts()(usd in 0..5_u64, tokens in 0..5_u64, both in any::<bool>()) -> Amounts {
            let mut amounts = Amounts::from(Amount::new(Quantity::from_units(usd).unwrap(), Unit::USD));
            if both {
                amounts.set(Amount::new(Quantity::from_units(tokens).unwrap(), Unit::TOKENS));
            }
            amounts
        }
    }

    proptest! {
        #[test]
        fn nobody_who_is_not_free_pays_less_than_what_is_known(
            drawn in amounts(), total in proptest::option::of(amounts()), free in any::<bool>(),
        ) {
            let said = total.clone().map_or(Said::Nothing, Said::Total);
            let bill = bill(&held(), free, &drawn, said);
            for known in drawn.iter().chain(total.iter().flatten()) {
                prop_assert!(bill.amounts.get(known.unit()) >= known.quantity());
            }
            prop_assert!(bill.amounts.get(&Unit::REQUESTS) >= Quantity::ONE);
            prop_assert!(free || total.is_some() || !bill.amounts.get(&Unit::USD).is_zero()
                || !drawn.is_zero());
        }
    }
}
