//! [`View`]: what people and programs see of a run while it runs.

use std::{
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use safeguards_api::TeamSpec;
use safeguards_coord::{AttemptId, RunEvent, RunFact, State};
use safeguards_types::{Amount, Amounts, Timestamp, Unit};

use super::{
    live::Live,
    money::{Units, harmless},
};

/// Where the progress of a run goes.
pub(crate) enum View {
    /// One JSON object a line, to stdout.
    Json,
    /// One line a change, to stderr.
    Lines(Mutex<Spend>),
    /// Drawn anew while it changes, on the terminal behind stderr.
    Live(Mutex<Live>),
}

/// What the run has spent so far against the pool's first limit.
pub(crate) struct Spend {
    pub(crate) units: Units,
    limit: Option<Amount>,
    spent: Amounts,
}

impl Spend {
    pub(crate) fn of(spec: &TeamSpec) -> Self {
        let limits = spec.pools.first().map(|pool| pool.limits.as_slice()).unwrap_or_default();
        // Money before all else, where money is limited.
        let limit = limits.iter().find(|limit| limit.unit == Unit::USD).or_else(|| limits.first());
        let limit = limit.map(|limit| Amount::new(limit.amount, limit.unit.clone()));
        Self { units: Units::of(spec), limit, spent: Amounts::none() }
    }

    pub(crate) fn add(&mut self, amounts: &Amounts) {
        self.spent.add_all(amounts);
    }

    /// Such as `0.0007 of 0.05 USD`.
    pub(crate) fn text(&self) -> String {
        match &self.limit {
            Some(limit) => format!("{} of {limit}", self.spent.get(limit.unit())),
            None => self.units.shown(&self.spent).to_string(),
        }
    }

    /// How much of the limit is spent, in thousandths.
    pub(crate) fn permille(&self) -> u64 {
        self.limit.as_ref().map_or(0, |limit| permille(&self.spent, &limit.clone().into()))
    }
}

/// How much of `whole`'s first unit is used, in thousandths, up to all of it.
pub(crate) fn permille(used: &Amounts, whole: &Amounts) -> u64 {
    let Some(whole) = whole.iter().find(|amount| !amount.quantity().is_zero()) else {
        return 0;
    };
    let used = used.get(whole.unit()).steps().saturating_mul(1000);
    let permille = used.checked_div(whole.quantity().steps()).unwrap_or(0);
    u64::try_from(permille).unwrap_or(1000).min(1000)
}

impl View {
    pub(crate) fn of(json: bool, spec: &TeamSpec) -> Self {
        if json {
            Self::Json
        } else if io::stderr().is_terminal() {
            Self::Live(Mutex::new(Live::new(spec)))
        } else {
            Self::Lines(Mutex::new(Spend::of(spec)))
        }
    }

    /// Shows what happened.
    pub(crate) fn show(&self, event: &RunEvent) {
        match self {
            Self::Json => {
                if let Ok(line) = serde_json::to_string(event) {
                    // Who closed the pipe does not want to know.
                    let _ = writeln!(io::stdout(), "{line}");
                }
            }
            Self::Lines(spend) => {
                let mut spend = spend.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(line) = line(event, &mut spend) {
                    let _ = writeln!(io::stderr(), "{}", harmless(&line));
                }
            }
            Self::Live(live) => live.lock().unwrap_or_else(PoisonError::into_inner).show(event),
        }
    }

    /// Ends the drawing; what it last showed stays.
    pub(crate) fn close(&self) {
        if let Self::Live(live) = self {
            live.lock().unwrap_or_else(PoisonError::into_inner).close();
        }
    }
}

/// What happened as one line; none for what another line says too.
fn line(event: &RunEvent, so_far: &mut Spend) -> Option<String> {
    let step =
        event.attempt.as_ref().map(|attempt: &AttemptId| attempt.step.as_str()).unwrap_or_default();
    Some(match &event.fact {
        RunFact::RunStarted { team, strategy, agents, deadline, .. } => {
            format!(
                "run {}  {team}: {strategy} of {}, ends by {}",
                event.run,
                agents.len(),
                to_the_second(*deadline)
            )
        }
        RunFact::Held { amounts, .. } => {
            format!("{step}  started, {} held", so_far.units.shown(amounts))
        }
        RunFact::Progressed { text, .. } => format!("{step}  {text}"),
        RunFact::Logged { line } => format!("{step}  log: {line}"),
        RunFact::Denied { denial } => format!("{step}  denied: {denial}"),
        RunFact::Settled { amounts, .. } => {
            so_far.add(amounts);
            return None;
        }
        RunFact::StepEnded { state, reason, spent, duration } => {
            // Of a denial the numbers were just said.
            let why = match reason {
                Some(reason) if *state == State::Denied => format!(" ({})", reason.code),
                Some(reason) => format!(" ({reason})"),
                None => String::new(),
            };
            let (spent, pool) = (so_far.units.shown(spent), so_far.text());
            format!("{step}  {state}{why}, spent {spent} in {}; so far {pool}", seconds(*duration))
        }
        RunFact::StepStarted { .. } | RunFact::RunEnded { .. } | _ => return None,
    })
}

/// Such as `1.2 s` or `34 ms`.
pub(crate) fn seconds(span: Duration) -> String {
    if span < Duration::from_secs(1) {
        return format!("{} ms", span.as_millis());
    }
    format!("{}.{} s", span.as_secs(), span.subsec_millis() / 100)
}

/// An instant to the second, as it stands in messages to people.
pub(crate) fn to_the_second(at: Timestamp) -> String {
    jiff::Timestamp::from(at).strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Writes lines to stderr, above what is drawn there.
pub(crate) struct AboveLive(Arc<View>);

impl AboveLive {
    pub(crate) fn of(view: &Arc<View>) -> Self {
        Self(Arc::clone(view))
    }
}

impl Write for AboveLive {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        match &*self.0 {
            View::Live(live) => live.lock().unwrap_or_else(PoisonError::into_inner).above(text)?,
            View::Json | View::Lines(_) => io::stderr().write_all(text)?,
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
