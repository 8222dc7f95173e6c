//! The report of a replay as text: a summary, tables, and the plot.

use std::fmt::Write as _;

use safeguards_types::Amounts;

use super::{
    curve::Curve,
    plot,
    report::{AlertLines, Peak, Report, Spending, WindowLine},
};
use crate::{
    table::Table,
    text::{counted, one_line, to_the_second},
};

/// How many spenders have a column of their own in the table of windows.
const COLUMNS_MAX: usize = 5;
/// How many lines a table has before it is cut: `--json` has all of them.
const LINES_MAX: usize = 40;
/// How many times of one threshold are printed.
const TIMES_MAX: usize = 3;
/// The columns of a table that are no numbers.
const NAMES: &[usize] = &[0];

/// Writes the whole report.
pub(crate) fn render(report: &Report, curve: &Curve) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = summary(&mut out, report);
    let _ = limits(&mut out, report);
    if let Some(by) = &report.by_column {
        let _ = writeln!(out, "\n{}", spenders(by, report));
    }
    if report.denied > 0 {
        let _ = writeln!(out, "\n{}", denials(report));
    }
    let _ = alerts(&mut out, report);
    let _ = writeln!(out, "\n{}", windows(report));
    let _ = write!(out, "\n{}", plot::draw(curve));
    out
}

fn summary(out: &mut String, report: &Report) -> std::fmt::Result {
    let model = report.model.as_deref().map_or_else(
        || "at the price of each row's model".to_owned(),
        |model| format!("at {model}"),
    );
    writeln!(
        out,
        "trace    {}   {}   {} to {} UTC",
        report.trace,
        counted(report.rows, "row"),
        to_the_second(report.first_at),
        to_the_second(report.last_at)
    )?;
    let tokens = report.tokens;
    writeln!(
        out,
        "cost     {} {model}   {} tokens in, {} out",
        report.cost, tokens.input, tokens.output
    )?;
    let granted = report.rows.saturating_sub(report.denied);
    writeln!(out, "granted  {}   {}", counted(granted, "row"), report.granted)?;
    writeln!(out, "denied   {}   {}", counted(report.denied, "row"), report.denied_cost)?;
    if let Some(first) = &report.first_denial {
        writeln!(
            out,
            "         first row {}, {}: {}",
            first.row,
            to_the_second(first.at),
            first.told
        )?;
    }
    for peak in &report.peaks {
        peak_line(out, peak)?;
    }
    Ok(())
}

fn peak_line(out: &mut String, peak: &Peak) -> std::fmt::Result {
    let width = if peak.every_seconds == 1 { "second" } else { "minute" };
    let least = if peak.exact { "" } else { "at least " };
    writeln!(
        out,
        "peak     per {width}: {least}{} at {}; {least}{} at {}",
        counted(peak.by_requests.requests, "request"),
        to_the_second(peak.by_requests.at),
        peak.by_cost.cost,
        to_the_second(peak.by_cost.at)
    )
}

fn limits(out: &mut String, report: &Report) -> std::fmt::Result {
    for line in &report.limits {
        write!(
            out,
            "limit    {}: {} spent at the end, {} left",
            line.limit, line.spent, line.available
        )?;
        if !line.over_by.is_zero() {
            write!(out, ", {} over", line.over_by)?;
        }
        writeln!(out)?;
        for threshold in report.thresholds.iter().filter(|threshold| threshold.limit == line.limit)
        {
            let times = threshold.crossed.iter().take(TIMES_MAX);
            let times =
                times.map(|crossed| format!("{} (row {})", to_the_second(crossed.at), crossed.row));
            let mut times: Vec<String> = times.collect();
            let shown = u64::try_from(times.len()).unwrap_or(u64::MAX);
            if threshold.count > shown {
                times.push(format!("{} more", threshold.count - shown));
            }
            writeln!(out, "         {} % reached {}", threshold.percent, times.join(", "))?;
        }
        for overrun in report.overruns.iter().filter(|overrun| overrun.limit == line.limit) {
            writeln!(
                out,
                "         passed by up to {} through {} whose cost was above what was held, first row {}, {}",
                overrun.over_by,
                counted(overrun.count, "row"),
                overrun.first_row,
                to_the_second(overrun.first_at)
            )?;
        }
    }
    Ok(())
}

fn spenders(by: &str, report: &Report) -> String {
    let header =
        [by, "rows", "tokens in", "tokens out", "cost", "granted", "denied", "denied cost"];
    let mut table = Table::new(header, NAMES);
    for (name, spending) in report.by.0.iter().take(LINES_MAX) {
        table.add(spending_cells(name, spending));
    }
    finish(&table, report.by.0.len())
}

fn spending_cells(name: &str, spending: &Spending) -> [String; 8] {
    [
        name.to_owned(),
        spending.rows.to_string(),
        spending.tokens.input.to_string(),
        spending.tokens.output.to_string(),
        spending.cost.to_string(),
        spending.granted.to_string(),
        spending.denied.to_string(),
        spending.denied_cost.to_string(),
    ]
}

