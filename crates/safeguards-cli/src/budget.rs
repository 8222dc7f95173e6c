//! `safeguards budget`: the accounts of a durable file, to look at and to change.

mod change;
mod changes;
mod entries;
mod show;

use clap::{Args as Arguments, Subcommand};

use crate::durable::Failure;

/// Look at the accounts of a durable file, and change what they may spend.
#[derive(Debug, Arguments)]
#[command(arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Show(show::Args),
    Entries(entries::Args),
    #[command(flatten)]
    Change(change::Change),
}

impl Args {
    /// Whether programs read the answer.
    pub(crate) const fn is_json(&self) -> bool {
        match &self.verb {
            Verb::Show(args) => args.is_json(),
            Verb::Entries(args) => args.is_json(),
            Verb::Change(change) => change.is_json(),
        }
    }
}

/// Does what the arguments say.
pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    match &args.verb {
        Verb::Show(args) => show::execute(args),
        Verb::Entries(args) => entries::execute(args),
        Verb::Change(change) => change::execute(change),
    }
}
