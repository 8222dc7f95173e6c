//! One attempt of a step: hold, run the agent under its deadline, settle, report.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_budget::{CommandError, Denial, Retry};
use safeguards_types::{AgentId, Amount, Amounts, Timestamp, Unit};
use serde_json::Value;
use tokio::{
    sync::oneshot,
    task::{JoinError, JoinHandle},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    Shared,
    purse::{Found, Held, Paid, Purse, Settled},
    step::Work,
};
use crate::{
    AgentError, AgentErrorKind, AttemptId, Context, Cost, CostBasis, DrawError, Intent, Reason,
    Reply, RunEntry, RunFact, RunFault, State, StepReport,
    bill::{Bill, Said, Tariff, beyond, bill, larger, one_model, price_all},
    context::{Backing, Parts, PassedUp, Told},
    error::with_causes,
    panics::panic_text,
    size::{SMALL, is_larger, is_small},
    team::Member,
    telemetry::{AttemptTelling, tell_usage},
};

/// How long a task that was aborted may take to be gone. One that is at an `.await` is gone at once.
const ABORT_PATIENCE: Duration = Duration::from_millis(200);

/// One attempt of a step.
pub(super) struct Attempt {
    work: Work,
    member: Arc<Member>,
    id: AttemptId,
    cancellation: CancellationToken,
    purse: Arc<Purse>,
    /// Whoever was left behind, and waits to know what was settled.
    left_behind: Mutex<Option<oneshot::Sender<Paid>>>,
    /// The intent that was written down before the run was cut off.
    resumed: Option<Intent>,
}

/// How an attempt ended.
pub(super) struct Attempted {
    pub(super) report: StepReport,
    /// Whether another one may help, and how soon.
    pub(super) again: Again,
}

/// Whether another attempt may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// It does not.
    No,
    /// After a pause.
    Soon,
    /// From this instant on.
    From(Timestamp),
    /// It does, at once: what was cut off says nothing of how often it may be tried.
    Anew,
}

/// How the agent ended.
struct Ending {
    state: State,
    reason: Option<Reason>,
    reply: Reply,
    never_began: bool,
    is_retryable: bool,
    /// The denial that it stopped for.
    denial: Option<Denial>,
    /// What it passes up from what it delegated.
    passed_up: Option<Box<PassedUp>>,
}

/// What sets more aside where an agent draws more than is held for it.
#[derive(Debug)]
struct Till {
    run: Arc<Shared>,
    id: AttemptId,
    purse: Arc<Purse>,
    deadline: Timestamp,
    grace: Duration,
    /// When the intent was written down.
    at: Timestamp,
    /// How often more was asked for, and what was set aside; none once the attempt has ended.
    drawn: Mutex<Option<(u32, Amounts)>>,
}

#[async_trait]
impl Backing for Till {
    async fn hold_more(&self, amounts: Amounts) -> Result<(), DrawError> {
        self.run.allowance.take(&amounts).map_err(DrawError::Refused)?;
        // Counted before it is asked for: whoever ends the attempt meanwhile gives it back.
        let Some(number) = self.count(&amounts) else {
            self.run.allowance.settle(&amounts, &Amounts::none());
            return Err(DrawError::Ended);
        };
        let now = self.run.now();
        let lasts = self.deadline.since(now).saturating_add(self.grace);
        match self.purse.hold_more((amounts.clone(), lasts), (number, self.at), now).await {
            Ok(receipt) => {
                if self.tell(RunFact::Held { amounts, receipt }) {
                    return Ok(());
                }
                // Too late to be given back by whoever ended the attempt.
                let _ = self.purse.release_draw(number, self.at, self.run.now()).await;
                Err(DrawError::Ended)
            }
            Err(error) => {
                if let Some(denial) = error.denial() {
                    self.forget(&amounts);
                    self.tell(RunFact::Denied { denial: denial.clone() });
                }
                Err(DrawError::NotHeld(error))
            }
        }
    }
}

impl Till {
    /// Counts another draw, and gives its number, from 1; none once the attempt has ended.
    fn count(&self, amounts: &Amounts) -> Option<u32> {
        let mut drawn = self.drawn.lock();
        let (count, set_aside) = drawn.as_mut()?;
        *count = count.saturating_add(1);
        set_aside.add_all(amounts);
        Some(*count)
    }

