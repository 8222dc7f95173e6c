//! One attempt of a step: hold, run the agent under its deadline, settle, report.

use std::{sync::Arc, time::Duration};

use safeguards_budget::{CommandError, Denial};
use safeguards_discovery::Query;
use safeguards_types::{AgentId, Amount, Amounts, Timestamp, Unit};
use tokio::{
    task::{JoinError, JoinHandle},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    purse::{Held, Purse, Settled},
};
use crate::{
    AgentError, AgentErrorKind, AttemptId, Context, Cost, CostBasis, Reason, Reply, RunFact,
    RunFault, State, StepId, StepReport, Task,
    bill::{Tariff, bill, price_all},
    context::Told,
    error::with_causes,
    panics::panic_text,
    selector::Under,
    team::Member,
};

/// How long a task that was aborted may take to be gone. One that is at an `.await` is gone at once.
const ABORT_PATIENCE: Duration = Duration::from_millis(200);

/// One attempt of a step.
pub(super) struct Attempt {
    run: Arc<Shared>,
    member: Arc<Member>,
    id: AttemptId,
    task: Task,
    cancellation: CancellationToken,
    purse: Purse,
    /// By what its agent was chosen; none where it was named.
    need: Option<Arc<Query>>,
    /// Counts it among what its agent has to do.
    _under: Under,
}

/// How the agent ended.
struct Ending {
    state: State,
    reason: Option<Reason>,
    reply: Reply,
    never_began: bool,
}

impl Attempt {
    pub(super) fn new(
        run: Arc<Shared>,
        member: Arc<Member>,
        (step, task): (StepId, Task),
        cancellation: CancellationToken,
        under: Under,
    ) -> Self {
        let id = AttemptId { step, agent: Some(member.id().clone()), number: 1 };
        let pool = run.team.pool().clone();
        let scopes = member.scopes().iter().cloned().chain([pool]).collect();
        let purse = Purse::new(
            Arc::clone(&run.runner.ledger),
            (member.payer().clone(), scopes),
            (run.op, run.id.clone()),
            id.clone(),
        );
        Self { run, member, id, task, cancellation, purse, need: None, _under: under }
    }

    /// The same, by an agent that was chosen by this need.
    pub(super) fn of_need(self, need: Arc<Query>) -> Self {
        Self { need: Some(need), ..self }
    }

    /// Who does it.
    fn agent(&self) -> &AgentId {
        self.member.id()
    }

    /// Carries it out. Nothing stops this half-way: what was begun is settled.
    pub(super) async fn carry_out(self) -> StepReport {
        let started_at = self.now();
        let payer = Some(self.member.payer());
        let mut report = StepReport::new(&self.id, payer, State::Failed, started_at);
        report.need.clone_from(&self.need);
        if let Some(need) = &self.need {
            self.emit(RunFact::Chosen { need: Arc::clone(need) });
        }
        self.begin(&mut report).await;
        report.duration = self.now().since(started_at);
        self.run.step_ended(&self.id, &report);
        report
    }

    async fn begin(&self, report: &mut StepReport) {
        let started_at = report.started_at;
        if let Some((state, fault)) = self.must_not_begin(started_at) {
            report.attempts = 0;
            return self.end(report, state, (&fault).into());
        }
        let deadline = match self.member.timeout_after() {
            Some(span) => self.run.deadline.min(started_at.saturating_add(span)),
            None => self.run.deadline,
        };
        self.emit(RunFact::StepStarted { deadline });
        let grace = self.member.agent().descriptor().grace;
        let lasts = deadline.since(started_at).saturating_add(grace);
        let held = match self.purse.hold(self.member.to_hold(), lasts, started_at).await {
            Ok((held, receipt)) => {
                report.held = held.amounts.clone();
                if let Some(receipt) = receipt {
                    self.emit(RunFact::Held { amounts: held.amounts.clone(), receipt });
                }
                held
            }
            Err(error) => return self.not_held(report, &error),
        };
        if let Some((state, fault)) = self.must_not_begin(self.now()) {
            self.end(report, state, (&fault).into());
            return self.release(report, &held).await;
        }
        let (ending, told) = self.run_agent(report, deadline, grace).await;
        report.state = ending.state;
        report.reason = ending.reason;
        if ending.never_began {
            return self.release(report, &held).await;
        }
        let Reply { output, cost, notes } = ending.reply;
        report.notes = notes;
        report.output = (!output.is_null() || report.state.is_success()).then_some(output);
        self.settle(report, &held, (cost, told)).await;
    }

