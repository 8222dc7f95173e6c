//! Which amounts people want to see of a run, and how.

use safeguards_api::TeamSpec;
use safeguards_types::{Amount, Amounts, Unit};

/// The units that a run is about: those that something limits, and those that are held for.
///
/// A run counts requests and tokens too; they are shown where somebody limits them or estimates in them.
#[derive(Clone, Debug)]
pub(crate) struct Units(Vec<Unit>);

impl Units {
    pub(crate) fn of(spec: &TeamSpec) -> Self {
        let pools = spec.pools.iter().flat_map(|pool| &pool.limits);
        let agents = spec.agents.iter().flat_map(|agent| &agent.limits);
        let limited = pools.chain(agents).map(|limit| limit.unit.clone());
        let estimated = spec.agents.iter().flat_map(|agent| agent.estimate.iter());
        let mut units: Vec<Unit> =
            limited.chain(estimated.map(|amount| amount.unit().clone())).collect();
        units.sort();
        units.dedup();
        Self(units)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Unit> {
        self.0.iter()
    }

    /// The part of amounts that people want to see; zero of the first unit where that is nothing.
    pub(crate) fn shown(&self, amounts: &Amounts) -> Amounts {
        let shown: Amounts =
            amounts.iter().filter(|amount| self.0.contains(amount.unit())).cloned().collect();
        match self.0.first() {
            Some(unit) if shown.is_empty() => Amount::new(amounts.get(unit), unit.clone()).into(),
            _ => shown,
        }
    }
}

/// Text of programs, made harmless to a terminal: control characters but line ends and tabs are escaped.
pub(crate) fn harmless(text: &str) -> String {
    let escape = |letter: char| match letter {
        '\n' | '\t' => letter.to_string(),
        letter if letter.is_control() => letter.escape_unicode().to_string(),
        letter => letter.to_string(),
    };
    text.chars().map(escape).collect()
}
