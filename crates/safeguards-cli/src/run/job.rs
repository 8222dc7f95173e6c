//! [`Job`]: what is to be done, as the arguments and the files that they name say it.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use safeguards_api::{Config, ServiceLimits, TeamSpec};
use safeguards_coord::{RunId, Task};
use serde_json::Value;

use super::{Args, error::Failure, record::Record};
use crate::{
    environment::{variable, variables},
    files,
};

/// How many inputs a fan-out may have.
const INPUTS_MAX: usize = 1_000_000;

/// What is to be done.
pub(crate) struct Job {
    pub(crate) spec: TeamSpec,
    /// What bounds the ledger and the other parts.
    pub(crate) limits: ServiceLimits,
    pub(crate) work: Work,
    /// Where it is written down, if anywhere.
    pub(crate) record: Option<Record>,
    /// How long it may take, where the team file is not asked.
    pub(crate) within: Option<Duration>,
    pub(crate) json: bool,
}

/// A new run, or one that goes on.
pub(crate) enum Work {
    /// A run begins.
    Begin {
        task: Task,
        /// The inputs of a fan-out.
        each: Option<Vec<Value>>,
    },
    /// A run goes on.
    Resume {
        run: RunId,
        /// Whether what was interrupted is done again, whatever its agent says.
        reruns: bool,
    },
}

impl Job {
    /// Reads the files, and opens the store.
    pub(crate) fn read(args: &Args) -> Result<Self, Failure> {
        let Some(team) = &args.file else {
            let run = args.resume.clone().unwrap_or_default();
            return Err(Failure::NoTeam { run });
        };
        let given = [("the task", args.task.is_some()), ("`--each`", args.each.is_some())];
        if let (Some(run), Some((given, _))) =
            (&args.resume, given.into_iter().find(|given| given.1))
        {
            return Err(Failure::HasTask { run: run.clone(), given });
        }
        let text =
            read(team, files::TEAM_FILE_MAX).map_err(|failure| match (failure, &args.resume) {
                (Failure::Unreadable { path: team, source }, Some(run))
                    if source.kind() == io::ErrorKind::NotFound =>
                {
                    Failure::NoTeamFile { team, run: run.clone(), source }
                }
                (failure, _) => failure,
            })?;
        let config = Config::parse_with(&text, team, variables())?;
        let spec = match &args.team {
            Some(name) => config.team(name)?,
            None => config.only_team()?,
        };
        let spec = spec.clone();
        let work = if let Some(run) = &args.resume {
            Work::Resume { run: run.as_str().into(), reruns: args.rerun_interrupted }
        } else {
            let each = inputs(args.each.as_deref(), &spec)?;
            spec.check_ready(each.as_ref().map(Vec::len), variable)?;
            let task = Task::new(task(args.task.as_deref().unwrap_or_default())?);
            Work::Begin { task, each }
        };
        let goes_on = args.resume.is_some();
        let record = Record::open(&spec, team, (args.store.as_deref(), goes_on))?;
        if let (None, Work::Resume { run, .. }) = (&record, &work) {
            return Err(Failure::NoStore { run: run.clone(), team: team.clone() });
        }
        let (limits, within, json) = (config.limits, args.within, args.json);
        Ok(Self { spec, limits, work, record, within, json })
    }
}

fn read(path: &Path, max: u64) -> Result<String, Failure> {
    files::read(path, max).map_err(|source| Failure::Unreadable { path: path.to_owned(), source })
}

fn task(given: &str) -> Result<String, Failure> {
    if given != "-" {
        return Ok(given.to_owned());
    }
    let text = files::read_all(io::stdin(), files::TASK_MAX)
        .map_err(|source| Failure::Unreadable { path: PathBuf::from("standard input"), source })?;
    Ok(text.trim_end().to_owned())
}

/// The inputs of a fan-out, one a line; blank lines are none.
fn inputs(each: Option<&Path>, spec: &TeamSpec) -> Result<Option<Vec<Value>>, Failure> {
    let Some(path) = each else {
        return Ok(None);
    };
    if !spec.strategy.takes_inputs() {
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
