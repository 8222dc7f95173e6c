//! A step of a run: who does it is chosen, and it is attempted, again where that may help.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use safeguards_discovery::Query;
use safeguards_types::{AgentId, Amounts, OperationId, Timestamp};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    attempt::{Again, Attempt, Attempted},
    choosing::choose,
    journal::outcome,
    past::Before,
};
use crate::{
    AttemptId, Intent, Member, Outcome, Reason, RunEntry, RunFact, RunFault, Seat, State, StepId,
    StepReport, Task,
    selector::{Counted, Under},
};

/// What is to be done in a step, and for whom.
#[derive(Clone)]
pub(super) struct Work {
    pub(super) run: Arc<Shared>,
    pub(super) step: StepId,
    pub(super) task: Task,
    /// What is needed; none where somebody is named.
    pub(super) need: Option<Arc<Query>>,
    pub(super) delegated_by: Option<StepId>,
    /// How deep it was delegated; 0 for a step of the strategy.
    pub(super) depth: u32,
    /// The run's deadline, or that of who delegated it.
    pub(super) deadline: Timestamp,
}

impl Work {
    /// The operation that its attempt of this number is.
    pub(super) fn op(&self, number: u32) -> OperationId {
        self.run.op.step(&format!("{}/{number}", self.step))
    }
}

/// A step on its way.
pub(super) struct StepRun {
    pub(super) work: Work,
    pub(super) seat: Seat,
    pub(super) cancellation: CancellationToken,
    /// What the legs before know of it.
    pub(super) before: Before,
    /// How far it is, for whoever has to report what the step could not.
    pub(super) trail: Arc<Mutex<Trail>>,
}

/// How far a step is.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail {
    /// Who does it, once that is known.
    pub(super) agent: Option<AgentId>,
    /// Which attempt is under way; 0 before the first.
    pub(super) attempt: u32,
    /// What the attempts before it spent.
    pub(super) spent: Amounts,
}

/// How a step ended: for the report of the run, and for the store.
pub(super) struct StepEnd {
    pub(super) report: StepReport,
    pub(super) outcome: Box<Outcome>,
}

impl StepRun {
    pub(super) fn new(
        work: Work,
        seat: Seat,
        cancellation: CancellationToken,
        before: Before,
    ) -> Self {
        Self { work, seat, cancellation, before, trail: Arc::default() }
    }

    /// Carries it out. Nothing stops this half-way: what was begun is settled.
    pub(super) async fn carry_out(mut self) -> StepEnd {
        let began_at = self.work.run.now();
        let open = self.before.open.take();
        let (member, _under) = match self.who(open.as_ref()).await {
            Ok(found) => found,
            Err((state, fault)) => return self.nobody(began_at, state, &fault),
        };
        self.trail.lock().agent = Some(member.id().clone());
        if let Some(need) = &self.work.need {
            let attempt = self.before.attempts.saturating_add(1);
            let id = self.id(Some(member.id().clone()), attempt);
            self.work.run.events.emit(Some(&id), RunFact::Chosen { need: Arc::clone(need) });
        }
        let Before { attempts, tried, mut spent, mut notes, .. } = self.before.clone();
        let mut resumed = open;
        let mut number = attempts.saturating_add(1);
        let mut tried = tried.saturating_add(1);
        loop {
            {
                let mut trail = self.trail.lock();
                (trail.attempt, trail.spent) = (number, spent.clone());
            }
            let (work, token) = (self.work.clone(), self.cancellation.clone());
            let attempt = Attempt::new(work, Arc::clone(&member), number, token, resumed.take());
            // Large: a step that is spawned is moved.
            let Attempted { mut report, again } = Box::pin(attempt.carry_out()).await;
            let wait = match again {
                Again::Anew => Some(Duration::ZERO),
                _ if tried >= member.tries().attempts() => None,
                Again::No => None,
                Again::Soon => Some(member.tries().wait(tried, self.work.op(number))),
                Again::From(at) => Some(at.since(self.work.run.now())),
            };
            let mut wait = wait.filter(|wait| self.fits(*wait, &mut report));
            if let Some(wait_for) = wait {
                let entry = || RunEntry::Outcome(outcome(&report, number));
                if let Err(fault) = self.work.run.write(entry).await {
                    report.notes.push(fault.to_string());
                    wait = None;
                } else if !self.pause(wait_for, &report, number).await {
                    self.stopped(&mut report);
                    // The attempt's outcome is written down; what ended here is the step.
                    number = number.saturating_add(1);
                    spent.add_all(&std::mem::take(&mut report.spent));
                    wait = None;
                }
            }
            if wait.is_none() {
                let written = outcome(&report, number);
                return self.end(report, written, (began_at, spent, notes));
            }
            spent.add_all(&report.spent);
            notes.append(&mut report.notes);
            notes.extend(report.reason.map(|reason| reason.message));
            number = number.saturating_add(1);
            tried = tried.saturating_add(u32::from(again != Again::Anew));
        }
    }

