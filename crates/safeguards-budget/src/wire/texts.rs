//! [`Texts`]: the amounts of one command as they were given, and what is wrong with the worst of them.

use std::collections::BTreeMap;

use safeguards_types::{AccountId, Amount, Amounts, Quantity, QuantityError, Unit};
use serde_json::Value;

use super::{
    LineError,
    keys::{amount_text, by_name},
};
use crate::Denial;

/// What an amount must be at the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Least {
    Zero,
    MoreThanZero,
}

/// Reads the amounts of one command.
///
/// A text that is no amount is no mistake of the line: the command is denied, in the order of the denials. So
/// amounts are read in the order in which the worst is looked for: by unit, then window or account.
#[derive(Debug, Default)]
pub(super) struct Texts {
    invalid: Option<Denial>,
    overflow: Option<Denial>,
    /// Whether a text at fault would be told wrongly by its quantity alone: there is none, or it is written in
    /// another way.
    only_as_text: bool,
}

impl Texts {
    /// Reads one amount; where no quantity can hold it, it is 0 and the command has a fault.
    pub(super) fn read(&mut self, text: String, unit: &Unit, least: Least) -> Quantity {
        let read = text.parse::<Quantity>();
        let quantity = read.as_ref().copied().unwrap_or_default();
        let is_too_large =
            matches!(read, Err(QuantityError::TooLarge { .. })) || quantity > Quantity::AMOUNT_MAX;
        let is_invalid = !is_too_large
            && (read.is_err() || (quantity.is_zero() && least == Least::MoreThanZero));
        if !is_too_large && !is_invalid {
            return quantity;
        }
        self.only_as_text |= read.is_err() || quantity.to_string() != text;
        let (unit, value) = (unit.clone(), Some(text));
        if is_too_large {
            self.overflow.get_or_insert(Denial::AmountOverflow { account: None, unit, value });
        } else {
            self.invalid.get_or_insert(Denial::InvalidAmount { unit: Some(unit), value });
        }
        quantity
    }

    /// Notes that amounts were asked for and none is there.
    fn none_given(&mut self) {
        self.invalid.get_or_insert(Denial::InvalidAmount { unit: None, value: None });
    }

    /// Reads amounts by unit.
    pub(super) fn by_unit(
        &mut self,
        least: Least,
    ) -> impl FnOnce(Value) -> Result<Amounts, LineError> {
        move |value| {
            let texts = by_name(|unit, value| Ok((Unit::new(unit), amount_text(value)?)))(value)?;
            let texts: BTreeMap<_, _> = texts.into_iter().collect();
            let read = texts.into_iter().map(|(unit, text)| {
                let quantity = self.read(text, &unit, least);
                Amount::new(quantity, unit)
            });
            Ok(read.collect())
        }
    }

    /// Reads shares or weights by account: at least one of them is needed, and each may be 0.
    pub(super) fn by_account(
        &mut self,
        unit: &Unit,
    ) -> impl FnOnce(Value) -> Result<BTreeMap<AccountId, Quantity>, LineError> {
        move |value| {
            let texts =
                by_name(|name, value| Ok((AccountId::from(name), amount_text(value)?)))(value)?;
            let texts: BTreeMap<_, _> = texts.into_iter().collect();
            if texts.is_empty() {
                self.none_given();
            }
            let read = texts.into_iter();
            Ok(read.map(|(id, text)| (id, self.read(text, unit, Least::Zero))).collect())
        }
    }

    /// What the command is to be denied with, where its quantities alone do not say it.
    pub(super) fn fault(self) -> Option<Box<Denial>> {
        let Self { invalid, overflow, only_as_text } = self;
        invalid.or(overflow).filter(|_| only_as_text).map(Box::new)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::command::command, *};

    /// What a command with these keys is denied with for its texts; `null` where they are no fault.
    #[track_caller]
    fn check(mut keys: Value, expected: Value) {
        keys["op"] = json!("019b8d2c-7a10-7b6a-ba92-0e8f0c98431a");
        let fault = command(keys.clone()).unwrap().fault;
        assert_eq!(serde_json::to_value(fault).unwrap(), expected, "{keys}");
    }

    fn invalid(unit: &str, value: &str) -> Value {
        json!({"code": "budget.invalid_amount", "unit": unit, "value": value})
    }

    fn overflow(unit: &str, value: &str) -> Value {
        json!({"code": "budget.amount_overflow", "unit": unit, "value": value})
    }

    #[test]
    fn only_what_a_quantity_cannot_say_is_a_fault() {
        let charge = |amounts| json!({"do": "charge", "account": "a", "amounts": amounts});
        // These are amounts; that they may not be charged is seen by their quantities.
        for text in ["0", "0.000000000001", "1000000000000000", "1000000000000001", "7.50"] {
            check(charge(json!({"USD": text})), Value::Null);
        }
        check(charge(json!({})), Value::Null);
        for text in ["", "-1", "1e3", "abc", "1.", ".5", " 1", "0.0000000000001", "+1", "٣"] {
            check(charge(json!({"USD": text})), invalid("USD", text));
        }
        // Told as they were given.
        check(charge(json!({"USD": "0.00"})), invalid("USD", "0.00"));
        for text in ["1000000000000001.0", "10000000000000000.1", "99999999999999999999999999"] {
            check(charge(json!({"USD": text})), overflow("USD", text));
        }
    }

    #[test]
    fn the_worst_is_told_first_by_code_then_by_unit_window_and_account() {
        let charge = |amounts| json!({"do": "charge", "account": "a", "amounts": amounts});
        let huge = "10000000000000001";
        check(charge(json!({"USD": huge, "tokens": "x"})), invalid("tokens", "x"));
        check(charge(json!({"USD": "0", "tokens": "x"})), invalid("USD", "0"));
        check(charge(json!({"tokens": "x", "USD": "y"})), invalid("USD", "y"));
        check(
            charge(json!({"b": huge, "a": "1000000000000001"})),
            overflow("a", "1000000000000001"),
        );
        let settle = |amounts| json!({"do": "settle", "hold": "019b8d2c-7a10-7b6a-ba92-0e8f0c98431a", "amounts": amounts});
        check(settle(json!({"USD": "0.00", "tokens": "x"})), invalid("tokens", "x"));
        let limit = |unit: &str, window: Value, amount: &str| json!({"unit": unit, "window": window, "amount": amount});
        let limits = [
            limit("b", json!("lifetime"), "w"),
            limit("a", json!("lifetime"), "x"),
            limit("a", json!({"every_s": 60}), "y"),
            limit("a", json!({"day": "UTC"}), "z"),
        ];
        check(json!({"do": "open_account", "account": "a", "limits": limits}), invalid("a", "y"));
        check(
            json!({"do": "allocate", "parent": "a", "unit": "u", "shares": {"c": "x", "b": "y", "a": huge}}),
            invalid("u", "y"),
        );
        check(
            json!({"do": "divide", "parent": "a", "unit": "u", "weights": {"b": "0", "c": "1"}, "amount": "0.0", "at_least": "x"}),
            invalid("u", "0.0"),
        );
        check(
            json!({"do": "divide", "parent": "a", "unit": "u", "weights": {}, "at_least": "x"}),
            json!({"code": "budget.invalid_amount"}),
        );
    }
}
