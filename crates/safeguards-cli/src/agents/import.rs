//! `safeguards agents import`: what describes agents elsewhere comes into a catalog.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write as _},
    path::PathBuf,
};

use clap::Args as Arguments;
use safeguards_discovery::Registration;
use safeguards_types::{AgentId, Clock, SystemClock, Timestamp};
use serde::Serialize;

use super::{
    Failure,
    catalog::{Catalog, wrong},
    desk::{Desk, Taken},
    forms::Form,
    mistake::{Mistake, Place},
    progress::Bar,
    reading,
    walk::{Walk, is_stdin},
    whence::CATALOG,
};
use crate::{
    exit,
    output::print,
    text::{counted, one_line},
};

/// How many agents are named after each count.
const NAMED_MAX: usize = 5;

const HELP: &str = "\
Examples:
  safeguards agents import agent-card.json
  safeguards agents import cards/ .claude/agents servers.jsonl.gz --dry-run
  curl -s https://example.com/.well-known/agent-card.json | safeguards agents import - --agent pricing
  safeguards agents import other-catalog.jsonl --catalog fleet.jsonl

Read are A2A agent cards, descriptions of MCP servers, sub-agents (Markdown with front matter) and catalogs: one
of them, a JSON list, or one a line; gzipped or not. Of folders, files in `.json`, `.jsonl` and `.md` are read,
packed as `.gz` too; others are passed over and counted.

What an agent said before stands: more to say of it is added, and other content is refused unless `--replace` lets
it take the place of what is there. What cannot be read is told at the end, and does not stop the rest.

Exit codes:
    0  all was read, and taken where it was new
    2  wrong usage, or something cannot be read or taken: what is good was taken
   70  the answer cannot be written to standard output";

/// Take agent cards, servers, sub-agents and catalogs into the catalog.
#[derive(Debug, Arguments)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// Files and folders; `-` reads standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// The catalog, which is made where there is none
    #[arg(long, value_name = "FILE", default_value = CATALOG)]
    catalog: PathBuf,

    /// Which form it is in, where that is not to be found out
    #[arg(long = "as", value_enum, value_name = "FORM")]
    form: Option<Form>,

    /// What the agent is called here, where there is one alone
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,

    /// Let what is read take the place of what is said of the same agents
    #[arg(long)]
    replace: bool,

    /// Say what would be done, and write nothing
    #[arg(long)]
    dry_run: bool,

    /// Print one JSON object, with all mistakes in it
    #[arg(long)]
    json: bool,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Imported {
    r#type: &'static str,
    catalog: String,
    dry_run: bool,
    /// Files that were read, and files in folders that were not.
    files: u64,
    passed_over: u64,
    #[serde(flatten)]
    taken: Agents,
    mistakes: Vec<Mistake>,
}

/// What became of whom, by name.
#[derive(Debug, Default, Serialize)]
struct Agents {
    added: BTreeSet<AgentId>,
    extended: BTreeSet<AgentId>,
    replaced: BTreeSet<AgentId>,
    unchanged: BTreeSet<AgentId>,
}

/// Does what the arguments say.
pub(super) fn execute(args: &Args) -> Result<u8, Failure> {
    if args.paths.iter().filter(|path| is_stdin(path)).count() > 1 {
        return Err(Failure::Usage("`-` is named twice; standard input is read once".to_owned()));
    }
    let now = SystemClock::new().now();
    let walk = Walk::of(&args.paths);
    let mut imported = Imported {
        r#type: "agents_imported",
        catalog: args.catalog.display().to_string(),
        dry_run: args.dry_run,
        files: u64::try_from(walk.files.len()).unwrap_or(u64::MAX),
        passed_over: walk.passed_over,
        taken: Agents::default(),
        mistakes: walk.mistakes,
    };
    // All is read before the catalog is locked: nobody waits for a slow reader.
    let mut registrations = Vec::new();
    let mut bar = Bar::new(walk.files.len());
    for file in &walk.files {
        let read = reading::file(file, args.form);
        if read.is_passed_over {
            imported.files = imported.files.saturating_sub(1);
            imported.passed_over = imported.passed_over.saturating_add(1);
        }
        imported.mistakes.extend(read.mistakes);
        registrations.extend(read.registrations);
        bar.file(registrations.len());
    }
    bar.finish();
    if let Some(name) = &args.agent {
        let [(_, one)] = registrations.as_mut_slice() else {
            return Err(misnamed(name, registrations.len(), imported.mistakes));
        };
        one.agent = AgentId::from(name.as_str());
    }
    let taken = take(args, registrations, now)?;
    imported.taken = taken.0;
    imported.mistakes.extend(taken.1);
    let text = if args.json {
        format!("{}\n", serde_json::to_string(&imported)?)
    } else {
        imported.to_string()
    };
    print(&text).map_err(Failure::output)?;
    match imported.mistakes {
        none if none.is_empty() => Ok(exit::SUCCESS),
        _ if args.json => Err(Failure::Told),
        mistakes => Err(Failure::Read { mistakes }),
    }
}

