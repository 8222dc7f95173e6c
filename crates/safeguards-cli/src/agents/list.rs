//! `safeguards agents list`: whoever is in a catalog.

use std::fmt::Write as _;

use clap::Args as Arguments;
use safeguards_discovery::Found;
use serde::Serialize;

use super::{Failure, find::rows, whence::Whence};
use crate::{exit, output::print, text::counted};

/// List all agents by name.
#[derive(Debug, Arguments)]
#[command(after_long_help = "\
Examples:
  safeguards agents list
  safeguards agents list --from .claude/agents cards/         (no catalog is needed)

Exit codes:
    0  they were listed; there may be none
    2  wrong usage, or something cannot be read; of what was named by `--from`, the rest is listed
   70  the answer cannot be written to standard output")]
pub(crate) struct Args {
    #[command(flatten)]
    whence: Whence,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    found: &'a Found,
}

/// Does what the arguments say.
pub(super) fn execute(args: &Args) -> Result<u8, Failure> {
    let opened = args.whence.open()?;
    let found = opened.desk.everybody()?;
    let text = if args.json {
        format!("{}\n", serde_json::to_string(&Listed { r#type: "agents", found: &found })?)
    } else {
        let mut text = rows(&found, None);
        // A string takes whatever is written to it.
        let _ = writeln!(text, "{}", counted(found.total, "agent"));
        text
    };
    print(&text).map_err(Failure::output)?;
    opened.end(exit::SUCCESS)
}
