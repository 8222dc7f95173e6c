//! `safeguards ledger`: what a ledger is asked, one JSON object a line, and what it answers.

mod apply;
mod failure;
mod input;

use clap::{Args as Arguments, Subcommand};

pub(crate) use self::failure::Failure;

/// Ask a ledger in JSON lines.
#[derive(Debug, Arguments)]
#[command(arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Apply(apply::Args),
}

/// Does what the arguments say.
pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    match &args.verb {
        Verb::Apply(args) => apply::execute(args),
    }
}
