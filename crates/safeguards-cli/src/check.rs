//! `safeguards check`: says everything that is wrong with a configuration, each with its line; runs nothing.

mod told;

use std::{io, path::PathBuf};

use clap::Args as Arguments;
use safeguards_api::{Config, ConfigError, TeamFileError};

use self::told::{Checked, Fault};
use crate::{
    environment::{variable, variables},
    exit, files,
    output::{print, write_to_stderr},
    refusal::with_causes,
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
       with --ready, also where something that the file names is not there
   70  the result cannot be written to standard output

With --json one object is printed for every outcome but 70 and wrong usage: `ok`, `exit`, `mistakes` and what the file has.")]
pub(crate) struct Args {
    /// The configuration (TOML)
    #[arg(default_value = "safeguards.toml")]
    file: PathBuf,
    /// Look also at what the file names, as a run from here would: programs of agents, prices, rules, secrets, targets
    ///
    /// All that is not ready is said, of every team. Files that alerts go to are made where they are not there.
    #[arg(long)]
    ready: bool,
    /// Print one JSON object on standard output, mistakes included, and nothing else
    #[arg(long)]
    json: bool,
}

/// Why the result is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the result cannot be written to standard output")]
    Output(#[source] io::Error),
    #[error("the result cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl Failure {
    /// The stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Output(_) => "cli.output",
            Self::Json(_) => "cli.json",
        }
    }

    /// What the program exits with.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Output(_) | Self::Json(_) => exit::INTERNAL,
        }
    }
}

/// Does what the arguments say; gives the exit code.
pub(crate) fn execute(args: &Args) -> Result<u8, Failure> {
    let checked = check(args);
    if args.json {
        let json = serde_json::to_string(&checked)?;
        print(&format!("{json}\n")).map_err(Failure::Output)?;
    } else if checked.is_right() {
        print(&checked.to_string()).map_err(Failure::Output)?;
    } else {
        write_to_stderr(&checked.faults());
    }
    Ok(checked.exit)
}

/// What is said of the file.
fn check(args: &Args) -> Checked {
    let path = &args.file;
    let text = match files::read(path, files::TEAM_FILE_MAX) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("{} cannot be read: {error}", path.display());
            return Checked::of_nothing(path).wrong(vec![Fault::of_file(path, message)], 0);
        }
    };
    let wrong = |checked: Checked, error: &TeamFileError| {
        let faults = error.mistakes().map(|mistake| Fault::of(mistake, path, &text)).collect();
        checked.wrong(faults, error.left_out())
    };
    let config = match Config::parse_with(&text, path, variables()) {
        Ok(config) => config,
        Err(error) => return wrong(Checked::of_nothing(path), &error),
    };
    let checked = Checked::of(&config);
    if !args.ready {
        return checked;
    }
    if let Err(error) = config.check_ready(variable) {
        return wrong(checked, &error);
    }
    // All is there; whether it also fits together is known when it is built.
    match config.build(variable) {
        Ok(_) => checked,
        Err(ConfigError::Wrong(error)) => wrong(checked, &error),
        Err(error) => {
            let fault = Fault::unplaced(error.code(), path, with_causes(&error));
            checked.wrong(vec![fault], 0)
        }
    }
}
