//! One account inside the book: its limits and what was counted at it.

use std::sync::Arc;

use safeguards_types::{AccountId, Amount, Amounts, Priority, Quantity, Timestamp, Unit};

use super::{
    arena::{Arena, Ix},
    holds::HeldWindow,
};
use crate::{Account, Limit, LimitUsage, ProtectionStep, Window, window::Span};

/// What was spent and what is held of one unit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counter {
    pub(super) spent: Quantity,
    pub(super) held: Quantity,
}

impl Counter {
    /// Spent and held together, in steps: the sum of two quantities may be more than one can hold.
    pub(super) fn used_steps(self) -> i128 {
        self.spent.steps().saturating_add(self.held.steps())
    }

    /// What a limit of `amount` has left.
    pub(super) fn left_of(self, amount: Quantity) -> Quantity {
        let left = amount.steps().saturating_sub(self.used_steps());
        Quantity::from_steps(left).unwrap_or(Quantity::ZERO)
    }

    /// By how much a limit of `amount` is passed.
    pub(super) fn over(self, amount: Quantity) -> Quantity {
        let over = self.used_steps().saturating_sub(amount.steps());
        Quantity::from_steps(over.max(0)).unwrap_or(Quantity::MAX)
    }
}

/// The counter of a limit that begins again.
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowCounter {
    pub(super) span: Span,
    counter: Counter,
}

/// A limit and, where it begins again, its counter. A lifetime limit reads the account's totals.
#[derive(Clone, Debug)]
pub(super) struct LimitState {
    /// Tells this limit from one of the same unit and window that stood here before.
    pub(super) serial: u32,
    pub(super) unit: Ix<Unit>,
    pub(super) limit: Limit,
    pub(super) current: Option<WindowCounter>,
}

