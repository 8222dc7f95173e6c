//! [`Config`]: one file with pools, agents, channels, routes, limits and teams; a team file is such a file too.

mod build;
pub(super) mod limits;
mod overrides;
#[cfg(unix)]
mod ready;
mod teams;
#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
};

use safeguards_types::{AccountId, Unit};
use toml::de::DeTable;

pub use self::limits::ServiceLimits;
use self::overrides::Overrides;
use super::{
    AgentSpec, AlertSpec, PoolSpec, TeamFileError, TeamSpec,
    alerts::Alerting,
    mistake::{MistakeKind, Place, Sources},
    near::{near, nearest},
    reader::{Reader, listed},
    section::Section,
};
use crate::bounded_file;

/// All that one file configures: read and checked, not yet bound to anything.
///
/// Several teams share the pools, agents and channels of a file. A team file is a configuration of one team.
///
/// ```
/// use safeguards_api::Config;
///
/// let text = r#"
/// [[pools]]
/// name = "research"
/// limits = ["1.00 USD per day"]
///
/// [[agents]]
/// name = "writer"
/// command = ["python3", "writer.py"]
/// estimate = "0.10 USD"
///
/// [[teams]]
/// name = "reports"
/// pool = "research"
/// agents = ["writer"]
/// "#;
/// let config = Config::parse(text, "safeguards.toml")?;
/// let team = config.team("reports")?;
/// assert_eq!(team.agents[0].pool.as_str(), "research");
///
/// // Variables of the environment go over the file.
/// let variable = |value: &str| [("SAFEGUARDS__POOLS__RESEARCH__LIMITS".to_owned(), value.to_owned())];
/// let config = Config::parse_with(text, "safeguards.toml", variable(r#"["2.00 USD"]"#))?;
/// assert_eq!(config.pools[0].limits[0].to_string(), "2.00 USD");
///
/// let error = Config::parse_with(text, "safeguards.toml", variable("[2.00]")).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "variable SAFEGUARDS__POOLS__RESEARCH__LIMITS:1:2: `2.00` in `limits` is a bare number; \
///      write \"2.00 USD\": an amount has a unit, and no digit is lost"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The file it was read from. Relative paths begin in its folder.
    pub file: PathBuf,
    /// Units beside USD, tokens and requests.
    pub units: Vec<Unit>,
    /// A file of prices that go over the built-in table.
    pub prices: Option<PathBuf>,
    /// All pools, each after the one it stands below.
    pub pools: Vec<PoolSpec>,
    /// All agents, in the order written.
    pub agents: Vec<AgentSpec>,
    /// Where alerts may go: each of `[[channels]]`, or each `[[alert]]`.
    pub channels: Vec<AlertSpec>,
    /// All teams, in the order written.
    pub teams: Vec<TeamSpec>,
    /// What bounds the service itself.
    pub limits: ServiceLimits,
    /// The names of the variables that went over the file.
    pub overridden: Vec<String>,
    /// Where alerts go, for whoever has no team.
    alerting: Alerting,
    /// Where it names other files.
    places: Places,
    sources: Sources,
}

/// Where a file names others: its first byte, where it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Places {
    prices: Place,
    rules: Place,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file, or the file of prices that it names, could not be read.
    #[error("{} could not be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file, or a variable that goes over it, is wrong.
    #[error(transparent)]
    Wrong(#[from] TeamFileError),
    /// There is no such team.
    #[error("{} has no team `{name}`; {help}", file.display())]
    UnknownTeam {
        /// The name that was asked for.
        name: String,
        /// The file.
        file: PathBuf,
        /// Which there are.
        help: String,
    },
    /// There is not one team only, and none was named.
    #[error("{} has {count} teams, and none was named; {help}", file.display())]
    WhichTeam {
        /// The file.
        file: PathBuf,
        /// How many teams it has.
        count: usize,
        /// Which there are.
        help: String,
    },
    /// Alerts cannot go where the file wants them.
    #[error(transparent)]
    Alerts(#[from] super::AlertsError),
    /// The file of prices is wrong.
    #[error(transparent)]
    Prices(#[from] safeguards_pricing::PriceFileError),
    /// The parts do not fit together.
    #[error(transparent)]
    Build(#[from] crate::BuildError),
}

impl ConfigError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "config.unreadable",
            Self::Wrong(error) => error.code(),
            Self::UnknownTeam { .. } | Self::WhichTeam { .. } => "config.team",
            Self::Alerts(error) => error.code(),
            Self::Prices(error) => error.code(),
            Self::Build(error) => error.code(),
        }
    }
}

impl Config {
    /// How many bytes a file may have: 1 MiB.
    pub const BYTES_MAX: u64 = 1024 * 1024;

    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, or has more than [`Self::BYTES_MAX`] bytes; else as [`Self::parse`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::read_with(path, [])
    }

    /// The same with variables that go over the file, such as all of the environment: see [`Self::parse_with`].
    ///
    /// # Errors
    ///
    /// As [`Self::read`] and [`Self::parse_with`].
    pub fn read_with(
        path: impl AsRef<Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let text = bounded_file::read(path, Self::BYTES_MAX)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Ok(Self::parse_with(&text, path, variables)?)
    }

