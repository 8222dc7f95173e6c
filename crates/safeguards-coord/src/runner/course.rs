//! [`Course`]: a run on its way, from the strategy's first move to the report.

use std::{
    any::Any,
    collections::{BTreeMap, HashMap},
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
};

use futures_util::{StreamExt, stream::FuturesOrdered};
use parking_lot::Mutex;
use safeguards_types::{AgentId, Amounts, Timestamp};
use serde_json::Value;
use tokio::{
    sync::{mpsc::UnboundedReceiver, oneshot},
    task::{self, JoinError, JoinSet},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{Instrument, Span};

use super::{
    Guards, Shared,
    guards::Watch,
    journal::outcome,
    past::{Before, Past, Standing},
    step::{StepEnd, StepRun, Trail, Work},
};
use crate::{
    AttemptId, Intent, Move, Progress, Reason, Report, RunEnd, RunEntry, RunFact, RunFault, Seat,
    State, Step, StepId, StepReport, Strategy, Task,
    context::{Delegated, Delegation},
    panics::panic_text,
    seat::need_text,
    selector::Under,
};

/// A run on its way.
pub(super) struct Course<'run> {
    shared: Arc<Shared>,
    strategy: &'run dyn Strategy,
    progress: Progress,
    watch: Watch,
    past: Past,
    /// One slot for each step named, in that order; empty while it is running.
    reports: Vec<Option<StepReport>>,
    /// Where each step stands in `reports`; for look-up only.
    places: HashMap<StepId, usize>,
    running: Running,
    /// Steps of earlier legs that were named again, by when the strategy was told of their ends.
    replayed: BTreeMap<(u32, u64), Ended>,
    /// Ends that are being written down, in the order in which they came.
    writing: FuturesOrdered<Writing>,
    /// How many ends of steps came in this leg.
    ends: u64,
    delegated: UnboundedReceiver<Delegation>,
    cancellation: CancellationToken,
    /// The members are known to the loads for as long as the run goes on.
    _in_team: Vec<Under>,
}

/// Writes an end down, and gives it back.
type Writing = Pin<Box<dyn Future<Output = (Ended, Result<(), RunFault>)> + Send>>;

/// A step that ended.
struct Ended {
    place: usize,
    report: StepReport,
    /// Whoever delegated it, and waits.
    answer: Option<oneshot::Sender<Delegated>>,
}

/// Steps that are running. Dropped, they are cancelled, and settle what they cost on their own.
struct Running {
    tasks: JoinSet<StepEnd>,
    steps: HashMap<task::Id, OnItsWay>,
    /// What cancels each of them.
    tokens: HashMap<StepId, CancellationToken>,
    _cancel_on_drop: DropGuard,
}

/// What is known of a step while it runs. For look-up only.
struct OnItsWay {
    /// Which slot its report goes into.
    place: usize,
    step: StepId,
    seat: Seat,
    trail: Arc<Mutex<Trail>>,
    began_at: Timestamp,
    answer: Option<oneshot::Sender<Delegated>>,
}

/// How a run ends.
struct Verdict {
    state: State,
    reason: Option<Reason>,
    output: Option<Value>,
    /// The step whose reason is the run's, where that is not known yet.
    because_of: Option<StepId>,
    /// What the reason begins with.
    why: Option<String>,
}

impl Verdict {
    fn new(state: State, reason: Option<Reason>, output: Option<Value>) -> Self {
        Self { state, reason, output, because_of: None, why: None }
    }

    fn fault(fault: &RunFault) -> Self {
        Self::new(State::Failed, Some(fault.into()), None)
    }
}