impl LimitState {
    /// Begins a new window where the old one has ended.
    fn roll(&mut self, now: Timestamp) {
        let Some(current) = &mut self.current else {
            return;
        };
        if current.span.is_over(now)
            && let Some(span) = self.limit.window.span_at(now)
        {
            *current = WindowCounter { span, counter: Counter::default() };
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct AccountState {
    pub(super) id: AccountId,
    pub(super) parent: Option<Ix<Self>>,
    pub(super) priority: Priority,
    pub(super) protection: Vec<ProtectionStep>,
    /// Itself and everything above it, upward.
    pub(super) path: Arc<[Ix<Self>]>,
    /// The names of `path`, for entries.
    pub(super) path_ids: Arc<[AccountId]>,
    /// By unit, then the shortest window: the order in which they are asked.
    limits: Vec<LimitState>,
    limits_made: u32,
    totals: Vec<(Ix<Unit>, Counter)>,
}

impl AccountState {
    pub(super) fn new(
        id: AccountId,
        parent: Option<Ix<Self>>,
        priority: Priority,
        protection: Vec<ProtectionStep>,
    ) -> Self {
        Self {
            id,
            parent,
            priority,
            protection,
            path: Arc::from([]),
            path_ids: Arc::from([]),
            limits: Vec::new(),
            limits_made: 0,
            totals: Vec::new(),
        }
    }

    /// What was spent here ever and what is held here now.
    pub(super) fn total(&self, unit: Ix<Unit>) -> Counter {
        let found = self.totals.iter().find(|(known, _)| *known == unit);
        found.map_or_else(Counter::default, |(_, counter)| *counter)
    }

    fn total_mut(&mut self, unit: Ix<Unit>) -> Option<&mut Counter> {
        if !self.totals.iter().any(|(known, _)| *known == unit) {
            self.totals.push((unit, Counter::default()));
        }
        self.totals.iter_mut().find(|(known, _)| *known == unit).map(|(_, counter)| counter)
    }

    pub(super) fn limits_of(&self, unit: Ix<Unit>) -> impl Iterator<Item = &LimitState> {
        self.limits.iter().filter(move |state| state.unit == unit)
    }

    pub(super) fn limit_count(&self) -> usize {
        self.limits.len()
    }

    pub(super) fn limit(&self, unit: &Unit, window: &Window) -> Option<&LimitState> {
        self.limits.iter().find(|state| state.limit.is_same(unit, window))
    }

    /// What counts at a limit at `now`.
    pub(super) fn counter(&self, state: &LimitState, now: Timestamp) -> Counter {
        match &state.current {
            None => self.total(state.unit),
            Some(current) if !current.span.is_over(now) => current.counter,
            Some(_) => Counter::default(),
        }
    }

    /// What is kept of a limit from a spender of this priority.
    pub(super) fn protected(&self, limit: &Limit, spender: Priority) -> Quantity {
        ProtectionStep::protected(&self.protection, limit.amount, spender)
    }

    /// Sets a limit. A changed one keeps its counters; a new window begins with nothing counted.
    pub(super) fn set_limit(&mut self, unit: Ix<Unit>, limit: Limit, now: Timestamp) {
        let same = |state: &&mut LimitState| state.limit.is_same(&limit.unit, &limit.window);
        if let Some(state) = self.limits.iter_mut().find(same) {
            state.limit = limit;
            return;
        }
        let current = limit.window.span_at(now).map(|span| WindowCounter {
            span: Span { started_at: span.started_at.max(now), ..span },
            counter: Counter::default(),
        });
        let order = |state: &LimitState| {
            (&state.limit.unit, state.limit.window.by_length())
                < (&limit.unit, limit.window.by_length())
        };
        let at = self.limits.partition_point(order);
        self.limits.insert(at, LimitState { serial: self.limits_made, unit, limit, current });
        self.limits_made = self.limits_made.saturating_add(1);
    }

    /// Counts spending, in the windows of `now`. Bounds were checked before.
    pub(super) fn spend(&mut self, unit: Ix<Unit>, amount: Quantity, now: Timestamp) {
        if let Some(total) = self.total_mut(unit) {
            total.spent = total.spent.saturating_add(amount);
        }
        for state in self.limits.iter_mut().filter(|state| state.unit == unit) {
            state.roll(now);
            if let Some(current) = &mut state.current {
                current.counter.spent = current.counter.spent.saturating_add(amount);
            }
        }
    }

    /// Sets aside, in the windows of `now`; tells which those are.
    pub(super) fn hold(
        &mut self,
        unit: Ix<Unit>,
        amount: Quantity,
        now: Timestamp,
        mut counted: impl FnMut(HeldWindow),
    ) {
        if let Some(total) = self.total_mut(unit) {
            total.held = total.held.saturating_add(amount);
        }
        for state in self.limits.iter_mut().filter(|state| state.unit == unit) {
            state.roll(now);
            if let Some(current) = &mut state.current {
                current.counter.held = current.counter.held.saturating_add(amount);
                counted(HeldWindow { unit, serial: state.serial, ends_at: current.span.ends_at });
            }
        }
    }

    /// Gives back what was held of a unit and counts the part that was spent, in the windows of its
    /// placement as far as they still run.
    pub(super) fn end_hold(
        &mut self,
        unit: Ix<Unit>,
        held: Quantity,
        spent: Quantity,
        windows: impl Iterator<Item = HeldWindow>,
    ) {
        let end = |counter: &mut Counter| {
            counter.held = counter.held.saturating_sub(held);
            counter.spent = counter.spent.saturating_add(spent);
        };
        if let Some(total) = self.total_mut(unit) {
            end(total);
        }
        for window in windows.filter(|window| window.unit == unit) {
            let placed_in = |state: &&mut LimitState| state.serial == window.serial;
            let state = self.limits.iter_mut().find(placed_in);
            if let Some(current) = state.and_then(|state| state.current.as_mut())
                && current.span.ends_at == window.ends_at
            {
                end(&mut current.counter);
            }
        }
    }

    /// How the account stands at `now`. `due` says how much of what is held has run out unnoticed.
    pub(super) fn view(
        &self,
        units: &Arena<Unit>,
        parent: Option<AccountId>,
        now: Timestamp,
        due: impl Fn(Ix<Unit>, Option<&LimitState>) -> Quantity,
    ) -> Account {
        let limits = self.limits.iter().map(|state| {
            let mut counter = self.counter(state, now);
            counter.held = counter.held.saturating_sub(due(state.unit, Some(state)));
            // A window that nobody has spent in since it ended shows the one that runs now.
            let span = state.current.and_then(|current| {
                if current.span.is_over(now) {
                    state.limit.window.span_at(now)
                } else {
                    Some(current.span)
                }
            });
            LimitUsage {
                limit: state.limit.clone(),
                spent: counter.spent,
                held: counter.held,
                available: counter.left_of(state.limit.amount),
                over_by: counter.over(state.limit.amount),
                window_started_at: span.map(|span| span.started_at),
                window_ends_at: span.map(|span| span.ends_at),
            }
        });
        let totals = |amount: &dyn Fn(Ix<Unit>, Counter) -> Quantity| -> Amounts {
            let amounts = self
                .totals
                .iter()
                .map(|(unit, counter)| (amount(*unit, *counter), units.get(*unit).clone()));
            amounts
                .filter(|(quantity, _)| !quantity.is_zero())
                .map(|(quantity, unit)| Amount::new(quantity, unit))
                .collect()
        };
        Account {
            id: self.id.clone(),
            parent,
            priority: self.priority,
            limits: limits.collect(),
            protection: self.protection.clone(),
            spent: totals(&|_, counter| counter.spent),
            held: totals(&|unit, counter| counter.held.saturating_sub(due(unit, None))),
        }
    }
}
