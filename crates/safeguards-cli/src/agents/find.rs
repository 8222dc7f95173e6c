//! `safeguards agents find`: who can do this.

use std::{env, fmt::Write as _};

use clap::Args as Arguments;
use safeguards_discovery::{
    Condition, Cursor, Explanation, Found, InvalidField, InvalidKind, Match, MetadataPath, Order,
    Query, Test,
};
use safeguards_types::AgentId;
use serde::Serialize;
use serde_json::Value;

use super::{Failure, again, cells, desk::Desk, whence::Whence};
use crate::{
    exit, near,
    output::{print, say},
    table::Table,
    text::{counted, harmless, one_line},
};

const HELP: &str = "\
Examples:
  safeguards agents find data.analysis
  safeguards agents find data.analysis --version \">=1.2, <3\" --with formats=json,xml --healthy
  safeguards agents find --where \"limits.context_window >= 100000\" --order cheapest
  safeguards agents find --search \"review pull requests\" --from .claude/agents
  safeguards agents find data.analysis --tag fast --explain dice-agent     (why it is not found)

All that is asked for must hold, and what is asked of a capability must hold of one and the same. Who asks for
`data.analysis` finds `data.analysis.regression` too. Conditions and orders are described in
docs/reference/queries.md.

Exit codes:
    0  somebody was found; with `--explain`, all who are named are found
    1  nobody was found; with `--explain`, not all are, or no agent of that name is there
    2  wrong usage, or something cannot be read; of what was named by `--from`, the rest was searched
   70  the answer cannot be written to standard output";

/// Find who can do something.
#[derive(Debug, Arguments)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// The capability, or one above it, such as `data.analysis`; without it, any
    capability: Option<String>,

    /// Only versions in this range, such as `>=1.2, <3` or `^1.4`
    #[arg(long, value_name = "RANGE")]
    version: Option<String>,

    /// Only where the metadata at this key contains all these values, such as `formats=json,xml`; repeatable
    #[arg(long = "with", value_name = "KEY=VALUE,…")]
    with: Vec<String>,

    /// Only where this holds of the metadata, such as `limits.context_window >= 100000`; repeatable
    #[arg(long = "where", value_name = "CONDITION")]
    conditions: Vec<String>,

    /// Only what has this tag; repeatable
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,

    /// Only where at least one of these words stands in a name, a description or a tag; the best come first
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,

    /// Only agents that may be given work
    #[arg(long)]
    healthy: bool,

    /// `best`, `name`, `least-loaded`, `cheapest`, `cheapest:UNIT`, `most-budget:UNIT`, `priority` or `relevance`
    /// [default: relevance with `--search`, else best]
    #[arg(long)]
    order: Option<String>,

    /// How many to show
    #[arg(long, value_name = "COUNT", default_value_t = Query::LIMIT)]
    limit: usize,

    /// Go on after this place, as the page before named it
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,

    /// Say why this agent is found, or why not; repeatable
    #[arg(long, value_name = "AGENT", conflicts_with_all = ["limit", "after", "order"])]
    explain: Vec<String>,

    #[command(flatten)]
    whence: Whence,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    r#type: &'static str,
    query: &'a Query,
    #[serde(flatten)]
    found: &'a Found,
    /// Where nobody was found: capabilities with names like the one asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    did_you_mean: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Explained<'a> {
    r#type: &'static str,
    query: &'a Query,
    explanations: Vec<Why>,
}

#[derive(Debug, Serialize)]
struct Why {
    found: bool,
    #[serde(flatten)]
    explanation: Explanation,
}

/// Does what the arguments say.
pub(super) fn execute(args: &Args) -> Result<u8, Failure> {
    let query = args.query()?;
    query.check()?;
    let opened = args.whence.open()?;
    let code = if args.explain.is_empty() {
        find(args, &query, &opened.desk)
    } else {
        explain(args, &query, &opened.desk)
    };
    opened.end(code?)
}

