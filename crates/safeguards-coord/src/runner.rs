//! [`Runner`]: carries out the moves of a strategy; each step under a hold and a deadline.

mod abandoned;
mod allowance;
mod attempt;
mod choosing;
mod costs;
mod course;
mod guards;
mod journal;
mod options;
mod past;
mod purse;
mod step;

use std::{collections::HashMap, sync::Arc};

use safeguards_budget::Ledger;
use safeguards_discovery::Query;
use safeguards_notify::EventBus;
use safeguards_pricing::PriceTable;
use safeguards_types::{AgentId, Amounts, Clock, OperationId, Timestamp};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use self::{
    abandoned::Abandoned,
    allowance::Allowance,
    costs::RecentCosts,
    course::Course,
    journal::{Journal, asking},
    past::Past,
    purse::Purse,
};
pub use self::{guards::Guards, options::RunOptions};
use crate::{
    AttemptId, Loads, Member, Outcome, Report, RunEntry, RunError, RunFact, RunFault, RunHead,
    RunId, RunStore, RunStoreError, Selector, SharedState, State, StepReport, Strategy, Task, Team,
    TeamSelector,
    context::{Commons, Delegation},
    event::Emitter,
    selector::Counted,
    team::to_hold,
    telemetry::RunTelling,
};

/// Runs teams: holds, runs agents under deadlines, settles, writes down, reports.
///
/// It needs a tokio runtime with time and, for programs, I/O. Each step runs in a task of its own; none is
/// left when [`Runner::run`] has answered, save what is reported as [`State::Abandoned`].
///
/// Clones share what they know of loads and recent costs.
#[derive(Clone, Debug)]
pub struct Runner {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    prices: Arc<PriceTable>,
    selector: Option<Arc<dyn Selector>>,
    store: Option<Arc<dyn RunStore>>,
    estimate: Option<Amounts>,
    commons: Commons,
    loads: Loads,
    costs: RecentCosts,
    abandoned: Abandoned,
}

impl Runner {
    /// A runner that spends from `ledger` and reads time from `clock`. Usage is priced by the built-in table.
    ///
    /// The two clocks, this one and the ledger's, must agree to within five minutes.
    pub fn new(ledger: Arc<dyn Ledger>, clock: Arc<dyn Clock>) -> Self {
        Self {
            ledger,
            clock,
            prices: Arc::new(PriceTable::builtin().clone()),
            selector: None,
            store: None,
            estimate: None,
            commons: Commons::default(),
            loads: Loads::new(),
            costs: RecentCosts::default(),
            abandoned: Abandoned::default(),
        }
    }

    /// Prices what models use by this table.
    #[must_use]
    pub fn prices(self, prices: Arc<PriceTable>) -> Self {
        Self { prices, ..self }
    }

    /// Lets `selector` choose who does a step that is given to nobody by name. Without one, only needs that name no
    /// more than an order are met, as [`TeamSelector`] does, such as whoever of the team is least loaded; another
    /// one fails the run.
    #[must_use]
    pub fn selector(self, selector: Arc<dyn Selector>) -> Self {
        Self { selector: Some(selector), ..self }
    }

    /// Writes runs down in `store`, so that they can be looked at, and [resumed](Self::resume) where they were cut
    /// off. Without one a run is known only as long as it goes on.
    #[must_use]
    pub fn store(self, store: Arc<dyn RunStore>) -> Self {
        Self { store: Some(store), ..self }
    }

    /// Holds `estimate` before each run of an agent whose member gives none.
    #[must_use]
    pub fn estimate(self, estimate: impl Into<Amounts>) -> Self {
        Self { estimate: Some(estimate.into()), ..self }
    }

    /// Gives `state` to its agents, to be shared by all of them in all runs.
    #[must_use]
    pub fn state(mut self, state: SharedState) -> Self {
        self.commons.state = Some(state);
        self
    }

