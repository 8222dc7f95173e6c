//! [`Batch`]: steps side by side somewhere within a run; what fan-out, map-reduce, supervisor and vote share.

use std::num::NonZeroUsize;

use serde_json::Value;

use super::fault::{StrategyFault, listed};
use crate::{Move, Policy, Progress, Step, StepId, StepProgress};

/// How many steps run at once unless another number is set.
pub(super) const AT_ONCE: NonZeroUsize = NonZeroUsize::new(8).unwrap();

/// A number of steps that may run at once; 0 is read as 1.
pub(super) fn at_once(steps: usize) -> NonZeroUsize {
    NonZeroUsize::new(steps).unwrap_or(NonZeroUsize::MIN)
}

/// Steps side by side. All that were named before them must have succeeded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch<'a> {
    pub(super) progress: &'a Progress,
    /// How many steps were named before the first of these.
    pub(super) from: usize,
    /// How many there are to be.
    pub(super) len: usize,
    pub(super) at_once: NonZeroUsize,
}

/// How far a batch is.
#[derive(Debug)]
pub(super) enum Phase {
    /// These moves, and wait.
    Going(Vec<Move>),
    /// There is enough, after these moves. What is cancelled may still be running.
    Enough(Vec<Move>),
    /// It is in vain, because of this step, after these moves.
    InVain { moves: Vec<Move>, because_of: StepId, why: Option<String> },
    /// It cannot begin.
    Refused(StrategyFault),
}

/// Whether the rest still matters.
enum Verdict {
    Enough { because: String },
    InVain { because_of: StepId, because: String, why: Option<String> },
}

impl<'a> Batch<'a> {
    /// What comes next by `policy`; `make` gives the step at a place, from 0.
    pub(super) fn advance(self, policy: Policy, make: impl Fn(usize) -> Option<Step>) -> Phase {
        let Some(needed) = policy.needed(self.len) else {
            return Phase::Refused(StrategyFault::BadQuorum { policy, steps: self.len });
        };
        match self.verdict(policy, needed) {
            None => Phase::Going(self.starts(make)),
            Some(Verdict::Enough { because }) => {
                let mut moves = self.skips(make, &because);
                moves.extend(self.cancels());
                Phase::Enough(moves)
            }
            Some(Verdict::InVain { because_of, because, why }) => {
                Phase::InVain { moves: self.skips(make, &because), because_of, why }
            }
        }
    }

    /// Begins as many as there is room for.
    pub(super) fn starts(self, make: impl Fn(usize) -> Option<Step>) -> Vec<Move> {
        let room = self.at_once.get().saturating_sub(self.progress.running());
        let until = self.named().saturating_add(room).min(self.len);
        (self.named()..until).filter_map(make).map(Move::Start).collect()
    }

    /// Skips what is not named yet.
    pub(super) fn skips(self, make: impl Fn(usize) -> Option<Step>, because: &str) -> Vec<Move> {
        let skip = |step: Step| step.skip(because);
        (self.named()..self.len).filter_map(make).map(skip).collect()
    }

