//! `safeguards report`: what was spent according to a durable file, by agent, pool, model and day.

mod gather;
mod picture;

use std::{
    fmt::Write as _,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::{Args as Arguments, ValueEnum};
use safeguards_types::{Amount, Timestamp, Unit};
use serde::Serialize;

use self::gather::{Gathered, Row, Span, gather};
use crate::{
    durable::{Durable, Failure, runtime},
    output::print,
    table::Table,
    text::{counted, harmless, one_line},
};

/// Report what was spent according to a durable file.
///
/// What is reported are entries of the ledger: charges, what steps really cost, and what was recorded. What came back is
/// taken off in the column `net` on the day on which it came back, at the agent, pool and model that had spent it:
/// `safeguards budget show` shows the net. What is only held is not spent. Days are those of UTC.
#[derive(Debug, Arguments)]
#[command(after_long_help = "\
An agent is the account that spent. Its pool is the account above it when it spent. A model is known where the entry's
metadata has `model`, as entries of steps do that said which one they used.

Examples:
  safeguards report --store fleet.redb
  safeguards report --store fleet.redb --by day,agent --since 2026-01-01
  safeguards report --store fleet.redb --by model --unit USD --svg models.svg
  safeguards report --store fleet.redb --by pool --csv > pools.csv

Exit codes:
    0  it was printed; nothing may have been spent
    2  wrong usage, the file is no durable file of this version, or the picture is there already or cannot be made
    5  the file is not there, cannot be read, or another process has it
   70  the answer cannot be written to standard output")]
pub(crate) struct Args {
    #[command(flatten)]
    store: Durable,

    /// What a row stands for; several make a row of each that there are together
    #[arg(long, value_enum, value_delimiter = ',', default_value = "agent")]
    by: Vec<By>,

    /// Only what was spent from then on: a day such as 2026-01-05, or an instant such as 2026-01-05T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = instant)]
    since: Option<Timestamp>,

    /// Only what was spent before then
    #[arg(long, value_name = "TIME", value_parser = instant)]
    until: Option<Timestamp>,

    /// Only this unit, such as USD or tokens
    #[arg(long, value_name = "UNIT")]
    unit: Option<Unit>,

    /// Print comma-separated values
    #[arg(long, conflicts_with = "json")]
    csv: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    /// Draw bars of the net besides, of `--unit`, else of dollars, else of whatever there is: forty at most, and one of all
    /// others. Nothing is overwritten; `-` prints the picture instead of the table
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// The account that spent
    Agent,
    /// The account above it
    Pool,
    /// The model, where it is known
    Model,
    /// The day, by UTC
    Day,
}

impl By {
    const fn title(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Pool => "pool",
            Self::Model => "model",
            Self::Day => "day",
        }
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    let day = format!("{text}T00:00:00Z");
    Timestamp::parse(text).or_else(|_| Timestamp::parse(&day)).map_err(|_| {
        "write a day such as 2026-01-05, or an instant of UTC such as 2026-01-05T09:00:00Z"
            .to_owned()
    })
}

impl Args {
    /// Whether programs read the answer.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Report<'a> {
    r#type: &'static str,
    by: &'a [By],
    #[serde(flatten)]
    gathered: &'a Gathered,
}

/// Does what the arguments say.
pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let mut by: Vec<By> = Vec::new();
    for one in &args.by {
        if !by.contains(one) {
            by.push(*one);
        }
    }
    if args.svg.as_deref() == Some(Path::new("-")) && (args.csv || args.json) {
        return Err(Failure::Wrong {
            what: "the picture",
            given: "-".to_owned(),
            why: "standard output takes the picture or `--csv` or `--json`, one of them".to_owned(),
        });
    }
    if let (Some(since), Some(until)) = (args.since, args.until)
        && until <= since
    {
        return Err(Failure::Wrong {
            what: "the time",
            given: format!("{since} to {until}"),
            why: "`--until` comes after `--since`".to_owned(),
        });
    }
    let store = args.store.open()?;
    let span = Span { since: args.since, until: args.until };
    let gathered = runtime()?.block_on(gather(&store, &by, span, args.unit.as_ref()))?;
    if let Some(path) = &args.svg {
        let failed = |source| Failure::not_made(path, source);
        let svg = picture::draw(&gathered, args.unit.as_ref()).map_err(Failure::Picture)?;
        if path == Path::new("-") {
            return print(&svg).map_err(Failure::output);
        }
        let mut file = File::create_new(path).map_err(failed)?;
        file.write_all(svg.as_bytes()).map_err(failed)?;
    }
    let text = if args.json {
        let report = Report { r#type: "spending", by: &by, gathered: &gathered };
        format!("{}\n", serde_json::to_string(&report)?)
    } else if args.csv {
        csv(&by, &gathered.rows).map_err(Failure::output)?
    } else {
        table(&by, &gathered)
    };
    print(&text).map_err(Failure::output)
}

fn csv(by: &[By], rows: &[Row]) -> std::io::Result<String> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let rest = ["unit", "spent", "refunded", "net", "entries"];
    out.write_record(by.iter().map(|by| by.title()).chain(rest))?;
    for row in rows {
        let figures = [
            row.unit.to_string(),
            row.spent.to_string(),
            row.refunded.to_string(),
            row.net.to_string(),
            row.entries.to_string(),
        ];
        let keys = row.keys.iter().map(|key| key.clone().unwrap_or_default());
        out.write_record(keys.chain(figures))?;
    }
    let bytes = out.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn table(by: &[By], gathered: &Gathered) -> String {
    // Keys stand to the left; there are four at most.
    const TEXT: [&[usize]; 5] = [&[], &[0], &[0, 1], &[0, 1, 2], &[0, 1, 2, 3]];
    let titles = by.iter().map(|by| by.title()).chain(["spent", "refunded", "net", "entries"]);
    let text = TEXT.get(by.len()).copied().unwrap_or_default();
    let mut table = Table::new(titles, text);
    let figures = |row: &Row| {
        let amount = |quantity| Amount::new(quantity, row.unit.clone()).to_string();
        let refunded = if row.refunded.is_zero() { "-".to_owned() } else { amount(row.refunded) };
        [amount(row.spent), refunded, row.net.amount(&row.unit), row.entries.to_string()]
    };
    for row in &gathered.rows {
        let keys =
            row.keys.iter().map(|key| key.as_deref().map_or_else(|| "-".to_owned(), one_line));
        table.add(keys.chain(figures(row)));
    }
    for row in &gathered.totals {
        let keys = by.iter().enumerate();
        let keys = keys.map(|(at, _)| if at == 0 { "all".to_owned() } else { String::new() });
        table.add(keys.chain(figures(row)));
    }
    let mut text = if gathered.rows.is_empty() {
        "nothing was spent in this time\n".to_owned()
    } else {
        format!("{table}\n")
    };
    if gathered.forgotten > 0 {
        let entries = counted(gathered.forgotten, "entry").replace("entrys", "entries");
        // A string takes whatever is written to it.
        let _ = writeln!(text, "{entries} before these are kept no more, and are not in it");
    }
    harmless(&text)
}
