//! `safeguards run`: a team of programs does a task under its budgets.

mod account_line;
mod error;
#[cfg(test)]
mod events;
mod job;
mod lines;
mod live;
mod other_terms;
mod queue;
mod record;
mod report;
mod signals;
mod spans;
mod spend;
mod text;
mod units;
mod view;

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use clap::Args as Arguments;
use safeguards_api::{BindError, BoundTeam, Builder, Safeguards, TeamSpec};
use safeguards_budget::{LedgerExt, MemoryLedger};
use safeguards_coord::{Guards, Report, RunError, RunOptions, RunView, Strategy, Task};
use safeguards_notify::ConsoleChannel;
use safeguards_redb::RedbStore;
use safeguards_types::{Clock, SystemClock, duration_text};
use serde_json::Value;
use tokio::{
    runtime::{self as tokio_runtime, Runtime},
    task::spawn_blocking,
};
use tokio_util::sync::CancellationToken;

pub(crate) use self::spans::{milliseconds, seconds};
use self::{
    error::Failure,
    job::{Job, Work},
    other_terms::ways_out,
    report::RunReport,
    signals::Signals,
    view::{AlertWriter, View},
};
use crate::{environment::variable, output::print, text::one_line};

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
  safeguards run safeguards.toml --team research \"…\"              (one team of several)
  safeguards run team.toml --each pages.txt \"sum up this page\"     (fan_out: one input a line)
  safeguards run team.toml --json \"…\" | tail -n 1                  (the report alone)
  safeguards run team.toml --store runs.jsonl \"…\"                 (writes down what happens)
  safeguards run team.toml --store runs.jsonl --resume r-7f3c      (goes on with what was cut off)

Exit codes:
    0  the run succeeded, be it that its policy, quorum or vote needs not every step
    1  it did not: an agent failed or was interrupted, there was no majority, a guard stopped it
    2  wrong usage, a mistake in the team file, a program that is not there, or no such run: nothing was run
    3  it was denied by a budget
    4  it ran out of time
    5  the store of runs is not there, cannot be reached or written, or another process has it
   70  the report cannot be written to standard output, or the machine gives no threads or signals
  130  interrupted by Ctrl-C, SIGTERM, SIGHUP or SIGQUIT: running steps were cancelled and settled, and the
       report printed; or by a second one meanwhile: what ran was killed at once, and there is no report

A run that is written down can be resumed, whatever ended it: finished steps are not done again, and what they
spent counts. An attempt that was cut off is done again where its agent is `idempotent`; else it ends
`interrupted`, and its estimate counts as spent; `--rerun-interrupted` does it again, and both count.

A run is written down where `--store` says, else where the team file does, else nowhere. `--resume` looks for it
there too; where neither says it, in `runs.jsonl`, where `safeguards runs` looks as well.