impl<'run> Course<'run> {
    pub(super) fn new(
        shared: Arc<Shared>,
        strategy: &'run dyn Strategy,
        (task, agents): (Task, Vec<AgentId>),
        (past, delegated): (Past, UnboundedReceiver<Delegation>),
    ) -> Self {
        let cancellation = CancellationToken::new();
        Self {
            shared,
            strategy,
            progress: Progress::new(task, agents),
            watch: Watch::new(Guards::default()),
            past,
            reports: Vec::new(),
            places: HashMap::new(),
            running: Running::new(cancellation.clone()),
            replayed: BTreeMap::new(),
            writing: FuturesOrdered::new(),
            ends: 0,
            delegated,
            cancellation,
            _in_team: Vec::new(),
        }
    }

    /// The same, kept from going on for ever by these.
    pub(super) fn guarded(self, guards: Guards) -> Self {
        Self { watch: Watch::new(guards), ..self }
    }

    /// The same, cancelled with this token.
    pub(super) fn under(self, cancellation: CancellationToken, in_team: Vec<Under>) -> Self {
        let running = Running::new(cancellation.clone());
        Self { running, cancellation, _in_team: in_team, ..self }
    }

    /// Carries it out, to its end.
    pub(super) async fn carry_out(mut self, started_at: Timestamp) -> Report {
        let shared = Arc::clone(&self.shared);
        self.tell_the_start();
        let mut verdict = loop {
            if let Some(verdict) = self.advance() {
                break verdict;
            }
            match self.note_next_end().await {
                Ok(true) => {}
                Ok(false) => {
                    break Verdict::fault(&RunFault::StrategyStalled {
                        strategy: self.strategy.name().to_owned(),
                    });
                }
                Err(fault) => break Verdict::fault(&fault),
            }
        };
        self.cancellation.cancel();
        let mut unrecorded = None;
        loop {
            match self.note_next_end().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) => unrecorded = unrecorded.or(Some(fault)),
            }
        }
        self.close_what_was_cut_off().await;
        if let Some(step) = verdict.because_of.take() {
            let place = self.places.get(&step).and_then(|place| self.reports.get(*place));
            verdict.reason = place.and_then(Option::as_ref).and_then(|step| step.reason.clone());
        }
        if let (Some(why), Some(reason)) = (verdict.why.take(), &mut verdict.reason) {
            reason.message = format!("{why}; {}", reason.message);
        }
        // Whatever the strategy made of it: who asked for the end is told that it came.
        if verdict.state != State::Succeeded && shared.asked_to_stop.is_cancelled() {
            verdict.state = State::Cancelled;
            verdict.reason = Some((&RunFault::Cancelled).into());
        }
        if let Some(fault) = unrecorded.filter(|_| verdict.state == State::Succeeded) {
            verdict = Verdict { output: verdict.output, ..Verdict::fault(&fault) };
        }
        let steps: Vec<StepReport> = self.reports.into_iter().flatten().collect();
        let mut spent = Amounts::none();
        for step in &steps {
            spent.add_all(&step.spent);
        }
        let Verdict { mut state, mut reason, output, .. } = verdict;
        let end = || RunEnd {
            state,
            reason: reason.clone(),
            output: output.clone(),
            spent: spent.clone(),
            at: shared.now(),
        };
        let end = end();
        if let Err(fault) = shared.write(|| RunEntry::Ended(Box::new(end))).await
            && state == State::Succeeded
        {
            (state, reason) = (State::Failed, Some((&fault).into()));
        }
        shared
            .events
            .emit(None, RunFact::RunEnded { state, reason: reason.clone(), spent: spent.clone() });
        Report {
            run: shared.id.clone(),
            op: shared.op,
            team: shared.team.name().to_owned(),
            strategy: self.strategy.name().to_owned(),
            state,
            reason,
            output,
            spent,
            steps,
            leg: shared.leg,
            started_at,
            ended_at: shared.now(),
            observer_panicked: shared.events.panicked(),
        }
    }

    fn tell_the_start(&self) {
        let shared = &self.shared;
        shared.events.emit(
            None,
            RunFact::RunStarted {
                team: shared.team.name().to_owned(),
                pool: shared.team.pool().clone(),
                strategy: self.strategy.name().to_owned(),
                agents: self.progress.agents().to_vec(),
                deadline: shared.deadline,
            },
        );
        if shared.leg > 1 {
            let (leg, reused) = (shared.leg, self.past.ended());
            shared.events.emit(None, RunFact::RunResumed { leg, reused });
        }
    }

    /// Asks the strategy and does what it says. Gives how the run ends, if it does.
    fn advance(&mut self) -> Option<Verdict> {
        let asked = catch_unwind(AssertUnwindSafe(|| self.strategy.next(&self.progress)));
        let moves = match asked {
            Ok(moves) => moves,
            Err(panic) => return Some(self.panicked(&*panic)),
        };
        for one in moves {
            let done = match one {
                Move::Start(step) if self.is_over() => return Some(self.come_too_late(&step)),
                Move::Start(step) => self.start(step),
                Move::Skip { step, seat, because } => self.skip(&step, &seat, because),
                Move::Cancel(step) => {
                    self.running.cancel(&step);
                    Ok(())
                }
                Move::Succeed { output } => {
                    return Some(Verdict::new(State::Succeeded, None, Some(output)));
                }
                Move::Stop { because_of, why, output } => {
                    return Some(Verdict { why, ..self.stop(because_of, output) });
                }
                Move::Fail { reason, output } => {
                    return Some(Verdict::new(State::Failed, Some(reason), output));
                }
            };
            if let Err(fault) = done {
                return Some(Verdict::fault(&fault));
            }
        }
        None
    }

    fn panicked(&self, panic: &(dyn Any + Send)) -> Verdict {
        let (strategy, message) = (self.strategy.name().to_owned(), panic_text(panic));
        Verdict::fault(&RunFault::StrategyPanicked { strategy, message })
    }

    fn is_over(&self) -> bool {
        self.shared.now() >= self.shared.deadline && !self.cancellation.is_cancelled()
    }

    /// The run's time is over, and the strategy goes on: its first step too late is the last.
    fn come_too_late(&mut self, step: &Step) -> Verdict {
        let fault = RunFault::DeadlineBeforeStart { deadline: self.shared.deadline };
        let mut reason = Reason::from(&fault);
        reason.message = format!("{}: {}", step.seat.name(), reason.message);
        let noted = self.not_begun((&step.step, &step.seat), State::TimedOut, reason.clone());
        if let Err(fault) = noted {
            return Verdict::fault(&fault);
        }
        let so_far = || self.strategy.so_far(&self.progress);
        let output = match catch_unwind(AssertUnwindSafe(so_far)) {
            Ok(output) => output,
            Err(panic) => return self.panicked(&*panic),
        };
        Verdict::new(State::TimedOut, Some(reason), output)
    }

    /// Begins a step of the strategy.
    fn start(&mut self, step: Step) -> Result<(), RunFault> {
        let strategy = || self.strategy.name().to_owned();
        match &step.seat {
            Seat::Agent(agent) if self.shared.team.member(agent).is_none() => {
                let (step, agent) = (step.step, agent.clone());
                return Err(RunFault::UnknownAgent { strategy: strategy(), step, agent });
            }
            Seat::Capable(need) if !self.shared.runner.can_choose(need) => {
                let (step, need) = (step.step, need_text(need));
                return Err(RunFault::NoSelector { strategy: strategy(), step, need });
            }
            Seat::Agent(_) | Seat::Capable(_) => {}
        }
        if step.is_handed_over {
            self.watch.hand_over(&step.step)?;
        }
        if !step.is_given {
            self.watch.call(&step.step, &step.seat, &step.task)?;
        }
        let place = self.name(&step.step)?;
        match step.seat.agent() {
            Some(agent) => self.progress.begin(step.step.clone(), agent.clone()),
            None => self.progress.begin_unchosen(step.step.clone()),
        };
        let (cancellation, deadline) = (self.cancellation.child_token(), self.shared.deadline);
        self.begin(place, step, (None, 0, deadline), (cancellation, None), Span::current());
        Ok(())
    }

    /// Begins a step that an agent delegates, or refuses it.
    fn delegate(&mut self, delegation: Delegation) {
        let Delegation { by, depth, step, deadline, cancellation, answer, span } = delegation;
        let named = match &step.seat {
            Seat::Agent(agent) if self.shared.team.member(agent).is_none() => {
                Err(RunFault::UnknownDelegate { by: by.clone(), agent: agent.clone() })
            }
            Seat::Capable(need) if !self.shared.runner.can_choose(need) => {
                Err(RunFault::NoSelectorToDelegate { by: by.clone(), need: need_text(need) })
            }
            Seat::Agent(_) | Seat::Capable(_) => self
                .watch
                .depth(&step.step, depth)
                .and_then(|()| self.watch.call(&step.step, &step.seat, &step.task))
                .and_then(|()| self.name(&step.step)),
        };
        match named {
            Ok(place) => {
                // Who delegates outside any span has its step in the run's.
                let span = if span.is_none() { Span::current() } else { span };
                let asked_by = (Some(by), depth, deadline);
                self.begin(place, step, asked_by, (cancellation, Some(answer)), span);
            }
            // Who does not wait any more need not know.
            Err(fault) => drop(answer.send(Err(fault))),
        }
    }

    /// Begins a step that has a name: takes its end from an earlier leg, or carries it out.
    fn begin(
        &mut self,
        place: usize,
        step: Step,
        (delegated_by, depth, deadline): (Option<StepId>, u32, Timestamp),
        (cancellation, answer): (CancellationToken, Option<oneshot::Sender<Delegated>>),
        span: Span,
    ) {
        let Step { step, seat, task, is_handed_over: _, is_given: _ } = step;
        let before = match self.past.begin(&step) {
            Standing::Ended(when, report) => {
                self.replayed.insert(when, Ended { place, report: *report, answer });
                return;
            }
            Standing::GoesOn(before) => *before,
        };
        let work = Work {
            run: Arc::clone(&self.shared),
            step,
            task,
            need: seat.need().map(Arc::clone),
            delegated_by,
            depth,
            deadline,
        };
        self.spawn(place, StepRun::new(work, seat, cancellation, before), answer, span);
    }

    fn spawn(
        &mut self,
        place: usize,
        run: StepRun,
        answer: Option<oneshot::Sender<Delegated>>,
        span: Span,
    ) {
        let (step, seat, trail) = (run.work.step.clone(), run.seat.clone(), Arc::clone(&run.trail));
        self.running.tokens.insert(step.clone(), run.cancellation.clone());
        let began_at = self.shared.now();
        let task = self.running.tasks.spawn(run.carry_out().instrument(span));
        let on_its_way = OnItsWay { place, step, seat, trail, began_at, answer };
        self.running.steps.insert(task.id(), on_its_way);
    }

    /// What ends a step that was cut off in an earlier leg and is not gone on with: it is closed, and not run.
    fn closing(&self, step: StepId, intent: Intent, before: Before) -> StepRun {
        let cancellation = CancellationToken::new();
        cancellation.cancel();
        let seat = Seat::Agent(intent.agent);
        let work = Work {
            run: Arc::clone(&self.shared),
            step,
            task: intent.task,
            need: intent.need,
            delegated_by: intent.delegated_by,
            depth: 0,
            deadline: self.shared.deadline,
        };
        StepRun::new(work, seat, cancellation, before)
    }

    fn skip(&mut self, step: &StepId, seat: &Seat, because: String) -> Result<(), RunFault> {
        let reason = (&RunFault::Skipped { because }).into();
        self.not_begun((step, seat), State::Skipped, reason)
    }

    /// Notes a step that ends before it began.
    fn not_begun(
        &mut self,
        (step, seat): (&StepId, &Seat),
        state: State,
        reason: Reason,
    ) -> Result<(), RunFault> {
        let member = seat.agent().map(|agent| {
            self.shared.team.member(agent).ok_or_else(|| RunFault::UnknownAgent {
                strategy: self.strategy.name().to_owned(),
                step: step.clone(),
                agent: agent.clone(),
            })
        });
        let payer = member.transpose()?.map(|member| member.payer().clone());
        let place = self.name(step)?;
        // What it spent in an earlier leg, if it was begun there, stands.
        let (attempts, spent, notes) = match self.past.begin(step) {
            Standing::GoesOn(before) => {
                if let Some(intent) = before.open.clone() {
                    self.progress.begin(step.clone(), intent.agent.clone());
                    let closing = self.closing(step.clone(), intent, *before);
                    self.spawn(place, closing, None, Span::current());
                    return Ok(());
                }
                let Before { attempts, spent, notes, .. } = *before;
                (attempts, spent, notes)
            }
            Standing::Ended(_, report) => (report.attempts, report.spent, report.notes),
        };
        let id = AttemptId { step: step.clone(), agent: seat.agent().cloned(), number: 0 };
        let mut report = StepReport::new(&id, payer.as_ref(), state, self.shared.now());
        report.need = seat.need().map(Arc::clone);
        report.reason = Some(reason);
        let written = outcome(&report, 0);
        (report.attempts, report.spent, report.notes) = (attempts, spent, notes);
        self.shared.step_ended(&id, &report);
        match seat.agent() {
            Some(agent) => self.progress.begin(step.clone(), agent.clone()),
            None => self.progress.begin_unchosen(step.clone()),
        };
        self.progress.end(step, state, None);
        let ended = Ended { place, report, answer: None };
        self.write_down(ended, written);
        Ok(())
    }

    /// Notes that there is a step of this name, and gives its place.
    fn name(&mut self, step: &StepId) -> Result<usize, RunFault> {
        if self.places.contains_key(step) {
            let strategy = self.strategy.name().to_owned();
            return Err(RunFault::DuplicateStep { strategy, step: step.clone() });
        }
        self.watch.step()?;
        let place = self.reports.len();
        self.places.insert(step.clone(), place);
        self.reports.push(None);
        Ok(place)
    }

    fn stop(&self, because_of: StepId, output: Option<Value>) -> Verdict {
        let place = self.places.get(&because_of).and_then(|place| self.reports.get(*place));
        let ended = self.progress.step(&because_of).and_then(|step| step.state);
        match (place.and_then(Option::as_ref), ended) {
            (Some(step), _) => Verdict::new(step.state, step.reason.clone(), output),
            // Its end is being written down, and has the reason.
            (None, Some(state)) => {
                Verdict { because_of: Some(because_of), ..Verdict::new(state, None, output) }
            }
            (None, None) => Verdict::fault(&RunFault::UnknownStep {
                strategy: self.strategy.name().to_owned(),
                step: because_of,
            }),
        }
    }

    /// Waits until a step ends that the strategy waits for, and notes how. `false` where none is running. An error
    /// where the end could not be written down.
    async fn note_next_end(&mut self) -> Result<bool, RunFault> {
        loop {
            // Ends of earlier legs came before all that comes now.
            if let Some((_, ended)) = self.replayed.pop_first() {
                self.shared.step_ended(&ended.report.last_attempt(), &ended.report);
                if self.note(ended) {
                    return Ok(true);
                }
                continue;
            }
            tokio::select! {
                biased;
                Some((ended, written)) = self.writing.next(), if !self.writing.is_empty() => {
                    let is_the_strategys = self.note(ended);
                    written?;
                    if is_the_strategys {
                        return Ok(true);
                    }
                }
                Some(delegation) = self.delegated.recv(), if !self.running.steps.is_empty() => {
                    self.delegate(delegation);
                }
                Some(joined) = self.running.tasks.join_next_with_id() => self.note_join(joined),
                else => return Ok(false),
            }
        }
    }

    /// Notes that a step's task is over; its end counts when it is written down.
    fn note_join(&mut self, joined: Result<(task::Id, StepEnd), JoinError>) {
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some(on_its_way) = self.running.steps.remove(&id) else {
            return;
        };
        self.running.tokens.remove(&on_its_way.step);
        let StepEnd { report, outcome } = match joined {
            Ok((_, end)) => end,
            Err(error) => self.broken(&on_its_way, error),
        };
        let OnItsWay { place, answer, .. } = on_its_way;
        self.write_down(Ended { place, report, answer }, outcome);
    }

    /// Begins to write an end down.
    fn write_down(&mut self, ended: Ended, mut outcome: Box<crate::Outcome>) {
        let shared = Arc::clone(&self.shared);
        outcome.order = Some(self.ends);
        self.ends = self.ends.saturating_add(1);
        self.writing.push_back(Box::pin(async move {
            let written = shared.write(|| RunEntry::Outcome(outcome)).await;
            (ended, written)
        }));
    }

    /// Notes how a step ended. Whether it is one that the strategy waits for.
    fn note(&mut self, ended: Ended) -> bool {
        let Ended { place, report, answer } = ended;
        if let Some(agent) = &report.agent {
            self.progress.chosen(&report.step, agent.clone());
        }
        self.progress.end(&report.step, report.state, report.output.clone());
        let is_delegated = answer.is_some();
        if let Some(answer) = answer {
            // Who does not wait any more need not know.
            let _ = answer.send(Ok(Box::new(report.clone())));
        }
        if let Some(slot) = self.reports.get_mut(place) {
            *slot = Some(report);
        }
        !is_delegated
    }

    /// The end of a step that could not make its own: the ledger or the clock panicked under it.
    fn broken(&self, step: &OnItsWay, error: JoinError) -> StepEnd {
        let Trail { agent, attempt: number, spent } = step.trail.lock().clone();
        let member = agent.as_ref().and_then(|agent| self.shared.team.member(agent));
        let id = AttemptId { step: step.step.clone(), agent: agent.clone(), number };
        let payer = member.map(|member| member.payer());
        let mut report = StepReport::new(&id, payer, State::Failed, step.began_at);
        report.need = step.seat.need().map(Arc::clone);
        let message = error
            .try_into_panic()
            .map_or_else(|error| error.to_string(), |panic| panic_text(&*panic));
        report.reason = Some((&RunFault::AttemptBroken { message }).into());
        let outcome = outcome(&report, number);
        report.spent = spent;
        self.shared.step_ended(&id, &report);
        StepEnd { report, outcome }
    }

    /// Ends what was cut off in an earlier leg and that nobody began again, such as what an agent had delegated
    /// which is not run again; and takes what ended there and was not named again into the report.
    async fn close_what_was_cut_off(&mut self) {
        for (step, past) in self.past.left() {
            let Some(intent) = past.open().cloned() else {
                let report = past.report(&step);
                self.shared.step_ended(&report.last_attempt(), &report);
                self.reports.push(Some(report));
                continue;
            };
            let place = self.reports.len();
            self.reports.push(None);
            let StepEnd { report, outcome } =
                Box::pin(self.closing(step, intent, past.before()).carry_out()).await;
            self.write_down(Ended { place, report, answer: None }, outcome);
        }
        // Where an end cannot be written down the ledger knows it all the same.
        while let Some((ended, _)) = self.writing.next().await {
            self.note(ended);
        }
    }
}

impl Running {
    fn new(cancellation: CancellationToken) -> Self {
        Self {
            tasks: JoinSet::new(),
            steps: HashMap::new(),
            tokens: HashMap::new(),
            _cancel_on_drop: cancellation.drop_guard(),
        }
    }

    fn cancel(&self, step: &StepId) {
        if let Some(token) = self.tokens.get(step) {
            token.cancel();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A task that is aborted could not settle; one that is cancelled does.
        self.tasks.detach_all();
        // Who delegated is told in order, so that the same run goes the same way.
        let mut steps: Vec<OnItsWay> = self.steps.drain().map(|(_, step)| step).collect();
        steps.sort_unstable_by_key(|step| step.place);
        steps.into_iter().for_each(drop);
    }
}
