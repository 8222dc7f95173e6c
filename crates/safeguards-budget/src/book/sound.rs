//! What can be wrong with a command whatever the book says: amounts, names, sizes.

use std::time::Duration;

use safeguards_types::{Amounts, Quantity, Timestamp, Unit};

use super::{Book, Quantities};
use crate::{Bounds, Command, Denial, Limit, ProtectionStep};

const NAME_BYTES_MAX: usize = 256;
const TTL_SECONDS_MAX: u64 = 1_000_000_000;

/// Whether an amount of nothing is fine: for a settlement it is, for a charge it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zero {
    Allowed,
    Refused,
}

impl Book {
    /// Reads amounts by the book's own names for units.
    pub(super) fn quantities(&self, amounts: &Amounts, zero: Zero) -> Result<Quantities, Denial> {
        let fine = |quantity: Quantity| {
            quantity <= Quantity::AMOUNT_MAX && (zero == Zero::Allowed || !quantity.is_zero())
        };
        let is_sound = (zero == Zero::Allowed || !amounts.is_empty())
            && amounts.iter().all(|amount| fine(amount.quantity()));
        if !is_sound {
            let given = amounts.iter().map(|amount| (amount.unit(), amount.quantity()));
            check_given(given, zero)?;
        }
        let mut quantities = Quantities::new();
        for amount in amounts {
            quantities.push((self.unit(amount.unit())?, amount.quantity()));
        }
        Ok(quantities)
    }

    pub(super) fn check_metadata(&self, command: &Command) -> Result<(), Denial> {
        if command.metadata.is_empty() {
            return Ok(());
        }
        let bytes = serde_json::to_string(&command.metadata).map_or(usize::MAX, |json| json.len());
        check_bound("metadata", bytes, self.bounds.metadata_bytes_max, "bytes")
    }

    pub(super) fn check_steps(&self, steps: &[ProtectionStep]) -> Result<(), Denial> {
        check_bound("steps", steps.len(), self.bounds.steps_max, "steps of protection")
    }

    pub(super) fn check_percents(&self, limit: &Limit) -> Result<(), Denial> {
        let Bounds { percents_max, .. } = self.bounds;
        check_bound("percents", limit.warnings().len(), percents_max, "percents of one limit")
    }

    pub(super) fn check_limit_count(&self, limits: usize) -> Result<(), Denial> {
        check_bound("limits", limits, self.bounds.limits_max, "limits of one account")
    }

    pub(super) fn check_scopes(&self, scopes: usize) -> Result<(), Denial> {
        check_bound("scopes", scopes, self.bounds.scopes_max, "scopes of one charge")
    }
}

/// Whether amounts may be given: some at all, more than nothing where that is asked for, none too large.
pub(super) fn check_given<'a>(
    given: impl Iterator<Item = (&'a Unit, Quantity)>,
    zero: Zero,
) -> Result<(), Denial> {
    let (mut none, mut large) = (true, None);
    for (unit, quantity) in given {
        none = false;
        if zero == Zero::Refused && quantity.is_zero() {
            let (unit, value) = (Some(unit.clone()), Some(quantity.to_string()));
            return Err(Denial::InvalidAmount { unit, value });
        }
        if quantity > Quantity::AMOUNT_MAX {
            large = large.or(Some((unit, quantity)));
        }
    }
    match large {
        _ if none && zero == Zero::Refused => {
            Err(Denial::InvalidAmount { unit: None, value: None })
        }
        Some((unit, large)) => {
            let (unit, value) = (unit.clone(), Some(large.to_string()));
            Err(Denial::AmountOverflow { account: None, unit, value })
        }
        None => Ok(()),
    }
}

/// When a hold of this time to live ends.
pub(super) fn check_ttl(ttl: Duration, now: Timestamp) -> Result<Timestamp, Denial> {
    let whole = ttl.subsec_nanos() == 0 && (1..=TTL_SECONDS_MAX).contains(&ttl.as_secs());
    if !whole {
        return Err(Denial::BoundExceeded {
            bound: "ttl",
            given: format!("{ttl:?}"),
            allowed: format!("whole seconds from 1 to {TTL_SECONDS_MAX}"),
        });
    }
    now.checked_add(ttl).ok_or_else(|| Denial::BoundExceeded {
        bound: "instant",
        given: format!("{} s after {now}", ttl.as_secs()),
        allowed: format!("up to {}", Timestamp::MAX),
    })
}

/// Names of accounts and units, where they are made.
pub(super) fn check_name(name: &str) -> Result<(), Denial> {
    let allowed = || format!("1 to {NAME_BYTES_MAX} bytes without control characters");
    let denied =
        |given: String| Err(Denial::BoundExceeded { bound: "name", given, allowed: allowed() });
    if !(1..=NAME_BYTES_MAX).contains(&name.len()) {
        return denied(format!("{} bytes", name.len()));
    }
    match name.chars().find(|letter| letter.is_control()) {
        Some(letter) => denied(letter.escape_unicode().to_string()),
        None => Ok(()),
    }
}

pub(super) fn check_bound(
    bound: &'static str,
    given: usize,
    max: usize,
    what: &str,
) -> Result<(), Denial> {
    if given > max {
        return Err(Denial::BoundExceeded {
            bound,
            given: given.to_string(),
            allowed: format!("up to {max} {what}"),
        });
    }
    Ok(())
}