    /// Cancels what is running.
    fn cancels(self) -> impl Iterator<Item = Move> + 'a {
        let steps = if self.progress.running() == 0 { &[] } else { self.steps() };
        let running = steps.iter().filter(|step| step.state.is_none());
        running.map(|step| Move::Cancel(step.step.clone()))
    }

    /// Those that are named.
    pub(super) fn steps(self) -> &'a [StepProgress] {
        let from = self.progress.steps().get(self.from..).unwrap_or_default();
        from.get(..self.len).unwrap_or(from)
    }

    /// Those that succeeded, in their order.
    pub(super) fn succeeded(self) -> impl Iterator<Item = &'a StepProgress> {
        self.steps().iter().filter(|step| step.has_succeeded())
    }

    /// What each gave, in their order: `null` for what did not succeed.
    pub(super) fn outputs(self) -> Value {
        let output = |place| {
            let step: Option<&StepProgress> = self.steps().get(place);
            step.filter(|step| step.has_succeeded())?.output.clone()
        };
        (0..self.len).map(|place| output(place).unwrap_or_default()).collect()
    }

    /// Whether all are named, and none is running.
    pub(super) fn is_done(self) -> bool {
        self.named() == self.len && self.progress.running() == 0
    }

    fn named(self) -> usize {
        self.steps().len()
    }

    fn verdict(self, policy: Policy, needed: usize) -> Option<Verdict> {
        // Counted, not looked through: this is asked after every step.
        let succeeded = self.progress.succeeded().saturating_sub(self.from);
        let ended = self.named().saturating_sub(self.progress.running());
        let unsuccessful = ended.saturating_sub(succeeded);
        match policy {
            Policy::Any | Policy::Quorum(_) if succeeded >= needed => {
                let because = format!("{needed} succeeded, which is enough");
                Some(Verdict::Enough { because })
            }
            Policy::Any | Policy::Quorum(_) | Policy::FailFast => {
                let bearable = self.len.saturating_sub(needed);
                if unsuccessful <= bearable {
                    return self.is_done().then(|| Verdict::Enough { because: String::new() });
                }
                let mut ends = self.progress.ended(0).filter(|step| step.has_not_succeeded());
                let last_straw = ends.nth(bearable)?;
                let because_of = last_straw.step.clone();
                let mut because = ended_so(last_straw);
                if policy != Policy::FailFast {
                    because = format!("{policy} is out of reach: {because}");
                }
                Some(Verdict::InVain { because_of, because, why: self.why(policy) })
            }
            Policy::All | Policy::AtLeast(_) if self.is_done() => {
                let first = (succeeded < needed).then(|| self.progress.first_unsuccessful());
                Some(match first.flatten() {
                    None => Verdict::Enough { because: String::new() },
                    Some(step) => Verdict::InVain {
                        because_of: step.step.clone(),
                        because: ended_so(step),
                        why: self.why(policy),
                    },
                })
            }
            Policy::All | Policy::AtLeast(_) => None,
        }
    }

    /// Why it is in vain, where that is not the fault of one step: what the policy wants, and who failed.
    fn why(self, policy: Policy) -> Option<String> {
        let steps = self.len;
        let what = match policy {
            // One is enough, and its reason says it all.
            Policy::All | Policy::FailFast => return None,
            Policy::Any if steps == 1 => return None,
            Policy::Any => format!("none of {steps} steps succeeded"),
            Policy::Quorum(_) => format!("{policy} of {steps} steps can no longer be reached"),
            Policy::AtLeast(_) => {
                let succeeded = self.succeeded().count();
                format!("{succeeded} of {steps} steps succeeded, and {policy} must")
            }
        };
        Some(format!("{what}: {}", listed(unsuccessful(self.progress))))
    }
}

/// The steps that ended and did not succeed, in words, in the order of their ends.
pub(super) fn unsuccessful(progress: &Progress) -> impl Iterator<Item = String> {
    progress.ended(0).filter(|step| step.has_not_succeeded()).map(ended_so)
}

/// How a step ended, in words: `reader-2 was denied`.
pub(super) fn ended_so(step: &StepProgress) -> String {
    format!("{} {}", step.step, step.state.map_or("is running", |state| state.as_verb()))
}

/// The same of a step that has a name.
pub(super) fn because(progress: &Progress, because_of: &StepId) -> String {
    progress.step(because_of).map_or_else(String::new, ended_so)
}

impl StepProgress {
    /// The end of a run whose last step this is; nothing while it runs. `kept` is what there is to show if it did
    /// not succeed.
    pub(super) fn end_or_wait(&self, kept: Option<Value>) -> Vec<Move> {
        if self.state.is_none() {
            return Vec::new();
        }
        if self.has_succeeded() {
            return vec![self.finish()];
        }
        vec![Move::Stop { because_of: self.step.clone(), why: None, output: kept }]
    }
}
