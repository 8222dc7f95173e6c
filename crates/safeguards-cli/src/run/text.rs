//! The report of a run as text: how it ended, a table of accounts, what was denied, and the output.

use std::fmt::Write as _;

use safeguards_budget::Denial;
use safeguards_coord::{CostBasis, State};
use safeguards_types::{Amount, Amounts, Unit};
use serde_json::Value;

use super::{
    account_line::AccountLine,
    record::RERUN,
    report::{RunReport, StepLine, Undelivered},
    spans::seconds,
    spend::figure,
};
use crate::{
    denial::{told, what_helps},
    named,
    table::Table,
    text::{counted, cut, harmless, one_line},
};

/// How many of the last lines of its log are shown of a step that went wrong.
const LOG_LINES: usize = 5;
/// How many lines tell of channels that alerts did not reach.
const CHANNELS_MAX: usize = 20;
/// How many lines are shown of what a step left, in a run that stopped, and how many letters of each.
const LINES_MAX: usize = 4;
const WIDTH_MAX: usize = 110;
const TITLES: [&str; 9] =
    ["account", "this run", "spent", "held", "limit", "left", "tasks", "denials", "time"];
/// The columns of the table that are no numbers: names and limits.
const TEXT: &[usize] = &[0, 4];

/// Writes the report. The output itself is made harmless only where it goes to a terminal.
pub(crate) fn render(report: &RunReport, to_terminal: bool) -> String {
    let mut told = String::new();
    // Writing to a string does not fail.
    let _ = tell(&mut told, report);
    let output = output(report);
    let output = if to_terminal { harmless(&output) } else { output };
    format!("{}{output}{}", harmless(&told), harmless(&how_to_go_on(report)))
}

/// How somebody goes on with a run that is written down; empty where there is nothing to go on with.
fn how_to_go_on(report: &RunReport) -> String {
    let Some(command) = &report.resume else {
        return String::new();
    };
    let is_suspended = |step: &StepLine| matches!(step.denial, Some(Denial::Suspended { .. }));
    let first = if report.steps.iter().any(is_suspended) {
        "once the account is resumed, "
    } else if report.state == State::Denied {
        "once there is room, "
    } else if command.ends_with(RERUN) {
        "once you have looked at what was interrupted, "
    } else {
        ""
    };
    format!("\nto go on: {first}{}\n", one_line(command))
}

/// All but the output.
fn tell(out: &mut String, report: &RunReport) -> std::fmt::Result {
    writeln!(out, "{}", headline(report))?;
    writeln!(out, "{}", accounts(report))?;
    for step in &report.steps {
        tell_step(out, step, report)?;
    }
    for alert in &report.alerts {
        label(out, "alert", &one_line(&alert.to_string()))?;
    }
    tell_undelivered(out, report)
}

/// A line that begins with a word that says what it is.
fn label(out: &mut String, label: impl std::fmt::Display, text: &str) -> std::fmt::Result {
    writeln!(out, "{label:<7} {text}")
}

fn tell_undelivered(out: &mut String, report: &RunReport) -> std::fmt::Result {
    let kept = u64::try_from(report.undelivered.len()).unwrap_or(u64::MAX);
    let all = kept.saturating_add(report.undelivered_not_kept);
    if all == 0 {
        return Ok(());
    }
    label(out, "warning", &format!("{} did not reach a channel", counted(all, "alert")))?;
    let lines = by_channel(&report.undelivered);
    for Lost { channel, count, message, .. } in lines.iter().take(CHANNELS_MAX) {
        let line = format!("{channel}: {}: {message}", counted(*count, "alert"));
        writeln!(out, "        {}", one_line(&line))?;
    }
    let shown: u64 = lines.iter().take(CHANNELS_MAX).map(|line| line.count).sum();
    match all.saturating_sub(shown) {
        0 => Ok(()),
        more => writeln!(out, "        … and {more} more"),
    }
}

/// What did not reach one channel for one reason.
struct Lost<'r> {
    channel: &'r str,
    code: &'r str,
    count: u64,
    /// What was said of the latest.
    message: &'r str,
}

fn by_channel(undelivered: &[Undelivered]) -> Vec<Lost<'_>> {
    let mut lines: Vec<Lost<'_>> = Vec::new();
    for Undelivered { channel, reason, .. } in undelivered {
        let (code, message) = (&*reason.code, reason.message.as_str());
        match lines.iter_mut().find(|line| line.channel == channel && line.code == code) {
            Some(line) => {
                line.count += 1;
                line.message = message;
            }
            None => lines.push(Lost { channel, code, count: 1, message }),
        }
    }
    lines
}

/// How a run ended, in one line.
fn headline(report: &RunReport) -> String {
    let RunReport { run, state, steps, .. } = report;
    let time = seconds(report.duration);
    let ended = format!("run {run} {} after {time}", state.as_verb());
    if state.is_success() || *state == State::Cancelled {
        return ended;
    }
    let is_of_a_step = |reason| steps.iter().any(|step| step.reason.as_ref() == Some(reason));
    if let Some(reason) = report.reason.as_ref().filter(|reason| !is_of_a_step(reason)) {
        return format!("{ended}: {reason}");
    }
    // The one whose end is the run's, not one before it that was cancelled for it.
    let decided = |step: &&StepLine| step.reason.is_some() && step.reason == report.reason;
    let fate = |step: &&StepLine| !step.state.is_success() && step.state != State::Skipped;
    let Some(first) = steps.iter().find(decided).or_else(|| steps.iter().find(fate)) else {
        return ended;
    };
    let what = format!("{} {}", first.step, first.state.as_verb());
    if report.strategy != "fan_out" || steps.len() == 1 {
        return format!("run {run} stopped after {time}: {what}");
    }
    let (all, unsuccessful) =
        (steps.len(), steps.iter().filter(|step| !step.state.is_success()).count());
    format!(
        "run {run} ended after {time}: {unsuccessful} of {all} steps did not succeed; first: {what}"
    )
}

