//! [`TeamSpec::bind`]: opens a team's accounts and gives the team back, ready to run.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use safeguards_budget::{
    Account, AccountState, Action, Batch, Command, CommandError, Denial, LedgerError, OpenAccount,
};
use safeguards_coord::{
    Descriptor, EnvPolicy, Member, ProgramAgent, Report, RunError, RunId, RunOptions, RunStore,
    Runner, Strategy, Task, Team, TeamError,
};
use safeguards_discovery::RegisterError;
use safeguards_pricing::{PriceFileError, PriceTable};
use safeguards_types::AccountId;

use super::{AgentSpec, RunSpec, TeamSpec, VariableSpec};
use crate::{
    CreateError, Safeguards, bounded_file,
    directory::{Role, Terms},
    terms,
};

/// How long a file of prices may be: 16 MiB.
const PRICES_MAX: u64 = 16 * 1024 * 1024;

/// Why a team file could not be bound. Nothing was opened, but where the registry refused an agent: then the
/// accounts are open, and agents before it in the file are registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The file wants alerts somewhere, and nothing brings them there.
    #[error(
        "{} has [[alert]] tables, but these safeguards deliver none of them; call `Builder::alerts_of` before `build`",
        file.display()
    )]
    AlertsNotConnected {
        /// The team file.
        file: PathBuf,
    },
    /// The team file's folder or its file of prices could not be read.
    #[error("{} could not be read", path.display())]
    Unreadable {
        /// What could not be read.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file of prices is wrong.
    #[error(transparent)]
    Prices(#[from] PriceFileError),
    /// There is an account of this name on other terms.
    #[error(
        "`{}` was asked for as {}, but there is one already: {}",
        asked.account, terms::of_request(asked), terms::of_account(existing)
    )]
    OtherTerms {
        /// What the team file says.
        asked: Box<OpenAccount>,
        /// How it is there.
        existing: Box<Account>,
    },
    /// There was an account of this name, which is closed for good.
    #[error("`{account}` was deleted, and names are never used again; choose another")]
    NameGone {
        /// The account.
        account: AccountId,
    },
    /// The ledger denied an account or a unit.
    #[error("the accounts of team {team} were denied: {denial}")]
    Denied {
        /// The team.
        team: AccountId,
        /// What the ledger refused with.
        denial: Denial,
    },
    /// The ledger could not answer.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The registry refused an agent, such as one that is there already and can do something else, or failed.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// There is no such team.
    #[error(transparent)]
    Team(#[from] TeamError),
}

impl BindError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AlertsNotConnected { .. } => "config.alerts_not_connected",
            Self::Unreadable { .. } => "config.unreadable",
            Self::Prices(error) => error.code(),
            Self::OtherTerms { .. } => "api.other_terms",
            Self::NameGone { .. } => "api.name_gone",
            Self::Denied { denial, .. } => denial.code(),
            Self::Ledger(error) => error.code(),
            Self::Register(error) => error.code(),
            Self::Team(error) => error.code(),
        }
    }
}

/// A team whose accounts are open: ready to run.
#[derive(Debug)]
pub struct BoundTeam {
    safeguards: Safeguards,
    team: Team,
    strategy: Arc<dyn Strategy>,
    run: RunSpec,
    runner: Runner,
    within: Duration,
}

impl BoundTeam {
    /// The team.
    pub const fn team(&self) -> &Team {
        &self.team
    }

    /// How it cuts a task into steps.
    pub fn strategy(&self) -> &dyn Strategy {
        &*self.strategy
    }

    /// What runs it.
    pub const fn runner(&self) -> &Runner {
        &self.runner
    }

    /// Options for one run: a new operation, and the deadline and bounds of the team file.
    pub fn options(&self) -> RunOptions {
        self.options_to_resume().within(self.within)
    }

    /// Options to go on with a run: those of [`Self::options`], but for the deadline, which is the run's own.
    pub fn options_to_resume(&self) -> RunOptions {
        self.run.bound(RunOptions::new(self.safeguards.operation()))
    }

