//! One account inside the book: its place in the tree, its limits, and what was counted at it.

use std::sync::Arc;

use safeguards_types::{AccountId, Priority, Quantity, Timestamp, Unit};
use smallvec::SmallVec;

use super::{
    arena::{Arena, Ix},
    holds::Counted,
};
use crate::{
    AccountState, Limit, LimitMode, Metadata, Percent, ProtectionStep, Window, window::Span,
};

/// Every account at which an amount counts; frozen when a command is accepted. The first is the spender, save
/// for a settlement that is attributed to a scope of its hold.
pub(super) type ChargeSet = Arc<[Ix<Node>]>;

/// What was spent and what is held of one unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
        Quantity::told(amount.steps().saturating_sub(self.used_steps()))
    }

    /// By how much a limit of `amount` is passed.
    pub(super) fn over(self, amount: Quantity) -> Quantity {
        Quantity::told(self.used_steps().saturating_sub(amount.steps()))
    }
}

/// Everything ever counted of one unit at one account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Totals {
    pub(super) unit: Ix<Unit>,
    /// By the account itself and everything below it.
    pub(super) all: Counter,
    /// By the account itself, as the spender.
    pub(super) direct: Counter,
}

/// The counter of a limit that begins again.
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowCounter {
    pub(super) span: Span,
    pub(super) counter: Counter,
}

/// A limit and, where it begins again, its counter. A lifetime limit reads the account's totals.
#[derive(Clone, Debug)]
pub(super) struct LimitState {
    pub(super) amount: Quantity,
    pub(super) unit: Ix<Unit>,
    pub(super) window: Ix<Window>,
    /// Tells this limit from one of the same unit and window that stood here before.
    pub(super) serial: u32,
    pub(super) mode: LimitMode,
    pub(super) warnings: Option<Box<[Percent]>>,
    pub(super) current: Option<Box<WindowCounter>>,
}

impl LimitState {
    pub(super) fn is_hard(&self) -> bool {
        self.mode == LimitMode::Hard
    }

    /// Whether spending may cross something here that a receipt tells.
    pub(super) fn reports(&self) -> bool {
        self.mode == LimitMode::Soft || (self.warnings.is_some() && self.is_hard())
    }

    /// What counts here at `now`; `all` is what its account counts of the unit in its lifetime.
    pub(super) fn counter(&self, all: Counter, now: Timestamp) -> Counter {
        match &self.current {
            None => all,
            Some(current) if !current.span.is_over(now) => current.counter,
            Some(_) => Counter::default(),
        }
    }

    /// The counter of the window that begins and ends so; begun anew where an earlier one stands.
    fn window_mut(&mut self, span: Span) -> Option<&mut Counter> {
        let current = self.current.as_deref_mut()?;
        if current.span.ends_at < span.ends_at {
            *current = WindowCounter { span, counter: Counter::default() };
        }
        (current.span.ends_at == span.ends_at).then_some(&mut current.counter)
    }
}

/// What few accounts have, or few commands ask for.
#[derive(Clone, Debug, Default)]
pub(super) struct Rare {
    pub(super) protection: Vec<ProtectionStep>,
    pub(super) metadata: Metadata,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) id: AccountId,
    /// Itself and everything above it, upward.
    pub(super) path: ChargeSet,
    pub(super) parent: Option<Ix<Self>>,
    pub(super) first_child: Option<Ix<Self>>,
    /// The next and the previous child of its parent, in no order that anybody sees.
    pub(super) next: Option<Ix<Self>>,
    pub(super) previous: Option<Ix<Self>>,
    pub(super) open_children: u32,
    /// How many open holds count here.
    pub(super) open_holds: u32,
    pub(super) priority: Priority,
    pub(super) suspended: bool,
    pub(super) closed: bool,
    pub(super) limits_made: u32,
    /// By unit, then the shortest window: the order in which they are asked.
    pub(super) limits: SmallVec<[LimitState; 1]>,
    pub(super) totals: SmallVec<[Totals; 1]>,
    pub(super) rare: Option<Box<Rare>>,
}

impl Node {
    pub(super) fn new(id: AccountId, parent: Option<Ix<Self>>, priority: Priority) -> Self {
        Self {
            id,
            path: Arc::from([]),
            parent,
            first_child: None,
            next: None,
            previous: None,
            open_children: 0,
            open_holds: 0,
            priority,
            suspended: false,
            closed: false,
            limits_made: 0,
            limits: SmallVec::new(),
            totals: SmallVec::new(),
            rare: None,
        }
    }

    pub(super) fn state(&self) -> AccountState {
        match (self.closed, self.suspended) {
            (true, _) => AccountState::Closed,
            (false, true) => AccountState::Suspended,
            (false, false) => AccountState::Open,
        }
    }

