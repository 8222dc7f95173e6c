//! What is counted in the windows of limits: what must be, and what an entry tells.

use std::collections::BTreeMap;

use safeguards_budget::{CountedWindow, Entry, Fact, Part};
use safeguards_types::{AccountId, Amounts, Timestamp, Unit};

use super::{
    Auditor, Rule,
    state::{CapAt, Counted, Number, Span, Used},
};

/// A change of what a limit counts in one window.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) cap: CapAt,
    /// From when to when; `None` is the window of now.
    pub(super) window: Option<(Timestamp, Timestamp)>,
    part: Part,
    pub(super) used: Used,
    /// How much of it the entry must say that it counted there.
    told: i128,
}

/// How much an entry says that it counted in the current window of each limit.
pub(super) type Listed = BTreeMap<CapAt, i128>;

impl Auditor {
    /// Changes in the window of now, at each limit of these accounts that has windows.
    pub(super) fn changes_now(
        &self,
        set: &[AccountId],
        amounts: &Amounts,
        part: Part,
        used: fn(i128) -> Used,
    ) -> Vec<Change> {
        let nodes = set.iter().filter_map(|id| Some((id, self.state.nodes.get(id)?)));
        nodes
            .flat_map(|(id, node)| {
                let windowed = node.caps.iter().filter(|cap| cap.span.is_some());
                windowed.map(move |cap| (id, cap))
            })
            .filter_map(|(id, cap)| {
                let told = amounts.get(&cap.limit.unit).steps();
                let cap = CapAt { account: id.clone(), serial: cap.serial };
                (told > 0).then(|| Change { cap, window: None, part, used: used(told), told })
            })
            .collect()
    }

    /// Changes in the windows that something was counted in before, as far as their limits are still there.
    pub(super) fn changes_then(
        &self,
        counted: &[Counted],
        change: impl Fn(&Unit, Part) -> (Used, i128),
    ) -> Vec<Change> {
        counted
            .iter()
            .filter_map(|counted| {
                let cap = self.state.cap(&counted.cap)?;
                let (used, told) = change(&cap.limit.unit, counted.part);
                Some(Change {
                    cap: counted.cap.clone(),
                    window: Some((counted.started_at, counted.ends_at)),
                    part: Part::Held,
                    used,
                    told,
                })
            })
            .collect()
    }

    /// Takes the windows that an entry tells: begins those that are new, and adds up what is counted in each
    /// that is current. A window must be the one of now, or one of `then`.
    pub(super) fn listed(
        &mut self,
        entry: &Entry,
        windows: &[CountedWindow],
        then: &[Counted],
        quantity: impl Fn(Part, &Unit) -> i128,
    ) -> Listed {
        let mut listed = Listed::new();
        for window in windows {
            let at = CapAt { account: window.account.clone(), serial: window.serial };
            let then = then.iter().any(|then| {
                then.cap == at
                    && (then.started_at, then.ends_at) == (window.started_at, window.ends_at)
            });
            let is_its = self.state.cap(&at).is_none_or(|cap| {
                cap.limit.unit == window.unit && cap.limit.window == window.window
            });
            self.found.unless(is_its, Rule::Windows, format_args!("another limit: {window:?}"));
            let span = self.begin_window(entry, &at, window);
            let current = span.is_some_and(|span| span.is(window.started_at, window.ends_at));
            let of_now = current && span.is_some_and(|span| !span.is_over(entry.at));
            self.found.unless(
                of_now || then,
                Rule::Windows,
                format_args!("neither the window of now nor one of then: {window:?}"),
            );
            if current {
                let sum = listed.entry(at).or_default();
                *sum = sum.saturating_add(quantity(window.part, &window.unit));
            }
        }
        listed
    }

    /// Begins the window that an entry tells of, if the one before it is over. Gives the current one.
    fn begin_window(&mut self, entry: &Entry, at: &CapAt, told: &CountedWindow) -> Option<Span> {
        let cap = self.state.cap_mut(at)?;
        let span = cap.span.as_mut()?;
        let (started_at, ends_at) = (told.started_at, told.ends_at);
        if span.is_over(entry.at) && span.ends_at <= started_at && started_at <= entry.at {
            let next = Span { started_at, ends_at, used: Used::default() };
            if !next.is_over(entry.at) {
                *span = next;
            }
        }
        Some(*span)
    }

    /// Carries changes out, and compares them with what the entry tells. Gives the windows counted in.
    pub(super) fn change_windows(
        &mut self,
        entry: &Entry,
        mut listed: Listed,
        changes: &[Change],
    ) -> Vec<Counted> {
        let mut counted = Vec::new();
        // What must be told of each limit, and whether the window may just as well be left out.
        let mut expected: BTreeMap<&CapAt, (i128, bool)> = BTreeMap::new();
        for change in changes {
            let Some(cap) = self.state.cap_mut(&change.cap) else { continue };
            let Some(span) = cap.span.as_mut() else { continue };
            let over = span.is_over(entry.at);
            match change.window {
                None if over => {
                    let (limit, account) = (&cap.limit, &change.cap.account);
                    self.found.add(
                        Rule::Windows,
                        format_args!("{account}: {limit} has counted in no window of {}", entry.at),
                    );
                    continue;
                }
                Some((started_at, ends_at)) if !span.is(started_at, ends_at) => continue,
                None | Some(_) => {}
            }
            let used = &mut span.used;
            used.spent = used.spent.saturating_add(change.used.spent);
            used.held = used.held.saturating_add(change.used.held);
            let below = used.spent < 0 || used.held < 0;
            if below {
                self.found.add(
                    Rule::Windows,
                    format_args!(
                        "{}: below 0 in a window: {} spent, {} held",
                        change.cap.account,
                        Number(used.spent),
                        Number(used.held),
                    ),
                );
            }
            // What a hold gives back leaves the windows of its placement, which its own entry told.
            let optional = over || matches!(entry.fact, Fact::Freed { .. });
            let told = expected.entry(&change.cap).or_insert((0, true));
            *told = (told.0.saturating_add(change.told), told.1 && optional);
            if change.told > 0 && change.used.spent.max(change.used.held) > 0 {
                counted.push(Counted {
                    cap: change.cap.clone(),
                    started_at: span.started_at,
                    ends_at: span.ends_at,
                    part: change.part,
                });
            }
        }
        for (cap, (told, optional)) in expected {
            let listed = listed.remove(cap);
            let agrees = listed.unwrap_or(0) == told || (optional && listed.is_none());
            self.found.unless(
                agrees,
                Rule::Windows,
                format_args!(
                    "{}: {} told of a window in which {} counts",
                    cap.account,
                    Number(listed.unwrap_or(0)),
                    Number(told),
                ),
            );
        }
        for (cap, listed) in listed.into_iter().filter(|(_, listed)| *listed != 0) {
            self.found.add(
                Rule::Windows,
                format_args!(
                    "{}: {} told of a window in which nothing counts",
                    cap.account,
                    Number(listed)
                ),
            );
        }
        counted
    }
}
