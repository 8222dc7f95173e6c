//! [`Silence`] and [`Inhibition`]: what is not told for a time; [`Silences`]: those that hold.

use std::{collections::BTreeMap, time::Duration};

use safeguards_types::Timestamp;
use serde::Serialize;

use super::{group::GroupLabel, index::MatchIndex, source::Line, write};
use crate::{Alert, AlertMatch};

/// Mutes what it matches until its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Silence {
    /// Which alerts it mutes.
    #[serde(flatten)]
    pub when: AlertMatch,
    /// From when on; `None`: from the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Until when; at this instant it is over.
    pub until: Timestamp,
    /// Why, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// Where it stands in its file.
    #[serde(skip)]
    pub(crate) line: Line,
}

/// Mutes some alerts while others, which say more, are recent.
///
/// While an alert that `by` means was sent less than `lasts` ago and is not resolved, alerts that `mutes` means
/// are muted if both have the same of each label in `equal`.
///
/// ```
/// use safeguards_notify::{AlertMatch, GroupLabel, Inhibition};
/// use safeguards_types::Severity;
///
/// // What is critical about an agent mutes its warnings.
/// let critical = AlertMatch::all().at_least(Severity::Critical);
/// let warnings = AlertMatch::all().at_most(Severity::High);
/// let inhibition = Inhibition::new(critical, warnings).equal([GroupLabel::Agent]);
/// assert_eq!(inhibition.lasts, Inhibition::LASTS);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Inhibition {
    /// The alerts that mute others.
    pub by: AlertMatch,
    /// The alerts that they mute.
    pub mutes: AlertMatch,
    /// What both must have the same of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub equal: Vec<GroupLabel>,
    /// For how long one alert mutes others.
    #[serde(serialize_with = "write::span")]
    pub lasts: Duration,
    /// Where it stands in its file.
    #[serde(skip)]
    pub(crate) line: Line,
}

impl Silence {
    /// Mutes what `when` means until `until`.
    pub fn until(when: AlertMatch, until: Timestamp) -> Self {
        Self { when, from: None, until, comment: String::new(), line: Line::default() }
    }

    /// Mutes nothing before `from`.
    #[must_use]
    pub fn from(self, from: Timestamp) -> Self {
        Self { from: Some(from), ..self }
    }

    /// Says why, for people.
    #[must_use]
    pub fn comment(self, comment: impl Into<String>) -> Self {
        Self { comment: comment.into(), ..self }
    }

    /// Whether it holds at this time.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && now < self.until
    }

    /// Whether it mutes `alert` at this time.
    pub fn mutes(&self, alert: &Alert, now: Timestamp) -> bool {
        self.holds_at(now) && self.when.matches(alert)
    }
}

impl Inhibition {
    /// For how long one alert mutes others, where nothing else is said: five minutes.
    pub const LASTS: Duration = Duration::from_mins(5);

    /// What `by` means mutes what `mutes` means.
    pub fn new(by: AlertMatch, mutes: AlertMatch) -> Self {
        Self { by, mutes, equal: Vec::new(), lasts: Self::LASTS, line: Line::default() }
    }

    /// Only where both have the same of these labels.
    #[must_use]
    pub fn equal(mut self, labels: impl IntoIterator<Item = GroupLabel>) -> Self {
        self.equal.extend(labels);
        self
    }

    /// Says for how long one alert mutes others.
    #[must_use]
    pub fn lasts(self, lasts: Duration) -> Self {
        Self { lasts, ..self }
    }
}

/// Silences, found without a look at each of them. They may be added and taken back at any time.
///
/// ```
/// use safeguards_notify::{Alert, AlertMatch, Silence, Silences, topic};
/// use safeguards_types::{Severity, Timestamp};
///
/// let [now, noon] = ["2026-01-05T09:00:00Z", "2026-01-05T12:00:00Z"].map(Timestamp::parse);
/// let (now, noon) = (now?, noon?);
/// let mut silences = Silences::default();
/// let number = silences.add(Silence::until(AlertMatch::all().agent("reader"), noon));
///
/// let alert = Alert::new(Severity::Low, topic!("team.note"), "ready").about("reader");
/// assert_eq!(silences.silenced_by(&alert, now), Some(number));
/// assert_eq!(silences.silenced_by(&alert, noon), None);
/// # Ok::<(), safeguards_types::TimestampError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Silences {
    by_number: BTreeMap<usize, Silence>,
    index: MatchIndex,
    next: usize,
}

