//! [`Rules`]: where alerts go, and which are muted.

mod check;
mod group;
mod index;
mod mistake;
mod mute;
mod read;
mod router;
mod scan;
mod source;
mod tree;
mod warning;
mod write;

use serde::Serialize;

pub use group::{GroupBy, GroupKey, GroupLabel, GroupLabelError};
pub use mistake::{RuleMistake, RuleMistakeKind, RulesError};
pub use mute::{Inhibition, Silence, Silences};
pub use router::{Router, Settings};
pub use scan::{Routed, Stop, route};
pub use tree::{Escalation, Route};
pub use warning::RulesWarning;

/// Where alerts go, and which are muted: a tree of [`Route`]s, and what silences and inhibits.
///
/// An alert goes down the tree, depth first. Of the routes beside each other it takes the first that it
/// matches, and the next ones too where that one [goes on](Route::goes_on); where none of them matches, it
/// stops at the route above them. So every alert stops somewhere: the root takes what nobody else does.
///
/// Rules are a value, written in Rust or as TOML; a [`Router`] checks them and makes them quick. By default
/// every alert goes to every channel, grouped by topic, agent and severity.
///
/// ```
/// use safeguards_notify::{Alert, AlertMatch, Route, Router, Rules, TopicFilter, topic};
/// use safeguards_types::{Severity, Timestamp};
///
/// let budgets = AlertMatch::all().topic(TopicFilter::parse("budget.**")?);
/// let rules = Rules::default().to(["ops"]).route(Route::when(budgets).named("budgets").to(["slack"]));
///
/// let same = Rules::from_toml(r#"
///     to = ["ops"]
///
///     [[route]]
///     name = "budgets"
///     topics = ["budget.**"]
///     to = ["slack"]
/// "#)?;
/// assert_eq!(rules, same);
///
/// let router = Router::new(rules, &["ops".into(), "slack".into()])?;
/// let alert = Alert::new(Severity::Low, topic!("budget.low"), "little is left");
/// let routed = router.route(&alert, Timestamp::UNIX_EPOCH);
/// assert_eq!(router.settings(routed.stops[0].route).name.as_deref(), Some("budgets"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rules {
    /// The root: it takes every alert that none of its routes takes, and its settings hold where a route
    /// says nothing. It has no conditions.
    #[serde(flatten)]
    pub otherwise: Route,
    /// What is not to be told for a time.
    #[serde(rename = "silence", skip_serializing_if = "Vec::is_empty")]
    pub silences: Vec<Silence>,
    /// What is not to be told while something worse is.
    #[serde(rename = "inhibit", skip_serializing_if = "Vec::is_empty")]
    pub inhibitions: Vec<Inhibition>,
}

impl Rules {
    /// The channels of alerts that no route says more about.
    #[must_use]
    pub fn to<N: Into<std::sync::Arc<str>>>(self, channels: impl IntoIterator<Item = N>) -> Self {
        Self { otherwise: self.otherwise.to(channels), ..self }
    }

    /// Adds a route below the root, behind those added before.
    #[must_use]
    pub fn route(self, route: Route) -> Self {
        Self { otherwise: self.otherwise.route(route), ..self }
    }

    /// Adds a silence.
    #[must_use]
    pub fn silence(mut self, silence: Silence) -> Self {
        self.silences.push(silence);
        self
    }

    /// Adds an inhibition.
    #[must_use]
    pub fn inhibit(mut self, inhibition: Inhibition) -> Self {
        self.inhibitions.push(inhibition);
        self
    }
}
