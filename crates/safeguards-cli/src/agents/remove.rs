//! `safeguards agents remove`: agents are taken out of a catalog.

use std::path::PathBuf;

use clap::Args as Arguments;
use safeguards_types::{AgentId, Clock, SystemClock};
use serde::Serialize;

use super::{Failure, catalog::Catalog, show::unknown, whence::CATALOG};
use crate::{
    exit,
    output::print,
    text::{counted, one_line},
};

/// Remove agents from the catalog: all that are named, or none.
#[derive(Debug, Arguments)]
#[command(after_long_help = "\
Examples:
  safeguards agents remove dice-agent
  safeguards agents remove dice-agent currency-agent --catalog fleet.jsonl

Exit codes:
    0  they were removed
    1  one of them is not there, and none was removed
    2  wrong usage, or the catalog cannot be read or written
   70  the answer cannot be written to standard output")]
pub(crate) struct Args {
    /// Whom to remove
    #[arg(value_name = "AGENT", required = true)]
    agents: Vec<String>,

    /// The catalog: one registration a line
    #[arg(long, value_name = "FILE", default_value = CATALOG)]
    catalog: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    r#type: &'static str,
    catalog: String,
    removed: Vec<&'a str>,
}

/// Does what the arguments say.
pub(super) fn execute(args: &Args) -> Result<u8, Failure> {
    let catalog = Catalog::at(&args.catalog);
    let now = SystemClock::new().now();
    // Where there is none, none is made.
    catalog.open(now)?;
    let mut agents: Vec<&str> = args.agents.iter().map(String::as_str).collect();
    agents.sort_unstable();
    agents.dedup();
    catalog.edit(now, |desk| {
        for agent in &agents {
            if !desk.remove(&AgentId::from(*agent)) {
                return Err(unknown(desk, agent)?);
            }
        }
        Ok(((), true))
    })?;
    let count = u64::try_from(agents.len()).unwrap_or(u64::MAX);
    let text = if args.json {
        let removed = Answer { r#type: "agents_removed", catalog: catalog.name(), removed: agents };
        format!("{}\n", serde_json::to_string(&removed)?)
    } else {
        let count = counted(count, "agent");
        format!("removed  {count}: {}\n", one_line(&agents.join(", ")))
    };
    print(&text).map_err(Failure::output)?;
    Ok(exit::SUCCESS)
}
