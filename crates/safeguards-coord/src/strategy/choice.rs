//! [`Choice`]: who of a team gets which of many inputs.

use std::borrow::Cow;

use safeguards_discovery::{Order, Query};
use safeguards_types::{AgentId, Unit};

use crate::Seat;

/// Who of a team gets which of many inputs.
///
/// All but round robin are chosen when the step begins, by the runner's [`Selector`](crate::Selector):
/// [`TeamSelector`](crate::TeamSelector) knows loads and estimates, a
/// [`Finder`](safeguards_discovery::Finder) what agents can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one to a strategy, and it is turned into a seat at once"
)]
pub enum Choice {
    /// One after the other, in the team's order.
    #[default]
    RoundRobin,
    /// Who has the fewest attempts under way.
    LeastLoaded,
    /// Whose work costs the least of this unit.
    Cheapest(Unit),
    /// Whoever is best at this need.
    By(Query),
}

impl Choice {
    /// The seat that whoever is chosen takes; none where they take turns.
    pub(super) fn seat(self) -> Option<Seat> {
        match self {
            Self::RoundRobin => None,
            Self::LeastLoaded => Some(Query::all().order(Order::LeastLoaded).into()),
            Self::Cheapest(unit) => Some(Query::all().order(Order::Cheapest(unit)).into()),
            Self::By(need) => Some(need.into()),
        }
    }
}

/// The agents but these; all of them where nobody else is left.
pub(super) fn others<'a>(agents: &'a [AgentId], but: &[Option<&AgentId>]) -> Cow<'a, [AgentId]> {
    let is_other = |agent: &&AgentId| !but.contains(&Some(*agent));
    match agents.iter().filter(is_other).count() {
        0 => Cow::Borrowed(agents),
        left if left == agents.len() => Cow::Borrowed(agents),
        _ => agents.iter().filter(is_other).cloned().collect(),
    }
}

/// The same seat, for these agents alone unless it says itself for whom.
pub(super) fn confined(seat: &Seat, among: &[AgentId]) -> Seat {
    match seat.need() {
        Some(need) if need.among.is_none() => {
            Query::clone(need).among(among.iter().cloned()).into()
        }
        _ => seat.clone(),
    }
}