    /// Lets its agents publish events and send each other messages over `bus`.
    #[must_use]
    pub fn events(mut self, bus: Arc<dyn EventBus>) -> Self {
        self.commons.events = Some(bus);
        self
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

    /// Where it writes runs down.
    pub const fn run_store(&self) -> Option<&Arc<dyn RunStore>> {
        self.store.as_ref()
    }

    /// Whether it can choose who does what is needed.
    fn can_choose(&self, need: &Query) -> bool {
        self.selector.is_some() || TeamSelector::can_tell(need)
    }

    /// What time it is for its runs.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How many agents were abandoned, in all runs of this runner and its clones, and are still running.
    pub fn abandoned(&self) -> usize {
        self.abandoned.count()
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
        let deadline = match options.deadline {
            Some(deadline) => deadline.of(started_at),
            None => started_at.saturating_add(RunOptions::WITHIN),
        };
        self.check(deadline, started_at)?;
        let estimates = self.estimates(team)?;
        let head = RunHead {
            run: options.id.clone(),
            op: options.op,
            team: team.name().to_owned(),
            pool: team.pool().clone(),
            strategy: strategy.name().to_owned(),
            agents: team.members().iter().map(|member| member.id().clone()).collect(),
            task,
            started_at,
            deadline,
        };
        if let Some(store) = &self.store {
            asking(|| store.begin(head.clone())).await?;
        }
        self.carry_out(team, (head, 1, Past::default()), strategy, (estimates, options)).await
    }

    /// Goes on with a run that was cut off, or that has ended without success.
    ///
    /// Steps that succeeded are not done again, and nothing is paid twice. Of a run that was cut off every step
    /// that ended stays as it ended; of one that had ended, what did not succeed is tried anew. An attempt that was
    /// cut off is done again, with the same operations, where its agent says that it may be
    /// ([`Descriptor::idempotent`](crate::Descriptor::idempotent)) or it never began; else it ends as
    /// [`State::Interrupted`], and its estimate counts as spent unless more is known.
    ///
    /// Who runs the run at that time can write nothing down any more, and stops. Of `options` the operation and
    /// the name are those that the run began with; the deadline is the run's own, unless another is given.
    ///
    /// # Errors
    ///
    /// Where there is no such run, it was another team's, strategy's or agents', or the deadline has passed.
    pub async fn resume(
        &self,
        team: &Team,
        run: &RunId,
        strategy: &dyn Strategy,
        options: RunOptions,
    ) -> Result<Report, RunError> {
        let Some(store) = &self.store else {
            return Err(RunError::NoStore);
        };
        let now = self.clock.now();
        let view = asking(|| store.run(run)).await?;
        let view = view.ok_or_else(|| RunStoreError::unknown(run))?;
        let mut head = view.head;
        is_the_same(&head, team, strategy)?;
        if let Some(deadline) = options.deadline {
            head.deadline = deadline.of(now);
        } else if view.end.is_some() {
            head.deadline = now.saturating_add(RunOptions::WITHIN);
        }
        self.check(head.deadline, now)?;
        let estimates = self.estimates(team)?;
        let leg = asking(|| store.take_over(run, view.leg, options.op, now)).await?;
        let reruns = |outcome: &Outcome| self.tries_again(team, outcome, options.reruns);
        let past = asking(|| Past::read(store, run, &reruns)).await?;
        let options = RunOptions { op: head.op, id: head.run.clone(), ..options };
        if options.is_ledger_new {
            self.record_again(team, &past, &options).await;
        }
        head.started_at = now;
        self.carry_out(team, (head, leg, past), strategy, (estimates, options)).await
    }

    /// Whether a step that ended so is tried anew when its run, which had ended, goes on.
    fn tries_again(&self, team: &Team, outcome: &Outcome, reruns: bool) -> bool {
        let _ = self;
        match outcome.state {
            State::Succeeded => false,
            // Nobody knows what these did.
            State::Interrupted | State::Abandoned => {
                let member = outcome.agent.as_ref().and_then(|agent| team.member(agent));
                reruns || member.is_some_and(|member| member.agent().descriptor().idempotent)
            }
            State::Failed | State::Denied | State::TimedOut | State::Cancelled | State::Skipped => {
                true
            }
        }
    }

    /// Writes what a run spent before into a ledger that knows nothing of it.
    async fn record_again(&self, team: &Team, past: &Past, options: &RunOptions) {
        for outcome in past.outcomes() {
            let agent = outcome.agent.clone();
            let id = AttemptId { step: outcome.step.clone(), agent, number: outcome.attempt };
            if let Some(purse) = self.purse(team, (options.op, &options.id), id) {
                purse.record_again(&outcome.spent, self.clock.now()).await;
            }
        }
    }

    /// The money side of an attempt; none where nobody of the team does it.
    fn purse(&self, team: &Team, (op, run): (OperationId, &RunId), id: AttemptId) -> Option<Purse> {
        let member = team.member(id.agent.as_ref()?)?;
        let scopes = member.scopes().iter().chain([team.pool()]).cloned().collect();
        let account = member.payer().clone();
        Some(Purse::new(Arc::clone(&self.ledger), (account, scopes), (op, run.clone()), id))
    }

    fn check(&self, deadline: Timestamp, now: Timestamp) -> Result<(), RunError> {
        let _ = self;
        if deadline > now { Ok(()) } else { Err(RunError::DeadlinePassed { deadline, now }) }
    }

    /// What is held before a run of each: what the team says, else the default, else what they cost lately.
    fn estimates(&self, team: &Team) -> Result<HashMap<AgentId, Amounts>, RunError> {
        let estimate = |member: &Arc<Member>| {
            let known = member.estimate().cloned();
            let known = known.or_else(|| self.estimate.clone());
            let known = known.or_else(|| self.costs.estimate(member.id()));
            let is_free = member.agent().descriptor().free;
            let known = known.or_else(|| is_free.then(Amounts::none));
            let known = known.filter(|known| is_free || !known.is_zero());
            match known {
                Some(known) => Ok((member.id().clone(), to_hold(&known))),
                None => Err(RunError::NoEstimate {
                    team: team.name().to_owned(),
                    agent: member.id().clone(),
                }),
            }
        };
        team.members().iter().map(estimate).collect()
    }

    async fn carry_out(
        &self,
        team: &Team,
        (head, leg, past): (RunHead, u32, Past),
        strategy: &dyn Strategy,
        (estimates, options): (HashMap<AgentId, Amounts>, RunOptions),
    ) -> Result<Report, RunError> {
        let telling = RunTelling::begin(&head, leg);
        let RunHead { run: id, op, agents, task, started_at, deadline, .. } = head;
        let events = Arc::new(Emitter::new(id.clone(), Arc::clone(&self.clock), options.observer));
        let journal =
            self.store.as_ref().map(|store| Journal::new(Arc::clone(store), id.clone(), leg));
        let allowance = Allowance::new(options.budget);
        allowance.settle(&Amounts::none(), &past.spent());
        let (delegations, delegated) = unbounded_channel();
        let shared = Arc::new(Shared {
            runner: self.clone(),
            team: team.clone(),
            op,
            id,
            leg,
            deadline,
            asked_to_stop: options.cancellation.clone(),
            events,
            journal,
            allowance,
            estimates,
            delegations,
            output_bytes_max: options.output_bytes_max,
            is_ledger_new: options.is_ledger_new,
            reruns: options.reruns,
        });
        let in_team = agents.iter().map(|agent| self.loads.begin(agent, Counted::Team)).collect();
        let cancellation = options.cancellation.child_token();
        let course = Course::new(shared, strategy, (task, agents), (past, delegated))
            .guarded(options.guards)
            .under(cancellation, in_team);
        // Large, and awaited in the futures of whoever runs teams.
        let course = Box::pin(course.carry_out(started_at));
        let report = course.instrument(telling.span().clone()).await;
        telling.end(&report);
        Ok(report)
    }
}

/// Whether a run is resumed as what it was begun as.
fn is_the_same(head: &RunHead, team: &Team, strategy: &dyn Strategy) -> Result<(), RunError> {
    let agents = team.members().iter().map(|member| member.id().as_str());
    let agents: Vec<&str> = agents.collect();
    let were: Vec<&str> = head.agents.iter().map(AgentId::as_str).collect();
    for (what, was, now) in [
        ("the team", head.team.clone(), team.name().to_owned()),
        ("the strategy", head.strategy.clone(), strategy.name().to_owned()),
        ("the agents", were.join(", "), agents.join(", ")),
        ("the pool", head.pool.to_string(), team.pool().to_string()),
    ] {
        if was != now {
            return Err(RunError::Changed { run: head.run.clone(), what, was, now });
        }
    }
    Ok(())
}

/// What every attempt of a run needs to know.
#[derive(Debug)]
struct Shared {
    runner: Runner,
    team: Team,
    op: OperationId,
    id: RunId,
    leg: u32,
    deadline: Timestamp,
    /// The caller's token; those of the steps are below it.
    asked_to_stop: CancellationToken,
    events: Arc<Emitter>,
    /// None where nothing is written down.
    journal: Option<Journal>,
    allowance: Allowance,
    /// What is held before a run of each.
    estimates: HashMap<AgentId, Amounts>,
    /// Where agents hand what they delegate.
    delegations: UnboundedSender<Delegation>,
    output_bytes_max: usize,
    is_ledger_new: bool,
    reruns: bool,
}

impl Shared {
    fn now(&self) -> Timestamp {
        self.runner.clock.now()
    }

    /// What is held before a run of a member.
    fn to_hold(&self, member: &Member) -> Amounts {
        self.estimates.get(member.id()).cloned().unwrap_or_default()
    }

    /// Writes down what happened, where anything is written down.
    async fn write(&self, entry: impl FnOnce() -> RunEntry) -> Result<(), RunFault> {
        match &self.journal {
            Some(journal) => journal.append(entry()).await,
            None => Ok(()),
        }
    }

    fn step_ended(&self, id: &AttemptId, report: &StepReport) {
        let fact = RunFact::StepEnded {
            state: report.state,
            reason: report.reason.clone(),
            spent: report.spent.clone(),
            duration: report.duration,
            reused: report.is_reused,
        };
        self.events.emit(Some(id), fact);
    }
}
