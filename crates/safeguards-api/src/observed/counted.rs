//! [`Counted`]: what is counted of commands, under keys that are made once.

use metrics::{Key, Label, Level, Metadata, with_recorder};
use parking_lot::RwLock;
use safeguards_types::{Amounts, Quantity, Unit};

use super::{
    Ended,
    telemetry::{TARGET, field, metric},
};

static METADATA: Metadata<'static> = Metadata::new(TARGET, Level::INFO, Some(module_path!()));

/// Keys by the labels that tell them apart, made once: a key is several strings and a hash, and there is nobody to
/// count where nobody installed a recorder. A handle cannot be kept so, since one that was made before the recorder
/// counts nowhere.
#[derive(Debug)]
struct Keys<L>(RwLock<Vec<(L, Key)>>);

// Derived, it would ask for a default of `L`.
impl<L> Default for Keys<L> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<L: Clone + PartialEq> Keys<L> {
    /// There are as many as commands, codes and units: few enough to be gone through.
    fn of(&self, labels: &L, make: impl FnOnce() -> Key) -> Key {
        let known = |(key, _): &&(L, Key)| key == labels;
        if let Some((_, key)) = self.0.read().iter().find(known) {
            return key.clone();
        }
        let key = make().to_retained();
        let mut all = self.0.write();
        if !all.iter().any(|(known, _)| known == labels) {
            all.push((labels.clone(), key.clone()));
        }
        key
    }
}

/// What a ledger's commands come to.
#[derive(Debug, Default)]
pub(super) struct Counted {
    commands: Keys<(&'static str, Ended)>,
    denials: Keys<&'static str>,
    spent: Keys<Unit>,
    refunded: Keys<Unit>,
}

impl Counted {
    pub(super) fn command(&self, command: &'static str, ended: Ended) {
        let key = self.commands.of(&(command, ended), || {
            let labels = [(field::COMMAND, command), (field::OUTCOME, ended.as_str())];
            let labels = labels.map(|(name, value)| Label::from_static_parts(name, value));
            Key::from_parts(metric::COMMANDS, labels.to_vec())
        });
        increment(&key);
    }

    pub(super) fn denial(&self, code: &'static str) {
        let key = self.denials.of(&code, || {
            let label = Label::from_static_parts(field::DENIAL_CODE, code);
            Key::from_parts(metric::DENIALS, vec![label])
        });
        increment(&key);
    }

    pub(super) fn spent(&self, amounts: &Amounts) {
        record(&self.spent, metric::SPENT, amounts);
    }

    pub(super) fn refunded(&self, amounts: &Amounts) {
        record(&self.refunded, metric::REFUNDED, amounts);
    }
}

fn increment(key: &Key) {
    with_recorder(|recorder| recorder.register_counter(key, &METADATA)).increment(1);
}

fn record(keys: &Keys<Unit>, name: &'static str, amounts: &Amounts) {
    for amount in amounts {
        let unit = amount.unit();
        let key = keys.of(unit, || {
            let label = Label::new(field::UNIT, unit.as_str().to_owned());
            Key::from_parts(name, vec![label])
        });
        with_recorder(|recorder| recorder.register_histogram(&key, &METADATA))
            .record(as_float(amount.quantity()));
    }
}

/// As recorders take it. What is kept, and what decides, stays exact.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    reason = "a recorder takes nothing but floats, and it reads only"
)]
fn as_float(quantity: Quantity) -> f64 {
    quantity.steps() as f64 / Quantity::ONE.steps() as f64
}

#[cfg(test)]
mod tests {
    use safeguards_types::{tokens, usd};

    use super::*;

    #[test]
    fn quantities_are_what_they_say() {
        let check = |amount: safeguards_types::Amount, text: &str| {
            assert_eq!(as_float(amount.quantity()).to_string(), text);
        };
        check(usd!(0.31), "0.31");
        check(usd!(0.000000000001), "0.000000000001");
        check(tokens!(4_818), "4818");
        check(usd!(0), "0");
    }

    #[test]
    fn a_key_is_made_once() {
        let keys = Keys::default();
        let mut made = 0;
        for labels in ["a", "b", "a", "b"] {
            let key = keys.of(&labels, || {
                made += 1;
                Key::from_static_name(labels)
            });
            assert_eq!(key.name(), labels);
        }
        assert_eq!(made, 2);
    }
}
