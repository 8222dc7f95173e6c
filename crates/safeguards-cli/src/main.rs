//! The command line of Safeguards: reads the arguments and hands over to one module per verb.

mod agents;
mod alerts;
mod budget;
mod check;
mod denial;
mod durable;
mod environment;
mod exit;
mod files;
mod ledger;
mod named;
mod near;
mod output;
mod refusal;
mod replay;
mod report;
mod rules_file;
mod run;
mod runs;
mod store;
mod table;
mod text;

use std::{error::Error, panic, process::ExitCode};

use clap::{Parser, Subcommand};

use self::{
    output::{forgive, say, say_on_stdout},
    refusal::{Placed, Refusal, with_causes},
    text::one_line,
};

/// How many mistakes of a team file are shown.
const MISTAKES_SHOWN: usize = 20;

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
    Check(check::Args),
    Runs(runs::Args),
    Budget(budget::Args),
    Report(report::Args),
    Store(store::Args),
    Replay(Box<replay::Args>),
    Ledger(ledger::Args),
    Alerts(alerts::Args),
    Agents(agents::Args),
}

/// Lets redb panic at damaged pages without a word: it is told as an error, and for people that is enough.
fn let_redb_be_quiet() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !info.location().is_some_and(|place| place.file().contains("redb-")) {
            usual(info);
        }
    }));
}

fn main() -> ExitCode {
    let_redb_be_quiet();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return show(&error),
    };
    match cli.verb {
        Verb::Run(args) => match run::execute(&args) {
            Ok(code) => ExitCode::from(code),
            Err(error) => {
                if args.is_json() && error.is_a_refusal() {
                    refuse(error.code(), &error, error.exit_code(), error.placed());
                }
                if error.mistakes().is_empty() {
                    return fail(error.code(), &error, error.exit_code());
                }
                say(&list(&error.mistakes()));
                ExitCode::from(error.exit_code())
            }
        },
        Verb::Check(args) => match check::execute(&args) {
            Ok(code) => ExitCode::from(code),
            Err(error) => fail(error.code(), &error, error.exit_code()),
        },
        Verb::Replay(args) => match replay::execute(&args) {
            Ok(()) => ExitCode::from(exit::SUCCESS),
            Err(error) if error.mistakes().is_empty() => {
                fail(error.code(), &error, error.exit_code())
            }
            Err(error) => {
                say(&list(&error.mistakes()));
                ExitCode::from(error.exit_code())
            }
        },
        Verb::Runs(args) => match runs::execute(&args) {
            Ok(()) => ExitCode::from(exit::SUCCESS),
            Err(error) => {
                if args.is_json() && error.is_a_refusal() {
                    refuse(error.code(), &error, error.exit_code(), Vec::new());
                }
                fail(error.code(), &error, error.exit_code())
            }
        },
        Verb::Budget(args) => told(budget::execute(&args).map(|()| exit::SUCCESS), args.is_json()),
        Verb::Report(args) => told(report::execute(&args).map(|()| exit::SUCCESS), args.is_json()),
        Verb::Store(args) => told(store::execute(&args), args.is_json()),
        Verb::Ledger(args) => match ledger::execute(&args) {
            Ok(()) => ExitCode::from(exit::SUCCESS),
            Err(error) => fail(error.code(), &error, error.exit_code()),
        },
        Verb::Agents(args) => match agents::execute(&args) {
            Ok(code) => ExitCode::from(code),
            Err(error) => match error.mistakes() {
                None => fail(error.code(), &error, error.exit_code()),
                Some(mistakes) => {
                    if !mistakes.is_empty() {
                        say(&list(&mistakes));
                    }
                    ExitCode::from(error.exit_code())
                }
            },
        },
        Verb::Alerts(args) => match alerts::execute(&args) {
            Ok(()) => ExitCode::from(exit::SUCCESS),
            Err(error) => match error.mistakes() {
                None => fail(error.code(), &error, error.exit_code()),
                Some(mistakes) => {
                    if !mistakes.is_empty() {
                        say(&list(&mistakes));
                    }
                    ExitCode::from(error.exit_code())
                }
            },
        },
    }
}

/// What the process ends with after work on a durable file.
fn told(done: Result<u8, durable::Failure>, is_json: bool) -> ExitCode {
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            if is_json && error.is_a_refusal() {
                refuse(error.code(), &error, error.exit_code(), Vec::new());
            }
            fail(error.code(), &error, error.exit_code())
        }
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

/// The first of many mistakes, one a line, and how many more there are.
fn list(mistakes: &[(&str, String)]) -> String {
    let line = |(code, message): &(&str, String)| one_line(&format!("error {code}: {message}"));
    let mut lines: Vec<String> = mistakes.iter().take(MISTAKES_SHOWN).map(line).collect();
    match mistakes.len().saturating_sub(lines.len()) {
        0 => {}
        1 => lines.push("… and 1 more mistake".to_owned()),
        more => lines.push(format!("… and {more} more mistakes")),
    }
    lines.join("\n")
}

/// Says what went wrong, with its causes, in one line on stderr.
fn fail(code: &str, error: &dyn Error, exit_code: u8) -> ExitCode {
    say(&one_line(&format!("error {code}: {}", with_causes(error))));
    ExitCode::from(exit_code)
}

/// Says on stdout, to programs, why nothing else is there. People are told on stderr all the same.
fn refuse(code: &str, error: &dyn Error, exit_code: u8, mistakes: Vec<Placed>) {
    say_on_stdout(Refusal::new(code, error, exit_code, mistakes).line());
}
