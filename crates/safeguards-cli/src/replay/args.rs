//! The arguments of `safeguards replay`.

use std::{path::PathBuf, str::FromStr};

use safeguards_api::limit_text;
use safeguards_budget::{Limit, Percent, PercentError};
use safeguards_notify::{BuildError, Rules};
use safeguards_types::{Amount, Amounts, Quantity, Timestamp, Unit, duration_text};

use super::{
    alerting::Alerting,
    columns::{By, ColumnMap, Wanted},
    error::ReplayError,
    run::Plan,
    time::TimeUnit,
    trace::TraceOptions,
};
use crate::rules_file::{self, Fault};

const EXAMPLES: &str = "\
Examples:
  What did this trace cost?
    safeguards replay azure_llm_code.csv --model gpt-4o
  What would half the money have stopped, and when?
    safeguards replay azure_llm_code.csv --model gpt-4o --limit \"23.80 USD\"
  Two limits at once, by session, as a picture:
    safeguards replay trace.jsonl.gz --model gpt-4o --limit \"6.00 USD per day in Europe/Berlin\" \\
      --limit \"60 requests per 60s\" --by session --svg spend.svg
  Columns with names of their own, prices of your own:
    safeguards replay calls.csv --model small-8b --prices prices.toml --map \"time=When,input=In,output=Out\"
  Who would have been told what, and how often, by rules of your own:
    safeguards replay trace.csv --model gpt-4o --limit \"5 USD per hour\" --alert-rules alerts.toml
  Keep the ledger, to ask it more:
    safeguards replay trace.csv --store trace.redb && safeguards report --store trace.redb --by day,model
  An agent that cannot know its cost beforehand: hold an estimate, then settle what it really was:
    safeguards replay trace.csv --model gpt-4o --limit \"23.80 USD\" --hold \"0.01 USD\"

A row is charged its exact cost, its tokens and one request, at its time, by its agent, in a pool that has the
limits. Rows are granted in the order of the file; a row is denied where what was granted so far plus its own
cost passes a limit, and a later, smaller one may still fit. A row that costs nothing counts as a request.
Input tokens that are null or empty count as 0 and are listed. Times without a zone are read as UTC.

Exit codes:
  0   the trace was replayed, whatever was denied
  2   the arguments, the trace, the price file or the rules cannot be used, the plot cannot be written, or the
      store is there already
  5   the store cannot be written
  70  standard output cannot be written; or the report contradicts the ledger's journal: a mistake in the
      program, please report it";

/// Feed a recorded trace of model calls through a ledger: what it cost, and what limits would have stopped.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The trace: CSV with a header, or one JSON object per line; may be gzipped; `-` reads standard input
    pub(crate) trace: String,

    /// The model whose price is taken, `gpt-4o` or `openai/gpt-4o`; else the trace names one in each row
    #[arg(long)]
    pub(crate) model: Option<String>,

    /// A file with prices of your own, which go over the built-in ones
    #[arg(long, value_name = "FILE")]
    pub(crate) prices: Option<PathBuf>,

    /// What may be spent: "23.80 USD", "6.00 USD per day in Europe/Berlin", "60 requests per 60s"; repeatable
    #[arg(long = "limit", value_name = "LIMIT", value_parser = limit_text::parse, allow_hyphen_values = true)]
    limits: Vec<Limit>,

    /// At which shares of each limit to note that it was reached; `none` for silence
    #[arg(long, value_name = "PERCENT,…", default_value = "80,100")]
    warn_at: WarnAt,

    /// Tell rows apart by `agent`, `session`, `framework` or a column; `none` charges the pool itself
    /// [default: agent where the trace has agents]
    #[arg(long, value_name = "COLUMN")]
    by: Option<By>,

    /// Names of columns: time=COLUMN,input=COLUMN,output=COLUMN, and cached, model, agent, session, framework
    #[arg(long = "map", value_name = "ROLE=COLUMN,…")]
    maps: Vec<ColumnMap>,

    /// Hold this estimate for each row, then settle its real cost; repeatable for further units
    #[arg(long = "hold", value_name = "ESTIMATE", value_parser = Amount::parse, allow_hyphen_values = true)]
    holds: Vec<Amount>,

    /// What relative times count from [default: 1970-01-01T00:00:00Z]
    #[arg(long, value_name = "INSTANT", value_parser = Timestamp::parse)]
    pub(crate) start: Option<Timestamp>,

    /// What a time written as a number counts [default: told by the column's name and the number's size]
    #[arg(long, value_enum)]
    time_unit: Option<TimeUnit>,

    /// Replay the rows in the order of their times; reads the whole trace into memory
    #[arg(long)]
    pub(crate) sort: bool,

    /// How long a window of the report is, such as 5m or 1h [default: chosen to fit]
    #[arg(long, value_name = "SPAN", value_parser = parse_every)]
    every: Option<u64>,

    /// Write the plot of spending over time as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,

    /// Keep the ledger of the replay in a new durable file, for `safeguards report` and `safeguards budget show`
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,

    /// Rules (TOML) by which alerts would be told, as a hub would follow them; else all of them grouped by
    /// topic, agent and severity, the first at once and then one notification a minute
    #[arg(long, value_name = "FILE")]
    alert_rules: Option<PathBuf>,

    /// Print one JSON object in place of the text
    #[arg(long)]
    pub(crate) json: bool,
}