fn denials(report: &Report) -> String {
    let by = report.by_column.as_deref().unwrap_or("account");
    let mut table = Table::new([by, "denied by", "rows", "cost", "first row", "at"], &[0, 1]);
    for line in report.denials.iter().take(LINES_MAX) {
        table.add([
            line.by.clone().unwrap_or_else(|| "(all)".to_owned()),
            format!("{} {}", line.code, line.limit),
            line.rows.to_string(),
            line.cost.to_string(),
            line.first_row.to_string(),
            to_the_second(line.first_at),
        ]);
    }
    finish(&table, report.denials.len())
}

/// What would have been told: one alert, or how many of which group and from when to when they came.
fn alerts(out: &mut String, report: &Report) -> std::fmt::Result {
    let AlertLines { count, notified, notifications, has_channels } = &report.alerts;
    if *count == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "\nalerts   {} in {}",
        counted(*count, "alert"),
        counted(*notified, "notification")
    )?;
    for line in notifications.iter().take(LINES_MAX) {
        write!(out, "         {}  ", to_the_second(line.at))?;
        if *has_channels {
            write!(out, "to {}: ", one_line(&line.channel))?;
        }
        write!(out, "{}  {}: ", line.severity, line.topic)?;
        if line.count == 1 {
            write!(out, "{}", one_line(&line.message))?;
        } else {
            write!(out, "{}", counted(line.count, "alert"))?;
            let own = ["topic", "severity"];
            let labels = line.group.0.iter().filter(|(label, _)| !own.contains(&label.as_str()));
            let labels: Vec<String> =
                labels.map(|(label, value)| format!("{label} {}", one_line(value))).collect();
            if !labels.is_empty() {
                write!(out, " ({})", labels.join(", "))?;
            }
            let (first, last) = (to_the_second(line.first_at), to_the_second(line.last_at));
            // The day is said once where it is the same.
            let same_day = first.split_once(' ').zip(last.split_once(' '));
            let time = same_day.filter(|(first, last)| first.0 == last.0).map(|(_, last)| last.1);
            write!(out, ", {first} to {}", time.unwrap_or(&last))?;
        }
        if line.repeats > 0 {
            write!(out, " ({} kept back)", counted(line.repeats, "repeat"))?;
        }
        if let Some(step) = line.escalation {
            write!(out, " (not acknowledged, step {step})")?;
        }
        writeln!(out)?;
    }
    let shown = u64::try_from(notifications.len().min(LINES_MAX)).unwrap_or(u64::MAX);
    if *notified > shown {
        writeln!(out, "         … and {} more; `--json` has them all", notified - shown)?;
    }
    Ok(())
}

/// A line for each window: all rows, and what each of the spenders that cost most was granted.
fn windows(report: &Report) -> String {
    let own: Vec<&str> =
        report.by.0.iter().take(COLUMNS_MAX).map(|(name, _)| name.as_str()).collect();
    let has_others = report.by.0.len() > own.len();
    let every = format!("from, for {}", span(report.windows.every_seconds));
    let mut header = vec![every.as_str(), "rows", "cost", "granted", "denied"];
    header.extend(&own);
    if has_others {
        header.push("others");
    }
    let mut table = Table::new(header, NAMES);
    for window in report.windows.windows.iter().take(LINES_MAX) {
        let mut cells = vec![
            to_the_second(window.at),
            window.spending.rows.to_string(),
            window.spending.cost.to_string(),
            window.spending.granted.to_string(),
            window.spending.denied.to_string(),
        ];
        cells.extend(own.iter().map(|name| granted(window, |spender| spender == *name)));
        if has_others {
            cells.push(granted(window, |spender| !own.contains(&spender)));
        }
        table.add(cells);
    }
    finish(&table, report.windows.windows.len())
}

/// What some spenders were granted in a window.
fn granted(window: &WindowLine, is_one: impl Fn(&str) -> bool) -> String {
    let granted = window.granted_by.0.iter().filter(|(name, _)| is_one(name));
    let sum = granted.fold(Amounts::none(), |mut sum, (_, amounts)| {
        sum.add_all(amounts);
        sum
    });
    if sum.is_zero() { "-".to_owned() } else { sum.to_string() }
}

fn span(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min")];
    let whole = units.into_iter().find(|(width, _)| seconds.is_multiple_of(*width));
    whole.map_or_else(
        || format!("{seconds} s"),
        |(width, unit)| format!("{} {unit}", seconds / width),
    )
}

fn finish(table: &Table, lines: usize) -> String {
    let mut text = table.to_string();
    if lines > LINES_MAX {
        let _ = write!(text, "\n… and {} more; `--json` has them all", lines - LINES_MAX);
    }
    text
}
