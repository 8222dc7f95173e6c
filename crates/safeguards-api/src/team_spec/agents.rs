//! `[[agent]]`: who works, by which program, and what one run may cost.

use std::{fmt, ops::Range, time::Duration};

use safeguards_budget::{Limit, OpenAccount};
use safeguards_coord::Retry;
use safeguards_discovery::{Capability, Registration};
use safeguards_pricing::Price;
use safeguards_types::{AccountId, AgentId, Amounts, Priority};
use toml::Spanned;

use super::{
    mistake::{MistakeKind, Place},
    reader::Text,
    section::Section,
};

/// An agent: a program with a name, a priority, limits of its own and an estimate.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentSpec {
    /// Its name, which is its account's too.
    pub id: AgentId,
    /// The pool that it stands below.
    pub pool: AccountId,
    /// How much its work matters.
    pub priority: Priority,
    /// Its own limits.
    pub limits: Vec<Limit>,
    /// The program, then its arguments. A relative path with a `/` is relative to the team file's folder; a
    /// plain name is looked up in `PATH`.
    pub command: Vec<String>,
    /// Where the program runs: a folder relative to the team file's; `None` for that one itself.
    pub dir: Option<String>,
    /// Environment variables that the program sees besides `PATH`, `HOME`, `LANG`, `TZ` and `TMPDIR`.
    pub environment: Vec<VariableSpec>,
    /// What is held before each run, be it said for all in `[run]`; nothing for an agent that is free.
    pub estimate: Amounts,
    /// How often what fails is tried again.
    pub retry: Retry,
    /// Whether a run that was cut off may be run again.
    pub is_idempotent: bool,
    /// In a graph, whom it waits for.
    pub after: Vec<AgentId>,
    /// In a graph, what it needs besides.
    pub needs: Vec<String>,
    /// Whether a run costs nothing.
    pub is_free: bool,
    /// How long one run may take; `None` where only the deadline of the team ends it.
    pub timeout: Option<Duration>,
    /// What its model costs, whichever it names; `None` where the price table says so.
    pub price: Option<Price>,
    /// What it can do.
    pub capabilities: Vec<Capability>,
    /// Where its program stands in the file.
    pub(super) command_at: Place,
    /// Where its folder does, if it has one.
    pub(super) dir_at: Option<Place>,
}

impl AgentSpec {
    /// The command that opens its account.
    pub(super) fn open(&self) -> OpenAccount {
        let mut open = OpenAccount::new(&self.id).under(&self.pool).priority(self.priority);
        open.limits.clone_from(&self.limits);
        open
    }

    /// What the registry is told of it: until it is deleted, since a file renews no lease.
    pub(super) fn registration(&self) -> Registration {
        let registration = Registration::lasting(&self.id).priority(self.priority);
        self.capabilities.iter().cloned().fold(registration, Registration::capability)
    }
}

impl fmt::Debug for AgentSpec {
    /// Without the arguments of its program, in which a secret may stand.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            pool,
            priority,
            limits,
            command,
            dir,
            environment,
            estimate,
            retry,
            is_idempotent,
            after,
            needs,
            is_free,
            timeout,
            price,
            capabilities,
            command_at: _,
            dir_at: _,
        } = self;
        let program = command.first().map_or("", String::as_str);
        let arguments = command.len().saturating_sub(1);
        out.debug_struct("AgentSpec")
            .field("id", id)
            .field("pool", pool)
            .field("priority", priority)
            .field("limits", limits)
            .field("command", &format_args!("[{program:?}, and {arguments} more]"))
            .field("dir", dir)
            .field("environment", environment)
            .field("estimate", estimate)
            .field("retry", retry)
            .field("is_idempotent", is_idempotent)
            .field("after", after)
            .field("needs", needs)
            .field("is_free", is_free)
            .field("timeout", timeout)
            .field("price", price)
            .field("capabilities", capabilities)
            .finish_non_exhaustive()
    }
}

/// An environment variable that a program sees.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum VariableSpec {
    /// `"NAME"`: passed on with the value it has here, if it has one.
    Inherit(String),
    /// `"NAME=value"`.
    Set {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
}

impl fmt::Debug for VariableSpec {
    /// Without the value, which may be a secret.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inherit(name) => out.debug_tuple("Inherit").field(name).finish(),
            Self::Set { name, value: _ } => {
                out.debug_struct("Set").field("name", name).finish_non_exhaustive()
            }
        }
    }
}