impl Args {
    fn query(&self) -> Result<Query, InvalidField> {
        let mut query = match &self.capability {
            Some(name) => Query::new(name.as_str())?,
            None => Query::all(),
        };
        if let Some(range) = &self.version {
            query = query.version(range)?;
        }
        for text in &self.with {
            query.conditions.push(contained(text)?);
        }
        for text in &self.conditions {
            query.conditions.push(Condition::parse(text)?);
        }
        query.tags.clone_from(&self.tags);
        query.text.clone_from(&self.search);
        query.healthy_only = self.healthy;
        query.order = match &self.order {
            Some(text) => text.parse()?,
            None if self.search.is_some() => Order::Relevance,
            None => Order::Best,
        };
        query.limit = Some(self.limit);
        query.after = self.after.as_deref().map(str::parse::<Cursor>).transpose()?;
        Ok(query)
    }
}

/// Reads `formats=json,xml`: each value as JSON where it is some, else as the text that it is.
fn contained(text: &str) -> Result<Condition, InvalidField> {
    let Some((path, values)) = text.split_once('=') else {
        let allowed = "a key and values, such as formats=json,xml";
        return Err(InvalidField::new(InvalidKind::Condition, "with", text, allowed));
    };
    let value = |text: &str| {
        serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.trim().to_owned()))
    };
    // What is one JSON value as a whole may have commas of its own.
    let values = match serde_json::from_str(values) {
        Ok(value) => value,
        Err(_) => Value::Array(values.split(',').map(value).collect()),
    };
    Ok(Condition::new(MetadataPath::parse(path)?, Test::contains(values)))
}