    /// Whether there is time for another attempt after so long.
    fn fits(&self, wait: Duration, report: &mut StepReport) -> bool {
        let at = self.work.run.now().saturating_add(wait);
        let fits = at < self.work.deadline;
        if !fits {
            let deadline = self.work.deadline;
            report.notes.push(format!(
                "no time for another attempt: it would begin at {at}, the deadline is {deadline}"
            ));
        }
        fits
    }

    /// Waits before another attempt. `false` where the step is cancelled meanwhile.
    async fn pause(&self, wait: Duration, report: &StepReport, number: u32) -> bool {
        if let Some(reason) = &report.reason {
            let (reason, spent) = (reason.clone(), report.spent.clone());
            let id = self.id(report.agent.clone(), number);
            self.work.run.events.emit(Some(&id), RunFact::Retrying { reason, spent, wait });
        }
        tokio::select! {
            biased;
            () = self.cancellation.cancelled() => false,
            () = sleep(wait) => true,
        }
    }

    /// The step was cancelled while it waited for another attempt.
    fn stopped(&self, report: &mut StepReport) {
        report.notes.extend(report.reason.take().map(|reason| reason.message));
        let fault = RunFault::CancelledBeforeStart;
        let mut reason = Reason::from(&fault);
        reason.message = format!("{}: another attempt was {}", self.seat.name(), reason.message);
        (report.state, report.reason) = (State::Cancelled, Some(reason));
    }

    /// The end of the step: what its attempts come to.
    fn end(
        &self,
        mut report: StepReport,
        written: Box<Outcome>,
        (began_at, spent, mut notes): (Timestamp, Amounts, Vec<String>),
    ) -> StepEnd {
        notes.append(&mut report.notes);
        report.notes = notes;
        report.spent.add_all(&spent);
        report.started_at = began_at;
        report.duration = self.work.run.now().since(began_at);
        let id = self.id(report.agent.clone(), report.attempts);
        self.work.run.step_ended(&id, &report);
        StepEnd { report, outcome: written }
    }

    /// The end of a step that nobody does.
    fn nobody(&self, began_at: Timestamp, state: State, fault: &RunFault) -> StepEnd {
        let id = self.id(None, 0);
        let mut report = StepReport::new(&id, None, state, began_at);
        let mut reason = Reason::from(fault);
        reason.message = format!("{}: {}", self.work.step, reason.message);
        report.reason = Some(reason);
        report.need.clone_from(&self.work.need);
        report.delegated_by.clone_from(&self.work.delegated_by);
        let Before { spent, notes, .. } = self.before.clone();
        let written = outcome(&report, 0);
        self.end(report, written, (began_at, spent, notes))
    }

    /// Who does it, counted among what they have to do.
    async fn who(&self, open: Option<&Intent>) -> Result<(Arc<Member>, Under), (State, RunFault)> {
        let run = &self.work.run;
        // Who was chosen before the run was cut off goes on.
        let named = open.map(|intent| &intent.agent).or_else(|| self.seat.agent());
        if let Some(member) = named.and_then(|agent| run.team.member(agent)) {
            let under = run.runner.loads.begin(member.id(), Counted::Attempt);
            return Ok((Arc::clone(member), under));
        }
        let left = self.work.deadline.since(run.now());
        tokio::select! {
            biased;
            () = self.cancellation.cancelled() => {
                Err((State::Cancelled, RunFault::CancelledBeforeStart))
            }
            () = sleep(left) => {
                let deadline = self.work.deadline;
                Err((State::TimedOut, RunFault::DeadlineBeforeStart { deadline }))
            }
            chosen = choose(run, self.work.need.as_ref()) => chosen,
        }
    }

    fn id(&self, agent: Option<AgentId>, number: u32) -> AttemptId {
        AttemptId { step: self.work.step.clone(), agent, number }
    }
}
