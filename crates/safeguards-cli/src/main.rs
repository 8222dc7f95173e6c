//! The command line of Safeguards: reads the arguments and hands over to one module per verb.

mod exit;
mod replay;
mod run;

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};

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
        Err(error) => {
            // Help and version are such "errors" too, and end with 0.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::USAGE));
        }
    };
    match cli.verb {
        Verb::Run(args) => match run::execute(&args) {
            Ok(code) => code,
            Err(error) if error.mistakes().is_empty() => {
                fail(error.code(), &error, error.exit_code())
            }
            Err(error) => {
                for (code, message) in error.mistakes() {
                    eprintln!("error {code}: {message}");
                }
                ExitCode::from(error.exit_code())
            }
        },
        Verb::Replay(args) => match replay::execute(&args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(error.code(), &error, error.exit_code()),
        },
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
    eprintln!("{message}");
    ExitCode::from(exit_code)
}
