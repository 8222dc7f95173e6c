//! [`TeamSpec::check_ready`]: what a team file asks of the world, looked at before anything is paid for.

use std::{fs, io, os::unix::fs::PermissionsExt as _, path::Path};

use safeguards_coord::Policy;

use super::{
    AgentSpec, Mistake, MistakeKind, SpreadSpec, StrategySpec, TeamFileError, TeamSpec,
    VariableSpec, mistake::Place,
};

/// Who may run a file: its owner, its group or all others.
const EXECUTABLE: u32 = 0o111;

impl TeamSpec {
    /// Whether a run could go well that begins now: every agent's program and folder is there, and may be executed;
    /// and as many steps can succeed as a fan-out's `policy` wants. `inputs` is how many inputs are given out; none
    /// where the task itself is. `variable` is the environment of the host.
    ///
    /// Reading the file opens nothing, and this is no part of it: a file may be read where it is not run. What is looked
    /// at may change until it is used; then the step fails.
    ///
    /// # Errors
    ///
    /// Everything that is missing, each with its line and column.
    ///
    /// ```
    /// use safeguards_api::TeamSpec;
    ///
    /// let text = "agent = [{ name = \"writer\", command = [\"./none/such\"], free = true }]";
    /// let spec = TeamSpec::parse(text, "/teams/report.toml")?;
    /// let error = spec.check_ready(None, |_| None).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "/teams/report.toml:1:40: agent writer: there is no program `./none/such`: /teams/none/such is not there; \
    ///      a path with a `/` begins at the folder of this file"
    /// );
    /// # Ok::<(), safeguards_api::TeamFileError>(())
    /// ```
    pub fn check_ready(
        &self,
        inputs: Option<usize>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<(), TeamFileError> {
        TeamFileError::unless_empty(self.not_ready(inputs, &variable))
    }

    /// What [`Self::check_ready`] finds.
    pub(super) fn not_ready(
        &self,
        inputs: Option<usize>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Vec<Mistake> {
        let mut found: Vec<(Place, MistakeKind, String)> = Vec::new();
        found.extend(self.out_of_reach(inputs));
        let path = variable("PATH");
        for agent in &self.agents {
            let missing = agent.missing(self.folder(), path.as_deref());
            found.extend(missing.map(|(place, message)| (place, MistakeKind::Agent, message)));
        }
        found.sort_by_key(|(place, _, _)| *place);
        let mistake = |(place, kind, message)| self.sources.mistake(kind, place, message);
        found.into_iter().map(mistake).collect()
    }

    /// A policy that wants more steps to succeed than there are.
    fn out_of_reach(&self, inputs: Option<usize>) -> Option<(Place, MistakeKind, String)> {
        let (spread, reducer) = match &self.strategy {
            StrategySpec::FanOut(spread) => (spread, None),
            StrategySpec::MapReduce { map, reducer } => {
                let last = self.agents.last().map(|agent| &agent.id);
                (map, reducer.as_ref().or(last))
            }
            StrategySpec::Pipeline
            | StrategySpec::Supervisor(_)
            | StrategySpec::Vote(_)
            | StrategySpec::HandOver(_)
            | StrategySpec::Graph(_) => return None,
        };
        let SpreadSpec { policy, agents, .. } = spread;
        let (word, needed) = match policy {
            Policy::Quorum(needed) => ("quorum", *needed),
            Policy::AtLeast(needed) => ("at_least", *needed),
            Policy::All | Policy::FailFast | Policy::Any | _ => return None,
        };
        let others = || {
            let is_other = |agent: &&AgentSpec| Some(&agent.id) != reducer;
            match self.agents.iter().filter(is_other).count() {
                0 => self.agents.len(),
                others => others,
            }
        };
        let (steps, what) = match (inputs, &self.by, agents) {
            (Some(inputs), _, _) => (inputs, "one for each input"),
            (None, Some(_), _) => (1, "the task, which `by` gives to one agent"),
            (None, None, Some(agents)) => (agents.len(), "one for each of `agents`"),
            (None, None, None) if reducer.is_some() => {
                (others(), "one for each agent but the reducer")
            }
            (None, None, None) => (self.agents.len(), "one for each agent"),
        };
        let (true, Some(place)) = (needed > steps, self.policy_at) else {
            return None;
        };
        let (there, allowed) = match steps {
            1 => ("there is 1 step".to_owned(), "1".to_owned()),
            steps => (format!("there are {steps} steps"), format!("1 to {steps}")),
        };
        let message =
            format!("`{word} = {needed}` can never be: {there} ({what}); write {allowed}");
        Some((place, MistakeKind::Strategy, message))
    }
}

impl AgentSpec {
    /// What it needs and is not there: its folder, its program.
    fn missing(
        &self,
        folder: &Path,
        path: Option<&str>,
    ) -> impl Iterator<Item = (Place, String)> + use<> {
        let dir = self.dir.as_ref().map_or_else(|| folder.to_owned(), |dir| folder.join(dir));
        let no_folder = self.dir_at.filter(|_| !dir.is_dir()).map(|place| {
            let message = format!(
                "agent {}: `dir`: there is no folder {}; it begins at the folder of this file",
                self.id,
                dir.display()
            );
            (place, message)
        });
        // What is looked for in a folder that is not there is not found either; once is enough.
        let is_lost = no_folder.is_some();
        let own = self.environment.iter().rev().find_map(|variable| match variable {
            VariableSpec::Set { name, value } if name == "PATH" => Some(value.as_str()),
            VariableSpec::Set { .. } | VariableSpec::Inherit(_) => None,
        });
        let program = self.command.first().filter(|_| !is_lost);
        let no_program = program.and_then(|program| {
            let what = no_program(program, (folder, &dir), own.or(path))?;
            Some((self.command_at, format!("agent {}: {what}", self.id)))
        });
        no_folder.into_iter().chain(no_program)
    }
}

/// Why this program cannot be run; `None` where it can.
fn no_program(program: &str, (folder, dir): (&Path, &Path), path: Option<&str>) -> Option<String> {
    if program.contains('/') {
        let file = folder.join(program.strip_prefix("./").unwrap_or(program));
        let shown = file.display();
        return match executable(&file) {
            Ok(true) => None,
            Ok(false) if file.is_dir() => {
                Some(format!("`{program}` is no program: {shown} is a folder"))
            }
            Ok(false) => {
                Some(format!("`{program}` may not be executed; `chmod +x {shown}` lets it be"))
            }
            Err(error) if is_nothing(&error) => Some(format!(
                "there is no program `{program}`: {shown} is not there; a path with a `/` begins at the folder of this file"
            )),
            Err(error) => Some(format!("`{program}` cannot be looked at: {error}")),
        };
    }
    // Without one, the system has its own.
    let path = path?;
    let is_there = |part: &str| executable(&dir.join(part).join(program)).unwrap_or(false);
    if path.split(':').any(is_there) {
        return None;
    }
    Some(format!(
        "there is no program `{program}` in its PATH ({path}); write a path with a `/`, or a name that is there"
    ))
}

/// Whether it is a file that may be executed. What stands behind a link counts.
fn executable(file: &Path) -> io::Result<bool> {
    let there = fs::metadata(file)?;
    Ok(there.is_file() && there.permissions().mode() & EXECUTABLE != 0)
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
