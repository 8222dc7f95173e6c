//! The command line of Safeguards: reads the arguments and hands over to one module per verb.

mod exit;
mod output;
mod replay;
mod run;
mod table;
mod text;

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};

use self::output::{forgive, say};

/// Budgets for fleets of AI agents that cannot be overspent.
#[derive(Debug, Parser)]
#[command(name = "safeguards", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(run::Args),
    Replay(Box<replay::Args>),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return show(&error),
    };
    match cli.verb {
        Verb::Run(args) => match run::execute(&args) {
            Ok(code) => ExitCode::from(code),
            Err(error) if error.mistakes().is_empty() => {
                fail(error.code(), &error, error.exit_code())
            }
            Err(error) => {
                for (code, message) in error.mistakes() {
                    say(&format!("error {code}: {message}"));
                }
                ExitCode::from(error.exit_code())
            }
        },
        Verb::Replay(args) => match replay::execute(&args) {
            Ok(()) => ExitCode::from(exit::SUCCESS),
            Err(error) => fail(error.code(), &error, error.exit_code()),
        },
    }
}

/// Shows what is wrong with the arguments; or help and the version, which are such "errors" too.
fn show(error: &clap::Error) -> ExitCode {
    let printed = forgive(error.print());
    match u8::try_from(error.exit_code()).unwrap_or(exit::USAGE) {
        exit::SUCCESS if printed.is_err() => ExitCode::from(exit::INTERNAL),
        code => ExitCode::from(code),
    }
}

/// Says what went wrong, with its causes, in one line on stderr.
fn fail(code: &str, error: &dyn Error, exit_code: u8) -> ExitCode {
    let mut message = format!("error {code}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    say(&message);
    ExitCode::from(exit_code)
}
