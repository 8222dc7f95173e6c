//! The report of a run as text: how it ended, a table of accounts, what was denied, and the output.

use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment, Table, presets};
use safeguards_coord::{CostBasis, State};
use safeguards_types::{Amounts, Unit};
use serde_json::Value;

use super::{
    account_line::{AccountLine, limits},
    money::harmless,
    report::{RunReport, StepLine, what_helps},
    view::seconds,
};

/// How many of the last lines of its log are shown of a step that went wrong.
const LOG_LINES: usize = 5;
/// How many lines are shown of what a step left, in a run that stopped, and how many letters of each.
const LINES_MAX: usize = 4;
const WIDTH_MAX: usize = 110;

/// Writes the report. What agents wrote is made harmless where it goes to a terminal.
pub(crate) fn render(report: &RunReport, to_terminal: bool) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut out, report);
    let output = output(report);
    out.push_str(&if to_terminal { harmless(&output) } else { output });
    out
}

fn write(out: &mut String, report: &RunReport) -> std::fmt::Result {
    writeln!(out, "{}", headline(report))?;
    writeln!(out, "{}", accounts(report))?;
    for step in &report.steps {
        step_lines(out, step, report)?;
    }
    for alert in &report.alerts {
        writeln!(out, "alert   {alert}")?;
    }
    if report.undelivered > 0 {
        writeln!(out, "warning {} alerts did not reach their channel", report.undelivered)?;
    }
    Ok(())
}

fn headline(report: &RunReport) -> String {
    let (run, time) = (&report.run, seconds(report.duration));
    let fate = |step: &&StepLine| !step.state.is_success() && step.state != State::Skipped;
    match report.steps.iter().find(fate) {
        _ if report.state.is_success() => format!("run {run} succeeded after {time}"),
        Some(step) => {
            format!("run {run} stopped after {time}: {} {}", step.step, step.state.as_verb())
        }
        None => {
            let why =
                report.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("run {run} {} after {time}{why}", report.state.as_verb())
        }
    }
}

fn accounts(report: &RunReport) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let titles =
        ["account", "this run", "spent", "held", "limit", "left", "tasks", "denials", "time"];
    table.set_header(
        titles.into_iter().enumerate().map(|(column, title)| cell(column, title.to_owned())),
    );
    for line in &report.accounts {
        let units: Vec<&Unit> = report.units.iter().collect();
        for (row, unit) in units.iter().enumerate() {
            table.add_row(
                cells(line, unit, row == 0)
                    .into_iter()
                    .enumerate()
                    .map(|(column, text)| cell(column, text)),
            );
        }
    }
    table.trim_fmt()
}

/// One row of an account: of the first unit with everything, of further ones with their amounts alone.
fn cells(line: &AccountLine, unit: &Unit, is_first: bool) -> Vec<String> {
    let of = |amounts: &Amounts| format!("{} {unit}", amounts.get(unit));
    let left = line.left.iter().find(|left| left.unit == *unit);
    let left = left.map_or_else(
        || "-".to_owned(),
        |left| {
            let by =
                if left.by == line.account { String::new() } else { format!(" ({})", left.by) };
            format!("{}{by}", left.amount)
        },
    );
    let once = |text: String| if is_first { text } else { String::new() };
    vec![
        once(format!("{}{}", "  ".repeat(line.depth), line.account)),
        of(&line.this_run),
        line.spent.get(unit).to_string(),
        line.held.get(unit).to_string(),
        once(limits(line)),
        left,
        once(line.tasks.to_string()),
        once(line.denials.to_string()),
        once(seconds(line.time)),
    ]
}

/// Names and limits stand to the left, numbers to the right.
fn cell(column: usize, text: String) -> Cell {
    let is_text = matches!(column, 0 | 4);
    Cell::new(text).set_alignment(if is_text { CellAlignment::Left } else { CellAlignment::Right })
}

/// What there is to say of a step beyond the table.
fn step_lines(out: &mut String, step: &StepLine, report: &RunReport) -> std::fmt::Result {
    if let Some(denial) = &step.denial {
        writeln!(out, "denied  {}: {}", step.step, denial.code())?;
        writeln!(out, "        {denial}")?;
        if let Some(what) = what_helps(denial) {
            writeln!(out, "        helps: {what}")?;
        }
    } else if let Some(reason) = &step.reason {
        writeln!(
            out,
            "{:<8}{}: {}",
            step.state.to_string(),
            step.step,
            harmless(&reason.to_string())
        )?;
        let tail = step.log.len().saturating_sub(LOG_LINES);
        for line in step.log.iter().skip(tail) {
            writeln!(out, "        log: {}", harmless(line))?;
        }
    }
    if step.basis == CostBasis::Estimate {
        let spent = report.units.shown(&step.spent);
        writeln!(
            out,
            "unknown {}: nobody knows what it cost; its estimate counts as spent: {spent}",
            step.step
        )?;
    }
    if let Some(mismatch) = &step.cost_mismatch {
        let (said, drawn) =
            (report.units.shown(&mismatch.reported), report.units.shown(&mismatch.drawn));
        writeln!(
            out,
            "differs {}: it said {said}, but had drawn {drawn}; the larger counts",
            step.step
        )?;
    }
    step.notes
        .iter()
        .try_for_each(|note| writeln!(out, "note    {}: {}", step.step, harmless(note)))
}

/// The team's output whole; of a run that stopped, the beginning of what each of its steps left.
fn output(report: &RunReport) -> String {
    if report.state.is_success() {
        return section("output", report.output.as_ref(), str::to_owned);
    }
    let done = report.steps.iter().filter(|step| step.output.is_some());
    done.map(|step| section(&format!("output of {}", step.step), step.output.as_ref(), beginning))
        .collect()
}

fn section(title: &str, output: Option<&Value>, shorten: fn(&str) -> String) -> String {
    let text = match output {
        None | Some(Value::Null) => return String::new(),
        Some(Value::String(text)) => text.trim_end().to_owned(),
        Some(value) => serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string()),
    };
    format!("\n{title}\n{}\n", shorten(&text))
}

/// The first lines of a text, each cut where it is long.
fn beginning(text: &str) -> String {
    let cut = |line: &str| match line.char_indices().nth(WIDTH_MAX) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(line)),
        None => line.to_owned(),
    };
    let lines: Vec<String> = text.lines().take(LINES_MAX).map(cut).collect();
    let more = text.lines().count().saturating_sub(lines.len());
    match more {
        0 => lines.join("\n"),
        more => format!("{}\n… and {more} more lines; `--json` has them all", lines.join("\n")),
    }
}
