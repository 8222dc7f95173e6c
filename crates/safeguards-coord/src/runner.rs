//! [`Runner`]: carries out the moves of a strategy; each step under a hold and a deadline.

mod attempt;
mod choosing;
mod options;
mod purse;

use std::{
    any::Any,
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
};

use safeguards_budget::Ledger;
use safeguards_pricing::PriceTable;
use safeguards_types::{AgentId, Amounts, Clock, OperationId, Timestamp};
use serde_json::Value;
use tokio::task::{self, JoinError, JoinSet};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::options::RunOptions;
use self::{attempt::Attempt, choosing::Choosing};
use crate::{
    AttemptId, Loads, Member, Move, Progress, Reason, Report, RunError, RunFact, RunFault, RunId,
    Seat, Selector, State, Step, StepId, StepReport, Strategy, Task, Team,
    event::Emitter,
    panics::panic_text,
    seat::need_text,
    selector::{Counted, Under},
};

/// Runs teams: holds, runs agents under deadlines, settles, reports.
///
/// It needs a tokio runtime with time and, for programs, I/O. Each step runs in a task of its own; none is
/// left when [`Runner::run`] has answered, save what is reported as [`State::Abandoned`].
#[derive(Clone, Debug)]
pub struct Runner {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    prices: Arc<PriceTable>,
    selector: Option<Arc<dyn Selector>>,
    loads: Loads,
}

impl Runner {
    /// A runner that spends from `ledger` and reads time from `clock`. Usage is priced by the built-in table.
    ///
    /// The two clocks, this one and the ledger's, must agree to within five minutes.
    pub fn new(ledger: Arc<dyn Ledger>, clock: Arc<dyn Clock>) -> Self {
        let prices = Arc::new(PriceTable::builtin().clone());
        Self { ledger, clock, prices, selector: None, loads: Loads::new() }
    }

    /// Prices what models use by this table.
    #[must_use]
    pub fn prices(self, prices: Arc<PriceTable>) -> Self {
        Self { prices, ..self }
    }

    /// Lets `selector` choose who does a step that is given to nobody by name. Without one, such a step fails
    /// the run.
    #[must_use]
    pub fn selector(self, selector: Arc<dyn Selector>) -> Self {
        Self { selector: Some(selector), ..self }
    }

    /// Counts what agents have to do together with whoever else has these loads. Clones of a runner do anyway.
    #[must_use]
    pub fn counting(self, loads: Loads) -> Self {
        Self { loads, ..self }
    }

    /// How much everybody has to do: a source of statuses for the [`Finder`](safeguards_discovery::Finder) that
    /// chooses.
    pub const fn loads(&self) -> &Loads {
        &self.loads
    }

    /// Lets `team` do `task` as `strategy` says, to its end: by the deadline, but for the grace that what is
    /// running then has to stop, and for the ledger to be told.
    ///
    /// Dropping this future cancels the run. What was begun is then stopped and settled in the background,
    /// as long as the runtime lives.
    ///
    /// # Errors
    ///
    /// Where the run cannot begin. All that happens after that is in the report.
    pub async fn run(
        &self,
        team: &Team,
        task: Task,
        strategy: &dyn Strategy,
        options: RunOptions,
    ) -> Result<Report, RunError> {
        let started_at = self.clock.now();
        let deadline = options.deadline.of(started_at);
        if deadline <= started_at {
            return Err(RunError::DeadlinePassed { deadline, now: started_at });
        }
        let events = Emitter::new(options.id.clone(), Arc::clone(&self.clock), options.observer);
        let shared = Arc::new(Shared {
            runner: self.clone(),
            team: team.clone(),
            op: options.op,
            id: options.id,
            deadline,
            asked_to_stop: options.cancellation.clone(),
            events: Arc::new(events),
        });
        let cancellation = options.cancellation.child_token();
        let members = team.members().iter();
        let in_team = members.map(|member| self.loads.begin(member.id(), Counted::Team)).collect();
        let run = Run {
            _in_team: in_team,
            progress: Progress::new(task, team.members().iter().map(|member| member.id().clone())),
            strategy,
            steps_max: options.steps_max,
            reports: Vec::new(),
            attempts: Attempts::new(cancellation.clone()),
            cancellation,
            shared,
        };
        Ok(run.carry_out(started_at).await)
    }
}

/// What every attempt of a run needs to know.
#[derive(Debug)]
struct Shared {
    runner: Runner,
    team: Team,
    op: OperationId,
    id: RunId,
    deadline: Timestamp,
    /// The caller's token; those of the steps are below it.
    asked_to_stop: CancellationToken,
    events: Arc<Emitter>,
}

