//! [`Script`]: what goes wrong next: by a script, else by a plan.

use std::{collections::VecDeque, fmt};

use parking_lot::Mutex;

/// What goes wrong next. `Of` is what the plan looks at.
pub(crate) struct Script<Of: ?Sized, Fault> {
    next: Mutex<VecDeque<Option<Fault>>>,
    plan: Mutex<Plan<Of, Fault>>,
}

type Plan<Of, Fault> = Box<dyn FnMut(&Of) -> Option<Fault> + Send>;

impl<Of: ?Sized, Fault> Default for Script<Of, Fault> {
    fn default() -> Self {
        Self { next: Mutex::default(), plan: Mutex::new(Box::new(|_| None)) }
    }
}

impl<Of: ?Sized, Fault> Script<Of, Fault> {
    pub(crate) fn extend(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.next.lock().extend(faults);
    }

    pub(crate) fn plan(&self, plan: impl FnMut(&Of) -> Option<Fault> + Send + 'static) {
        *self.plan.lock() = Box::new(plan);
    }

    pub(crate) fn mend(&self) {
        self.next.lock().clear();
        self.plan(|_| None);
    }

    pub(crate) fn take(&self, of: &Of) -> Option<Fault> {
        let scripted = self.next.lock().pop_front();
        scripted.unwrap_or_else(|| (self.plan.lock())(of))
    }
}

impl<Of: ?Sized, Fault> fmt::Debug for Script<Of, Fault> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Script").finish_non_exhaustive()
    }
}
