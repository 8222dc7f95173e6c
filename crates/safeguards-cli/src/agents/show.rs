//! `safeguards agents show`: all that is known of an agent.

use std::fmt::{self, Write as _};

use clap::Args as Arguments;
use jiff::SignedDuration;
use safeguards_discovery::{AgentRecord, Capability};
use safeguards_types::AgentId;
use serde::Serialize;
use serde_json::Value;

use super::{Failure, cells, desk::Desk, whence::Whence};
use crate::{
    exit, near,
    output::print,
    table::Table,
    text::{harmless, one_line},
};

/// Show all that is known of an agent.
#[derive(Debug, Arguments)]
#[command(after_long_help = "\
Examples:
  safeguards agents show currency-agent
  safeguards agents show currency-agent --json | jq .documents
  safeguards agents show reviewer --from .claude/agents

Exit codes:
    0  it was shown
    1  no agent of this name is there
    2  wrong usage, or something cannot be read
   70  the answer cannot be written to standard output")]
pub(crate) struct Args {
    /// Whom to show
    agent: String,

    #[command(flatten)]
    whence: Whence,

    /// Print one JSON object: the agent's record
    #[arg(long)]
    json: bool,
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    record: &'a AgentRecord,
}

/// Does what the arguments say.
pub(super) fn execute(args: &Args) -> Result<u8, Failure> {
    let opened = args.whence.open()?;
    let record = record(&opened.desk, &args.agent)?;
    let text = if args.json {
        format!("{}\n", serde_json::to_string(&Shown { r#type: "agent", record: &record })?)
    } else {
        Sheet(&record).to_string()
    };
    print(&text).map_err(Failure::output)?;
    opened.end(exit::SUCCESS)
}

/// The record of an agent that must be there.
pub(super) fn record(desk: &Desk, agent: &str) -> Result<AgentRecord, Failure> {
    desk.agent(&AgentId::from(agent)).map_or_else(|| Err(unknown(desk, agent)?), Ok)
}

/// Nobody of this name is here, and whose names are like it.
pub(super) fn unknown(desk: &Desk, agent: &str) -> Result<Failure, Failure> {
    let everybody = desk.everybody()?;
    let near = near::names(agent, everybody.names().map(AgentId::as_str));
    Ok(Failure::UnknownAgent { agent: agent.to_owned(), near })
}

/// A record for people.
struct Sheet<'a>(&'a AgentRecord);

impl fmt::Display for Sheet<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = self.0;
        writeln!(out, "agent     {}", one_line(record.agent.as_str()))?;
        if !record.description.is_empty() {
            let text = harmless(record.description.trim_end());
            writeln!(out, "what      {}", text.replace('\n', "\n          "))?;
        }
        writeln!(out, "priority  {}", record.priority)?;
        let state = cells::state(&record.status).unwrap_or_else(|| "healthy".to_owned());
        writeln!(out, "state     {state}")?;
        if !record.status.available.is_empty() {
            writeln!(out, "may spend {}", cells::amounts(&record.status.available))?;
        }
        match record.lease.ttl {
            None => writeln!(out, "lease     none: here until it is removed")?,
            Some(ttl) => {
                let ttl = SignedDuration::try_from(ttl).unwrap_or(SignedDuration::MAX);
                writeln!(out, "lease     {ttl:#} from each renewal")?;
            }
        }
        let kinds: Vec<&str> = record.documents.keys().map(String::as_str).collect();
        if !kinds.is_empty() {
            writeln!(out, "documents {}", one_line(&kinds.join(", ")))?;
        }
        if record.capabilities.is_empty() {
            return writeln!(out, "\nit says of nothing that it can do it");
        }
        writeln!(out, "\n{}", capabilities(record))?;
        for capability in &record.capabilities {
            metadata(out, capability)?;
        }
        Ok(())
    }
}

fn capabilities(record: &AgentRecord) -> Table {
    let terminal = cells::terminal_columns();
    let rows: Vec<[String; 4]> = record
        .capabilities
        .iter()
        .map(|capability| {
            let one = std::slice::from_ref(capability);
            let tags = one_line(&capability.tags.join(", "));
            [
                cells::name(capability.name.as_str(), terminal),
                cells::version(one),
                cells::cost(one),
                if tags.is_empty() { "-".to_owned() } else { cells::name(&tags, terminal) },
            ]
        })
        .collect();
    let titles = ["capability", "version", "cost", "tags"];
    let left = cells::columns_left(terminal, cells::taken(&rows, &titles, &[true; 4]));
    let mut table = Table::new(titles.into_iter().chain(["what it is"]), &[0, 1, 2, 3, 4]);
    for (row, capability) in rows.into_iter().zip(&record.capabilities) {
        let what = cells::cut(&capability.description, left);
        table.add(row.into_iter().chain([what]));
    }
    table
}

/// What else is said of a capability, as JSON that people can read.
fn metadata(out: &mut fmt::Formatter<'_>, capability: &Capability) -> fmt::Result {
    if capability.metadata.is_empty() {
        return Ok(());
    }
    let mut text = format!("\n{capability}\n");
    for (key, value) in &capability.metadata {
        let value = match value {
            Value::Object(_) => format!("{value:#}"),
            value @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)) => value.to_string(),
        };
        writeln!(text, "  {}: {}", one_line(key), value.replace('\n', "\n  "))?;
    }
    out.write_str(&harmless(&text))
}
