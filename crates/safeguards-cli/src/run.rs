//! `safeguards run`: a team of programs does a task under its budgets.

mod account_line;
mod error;
#[cfg(test)]
mod events;
mod lines;
mod live;
mod report;
mod signals;
mod spans;
mod spend;
mod text;
mod units;
mod view;

use std::{
    io::{self, IsTerminal, Read},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args as Arguments;
use safeguards_api::{BoundTeam, Safeguards, StrategySpec, TeamSpec};
use safeguards_budget::MemoryLedger;
use safeguards_coord::{FanOut, Report, RunOptions, Strategy, Task};
use safeguards_notify::ConsoleChannel;
use serde_json::Value;

use self::{error::Failure, report::RunReport, signals::Signals, view::View};
use crate::output::print;

/// How long the program waits for threads of its own that are stuck, such as one that looks up a host's name.
const THREADS_END_WITHIN: Duration = Duration::from_secs(1);

/// Run a team of programs under its budgets.
///
/// Each step holds its estimate, runs under a deadline and settles what it really cost. Progress goes to
/// stderr, the report to stdout.
#[derive(Debug, Arguments)]
#[command(after_long_help = "\
Examples:
  safeguards run team.toml \"compare three vector databases\"
  safeguards run team.toml --each pages.txt \"sum up this page\"     (fan_out: one input a line)
  safeguards run team.toml --json \"…\" | tail -n 1                  (the report alone)

Exit codes:
    0  every step succeeded
    1  an agent failed
    2  wrong usage, or a mistake in the team file
    3  a budget denied a step
    4  a deadline passed
   70  the report cannot be written to standard output, or the machine gives no threads or signals
  130  interrupted by Ctrl-C or SIGTERM: running steps were cancelled and settled, and the report printed;
       or by a second one meanwhile: what ran was killed at once, and there is no report")]
pub(crate) struct Args {
    /// The team file (TOML).
    team: PathBuf,
    /// The task, in words; `-` reads it from standard input.
    task: String,
    /// Give each line of this file to the agents in turn, as their input. For the strategy `fan_out`.
    #[arg(long, value_name = "FILE")]
    each: Option<PathBuf>,
    /// Print one JSON object a line: what happens, and last the report.
    #[arg(long)]
    json: bool,
}

/// Does what the arguments say; gives the exit code, which tells how the run ended.
pub(crate) fn execute(args: &Args) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| Failure::Runtime { source })?;
    let report = runtime.block_on(run(args));
    // With the runtime goes what still runs: its process groups are killed before anything is said of them.
    runtime.shutdown_timeout(THREADS_END_WITHIN);
    let report = report?;
    let text = if args.json {
        format!("{}\n", report.to_json()?)
    } else {
        text::render(&report, io::stdout().is_terminal())
    };
    print(&text).map_err(|source| Failure::Output { source })?;
    Ok(report.exit)
}

async fn run(args: &Args) -> Result<RunReport, Failure> {
    let spec = TeamSpec::parse(&read(&args.team)?, &args.team)?;
    let task = Task::new(if args.task == "-" { read_stdin()? } else { args.task.clone() });
    let each = inputs(args.each.as_deref(), &spec)?;
    let view = Arc::new(View::of(args.json, &spec));
    let safeguards = Safeguards::builder(MemoryLedger::new())
        .alerts_of(&spec, || ConsoleChannel::new(view::AboveLive::of(&view)))?
        .build()?;
    let bound = spec.bind(&safeguards).await?;
    let delivering = safeguards.start()?;

    let told = Arc::clone(&view);
    let signals = Signals::listen(move || {
        told.say(
            "interrupted: running steps are cancelled and settled; a second signal kills them",
        );
    });
    let signals = signals.map_err(|source| Failure::Runtime { source })?;
    let observer = Arc::clone(&view);
    let options = bound
        .options()
        .cancellation(signals.cancellation())
        .observer(move |event: &_| observer.show(event));
    let in_order = async {
        let report = carry_out(&bound, task, each, &spec, options).await?;
        Ok((report, delivering.stop().await))
    };
    let ended = tokio::select! {
        ended = in_order => ended,
        () = signals.second() => Err(Failure::Killed),
    };
    view.close();
    let (report, undelivered) = ended?;
    RunReport::gather(&spec, &safeguards, report, &undelivered, signals.has_come()).await
}

/// Runs the team's own strategy, or a fan-out over the inputs given.
async fn carry_out(
    bound: &BoundTeam,
    task: Task,
    each: Option<Vec<Value>>,
    spec: &TeamSpec,
    options: RunOptions,
) -> Result<Report, Failure> {
    let over = each.map(|inputs| {
        let at_once = spec.concurrency.unwrap_or(FanOut::AT_ONCE);
        FanOut::over(inputs).at_once(at_once.get())
    });
    let strategy: &dyn Strategy = match &over {
        Some(over) => over,
        None => bound.strategy(),
    };
    Ok(bound.runner().run(bound.team(), task, strategy, options).await?)
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|source| Failure::Unreadable { path: path.to_owned(), source })
}

fn read_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(|source| Failure::Unreadable { path: PathBuf::from("standard input"), source })?;
    Ok(text.trim_end().to_owned())
}

/// The inputs of a fan-out, one a line; blank lines are none.
fn inputs(each: Option<&Path>, spec: &TeamSpec) -> Result<Option<Vec<Value>>, Failure> {
    let Some(path) = each else {
        return Ok(None);
    };
    if spec.strategy != StrategySpec::FanOut {
        return Err(Failure::EachWithoutFanOut { team: spec.file.clone() });
    }
    let text = read(path)?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let inputs: Vec<Value> = lines.map(|line| Value::from(line.to_owned())).collect();
    if inputs.is_empty() {
        return Err(Failure::NoInputs { path: path.to_owned() });
    }
    Ok(Some(inputs))
}
