//! `safeguards agents`: who is here and who can do this, from a catalog or straight from agent cards.
//!
//! What a file says ([`reading`]) is registered with a registry in memory ([`desk`]), and that is asked: nothing is
//! searched or merged here. The [`catalog`] keeps what the registry holds.

mod again;
mod catalog;
mod cells;
mod desk;
mod export;
mod failure;
mod find;
mod forms;
mod import;
mod list;
mod mistake;
mod progress;
mod reading;
mod remove;
mod show;
mod source;
mod walk;
mod whence;

use clap::{Args as Arguments, Subcommand};

pub(crate) use self::failure::Failure;

/// Keep a catalog of agents and find who can do something.
#[derive(Debug, Arguments)]
#[command(arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Import(import::Args),
    List(list::Args),
    Find(Box<find::Args>),
    Show(show::Args),
    Export(export::Args),
    Remove(remove::Args),
}

/// Does what the arguments say; gives what the process ends with.
pub(crate) fn execute(args: &Args) -> Result<u8, Failure> {
    match &args.verb {
        Verb::Import(args) => import::execute(args),
        Verb::List(args) => list::execute(args),
        Verb::Find(args) => find::execute(args),
        Verb::Show(args) => show::execute(args),
        Verb::Export(args) => export::execute(args),
        Verb::Remove(args) => remove::execute(args),
    }
}
