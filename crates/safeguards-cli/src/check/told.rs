//! [`Checked`]: what is said of a configuration, to people and to programs.

use std::{fmt, path::Path};

use safeguards_api::{Config, Mistake, SecretSource, TeamSpec};
use serde::Serialize;

use crate::{
    exit,
    text::{counted, cut, one_line},
};

/// How many letters of a line are shown.
const LINE_MAX: usize = 160;

/// What is said of a configuration.
#[derive(Debug, Serialize)]
pub(super) struct Checked {
    r#type: &'static str,
    /// Whether the file can be used.
    ok: bool,
    /// What the program ends with.
    pub(super) exit: u8,
    file: String,
    teams: Vec<Team>,
    agents: usize,
    pools: usize,
    channels: usize,
    /// The variables that go over the file, without their values.
    overridden: Vec<String>,
    /// Where secrets are read, without them.
    secrets: Vec<String>,
    mistakes: Vec<Fault>,
    /// How many mistakes there are besides.
    left_out: usize,
    notes: Vec<String>,
}

/// A team that is there.
#[derive(Debug, Serialize)]
struct Team {
    name: String,
    pool: String,
    strategy: &'static str,
    agents: Vec<String>,
}

/// A mistake, where it is, and the line it is in.
#[derive(Debug, Serialize)]
pub(super) struct Fault {
    code: &'static str,
    file: String,
    /// Not known of a file that cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    message: String,
    /// Left out where a secret may stand in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpt: Option<String>,
}

impl Fault {
    /// A mistake of the file at `path`, of a variable that goes over it, or of a file that it names.
    pub(super) fn of(mistake: &Mistake, path: &Path, text: &str) -> Self {
        let is_here = mistake.file == path.display().to_string();
        let excerpt = mistake.excerpt(text).filter(|_| is_here);
        Self {
            code: mistake.code(),
            file: mistake.file.clone(),
            line: Some(mistake.line),
            column: Some(mistake.column),
            message: mistake.message.clone(),
            excerpt: excerpt.map(str::to_owned),
        }
    }

    /// The file itself cannot be read.
    pub(super) fn of_file(path: &Path, message: String) -> Self {
        Self::unplaced("config.unreadable", path, message)
    }

    /// What stands at no line.
    pub(super) fn unplaced(code: &'static str, path: &Path, message: String) -> Self {
        let file = path.display().to_string();
        Self { code, file, line: None, column: None, message, excerpt: None }
    }
}

impl Checked {
    pub(super) fn of(config: &Config) -> Self {
        let mut secrets: Vec<String> = config
            .channels
            .iter()
            .flat_map(|channel| channel.to.secrets())
            .map(|secret| place_of(&secret.source))
            .collect();
        secrets.sort();
        secrets.dedup();
        Self {
            teams: config.teams.iter().map(Team::of).collect(),
            agents: config.agents.len(),
            pools: config.pools.len(),
            channels: config.channels.len(),
            overridden: config.overridden.clone(),
            secrets,
            notes: config.notes(),
            ..Self::of_nothing(&config.file)
        }
    }

    /// What is said before anything is known of the file.
    pub(super) fn of_nothing(file: &Path) -> Self {
        Self {
            r#type: "config",
            ok: true,
            exit: exit::SUCCESS,
            file: file.display().to_string(),
            teams: Vec::new(),
            agents: 0,
            pools: 0,
            channels: 0,
            overridden: Vec::new(),
            secrets: Vec::new(),
            mistakes: Vec::new(),
            left_out: 0,
            notes: Vec::new(),
        }
    }

    /// The same of a file that cannot be used.
    pub(super) fn wrong(self, mistakes: Vec<Fault>, left_out: usize) -> Self {
        Self { ok: false, exit: exit::USAGE, mistakes, left_out, ..self }
    }

    /// Whether the file can be used.
    pub(super) const fn is_right(&self) -> bool {
        self.ok
    }

    /// All mistakes, each with its line where that may be shown, and a mark below where it is.
    pub(super) fn faults(&self) -> String {
        faults(&self.mistakes, self.left_out)
    }
}

/// Where a secret stands, as the file writes it.
fn place_of(source: &SecretSource) -> String {
    match source {
        SecretSource::Variable(name) => format!("env:{name}"),
        SecretSource::File(path) => format!("file:{}", path.display()),
        other => other.to_string(),
    }
}

impl Team {
    fn of(spec: &TeamSpec) -> Self {
        Self {
            name: spec.name.to_string(),
            pool: spec.account.to_string(),
            strategy: spec.strategy.name(),
            agents: spec.agents.iter().map(|agent| agent.id.to_string()).collect(),
        }
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count =
            |number: usize, thing| counted(u64::try_from(number).unwrap_or(u64::MAX), thing);
        writeln!(
            out,
            "config   {}   {}, {}, {}, {}",
            one_line(&self.file),
            count(self.teams.len(), "team"),
            count(self.agents, "agent"),
            count(self.pools, "pool"),
            count(self.channels, "channel"),
        )?;
        for Team { name, pool, strategy, agents } in &self.teams {
            let agents = one_line(&agents.join(", "));
            writeln!(
                out,
                "team     {}: {strategy} of {agents}, in pool {}",
                one_line(name),
                one_line(pool)
            )?;
        }
        for name in &self.overridden {
            writeln!(out, "over     {}", one_line(name))?;
        }
        for secret in &self.secrets {
            writeln!(out, "secret   {}", one_line(secret))?;
        }
        for note in &self.notes {
            writeln!(out, "note     {}", one_line(note))?;
        }
        Ok(())
    }
}

/// All mistakes, each with its line where that may be shown, and a mark below where it is.
fn faults(faults: &[Fault], left_out: usize) -> String {
    let mut text = String::new();
    for Fault { code, file, line, column, message, excerpt } in faults {
        let (Some(line), Some(column)) = (line, column) else {
            text += &one_line(&format!("error {code}: {message}"));
            text.push('\n');
            continue;
        };
        let said = one_line(&format!("error {code}: {file}:{line}:{column}: {message}"));
        text += &said;
        text.push('\n');
        if let Some(excerpt) = excerpt {
            let margin = format!("{line:>5} | ");
            let blank = format!("{:>5} | ", "");
            // A tab is one letter here, so that the mark stands below its place.
            let shown = one_line(&cut(&excerpt.replace('\t', " "), LINE_MAX));
            text.extend([format!("{margin}{shown}\n")]);
            if *column <= LINE_MAX {
                let before: String = excerpt.chars().take(column.saturating_sub(1)).collect();
                let width =
                    unicode_width::UnicodeWidthStr::width(before.replace('\t', " ").as_str());
                text.extend([format!("{blank}{:width$}^\n", "")]);
            }
        }
    }
    if left_out > 0 {
        let left_out = counted(u64::try_from(left_out).unwrap_or(u64::MAX), "more mistake");
        text.extend([format!("… and {left_out}\n")]);
    }
    text
}
