//! [`Shape`]: which fields there are in a template, and what each of them is.

use std::fmt::{self, Write as _};

/// What a name in a template stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The notification itself: where a name begins.
    Notification,
    /// One alert.
    Alert,
    /// A list of alerts.
    Alerts,
    /// A table whose keys nobody knows beforehand: metadata, or the labels of a group.
    Open,
    /// A text or a number.
    Plain,
}

/// What stands at the top.
pub(super) const NOTIFICATION: [(&str, Shape); 13] = [
    ("id", Shape::Plain),
    ("channel", Shape::Plain),
    ("at", Shape::Plain),
    ("severity", Shape::Plain),
    ("count", Shape::Plain),
    ("more", Shape::Plain),
    ("repeats", Shape::Plain),
    ("escalation", Shape::Plain),
    ("group", Shape::Open),
    ("text", Shape::Plain),
    ("alerts", Shape::Alerts),
    ("first", Shape::Alert),
    ("latest", Shape::Alert),
];

/// What an alert has.
pub(super) const ALERT: [(&str, Shape); 8] = [
    ("id", Shape::Plain),
    ("at", Shape::Plain),
    ("severity", Shape::Plain),
    ("topic", Shape::Plain),
    ("agent", Shape::Plain),
    ("key", Shape::Plain),
    ("message", Shape::Plain),
    ("metadata", Shape::Open),
];

impl Shape {
    /// What it has; nothing where it has no fields, or where they are not known beforehand.
    pub(super) const fn fields(self) -> &'static [(&'static str, Self)] {
        match self {
            Self::Notification => &NOTIFICATION,
            Self::Alert => &ALERT,
            Self::Alerts | Self::Open | Self::Plain => &[],
        }
    }

    /// What its field of this name is.
    pub(super) fn field(self, name: &str) -> Result<Self, NoField> {
        if self == Self::Open {
            return Ok(Self::Open);
        }
        let found = self.fields().iter().find(|(known, _)| *known == name);
        found.map(|(_, shape)| *shape).ok_or_else(|| NoField { shape: self, name: name.to_owned() })
    }

    /// What a path such as `latest.metadata.account` leads to.
    pub(super) fn follow<'a>(
        self,
        path: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, NoField> {
        path.into_iter().try_fold(self, Self::field)
    }
}

/// Something has no field of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoField {
    pub(super) shape: Shape,
    pub(super) name: String,
}

impl fmt::Display for NoField {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shape, name } = self;
        match shape {
            Shape::Notification => write!(out, "there is no `{name}`")?,
            Shape::Alert => write!(out, "an alert has no `{name}`")?,
            Shape::Alerts => {
                return write!(
                    out,
                    "`alerts` is a list and has no `{name}`; there are `first` and `latest`, and \
                     `{{% for alert in alerts %}}`"
                );
            }
            Shape::Open | Shape::Plain => {
                return write!(out, "a text or number has no `{name}`");
            }
        }
        let known = || shape.fields().iter().map(|(known, _)| *known);
        // `agent` at the top is most likely meant of the alert.
        if *shape == Shape::Notification && ALERT.iter().any(|(known, _)| known == name) {
            write!(out, "; did you mean `latest.{name}`?")?;
        } else if let Some(near) = nearest(name, known()) {
            write!(out, "; did you mean `{near}`?")?;
        } else {
            out.write_char(';')?;
        }
        let names: Vec<&str> = known().collect();
        let has = if *shape == Shape::Alert { "it has" } else { "there are" };
        write!(out, " {has} {}", names.join(", "))
    }
}

impl std::error::Error for NoField {}

/// How long names are that are compared with others, at most.
const LONGEST: usize = 100;

/// The known name that is most like `name`, if one is.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Comparing takes the product of both lengths.
    let is_short = |known: &&str| known.len().max(name.len()) <= LONGEST;
    let distance = |known: &'a str| (strsim::osa_distance(known, name), known);
    let (distance, near) = known.into_iter().filter(is_short).map(distance).min()?;
    (distance <= 2 && distance < name.chars().count()).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_somewhere_or_says_where_it_ends() {
        #[track_caller]
        fn check(path: &str, expected: Result<Shape, &str>) {
            let followed = Shape::Notification.follow(path.split('.'));
            let followed = followed.map_err(|error| error.to_string());
            match (&followed, expected) {
                (Ok(shape), Ok(expected)) => assert_eq!(*shape, expected, "{path}"),
                (Err(error), Err(expected)) => {
                    assert!(error.contains(expected), "{path}: {error}");
                }
                _ => panic!("{path}: {followed:?}"),
            }
        }
        check("severity", Ok(Shape::Plain));
        check("latest.topic", Ok(Shape::Plain));
        check("alerts", Ok(Shape::Alerts));
        check("first.metadata.a.b.c", Ok(Shape::Open));
        check("group.agent", Ok(Shape::Open));
        check(
            "latest.sevrity",
            Err("an alert has no `sevrity`; did you mean `severity`? it has id"),
        );
        check("latest.zebra", Err("an alert has no `zebra`; it has id, at, severity"));
        check("sevrity", Err("there is no `sevrity`; did you mean `severity`? there are id"));
        check("topic", Err("did you mean `latest.topic`?"));
        check("alerts.topic", Err("`alerts` is a list and has no `topic`"));
        check("severity.upper", Err("a text or number has no `upper`"));
    }
}
