//! [`AgentTeam`]: agents that do tasks together, and [`Teams`], which makes and keeps them.

use std::sync::Arc;

use safeguards_coord::{Member, Report, RunError, StepReport, Task, Team, TeamError};
use safeguards_types::AccountId;

use super::{Error, StepResult, TeamResult};
use crate::{Safeguards, core::Core, refused::Fault};

/// Agents that do tasks together, paid from one pool.
#[derive(Clone, Debug)]
pub struct AgentTeam {
    inner: safeguards_coord::AgentTeam,
}

impl AgentTeam {
    /// Its name.
    pub fn name(&self) -> &str {
        self.inner.team().name()
    }

    /// Lets the team do a task by the strategy of this name: `pipeline`, `fan_out`, `map_reduce`, `supervisor`, `vote`
    /// or `hand_over`.
    ///
    /// Whatever the agents do, the run ends, and each step in it in one state; that is in the result. Before an agent
    /// begins, what it may cost is held.
    ///
    /// # Errors
    ///
    /// Where there is no such strategy, or the run cannot begin.
    pub async fn execute_task(
        &self,
        task: Task,
        coordination_strategy: &str,
    ) -> Result<TeamResult, RunError> {
        Ok(self.inner.execute_as(task, coordination_strategy).await?.into())
    }
}

/// Makes teams, and lets them be called by name.
///
/// ```
/// use safeguards_api::{Safeguards, v1};
/// use safeguards_coord::{Member, Reply, Task, agent_fn};
/// use safeguards_types::{Priority, usd};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let v1 = Safeguards::in_memory().v1();
/// let (agents, budgets, teams) = (v1.agents(), v1.budgets(), v1.teams());
/// let high = budgets.create_budget_pool("high_priority_tasks", usd!(500), Priority::P8).await?;
/// let research = agents.create_agent("research_agent", usd!(100), Priority::P7).await?;
///
/// // What the agent does, and what one run of it may cost.
/// let search = agent_fn(research.id.as_str(), |task: Task, _cx| async move {
///     Ok(Reply::text(format!("notes on {}", task.text())).cost(usd!(0.31)))
/// });
/// let team = teams.agent_team("research_team", [Member::new(search, usd!(0.50))], &high.id)?;
/// let result = team.execute_task(Task::new("quantum computing"), "pipeline").await?;
/// assert_eq!(result.output, Some("notes on quantum computing".into()));
///
/// // Served, it can be called by its name, from JSON too.
/// teams.serve(&team);
/// let request = r#"{"call":"teams.execute","team":"research_team","task":"bees","coordination_strategy":"vote"}"#;
/// let answer = v1.call(v1::Request::from_json(request)?).await?;
/// assert!(matches!(answer, v1::Response::ExecuteTask(result) if result.state.is_success()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Teams {
    core: Arc<Core>,
}

impl Teams {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// A team of these agents, in this order; what they spend counts at the pool besides.
    ///
    /// # Errors
    ///
    /// Where there are no agents, two have one name, or one that is not free has an estimate of 0.
    pub fn agent_team(
        &self,
        name: impl Into<String>,
        agents: impl IntoIterator<Item = Member>,
        budget_pool_id: impl Into<AccountId>,
    ) -> Result<AgentTeam, TeamError> {
        Ok(self.ready(Team::new(name, budget_pool_id, agents)?))
    }

    /// Lets a team be called by its name, in place of one of the same name that was served before. It is kept until it
    /// is [dismissed](Self::dismiss), with all that its agents hold on to.
    pub fn serve(&self, team: &AgentTeam) {
        self.core.directory.serve(team.inner.team().clone());
    }

    /// Lets a team be called by its name no more. Gives `false` where none of this name was served.
    pub fn dismiss(&self, name: &str) -> bool {
        self.core.directory.dismiss(name).is_some()
    }

    /// The names of the teams that are served.
    pub fn list_teams(&self) -> Vec<String> {
        self.core.directory.teams()
    }

    /// Lets the team that is served under this name do a task, as [`AgentTeam::execute_task`] does.
    ///
    /// # Errors
    ///
    /// As there, and where no team of this name is served.
    pub async fn execute_task(
        &self,
        team: &str,
        task: Task,
        coordination_strategy: &str,
    ) -> Result<TeamResult, Error> {
        let Some(found) = self.core.directory.team(team) else {
            return Err(
                Fault::UnknownTeam { team: team.to_owned(), known: self.list_teams() }.into()
            );
        };
        Ok(self.ready(found).execute_task(task, coordination_strategy).await?)
    }

    fn ready(&self, team: Team) -> AgentTeam {
        let runner = Safeguards::new(Arc::clone(&self.core)).runner();
        AgentTeam { inner: safeguards_coord::AgentTeam::new(team, runner) }
    }
}

impl From<Report> for TeamResult {
    fn from(report: Report) -> Self {
        Self {
            run: report.run,
            team: report.team,
            strategy: report.strategy,
            state: report.state,
            reason: report.reason,
            output: report.output,
            spent: report.spent,
            steps: report.steps.into_iter().map(StepResult::from).collect(),
        }
    }
}

impl From<StepReport> for StepResult {
    fn from(step: StepReport) -> Self {
        Self {
            is_cost_unknown: step.is_cost_unknown(),
            step: step.step,
            agent: step.agent,
            state: step.state,
            reason: step.reason,
            output: step.output,
            spent: step.spent,
        }
    }
}
