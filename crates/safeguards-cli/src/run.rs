//! `safeguards run`: a team of programs does a task under its budgets.

mod account_line;
mod error;
#[cfg(test)]
mod events;
mod lines;
mod live;
mod queue;
mod report;
mod signals;
mod spans;
mod spend;
mod text;
mod units;
mod view;

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args as Arguments;
use safeguards_api::{BoundTeam, Safeguards, StrategySpec, TeamSpec};
use safeguards_budget::MemoryLedger;
use safeguards_coord::{Guards, Report, RunOptions, Strategy, Task};
use safeguards_notify::ConsoleChannel;
use serde_json::Value;
use tokio::{
    runtime::{Builder, Runtime},
    task::spawn_blocking,
};
use tokio_util::sync::CancellationToken;

use self::{
    error::Failure,
    report::RunReport,
    signals::Signals,
    view::{AlertWriter, View},
};
use crate::{files, output::print, text::one_line};

/// How long the program waits for threads of its own that are stuck, such as one that looks up a host's name.
const THREADS_END_WITHIN: Duration = Duration::from_secs(1);
/// How many inputs a fan-out may have.
const INPUTS_MAX: usize = 1_000_000;

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
  130  interrupted by Ctrl-C, SIGTERM, SIGHUP or SIGQUIT: running steps were cancelled and settled, and the
       report printed; or by a second one meanwhile: what ran was killed at once, and there is no report

Progress that nobody reads in time is dropped and counted; it never holds up the run.")]
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
///
/// The desk is a runtime on this thread that waits, for the team and for signals, and never blocks. The team
/// has threads of its own, and so has all that is written.
pub(crate) fn execute(args: &Args) -> Result<u8, Failure> {
    let job = Job::read(args)?;
    let desk = runtime(&mut Builder::new_current_thread())?;
    let ended = desk.block_on(oversee(job));
    // Threads that still write to somebody who does not read are left behind.
    desk.shutdown_background();
    ended
}

fn runtime(builder: &mut Builder) -> Result<Runtime, Failure> {
    builder.enable_all().build().map_err(|source| Failure::Runtime { source })
}

/// What is to be done.
struct Job {
    spec: TeamSpec,
    task: Task,
    /// The inputs of a fan-out.
    each: Option<Vec<Value>>,
    json: bool,
}

impl Job {
    fn read(args: &Args) -> Result<Self, Failure> {
        let spec = TeamSpec::parse(&read(&args.team, files::TEAM_FILE_MAX)?, &args.team)?;
        let task = Task::new(if args.task == "-" { read_stdin()? } else { args.task.clone() });
        let each = inputs(args.each.as_deref(), &spec)?;
        Ok(Self { spec, task, each, json: args.json })
    }
}

/// Runs the job in order up to the second signal, and prints the report up to the next.
async fn oversee(job: Job) -> Result<u8, Failure> {
    let json = job.json;
    let in_vain = |source| Failure::Runtime { source };
    let (view, mut shown) = View::open(json, &job.spec).map_err(in_vain)?;
    let told = view.clone();
    let signals = Signals::listen(move || {
        told.say(
            "interrupted: running steps are cancelled and settled; a second signal kills them",
        );
    });
    let signals = signals.map_err(in_vain)?;
    let team = runtime(&mut Builder::new_multi_thread())?;
    let run = team.spawn(run(job, view.clone(), signals.cancellation()));
    let ended = tokio::select! {
        ended = run => ended.unwrap_or_else(|broken| Err(in_vain(broken.into()))),
        () = signals.more_than(1) => Err(Failure::Killed),
    };
    let come = signals.count();
    // With the runtime goes what still runs: its process groups are killed before anything is said of them.
    let _ = spawn_blocking(move || team.shutdown_timeout(THREADS_END_WITHIN)).await;
    view.close();
    shown.on_stderr().await;
    let report = ended?;
    let exit = report.exit;
    let printing = async {
        shown.on_stdout().await;
        let printed = spawn_blocking(move || print_report(&report, json)).await;
        printed.unwrap_or_else(|broken| Err(in_vain(broken.into())))
    };
    tokio::select! {
        printed = printing => printed?,
        () = signals.more_than(come) => return Err(Failure::Unread),
    }
    Ok(exit)
}

fn print_report(report: &RunReport, json: bool) -> Result<(), Failure> {
    let text = if json {
        format!("{}\n", report.to_json()?)
    } else {
        text::render(report, io::stdout().is_terminal())
    };
    print(&text).map_err(|source| Failure::Output { source })
}

/// Opens the team's accounts, runs it, and puts together what came of it.
async fn run(job: Job, view: View, cancellation: CancellationToken) -> Result<RunReport, Failure> {
    let Job { spec, task, each, json: _ } = job;
    let safeguards = Safeguards::builder(MemoryLedger::new())
        .alerts_of(&spec, || ConsoleChannel::new(AlertWriter::of(&view)), variable)?
        .build()?;
    for warning in safeguards.rule_warnings().iter().chain(&spec.topic_notes()) {
        view.say(&format!("warning {}", one_line(warning)));
    }
    let bound = spec.bind(&safeguards).await?;
    let delivering = safeguards.start()?;
    let options = bound
        .options()
        .cancellation(cancellation.clone())
        .observer(move |event: &_| view.show(event));
    let report = carry_out(&bound, task, each, &spec, options).await?;
    let left = delivering.stop().await;
    let interrupted = cancellation.is_cancelled();
    RunReport::gather(&spec, &safeguards, report, &left, interrupted).await
}

/// The secrets of a team file stand in the environment.
#[expect(clippy::disallowed_methods, reason = "the command line passes the environment in")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Runs the team's own strategy, or a fan-out over the inputs given.
async fn carry_out(
    bound: &BoundTeam,
    task: Task,
    each: Option<Vec<Value>>,
    spec: &TeamSpec,
    options: RunOptions,
) -> Result<Report, Failure> {
    // A step for each input or each agent.
    let steps = each.as_ref().map_or(spec.agents.len(), Vec::len).max(Guards::default().steps_max);
    let over = each.map(|inputs| spec.fan_out(inputs));
    let strategy: &dyn Strategy = match &over {
        Some(over) => over,
        None => bound.strategy(),
    };
    Ok(bound.runner().run(bound.team(), task, strategy, options.steps_max(steps)).await?)
}

fn read(path: &Path, max: u64) -> Result<String, Failure> {
    files::read(path, max).map_err(|source| Failure::Unreadable { path: path.to_owned(), source })
}

fn read_stdin() -> Result<String, Failure> {
    let text = files::read_all(io::stdin(), files::TASK_MAX)
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
    let text = read(path, files::INPUTS_MAX)?;
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    match lines().count() {
        0 => Err(Failure::NoInputs { path: path.to_owned() }),
        given if given > INPUTS_MAX => {
            Err(Failure::TooManyInputs { path: path.to_owned(), given, max: INPUTS_MAX })
        }
        _ => Ok(Some(lines().map(Value::from).collect())),
    }
}
