//! [`Names`]: who is here by name, and where each stands among the names, as one number to compare.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

use safeguards_types::AgentId;

use super::slot::{Slot, place};

/// Who is here by name. Each has a label, so that of two agents the one whose name comes first has the smaller:
/// comparing labels touches no text. Labels are given with gaps; where a gap is used up, all are given anew
/// (P. Dietz, D. Sleator, *Two Algorithms for Maintaining Order in a List*, 1987, in its plainest form).
#[derive(Debug, Default)]
pub(super) struct Names {
    by_name: BTreeMap<AgentId, Slot>,
    labels: Vec<u64>,
    /// Who came last: names often come in order, upwards or downwards.
    latest: Option<Slot>,
}

/// The gap behind the last name, and before the first.
const GAP_OUTSIDE: u64 = 1 << 40;
/// The gap that is left between names that come in order.
const GAP_INSIDE: u64 = 1 << 20;

impl Names {
    pub(super) fn find(&self, name: &str) -> Option<Slot> {
        self.by_name.get(name).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Everybody, by name.
    pub(super) fn slots(&self) -> Vec<Slot> {
        self.by_name.values().copied().collect()
    }

    /// Where a slot's agent stands among the names.
    pub(super) fn label(&self, slot: Slot) -> u64 {
        place(slot).and_then(|place| self.labels.get(place)).copied().unwrap_or(0)
    }

    /// From this label on stand the names that come after `name`, whether somebody of that name is here or not.
    pub(super) fn label_after(&self, name: &str) -> Option<u64> {
        let mut after = self.by_name.range::<str, _>((Excluded(name), Unbounded));
        after.next().map(|(_, slot)| self.label(*slot))
    }

    pub(super) fn insert(&mut self, name: AgentId, slot: Slot) {
        let before = self.by_name.range::<str, _>((Unbounded, Excluded(name.as_str()))).next_back();
        let before = before.map(|(_, slot)| *slot);
        let after = self.by_name.range::<str, _>((Excluded(name.as_str()), Unbounded)).next();
        let after = after.map(|(_, slot)| *slot);
        let label = self.between(before, after);
        self.by_name.insert(name, slot);
        let Some(place) = place(slot) else { return };
        if self.labels.len() <= place {
            self.labels.resize(place.saturating_add(1), 0);
        }
        match (label, self.labels.get_mut(place)) {
            (Some(label), Some(slot)) => *slot = label,
            (None, _) | (_, None) => self.spread(),
        }
        self.latest = Some(slot);
    }

    pub(super) fn remove(&mut self, name: &AgentId) {
        self.by_name.remove(name);
    }

    /// A label between those of two neighbors; `None` where there is no room.
    fn between(&self, before: Option<Slot>, after: Option<Slot>) -> Option<u64> {
        let (low, high) = (before.map(|slot| self.label(slot)), after.map(|slot| self.label(slot)));
        match (low, high) {
            (None, None) => Some(u64::MAX >> 1),
            (Some(low), None) => low.checked_add(GAP_OUTSIDE),
            (None, Some(high)) => high.checked_sub(GAP_OUTSIDE),
            (Some(low), Some(high)) => {
                let half = high.checked_sub(low)? >> 1;
                let step = half.min(GAP_INSIDE);
                let label = if before == self.latest {
                    low.checked_add(step)?
                } else if after == self.latest {
                    high.checked_sub(step)?
                } else {
                    low.checked_add(half)?
                };
                (low < label && label < high).then_some(label)
            }
        }
    }

    /// Gives labels anew, with the same gap between all.
    fn spread(&mut self) {
        let count = u64::try_from(self.by_name.len()).unwrap_or(u64::MAX);
        let gap = u64::MAX.checked_div(count.saturating_add(1)).unwrap_or(1);
        let mut label = 0_u64;
        for slot in self.by_name.values() {
            label = label.saturating_add(gap);
            if let Some(place) = place(*slot).and_then(|place| self.labels.get_mut(place)) {
                *place = label;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inserts names in this order; labels must then rise with the names.
    #[track_caller]
    fn check(names: impl IntoIterator<Item = String>) {
        let mut all = Names::default();
        for (slot, name) in (0..).zip(names) {
            all.insert(name.as_str().into(), slot);
        }
        let labels: Vec<u64> = all.by_name.values().map(|slot| all.label(*slot)).collect();
        assert!(labels.is_sorted_by(|one, next| one < next), "{labels:?}");
    }

    #[test]
    fn labels_rise_with_names_in_whatever_order_these_come() {
        let name = |number: u64| format!("{number:08}");
        check((0..10_000).map(name));
        check((0..10_000).rev().map(name));
        // Always into the same gap, from below and from above and in the middle.
        check([0, 99_999_999].into_iter().chain(1..10_000).map(name));
        check([0, 99_999_999].into_iter().chain((1..10_000).rev()).map(name));
        let zigzag = (1..500).flat_map(|step| [step, 1_000 - step]);
        check(zigzag.map(name));
        check((0..10_000).map(|number| name(number * 7_919 % 10_007)));
    }

    #[test]
    fn after_a_name_stand_those_that_come_later() {
        let mut names = Names::default();
        names.insert("b".into(), 0);
        names.insert("d".into(), 1);
        assert_eq!(names.label_after("a"), Some(names.label(0)));
        assert_eq!(names.label_after("b"), Some(names.label(1)));
        assert_eq!(names.label_after("c"), Some(names.label(1)));
        assert_eq!(names.label_after("d"), None);
    }
}