    /// Tells of a draw, unless the attempt has ended: its end is the last that is told of it.
    fn tell(&self, fact: RunFact) -> bool {
        let drawn = self.drawn.lock();
        if drawn.is_some() {
            self.run.events.emit(Some(&self.id), fact);
        }
        drawn.is_some()
    }

    /// Nothing was set aside for the last draw: it leaves no gap behind, by which those after it are found.
    fn forget(&self, amounts: &Amounts) {
        let mut drawn = self.drawn.lock();
        let Some((count, set_aside)) = drawn.as_mut() else {
            return;
        };
        *count = count.saturating_sub(1);
        *set_aside = beyond(set_aside, amounts);
        self.run.allowance.settle(amounts, &Amounts::none());
    }
}

impl Attempt {
    pub(super) fn new(
        work: Work,
        member: Arc<Member>,
        number: u32,
        cancellation: CancellationToken,
        resumed: Option<Intent>,
    ) -> Self {
        let id = AttemptId { step: work.step.clone(), agent: Some(member.id().clone()), number };
        let run = &work.run;
        let pool = run.team.pool().clone();
        let scopes = member.scopes().iter().cloned().chain([pool]).collect();
        let purse = Purse::new(
            Arc::clone(&run.runner.ledger),
            (member.payer().clone(), scopes),
            (run.op, run.id.clone()),
            id.clone(),
        );
        let (purse, left_behind) = (Arc::new(purse), Mutex::default());
        Self { work, member, id, cancellation, purse, left_behind, resumed }
    }

    /// Who does it.
    fn agent(&self) -> &AgentId {
        self.member.id()
    }

    fn run(&self) -> &Arc<Shared> {
        &self.work.run
    }

    /// Carries it out. Nothing stops this half-way: what was begun is settled.
    pub(super) async fn carry_out(self) -> Attempted {
        let payer = Some(self.member.payer());
        let mut report = StepReport::new(&self.id, payer, State::Failed, self.now());
        report.need.clone_from(&self.work.need);
        report.delegated_by.clone_from(&self.work.delegated_by);
        let telling = AttemptTelling::begin(&self.run().id, &self.id, self.member.payer());
        let again = self.begin(&mut report).instrument(telling.span().clone()).await;
        report.duration = self.now().since(report.started_at);
        telling.end(&report);
        Attempted { report, again }
    }

    async fn begin(&self, report: &mut StepReport) -> Again {
        let started_at = report.started_at;
        if self.resumed.is_none()
            && let Some((state, fault)) = self.must_not_begin(started_at)
        {
            report.attempts = self.id.number.saturating_sub(1);
            self.end(report, state, (&fault).into());
            return Again::No;
        }
        let until = match self.member.timeout_after() {
            Some(span) => self.work.deadline.min(started_at.saturating_add(span)),
            None => self.work.deadline,
        };
        let grace = self.member.agent().descriptor().grace;
        let intent = match &self.resumed {
            Some(intent) => intent.clone(),
            None => self.intent(started_at),
        };
        let held = match self.open(report, &intent, (until, grace)).await {
            Ok(held) => held,
            Err(again) => return again,
        };
        // An agent whose own time went by while its hold was placed is not begun either: it would be charged for nothing.
        let now = self.now();
        let is_late = || {
            let fault = RunFault::DeadlineBeforeStart { deadline: until };
            (now >= until).then_some((State::TimedOut, fault))
        };
        if let Some((state, fault)) = self.must_not_begin(now).or_else(is_late) {
            self.end(report, state, (&fault).into());
            self.release(report, &held).await;
            return Again::No;
        }
        let till = Arc::new(Till {
            run: Arc::clone(self.run()),
            id: self.id.clone(),
            purse: Arc::clone(&self.purse),
            deadline: until,
            grace,
            at: intent.at,
            drawn: Mutex::new(Some(held.draws.clone())),
        });
        let mut held = held;
        let (ending, told) = self.run_agent(report, &mut held, &till).await;
        report.state = ending.state;
        report.reason = ending.reason;
        report.denial = ending.denial.filter(|_| ending.state == State::Denied);
        report.passed_up = ending.passed_up;
        let drawn = till.drawn.lock().take().unwrap_or_default();
        if ending.never_began {
            self.give_back(report, drawn, intent.at).await;
            self.release(report, &held).await;
            return Again::No;
        }
        let Reply { output, cost, notes } = ending.reply;
        report.notes = notes;
        report.output = (!output.is_null() || report.state.is_success()).then_some(output);
        self.check_output(report);
        self.settle(report, &held, (cost, told)).await;
        self.give_back(report, drawn, intent.at).await;
        let may_again = ending.is_retryable && report.state == State::Failed;
        if may_again { Again::Soon } else { Again::No }
    }