/// An agent as it was read, with the places that later checks speak of.
#[derive(Debug)]
pub(super) struct AgentDraft<'a> {
    pub(super) spec: AgentSpec,
    pub(super) header: Range<usize>,
    pub(super) name: Range<usize>,
    pub(super) pool: Option<Spanned<&'a str>>,
    pub(super) estimate: Range<usize>,
    pub(super) after: Vec<Text<'a>>,
    pub(super) needs: Vec<Text<'a>>,
}

impl AgentDraft<'_> {
    /// The agent, once its places are of no more use.
    pub(super) fn into_spec(self) -> AgentSpec {
        self.spec
    }
}

/// Keys of the design that this version cannot honor.
const PLANNED: [&str; 2] = ["chat", "breaker"];

/// Reads each `[[agent]]`, in the order written.
pub(super) fn read<'a>(
    file: &mut Section<'a>,
    team: &AccountId,
    estimate: Option<&Amounts>,
) -> Vec<AgentDraft<'a>> {
    if file.lacks("agent") && file.lacks("agents") {
        let message = "a team needs at least one agent: begin it with `[[agent]]`";
        file.reader.mistake(MistakeKind::Missing, &file.span(), message);
    }
    let sections = tables(file);
    sections.into_iter().filter_map(|section| read_one(section, team, estimate)).collect()
}

/// The tables of agents, as `[[agent]]` or as `[[agents]]`.
pub(super) fn tables<'a>(file: &mut Section<'a>) -> Vec<Section<'a>> {
    let mut sections = file.tables("agent", "an agent");
    if let (false, Some(agents)) = (file.lacks("agent"), file.value("agents")) {
        let message = "`agent` and `agents` are the same; write all agents below one of both";
        file.reader.mistake(MistakeKind::Agent, &agents.span(), message);
    }
    sections.extend(file.tables("agents", "an agent"));
    sections
}

/// Reads one agent. What it does not say is as its team has it: its pool, its estimate.
pub(super) fn read_one<'a>(
    mut section: Section<'a>,
    team: &AccountId,
    default: Option<&Amounts>,
) -> Option<AgentDraft<'a>> {
    let header = section.span();
    let name = section.required_name();
    if let Some(name) = &name {
        section.rename(format!("agent {}", name.get_ref()));
    }
    let pool = section.text("pool", "write the name of a pool");
    let (command, command_at) = read_command(&mut section);
    let (dir, dir_at) = read_dir(&mut section).unzip();
    let (estimate, is_free) = read_estimate(&mut section, default);
    let after = section.texts("after", "an agent is named by a text").unwrap_or_default();
    let needs = section.texts("needs", "a resource is a text, such as \"gpu\"");
    let needs = needs.unwrap_or_default();
    let estimate_span = estimate.as_ref().map_or_else(|| header.clone(), Spanned::span);
    let spec = AgentSpec {
        id: AgentId::from(name.as_ref().map_or("", |name| *name.get_ref())),
        pool: pool.as_ref().map_or_else(|| team.clone(), |pool| AccountId::from(*pool.get_ref())),
        priority: section.priority(),
        limits: section.limits(),
        command,
        dir,
        environment: read_environment(&mut section),
        estimate: estimate.map(Spanned::into_inner).unwrap_or_default(),
        retry: read_retry(&mut section),
        is_idempotent: section.flag("idempotent"),
        after: after.iter().map(|text| AgentId::from(*text.get_ref())).collect(),
        needs: needs.iter().map(|text| (*text.get_ref()).to_owned()).collect(),
        is_free,
        timeout: section.duration("timeout"),
        price: super::price::read(&mut section),
        capabilities: super::capabilities::read(&mut section),
        command_at,
        dir_at,
    };
    section.finish(&PLANNED);
    let name = name?.span();
    Some(AgentDraft { spec, header, name, pool, estimate: estimate_span, after, needs })
}