/// A run on its way.
struct Run<'run> {
    shared: Arc<Shared>,
    strategy: &'run dyn Strategy,
    progress: Progress,
    steps_max: usize,
    /// One slot for each step named, in that order; empty while it is running.
    reports: Vec<Option<StepReport>>,
    attempts: Attempts,
    cancellation: CancellationToken,
    /// The members are known to the loads for as long as the run goes on.
    _in_team: Vec<Under>,
}

/// Attempts that are running. Dropped, they are cancelled, and settle what they cost on their own.
struct Attempts {
    tasks: JoinSet<StepReport>,
    running: HashMap<task::Id, Running>,
    _cancel_on_drop: DropGuard,
}

/// What is known of an attempt while it runs. For look-up only.
struct Running {
    /// Which slot its report goes into.
    place: usize,
    step: Step,
    /// Who does it, once that is known.
    chosen: Arc<OnceLock<AgentId>>,
    began_at: Timestamp,
    cancellation: CancellationToken,
}

/// How a run ends.
struct Verdict {
    state: State,
    reason: Option<Reason>,
    output: Option<Value>,
}

impl Verdict {
    fn fault(fault: &RunFault) -> Self {
        Self { state: State::Failed, reason: Some(fault.into()), output: None }
    }
}

impl Run<'_> {
    async fn carry_out(mut self, started_at: Timestamp) -> Report {
        let shared = Arc::clone(&self.shared);
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
        let mut verdict = loop {
            if let Some(verdict) = self.advance() {
                break verdict;
            }
            if !self.note_next_end().await {
                break Verdict::fault(&RunFault::StrategyStalled {
                    strategy: self.strategy.name().to_owned(),
                });
            }
        };
        self.cancellation.cancel();
        while self.note_next_end().await {}
        // Whatever the strategy made of it: who asked for the end is told that it came.
        if verdict.state != State::Succeeded && shared.asked_to_stop.is_cancelled() {
            verdict.state = State::Cancelled;
            verdict.reason = Some((&RunFault::Cancelled).into());
        }
        let steps: Vec<StepReport> = self.reports.into_iter().flatten().collect();
        let mut spent = Amounts::none();
        for step in &steps {
            spent.add_all(&step.spent);
        }
        let Verdict { state, reason, output } = verdict;
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
            started_at,
            ended_at: shared.runner.clock.now(),
            observer_panicked: shared.events.panicked(),
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
                    self.attempts.cancel(&step);
                    Ok(())
                }
                Move::Succeed { output } => {
                    let (state, output) = (State::Succeeded, Some(output));
                    return Some(Verdict { state, reason: None, output });
                }
                Move::Stop { because_of, output } => return Some(self.stop(because_of, output)),
                Move::Fail { reason, output } => {
                    return Some(Verdict { state: State::Failed, reason: Some(reason), output });
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
        self.shared.runner.clock.now() >= self.shared.deadline && !self.cancellation.is_cancelled()
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
        let so_far = catch_unwind(AssertUnwindSafe(|| self.strategy.so_far(&self.progress)));
        match so_far {
            Ok(output) => Verdict { state: State::TimedOut, reason: Some(reason), output },
            Err(panic) => self.panicked(&*panic),
        }
    }

    fn start(&mut self, step: Step) -> Result<(), RunFault> {
        let member = self.name(&step.step, &step.seat)?;
        let selector = self.shared.runner.selector.clone();
        if let (Some(need), None) = (step.seat.need(), &selector) {
            let (strategy, need) = (self.strategy.name().to_owned(), need_text(need));
            return Err(RunFault::NoSelector { strategy, step: step.step, need });
        }
        let cancellation = self.cancellation.child_token();
        let place = self.reports.len();
        self.reports.push(None);
        let shared = Arc::clone(&self.shared);
        let began_at = shared.runner.clock.now();
        let chosen = Arc::new(OnceLock::new());
        let token = cancellation.clone();
        let (name, work) = (step.step.clone(), step.task.clone());
        let task = match (&step.seat, member, selector) {
            (Seat::Capable(need), _, Some(selector)) => {
                let (need, chosen) = (Arc::clone(need), Arc::clone(&chosen));
                let choosing = Choosing {
                    run: shared,
                    selector,
                    step: name,
                    need,
                    task: work,
                    cancellation: token,
                    chosen,
                };
                self.attempts.tasks.spawn(choosing.carry_out())
            }
            (Seat::Agent(agent), Some(member), _) => {
                let _ = chosen.set(agent.clone());
                let under = self.shared.runner.loads.begin(agent, Counted::Attempt);
                let attempt = Attempt::new(shared, member, (name, work), token, under);
                self.attempts.tasks.spawn(attempt.carry_out())
            }
            // Both are looked for above.
            (Seat::Capable(_), _, None) | (Seat::Agent(_), None, _) => return Ok(()),
        };
        let running = Running { place, step, chosen, began_at, cancellation };
        self.attempts.running.insert(task.id(), running);
        Ok(())
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
        let member = self.name(step, seat)?;
        let id = AttemptId { step: step.clone(), agent: seat.agent().cloned(), number: 0 };
        let now = self.shared.runner.clock.now();
        let payer = member.as_ref().map(|member| member.payer());
        let mut report = StepReport::new(&id, payer, state, now);
        report.need = seat.need().map(Arc::clone);
        report.reason = Some(reason);
        self.shared.step_ended(&id, &report);
        self.progress.end(step, state, None);
        self.reports.push(Some(report));
        Ok(())
    }

    /// Notes that there is a step of this name, and gives who does it, where that is named.
    fn name(&mut self, step: &StepId, seat: &Seat) -> Result<Option<Arc<Member>>, RunFault> {
        let strategy = || self.strategy.name().to_owned();
        if self.reports.len() >= self.steps_max {
            return Err(RunFault::TooManySteps { max: self.steps_max });
        }
        let step = step.clone();
        let (begun, member) = match seat {
            Seat::Agent(agent) => {
                let agent = agent.clone();
                let Some(member) = self.shared.team.member(&agent) else {
                    return Err(RunFault::UnknownAgent { strategy: strategy(), step, agent });
                };
                (self.progress.begin(step.clone(), agent), Some(Arc::clone(member)))
            }
            Seat::Capable(_) => (self.progress.begin_unchosen(step.clone()), None),
        };
        if !begun {
            return Err(RunFault::DuplicateStep { strategy: strategy(), step });
        }
        Ok(member)
    }

    fn stop(&self, because_of: StepId, output: Option<Value>) -> Verdict {
        let mut reports = self.reports.iter().flatten();
        match reports.find(|report| report.step == because_of) {
            Some(step) => Verdict { state: step.state, reason: step.reason.clone(), output },
            None => Verdict::fault(&RunFault::UnknownStep {
                strategy: self.strategy.name().to_owned(),
                step: because_of,
            }),
        }
    }

    /// Waits until an attempt ends, and notes how. `false` where none is running.
    async fn note_next_end(&mut self) -> bool {
        let Some(joined) = self.attempts.tasks.join_next_with_id().await else {
            return false;
        };
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        if let Some(Running { place, step, chosen, began_at, .. }) =
            self.attempts.running.remove(&id)
        {
            let report = match joined {
                Ok((_, report)) => report,
                Err(error) => self.broken(&step, chosen.get(), began_at, error),
            };
            if let Some(agent) = &report.agent {
                self.progress.chosen(&report.step, agent.clone());
            }
            self.progress.end(&report.step, report.state, report.output.clone());
            if let Some(slot) = self.reports.get_mut(place) {
                *slot = Some(report);
            }
        }
        true
    }

    /// The report of an attempt that could not make its own: the ledger or the clock panicked under it.
    fn broken(
        &self,
        step: &Step,
        agent: Option<&AgentId>,
        began_at: Timestamp,
        error: JoinError,
    ) -> StepReport {
        let number = u32::from(agent.is_some());
        let id = AttemptId { step: step.step.clone(), agent: agent.cloned(), number };
        let member = agent.and_then(|agent| self.shared.team.member(agent));
        let payer = member.map(|member| member.payer());
        let mut report = StepReport::new(&id, payer, State::Failed, began_at);
        report.need = step.seat.need().map(Arc::clone);
        let message = error
            .try_into_panic()
            .map_or_else(|error| error.to_string(), |panic| panic_text(&*panic));
        report.reason = Some((&RunFault::AttemptBroken { message }).into());
        self.shared.step_ended(&id, &report);
        report
    }
}

impl Attempts {
    fn new(cancellation: CancellationToken) -> Self {
        Self {
            tasks: JoinSet::new(),
            running: HashMap::new(),
            _cancel_on_drop: cancellation.drop_guard(),
        }
    }

    fn cancel(&self, step: &StepId) {
        let named = self.running.values().find(|running| running.step.step == *step);
        if let Some(running) = named {
            running.cancellation.cancel();
        }
    }
}

impl Drop for Attempts {
    fn drop(&mut self) {
        // A task that is aborted could not settle; one that is cancelled does.
        self.tasks.detach_all();
    }
}

impl Shared {
    fn step_ended(&self, id: &AttemptId, report: &StepReport) {
        let fact = RunFact::StepEnded {
            state: report.state,
            reason: report.reason.clone(),
            spent: report.spent.clone(),
            duration: report.duration,
        };
        self.events.emit(Some(id), fact);
    }
}