    /// Reads and checks a text. `file` is its path: for messages, for the name of a team that has none, and for its
    /// folder; nothing is opened.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, each with its line and column. Checks across tables follow once each
    /// table is right by itself.
    pub fn parse(text: &str, file: impl AsRef<Path>) -> Result<Self, TeamFileError> {
        Self::parse_with(text, file, [])
    }

    /// The same with variables that go over the text: those whose names begin with `SAFEGUARDS__`. The parts of such
    /// a name, with two underscores between them, lead to a key: `SAFEGUARDS__POOLS__RESEARCH__LIMITS` to the `limits`
    /// of the pool `research`. Others are left alone.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`]; a mistake in a variable has `variable NAME` as its file. So has one that leads nowhere.
    pub fn parse_with(
        text: &str,
        file: impl AsRef<Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, TeamFileError> {
        let file = file.as_ref();
        let mut whole = text.to_owned();
        let (overrides, lines) = Overrides::behind(&mut whole, variables);
        let reader = Reader::new(Sources::new(file, lines), &whole);
        let own = whole.get(..text.len()).unwrap_or_default();
        let (mut document, errors) = DeTable::parse_recoverable(own);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            reader.mistake(MistakeKind::Syntax, &span, error.message());
        }
        reader.verdict()?;
        overrides.over(document.get_mut(), &reader);
        let mut config = read(&reader, file, document.get_ref())?;
        config.overridden = overrides.names();
        let at = |key| document.get_ref().get(key).map_or(0, |value| value.span().start);
        config.places =
            Places { prices: reader.place(at("prices")), rules: reader.place(at("rules")) };
        Ok(config)
    }

    /// The team of this name.
    ///
    /// # Errors
    ///
    /// Where there is none, with those that there are.
    pub fn team(&self, name: &str) -> Result<&TeamSpec, ConfigError> {
        let names: Vec<&str> = self.teams.iter().map(|team| team.name.as_str()).collect();
        self.teams.iter().find(|team| team.name.as_str() == name).ok_or_else(|| {
            let help = match near(name, names.iter().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None if names.is_empty() => NO_TEAMS.to_owned(),
                None => format!("there are {}", nearest(name, &names)),
            };
            ConfigError::UnknownTeam { name: name.to_owned(), file: self.file.clone(), help }
        })
    }

    /// The only team.
    ///
    /// # Errors
    ///
    /// Where there are several, or none.
    pub fn only_team(&self) -> Result<&TeamSpec, ConfigError> {
        match self.teams.as_slice() {
            [only] => Ok(only),
            teams => Err(ConfigError::WhichTeam {
                file: self.file.clone(),
                count: teams.len(),
                help: self.teams_listed(),
            }),
        }
    }

    fn teams_listed(&self) -> String {
        if self.teams.is_empty() {
            return NO_TEAMS.to_owned();
        }
        let names: Vec<&str> = self.teams.iter().map(|team| team.name.as_str()).collect();
        format!("there are {}", listed(names.into_iter()))
    }

    /// What is allowed, and perhaps not meant: one sentence each.
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        let Self { pools, agents, channels, teams, limits, .. } = self;
        let is_empty =
            pools.is_empty() && agents.is_empty() && channels.is_empty() && teams.is_empty();
        if is_empty && *limits == ServiceLimits::default() {
            notes.push(
                "it has no pools, agents, teams or channels: nothing can be run with it".to_owned(),
            );
        } else if teams.is_empty() && !agents.is_empty() {
            notes.push(format!(
                "it has agents and no teams: nothing can be run with it; {NO_TEAMS}"
            ));
        }
        for note in self.teams.iter().flat_map(TeamSpec::notes) {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        notes
    }
}

/// What is said where a team is wanted and a file has none.
const NO_TEAMS: &str = "begin one with `[[teams]]`, or write `[[agent]]` for a file of one team";

/// Keys that only a file of one team has at the top.
const OF_A_TEAM: [&str; 13] = [
    "agent",
    "agents",
    "by",
    "concurrency",
    "fan_out",
    "graph",
    "hand_over",
    "map_reduce",
    "name",
    "pool",
    "strategy",
    "supervisor",
    "vote",
];

fn read<'a>(
    reader: &'a Reader<'a>,
    path: &Path,
    document: &'a DeTable<'a>,
) -> Result<Config, TeamFileError> {
    let file = Section::new(reader, "a configuration", document, 0..0);
    let is_one_team = file.lacks("teams") && OF_A_TEAM.iter().any(|key| !file.lacks(key));
    if !is_one_team {
        return teams::read(file, path);
    }
    let file = Section::new(reader, "a team file", document, 0..0);
    let (team, limits) = super::read(file, path)?;
    Ok(Config {
        file: path.to_owned(),
        units: team.units.clone(),
        prices: team.prices.clone(),
        pools: team.pools.clone(),
        agents: team.agents.clone(),
        channels: team.alerts.clone(),
        limits,
        overridden: Vec::new(),
        alerting: Alerting {
            rules: team.rules.clone(),
            own_rules: team.own_rules.clone(),
            alerts: team.alerts.clone(),
        },
        places: Places::default(),
        sources: reader.sources().clone(),
        teams: vec![team],
    })
}

/// The account that stands for a pool that could not be read.
fn nobody() -> AccountId {
    AccountId::from("")
}
