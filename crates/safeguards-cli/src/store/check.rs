//! `safeguards store check`: whether all that a file holds fits together.

use std::{fmt::Write as _, path::PathBuf};

use clap::Args as Arguments;
use safeguards_redb::{Checked, RedbOptions};
use serde::Serialize;

use super::waiting;
use crate::{
    durable::{Failure, check_there},
    exit,
    output::print,
    table::Table,
    text::{counted, harmless, one_line},
};

/// Check all that a durable file holds: pages, entries, sums, indexes.
#[derive(Debug, Arguments)]
#[command(after_long_help = "\
Nothing is changed, save that a file of an older version is brought up to date, and pages that were damaged are repaired
where that can be.

Examples:
  safeguards store check fleet.redb
  safeguards store check fleet.redb --json | jq .flaws

Exit codes:
    0  all of it fits together
    1  something does not: every flaw is named
    2  wrong usage, or the file is no durable file of this version
    5  the file is not there, cannot be read, or another process has it
   70  the answer cannot be written to standard output")]
pub(super) struct Args {
    /// The durable file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) const fn is_json(&self) -> bool {
        self.json
    }
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Told<'a> {
    r#type: &'static str,
    ok: bool,
    #[serde(flatten)]
    checked: &'a Checked,
}

/// Does what the arguments say.
pub(super) fn execute(args: &Args) -> Result<u8, Failure> {
    let Args { file, json } = args;
    check_there(file)?;
    let what = format!("checking {}", file.display());
    let checked = waiting::show(what, || RedbOptions::default().check(file))?;
    let ok = checked.flaws.is_empty();
    let text = if *json {
        let told = Told { r#type: "store_check", ok, checked: &checked };
        format!("{}\n", serde_json::to_string(&told)?)
    } else {
        told(&checked)
    };
    print(&text).map_err(Failure::output)?;
    Ok(if ok { exit::SUCCESS } else { exit::FAILED })
}

fn told(checked: &Checked) -> String {
    let mut table = Table::new(["what", "how many"], &[0]);
    for (what, count) in [
        ("accounts", checked.accounts),
        ("entries", checked.entries),
        ("blocks of entries", checked.blocks),
        ("operations", checked.operations),
        ("agents that registered", checked.agents),
        ("capabilities", checked.capabilities),
        ("keys of shared state", checked.keys),
        ("changes of keys", checked.key_changes),
        ("runs", checked.runs),
        ("entries of runs", checked.run_entries),
        ("alerts", checked.alerts),
    ] {
        table.add([what.to_owned(), count.to_string()]);
    }
    let mut text = format!("{table}\n");
    for flaw in &checked.flaws {
        // A string takes whatever is written to it.
        let _ = writeln!(text, "flaw  {}", one_line(flaw));
    }
    let count = u64::try_from(checked.flaws.len()).unwrap_or(u64::MAX);
    let _ = writeln!(
        text,
        "{}",
        if count == 0 {
            "all of it fits together".to_owned()
        } else {
            format!(
                "{}; leave the file as it is, and go on with a copy or a dump from before",
                counted(count, "flaw")
            )
        }
    );
    harmless(&text)
}