    /// Whether its time is over before it began.
    fn must_not_begin(&self, now: Timestamp) -> Option<(State, RunFault)> {
        if self.cancellation.is_cancelled() {
            return Some((State::Cancelled, RunFault::CancelledBeforeStart));
        }
        let deadline = self.run.deadline;
        (now >= deadline).then_some((State::TimedOut, RunFault::DeadlineBeforeStart { deadline }))
    }

    fn not_held(&self, report: &mut StepReport, error: &CommandError) {
        let Some(denial) = error.denial() else {
            return self.end(report, State::Failed, Reason::new(error.code(), with_causes(error)));
        };
        self.emit(RunFact::Denied { denial: denial.clone() });
        self.end(report, State::Denied, Reason::new(denial.code(), denial.to_string()));
        report.denial = Some(denial.clone());
    }

    /// Runs the agent until it ends, its deadline passes or the step is cancelled.
    async fn run_agent(
        &self,
        report: &mut StepReport,
        deadline: Timestamp,
        grace: Duration,
    ) -> (Ending, Told) {
        let stop = self.cancellation.child_token();
        let names = (self.run.id.clone(), Arc::clone(&self.run.events));
        let held = report.held.clone();
        let cx = Context::new(self.id.clone(), names, (deadline, stop.clone()), held);
        let (agent, task, agents_cx) =
            (Arc::clone(self.member.agent()), self.task.clone(), cx.clone());
        let mut running = tokio::spawn(async move { agent.run(task, agents_cx).await });
        let remaining = deadline.since(self.now());
        let told_to_stop = tokio::select! {
            biased;
            ended = &mut running => Err(ended),
            () = sleep(remaining) => Ok(State::TimedOut),
            // A run that is over cancels what is as late as itself.
            () = self.cancellation.cancelled() => {
                Ok(if self.now() < deadline { State::Cancelled } else { State::TimedOut })
            }
        };
        let ending = match told_to_stop {
            Err(ended) => read(ended),
            Ok(state) => {
                stop.cancel();
                self.stopped(state, &mut running, (deadline.since(report.started_at), grace)).await
            }
        };
        let mut told = cx.end();
        report.log = told.log.drain(..).collect();
        (ending, told)
    }

    /// Waits for an agent that was told to stop: for its grace, then by force.
    async fn stopped(
        &self,
        state: State,
        running: &mut JoinHandle<Result<Reply, AgentError>>,
        (had, grace): (Duration, Duration),
    ) -> Ending {
        let mut ended = timeout(grace, &mut *running).await.ok();
        if ended.is_none() {
            running.abort();
            ended = timeout(ABORT_PATIENCE, running).await.ok();
        }
        let Some(ended) = ended else {
            let message = format!(
                "told to stop, and still running after {:?}; it may go on",
                in_millis(grace)
            );
            return Ending::of(State::Abandoned, AgentErrorKind::Abandoned, message);
        };
        let (kind, message) = if state == State::Cancelled {
            let with_run = self.run.asked_to_stop.is_cancelled();
            let by_whom = if with_run { "with the run" } else { "by the strategy" };
            (AgentErrorKind::Cancelled, format!("cancelled {by_whom}"))
        } else {
            let had = in_millis(had);
            (AgentErrorKind::TimedOut, format!("not done after {had:?}, its deadline"))
        };
        // What it says on its way out is no longer how it ended, but what it cost counts.
        Ending { state, reason: Some(Reason::new(kind.code(), message)), ..read(ended) }
    }

    async fn settle(&self, report: &mut StepReport, held: &Held, (cost, told): (Cost, Told)) {
        let by_table = Tariff::Table(&self.run.runner.prices);
        let tariff = self.member.own_price().map_or(by_table, Tariff::Flat);
        let (said, notes, trouble) = price_all(&cost, &told, tariff);
        report.notes.extend(notes);
        if let Some(error) = trouble {
            self.fail(report, Reason::new(error.code(), with_causes(&error)));
        }
        let free = self.member.agent().descriptor().free;
        let bill = bill(&held.amounts, free, &told.drawn, said);
        let billed = bill.amounts.clone();
        let Settled { bill, receipt, troubles } = self.purse.settle(held, bill, self.now()).await;
        if let Some(first) = troubles.first() {
            let message = not_written_down(&billed, &bill.amounts, &troubles);
            self.fail(report, Reason::new(first.code(), message));
        }
        report.spent = bill.amounts;
        report.basis = bill.basis;
        report.cost_mismatch = bill.mismatch;
        if let Some(receipt) = receipt {
            self.emit(RunFact::Settled {
                amounts: report.spent.clone(),
                basis: report.basis,
                cost_mismatch: report.cost_mismatch.clone(),
                receipt,
            });
        }
        let paid = paid(report);
        if let Some(reason) = &mut report.reason {
            reason.message =
                format!("{}, attempt {}: {}{paid}", self.agent(), self.id.number, reason.message);
        }
    }

