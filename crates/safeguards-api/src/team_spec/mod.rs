//! The team file: pools, agents and alerts as text, checked as a whole, then bound to a ledger.
//!
//! Every mistake is said with its line and column, what is wrong and what is allowed. A key that this version
//! cannot honor is refused by its name: nothing in a team file is ignored.

mod agents;
mod alerts;
#[cfg(unix)]
mod bind;
mod capabilities;
mod config;
mod connect;
mod mistake;
mod near;
mod notes;
mod pools;
mod price;
mod reader;
#[cfg(unix)]
mod ready;
mod rules;
mod runs;
mod section;
mod strategies;
mod targets;
#[cfg(test)]
mod tests;

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use safeguards_coord::RunOptions;
use safeguards_discovery::Query;
use safeguards_notify::Rules;
use safeguards_types::{AccountId, Unit};
use toml::{Spanned, de::DeTable};

#[cfg(unix)]
pub use self::bind::{BindError, BoundTeam};
pub(crate) use self::connect::{Connected, connect};
use self::{
    agents::AgentDraft,
    mistake::{Place, Sources},
    reader::{Reader, Text},
    section::Section,
    strategies::Kind,
};
pub use self::{
    agents::{AgentSpec, VariableSpec},
    alerts::AlertSpec,
    config::{Config, ConfigError, ServiceLimits},
    connect::AlertsError,
    mistake::{Mistake, MistakeKind, TeamFileError},
    pools::PoolSpec,
    runs::RunSpec,
    strategies::{GraphSpec, HandOverSpec, SpreadSpec, StrategySpec, SupervisorSpec, VoteSpec},
    targets::{
        AlertTarget, EmailTarget, EmailTls, FileTarget, Secret, SecretSource, Setting, SlackTarget,
        WebhookTarget,
    },
};

/// A team as its file describes it: read and checked, not yet bound to anything.
///
/// ```
/// use safeguards_api::TeamSpec;
///
/// let text = r#"
/// pool = { limits = ["1.00 USD"] }
///
/// [[agent]]
/// name = "writer"
/// command = ["python3", "writer.py"]
/// estimate = "0.10 USD"
/// "#;
/// let spec = TeamSpec::parse(text, "teams/report.toml")?;
/// assert_eq!(spec.name.as_str(), "report"); // the file's, where the text gives none
/// assert_eq!(spec.agents[0].id.as_str(), "writer");
///
/// let error = TeamSpec::parse(&text.replace("\"0.10 USD\"", "0.1"), "report.toml").unwrap_err();
/// assert_eq!(error.code(), "config.amount");
/// assert_eq!(
///     error.to_string(),
///     "report.toml:7:12: `estimate = 0.1` is a bare number; write \"0.1 USD\": an amount has a unit, and no digit is lost"
/// );
/// # Ok::<(), safeguards_api::TeamFileError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TeamSpec {
    /// Its name; by default the file's, without what follows the last point.
    pub name: AccountId,
    /// Its own pool, which bounds all its agents: in a team file of its own name.
    pub account: AccountId,
    /// The file it was read from. Its folder is where programs run and where relative paths begin.
    pub file: PathBuf,
    /// How a task is cut into steps.
    pub strategy: StrategySpec,
    /// The file that its runs are written down in, relative to its folder; none where they are not. One that ends in `.redb`
    /// is a durable file, which keeps accounts, agents, shared state and alerts besides. Binding opens nothing: [`BoundTeam::recording`] is given what was opened.
    pub store: Option<PathBuf>,
    /// How many agents may run at once, where they run side by side; `None` for eight.
    pub concurrency: Option<NonZeroUsize>,
    /// By which need inputs are given out; `None` where the strategy says it.
    pub by: Option<Query>,
    /// What a run may spend and do in all.
    pub run: RunSpec,
    /// How long a run may take.
    pub deadline: Duration,
    /// Units beside USD, tokens and requests.
    pub units: Vec<Unit>,
    /// A file of prices that go over the built-in table.
    pub prices: Option<PathBuf>,
    /// Its pools, each after the one it stands below: the team's own, and with it those above and below that matter to it.
    pub pools: Vec<PoolSpec>,
    /// Its agents, in the order written.
    pub agents: Vec<AgentSpec>,
    /// A file of rules that say which alerts go where; without one each of `alerts` says it itself.
    pub rules: Option<PathBuf>,
    /// Which alerts go where.
    pub alerts: Vec<AlertSpec>,
    /// Rules that stand in the file itself.
    own_rules: Option<Rules>,
    /// Where the policy of its strategy stands in the file.
    policy_at: Option<Place>,
    /// Whose lines those of its places are.
    sources: Sources,
}

impl TeamSpec {
    /// How long a run may take where the file does not say: ten minutes.
    pub const DEFAULT_DEADLINE: Duration = RunOptions::WITHIN;

    /// Reads and checks a team file. `file` is its path: for messages, the default name, and its folder;
    /// nothing is opened.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, each with its line and column. Checks across tables follow once each
    /// table is right by itself.
    pub fn parse(text: &str, file: impl AsRef<Path>) -> Result<Self, TeamFileError> {
        let file = file.as_ref();
        let reader = Reader::new(Sources::new(file, Vec::new()), text);
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            reader.mistake(MistakeKind::Syntax, &span, error.message());
        }
        reader.verdict()?;
        let mut section = Section::new(&reader, "a team file", document.get_ref(), 0..0);
        if let Some(teams) = section.value("teams") {
            let message = "this is a configuration of several teams; `Config::read` reads it, and `Config::team` gives one of them";
            reader.mistake(MistakeKind::Team, &teams.span(), message);
            reader.verdict()?;
        }
        read(section, file).map(|(spec, _)| spec)
    }

    /// The folder that its file is in: where programs run and where relative paths begin.
    pub fn folder(&self) -> &Path {
        folder_of(&self.file)
    }
}