    pub(super) fn protection(&self) -> &[ProtectionStep] {
        self.rare.as_ref().map_or(&[], |rare| rare.protection.as_slice())
    }

    pub(super) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    fn totals(&self, unit: Ix<Unit>) -> Option<&Totals> {
        self.totals.iter().find(|totals| totals.unit == unit)
    }

    /// What was spent here ever and what is held here now.
    pub(super) fn all(&self, unit: Ix<Unit>) -> Counter {
        self.totals(unit).map_or_else(Counter::default, |totals| totals.all)
    }

    /// The part of it that was made with this account as the spender.
    pub(super) fn direct(&self, unit: Ix<Unit>) -> Counter {
        self.totals(unit).map_or_else(Counter::default, |totals| totals.direct)
    }

    /// Counts of a unit in the lifetime, also as the spender's own where `direct`.
    pub(super) fn count(&mut self, unit: Ix<Unit>, direct: bool, count: impl Fn(&mut Counter)) {
        let count = |totals: &mut Totals| {
            count(&mut totals.all);
            if direct {
                count(&mut totals.direct);
            }
        };
        if let Some(totals) = self.totals.iter_mut().find(|totals| totals.unit == unit) {
            return count(totals);
        }
        let mut totals = Totals { unit, all: Counter::default(), direct: Counter::default() };
        count(&mut totals);
        self.totals.push(totals);
    }

    /// Counts in a window of one of the limits, if that limit is still there and its window not over.
    pub(super) fn count_in(&mut self, counted: &Counted, count: impl FnOnce(&mut Counter)) {
        let limit = self.limits.iter_mut().find(|limit| limit.serial == counted.serial);
        if let Some(counter) = limit.and_then(|limit| limit.window_mut(counted.span)) {
            count(counter);
        }
    }

    /// Whether a window of one of the limits is the one that runs at `now`.
    pub(super) fn runs(&self, counted: &Counted, now: Timestamp) -> bool {
        self.limits.iter().filter(|limit| limit.serial == counted.serial).any(|limit| {
            limit.current.as_ref().is_some_and(|current| {
                current.span.ends_at == counted.span.ends_at && !current.span.is_over(now)
            })
        })
    }

    pub(super) fn limits_of(&self, unit: Ix<Unit>) -> impl Iterator<Item = &LimitState> {
        self.limits.iter().filter(move |limit| limit.unit == unit)
    }

    pub(super) fn limit(&self, unit: Ix<Unit>, window: Ix<Window>) -> Option<&LimitState> {
        self.limits.iter().find(|limit| limit.unit == unit && limit.window == window)
    }

    /// What counts at a limit at `now`.
    pub(super) fn counter(&self, limit: &LimitState, now: Timestamp) -> Counter {
        match limit.current {
            None => self.all(limit.unit),
            Some(_) => limit.counter(Counter::default(), now),
        }
    }

    /// What is kept of a limit from a spender of this priority.
    pub(super) fn protected(&self, amount: Quantity, spender: Priority) -> Quantity {
        match self.protection() {
            [] => Quantity::ZERO,
            steps => ProtectionStep::protected(steps, amount, spender),
        }
    }

    /// Sets a limit. A changed one keeps its counters; a new one begins in the window `opened`.
    pub(super) fn set_limit(
        &mut self,
        (unit, window): (Ix<Unit>, Ix<Window>),
        limit: &Limit,
        opened: Option<Span>,
        (units, windows): (&Arena<Unit>, &Arena<Window>),
    ) {
        let warnings = limit.warnings();
        let warnings = (!warnings.is_empty()).then(|| Box::from(warnings));
        let same = |known: &&mut LimitState| known.unit == unit && known.window == window;
        if let Some(known) = self.limits.iter_mut().find(same) {
            known.amount = limit.amount;
            known.mode = limit.mode;
            known.warnings = warnings;
            return;
        }
        let order = |known: &LimitState| {
            (units.get(known.unit), windows.get(known.window).by_length())
                < (&limit.unit, limit.window.by_length())
        };
        let at = self.limits.partition_point(order);
        let counter = Counter::default();
        let state = LimitState {
            amount: limit.amount,
            unit,
            window,
            serial: self.limits_made,
            mode: limit.mode,
            warnings,
            current: opened.map(|span| Box::new(WindowCounter { span, counter })),
        };
        self.limits_made = self.limits_made.saturating_add(1);
        // One limit is the rule, a few are common: room for four at once would be waste.
        self.limits.reserve_exact(1);
        self.limits.insert(at, state);
    }

    pub(super) fn remove_limit(&mut self, unit: Ix<Unit>, window: Ix<Window>) {
        self.limits.retain(|limit| limit.unit != unit || limit.window != window);
    }
}