    /// Writes its runs down in `store`, so that they can be resumed.
    #[must_use]
    pub fn recording(self, store: Arc<dyn RunStore>) -> Self {
        Self { runner: self.runner.store(store), ..self }
    }

    /// Does a task to its end: `bound.run(task, bound.options())`.
    ///
    /// # Errors
    ///
    /// Where the run cannot begin. All that happens after that is in the report.
    pub async fn run(&self, task: Task, options: RunOptions) -> Result<Report, RunError> {
        self.runner.run(&self.team, task, &*self.strategy, options).await
    }

    /// Goes on with a run that was cut off, or that has ended without success: see [`Runner::resume`].
    ///
    /// # Errors
    ///
    /// Where nothing was written down, or the run cannot go on.
    pub async fn resume(&self, run: &RunId, options: RunOptions) -> Result<Report, RunError> {
        self.runner.resume(&self.team, run, &*self.strategy, options).await
    }
}

impl TeamSpec {
    /// Opens the accounts of this team, all or none, and gives it back ready to run.
    ///
    /// The team's own pool is the root; other pools stand below it, and agents below their pools. Accounts
    /// that are there already on the same terms are used as they are; on other terms they are refused.
    ///
    /// Its agents are registered with what the file says that they can do, until they are deleted. What is
    /// registered of them besides stays; other content under a name and version that is there is refused.
    ///
    /// Agents and pools with a limit over their lifetime are from then on known to [`v1`](crate::v1) and
    /// [`v2`](crate::v2), as if they had been made there with that budget; those without have no budget that these could
    /// read or set.
    ///
    /// Programs run in the team file's folder.
    ///
    /// # Errors
    ///
    /// Says which part of the team does not fit what is there.
    pub async fn bind(&self, safeguards: &Safeguards) -> Result<BoundTeam, BindError> {
        if !safeguards.delivers_for(self) {
            return Err(BindError::AlertsNotConnected { file: self.file.clone() });
        }
        let folder = self.absolute_folder()?;
        let prices = self.read_prices(&folder, safeguards.prices())?;
        let members = self.agents.iter().map(|agent| agent.member(&folder));
        let team = Team::new(self.name.as_str(), &self.account, members)?;
        let accounts = self.accounts();
        open(safeguards, self, &accounts).await?;
        for agent in &self.agents {
            safeguards.registry().register(agent.registration()).await?;
        }
        for terms in accounts.iter().filter_map(|(role, open)| Terms::of(open, *role)) {
            let account = terms.account.clone();
            match safeguards.core().adopt(terms).await {
                Ok(()) => {}
                Err(CreateError::Command(CommandError::Ledger(error))) => return Err(error.into()),
                // Somebody deleted it in between.
                Err(_) => return Err(BindError::NameGone { account }),
            }
        }
        Ok(BoundTeam {
            safeguards: safeguards.clone(),
            team,
            strategy: self.strategy(),
            run: self.run.clone(),
            runner: safeguards.runner().prices(prices),
            within: self.deadline,
        })
    }

    /// Programs are started from here, so a folder that is relative to the host's is made absolute first.
    fn absolute_folder(&self) -> Result<PathBuf, BindError> {
        let folder = self.folder();
        std::path::absolute(folder)
            .map_err(|source| BindError::Unreadable { path: folder.to_owned(), source })
    }

    fn read_prices(
        &self,
        folder: &Path,
        base: &Arc<PriceTable>,
    ) -> Result<Arc<PriceTable>, BindError> {
        let Some(file) = &self.prices else {
            return Ok(Arc::clone(base));
        };
        let path = folder.join(file);
        let text = bounded_file::read(&path, PRICES_MAX)
            .map_err(|source| BindError::Unreadable { path: path.clone(), source })?;
        let own = PriceTable::parse(&path.display().to_string(), &text)?;
        Ok(Arc::new(own.over(base)))
    }

