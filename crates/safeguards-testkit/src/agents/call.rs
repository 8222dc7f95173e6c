//! [`Call`]: what became of one call of a scripted agent.

use std::sync::Arc;

use parking_lot::Mutex;
use safeguards_coord::{AttemptId, Context, RunId, Task};
use safeguards_types::Amounts;

/// One call of a scripted agent, and what became of it so far.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// In which run.
    pub run: RunId,
    /// As which attempt of which step.
    pub attempt: AttemptId,
    /// What was to be done.
    pub task: Task,
    /// What was set aside for it.
    pub held: Amounts,
    /// What it drew: what it charged in all, or what it reported if that is more.
    pub drawn: Amounts,
    /// What it charged in all.
    pub(super) charged: Amounts,
    /// What it said at its end that it cost; none where it did not say, or did not come to its end.
    pub said: Option<Amounts>,
    /// How it ended.
    pub end: CallEnd,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CallEnd {
    /// It has not: it is running.
    Running,
    /// With a reply.
    Replied,
    /// With an error.
    Failed,
    /// It panicked.
    Panicked,
    /// It was stopped by force.
    Dropped,
}

impl Call {
    /// What it really cost, as far as it came: what it drew or what it said, whichever is more of each unit. Of a cost
    /// by usage nothing: only a price table knows it.
    pub fn spent(&self) -> Amounts {
        match &self.said {
            Some(said) => larger(&self.drawn, said),
            None => self.drawn.clone(),
        }
    }

    pub(super) fn charge(&mut self, amounts: &Amounts) {
        self.charged.add_all(amounts);
        self.drawn = larger(&self.drawn, &self.charged);
    }

    pub(super) fn report(&mut self, so_far: &Amounts) {
        self.drawn = larger(&self.drawn, so_far);
    }
}

/// The larger of two, unit by unit.
fn larger(one: &Amounts, other: &Amounts) -> Amounts {
    let mut larger = one.clone();
    for amount in other {
        if amount.quantity() > larger.get(amount.unit()) {
            larger.set(amount.clone());
        }
    }
    larger
}

/// All calls of an agent, in the order in which they began.
pub(super) type Calls = Arc<Mutex<Vec<Call>>>;

/// Notes what becomes of a call. Dropped before its end, it was stopped by force.
pub(super) struct Noting {
    calls: Calls,
    place: usize,
}

impl Noting {
    pub(super) fn begin(calls: &Calls, task: &Task, cx: &Context) -> Self {
        let mut all = calls.lock();
        all.push(Call {
            run: cx.run().clone(),
            attempt: cx.attempt().clone(),
            task: task.clone(),
            held: cx.held().clone(),
            drawn: Amounts::none(),
            charged: Amounts::none(),
            said: None,
            end: CallEnd::Running,
        });
        Self { calls: Arc::clone(calls), place: all.len().saturating_sub(1) }
    }

    /// How many calls began before this one.
    pub(super) const fn number(&self) -> usize {
        self.place
    }

    pub(super) fn note(&self, note: impl FnOnce(&mut Call)) {
        if let Some(call) = self.calls.lock().get_mut(self.place) {
            note(call);
        }
    }
}

impl Drop for Noting {
    fn drop(&mut self) {
        self.note(|call| {
            if call.end == CallEnd::Running {
                call.end = CallEnd::Dropped;
            }
        });
    }
}
