//! `safeguards runs`: the runs that a store has, and what became of their steps.

mod failure;
mod list;
mod show;
pub(crate) mod store;
mod told;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{Args as Arguments, Subcommand};
use safeguards_coord::RunStore;
use safeguards_redb::RedbStore;

pub(crate) use self::failure::Failure;
use self::store::FileRunStore;
use crate::durable::{is_durable, runtime};

/// Look at runs that were written down.
#[derive(Debug, Arguments)]
#[command(arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::Args),
    Show(show::Args),
}

/// Where runs are written down.
#[derive(Debug, Arguments)]
struct Store {
    /// The file that runs were written into: the `--store` of `safeguards run`, or the `store` of its team file
    #[arg(long, value_name = "FILE", default_value = "runs.jsonl")]
    store: PathBuf,
}

impl Store {
    /// Its runs as they stand. Another process may be writing to a file of lines; a durable file it has for itself.
    fn read(&self) -> Result<Arc<dyn RunStore>, Failure> {
        if !exists(&self.store) {
            return Err(Failure::NoFile { store: self.store.clone() });
        }
        Ok(if is_durable(&self.store) {
            Arc::new(RedbStore::open(&self.store)?)
        } else {
            Arc::new(FileRunStore::read(&self.store)?)
        })
    }
}

/// Whether there is a file of this name.
pub(crate) fn exists(path: &Path) -> bool {
    // What cannot be looked at is there, and cannot be read.
    path.try_exists().unwrap_or(true)
}

impl Args {
    /// Whether programs read the answer.
    pub(crate) const fn is_json(&self) -> bool {
        match &self.verb {
            Verb::List(args) => args.is_json(),
            Verb::Show(args) => args.is_json(),
        }
    }
}

/// Does what the arguments say; gives what the process ends with.
pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let desk = runtime().map_err(Box::new)?;
    match &args.verb {
        Verb::List(args) => desk.block_on(list::execute(args)),
        Verb::Show(args) => desk.block_on(show::execute(args)),
    }
}