impl Silences {
    /// Adds a silence; gives its number. Numbers count up from 0, and none is given twice.
    pub fn add(&mut self, silence: Silence) -> usize {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        self.index.insert(number, &silence.when);
        self.by_number.insert(number, silence);
        number
    }

    /// Takes a silence back; gives it, if it was there.
    pub fn remove(&mut self, number: usize) -> Option<Silence> {
        let silence = self.by_number.remove(&number)?;
        self.index.remove(number, &silence.when);
        Some(silence)
    }

    /// Takes back all silences that are over at this time.
    pub fn forget_over(&mut self, now: Timestamp) {
        let index = &mut self.index;
        self.by_number.retain(|number, silence| {
            let is_over = silence.until <= now;
            if is_over {
                index.remove(*number, &silence.when);
            }
            !is_over
        });
    }

    /// The number of the first silence that mutes `alert` at this time.
    pub fn silenced_by(&self, alert: &Alert, now: Timestamp) -> Option<usize> {
        if self.by_number.is_empty() {
            return None;
        }
        let mutes = |number: &usize| {
            self.by_number.get(number).is_some_and(|silence| silence.mutes(alert, now))
        };
        self.index.candidates(alert).into_iter().find(mutes)
    }

    /// A silence by its number.
    pub fn get(&self, number: usize) -> Option<&Silence> {
        self.by_number.get(&number)
    }

    /// All silences with their numbers, in the order in which they were added.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (usize, &Silence)> {
        self.by_number.iter().map(|(number, silence)| (*number, silence))
    }
}

impl FromIterator<Silence> for Silences {
    fn from_iter<I: IntoIterator<Item = Silence>>(silences: I) -> Self {
        let mut all = Self::default();
        for silence in silences {
            all.add(silence);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use safeguards_types::Severity;

    use super::*;
    use crate::topic;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos).unwrap()
    }

    #[test]
    fn a_silence_holds_from_its_beginning_until_its_end() {
        let silence = Silence::until(AlertMatch::all(), at(20)).from(at(10));
        let holds = [9, 10, 19, 20].map(|now| silence.holds_at(at(now)));
        assert_eq!(holds, [false, true, true, false]);
    }

    #[test]
    fn silences_come_and_go() {
        let alert = Alert::new(Severity::Low, topic!("a.b"), "").about("reader");
        let mut silences = Silences::default();
        let other = silences.add(Silence::until(AlertMatch::all().agent("writer"), at(100)));
        let short = silences.add(Silence::until(AlertMatch::all().agent("reader"), at(10)));
        let long = silences.add(Silence::until(AlertMatch::all().topic(topic!("a.b")), at(20)));
        assert_eq!((other, short, long), (0, 1, 2));
        assert_eq!(silences.silenced_by(&alert, at(0)), Some(short));
        assert_eq!(silences.silenced_by(&alert, at(10)), Some(long));
        assert_eq!(silences.silenced_by(&alert, at(20)), None);
        silences.forget_over(at(10));
        assert_eq!(silences.iter().map(|(number, _)| number).collect::<Vec<_>>(), [other, long]);
        assert!(silences.remove(long).is_some() && silences.remove(long).is_none());
        assert_eq!(silences.silenced_by(&alert, at(0)), None);
        assert_eq!(silences.add(Silence::until(AlertMatch::all(), at(5))), 3);
        assert_eq!(silences.silenced_by(&alert, at(0)), Some(3));
        assert!(silences.get(3).is_some() && silences.get(long).is_none());
    }
}