    /// An output that is too large is none: a failure of who gave it.
    fn check_output(&self, report: &mut StepReport) {
        let max = self.run().output_bytes_max;
        let is_too_large = |output: &Value| {
            (max < SMALL.saturating_mul(8) || !is_small("", output)) && is_larger(output, max)
        };
        if report.output.as_ref().is_some_and(is_too_large) {
            report.output = None;
            let message =
                format!("its output takes more than {max} bytes as JSON, which is all it may");
            self.fail(report, Reason::new(AgentErrorKind::OutputTooLarge.code(), message));
        }
    }

    /// Writes the intent down, and sets aside what the attempt is expected to cost; of one that was cut off, looks
    /// how far it came. An error where it does not begin.
    async fn open(
        &self,
        report: &mut StepReport,
        intent: &Intent,
        (until, grace): (Timestamp, Duration),
    ) -> Result<Held, Again> {
        if self.resumed.is_some() {
            self.run().allowance.take_again(&intent.hold);
        } else if let Err(fault) = self.run().allowance.take(&intent.hold) {
            self.end(report, State::Denied, (&fault).into());
            return Err(Again::No);
        }
        let mut draws = (0, Amounts::none());
        let number = if self.resumed.is_some() {
            match self.found(report, intent).await? {
                Found::NeverBegan(number) => number,
                Found::RanOut(number, held) => {
                    draws = held.draws;
                    number
                }
                Found::Held(held) | Found::Settled(held) => {
                    let delegated_by = self.work.delegated_by.clone();
                    self.emit(RunFact::StepStarted { deadline: until, delegated_by });
                    report.held = held.amounts.clone();
                    return Ok(held);
                }
            }
        } else {
            let entry = || RunEntry::Intent(Box::new(intent.clone()));
            if let Err(fault) = self.run().write(entry).await {
                self.run().allowance.settle(&intent.hold, &Amounts::none());
                self.end(report, State::Failed, (&fault).into());
                return Err(Again::No);
            }
            1
        };
        let delegated_by = self.work.delegated_by.clone();
        self.emit(RunFact::StepStarted { deadline: until, delegated_by });
        let now = self.now();
        let lasts = until.since(now).saturating_add(grace);
        let asked = self.purse.hold((intent.hold.clone(), lasts), (number, intent.at), now);
        match asked.await {
            Ok((mut held, receipt)) => {
                held.draws = draws;
                report.held = held.amounts.clone();
                if let Some(receipt) = receipt {
                    self.emit(RunFact::Held { amounts: held.amounts.clone(), receipt });
                }
                Ok(held)
            }
            Err(error) => {
                self.run().allowance.settle(&intent.hold, &Amounts::none());
                Err(self.not_held(report, &error))
            }
        }
    }

