//! [`Recent`]: what was told a short while ago, so that repeats are counted and not told again.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use safeguards_types::{AgentId, Severity, Timestamp};

use crate::{Alert, AlertId, Topic};

/// How many are remembered. Beyond, the one that is over the soonest is forgotten: it would be told again.
const RECENT_MAX: usize = 65_536;

/// Which alerts tell the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Same {
    Key(String),
    Words { topic: Topic, severity: Severity, agent: Option<AgentId>, message: String },
}

impl Same {
    fn of(alert: &Alert) -> Self {
        match alert.key() {
            Some(key) => Self::Key(key.to_owned()),
            None => Self::Words {
                topic: alert.topic().clone(),
                severity: alert.severity(),
                agent: alert.agent().cloned(),
                message: alert.message().to_owned(),
            },
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Recent {
    told: HashMap<(usize, Same), Told>,
    /// By the end of the cooldown; the number keeps equal ends apart.
    ends: BTreeMap<(Timestamp, u64), (usize, Same)>,
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    alert: AlertId,
    end: (Timestamp, u64),
    /// How many repeats came since.
    repeats: u64,
}

impl Recent {
    /// Whether this route told the same within `cooldown`: then it is counted, and the alert that was told is
    /// given. Else it is told now, and remembered.
    pub(super) fn repeated(
        &mut self,
        route: usize,
        alert: &Alert,
        id: AlertId,
        cooldown: Option<Duration>,
        now: Timestamp,
    ) -> Option<AlertId> {
        let cooldown = cooldown?;
        let key = (route, Same::of(alert));
        let mut repeats = 0;
        if let Some(told) = self.told.get_mut(&key) {
            if told.end.0 > now {
                told.repeats = told.repeats.saturating_add(1);
                return Some(told.alert);
            }
            repeats = told.repeats;
            self.ends.remove(&told.end);
        }
        let end = (now.saturating_add(cooldown), self.next);
        self.next = self.next.saturating_add(1);
        self.ends.insert(end, key.clone());
        self.told.insert(key, Told { alert: id, end, repeats });
        if self.told.len() > RECENT_MAX
            && let Some((_, soonest)) = self.ends.pop_first()
        {
            self.told.remove(&soonest);
        }
        None
    }

    /// How many repeats came since the same was told the last time; from here on none.
    pub(super) fn take_repeats(&mut self, route: usize, alert: &Alert) -> u64 {
        if self.told.is_empty() {
            return 0;
        }
        let told = self.told.get_mut(&(route, Same::of(alert)));
        told.map_or(0, |told| std::mem::take(&mut told.repeats))
    }

    /// An alert that was to be told was muted before it was: the next that tells the same is news.
    pub(super) fn untold(&mut self, route: usize, alert: &Alert, id: AlertId) {
        if self.told.is_empty() {
            return;
        }
        let key = (route, Same::of(alert));
        if self.told.get(&key).is_some_and(|told| told.alert == id)
            && let Some(told) = self.told.remove(&key)
        {
            self.ends.remove(&told.end);
        }
    }

    /// What it tells of is over: when it comes again it is news, on every route.
    pub(super) fn forget(&mut self, alert: &Alert) {
        let same = Same::of(alert);
        let Self { told, ends, next: _ } = self;
        told.retain(|(_, known), told| {
            let is_kept = *known != same;
            if !is_kept {
                ends.remove(&told.end);
            }
            is_kept
        });
    }
}