/// One name is given, and not one agent.
fn misnamed(name: &str, agents: usize, mistakes: Vec<Mistake>) -> Failure {
    // What could not be read is perhaps the agent that was meant.
    if agents == 0 && !mistakes.is_empty() {
        return Failure::Read { mistakes };
    }
    Failure::Usage(format!(
        "`--agent {name}` names one agent, and {agents} were read; name a file with one alone"
    ))
}

fn take(
    args: &Args,
    registrations: Vec<(Place, Registration)>,
    now: Timestamp,
) -> Result<(Agents, Vec<Mistake>), Failure> {
    let catalog = Catalog::at(&args.catalog);
    if args.dry_run {
        return Ok(take_all(&catalog.open_or_new(now)?, registrations, args.replace));
    }
    catalog.edit(now, |desk| {
        let (taken, mistakes) = take_all(desk, registrations, args.replace);
        let Agents { added, extended, replaced, unchanged: _ } = &taken;
        let is_changed = !(added.is_empty() && extended.is_empty() && replaced.is_empty());
        Ok(((taken, mistakes), is_changed))
    })
}

fn take_all(
    desk: &Desk,
    registrations: Vec<(Place, Registration)>,
    replace: bool,
) -> (Agents, Vec<Mistake>) {
    let mut all: BTreeMap<AgentId, Taken> = BTreeMap::new();
    let mut mistakes = Vec::new();
    for (place, mut registration) in registrations {
        let agent = registration.agent.clone();
        // What this import said of an agent before is not replaced by more of it.
        registration.replaces = replace && !all.contains_key(&agent);
        match desk.register(registration) {
            Ok(taken) => {
                let before = all.entry(agent).or_insert(taken);
                if *before == Taken::Unchanged {
                    *before = taken;
                }
            }
            Err(error) => mistakes.push(wrong(&place, agent.as_str(), &error)),
        }
    }
    let mut agents = Agents::default();
    for (agent, taken) in all {
        let among = match taken {
            Taken::Added => &mut agents.added,
            Taken::Extended => &mut agents.extended,
            Taken::Replaced => &mut agents.replaced,
            Taken::Unchanged => &mut agents.unchanged,
        };
        among.insert(agent);
    }
    (agents, mistakes)
}

impl fmt::Display for Imported {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { catalog, dry_run, files, passed_over, taken, mistakes, .. } = self;
        let Agents { added, extended, replaced, unchanged } = taken;
        write!(out, "read       {}", counted(*files, "file"))?;
        if *passed_over > 0 {
            write!(out, "; {} of another kind passed over", counted(*passed_over, "file"))?;
        }
        writeln!(out)?;
        for (what, agents) in
            [("added", added), ("extended", extended), ("replaced", replaced), ("there", unchanged)]
        {
            if !agents.is_empty() {
                writeln!(out, "{what:<10} {}", named(agents))?;
            }
        }
        if added.is_empty() && extended.is_empty() && replaced.is_empty() && unchanged.is_empty() {
            writeln!(out, "nobody     was read")?;
        }
        if !mistakes.is_empty() {
            let count = u64::try_from(mistakes.len()).unwrap_or(u64::MAX);
            writeln!(out, "mistakes   {count}, told below")?;
        }
        let catalog = one_line(catalog);
        if *dry_run {
            return writeln!(out, "catalog    {catalog}: nothing was written");
        }
        writeln!(out, "catalog    {catalog}")
    }
}

/// How many agents, and who the first are.
fn named(agents: &BTreeSet<AgentId>) -> String {
    let names: Vec<&str> = agents.iter().take(NAMED_MAX).map(AgentId::as_str).collect();
    let mut text = counted(u64::try_from(agents.len()).unwrap_or(u64::MAX), "agent");
    // A string takes whatever is written to it.
    let _ = write!(text, ": {}", names.join(", "));
    let more = agents.len().saturating_sub(names.len());
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
    one_line(&text)
}