    /// How far the attempt came that was cut off. An error where it is not run again: it ended then, and what is
    /// known to be spent, or else the estimate, is settled.
    async fn found(&self, report: &mut StepReport, intent: &Intent) -> Result<Found, Again> {
        let found = match self.purse.find(&intent.hold, intent.at).await {
            Ok(found) => found,
            Err(error) => {
                let (attempt, message) = (self.id.number, with_causes(&error));
                let fault = RunFault::Unreadable { attempt, message };
                self.run().allowance.settle(&intent.hold, &Amounts::none());
                self.end(report, State::Interrupted, (&fault).into());
                return Err(Again::No);
            }
        };
        let held = match found {
            Found::NeverBegan(number) if !self.run().is_ledger_new && !intent.hold.is_empty() => {
                return match self.must_not_begin(self.now()) {
                    None => Ok(Found::NeverBegan(number)),
                    Some((state, fault)) => {
                        self.run().allowance.settle(&intent.hold, &Amounts::none());
                        self.end(report, state, (&fault).into());
                        Err(Again::No)
                    }
                };
            }
            // The ledger that knew is gone, or has nothing to know: it may have begun.
            Found::NeverBegan(_) => Held::nothing(intent.hold.clone()),
            Found::Held(ref held) | Found::RanOut(_, ref held) | Found::Settled(ref held) => {
                held.clone()
            }
        };
        // More was set aside only where all that was held was drawn.
        let more = &held.draws.1;
        self.run().allowance.take_again(more);
        let is_over = self.must_not_begin(self.now()).is_some();
        let is_idempotent = self.member.agent().descriptor().idempotent;
        if is_idempotent && !is_over {
            return Ok(found);
        }
        let fault = if is_idempotent { RunFault::InterruptedLate } else { RunFault::Interrupted };
        report.held = held.amounts.clone();
        report.state = State::Interrupted;
        report.reason = Some((&fault).into());
        let mut told = Told::default();
        if !more.is_zero() {
            told.drawn = held.amounts.clone();
            told.drawn.add_all(more);
        }
        self.settle(report, &held, (Cost::Unknown, told)).await;
        self.give_back(report, held.draws.clone(), intent.at).await;
        // What was cut off is paid for; whoever resumes may want it done all the same, which costs anew.
        Err(if self.run().reruns && !is_over { Again::Anew } else { Again::No })
    }

    fn intent(&self, at: Timestamp) -> Intent {
        Intent {
            step: self.id.step.clone(),
            attempt: self.id.number,
            agent: self.agent().clone(),
            need: self.work.need.clone(),
            delegated_by: self.work.delegated_by.clone(),
            account: self.member.payer().clone(),
            task: self.work.task.clone(),
            hold: self.run().to_hold(&self.member),
            at,
        }
    }

    /// Whether its time is over before it began.
    fn must_not_begin(&self, now: Timestamp) -> Option<(State, RunFault)> {
        if self.cancellation.is_cancelled() {
            return Some((State::Cancelled, RunFault::CancelledBeforeStart));
        }
        let deadline = self.work.deadline;
        (now >= deadline).then_some((State::TimedOut, RunFault::DeadlineBeforeStart { deadline }))
    }

    fn not_held(&self, report: &mut StepReport, error: &CommandError) -> Again {
        let Some(denial) = error.denial() else {
            self.end(report, State::Failed, Reason::new(error.code(), with_causes(error)));
            return Again::No;
        };
        self.emit(RunFact::Denied { denial: denial.clone() });
        self.end(report, State::Denied, Reason::new(denial.code(), denial.to_string()));
        report.denial = Some(denial.clone());
        match denial.shortfall().map(|shortfall| shortfall.retry) {
            Some(Retry::At(at)) => Again::From(at),
            Some(Retry::Never | _) | None => Again::No,
        }
    }

