//! [`Past`]: what a run that is resumed knows of the legs before.

use std::collections::HashMap;

use safeguards_types::{Amounts, Timestamp};

use crate::{
    AttemptId, Intent, Outcome, RunEntry, RunId, RunStore, RunStoreBounds, RunStoreError, State,
    StepId, StepReport,
};

/// What a run that is resumed knows of the legs before. Of a run that begins it is empty.
#[derive(Debug, Default)]
pub(super) struct Past {
    steps: HashMap<StepId, PastStep>,
    /// The steps, in the order in which they were first written down.
    order: Vec<StepId>,
}

/// What is known of a step from the legs before.
#[derive(Debug, Default)]
pub(super) struct PastStep {
    /// The intent of its last attempt.
    intent: Option<Intent>,
    /// How its attempts ended, in their order.
    outcomes: Vec<Outcome>,
    /// How many of these count as tries.
    tried: u32,
    /// Where its end stands among the ends that the strategy was told of; none where it goes on.
    end: Option<(u32, u64)>,
}

/// Where a step that is begun stands, as far as the past knows.
#[derive(Debug)]
pub(super) enum Standing {
    /// It ended: this is how, and when the strategy was told.
    Ended((u32, u64), Box<StepReport>),
    /// It goes on.
    GoesOn(Box<Before>),
}

/// What is known of a step that goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    /// How many attempts ended.
    pub(super) attempts: u32,
    /// How many of these count as tries: those since the run last ended, but what was cut off.
    pub(super) tried: u32,
    /// What these spent.
    pub(super) spent: Amounts,
    /// What people should know of these.
    pub(super) notes: Vec<String>,
    /// The attempt that was cut off.
    pub(super) open: Option<Intent>,
}

impl Past {
    /// Reads it.
    pub(super) async fn read(
        store: &dyn RunStore,
        run: &RunId,
        reruns: &(impl Fn(&Outcome) -> bool + Sync),
    ) -> Result<Self, RunStoreError> {
        let mut past = Self::default();
        let (mut from, mut leg, mut has_ended) = (0, 1, false);
        loop {
            let page = store.entries(run, from, RunStoreBounds::PAGE).await?;
            if page.is_empty() {
                return Ok(past);
            }
            for entry in page {
                from = from.saturating_add(1);
                match entry {
                    RunEntry::Intent(intent) => {
                        let step = past.step(&intent.step);
                        step.intent = Some(*intent);
                    }
                    RunEntry::Outcome(outcome) => past.note(leg, *outcome),
                    RunEntry::TakenOver { leg: next, .. } => {
                        leg = next;
                        if has_ended {
                            past.try_again(reruns);
                        }
                        has_ended = false;
                    }
                    RunEntry::Ended(_) => has_ended = true,
                }
            }
        }
    }

    fn step(&mut self, step: &StepId) -> &mut PastStep {
        if !self.steps.contains_key(step) {
            self.order.push(step.clone());
        }
        self.steps.entry(step.clone()).or_default()
    }

    fn note(&mut self, leg: u32, outcome: Outcome) {
        // A step that was not begun is skipped, or begun, anew.
        if outcome.attempt == 0 {
            return;
        }
        let step = self.step(&outcome.step);
        step.end = outcome.order.map(|order| (leg, order));
        let is_a_try = outcome.state != State::Interrupted;
        step.tried = step.tried.saturating_add(u32::from(is_a_try));
        step.outcomes.push(outcome);
    }

    /// The run had ended, and goes on all the same: what did not succeed is tried anew.
    fn try_again(&mut self, reruns: impl Fn(&Outcome) -> bool) {
        for step in self.steps.values_mut() {
            if step.outcomes.last().is_some_and(&reruns) {
                (step.end, step.tried) = (None, 0);
            }
        }
    }

    /// How all attempts ended.
    pub(super) fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        let steps = self.order.iter().filter_map(|step| self.steps.get(step));
        steps.flat_map(|step| &step.outcomes)
    }

    /// What all attempts spent.
    pub(super) fn spent(&self) -> Amounts {
        let mut spent = Amounts::none();
        for outcome in self.outcomes() {
            spent.add_all(&outcome.spent);
        }
        spent
    }

    /// How many steps ended, and are not done again.
    pub(super) fn ended(&self) -> usize {
        self.steps.values().filter(|step| step.end.is_some()).count()
    }

    /// Where a step stands that is begun now. It is taken out of the past.
    pub(super) fn begin(&mut self, step: &StepId) -> Standing {
        let Some(past) = self.steps.remove(step) else {
            return Standing::GoesOn(Box::default());
        };
        match past.end {
            Some(end) => Standing::Ended(end, Box::new(past.report(step))),
            None => Standing::GoesOn(Box::new(past.before())),
        }
    }

    /// The steps that nobody began again, in the order in which they were written down.
    pub(super) fn left(&mut self) -> Vec<(StepId, PastStep)> {
        let Self { steps, order } = self;
        order.iter().filter_map(|step| Some((step.clone(), steps.remove(step)?))).collect()
    }
}

impl PastStep {
    /// The intent of an attempt whose outcome nobody knows.
    pub(super) fn open(&self) -> Option<&Intent> {
        let ended = self.outcomes.last().map_or(0, |outcome| outcome.attempt);
        self.intent.as_ref().filter(|intent| intent.attempt > ended)
    }

    pub(super) fn before(&self) -> Before {
        let mut spent = Amounts::none();
        let mut notes = Vec::new();
        for outcome in &self.outcomes {
            spent.add_all(&outcome.spent);
            notes.extend(outcome.notes.iter().cloned());
            notes.extend(outcome.reason.iter().map(|reason| reason.message.clone()));
        }
        let attempts = self.outcomes.last().map_or(0, |outcome| outcome.attempt);
        Before { attempts, tried: self.tried, spent, notes, open: self.open().cloned() }
    }

    /// How it ended, for the report of the run.
    pub(super) fn report(self, step: &StepId) -> StepReport {
        let Before { spent, mut notes, .. } = self.before();
        let Self { intent, mut outcomes, .. } = self;
        let first_began = outcomes.first().map(|outcome| outcome.started_at);
        let Some(last) = outcomes.pop() else {
            // There is a step because there was an intent or an outcome; here an intent alone.
            let id = AttemptId { step: step.clone(), agent: None, number: 0 };
            return StepReport::new(&id, None, State::Interrupted, Timestamp::default());
        };
        // The reason of the last attempt is the step's own.
        notes.truncate(notes.len().saturating_sub(usize::from(last.reason.is_some())));
        let id = AttemptId { step: step.clone(), agent: last.agent, number: last.attempt };
        let account = intent.as_ref().map(|intent| &intent.account);
        let began = first_began.unwrap_or(last.started_at);
        let mut report = StepReport::new(&id, account, last.state, began);
        report.need = intent.as_ref().and_then(|intent| intent.need.clone());
        report.delegated_by = intent.and_then(|intent| intent.delegated_by);
        report.reason = last.reason;
        report.output = last.output;
        report.notes = notes;
        report.log = last.log;
        report.held = last.held;
        report.spent = spent;
        report.basis = last.basis;
        report.cost_mismatch = last.cost_mismatch;
        report.duration = last.started_at.saturating_add(last.duration).since(began);
        report.is_reused = true;
        report
    }
}
