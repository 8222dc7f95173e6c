//! `safeguards store`: durable files as a whole. They are checked, made smaller, and moved as JSON lines.

mod check;
mod compact;
mod dump;
mod load;
mod waiting;

use clap::{Args as Arguments, Subcommand};

use crate::durable::Failure;

/// Check durable files, make them smaller, and move them as JSON lines.
#[derive(Debug, Arguments)]
#[command(arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Check(check::Args),
    Compact(compact::Args),
    Dump(dump::Args),
    Load(load::Args),
}

impl Args {
    /// Whether programs read the answer.
    pub(crate) const fn is_json(&self) -> bool {
        match &self.verb {
            Verb::Check(args) => args.is_json(),
            Verb::Compact(args) => args.is_json(),
            Verb::Dump(_) | Verb::Load(_) => false,
        }
    }
}

/// Does what the arguments say; gives what the process ends with.
pub(crate) fn execute(args: &Args) -> Result<u8, Failure> {
    match &args.verb {
        Verb::Check(args) => check::execute(args),
        Verb::Compact(args) => compact::execute(args),
        Verb::Dump(args) => dump::execute(args),
        Verb::Load(args) => load::execute(args),
    }
}