    /// Runs the agent until it ends, its deadline passes or the step is cancelled.
    async fn run_agent(
        &self,
        report: &mut StepReport,
        held: &mut Held,
        till: &Arc<Till>,
    ) -> (Ending, Told) {
        let Till { deadline, grace, .. } = **till;
        let mut covered = report.held.clone();
        covered.add_all(&held.draws.1);
        let stop = self.cancellation.child_token();
        let backing = Arc::<Till>::clone(till);
        let cx = Context::new(Parts {
            agent: self.agent().clone(),
            clock: Arc::clone(&self.run().runner.clock),
            commons: self.run().runner.commons.clone(),
            attempt: self.id.clone(),
            run: self.run().id.clone(),
            operation: self.work.op(self.id.number),
            events: Arc::clone(&self.run().events),
            deadline,
            cancellation: stop.clone(),
            held: covered,
            backing,
            delegations: self.run().delegations.clone(),
            depth: self.work.depth,
        });
        let (agent, task, agents_cx) =
            (Arc::clone(self.member.agent()), self.work.task.clone(), cx.clone());
        // What the agent tells stands in the attempt's span.
        let running = async move { agent.run(task, agents_cx).await };
        let mut running = tokio::spawn(running.in_current_span());
        let told_to_stop = {
            let over = sleep(deadline.since(self.now()));
            tokio::pin!(over);
            loop {
                let beat = Purse::extend_at(held, deadline.saturating_add(grace));
                let beat = beat.map(|at| at.since(self.now()));
                tokio::select! {
                    biased;
                    ended = &mut running => break Err(ended),
                    () = &mut over => break Ok(State::TimedOut),
                    // A run that is over cancels what is as late as itself.
                    () = self.cancellation.cancelled() => {
                        break Ok(if self.now() < deadline { State::Cancelled } else { State::TimedOut });
                    }
                    () = sleep(beat.unwrap_or_default()), if beat.is_some() => {
                        self.extend(report, held, (deadline, grace)).await;
                    }
                }
            }
        };
        let ending = match told_to_stop {
            Err(ended) => read(ended),
            Ok(state) => {
                stop.cancel();
                let had = deadline.since(report.started_at);
                self.stopped(state, running, (had, grace)).await
            }
        };
        // What it delegated ends with it.
        stop.cancel();
        let mut told = cx.end();
        report.log = told.log.drain(..).collect();
        (ending, told)
    }

    /// Gives what is held more time, as often as it takes.
    async fn extend(
        &self,
        report: &mut StepReport,
        held: &mut Held,
        (deadline, grace): (Timestamp, Duration),
    ) {
        let now = self.now();
        let lasts = deadline.since(now).saturating_add(grace);
        if let Err(error) = self.purse.extend(held, lasts, now).await {
            // The agent goes on: what it costs is settled late then.
            let error = with_causes(&error);
            report.notes.push(format!("what is held for it could not be given more time: {error}"));
            held.give_up_extending();
        }
    }

    /// Waits for an agent that was told to stop: for its grace, then by force.
    async fn stopped(
        &self,
        state: State,
        mut running: JoinHandle<Result<Reply, AgentError>>,
        (had, grace): (Duration, Duration),
    ) -> Ending {
        let mut ended = timeout(grace, &mut running).await.ok();
        // Who blocks a thread cannot be stopped, and says what it cost when it ends.
        if ended.is_none() && !self.member.agent().descriptor().blocks {
            running.abort();
            ended = timeout(ABORT_PATIENCE, &mut running).await.ok();
        }
        let Some(ended) = ended else {
            self.leave_behind(running);
            let message = format!(
                "told to stop, and still running after {:?}; it may go on",
                in_millis(grace)
            );
            return Ending::of(State::Abandoned, AgentErrorKind::Abandoned, message);
        };
        let (kind, message) = if state == State::Cancelled {
            let by_whom = match &self.work.delegated_by {
                _ if self.run().asked_to_stop.is_cancelled() => "with the run".to_owned(),
                Some(step) => format!("by {step}, which delegated it"),
                None => "by the strategy".to_owned(),
            };
            (AgentErrorKind::Cancelled, format!("cancelled {by_whom}"))
        } else {
            let had = in_millis(had);
            (AgentErrorKind::TimedOut, format!("not done after {had:?}, its deadline"))
        };
        // What it says on its way out is no longer how it ended, but what it cost counts.
        let reason = Some(Reason::new(kind.code(), message));
        Ending { state, reason, passed_up: None, ..read(ended) }
    }

    /// Lets go of an agent that does not stop. Should it end one day and say what it cost, what was settled for it
    /// is put right.
    fn leave_behind(&self, running: JoinHandle<Result<Reply, AgentError>>) {
        let (settled, waits) = oneshot::channel();
        *self.left_behind.lock() = Some(settled);
        let (run, member, purse) =
            (Arc::clone(self.run()), Arc::clone(&self.member), Arc::clone(&self.purse));
        let put_right = async move {
            let Ending { reply, .. } = read(running.await);
            let Ok(settled) = waits.await else {
                return;
            };
            let by_table = Tariff::Table(&run.runner.prices);
            let tariff = member.own_price().map_or(by_table, Tariff::Flat);
            if let (Said::Total(total), ..) = price_all(&reply.cost, &Told::default(), tariff) {
                // What it drew it drew, whatever it says.
                let total = larger(&total, &settled.drawn);
                purse.put_right(&settled, &total, run.now()).await;
            }
        };
        self.run().runner.abandoned.watch(put_right.in_current_span());
    }

