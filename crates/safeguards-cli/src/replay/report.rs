//! The report of a replay as a value: what `--json` prints, and what the text is made from.

use std::sync::Arc;

use safeguards_budget::{Limit, Window};
use safeguards_types::{Amount, Amounts, Quantity, Severity, Timestamp, Unit};
use serde::{Serialize, Serializer};

use super::{
    alerting::{Notified, Told},
    run::{Outcome, WithoutInput},
    tally::{Busiest, Split, Tally},
    told::Where,
    trace::Names,
};
use crate::denial::told;

/// All that a replay has to say. Amounts are decimal strings by unit; rows are numbered from 1.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) trace: String,
    /// `null` where the trace names a model in each row.
    pub(crate) model: Option<String>,
    pub(crate) rows: u64,
    pub(crate) cost: Amounts,
    pub(crate) granted: Amounts,
    /// How many rows were denied.
    pub(crate) denied: u64,
    pub(crate) denied_cost: Amounts,
    pub(crate) first_denied_row: Option<u64>,
    pub(crate) first_denial: Option<FirstDenial>,
    /// What `by` tells apart; `null` where rows are not.
    pub(crate) by_column: Option<String>,
    /// By the value of that column, what cost most first.
    pub(crate) by: Named<Spending>,
    pub(crate) tokens: Tokens,
    pub(crate) first_at: Timestamp,
    pub(crate) last_at: Timestamp,
    pub(crate) limits: Vec<LimitLine>,
    pub(crate) thresholds: Vec<Threshold>,
    pub(crate) overruns: Vec<OverrunLine>,
    pub(crate) denials: Vec<DenialLine>,
    pub(crate) alerts: AlertLines,
    pub(crate) peaks: Vec<Peak>,
    pub(crate) windows: Windows,
    pub(crate) rows_without_input: RowsWithoutInput,
    /// How many rows are earlier than the one before.
    pub(crate) steps_back: u64,
    /// What was assumed, and what to know about the prices.
    pub(crate) notes: Vec<String>,
}

