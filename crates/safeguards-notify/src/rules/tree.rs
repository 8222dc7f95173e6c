//! [`Route`]: which alerts go where, and how they are told; [`Escalation`]: whom to tell in the end.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use super::{group::GroupBy, source::Line, write};
use crate::AlertMatch;

/// Which alerts go where, and how they are told.
///
/// What is `None` is as the route above says; what the root leaves out has the default that stands at the field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Route {
    /// What messages call it. No two routes have one name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which alerts it takes.
    #[serde(flatten)]
    pub when: AlertMatch,
    /// The names of the channels that they go to; without any, they go nowhere, on purpose. By default: to
    /// every channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Vec<Arc<str>>>,
    /// Which of them are told together. By default: those with one topic, agent and severity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_by: Option<GroupBy>,
    /// How long the first alert of a group waits for more. By default: not at all.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "write::optional_span")]
    pub wait: Option<Duration>,
    /// How long it takes at least until more of a group is told. By default: a minute.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "write::optional_span")]
    pub interval: Option<Duration>,
    /// For how long an alert that tells the same as one before is counted and not told; zero is not at all,
    /// and the default.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "write::optional_span")]
    pub cooldown: Option<Duration>,
    /// Who is told where nobody acknowledges, the soonest first. By default: nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalate: Option<Vec<Escalation>>,
    /// Whether an alert that it takes goes on to the next route beside it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub goes_on: bool,
    /// The routes below it, which are asked in this order.
    #[serde(rename = "route", skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Self>,
    /// Where it stands in its file.
    #[serde(skip)]
    pub(crate) line: Line,
}

/// Whom to tell where nobody has acknowledged an alert for some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Escalation {
    /// After how long, from when the alert was first told.
    #[serde(serialize_with = "write::span")]
    pub after: Duration,
    /// The names of the channels.
    pub to: Vec<Arc<str>>,
}

impl Route {
    /// A route that takes what `when` means.
    pub fn when(when: AlertMatch) -> Self {
        Self { when, ..Self::default() }
    }

    /// Gives it the name that messages call it by.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Sends its alerts to the channels of these names.
    #[must_use]
    pub fn to<N: Into<Arc<str>>>(self, channels: impl IntoIterator<Item = N>) -> Self {
        Self { to: Some(channels.into_iter().map(Into::into).collect()), ..self }
    }

    /// Sends its alerts nowhere; they stay in the history, and handlers see them.
    #[must_use]
    pub fn nowhere(self) -> Self {
        Self { to: Some(Vec::new()), ..self }
    }

    /// Tells together what has this in common: a [`GroupBy`], or a list of labels.
    #[must_use]
    pub fn group_by(self, group_by: impl Into<GroupBy>) -> Self {
        Self { group_by: Some(group_by.into()), ..self }
    }

    /// Lets the first alert of a group wait for more.
    #[must_use]
    pub fn wait(self, wait: Duration) -> Self {
        Self { wait: Some(wait), ..self }
    }

    /// Lets at least so much time pass until more of a group is told.
    #[must_use]
    pub fn interval(self, interval: Duration) -> Self {
        Self { interval: Some(interval), ..self }
    }

    /// For so long, counts alerts that tell the same and does not tell them.
    #[must_use]
    pub fn cooldown(self, cooldown: Duration) -> Self {
        Self { cooldown: Some(cooldown), ..self }
    }

    /// Adds whom to tell where nobody acknowledges.
    #[must_use]
    pub fn escalate(mut self, escalation: Escalation) -> Self {
        self.escalate.get_or_insert_default().push(escalation);
        self
    }

    /// Lets alerts that it takes go on to the next route beside it.
    #[must_use]
    pub fn goes_on(self) -> Self {
        Self { goes_on: true, ..self }
    }

    /// Adds a route below it, behind those added before.
    #[must_use]
    pub fn route(mut self, route: Self) -> Self {
        self.routes.push(route);
        self
    }

    /// How many routes it is with all those below it.
    pub(crate) fn count(&self) -> usize {
        self.routes.iter().map(Self::count).fold(1, usize::saturating_add)
    }
}

impl Escalation {
    /// Tells the channels of these names after so long.
    pub fn after<N: Into<Arc<str>>>(after: Duration, to: impl IntoIterator<Item = N>) -> Self {
        Self { after, to: to.into_iter().map(Into::into).collect() }
    }
}