/// The folder that a file is in.
pub(crate) fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Reads a file that is one team, and what bounds the service.
fn read(mut file: Section<'_>, path: &Path) -> Result<(TeamSpec, ServiceLimits), TeamFileError> {
    let reader = file.reader;
    let units = read_units(&mut file);
    let name = read_name(&mut file, path);
    let kind = strategies::read_kind(&mut file);
    let concurrency = read_concurrency(&mut file, kind);
    let by = capabilities::read_by(&mut file, kind);
    let run = runs::read(&mut file);
    let deadline = file.duration("deadline");
    let prices = read_prices(&mut file);
    let store = read_store(&mut file);
    let mut pools = vec![pools::read_own(&mut file, &name)];
    pools.extend(pools::read_further(&mut file, &name));
    let agents = agents::read(&mut file, &name, run.estimate.as_ref());
    let strategy = strategies::read(&mut file, kind, (&agents, by.as_ref()));
    let policy_at = strategies::policy_at(&mut file, kind);
    let alerts = alerts::read(&mut file);
    let limits = config::limits::read(&mut file);
    file.finish(&[]);

    rules::check_names(reader, &pools, &agents);
    reader.verdict()?;
    let pools = rules::order_pools(reader, pools, true)?;
    rules::check_estimates(reader, &pools, &agents);
    rules::check_budget(reader, run.budget.as_ref(), &agents);
    reader.verdict()?;
    let alerts::Alerting { rules, own_rules, alerts } = alerts;
    let spec = TeamSpec {
        account: name.clone(),
        name,
        file: path.to_owned(),
        strategy,
        store,
        concurrency,
        by,
        run,
        deadline: deadline.unwrap_or(TeamSpec::DEFAULT_DEADLINE),
        units,
        prices,
        pools,
        agents: agents.into_iter().map(AgentDraft::into_spec).collect(),
        rules,
        alerts,
        own_rules,
        policy_at,
        sources: reader.sources().clone(),
    };
    Ok((spec, limits))
}

fn read_prices(file: &mut Section<'_>) -> Option<PathBuf> {
    let text = file.text("prices", "write the name of a file of prices")?;
    file.reader.is_path("prices", &text).then(|| PathBuf::from(*text.get_ref()))
}

fn read_units(file: &mut Section<'_>) -> Vec<Unit> {
    let what = "a unit is a text, such as \"credits\"";
    let texts = file.texts("units", what).unwrap_or_default();
    let is_unit = |text: &Text<'_>| {
        let name = text.get_ref();
        let is_unit = (1..=64).contains(&name.len())
            && !name.contains(|letter: char| letter.is_whitespace() || letter.is_control());
        if !is_unit {
            let message = format!("\"{name}\" is no unit: 1 to 64 bytes without blanks");
            file.reader.mistake(MistakeKind::Unit, &text.span(), message);
        }
        is_unit
    };
    let units: Vec<Unit> =
        texts.iter().filter(|text| is_unit(text)).map(|text| Unit::new(text.get_ref())).collect();
    for unit in &units {
        file.reader.add_unit(unit.clone());
    }
    units
}

fn read_name(file: &mut Section<'_>, path: &Path) -> AccountId {
    let named = file.text("name", "a name is a text");
    let stem = path.file_stem().map(|stem| stem.to_string_lossy());
    let text = named.unwrap_or_else(|| Spanned::new(0..0, stem.as_deref().unwrap_or("team")));
    file.reader.is_name(&text);
    AccountId::from(*text.get_ref())
}

fn read_store(file: &mut Section<'_>) -> Option<PathBuf> {
    let text = file.text("store", "write the name of a file, such as \"fleet.redb\"")?;
    let name = *text.get_ref();
    // Other stores are told by this, and what would be written there now could not be read then.
    if name.starts_with("env:") {
        let message = format!(
            "store \"{name}\" is not supported yet; write the name of a durable file, such as \"fleet.redb\", or of a file of \
             runs alone, such as \"runs.jsonl\""
        );
        file.reader.mistake(MistakeKind::Unsupported, &text.span(), message);
        return None;
    }
    if name.is_empty() {
        let message = "`store` is empty; write the name of a file, such as \"fleet.redb\"";
        file.reader.mistake(MistakeKind::Value, &text.span(), message);
        return None;
    }
    file.reader.is_path("store", &text).then(|| PathBuf::from(name))
}

fn read_concurrency(file: &mut Section<'_>, kind: Kind) -> Option<NonZeroUsize> {
    let read = |number| usize::try_from(number).ok().and_then(NonZeroUsize::new);
    let number = file.number("concurrency", read, "write how many may run at once, 1 or more")?;
    if !kind.is_concurrent() {
        let value = file.value("concurrency")?;
        let name = kind.name();
        let message = format!(
            "`concurrency` is for agents that run side by side; strategy = \"{name}\" runs one at a time"
        );
        file.reader.mistake(MistakeKind::Value, &value.span(), message);
    }
    Some(number)
}
