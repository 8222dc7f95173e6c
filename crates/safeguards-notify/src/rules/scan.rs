//! [`route()`]: where an alert goes by the rules, asked one by one. This is the definition.

use safeguards_types::Timestamp;

use super::{GroupBy, GroupKey, Route, Rules};
use crate::Alert;

/// Where an alert goes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Routed {
    /// The routes that take it; at least one.
    pub stops: Vec<Stop>,
    /// The number of the first silence that mutes it.
    pub silenced_by: Option<usize>,
}

/// A route that takes an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stop {
    /// The number of the route. The root is 0; a route comes before those below it, and these before the
    /// next one beside it.
    pub route: usize,
    /// The group that the alert belongs to there; `None` where every alert is told alone.
    pub group: Option<GroupKey>,
}

/// Where `alert` goes by `rules`: the plain scan, which asks every route that it comes by.
///
/// Rules that [`Router::new`](super::Router::new) would refuse are followed all the same, as far as they go.
///
/// ```
/// use safeguards_notify::{Alert, AlertMatch, Route, Rules, route, topic};
/// use safeguards_types::{Severity, Timestamp};
///
/// let high = AlertMatch::all().at_least(Severity::High);
/// let rules = Rules::default()
///     .route(Route::when(high).goes_on().route(Route::when(AlertMatch::all().agent("writer"))))
///     .route(Route::when(AlertMatch::all().agent("reader")));
///
/// let stops = |severity, agent: &str| {
///     let alert = Alert::new(severity, topic!("team.note"), "ready").about(agent);
///     let routed = route(&rules, &alert, Timestamp::UNIX_EPOCH);
///     routed.stops.iter().map(|stop| stop.route).collect::<Vec<_>>()
/// };
/// assert_eq!(stops(Severity::High, "reader"), [1, 3]);
/// assert_eq!(stops(Severity::High, "writer"), [2]);
/// assert_eq!(stops(Severity::Low, "writer"), [0]);
/// ```
pub fn route(rules: &Rules, alert: &Alert, now: Timestamp) -> Routed {
    let mut scan = Scan { alert, next: 0, stops: Vec::new() };
    scan.take(&rules.otherwise, &GroupBy::default());
    let silenced_by = rules.silences.iter().position(|silence| silence.mutes(alert, now));
    Routed { stops: scan.stops, silenced_by }
}

struct Scan<'a> {
    alert: &'a Alert,
    /// The number of the next route.
    next: usize,
    stops: Vec<Stop>,
}

impl Scan<'_> {
    /// Brings the alert to a route that takes it, or to those below that do.
    fn take(&mut self, route: &Route, inherited: &GroupBy) {
        let number = self.next;
        let group_by = route.group_by.as_ref().unwrap_or(inherited);
        let before = self.stops.len();
        self.next = self.next.saturating_add(1);
        let mut goes_on = true;
        for below in &route.routes {
            if goes_on && below.when.matches(self.alert) {
                self.take(below, group_by);
                goes_on = below.goes_on;
            } else {
                self.next = self.next.saturating_add(below.count());
            }
        }
        if self.stops.len() == before {
            self.stops.push(Stop { route: number, group: group_by.key_of(self.alert) });
        }
    }
}