fn find(args: &Args, query: &Query, desk: &Desk) -> Result<u8, Failure> {
    let found = desk.find(query)?;
    let is_empty = found.total == 0;
    let near = if is_empty { near(query, desk)? } else { Vec::new() };
    if args.json {
        let answer = Answer { r#type: "agents_found", query, found: &found, did_you_mean: near };
        print(&format!("{}\n", serde_json::to_string(&answer)?)).map_err(Failure::output)?;
    } else if is_empty {
        say(&one_line(&nobody(query, desk, &near)?));
    } else {
        print(&page(query, desk, &found)?).map_err(Failure::output)?;
    }
    Ok(if is_empty { exit::NOT_FOUND } else { exit::SUCCESS })
}

/// A page for people: the rows, how many there are, and how to ask for the next.
fn page(query: &Query, desk: &Desk, found: &Found) -> Result<String, Failure> {
    let best = match (&query.text, &query.after) {
        (None, _) => None,
        (Some(_), None) => found.agents.iter().filter_map(|found| found.relevance).max(),
        // A bar on this page is as long as it would be on the first.
        (Some(_), Some(_)) => {
            let mut first = query.clone().order(Order::Relevance).limit(1);
            first.after = None;
            desk.find(&first)?.first().and_then(|found| found.relevance)
        }
    };
    let mut text = rows(found, best);
    let shown = u64::try_from(found.agents.len()).unwrap_or(u64::MAX);
    let all = counted(found.total, "agent");
    // A string takes whatever is written to it.
    let _ = if shown == found.total {
        writeln!(text, "{all}")
    } else {
        writeln!(text, "{shown} of {all}")
    };
    if let Some(next) = &found.next {
        let _ =
            writeln!(text, "next: {}", again::command(env::args(), "--after", &next.to_string()));
    }
    Ok(text)
}

/// A table of who was found. `best` is the relevance that has a full bar.
pub(super) fn rows(found: &Found, best: Option<u64>) -> String {
    if found.agents.is_empty() {
        return String::new();
    }
    let terminal = cells::terminal_columns();
    let has_state = found.agents.iter().any(|found| cells::state(&found.status).is_some());
    let has_cost = found
        .agents
        .iter()
        .any(|found| found.capabilities.first().is_some_and(|one| !one.cost.is_empty()));
    let is_wanted = [true, true, true, has_cost, has_state, best.is_some()];
    let row = |found: &Match| {
        [
            cells::name(found.agent.as_str(), terminal),
            cells::capabilities(&found.capabilities, terminal),
            cells::version(&found.capabilities),
            cells::cost(&found.capabilities),
            cells::state(&found.status).unwrap_or_else(|| "healthy".to_owned()),
            cells::bar(found.relevance.unwrap_or(0), best.unwrap_or(0)),
        ]
    };
    let rows: Vec<[String; 6]> = found.agents.iter().map(row).collect();
    let titles = ["agent", "capability", "version", "cost", "state", "fit"];
    let wanted = |cells: [String; 6]| {
        cells.into_iter().zip(is_wanted).filter(|(_, is_wanted)| *is_wanted).map(|(cell, _)| cell)
    };
    let mut table = Table::new(
        wanted(titles.map(str::to_owned)).chain(["what it is".to_owned()]),
        &[0, 1, 2, 3, 4, 5, 6],
    );
    let left = cells::columns_left(terminal, cells::taken(&rows, &titles, &is_wanted));
    for (row, found) in rows.into_iter().zip(&found.agents) {
        table.add(wanted(row).chain([cells::cut(what(found), left)]));
    }
    format!("{table}\n")
}

/// What an agent is; where it does not say so, what the first of the capabilities is.
fn what(found: &Match) -> &str {
    let first = || found.capabilities.first().map_or("", |first| first.description.as_str());
    if found.description.is_empty() { first() } else { &found.description }
}

/// Which capabilities were perhaps meant by a name that nobody has.
fn near(query: &Query, desk: &Desk) -> Result<Vec<String>, Failure> {
    let Some(asked) = &query.capability else { return Ok(Vec::new()) };
    if desk.find(&Query::new(asked)?.limit(1))?.total > 0 {
        return Ok(Vec::new());
    }
    let everybody = desk.everybody()?;
    let known = everybody.agents.iter().flat_map(|found| &found.capabilities);
    Ok(near::capabilities(asked.as_str(), known.map(|one| &one.name)))
}

/// Why nobody was found, as far as that can be said of all together.
fn nobody(query: &Query, desk: &Desk, near: &[String]) -> Result<String, Failure> {
    if !near.is_empty() {
        let near: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
        return Ok(format!("nobody was found; did you mean {}?", near.join(" or ")));
    }
    let Some(name) = &query.capability else { return Ok("nobody was found".to_owned()) };
    let able = desk.find(&Query::new(name)?.limit(1))?.total;
    Ok(match able {
        0 => format!("nobody was found; nobody has `{name}`, nor anything like it"),
        able => format!(
            "nobody was found; {} `{name}`, and what else is asked for holds of none: `--explain AGENT` says why",
            if able == 1 { "1 agent has".to_owned() } else { format!("{able} agents have") }
        ),
    })
}

fn explain(args: &Args, query: &Query, desk: &Desk) -> Result<u8, Failure> {
    let mut explanations = Vec::new();
    for agent in &args.explain {
        let explanation = match desk.agent(&AgentId::from(agent.as_str())) {
            Some(record) => Explanation::of(query, &record, desk.now),
            None => Explanation::not_here(agent.as_str().into()),
        };
        explanations.push(Why { found: explanation.is_found(), explanation });
    }
    let is_found = explanations.iter().all(|why| why.found);
    let code = if is_found { exit::SUCCESS } else { exit::NOT_FOUND };
    let text = if args.json {
        let explained = Explained { r#type: "agents_explained", query, explanations };
        format!("{}\n", serde_json::to_string(&explained)?)
    } else {
        let told = explanations.iter().map(|why| format!("{}\n", why.explanation));
        harmless(&told.collect::<String>())
    };
    print(&text).map_err(Failure::output)?;
    Ok(code)
}