/// A list by name that keeps its order: a JSON object.
#[derive(Debug)]
pub(crate) struct Named<T>(pub(crate) Vec<(String, T)>);

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// What some of the rows cost.
#[derive(Debug, Serialize)]
pub(crate) struct Spending {
    pub(crate) rows: u64,
    pub(crate) tokens: Tokens,
    pub(crate) cost: Amounts,
    pub(crate) granted: Amounts,
    pub(crate) denied: u64,
    pub(crate) denied_cost: Amounts,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Tokens {
    pub(crate) input: u64,
    pub(crate) output: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct FirstDenial {
    pub(crate) row: u64,
    pub(crate) at: Timestamp,
    pub(crate) message: String,
    /// The same for people.
    #[serde(skip)]
    pub(crate) told: String,
}

/// A limit, and how its counters stand at the end.
#[derive(Debug, Serialize)]
pub(crate) struct LimitLine {
    pub(crate) limit: String,
    pub(crate) spent: Amounts,
    pub(crate) available: Amounts,
    pub(crate) over_by: Amounts,
}

/// A threshold that spending reached.
#[derive(Debug, Serialize)]
pub(crate) struct Threshold {
    pub(crate) limit: String,
    pub(crate) percent: String,
    /// How often: at most once in a window.
    pub(crate) count: u64,
    /// The first of these times.
    pub(crate) crossed: Vec<CrossedAt>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CrossedAt {
    pub(crate) row: u64,
    pub(crate) at: Timestamp,
    pub(crate) spent: Amounts,
}

/// A limit that real costs passed, since they were above what was held.
#[derive(Debug, Serialize)]
pub(crate) struct OverrunLine {
    pub(crate) limit: String,
    pub(crate) count: u64,
    pub(crate) first_row: u64,
    pub(crate) first_at: Timestamp,
    /// By how much at most.
    pub(crate) over_by: Amounts,
}

/// Rows of one spender that were denied for one reason.
#[derive(Debug, Serialize)]
pub(crate) struct DenialLine {
    pub(crate) by: Option<String>,
    pub(crate) code: &'static str,
    pub(crate) limit: String,
    pub(crate) rows: u64,
    pub(crate) cost: Amounts,
    pub(crate) first_row: u64,
    pub(crate) first_at: Timestamp,
}

/// What would have been told.
#[derive(Debug, Serialize)]
pub(crate) struct AlertLines {
    /// How many alerts there were.
    pub(crate) count: u64,
    /// How many notifications channels would have got.
    pub(crate) notified: u64,
    /// Those notifications, at most the first 100,000.
    pub(crate) notifications: Vec<NotificationLine>,
    /// Whether rules name the channels.
    #[serde(skip)]
    pub(crate) has_channels: bool,
}

/// What a channel would have got: an alert or a group of them.
#[derive(Debug, Serialize)]
pub(crate) struct NotificationLine {
    pub(crate) at: Timestamp,
    pub(crate) channel: Arc<str>,
    pub(crate) severity: Severity,
    pub(crate) topic: String,
    /// What its alerts have in common, where it is a group.
    pub(crate) group: Named<String>,
    /// How many alerts.
    pub(crate) count: u64,
    /// How many repeats the cooldown kept back before.
    pub(crate) repeats: u64,
    /// Which step of an escalation it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) escalation: Option<u32>,
    pub(crate) first_at: Timestamp,
    pub(crate) last_at: Timestamp,
    /// The line that a channel would show.
    pub(crate) text: String,
    #[serde(skip)]
    pub(crate) message: String,
}

/// The busiest stretches of one width.
#[derive(Debug, Serialize)]
pub(crate) struct Peak {
    pub(crate) every_seconds: u64,
    pub(crate) by_requests: Busy,
    pub(crate) by_cost: Busy,
    /// Whether each stretch was counted in full, however its rows stand in the trace.
    pub(crate) exact: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct Busy {
    pub(crate) at: Timestamp,
    pub(crate) requests: u64,
    pub(crate) cost: Amounts,
}

/// Spending by time.
#[derive(Debug, Serialize)]
pub(crate) struct Windows {
    pub(crate) every_seconds: u64,
    pub(crate) windows: Vec<WindowLine>,
}

#[derive(Debug, Serialize)]
pub(crate) struct WindowLine {
    pub(crate) at: Timestamp,
    #[serde(flatten)]
    pub(crate) spending: Spending,
    /// What was granted, by the value of the column that rows are told apart by.
    pub(crate) granted_by: Named<Amounts>,
}

/// Rows whose input tokens the trace does not say: counted as 0.
#[derive(Debug, Serialize)]
pub(crate) struct RowsWithoutInput {
    pub(crate) count: u64,
    /// The first of them.
    pub(crate) rows: Vec<u64>,
    /// Whether there are more than these.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) cut: bool,
}

/// What a report is headed with.
pub(crate) struct Heading {
    pub(crate) trace: String,
    pub(crate) model: Option<String>,
    pub(crate) by_column: Option<String>,
    /// What was assumed in reading the trace.
    pub(crate) notes: Vec<String>,
}

/// Makes amounts of bare numbers.
struct Money<'a>(&'a Unit);

impl Money<'_> {
    fn of(&self, cost: Quantity) -> Amounts {
        Amount::new(cost, self.0.clone()).into()
    }

    fn spending(&self, split: &Split) -> Spending {
        let asked = split.asked();
        Spending {
            rows: asked.rows,
            tokens: tokens(&asked),
            cost: self.of(asked.cost),
            granted: self.of(split.granted.cost),
            denied: split.denied.rows,
            denied_cost: self.of(split.denied.cost),
        }
    }

    fn peak(&self, busiest: &Busiest) -> Peak {
        let busy = |(at, tally): (Timestamp, Tally)| Busy {
            at,
            requests: tally.rows,
            cost: self.of(tally.cost),
        };
        Peak {
            every_seconds: busiest.width,
            by_requests: busy(busiest.by_rows),
            by_cost: busy(busiest.by_cost),
            exact: busiest.is_exact,
        }
    }
}

const fn tokens(tally: &Tally) -> Tokens {
    Tokens { input: tally.input_tokens, output: tally.output_tokens }
}

fn limit_text(amount: Quantity, unit: &Unit, window: &Window) -> String {
    Limit::new(Amount::new(amount, unit.clone()), window.clone()).to_string()
}

impl Report {
    /// Says what came of a replay. `names` are what rows are told apart by.
    pub(crate) fn new(heading: Heading, outcome: &Outcome, names: &Names) -> Self {
        let money = Money(&outcome.currency);
        let Spending { rows, tokens, cost, granted, denied, denied_cost } =
            money.spending(&outcome.split);
        let mut by_cost = outcome.spenders.clone();
        by_cost.sort_by_key(|(_, split)| std::cmp::Reverse(split.asked().cost));
        let by =
            by_cost.iter().map(|(id, split)| (names.name(*id).to_owned(), money.spending(split)));
        let mut notes = heading.notes;
        notes.extend(outcome.notes.iter().map(ToString::to_string));
        let warnings = outcome.notified.warnings.iter();
        notes.extend(warnings.map(|warning| format!("rules for alerts: {warning}")));
        let first_denial = outcome.told.first_denied.as_ref();
        Self {
            kind: "report",
            trace: heading.trace,
            model: heading.model,
            rows,
            cost,
            granted,
            denied,
            denied_cost,
            first_denied_row: first_denial.map(|(place, _)| place.row),
            first_denial: first_denial.map(|(place, denial)| FirstDenial {
                row: place.row,
                at: place.at,
                message: denial.to_string(),
                told: told(denial),
            }),
            by_column: heading.by_column,
            by: Named(by.collect()),
            tokens,
            first_at: outcome.first_at,
            last_at: outcome.last_at,
            limits: limit_lines(outcome),
            thresholds: thresholds(outcome),
            overruns: overruns(outcome),
            denials: denials(outcome, &money, names),
            alerts: alerts(&outcome.notified),
            peaks: outcome.peaks.iter().map(|busiest| money.peak(busiest)).collect(),
            windows: windows(outcome, &money, names),
            rows_without_input: rows_without_input(&outcome.without_input),
            steps_back: outcome.steps_back,
            notes,
        }
    }
}

fn rows_without_input(found: &WithoutInput) -> RowsWithoutInput {
    let listed = u64::try_from(found.rows.len()).unwrap_or(u64::MAX);
    RowsWithoutInput { count: found.count, rows: found.rows.clone(), cut: found.count > listed }
}

fn limit_lines(outcome: &Outcome) -> Vec<LimitLine> {
    let lines = outcome.limits.iter().map(|usage| {
        let of_unit = |quantity| Amount::new(quantity, usage.limit.unit.clone()).into();
        LimitLine {
            limit: usage.limit.to_string(),
            spent: of_unit(usage.spent),
            available: of_unit(usage.available),
            over_by: of_unit(usage.over_by),
        }
    });
    lines.collect()
}

fn thresholds(outcome: &Outcome) -> Vec<Threshold> {
    let lines = outcome.told.crossed.iter().map(|crossed| Threshold {
        limit: limit_text(crossed.limit, &crossed.unit, &crossed.window),
        percent: crossed.percent.to_string(),
        count: crossed.count,
        crossed: crossed
            .first
            .iter()
            .map(|(Where { row, at }, spent)| CrossedAt {
                row: *row,
                at: *at,
                spent: Amount::new(*spent, crossed.unit.clone()).into(),
            })
            .collect(),
    });
    lines.collect()
}

fn overruns(outcome: &Outcome) -> Vec<OverrunLine> {
    let lines = outcome.told.overrun.iter().map(|overran| OverrunLine {
        limit: limit_text(overran.limit, &overran.unit, &overran.window),
        count: overran.count,
        first_row: overran.first.row,
        first_at: overran.first.at,
        over_by: Amount::new(overran.over_by_most, overran.unit.clone()).into(),
    });
    lines.collect()
}

/// The reasons of denials, those with the most rows first.
fn denials(outcome: &Outcome, money: &Money<'_>, names: &Names) -> Vec<DenialLine> {
    let denied = outcome.told.denied.iter().filter_map(|((by, reason), denied)| {
        let reason = outcome.told.reasons.get(*reason)?;
        Some(DenialLine {
            by: by.map(|id| names.name(id).to_owned()),
            code: reason.code,
            limit: limit_text(reason.limit, &reason.unit, &reason.window),
            rows: denied.tally.rows,
            cost: money.of(denied.tally.cost),
            first_row: denied.first.row,
            first_at: denied.first.at,
        })
    });
    let mut lines: Vec<_> = denied.collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.rows));
    lines
}

fn alerts(notified: &Notified) -> AlertLines {
    let line = |told: &Told| NotificationLine {
        at: told.at,
        channel: Arc::clone(&told.channel),
        severity: told.severity,
        topic: told.topic.clone(),
        group: Named(told.group.clone()),
        count: told.count,
        repeats: told.repeats,
        escalation: told.escalation,
        first_at: told.first_at,
        last_at: told.last_at,
        text: told.text.clone(),
        message: told.message.clone(),
    };
    AlertLines {
        count: notified.alerts,
        notified: notified.count,
        notifications: notified.notifications.iter().map(line).collect(),
        has_channels: notified.has_channels,
    }
}

fn windows(outcome: &Outcome, money: &Money<'_>, names: &Names) -> Windows {
    let lines = outcome.windows.iter().map(|(at, window)| WindowLine {
        at,
        spending: money.spending(&window.split),
        granted_by: Named(
            window
                .granted_by
                .iter()
                .map(|(id, cost)| (names.name(*id).to_owned(), money.of(*cost)))
                .collect(),
        ),
    });
    Windows { every_seconds: outcome.windows.width(), windows: lines.collect() }
}
