//! `safeguards runs list`: the runs of a store, the latest first.

use std::fmt::Write as _;

use clap::Args as Arguments;
use safeguards_coord::{RunQuery, RunStore, RunView};
use serde::Serialize;

use super::{
    Failure, Store,
    told::{RunTold, tell},
};
use crate::{
    output::print,
    table::Table,
    text::{counted, cut, harmless, one_line, to_the_second},
};

const TITLES: [&str; 7] = ["run", "began (UTC)", "team", "strategy", "state", "spent", "reason"];
/// All columns are text.
const TEXT: &[usize] = &[0, 1, 2, 3, 4, 5, 6];
/// How many letters a name and a reason have at most in a row.
const NAME_MAX: usize = 24;
const REASON_MAX: usize = 80;

/// List the runs of a store, the latest first.
#[derive(Debug, Arguments)]
#[command(after_long_help = "\
Examples:
  safeguards runs list --store runs.jsonl
  safeguards runs list --unfinished                  (cut off, or still going on)

Exit codes:
    0  they were listed; there may be none
    2  wrong usage, or the file is no store of runs
    5  the store is not there, or cannot be read
   70  the answer cannot be written to standard output")]
pub(super) struct Args {
    #[command(flatten)]
    store: Store,

    /// Only those that have not ended: they were cut off, or still go on
    #[arg(long)]
    unfinished: bool,

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
struct Listed<'a> {
    r#type: &'static str,
    runs: &'a [RunTold],
}

/// Does what the arguments say.
pub(super) async fn execute(args: &Args) -> Result<(), Failure> {
    let store = args.store.read()?;
    let mut runs = Vec::new();
    for view in views(&*store, args.unfinished).await? {
        runs.push(tell(&*store, view).await?.0);
    }
    let text = if args.json {
        format!("{}\n", serde_json::to_string(&Listed { r#type: "runs", runs: &runs })?)
    } else {
        table(&runs)
    };
    print(&text).map_err(Failure::output)
}

/// All runs, page after page.
async fn views(store: &dyn RunStore, unfinished: bool) -> Result<Vec<RunView>, Failure> {
    let mut query = if unfinished { RunQuery::all().unfinished() } else { RunQuery::all() };
    let mut views: Vec<RunView> = Vec::new();
    loop {
        let page = store.runs(&query).await?;
        let Some(last) = page.last() else {
            return Ok(views);
        };
        query = query.after(last.head.run.clone());
        views.extend(page);
    }
}

fn table(runs: &[RunTold]) -> String {
    let mut text = String::new();
    if !runs.is_empty() {
        let mut table = Table::new(TITLES, TEXT);
        for run in runs {
            let state =
                run.state.map_or_else(|| "unfinished".to_owned(), |state| state.to_string());
            let reason = run.reason.as_ref().map(ToString::to_string).unwrap_or_default();
            table.add([
                one_line(&run.run),
                to_the_second(run.started_at),
                cut(&one_line(&run.team), NAME_MAX),
                cut(&one_line(&run.strategy), NAME_MAX),
                state,
                run.spent.to_string(),
                cut(&one_line(&reason), REASON_MAX),
            ]);
        }
        // A string takes whatever is written to it.
        let _ = writeln!(text, "{table}");
    }
    let count = u64::try_from(runs.len()).unwrap_or(u64::MAX);
    let _ = writeln!(text, "{}", counted(count, "run"));
    harmless(&text)
}
