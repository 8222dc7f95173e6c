//! `safeguards alerts`: what is asked about rules for alerts.

mod check;
mod failure;

use clap::{Args as Arguments, Subcommand};

pub(crate) use self::failure::Failure;

/// Check where alerts go.
#[derive(Debug, Arguments)]
#[command(arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Check(check::Args),
}

/// Does what the arguments say.
pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    match &args.verb {
        Verb::Check(args) => check::execute(args),
    }
}
