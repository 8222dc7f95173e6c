//! [`AgentTeam`]: a team with who runs it, for whoever just wants tasks done.

use std::sync::Arc;

use safeguards_types::OperationIds;

use crate::{
    Report, RunError, RunId, RunOptions, RunQuery, RunView, Runner, Strategy, Task, Team,
    strategy_named,
};

/// A team with who runs it: each task is a run with an operation of its own. Cheap to clone.
///
/// ```
/// use std::sync::Arc;
/// use safeguards_budget::{Limit, MemoryLedger, OpenAccount};
/// use safeguards_coord::{AgentTeam, Member, Pipeline, Reply, Runner, Task, Team, agent_fn};
/// use safeguards_types::{SystemClock, usd};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let ledger = MemoryLedger::new();
/// let accounts = ledger.sync();
/// accounts.open_account(OpenAccount::new("pool").limit(Limit::lifetime(usd!(1))), ledger.operation())?;
/// accounts.open_account(OpenAccount::new("research_agent").under("pool"), ledger.operation())?;
///
/// let research = agent_fn("research_agent", |task: Task, _cx| async move {
///     Ok(Reply::text(format!("read about {}", task.text())).cost(usd!(0.30)))
/// });
/// let team = Team::new("research_team", "pool", [Member::new(research, usd!(0.40))])?;
/// let runner = Runner::new(Arc::new(ledger), Arc::new(SystemClock::new()));
/// let team = AgentTeam::new(team, runner);
///
/// let report = team.execute_task(Task::new("quantum computing"), &Pipeline::new()).await?;
/// assert_eq!(report.output, Some("read about quantum computing".into()));
///
/// // Or by the name of a strategy, as it stands in a file.
/// let report = team.execute_as(Task::new("bees"), "pipeline").await?;
/// assert!(report.state.is_success());
/// let unknown = team.execute_as(Task::new("bees"), "pipelin").await.unwrap_err();
/// assert_eq!(unknown.code(), "strategy.unknown");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AgentTeam {
    team: Team,
    runner: Runner,
    ids: Arc<OperationIds>,
}

impl AgentTeam {
    /// `team`, whose tasks `runner` runs.
    pub fn new(team: Team, runner: Runner) -> Self {
        Self { team, runner, ids: Arc::new(OperationIds::new()) }
    }

    /// The same, with operations minted by `ids`: for runs that are to be the same every time.
    #[must_use]
    pub fn ids(self, ids: OperationIds) -> Self {
        Self { ids: Arc::new(ids), ..self }
    }

    /// The team.
    pub const fn team(&self) -> &Team {
        &self.team
    }

    /// Who runs its tasks.
    pub const fn runner(&self) -> &Runner {
        &self.runner
    }

    /// Options for a run of an operation of its own.
    pub fn options(&self) -> RunOptions {
        RunOptions::new(self.ids.mint(self.runner.now()))
    }

    /// Lets the team do `task` as `strategy` says, to its end.
    ///
    /// # Errors
    ///
    /// Where the run cannot begin. All that happens after that is in the report.
    pub async fn execute_task(
        &self,
        task: Task,
        strategy: &dyn Strategy,
    ) -> Result<Report, RunError> {
        self.runner.run(&self.team, task, strategy, self.options()).await
    }

    /// Lets the team do `task` as the strategy of this name does, such as `pipeline`, as it is by itself.
    ///
    /// # Errors
    ///
    /// As [`Self::execute_task`], and where there is no strategy of this name.
    pub async fn execute_as(&self, task: Task, strategy: &str) -> Result<Report, RunError> {
        let strategy = strategy_named(strategy)?;
        self.execute_task(task, &*strategy).await
    }

    /// The team's runs that were begun and have not ended, the latest first, a page of them: those that were cut
    /// off, and those that are under way.
    ///
    /// # Errors
    ///
    /// Where the runner writes nothing down, or its store fails.
    pub async fn unfinished(&self) -> Result<Vec<RunView>, RunError> {
        let Some(store) = self.runner.run_store() else {
            return Err(RunError::NoStore);
        };
        Ok(store.runs(&RunQuery::all().unfinished().team(self.team.name())).await?)
    }

    /// Goes on with a run of this team, as [`Runner::resume`] does.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn resume(&self, run: &RunId, strategy: &dyn Strategy) -> Result<Report, RunError> {
        self.runner.resume(&self.team, run, strategy, self.options()).await
    }
}
