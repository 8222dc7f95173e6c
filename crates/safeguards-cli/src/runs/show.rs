//! `safeguards runs show`: one run, step by step.

use std::fmt::{self, Write as _};

use clap::Args as Arguments;
use safeguards_coord::RunId;
use serde::Serialize;
use serde_json::Value;

use super::{
    Failure, Store,
    told::{RunTold, StepTold, tell},
};
use crate::{
    named,
    output::print,
    run::seconds,
    text::{counted, cut, harmless, one_line, to_the_second},
};

/// How many letters of a text are shown on its line, and how many of the last lines of a log.
const WIDTH_MAX: usize = 110;
const LOG_LINES: usize = 5;

/// Show a run step by step: attempts, states, reasons, money, logs and outputs.
#[derive(Debug, Arguments)]
#[command(after_long_help = "\
Exit codes:
    0  it was shown
    2  wrong usage, the store has no such run, or the file is no store of runs
    5  the store is not there, or cannot be read
   70  the answer cannot be written to standard output")]
pub(super) struct Args {
    /// The run, as `safeguards runs list` names it
    run: String,

    #[command(flatten)]
    store: Store,

    /// Print one JSON object, with outputs whole
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
struct Shown<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    run: &'a RunTold,
    steps: &'a [StepTold],
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a Value>,
}

/// Does what the arguments say.
pub(super) async fn execute(args: &Args) -> Result<(), Failure> {
    let store = args.store.read()?;
    let name = RunId::from(args.run.as_str());
    let Some(view) = store.run(&name).await? else {
        return Err(Failure::UnknownRun { run: name, store: args.store.store.clone() });
    };
    let output = view.end.as_ref().and_then(|end| end.output.clone());
    let (run, steps) = tell(&*store, view).await?;
    let text = if args.json {
        let shown = Shown { r#type: "run", run: &run, steps: &steps, output: output.as_ref() };
        format!("{}\n", serde_json::to_string(&shown)?)
    } else {
        let mut text = String::new();
        // A string takes whatever is written to it.
        let _ = write(&mut text, &run, &steps);
        harmless(&text)
    };
    print(&text).map_err(Failure::output)
}

fn write(out: &mut String, run: &RunTold, steps: &[StepTold]) -> fmt::Result {
    let state = run.state.map_or("unfinished", |state| state.as_str());
    let count = u64::try_from(steps.len()).unwrap_or(u64::MAX);
    let (run_name, team) = (one_line(&run.run), one_line(&run.team));
    let strategy = one_line(&run.strategy);
    writeln!(out, "run {run_name}  {team}: {strategy}, {state}, {}", counted(count, "step"))?;
    line(out, "task", &run.task)?;
    let began = to_the_second(run.started_at);
    let ended = match run.ended_at {
        Some(at) => format!("ended {}", to_the_second(at)),
        None => format!("to be done by {}", to_the_second(run.deadline)),
    };
    line(out, "began", &format!("{began} UTC, {ended} UTC; leg {}", run.leg))?;
    line(out, "spent", &run.spent.to_string())?;
    if let Some(reason) = &run.reason {
        line(out, "reason", &reason.to_string())?;
    }
    steps.iter().try_for_each(|step| write_step(out, step))
}

fn write_step(out: &mut String, step: &StepTold) -> fmt::Result {
    let attempts = counted(step.attempts.into(), "attempt");
    let agent = match &step.agent {
        Some(agent) if *agent != step.step => format!(" by {}", one_line(agent)),
        _ => String::new(),
    };
    let from = match &step.delegated_by {
        Some(by) => format!(", delegated by {}", one_line(by)),
        None => String::new(),
    };
    let how = match step.state {
        Some(state) => format!("{state}, {attempts}, {}", seconds(step.duration)),
        None => format!("not ended, {attempts}"),
    };
    writeln!(out, "\n{}{agent}{from}  {how}", one_line(&step.step))?;
    match step.state {
        // What goes on may have spent something that nobody has written down.
        None if step.spent.is_zero() => line(out, "held", &step.held.to_string())?,
        _ => line(out, "spent", &format!("{}; {} held", step.spent, step.held))?,
    }
    if let Some(reason) = &step.reason {
        line(out, "reason", &named::reason(reason, &step.step))?;
    }
    for note in named::notes(&step.notes, step.reason.as_ref(), &step.step) {
        line(out, "note", &note)?;
    }
    for text in step.log.iter().skip(step.log.len().saturating_sub(LOG_LINES)) {
        line(out, "log", text)?;
    }
    match &step.output {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(text)) => line(out, "output", text),
        Some(value) => line(out, "output", &value.to_string()),
    }
}

/// A line that begins with a word that says what it is; what is long is cut.
fn line(out: &mut String, label: &str, text: &str) -> fmt::Result {
    writeln!(out, "  {label:<7} {}", cut(&one_line(text), WIDTH_MAX))
}
