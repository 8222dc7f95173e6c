//! `cargo xtask`: how this repository is tested, checked and repaired.
//!
//! A module per verb; [`gates`] lists what `ci` runs, [`cargo`], [`workspace`] and [`files`] are what the
//! verbs share. Only [`fix`] edits anything.

mod alone;
mod bench;
mod cargo;
mod docs;
mod extra;
mod failure;
mod features;
mod files;
mod fix;
mod gates;
mod layers;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand, builder::PossibleValuesParser};

use crate::{failure::Result, gates::GATES, workspace::Workspace};

/// How this repository is tested, checked and repaired.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    after_help = "Exit codes: 0 all is well; 1 a gate or a test failed; 2 wrong usage."
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run all tests: unit, integration and doc tests, and the examples
    ///
    /// The last line is the sum: `N passed, N failed`, and `, N skipped` if some were not run. Tests on real
    /// traces need `../shared/data`; without it they are named as not run, and where CI is set that fails.
    Test {
        /// Only this crate; `budget` is short for `safeguards-budget`
        #[arg(value_name = "CRATE")]
        name: Option<String>,
    },
    /// Run every gate and change nothing; stop at the first that fails
    Ci {
        /// Leave out a gate that has been run before; may be repeated
        #[arg(long, value_name = "GATE", value_parser = PossibleValuesParser::new(GATES.map(|gate| gate.name)))]
        skip: Vec<String>,
    },
    /// Format, and apply what clippy proposes; print the files that changed
    Fix,
    /// Lint all code, and hold the libraries to the stricter list
    Clippy,
    /// Check every dependency edge among our crates against the table of layers
    Layers,
    /// Build the reference with warnings denied; check links, and error codes against their page
    Docs,
    /// Check each crate alone: without features, with each, with all
    Features,
    /// Build and run each crate under a program of its own, outside the workspace
    ///
    /// The programs are the examples of the crates' READMEs. Prints how many crates each brings along.
    Alone {
        /// Only this crate; `budget` is short for `safeguards-budget`
        #[arg(value_name = "CRATE")]
        name: Option<String>,
        /// Build each from nothing, and print how long that takes
        #[arg(long)]
        measure: bool,
    },
    /// Check what no compiler looks at: module headers, white space, manifests, left-over marks
    Tidy,
    /// Run the benches: us and peers side by side, as ratios
    Bench(bench::Asked),
    /// Run what takes longer: many more random cases, tests without debug assertions, fuzzing
    Extra,
}

fn main() -> ExitCode {
    let Cli { verb } = Cli::parse();
    match Workspace::load().and_then(|workspace| run(verb, &workspace)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(verb: Verb, workspace: &Workspace) -> Result<()> {
    match verb {
        Verb::Test { name } => test::run(workspace, name.as_deref()),
        Verb::Ci { skip } => gates::run(workspace, &skip),
        Verb::Fix => fix::run(workspace),
        Verb::Clippy => gates::clippy(workspace),
        Verb::Layers => layers::run(workspace),
        Verb::Docs => docs::run(workspace),
        Verb::Features => features::run(workspace),
        Verb::Alone { name, measure } => alone::run(workspace, name.as_deref(), measure),
        Verb::Tidy => tidy::run(workspace),
        Verb::Bench(asked) => bench::run(workspace, &asked),
        Verb::Extra => extra::run(workspace),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_gate_that_is_not_there_cannot_be_skipped() {
        assert!(Cli::try_parse_from(["xtask", "ci", "--skip", "test"]).is_ok());
        assert!(Cli::try_parse_from(["xtask", "ci", "--skip", "tests"]).is_err());
    }
}
