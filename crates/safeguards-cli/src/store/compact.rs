//! `safeguards store compact`: a durable file as small as what it holds.

use std::{path::PathBuf, time::Duration};

use clap::Args as Arguments;
use safeguards_redb::{Compacted, KeepEntries, RedbOptions};
use serde::Serialize;

use super::waiting;
use crate::{
    durable::{Failure, check_there},
    exit,
    output::print,
};

/// Give back the room of a durable file that nothing is in.
#[derive(Debug, Arguments)]
#[command(after_long_help = "\
A file gives no room back by itself: that of what was dropped is used again. Entries of the ledger are kept for good unless
`--keep-days` says for how long; the newest 65,536 stay in any case, and those of the last 24 hours up to 4,194,304. What
accounts have spent is not changed, but a report knows nothing of entries that are gone.

Examples:
  safeguards store compact fleet.redb
  safeguards store compact fleet.redb --keep-days 90

Exit codes:
    0  it is as small as it gets
    2  wrong usage, or the file is no durable file of this version
    5  the file is not there, cannot be read or written, or another process has it
   70  the answer cannot be written to standard output")]
pub(super) struct Args {
    /// The durable file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Drop entries of the ledger that are older than so many days
    #[arg(long, value_name = "DAYS", value_parser = days)]
    keep_days: Option<u32>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) const fn is_json(&self) -> bool {
        self.json
    }
}

fn days(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "write a number of days, such as 90".to_owned())
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Told {
    r#type: &'static str,
    #[serde(flatten)]
    compacted: Compacted,
}

/// Does what the arguments say.
pub(super) fn execute(args: &Args) -> Result<u8, Failure> {
    let Args { file, keep_days, json } = args;
    check_there(file)?;
    let mut options = RedbOptions::default();
    if let Some(days) = keep_days {
        let hours = u64::from(*days).saturating_mul(24);
        options.keep_entries = KeepEntries::For(Duration::from_hours(hours));
    }
    let what = format!("compacting {}", file.display());
    let compacted = waiting::show(what, || options.compact(file))?;
    let text = if *json {
        format!("{}\n", serde_json::to_string(&Told { r#type: "store_compact", compacted })?)
    } else {
        let Compacted { before, after, .. } = compacted;
        format!("{}, was {}\n", indicatif::HumanBytes(after), indicatif::HumanBytes(before))
    };
    print(&text).map_err(Failure::output)?;
    Ok(exit::SUCCESS)
}
