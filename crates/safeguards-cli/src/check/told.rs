//! [`Checked`]: what is said of a configuration, to people and to programs.

use std::{fmt, path::Path};

use safeguards_api::{AlertsError, Config, ConfigError, Mistake, SecretSource, TeamSpec};
use serde::Serialize;

use crate::{
    refusal::with_causes,
    text::{counted, cut, one_line},
};

/// How many letters of a line are shown.
const LINE_MAX: usize = 160;

/// What is said of a configuration.
#[derive(Debug, Serialize)]
pub(super) struct Checked {
    r#type: &'static str,
    file: String,
    teams: Vec<Team>,
    agents: usize,
    pools: usize,
    channels: usize,
    /// The variables that go over the file, without their values.
    overridden: Vec<String>,
    /// Where secrets are read, without them.
    secrets: Vec<String>,
    pub(super) mistakes: Vec<Fault>,
    /// How many mistakes there are besides.
    #[serde(skip_serializing_if = "is_none")]
    pub(super) left_out: usize,
    notes: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_none(number: &usize) -> bool {
    *number == 0
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
    /// Left out, with its line and column, where something is wrong that stands in no one place.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
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
    fn of(mistake: &Mistake, text: &str) -> Self {
        Self {
            code: mistake.code(),
            file: Some(mistake.file.clone()),
            line: Some(mistake.line),
            column: Some(mistake.column),
            message: mistake.message.clone(),
            excerpt: mistake.excerpt(text).map(str::to_owned),
        }
    }

    fn without_place(code: &'static str, message: String) -> Self {
        Self { code, file: None, line: None, column: None, message, excerpt: None }
    }

    /// All that is wrong, each thing once, by its place; what has none comes last. Gives how many were left out.
    pub(super) fn all(errors: &[ConfigError], text: &str) -> (Vec<Self>, usize) {
        let mut left_out = 0_usize;
        let mut faults: Vec<Self> = Vec::new();
        for error in errors {
            if let ConfigError::Wrong(wrong) | ConfigError::Alerts(AlertsError::Team(wrong)) = error
            {
                left_out = left_out.saturating_add(wrong.left_out());
                faults.extend(wrong.mistakes().map(|mistake| Self::of(mistake, text)));
            } else if let ConfigError::Alerts(alerts @ AlertsError::Rules { .. }) = error {
                let mistakes = alerts.mistakes().into_iter();
                faults.extend(mistakes.map(|(code, message)| Self::without_place(code, message)));
            } else {
                faults.push(Self::without_place(error.code(), with_causes(error)));
            }
        }
        // An agent that is in several teams is looked at for each of them.
        faults.sort_by_key(|fault| (fault.line.is_none(), fault.line, fault.column));
        faults.dedup_by(|one, other| {
            (one.line, one.column, &one.message) == (other.line, other.column, &other.message)
        });
        (faults, left_out)
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
            ..Self::wrong(&config.file)
        }
    }

    /// With what is wrong, and how much more there is.
    pub(super) fn with(self, (mistakes, left_out): (Vec<Fault>, usize)) -> Self {
        Self { mistakes, left_out, ..self }
    }

    /// A file of which nothing is known yet.
    pub(super) fn wrong(file: &Path) -> Self {
        Self {
            r#type: "config",
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
pub(super) fn faults(faults: &[Fault], left_out: usize) -> String {
    let mut text = String::new();
    for Fault { code, file, line, column, message, excerpt } in faults {
        let (Some(file), Some(line), Some(column)) = (file, line, column) else {
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
