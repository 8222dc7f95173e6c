//! Teams, and what was written down of their runs.

use std::sync::Arc;

use safeguards_coord::{
    AgentTeam, Member, Report, RunEntry, RunError, RunId, RunQuery, RunStoreError, RunView,
    Strategy, Team, TeamError,
};
use safeguards_types::AccountId;

use crate::{Safeguards, core::Core};

/// Makes teams, and lets them be called by name.
///
/// ```
/// use safeguards_api::Safeguards;
/// use safeguards_coord::{Member, Pipeline, Reply, RunQuery, Task, agent_fn};
/// use safeguards_types::{Priority, usd};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let v2 = Safeguards::in_memory().v2();
/// let high = v2.pools().create("high_priority_tasks", usd!(500), Priority::P8).await?;
/// v2.agents().create("research", usd!(100), Priority::P7).await?;
/// let search = agent_fn("research", |task: Task, _cx| async move {
///     Ok(Reply::text(format!("notes on {}", task.text())).cost(usd!(0.31)))
/// });
///
/// // What one run of an agent may cost is held before it starts.
/// let team = v2.teams().create("research_team", &high, [Member::new(search, usd!(0.50))])?;
/// let report = team.execute_task(Task::new("quantum computing"), &Pipeline::new()).await?;
/// assert_eq!(report.output, Some("notes on quantum computing".into()));
///
/// let runs = v2.runs().list(&RunQuery::all().team("research_team")).await?;
/// assert_eq!(runs[0].head.run, report.run);
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

    /// A team of these agents, in this order; what they spend counts at the pool besides. What agents do is code, so
    /// teams are made in Rust alone.
    ///
    /// # Errors
    ///
    /// Where there are no agents, two have one name, or one that is not free has an estimate of 0.
    pub fn create(
        &self,
        name: impl Into<String>,
        pool: impl Into<AccountId>,
        agents: impl IntoIterator<Item = Member>,
    ) -> Result<AgentTeam, TeamError> {
        Ok(self.ready(Team::new(name, pool, agents)?))
    }

    /// Lets a team be called by its name, in place of one of the same name that was served before: by
    /// [`Api::call`](super::Api::call), and so from JSON. It is kept until it is [dismissed](Self::dismiss), with all
    /// that its agents hold on to.
    pub fn serve(&self, team: &AgentTeam) {
        self.core.directory.serve(team.team().clone());
    }

    /// Lets a team be called by its name no more. Gives `false` where none of this name was served.
    pub fn dismiss(&self, name: &str) -> bool {
        self.core.directory.dismiss(name).is_some()
    }

    /// The names of the teams that are served.
    pub fn list(&self) -> Vec<String> {
        self.core.directory.teams()
    }

    /// The team that is served under this name.
    pub fn find(&self, name: &str) -> Option<AgentTeam> {
        self.core.directory.team(name).map(|team| self.ready(team))
    }

    fn ready(&self, team: Team) -> AgentTeam {
        AgentTeam::new(team, Safeguards::new(Arc::clone(&self.core)).runner())
    }
}

/// Looks at runs of teams, and goes on with them.
#[derive(Clone, Debug)]
pub struct Runs {
    core: Arc<Core>,
}

impl Runs {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Runs that are as asked for, by name, a page at a time.
    ///
    /// # Errors
    ///
    /// Where the run store cannot answer.
    pub async fn list(&self, query: &RunQuery) -> Result<Vec<RunView>, RunStoreError> {
        self.core.run_store.runs(query).await
    }

    /// How a run stands; `None` where none of this name is known.
    ///
    /// # Errors
    ///
    /// Where the run store cannot answer.
    pub async fn view(&self, run: &RunId) -> Result<Option<RunView>, RunStoreError> {
        self.core.run_store.run(run).await
    }

    /// What was written down of a run, in order: at most `limit` entries after the first `from`.
    ///
    /// # Errors
    ///
    /// Where there is no such run, or the run store cannot answer.
    pub async fn entries(
        &self,
        run: &RunId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RunEntry>, RunStoreError> {
        self.core.run_store.entries(run, from, limit).await
    }

    /// Goes on with a run that was cut off, or that has ended without success. Steps that succeeded are not done again,
    /// and nothing is paid twice. The team and the strategy are those that it was begun with.
    ///
    /// # Errors
    ///
    /// Where there is no such run, it was another team's, strategy's or agents', or its deadline has passed.
    pub async fn resume(
        &self,
        team: &AgentTeam,
        run: &RunId,
        strategy: &dyn Strategy,
    ) -> Result<Report, RunError> {
        team.resume(run, strategy).await
    }
}
