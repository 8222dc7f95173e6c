//! `safeguards check`: says everything that is wrong with a configuration, each with its line; runs nothing.

mod told;

use std::{io, path::PathBuf};

use clap::Args as Arguments;
use safeguards_api::{Config, ConfigError};

use self::told::{Checked, Fault};
use crate::{
    environment::{variable, variables},
    exit, files,
    output::{print, write_to_stderr},
};

/// Check a configuration or a team file; every mistake is said with its line and column
///
/// Variables of the environment that begin with `SAFEGUARDS__` go over the file, as they do in a run. Nothing is
/// run, and without `--ready` nothing is opened but the file. Secrets are named and never shown.
#[derive(Debug, Arguments)]
#[command(after_long_help = "\
Examples:
  safeguards check safeguards.toml
  safeguards check team.toml --json
  safeguards check team.toml --ready
  SAFEGUARDS__POOLS__RESEARCH__LIMITS='[\"2.00 USD\"]' safeguards check safeguards.toml

Exit codes:
    0  the file can be used; notes do not change that
    2  wrong usage, a file that cannot be read, or a mistake in it or in a variable that goes over it;
       with --ready, also where something that the file names is not there: all of it is told
   70  the result cannot be written to standard output")]
pub(crate) struct Args {
    /// The configuration (TOML)
    #[arg(default_value = "safeguards.toml")]
    file: PathBuf,
    /// Look also at what the file names, as a run from here would: programs of agents, prices, rules, secrets, targets
    ///
    /// Files that alerts go to are made where they are not there.
    #[arg(long)]
    ready: bool,
    /// Print one JSON object, mistakes included
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Whether programs read what is printed.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// All that a configuration names and that is not there, where somebody asks for that: of every team, and of alerts.
    fn missing(&self, config: &Config) -> Vec<ConfigError> {
        if !self.ready {
            return Vec::new();
        }
        let teams = config.teams.iter().filter_map(|team| {
            // How many inputs a run will be given is not known here.
            let inputs = team.strategy.takes_inputs().then_some(usize::MAX);
            team.check_ready(inputs, variable).err()
        });
        let mut missing: Vec<ConfigError> = teams.map(ConfigError::Wrong).collect();
        missing.extend(config.build(variable).err());
        missing
    }
}

/// Why nothing is said of the file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{} cannot be read", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the result cannot be written to standard output")]
    Output(#[source] io::Error),
    #[error("the result cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl Failure {
    /// The stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "config.unreadable",
            Self::Output(_) => "cli.output",
            Self::Json(_) => "cli.json",
        }
    }

    /// What the program exits with.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Unreadable { .. } => exit::USAGE,
            Self::Output(_) | Self::Json(_) => exit::INTERNAL,
        }
    }

    /// Whether it is an answer to who asks.
    pub(crate) const fn is_a_refusal(&self) -> bool {
        matches!(self, Self::Unreadable { .. })
    }
}

/// Does what the arguments say; gives the exit code.
pub(crate) fn execute(args: &Args) -> Result<u8, Failure> {
    let path = &args.file;
    let text = files::read(path, files::TEAM_FILE_MAX)
        .map_err(|source| Failure::Unreadable { path: path.clone(), source })?;
    let (checked, errors) = match Config::parse_with(&text, path, variables()) {
        Ok(config) => (Checked::of(&config), args.missing(&config)),
        Err(error) => (Checked::wrong(path), vec![ConfigError::Wrong(error)]),
    };
    let checked = checked.with(Fault::all(&errors, &text));
    let left_out = checked.left_out;
    let is_wrong = !checked.mistakes.is_empty();
    if args.json {
        let json = serde_json::to_string(&checked)?;
        print(&format!("{json}\n")).map_err(Failure::Output)?;
    } else if is_wrong {
        write_to_stderr(&told::faults(&checked.mistakes, left_out));
    } else {
        print(&checked.to_string()).map_err(Failure::Output)?;
    }
    Ok(if is_wrong { exit::USAGE } else { exit::SUCCESS })
}