fn accounts(report: &RunReport) -> Table {
    let mut table = Table::new(TITLES, TEXT);
    for line in &report.accounts {
        for (row, unit) in report.units.iter().enumerate() {
            table.add(cells(line, unit, row == 0));
        }
    }
    table
}

/// One row of an account: of the first unit with everything, of further ones with their amounts alone.
fn cells(line: &AccountLine, unit: &Unit, is_first: bool) -> [String; 9] {
    let of = |amounts: &Amounts| Amount::new(amounts.get(unit), unit.clone()).to_string();
    let left = line.left.iter().find(|left| left.unit == *unit);
    let left = left.map_or_else(
        || "-".to_owned(),
        |left| {
            let by =
                if left.by == line.account { String::new() } else { format!(" ({})", left.by) };
            format!("{}{by}", figure(left.amount, unit))
        },
    );
    let once = |text: String| if is_first { text } else { String::new() };
    let limits = if line.limits.is_empty() { "-".to_owned() } else { line.limits.join("; ") };
    [
        once(format!("{}{}", "  ".repeat(line.depth), line.account)),
        of(&line.this_run),
        figure(line.spent.get(unit), unit),
        figure(line.held.get(unit), unit),
        once(limits),
        left,
        once(line.tasks.to_string()),
        once(line.denials.to_string()),
        once(seconds(line.time)),
    ]
}

/// What there is to say of a step beyond the table. What programs wrote stays on its line.
fn tell_step(out: &mut String, step: &StepLine, report: &RunReport) -> std::fmt::Result {
    let name = &step.step;
    if let Some(denial) = &step.denial {
        label(out, "denied", &format!("{name}: {}", denial.code()))?;
        writeln!(out, "        {}", told(denial))?;
        if let Some(what) = what_helps(denial) {
            writeln!(out, "        helps: {what}")?;
        }
    } else if let Some(reason) = &step.reason {
        label(out, step.state, &format!("{name}: {}", one_line(&named::reason(reason, name))))?;
        let before = step.log.len().saturating_sub(LOG_LINES);
        for line in step.log.iter().skip(before) {
            writeln!(out, "        log: {}", one_line(line))?;
        }
    }
    if step.basis == CostBasis::Estimate {
        let spent = report.units.shown(&step.spent);
        let what = "nobody knows what it cost; its estimate counts as spent";
        label(out, "unknown", &format!("{name}: {what}: {spent}"))?;
    }
    if let Some(mismatch) = &step.cost_mismatch {
        let (said, drawn) =
            (report.units.shown(&mismatch.reported), report.units.shown(&mismatch.drawn));
        let what = format!("it said {said}, but had drawn {drawn}; the larger counts");
        label(out, "differs", &format!("{name}: {what}"))?;
    }
    let reason = step.reason.as_ref();
    named::notes(&step.notes, reason, name)
        .iter()
        .try_for_each(|note| label(out, "note", &format!("{name}: {}", one_line(note))))
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
    let lines: Vec<String> =
        text.lines().take(LINES_MAX).map(|line| cut(line, WIDTH_MAX)).collect();
    let more = text.lines().count().saturating_sub(lines.len());
    match more {
        0 => lines.join("\n"),
        more => format!("{}\n… and {more} more lines; `--json` has them all", lines.join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use safeguards_types::{AccountId, requests, usd};

    use super::{super::account_line::Left, *};

    fn line(limits: &[&str], left: Vec<Left>) -> AccountLine {
        AccountLine {
            account: AccountId::from("worker"),
            depth: 1,
            this_run: [usd!(0.04), requests!(1)].into(),
            spent: usd!(0.5).into(),
            held: Amounts::none(),
            limits: limits.iter().map(ToString::to_string).collect(),
            left,
            tasks: 2,
            denials: 1,
            time: Duration::from_millis(34),
        }
    }

    fn left(by: &str) -> Vec<Left> {
        vec![Left { unit: Unit::USD, amount: usd!(0.96).quantity(), by: AccountId::from(by) }]
    }

    #[track_caller]
    fn check(line: &AccountLine, unit: &Unit, is_first: bool, expected: [&str; 9]) {
        assert_eq!(cells(line, unit, is_first), expected);
    }

    #[test]
    fn an_account_is_named_once_and_has_a_row_for_each_unit() {
        check(
            &line(&["2.00 USD", "9 requests per day"], left("crew")),
            &Unit::USD,
            true,
            [
                "  worker",
                "0.04 USD",
                "0.50",
                "0.00",
                "2.00 USD; 9 requests per day",
                "0.96 (crew)",
                "2",
                "1",
                "34 ms",
            ],
        );
        check(
            &line(&["2.00 USD"], left("crew")),
            &Unit::REQUESTS,
            false,
            ["", "1 requests", "0", "0", "", "-", "", "", ""],
        );
        check(
            &line(&[], left("worker")),
            &Unit::USD,
            true,
            ["  worker", "0.04 USD", "0.50", "0.00", "-", "0.96", "2", "1", "34 ms"],
        );
    }

    #[test]
    fn long_outputs_of_runs_that_stopped_are_cut() {
        assert_eq!(beginning("one\ntwo"), "one\ntwo");
        let many = beginning("1\n2\n3\n4\n5\n6");
        assert_eq!(many, "1\n2\n3\n4\n… and 2 more lines; `--json` has them all");
        let wide = beginning(&"é".repeat(WIDTH_MAX + 1));
        assert_eq!(wide, format!("{}…", "é".repeat(WIDTH_MAX)));
    }
}