    /// The accounts that it needs: those above before those below.
    fn accounts(&self) -> Vec<(Role, OpenAccount)> {
        let pools = self.pools.iter().map(|pool| (Role::Pool, pool.open()));
        pools.chain(self.agents.iter().map(|agent| (Role::Agent, agent.open()))).collect()
    }
}

/// Opens what is not there yet, in one linked batch.
async fn open(
    safeguards: &Safeguards,
    team: &TeamSpec,
    accounts: &[(Role, OpenAccount)],
) -> Result<(), BindError> {
    let ids: Vec<AccountId> = accounts.iter().map(|(_, open)| open.account.clone()).collect();
    let there = safeguards.ledger().accounts(&ids).await?.accounts;
    let units = team.units.iter().cloned().map(|unit| Action::RegisterUnit { unit });
    let command = |action| Command::new(safeguards.operation(), action);
    let mut commands: Vec<Command> = units.map(command).collect();
    for ((role, open), existing) in accounts.iter().zip(there) {
        match existing {
            None => {
                let metadata = Terms::of(open, *role).map(|terms| terms.metadata());
                let open = command(open.clone().into());
                commands.push(open.with_metadata(metadata.unwrap_or_default()));
            }
            Some(existing) => is_the_same(open, &existing)?,
        }
    }
    if commands.is_empty() {
        return Ok(());
    }
    let outcomes = safeguards.ledger().submit(Batch::linked(commands)).await?;
    let denials = outcomes.into_iter().filter_map(Result::err);
    // Of a linked batch one denial says why; the others only point to it.
    match denials.min_by_key(|denial| matches!(denial, Denial::LinkedFailed { .. })) {
        Some(denial) => Err(BindError::Denied { team: team.name.clone(), denial }),
        None => Ok(()),
    }
}

/// Accepts an account that is there already, if it is what was asked for.
fn is_the_same(open: &OpenAccount, existing: &Account) -> Result<(), BindError> {
    if existing.state == AccountState::Closed {
        return Err(BindError::NameGone { account: open.account.clone() });
    }
    let limits: Vec<_> = existing.limits.iter().map(|usage| &usage.limit).collect();
    let has_limits = limits.len() == open.limits.len()
        && open.limits.iter().all(|limit| limits.contains(&limit));
    let has_protection = open.protection.len() == existing.protection.len()
        && open.protection.iter().all(|step| existing.protection.contains(step));
    let has_place = open.parent == existing.parent && open.priority == existing.priority;
    if has_place && has_limits && has_protection {
        return Ok(());
    }
    Err(BindError::OtherTerms {
        asked: Box::new(open.clone()),
        existing: Box::new(existing.clone()),
    })
}

impl AgentSpec {
    /// The agent as a member of a team whose file is in `folder`, an absolute path.
    fn member(&self, folder: &Path) -> Member {
        let descriptor = Descriptor::new(&self.id);
        let descriptor = if self.is_free { descriptor.free() } else { descriptor };
        let descriptor = if self.is_idempotent { descriptor.idempotent() } else { descriptor };
        let (program, args) = match self.command.split_first() {
            Some((program, args)) => (program.as_str(), args),
            None => ("", [].as_slice()),
        };
        let program = if program.contains('/') {
            folder.join(program).display().to_string()
        } else {
            program.to_owned()
        };
        let dir = self.dir.as_ref().map_or_else(|| folder.to_owned(), |dir| folder.join(dir));
        let program =
            ProgramAgent::new(descriptor, program).args(args).folder(dir).env(self.env_policy());
        let mut member = Member::new(Arc::new(program), self.estimate.clone()).retry(self.retry);
        if let Some(price) = &self.price {
            member = member.price(price.clone());
        }
        if let Some(timeout) = self.timeout {
            member = member.timeout(timeout);
        }
        member
    }

    fn env_policy(&self) -> EnvPolicy {
        let add = |policy: EnvPolicy, variable: &VariableSpec| match variable {
            VariableSpec::Inherit(name) => policy.pass([name]),
            VariableSpec::Set { name, value } => policy.set(name, value),
        };
        self.environment.iter().fold(EnvPolicy::default(), add)
    }
}