With `--json`, what is refused is one object on standard output: {\"type\":\"error\",\"code\":…,\"message\":…}.

Progress that nobody reads in time is dropped and counted; it never holds up the run.")]
pub(crate) struct Args {
    /// The team file, or a configuration with teams (TOML).
    #[arg(value_name = "TEAM", required_unless_present = "resume")]
    file: Option<PathBuf>,
    /// The task, in words; `-` reads it from standard input.
    #[arg(required_unless_present = "resume")]
    task: Option<String>,
    /// Which of the teams of a configuration; not needed where there is only one.
    #[arg(long, value_name = "NAME")]
    team: Option<String>,
    /// Give each line of this file to the agents in turn, as their input. For the strategies `fan_out` and `map_reduce`.
    #[arg(long, value_name = "FILE")]
    each: Option<PathBuf>,
    /// Write down what happens in this file, so that the run can be resumed; instead of the team file's `store`. With
    /// `--resume` also without either, where there is a `runs.jsonl`.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Go on with this run: one that was cut off, or that did not succeed. Its task is in the store.
    #[arg(long, value_name = "RUN")]
    resume: Option<String>,
    /// Do again what was interrupted, be it that its agent is not `idempotent`: you have looked at what it did.
    #[arg(long, requires = "resume")]
    rerun_interrupted: bool,
    /// How long it may take, such as 90s or 10m; instead of the team file's `deadline`, or of what a run that goes on
    /// has left.
    #[arg(long, value_name = "SPAN", value_parser = duration_text::parse)]
    within: Option<Duration>,
    /// Print one JSON object a line: what happens, and last the report.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Whether programs read what is printed.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }
}

/// Does what the arguments say; gives the exit code, which tells how the run ended.
///
/// The desk is a runtime on this thread that waits, for the team and for signals, and never blocks. The team
/// has threads of its own, and so has all that is written.
pub(crate) fn execute(args: &Args) -> Result<u8, Failure> {
    let job = Job::read(args)?;
    let desk = runtime(&mut tokio_runtime::Builder::new_current_thread())?;
    let ended = desk.block_on(oversee(job));
    // Threads that still write to somebody who does not read are left behind.
    desk.shutdown_background();
    ended
}

fn runtime(builder: &mut tokio_runtime::Builder) -> Result<Runtime, Failure> {
    builder.enable_all().build().map_err(|source| Failure::Runtime { source })
}

/// Runs the job in order up to the second signal, and prints the report up to the next.
async fn oversee(job: Job) -> Result<u8, Failure> {
    let json = job.json;
    let in_vain = |source| Failure::Runtime { source };
    let store = job.record.as_ref().map(|record| record.path.display().to_string());
    let (view, mut shown) = View::open(json, &job.spec, store).map_err(in_vain)?;
    let told = view.clone();
    let signals = Signals::listen(move || {
        told.say(
            "interrupted: running steps are cancelled and settled; a second signal kills them",
        );
    });
    let signals = signals.map_err(in_vain)?;
    let team = runtime(&mut tokio_runtime::Builder::new_multi_thread())?;
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
    let report = match ended {
        Ok(report) => report,
        Err(failure) => {
            if failure.is_a_refusal() {
                // It comes after what happened.
                tokio::select! {
                    () = shown.on_stdout() => {}
                    () = signals.more_than(come) => {}
                }
            }
            return Err(failure);
        }
    };
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
    let Job { spec, limits, work, record, within, json: _ } = job;
    let past = match (&work, &record) {
        (Work::Begin { .. }, _) => None,
        (Work::Resume { run, .. }, Some(record)) => {
            let view = record.run(run).await?;
            // Before accounts of another team are asked for.
            if view.head.team != spec.name.as_str() {
                let (run, what) = (run.clone(), "the team");
                let (was, now) = (view.head.team, spec.name.to_string());
                return Err(RunError::Changed { run, what, was, now }.into());
            }
            let inputs = view.head.task.input().as_array().map(Vec::len);
            spec.check_ready(inputs.filter(|_| spec.strategy.takes_inputs()), variable)?;
            Some((view, record.spent(run).await?))
        }
        (Work::Resume { run, .. }, None) => {
            return Err(Failure::NoStore { run: run.clone(), team: spec.file.clone() });
        }
    };
    let durable = record.as_ref().and_then(|record| record.durable.as_ref());
    let builder = if let Some(store) = durable {
        over(store).await?
    } else {
        let ledger = MemoryLedger::with_bounds(SystemClock::new(), limits.ledger());
        limits.bound(Safeguards::builder(ledger))
    };
    let safeguards = builder
        .alerts_of(&spec, || ConsoleChannel::new(AlertWriter::of(&view)), variable)?
        .build()?;
    for warning in safeguards.rule_warnings().iter().chain(&spec.topic_notes()) {
        view.say(&format!("warning {}", one_line(warning)));
    }
    let since = SystemClock::new().now();
    let mut bound = match spec.bind(&safeguards).await {
        Err(source) => return Err(not_bound(&spec, durable, source)),
        Ok(bound) => bound,
    };
    if let Some(record) = record.as_ref().filter(|_| durable.is_none()) {
        bound = bound.recording(record.store());
    }
    let delivering = safeguards.start()?;
    let before = view.clone();
    let told = |options: RunOptions| {
        let options = match within {
            Some(within) => options.within(within),
            None => options,
        };
        options.cancellation(cancellation.clone()).observer(move |event: &_| view.show(event))
    };
    // In a durable file others have spent before this run.
    let standing = match durable {
        Some(store) => store.account(&spec.account).await?,
        None => None,
    };
    let stands = |view: &View| {
        if let Some(account) = standing {
            view.stands_at(account);
        }
    };
    let report = match (work, past) {
        (Work::Begin { task, each }, _) => {
            stands(&before);
            begin(&bound, &spec, (task, each), record.is_some(), told).await?
        }
        (Work::Resume { reruns, .. }, Some((run, spent))) => {
            before.began_before(spent);
            stands(&before);
            resume(&bound, &spec, (run, reruns, durable.is_none()), told).await?
        }
        (Work::Resume { run, .. }, None) => {
            return Err(Failure::NoStore { run, team: spec.file.clone() });
        }
    };
    let left = delivering.stop().await;
    let interrupted = cancellation.is_cancelled();
    RunReport::gather(&spec, &safeguards, report, &left, (interrupted, record.as_ref()), since)
        .await
}

/// Runs the team's own strategy, or a fan-out over the inputs given.
async fn begin(
    bound: &BoundTeam,
    spec: &TeamSpec,
    (task, each): (Task, Option<Vec<Value>>),
    is_recorded: bool,
    told: impl FnOnce(RunOptions) -> RunOptions,
) -> Result<Report, Failure> {
    // Inputs that are written down with the task are there when the run goes on.
    let task = match &each {
        Some(inputs) if is_recorded => task.with_input(Value::from(inputs.clone())),
        _ => task,
    };
    let way = Way::of(spec, each);
    let options = told(bound.options().guards(way.guards));
    Ok(bound.runner().run(bound.team(), task, &way.strategy, options).await?)
}

/// Why the team's accounts could not be opened; of a durable file's with what to do.
fn not_bound(spec: &TeamSpec, durable: Option<&RedbStore>, source: BindError) -> Failure {
    let (Some(store), BindError::OtherTerms { asked, existing }) = (durable, &source) else {
        return source.into();
    };
    let (team, store) = (spec.file.clone(), store.path().to_owned());
    let ways = ways_out(&team, &store, asked, existing);
    Failure::OtherTerms { team, store, ways, source: Box::new(source) }
}

/// Everything in a durable file, with who was made before.
async fn over(store: &RedbStore) -> Result<Builder, Failure> {
    let there = store.all_accounts().await?;
    Ok(Safeguards::builder(store.clone())
        .stores(store.clone())
        .registry(store.clone())
        .telling_all()
        .accounts(there.accounts.iter().flatten()))
}

/// Goes on with a run. What it spent before counts in a ledger that is new, too; a durable one knows it.
async fn resume(
    bound: &BoundTeam,
    spec: &TeamSpec,
    (run, reruns, ledger_is_new): (RunView, bool, bool),
    told: impl FnOnce(RunOptions) -> RunOptions,
) -> Result<Report, Failure> {
    let each = run.head.task.input().as_array().cloned();
    let way = Way::of(spec, each);
    let mut options = bound.options_to_resume();
    if ledger_is_new {
        options = options.ledger_is_new();
    }
    if run.end.is_some() {
        options = options.within(spec.deadline);
    }
    if reruns {
        options = options.rerun_interrupted();
    }
    let (name, options) = (run.head.run, told(options.guards(way.guards)));
    let ended = bound.runner().resume(bound.team(), &name, &way.strategy, options).await;
    ended.map_err(|source| {
        if matches!(source, RunError::DeadlinePassed { .. }) {
            return Failure::Over { run: name, source };
        }
        source.into()
    })
}

/// How a task is cut into steps: as the team's strategy does it, or one for each input.
struct Way {
    strategy: Arc<dyn Strategy>,
    guards: Guards,
}

impl Way {
    fn of(spec: &TeamSpec, each: Option<Vec<Value>>) -> Self {
        let mut guards = spec.run.guards();
        // What the user gives is done, be it much, and be lines alike; unless the team file says how much may be.
        let inputs = each.as_ref().map_or(0, Vec::len);
        if spec.run.steps_max.is_none() {
            // Besides there is who decomposes and combines.
            let needed = inputs.max(spec.agents.len()).saturating_add(2);
            guards.steps_max = guards.steps_max.max(needed);
        }
        if spec.run.repeats_max.is_none() {
            let needed = u32::try_from(inputs).unwrap_or(u32::MAX);
            guards.repeats_max = guards.repeats_max.max(needed);
        }
        let over = each.and_then(|inputs| spec.strategy_over(inputs));
        Self { strategy: over.unwrap_or_else(|| spec.strategy()), guards }
    }
}
