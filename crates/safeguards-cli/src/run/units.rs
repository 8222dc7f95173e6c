//! [`Units`]: which amounts people want to see of a run.

use safeguards_api::TeamSpec;
use safeguards_types::{Amount, Amounts, Quantity, Unit};

/// The units that a run is about: those that something limits, and those that are held for.
///
/// A run counts requests and tokens too; they are shown where somebody limits them or estimates in them.
#[derive(Clone, Debug)]
pub(crate) struct Units(Vec<Unit>);

impl Units {
    /// The units of a team.
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

    /// Each of them once, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Unit> {
        self.0.iter()
    }

    /// The part of amounts that people want to see; zero of the first unit where that is nothing.
    pub(crate) fn shown(&self, amounts: &Amounts) -> Amounts {
        let shown: Amounts =
            amounts.iter().filter(|amount| self.0.contains(amount.unit())).cloned().collect();
        match self.0.first() {
            Some(unit) if shown.is_empty() => Amount::new(Quantity::ZERO, unit.clone()).into(),
            _ => shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use safeguards_types::{requests, tokens, usd};

    use super::*;

    #[test]
    fn what_is_limited_or_held_for_is_shown() {
        let team = "pool = { limits = [\"1.00 USD\"] }\n\
            [[agent]]\nname = \"a\"\ncommand = [\"true\"]\nestimate = [\"0.10 USD\", \"50 tokens\"]\n";
        let units = Units::of(&TeamSpec::parse(team, "crew.toml").unwrap());
        let check = |amounts: Amounts, expected: &str| {
            assert_eq!(units.shown(&amounts).to_string(), expected, "{amounts}");
        };
        check([usd!(0.5), tokens!(3), requests!(1)].into(), "0.50 USD, 3 tokens");
        check(tokens!(3).into(), "3 tokens");
        check(requests!(1).into(), "0.00 USD");
        check(Amounts::none(), "0.00 USD");
        assert!(Units(vec![]).shown(&usd!(1).into()).is_empty());
    }
}