/// The program with its arguments, and where it stands.
fn read_command(section: &mut Section<'_>) -> (Vec<String>, Place) {
    let what = "a command is a list of texts: the program, then its arguments";
    let words = section.texts("command", what);
    let is_missing = section.lacks("command") && section.lacks("chat");
    let is_empty = words
        .as_ref()
        .is_some_and(|words| words.first().is_none_or(|program| program.get_ref().is_empty()));
    if is_missing || is_empty {
        let message = format!(
            "{} has no `command`, so nothing can run it; write a list such as [\"python3\", \"agent.py\"]",
            section.owner()
        );
        let at = section.value("command").map_or_else(|| section.span(), Spanned::span);
        section.reader.mistake(MistakeKind::Agent, &at, message);
    }
    let words = words.unwrap_or_default();
    let at = words.first().map_or_else(|| section.span(), Spanned::span);
    let is_path = |word: &&Text<'_>| section.reader.is_path("command", word);
    let command = words.iter().filter(is_path).map(|word| (*word.get_ref()).to_owned()).collect();
    (command, section.reader.place(at.start))
}

/// Reads `retries = 2` or `retry = { times = 2, pause = "1s", at_most = "30s" }`.
fn read_retry(section: &mut Section<'_>) -> Retry {
    const TIMES: &str = "write how often it is tried again, 0 to 1000";
    let times = |number| u32::try_from(number).ok().filter(|times| *times <= 1_000);
    let retries = section.number("retries", times, TIMES);
    let owner = format!("`retry` of {}", section.owner());
    let Some(mut table) = section.table("retry", &owner) else {
        return Retry::times(retries.unwrap_or_default());
    };
    if !section.lacks("retries") {
        let message = format!("{} has both `retries` and `retry`; keep one", section.owner());
        section.reader.mistake(MistakeKind::Value, &table.span(), message);
    }
    let count = table.number("times", times, TIMES);
    if table.lacks("times") {
        let message = format!("{owner} needs `times`: how often it is tried again");
        section.reader.mistake(MistakeKind::Missing, &table.span(), message);
    }
    let mut retry = Retry::times(count.unwrap_or_default());
    if let Some(pause) = table.duration("pause") {
        retry = retry.pause(pause);
    }
    if let Some(at_most) = table.duration("at_most") {
        retry = retry.at_most(at_most);
    }
    table.finish(&[]);
    retry
}

fn read_estimate(
    section: &mut Section<'_>,
    default: Option<&Amounts>,
) -> (Option<Spanned<Amounts>>, bool) {
    let (is_missing, is_free) = (section.lacks("estimate"), section.flag("free"));
    let estimate = section.amounts("estimate");
    let owner = section.owner();
    if let (true, false, Some(default)) = (is_missing, is_free, default) {
        return (Some(Spanned::new(section.span(), default.clone())), is_free);
    }
    if is_missing && !is_free {
        let message = format!(
            "{owner} needs an `estimate`: what is held before each run, such as \"0.10 USD\", here or in [run]; or \
             `free = true`"
        );
        section.reader.mistake(MistakeKind::Missing, &section.span(), message);
    }
    if let Some(estimate) = &estimate {
        let message = if is_free {
            Some(format!("{owner} is free and has an `estimate`; keep one of both"))
        } else if estimate.get_ref().is_zero() {
            Some(format!(
                "{owner} would hold nothing before a run; an agent that costs nothing says `free = true`"
            ))
        } else {
            None
        };
        // Amounts that could not be read have been noted, and leave nothing here.
        if let Some(message) = message.filter(|_| !estimate.get_ref().is_empty()) {
            section.reader.mistake(MistakeKind::Value, &estimate.span(), message);
        }
    }
    (estimate, is_free)
}

fn read_dir(section: &mut Section<'_>) -> Option<(String, Place)> {
    let dir = section.text("dir", "write a folder, relative to that of this file")?;
    let place = section.reader.place(dir.span().start);
    section.reader.is_path("dir", &dir).then(|| ((*dir.get_ref()).to_owned(), place))
}

fn read_environment(section: &mut Section<'_>) -> Vec<VariableSpec> {
    let what = "write \"NAME\" to pass a variable on, or \"NAME=value\"";
    let texts = section.texts("env", what).unwrap_or_default();
    let read = |text: &Text<'_>| {
        let (name, value) = match text.get_ref().split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (*text.get_ref(), None),
        };
        if name.is_empty() || name.contains(char::is_whitespace) || text.get_ref().contains('\0') {
            // What was written may be a secret.
            let message = format!("a text of `env` is no variable; {what}");
            section.reader.mistake(MistakeKind::Value, &text.span(), message);
            return None;
        }
        let name = name.to_owned();
        Some(match value {
            Some(value) => VariableSpec::Set { name, value: value.to_owned() },
            None => VariableSpec::Inherit(name),
        })
    };
    texts.iter().filter_map(read).collect()
}
