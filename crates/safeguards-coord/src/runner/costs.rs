//! [`RecentCosts`]: what agents cost lately, for estimates that nobody gave.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;
use safeguards_types::{AgentId, Amount, Amounts, Quantity, Unit};

/// How many of an agent's latest costs are kept.
const KEPT: usize = 100;

/// What agents cost lately: shared by a runner and its clones.
#[derive(Clone, Debug, Default)]
pub(super) struct RecentCosts(Arc<Mutex<HashMap<AgentId, VecDeque<Amounts>>>>);

impl RecentCosts {
    /// Notes what an attempt cost, where that is known and no guess.
    pub(super) fn note(&self, agent: &AgentId, spent: &Amounts) {
        let mut costs = self.0.lock();
        let costs = costs.entry(agent.clone()).or_default();
        if costs.len() >= KEPT {
            costs.pop_front();
        }
        costs.push_back(spent.clone());
    }

    /// The 95th percentile of what an agent cost lately, unit by unit: the smallest cost that 95 % of them do not
    /// exceed (nearest rank). None where it cost nothing yet.
    pub(super) fn estimate(&self, agent: &AgentId) -> Option<Amounts> {
        let costs = self.0.lock();
        let costs = costs.get(agent)?;
        let units: BTreeSet<&Unit> = costs.iter().flatten().map(Amount::unit).collect();
        let rank = costs.len().saturating_mul(95).div_ceil(100).saturating_sub(1);
        let amounts: Amounts = units
            .into_iter()
            .filter_map(|unit| {
                let mut spent: Vec<Quantity> = costs.iter().map(|cost| cost.get(unit)).collect();
                spent.sort_unstable();
                Some(Amount::new(*spent.get(rank)?, unit.clone()))
            })
            .collect();
        let amounts = amounts.without_zeros();
        (!amounts.is_empty()).then_some(amounts)
    }
}

#[cfg(test)]
mod tests {
    use safeguards_types::{Amount, tokens, usd};

    use super::*;

    #[test]
    fn the_estimate_is_what_nineteen_of_twenty_did_not_exceed() {
        let costs = RecentCosts::default();
        let agent = AgentId::from("a");
        assert_eq!(costs.estimate(&agent), None);
        costs.note(&agent, &usd!(0.5).into());
        assert_eq!(costs.estimate(&agent), Some(usd!(0.5).into()));
        for cents in 1..=100_u64 {
            let usd = Amount::parse(&format!("0.{cents:03} USD")).unwrap();
            costs.note(&agent, &[usd, tokens!(7)].into());
        }
        // The first one is forgotten by now.
        assert_eq!(costs.estimate(&agent), Some([usd!(0.095), tokens!(7)].into()));
        assert_eq!(costs.estimate(&AgentId::from("b")), None);
    }
}