    async fn release(&self, report: &mut StepReport, held: &Held) {
        if let Err(error) = self.purse.release(held, self.now()).await {
            let error = with_causes(&error);
            report
                .notes
                .push(format!("what was held is free only when its time runs out: {error}"));
        }
        if let Some(reason) = report.reason.as_mut().filter(|_| report.state == State::Failed) {
            reason.message =
                format!("{}, attempt {}: {}", self.agent(), self.id.number, reason.message);
        }
    }

    /// Ends it before its agent began.
    fn end(&self, report: &mut StepReport, state: State, mut reason: Reason) {
        reason.message = format!("{}: {}", self.agent(), reason.message);
        report.state = state;
        report.reason = Some(reason);
    }

    /// Makes a failure of a success; a step that failed already keeps its first reason.
    fn fail(&self, report: &mut StepReport, reason: Reason) {
        match &mut report.reason {
            None => {
                report.state = State::Failed;
                report.reason = Some(reason);
            }
            Some(_) => report.notes.push(format!("{}: {}", self.agent(), reason.message)),
        }
    }

    fn emit(&self, fact: RunFact) {
        self.run.events.emit(Some(&self.id), fact);
    }

    fn now(&self) -> Timestamp {
        self.run.runner.clock.now()
    }
}

impl Ending {
    fn of(state: State, kind: AgentErrorKind, message: String) -> Self {
        let reason = Some(Reason::new(kind.code(), message));
        Self { state, reason, reply: Reply::default(), never_began: kind.never_began() }
    }
}

/// Reads how the agent's task ended.
fn read(ended: Result<Result<Reply, AgentError>, JoinError>) -> Ending {
    match ended {
        Ok(Ok(reply)) => {
            Ending { state: State::Succeeded, reason: None, reply, never_began: false }
        }
        Ok(Err(error)) => {
            let mut ending = Ending::of(State::Failed, error.kind(), with_causes(&error));
            ending.reply.cost = error.spent().clone();
            ending
        }
        Err(error) => {
            let (kind, message) = error.try_into_panic().map_or_else(
                |_| (AgentErrorKind::Cancelled, "its task was ended from outside".to_owned()),
                |panic| (AgentErrorKind::Panicked, format!("panicked: {}", panic_text(&*panic))),
            );
            Ending::of(State::Failed, kind, message)
        }
    }
}

/// A span of time as people are told it: in whole milliseconds, rounded up.
fn in_millis(span: Duration) -> Duration {
    let millis = span.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).map_or(span, Duration::from_millis)
}

/// What of a bill the ledger would not, or could not, write down, and why.
fn not_written_down(billed: &Amounts, settled: &Amounts, troubles: &[CommandError]) -> String {
    let is_left_out = |amount: &&Amount| settled.get(amount.unit()) != amount.quantity();
    let left_out: Amounts = billed.iter().filter(is_left_out).cloned().collect();
    let of = if left_out.is_empty() { String::new() } else { format!(" of {left_out}") };
    let why = |error: &CommandError| match error.denial() {
        Some(Denial::UnknownUnit { unit }) => format!(
            "the unit {unit} is not registered; a team file registers it with `units = [\"{unit}\"]`"
        ),
        Some(denial) => denial.to_string(),
        None => with_causes(error),
    };
    let why: Vec<String> = troubles.iter().map(why).collect();
    format!("its cost{of} could not be written down: {}", why.join("; "))
}

/// The end of a sentence about a step that did not succeed: what is paid for it all the same.
fn paid(report: &StepReport) -> String {
    let worth_saying = |amounts: &Amounts| -> Amounts {
        let amounts = amounts.iter().filter(|amount| *amount.unit() != Unit::REQUESTS);
        amounts.filter(|amount| !amount.quantity().is_zero()).cloned().collect()
    };
    let (spent, held) = (worth_saying(&report.spent), worth_saying(&report.held));
    match report.basis {
        CostBasis::Partial => format!("; {spent} is settled"),
        _ if spent.is_empty() => String::new(),
        CostBasis::Reported => format!("; it reports {spent}, which counts as spent"),
        CostBasis::Drawn => format!("; the {spent} drawn counts as spent"),
        CostBasis::Estimate if spent == held => {
            format!("; the estimate of {spent} counts as spent")
        }
        CostBasis::Estimate => {
            format!("; {spent} counts as spent: the estimate, and what is known besides")
        }
        CostBasis::NotBegun | CostBasis::Free => String::new(),
    }
}