    async fn settle(&self, report: &mut StepReport, held: &Held, (cost, told): (Cost, Told)) {
        let by_table = Tariff::Table(&self.run().runner.prices);
        let tariff = self.member.own_price().map_or(by_table, Tariff::Flat);
        tell_usage(&cost, &told);
        let (said, notes, trouble) = price_all(&cost, &told, tariff);
        report.notes.extend(notes);
        if let Some(error) = trouble {
            self.fail(report, Reason::new(error.code(), with_causes(&error)));
        }
        let free = self.member.agent().descriptor().free;
        let model = one_model(&cost, &told).map(str::to_owned);
        let bill = Bill { model, ..bill(&held.amounts, free, &told.drawn, said) };
        let billed = bill.amounts.clone();
        let settled = self.purse.settle(held, bill, self.now()).await;
        if let Some(left_behind) = self.left_behind.lock().take() {
            // Nobody waits any more where the agent's task is gone with its runtime.
            let (amounts, drawn) = (settled.bill.amounts.clone(), told.drawn.clone());
            let paid = Paid { amounts, drawn, op: settled.op };
            let _ = left_behind.send(paid);
        }
        let Settled { bill, receipt, troubles, .. } = settled;
        if let Some(first) = troubles.first() {
            let message = not_written_down(&billed, &bill.amounts, &troubles);
            self.fail(report, Reason::new(first.code(), message));
        }
        self.run().allowance.settle(&held.amounts, &bill.amounts);
        if matches!(bill.basis, CostBasis::Reported | CostBasis::Drawn) {
            self.run().runner.costs.note(self.agent(), &bill.amounts);
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

    /// Gives back what was set aside for draws.
    async fn give_back(
        &self,
        report: &mut StepReport,
        (draws, amounts): (u32, Amounts),
        at: Timestamp,
    ) {
        self.run().allowance.settle(&amounts, &Amounts::none());
        for error in self.purse.release_draws(draws, at, self.now()).await {
            let error = with_causes(&error);
            let note =
                format!("what was held for draws is free only when its time runs out: {error}");
            report.notes.push(note);
        }
    }

    async fn release(&self, report: &mut StepReport, held: &Held) {
        self.run().allowance.settle(&held.amounts, &Amounts::none());
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
        self.run().events.emit(Some(&self.id), fact);
    }

    fn now(&self) -> Timestamp {
        self.run().now()
    }
}

impl Ending {
    fn of(state: State, kind: AgentErrorKind, message: String) -> Self {
        let reason = Some(Reason::new(kind.code(), message));
        let never_began = kind.never_began();
        let reply = Reply::default();
        Self {
            state,
            reason,
            reply,
            never_began,
            is_retryable: false,
            denial: None,
            passed_up: None,
        }
    }
}

/// Reads how the agent's task ended.
fn read(ended: Result<Result<Reply, AgentError>, JoinError>) -> Ending {
    match ended {
        Ok(Ok(reply)) => Ending {
            state: State::Succeeded,
            reason: None,
            reply,
            never_began: false,
            is_retryable: false,
            denial: None,
            passed_up: None,
        },
        Ok(Err(error)) => {
            let passed_up = PassedUp::by(&error);
            let message = passed_up
                .as_ref()
                .map_or_else(|| with_causes(&error), |passed| passed.told(&error));
            let mut ending = Ending::of(State::Failed, error.kind(), message.clone());
            ending.passed_up = passed_up;
            if let Some(denial) = error.denial() {
                ending.state = State::Denied;
                ending.reason = Some(Reason::new(denial.code(), message));
                ending.denial = Some(denial.clone());
            }
            ending.reply.cost = error.spent().clone();
            ending.is_retryable = error.is_retryable();
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
