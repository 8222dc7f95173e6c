//! [`TeamSelector`]: who of a team has least to do, or costs least; no registry is asked.

use std::sync::Arc;

use async_trait::async_trait;
use safeguards_discovery::{FindError, Order, Query};
use safeguards_types::{Quantity, Unit};

use crate::{Candidate, Selection, Selector, Unfit, seat::need_text};

/// Chooses by what a runner knows of its team by itself: how much everybody has under way, and what a run of
/// theirs is estimated to cost.
///
/// - [`Order::LeastLoaded`]: who has the fewest attempts under way. [`Order::Best`] is the same to it, unless there is
///   a selector behind, who knows better.
/// - [`Order::Cheapest`]: whose estimate names least of the unit. Whose estimate names nothing but requests costs
///   none of it; whose names others but not this unit comes last. Of equals, who has less under way.
/// - [`Order::Name`]: by name.
///
/// Else the first in the team's order. What agents *can* do it does not know: needs that say anything of that, or ask
/// for another order, are for the selector [behind it](Self::before), or nobody.
///
/// ```
/// use safeguards_coord::{Candidate, Selection, Selector, TeamSelector};
/// use safeguards_discovery::{Order, Query};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
///
/// let need = Query::all().order(Order::LeastLoaded);
/// let team = [Candidate::new("busy".into(), 3), Candidate::new("idle".into(), 0)];
/// let chosen = TeamSelector::new().select(&need, &team).await?;
/// assert_eq!(chosen, Selection::Chosen("idle".into()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct TeamSelector {
    behind: Option<Arc<dyn Selector>>,
}

impl TeamSelector {
    /// One that knows loads and estimates alone.
    pub const fn new() -> Self {
        Self { behind: None }
    }

    /// Whether it can tell, by itself, who does what is needed.
    pub(crate) fn can_tell(need: &Query) -> bool {
        let is_known = matches!(
            need.order,
            Order::LeastLoaded | Order::Best | Order::Cheapest(_) | Order::Name
        );
        is_known && says_nothing(need)
    }

    /// Asks `selector` what it cannot tell itself.
    #[must_use]
    pub fn before(selector: Arc<dyn Selector>) -> Self {
        Self { behind: Some(selector) }
    }
}

/// Whether a need names nothing but an order, and perhaps who is meant.
fn says_nothing(need: &Query) -> bool {
    need.capability.is_none()
        && need.version.is_none()
        && need.conditions.is_empty()
        && need.tags.is_empty()
        && need.text.is_none()
}

#[async_trait]
impl Selector for TeamSelector {
    async fn select(&self, need: &Query, candidates: &[Candidate]) -> Result<Selection, FindError> {
        let among = |candidate: &&Candidate| {
            need.among.as_ref().is_none_or(|among| among.contains(&candidate.agent))
        };
        let fit = candidates.iter().filter(among);
        let says_nothing = says_nothing(need);
        // `min_by_key` gives the first of equals: the team's order.
        let chosen = match (&need.order, says_nothing) {
            (Order::LeastLoaded, true) => fit.min_by_key(|one| one.load),
            (Order::Best, true) if self.behind.is_none() => fit.min_by_key(|one| one.load),
            (Order::Cheapest(unit), true) => {
                // Unknown last.
                let place = |one: &&Candidate| match price(one, unit) {
                    Some(price) => (false, price, one.load),
                    None => (true, Quantity::ZERO, one.load),
                };
                fit.min_by_key(place)
            }
            (Order::Name, true) => fit.min_by_key(|one| &one.agent),
            _ => {
                if let Some(selector) = &self.behind {
                    return selector.select(need, candidates).await;
                }
                let why = format!("who can do {} is not known without a registry", need_text(need));
                let unfit = |one: &Candidate| Unfit::new(one.agent.clone(), why.clone());
                return Ok(Selection::Nobody(candidates.iter().map(unfit).collect()));
            }
        };
        let not_meant =
            |one: &Candidate| Unfit::new(one.agent.clone(), "is not among those who may");
        Ok(match chosen {
            Some(chosen) => Selection::Chosen(chosen.agent.clone()),
            None => Selection::Nobody(candidates.iter().map(not_meant).collect()),
        })
    }
}

/// What a run of it is estimated to cost of this unit, if that is known.
fn price(candidate: &Candidate, unit: &Unit) -> Option<Quantity> {
    let estimate = &candidate.estimate;
    let costs_something = estimate.iter().any(|amount| *amount.unit() != Unit::REQUESTS);
    (estimate.names(unit) || !costs_something).then(|| estimate.get(unit))
}

#[cfg(test)]
mod tests {
    use safeguards_types::{Amounts, requests, tokens, usd};

    use super::*;

    async fn select(selector: &TeamSelector, need: &Query) -> Selection {
        let team = [
            ("dear", 0, Amounts::from(usd!(3))),
            ("busy", 2, [usd!(1), requests!(1)].into()),
            ("cheap", 1, usd!(1).into()),
            ("strange", 0, tokens!(5).into()),
        ];
        let candidate = |(name, load, estimate): (&str, u32, Amounts)| {
            Candidate::new(name.into(), load).estimate(estimate)
        };
        selector.select(need, &team.map(candidate)).await.unwrap()
    }

    #[tokio::test]
    async fn loads_and_estimates_are_known_without_a_registry() {
        async fn check(need: Query, expected: &str) {
            let got = select(&TeamSelector::new(), &need).await;
            assert_eq!(got, Selection::Chosen(expected.into()), "{need:?}");
        }
        check(Query::all().order(Order::LeastLoaded), "dear").await;
        check(Query::all(), "dear").await;
        check(Query::all().order(Order::Name), "busy").await;
        check(Query::all().order(Order::Cheapest(Unit::USD)), "cheap").await;
        check(Query::all().order(Order::Cheapest(Unit::USD)).among(["dear", "strange"]), "dear")
            .await;
        check(Query::all().order(Order::Cheapest(Unit::TOKENS)), "strange").await;
        check(Query::all().order(Order::LeastLoaded).among(["busy", "cheap"]), "cheap").await;
    }

    #[tokio::test]
    async fn who_names_nothing_but_requests_costs_nothing_else() {
        let team = [
            Candidate::new("paid".into(), 0).estimate(usd!(1)),
            Candidate::new("free".into(), 9).estimate(requests!(1)),
        ];
        let need = Query::all().order(Order::Cheapest(Unit::USD));
        let chosen = TeamSelector::new().select(&need, &team).await.unwrap();
        assert_eq!(chosen, Selection::Chosen("free".into()));
    }

    #[tokio::test]
    async fn what_agents_can_do_is_asked_of_the_selector_behind() {
        #[derive(Debug)]
        struct Behind;
        #[async_trait]
        impl Selector for Behind {
            async fn select(&self, _: &Query, _: &[Candidate]) -> Result<Selection, FindError> {
                Ok(Selection::Chosen("behind".into()))
            }
        }
        let both = TeamSelector::before(Arc::new(Behind));
        for need in [
            Query::new("data").unwrap(),
            Query::all(),
            Query::all().order(Order::Priority),
            Query::all().tag("x"),
        ] {
            assert_eq!(select(&both, &need).await, Selection::Chosen("behind".into()));
            if need == Query::all() {
                continue;
            }
            let Selection::Nobody(unfit) = select(&TeamSelector::new(), &need).await else {
                panic!("{need:?}")
            };
            assert_eq!(unfit.len(), 4);
        }
        let nobody = Query::all().order(Order::LeastLoaded).among(["stranger"]);
        assert!(matches!(select(&both, &nobody).await, Selection::Nobody(_)));
    }
}
