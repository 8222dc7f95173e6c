//! `safeguards replay`: a recorded trace of model calls is fed through a ledger on a simulated clock.
//!
//! Bytes become cells, cells rows ([`trace`]), rows commands ([`run`]); what the ledger answers is added up
//! ([`tally`], [`told`], [`curve`]), told as alerts ([`alerting`]), checked against its journal ([`audit`]) and shown ([`report`], [`text`],
//! [`svg`]). Nothing is shown before all of it is known to be right.

mod alerting;
mod args;
mod audit;
mod cells;
mod columns;
mod copy;
mod curve;
mod error;
mod ids;
mod plot;
mod prices;
mod progress;
mod report;
mod run;
mod source;
mod svg;
mod tally;
mod text;
mod time;
mod told;
mod trace;
mod windows;

use std::{fs, io};

pub(crate) use args::Args;
pub(crate) use error::ReplayError;

use self::{
    alerting::Alerting,
    prices::Prices,
    progress::Bar,
    report::{Heading, Report},
    run::{Outcome, Plan, Run},
    trace::Trace,
};
use crate::{
    output::{print, say},
    text::counted,
};

/// How many rows a warning names.
const ROWS_SAID: usize = 20;

/// Replays a trace and shows what came of it.
pub(crate) fn execute(args: &Args) -> Result<(), ReplayError> {
    let plan = args.plan()?;
    let options = args.trace_options()?;
    let prices = Prices::read(args.prices.as_deref())?;
    if let Some(model) = &plan.model {
        prices.find(model)?;
    }
    let alerting = args.alerting()?;
    let mut trace = Trace::open(&args.trace, &options)?;
    let outcome = replay(&plan, &prices, alerting, &mut trace, args.sort)?;
    let heading = Heading {
        trace: trace.name().to_owned(),
        model: plan.model.clone(),
        by_column: trace.by_label().map(str::to_owned),
        notes: trace.assumptions(args.start),
    };
    let report = Report::new(heading, &outcome, trace.by());
    let text = if args.json {
        format!("{}\n", serde_json::to_string(&report)?)
    } else {
        text::render(&report, &outcome.curve)
    };
    if let Some(path) = &args.svg {
        let file = path.display().to_string();
        let unwritten = |source| ReplayError::Plot { file: file.clone(), source };
        let svg = svg::draw(&outcome.curve).map_err(|error| unwritten(io::Error::other(error)))?;
        fs::write(path, svg).map_err(unwritten)?;
    }
    warn(&report);
    print(&text).map_err(|source| ReplayError::Output { source })
}

fn replay(
    plan: &Plan,
    prices: &Prices,
    alerting: Alerting,
    trace: &mut Trace,
    sort: bool,
) -> Result<Outcome, ReplayError> {
    let mut run = Run::new(plan, prices, alerting)?;
    let mut bar = Bar::new(trace.progress());
    let replayed =
        if sort { sorted_rows(trace, &mut bar, &mut run) } else { rows(trace, &mut bar, &mut run) };
    bar.finish();
    replayed?;
    run.finish()
}

/// Row by row, as they stand in the file.
fn rows(trace: &mut Trace, bar: &mut Bar, run: &mut Run<'_>) -> Result<(), ReplayError> {
    while let Some(row) = trace.next_row()? {
        run.row(&row, trace)?;
        bar.row();
    }
    Ok(())
}

/// All rows are read, then replayed by time; those of one instant as they stand in the file.
fn sorted_rows(trace: &mut Trace, bar: &mut Bar, run: &mut Run<'_>) -> Result<(), ReplayError> {
    let mut rows = Vec::new();
    while let Some(row) = trace.next_row()? {
        rows.push(row);
        bar.row();
    }
    rows.sort_by_key(|row| row.at);
    rows.iter().try_for_each(|row| run.row(row, trace))
}

/// Says on stderr what a reader of the numbers should know.
fn warn(report: &Report) {
    if report.steps_back > 0 {
        say(&format!(
            "warning: {}: {} earlier than the row before; rows were granted in the order of the file, on a clock \
             that does not go back, while the report's windows and plot go by time (`--sort` orders the rows)",
            report.trace,
            counted(report.steps_back, "row")
        ));
    }
    let lacking = &report.rows_without_input;
    if lacking.count > 0 {
        let first = lacking.rows.iter().take(ROWS_SAID);
        let mut rows: Vec<String> = first.map(u64::to_string).collect();
        if lacking.count > u64::try_from(rows.len()).unwrap_or(u64::MAX) {
            rows.push("…".to_owned());
        }
        say(&format!(
            "warning: {}: {} without input tokens, counted as 0: {}",
            report.trace,
            counted(lacking.count, "row"),
            rows.join(", ")
        ));
    }
    for note in &report.notes {
        say(&format!("note: {note}"));
    }
}
