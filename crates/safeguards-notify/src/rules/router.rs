//! [`Router`]: rules that were checked, and are looked up instead of asked one by one.

use std::{sync::Arc, time::Duration};

use safeguards_types::Timestamp;

use super::{
    GroupBy, Inhibition, Routed, Rules, RulesError, RulesWarning, Silences, Stop, check,
    index::{MatchIndex, Numbers},
    tree::{Escalation, Route},
    warning,
};
use crate::{Alert, AlertMatch};

/// How many routes below one are asked one by one: an index costs more than they do.
const ASKED_MAX: usize = 8;

/// Rules that were checked, and are looked up instead of asked one by one.
///
/// [`Router::route`] gives the same answer as [`route`](super::route()) does, at a cost that hardly grows
/// with the number of rules: routes beside each other are filed by an agent, a value of metadata or a topic
/// that they want, and only those which the alert may fulfil are asked.
///
/// ```
/// use std::time::Duration;
///
/// use safeguards_notify::{Alert, AlertMatch, Escalation, Route, Router, Rules, topic};
/// use safeguards_types::{Severity, Timestamp};
///
/// let critical = Route::when(AlertMatch::all().at_least(Severity::Critical))
///     .to(["chat"])
///     .escalate(Escalation::after(Duration::from_secs(900), ["pager"]));
/// let channels = ["log", "chat", "pager"].map(Into::into);
/// let router = Router::new(Rules::default().to(["log"]).route(critical), &channels)?;
///
/// let alert = Alert::new(Severity::Critical, topic!("budget.suspended"), "reader is suspended");
/// let routed = router.route(&alert, Timestamp::UNIX_EPOCH);
/// let settings = router.settings(routed.stops[0].route);
/// assert_eq!(settings.to, ["chat".into()]);
/// assert_eq!(settings.interval, Duration::from_secs(60)); // nobody said otherwise
///
/// let typo = Rules::default().to(["caht"]);
/// let error = Router::new(typo, &channels).unwrap_err();
/// assert_eq!(error.to_string(), "the root: `to` names no channel: `caht`; did you mean `chat`?");
/// # Ok::<(), safeguards_notify::RulesError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Router {
    otherwise: Settings,
    nodes: Vec<Node>,
    silences: Silences,
    inhibitions: Vec<Inhibition>,
    /// The inhibitions by what sets them off, and by what they mute.
    by: MatchIndex,
    mutes: MatchIndex,
    warnings: Vec<RulesWarning>,
}

/// How the alerts of a route are told: what it says itself, and what it has from the routes above it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// What messages call the route.
    pub name: Option<String>,
    /// The channels; none: nowhere, on purpose.
    pub to: Vec<Arc<str>>,
    /// Which alerts are told together.
    pub group_by: GroupBy,
    /// How long the first alert of a group waits for more.
    pub wait: Duration,
    /// How long it takes at least until more of a group is told.
    pub interval: Duration,
    /// For how long an alert that tells the same is counted and not told; `None`: each is told.
    pub cooldown: Option<Duration>,
    /// Who is told where nobody acknowledges, the soonest first.
    pub escalate: Vec<Escalation>,
}

impl Settings {
    /// The interval where nobody says otherwise.
    const INTERVAL: Duration = Duration::from_mins(1);

    /// What holds where not even the root says anything.
    fn of_hub(channels: &[Arc<str>]) -> Self {
        Self {
            name: None,
            to: channels.to_vec(),
            group_by: GroupBy::default(),
            wait: Duration::ZERO,
            interval: Self::INTERVAL,
            cooldown: None,
            escalate: Vec::new(),
        }
    }

    /// What holds at a route below.
    fn below(&self, route: &Route) -> Self {
        let Self { name: _, to, group_by, wait, interval, cooldown, escalate } = self;
        Self {
            name: route.name.clone(),
            to: route.to.as_ref().unwrap_or(to).clone(),
            group_by: route.group_by.as_ref().unwrap_or(group_by).clone(),
            wait: route.wait.unwrap_or(*wait),
            interval: route.interval.unwrap_or(*interval),
            cooldown: route.cooldown.or(*cooldown).filter(|cooldown| !cooldown.is_zero()),
            escalate: route.escalate.as_ref().unwrap_or(escalate).clone(),
        }
    }
}

/// One route, without those below it.
#[derive(Clone, Debug)]
struct Node {
    when: AlertMatch,
    goes_on: bool,
    settings: Settings,
    below: Below,
}

/// The routes below one, by their numbers.
#[derive(Clone, Debug)]
enum Below {
    Few(Vec<usize>),
    Many(Box<MatchIndex>),
}

impl Router {
    /// Checks rules for a hub with channels of these names, and files them.
    ///
    /// # Errors
    ///
    /// With all mistakes, where a channel is unknown or named twice; a span is zero where it may not be, or
    /// longer than 366 days; alerts are told each alone and yet have an interval; an escalation has no
    /// channels or comes no later than the one before; an inhibition mutes all that sets it off; a silence
    /// ends before it begins; two routes have one name; a path of metadata has an empty part, or no values; the
    /// root has conditions; there are more than 100,000 routes, or more than 16 below each other.
    pub fn new(rules: Rules, channels: &[Arc<str>]) -> Result<Self, RulesError> {
        check::check(&rules, channels)?;
        Ok(Self::file(rules, channels))
    }

