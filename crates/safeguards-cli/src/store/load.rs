//! `safeguards store load`: a file made of a dump.

use std::{
    fs::File,
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use clap::Args as Arguments;
use safeguards_redb::{LoadError, RedbOptions};

use super::waiting;
use crate::{
    durable::{Failure, is_durable},
    exit,
    output::say,
    runs::exists,
    text::{counted, one_line},
};

/// Make a durable file of what `safeguards store dump` wrote.
#[derive(Debug, Arguments)]
#[command(after_long_help = "\
All of it is checked before the file gets its name. Where that fails, no file is made.

Examples:
  safeguards store load copy.redb fleet.jsonl
  gunzip -c fleet.jsonl.gz | safeguards store load copy.redb

Exit codes:
    0  the file was made
    2  wrong usage, FILE is there already, the dump cannot be read, or is none, cut off, or does not fit together
    5  FILE cannot be written")]
pub(super) struct Args {
    /// The durable file to make; nothing is overwritten
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The dump; `-` reads standard input
    #[arg(value_name = "DUMP", default_value = "-")]
    dump: PathBuf,
}

/// Does what the arguments say.
pub(super) fn execute(args: &Args) -> Result<u8, Failure> {
    let Args { file, dump } = args;
    let options = RedbOptions::default();
    // Before the dump is looked for: the two are easily taken for each other.
    if exists(file) {
        if is_durable(dump) && !is_durable(file) {
            return Err(swapped(file, dump));
        }
        return Err(LoadError::Exists { path: file.clone() }.into());
    }
    if exists(dump) && is_durable(dump) {
        return Err(Failure::Wrong {
            what: "the dump",
            given: dump.display().to_string(),
            why: "that is a durable file; `safeguards store dump` makes a dump of one".to_owned(),
        });
    }
    let what = format!("loading {}", file.display());
    let rows = if dump == Path::new("-") {
        waiting::show(what, || options.load(io::stdin().lock(), file))?
    } else {
        let failed = |source| Failure::File { path: dump.clone(), done: "read", source };
        let lines = BufReader::new(File::open(dump).map_err(failed)?);
        waiting::show(what, || options.load(lines, file))?
    };
    say(&format!("{} into {}", counted(rows, "row"), one_line(&file.display().to_string())));
    Ok(exit::SUCCESS)
}

fn swapped(file: &Path, dump: &Path) -> Failure {
    let (file, dump) = (file.display(), dump.display());
    Failure::Wrong {
        what: "the dump",
        given: dump.to_string(),
        why: format!(
            "that is a durable file, and {file} is there already; the file to make comes first, and then the dump"
        ),
    }
}