/// Reads a span of whole seconds, as long as a limit's window at most.
fn parse_every(text: &str) -> Result<u64, String> {
    const MAX: u64 = 1_000_000_000;
    let span = duration_text::parse(text).map_err(|error| error.to_string())?;
    if span.subsec_nanos() > 0 || span.as_secs() > MAX {
        return Err(format!("`{text}` is not a number of whole seconds up to {MAX} s"));
    }
    Ok(span.as_secs())
}

/// Shares of a limit.
#[derive(Clone, Debug)]
struct WarnAt(Vec<Percent>);

impl FromStr for WarnAt {
    type Err = PercentError;

    fn from_str(text: &str) -> Result<Self, PercentError> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        let shares =
            text.split(',').map(|share| Percent::parse(share.trim().trim_end_matches('%')));
        shares.collect::<Result<_, _>>().map(Self)
    }
}

impl Args {
    /// What is to be replayed how.
    pub(crate) fn plan(&self) -> Result<Plan, ReplayError> {
        for (place, limit) in self.limits.iter().enumerate() {
            let same =
                |other: &&Limit| (&other.unit, &other.window) == (&limit.unit, &limit.window);
            if let Some(other) = self.limits.iter().skip(place + 1).find(same) {
                return Err(ReplayError::Usage(format!(
                    "`--limit` \"{limit}\" and \"{other}\" are on the same unit and window; give one of them"
                )));
            }
        }
        let hold = self.hold()?;
        self.check_limits(hold.as_ref())?;
        let warned = self.limits.iter().map(|limit| {
            let shares = self.warn_at.0.iter().copied();
            shares.fold(limit.clone(), Limit::warn_at)
        });
        let (model, store) = (self.model.clone(), self.store.clone());
        Ok(Plan { model, limits: warned.collect(), hold, every: self.every, store })
    }

    /// Where something is held, each limit must have a say.
    fn check_limits(&self, hold: Option<&Amounts>) -> Result<(), ReplayError> {
        let Some(hold) = hold else {
            return Ok(());
        };
        // Each row is held as one request.
        let is_unheld = |limit: &&Limit| limit.unit != Unit::REQUESTS && !hold.names(&limit.unit);
        match self.limits.iter().find(is_unheld) {
            None => Ok(()),
            Some(limit) => Err(ReplayError::Usage(format!(
                "`--limit` \"{limit}\" is on {unit}, of which `--hold` sets nothing aside, so that it would \
                 never say no; add `--hold \"… {unit}\"`",
                unit = limit.unit
            ))),
        }
    }

    fn hold(&self) -> Result<Option<Amounts>, ReplayError> {
        let mut held = Amounts::none();
        for amount in &self.holds {
            if amount.quantity().is_zero() {
                return Err(ReplayError::Usage(format!(
                    "`--hold` \"{amount}\" sets nothing aside; more than 0 is needed"
                )));
            }
            if amount.quantity() > Quantity::AMOUNT_MAX {
                return Err(ReplayError::Usage(format!(
                    "`--hold` \"{amount}\" is too large; at most {} {} are allowed",
                    Quantity::AMOUNT_MAX,
                    amount.unit()
                )));
            }
            if held.names(amount.unit()) {
                return Err(ReplayError::Usage(format!(
                    "`--hold` names {} twice; once each",
                    amount.unit()
                )));
            }
            held.set(amount.clone());
        }
        Ok((!held.is_empty()).then_some(held))
    }

    /// What takes down the alerts.
    pub(crate) fn alerting(&self) -> Result<Alerting, ReplayError> {
        let Some(path) = &self.alert_rules else {
            return Ok(Alerting::new(Rules::default())?);
        };
        let file = path.display().to_string();
        match rules_file::read(path) {
            Ok(rules) => Alerting::new(rules).map_err(|error| {
                if let BuildError::Rules(error) = error {
                    return ReplayError::AlertRules { path: path.clone(), error };
                }
                error.into()
            }),
            Err(Fault::Unread(source)) => Err(ReplayError::AlertRulesUnread { file, source }),
            Err(Fault::Wrong(error)) => Err(ReplayError::AlertRules { path: path.clone(), error }),
        }
    }

    /// How the trace is to be read.
    pub(crate) fn trace_options(&self) -> Result<TraceOptions, ReplayError> {
        let map =
            ColumnMap::join(&self.maps).map_err(|error| ReplayError::Usage(error.to_string()))?;
        Ok(TraceOptions {
            wanted: Wanted {
                map,
                by: self.by.clone().unwrap_or(By::Default),
                model: self.model.is_none(),
            },
            time_unit: self.time_unit,
            start: self.start,
        })
    }
}
