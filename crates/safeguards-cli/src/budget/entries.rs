//! `safeguards budget entries`: the latest things that were spent or came back, by the numbers that a refund takes.

use std::collections::VecDeque;

use clap::Args as Arguments;
use safeguards_budget::{Entry, EntryId, Fact, Ledger, Posting};
use safeguards_redb::RedbStore;
use serde::Serialize;
use serde_json::Value;

use super::{changes, show::no_account};
use crate::{
    durable::{Durable, Failure, runtime},
    output::print,
    table::Table,
    text::{cut, harmless, one_line, to_the_second},
};

const TITLES: [&str; 7] = ["entry", "at (UTC)", "account", "did", "amounts", "of", "model"];
const TEXT: &[usize] = &[1, 2, 3, 5, 6];
/// How many entries are read at once.
const PAGE: usize = 10_000;
/// How many letters of what an entry is of are shown.
const OF_MAX: usize = 40;

/// Show the latest entries that spent something, or gave something back: `refund` takes their numbers.
#[derive(Debug, Arguments)]
#[command(after_long_help = "\
What an entry is of is the run and the step that spent it, or the entry that something came back of.

Examples:
  safeguards budget entries --store fleet.redb
  safeguards budget entries writer --last 100 --store fleet.redb
  safeguards budget entries --changes --store fleet.redb         (limits, suspensions and so on, and who did it)
  safeguards budget entries --json --store fleet.redb            (with their operations and metadata)

Exit codes:
    0  they were shown; there may be none
    2  wrong usage, there is no such account, or the file is no durable file of this version
    5  the file is not there, cannot be read, or another process has it
   70  the answer cannot be written to standard output")]
pub(super) struct Args {
    /// Only what this account spent itself, or what was changed of it
    #[arg(value_name = "ACCOUNT")]
    account: Option<String>,

    /// How many
    #[arg(long, value_name = "N", default_value_t = 20)]
    last: usize,

    /// Show what was changed instead of what was spent: limits, priorities, suspensions, where accounts stand; and by whom
    #[arg(long)]
    changes: bool,

    #[command(flatten)]
    store: Durable,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) const fn is_json(&self) -> bool {
        self.json
    }
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    r#type: &'static str,
    entries: &'a VecDeque<Entry>,
}

/// Does what the arguments say.
pub(super) fn execute(args: &Args) -> Result<(), Failure> {
    let store = args.store.open()?;
    let entries = runtime()?.block_on(look(&store, args))?;
    let text = if args.json {
        let shown = Shown { r#type: "entries", entries: &entries };
        format!("{}\n", serde_json::to_string(&shown)?)
    } else {
        let nothing = match &args.account {
            Some(account) if entries.is_empty() && !args.changes => {
                format!("{} itself spent nothing; accounts below it may have\n", one_line(account))
            }
            _ => String::new(),
        };
        let table = if args.changes { changes::table(&entries) } else { table(&entries) };
        format!("{table}\n{nothing}")
    };
    print(&harmless(&text)).map_err(Failure::output)
}

/// The latest entries that are asked for, in their order.
async fn look(store: &RedbStore, args: &Args) -> Result<VecDeque<Entry>, Failure> {
    let asked = args.account.as_deref();
    if let Some(asked) = asked {
        let all = store.all_accounts().await?.accounts;
        let all: Vec<_> = all.into_iter().flatten().collect();
        if !all.iter().any(|account| account.id.as_str() == asked) {
            return Err(no_account(asked, &all));
        }
    }
    let account = |entry: &Entry| {
        if args.changes {
            changes::of(entry).map(|(account, _)| account.to_string())
        } else {
            posting(entry).map(|posting| posting.spender.to_string())
        }
    };
    let is_asked = |entry: &Entry| {
        account(entry).is_some_and(|account| asked.is_none_or(|asked| account == asked))
    };
    let (mut latest, mut from) = (VecDeque::new(), EntryId::FIRST);
    loop {
        let page = store.entries(from, PAGE).await?;
        if page.entries.is_empty() && from >= page.first_kept {
            return Ok(latest);
        }
        from = page.next.max(page.first_kept);
        latest.extend(page.entries.into_iter().filter(is_asked));
        latest.drain(..latest.len().saturating_sub(args.last));
    }
}

/// What an entry spent, or gave back.
fn posting(entry: &Entry) -> Option<&Posting> {
    if let Fact::Refunded(refunded) = &entry.fact {
        return Some(&refunded.posting);
    }
    entry.fact.spending()
}

fn table(entries: &VecDeque<Entry>) -> Table {
    let mut table = Table::new(TITLES, TEXT);
    for entry in entries {
        let Some(posting) = posting(entry) else { continue };
        table.add([
            entry.id.number().to_string(),
            to_the_second(entry.at),
            one_line(posting.spender.as_str()),
            entry.name().to_owned(),
            posting.amounts.to_string(),
            cut(&one_line(&of(entry)), OF_MAX),
            one_line(said(entry, "model").unwrap_or("-")),
        ]);
    }
    table
}

/// What an entry is of.
fn of(entry: &Entry) -> String {
    if let Fact::Refunded(refunded) = &entry.fact {
        return format!("entry {}", refunded.of.number());
    }
    let told = [said(entry, "run"), said(entry, "step")];
    let told: Vec<&str> = told.into_iter().flatten().collect();
    if told.is_empty() { "-".to_owned() } else { told.join(" ") }
}

/// A text of the entry's metadata.
fn said<'a>(entry: &'a Entry, key: &str) -> Option<&'a str> {
    entry.metadata()?.get(key).and_then(Value::as_str)
}