    /// Follows the default rules for a hub without channels.
    pub(crate) fn nowhere() -> Self {
        Self::file(Rules::default(), &[])
    }

    /// Files rules that were checked.
    fn file(rules: Rules, channels: &[Arc<str>]) -> Self {
        let warnings = warning::of_rules(&rules);
        let Rules { otherwise, silences, inhibitions } = rules;
        let mut router = Self {
            otherwise: Settings::of_hub(channels).below(&otherwise),
            nodes: Vec::with_capacity(otherwise.count()),
            silences: silences.into_iter().collect(),
            inhibitions,
            by: MatchIndex::default(),
            mutes: MatchIndex::default(),
            warnings,
        };
        router.add(otherwise, &Settings::of_hub(channels));
        for (number, inhibition) in router.inhibitions.iter().enumerate() {
            router.by.insert(number, &inhibition.by);
            router.mutes.insert(number, &inhibition.mutes);
        }
        router
    }

    /// Adds a route and those below it; gives its number.
    fn add(&mut self, mut route: Route, inherited: &Settings) -> usize {
        let number = self.nodes.len();
        let settings = inherited.below(&route);
        let routes = std::mem::take(&mut route.routes);
        let Route { when, goes_on, .. } = route;
        let below = Below::Few(Vec::new());
        self.nodes.push(Node { when, goes_on, settings: settings.clone(), below });
        let numbers: Vec<usize> =
            routes.into_iter().map(|route| self.add(route, &settings)).collect();
        let below = if numbers.len() <= ASKED_MAX {
            Below::Few(numbers)
        } else {
            let mut index = MatchIndex::default();
            for number in numbers {
                if let Some(node) = self.nodes.get(number) {
                    index.insert(number, &node.when);
                }
            }
            Below::Many(Box::new(index))
        };
        if let Some(node) = self.nodes.get_mut(number) {
            node.below = below;
        }
        number
    }

    /// Where `alert` goes.
    pub fn route(&self, alert: &Alert, now: Timestamp) -> Routed {
        let mut stops = Vec::new();
        if let Some(root) = self.nodes.first() {
            self.take(0, root, alert, &mut stops);
        }
        Routed { stops, silenced_by: self.silenced_by(alert, now) }
    }

    /// Brings the alert to a route that takes it, or to those below that do.
    fn take(&self, number: usize, node: &Node, alert: &Alert, stops: &mut Vec<Stop>) {
        let before = stops.len();
        match &node.below {
            Below::Few(numbers) => self.take_below(numbers, alert, stops),
            Below::Many(index) => self.take_below(&index.candidates(alert), alert, stops),
        }
        if stops.len() == before {
            stops.push(Stop { route: number, group: node.settings.group_by.key_of(alert) });
        }
    }

    fn take_below(&self, numbers: &[usize], alert: &Alert, stops: &mut Vec<Stop>) {
        for &number in numbers {
            if let Some(node) = self.nodes.get(number).filter(|node| node.when.matches(alert)) {
                self.take(number, node, alert, stops);
                if !node.goes_on {
                    return;
                }
            }
        }
    }

    /// How the alerts of a route are told. A number that no route has is taken for the root's, so that what
    /// was routed by other rules still arrives.
    pub fn settings(&self, route: usize) -> &Settings {
        self.nodes.get(route).map_or(&self.otherwise, |node| &node.settings)
    }

    /// How many routes there are, with the root.
    pub fn route_count(&self) -> usize {
        self.nodes.len()
    }

    /// The number of the first silence that mutes `alert` at this time.
    pub fn silenced_by(&self, alert: &Alert, now: Timestamp) -> Option<usize> {
        self.silences.silenced_by(alert, now)
    }

    /// The silences. Those of the rules have their numbers there.
    pub const fn silences(&self) -> &Silences {
        &self.silences
    }

    /// The silences, to add some or take some back.
    pub const fn silences_mut(&mut self) -> &mut Silences {
        &mut self.silences
    }

    /// The inhibitions, in the order of the rules.
    pub fn inhibitions(&self) -> &[Inhibition] {
        &self.inhibitions
    }

    /// The numbers of the inhibitions that this alert sets off, from the least.
    pub fn set_off_by(&self, alert: &Alert) -> impl Iterator<Item = usize> {
        self.ask(self.by.candidates(alert), |inhibition| inhibition.by.matches(alert))
    }

    /// The numbers of the inhibitions that may mute this alert, from the least: each does while one of the
    /// alerts that set it off is recent and has the same labels.
    pub fn may_mute(&self, alert: &Alert) -> impl Iterator<Item = usize> {
        self.ask(self.mutes.candidates(alert), |inhibition| inhibition.mutes.matches(alert))
    }

    fn ask(
        &self,
        candidates: Numbers,
        matches: impl Fn(&Inhibition) -> bool,
    ) -> impl Iterator<Item = usize> {
        candidates
            .into_iter()
            .filter(move |number| self.inhibitions.get(*number).is_some_and(&matches))
    }

    /// What is allowed and yet can hardly be meant: routes, silences and inhibitions that match nothing, and
    /// silences that are over.
    pub fn warnings(&self, now: Timestamp) -> Vec<RulesWarning> {
        let mut warnings = self.warnings.clone();
        warnings.extend(warning::of_silences(&self.silences, now));
        warnings
    }
}
