//! [`Inhibitions`]: graver alerts that mute others for a while.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use safeguards_types::Timestamp;

use super::latest::earlier;
use crate::{Alert, AlertId, GroupKey, Router};

/// How many graver alerts are remembered before it is looked which of them are over.
const SOURCES_MAX: usize = 65_536;
/// How many of them with the same in common: while one of them is not resolved, it mutes.
const ALIKE_MAX: usize = 16;

/// The graver alerts of a short while ago: by the number of their rule, and by what they have in common with
/// those that they mute.
#[derive(Debug, Default)]
pub(super) struct Inhibitions(HashMap<(usize, GroupKey), VecDeque<Source>>);

#[derive(Clone, Copy, Debug)]
struct Source {
    alert: AlertId,
    until: Timestamp,
}

impl Inhibitions {
    /// Notes an alert that may mute others; gives the one that mutes it.
    pub(super) fn note(
        &mut self,
        router: &Router,
        alert: &Alert,
        id: AlertId,
        now: Timestamp,
    ) -> Option<AlertId> {
        let muting = self.muting(router, alert, id, now);
        for number in router.set_off_by(alert) {
            let Some(rule) = router.inhibitions().get(number) else {
                continue;
            };
            if self.0.len() >= SOURCES_MAX {
                self.0.retain(|_, alike| alike.back().is_some_and(|latest| latest.until > now));
            }
            let until = now.saturating_add(rule.lasts);
            let in_common = GroupKey::of(&rule.equal, alert);
            let alike = self.0.entry((number, in_common)).or_default();
            if alike.len() >= ALIKE_MAX {
                alike.pop_front();
            }
            alike.push_back(Source { alert: id, until });
        }
        muting
    }

    /// The graver alert that mutes this one, if any.
    pub(super) fn muting(
        &self,
        router: &Router,
        alert: &Alert,
        id: AlertId,
        now: Timestamp,
    ) -> Option<AlertId> {
        if self.0.is_empty() {
            return None;
        }
        router.may_mute(alert).find_map(|number| {
            let rule = router.inhibitions().get(number)?;
            // What may mute is not muted by its own kind, or two would mute each other.
            if rule.by.matches(alert) {
                return None;
            }
            let alike = self.0.get(&(number, GroupKey::of(&rule.equal, alert)))?;
            let mutes = |source: &&Source| source.until > now && source.alert != id;
            alike.iter().rev().find(mutes).map(|source| source.alert)
        })
    }

    /// The clock was set back by so much.
    pub(super) fn set_back(&mut self, by: Duration) {
        for source in self.0.values_mut().flatten() {
            source.until = earlier(source.until, by);
        }
    }

    /// What an alert tells of is over: it mutes nothing any longer.
    pub(super) fn end(&mut self, alert: AlertId) {
        self.0.retain(|_, alike| {
            alike.retain(|source| source.alert != alert);
            !alike.is_empty()
        });
    }
}
