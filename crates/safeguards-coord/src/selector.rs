//! [`Selector`]: who of a team does what is needed, the seam; [`Loads`]: how much everybody has to do.

mod of_team;

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_discovery::{
    Explanation, FindError, Finder, Query, RegistryError, Status, StatusSource,
};
use safeguards_types::{AgentId, Amounts};
use tokio::sync::{Semaphore, SemaphorePermit};

pub use of_team::TeamSelector;

/// Chooses who does a step that is given to nobody by name.
///
/// [`Finder`] is one: it chooses by what agents registered, and by how they stand.
///
/// # Contract
///
/// - It chooses one of the candidates, or refuses; whom it refuses, and why, is in the refusal.
/// - It is asked when the step begins, and answers soon: the runner waits ten seconds for it, and asks again
///   only when that is answered, so that each choice sees what those before it made of the load.
/// - It may be dropped at any `.await`.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Selector: fmt::Debug + Send + Sync + 'static {
    /// Who of `candidates`, the members of the team in their order, does what is needed.
    async fn select(&self, need: &Query, candidates: &[Candidate]) -> Result<Selection, FindError>;
}

/// Somebody who may be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// Who.
    pub agent: AgentId,
    /// How many attempts of it are under way, in all runs that share these [`Loads`].
    pub load: u32,
    /// What is held before a run of it; nothing where that is not known.
    pub estimate: Amounts,
}

impl Candidate {
    /// An agent with so much under way.
    pub fn new(agent: AgentId, load: u32) -> Self {
        Self { agent, load, estimate: Amounts::none() }
    }

    /// The same, of whose runs each is estimated to cost this.
    #[must_use]
    pub fn estimate(self, estimate: impl Into<Amounts>) -> Self {
        Self { estimate: estimate.into(), ..self }
    }
}

/// Who was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Selection {
    /// This one.
    Chosen(AgentId),
    /// Nobody, and why not: of each candidate, or of some.
    Nobody(Vec<Unfit>),
}

/// Why somebody was not chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfit {
    /// Who.
    pub agent: AgentId,
    /// Why not, in words for people.
    pub why: String,
}

impl Unfit {
    /// This agent cannot, because of this.
    pub fn new(agent: AgentId, why: impl Into<String>) -> Self {
        Self { agent, why: why.into() }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.agent, self.why)
    }
}

/// How many candidates are told of when nobody could be chosen.
pub(crate) const UNFIT_TOLD: usize = 10;

#[async_trait]
impl Selector for Finder {
    /// The first by the need's order of those candidates that may be given work.
    async fn select(&self, need: &Query, candidates: &[Candidate]) -> Result<Selection, FindError> {
        let among = candidates.iter().map(|candidate| &candidate.agent);
        let among = among.filter(|agent| need.among.as_ref().is_none_or(|own| own.contains(agent)));
        let confined = need.clone().among(among.cloned()).healthy();
        if let Some(chosen) = self.choose(&confined, &[]).await? {
            return Ok(Selection::Chosen(chosen.agent));
        }
        let mut unfit = Vec::new();
        for Candidate { agent, .. } in candidates.iter().take(UNFIT_TOLD) {
            let why = self.explain(&need.clone().healthy(), agent).await?;
            unfit.push(Unfit::new(agent.clone(), reasons(&why)));
        }
        unfit.extend(
            candidates
                .iter()
                .skip(UNFIT_TOLD)
                .map(|candidate| Unfit::new(candidate.agent.clone(), "not looked into")),
        );
        Ok(Selection::Nobody(unfit))
    }
}

/// What keeps an agent from being chosen, in one line.
fn reasons(why: &Explanation) -> String {
    if why.is_found() {
        return "it became fit only after the choice".to_owned();
    }
    let reasons: Vec<String> = why.mismatches.iter().map(ToString::to_string).collect();
    reasons.join(", ")
}

/// How many attempts of each agent are under way: shared by all runs of a [`Runner`](crate::Runner) and its
/// clones. A [`StatusSource`] of the load of whoever is in a team that runs; of others it knows nothing.
///
/// Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct Loads {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    agents: Mutex<BTreeMap<AgentId, Load>>,
    /// One choice at a time, so that each sees what the one before it made of the load.
    turn: Semaphore,
}

#[derive(Clone, Copy, Debug, Default)]
struct Load {
    /// In how many running teams it is.
    teams: u32,
    attempts: u32,
}

impl Default for Loads {
    fn default() -> Self {
        let shared = Shared { agents: Mutex::default(), turn: Semaphore::new(1) };
        Self { shared: Arc::new(shared) }
    }
}

impl Loads {
    /// Nobody has anything to do.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many attempts of this agent are under way; `None` where it is in no team that runs.
    pub fn of(&self, agent: &AgentId) -> Option<u32> {
        self.shared.agents.lock().get(agent).map(|load| load.attempts)
    }

    /// Waits until nobody else is choosing.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.shared.turn.acquire().await.ok()
    }

    /// Counts an agent in, until the guard is dropped.
    pub(crate) fn begin(&self, agent: &AgentId, what: Counted) -> Under {
        what.add(self.shared.agents.lock().entry(agent.clone()).or_default());
        Under { loads: self.clone(), agent: agent.clone(), what }
    }
}

/// What an agent is counted for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counted {
    /// A team that runs, and that it is in.
    Team,
    /// An attempt that is under way.
    Attempt,
}

impl Counted {
    const fn add(self, load: &mut Load) {
        match self {
            Self::Team => load.teams = load.teams.saturating_add(1),
            Self::Attempt => load.attempts = load.attempts.saturating_add(1),
        }
    }

    const fn take(self, load: &mut Load) {
        match self {
            Self::Team => load.teams = load.teams.saturating_sub(1),
            Self::Attempt => load.attempts = load.attempts.saturating_sub(1),
        }
    }
}

/// An agent that is counted for something. Dropped, it is no longer.
#[derive(Debug)]
pub(crate) struct Under {
    loads: Loads,
    agent: AgentId,
    what: Counted,
}

impl Drop for Under {
    fn drop(&mut self) {
        let mut agents = self.loads.shared.agents.lock();
        let Some(load) = agents.get_mut(&self.agent) else {
            return;
        };
        self.what.take(load);
        if load.teams == 0 && load.attempts == 0 {
            agents.remove(&self.agent);
        }
    }
}

#[async_trait]
impl StatusSource for Loads {
    async fn statuses(&self, agents: &[AgentId]) -> Result<Vec<Option<Status>>, RegistryError> {
        let status = |agent| self.of(agent).map(|attempts| Status::new().load(attempts));
        Ok(agents.iter().map(status).collect())
    }
}
