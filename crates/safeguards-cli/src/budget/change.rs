//! What `safeguards budget` changes: limits, suspensions, and what comes back.

use clap::{Args as Arguments, Subcommand};
use safeguards_api::limit_text;
use safeguards_budget::{
    Account, Action, Command, CommandError, Denial, EntryId, Ledger, LedgerExt, Limit, Metadata,
    Receipt,
};
use safeguards_redb::RedbStore;
use safeguards_types::{AccountId, Amount, Amounts, OperationId};
use serde::Serialize;

use super::show::no_account;
use crate::{
    durable::{Durable, Failure, runtime},
    output::print,
    text::harmless,
};

const EXIT_CODES: &str = "\
Exit codes:
    0  it was done, or had been done before under the same `--op`
    2  wrong usage, there is no such account, or the file is no durable file of this version
    3  it was denied
    5  the file is not there, cannot be read or written, or another process has it
   70  the answer cannot be written to standard output";

/// A change of accounts.
#[derive(Debug, Subcommand)]
pub(super) enum Change {
    /// Set a limit of an account, or change how much it is
    #[command(after_long_help = EXIT_CODES)]
    SetLimit {
        /// Whose
        account: String,
        /// The limit: `5.00 USD`, `0.60 USD per day in Europe/Berlin`, `60 requests per 5m`
        limit: String,
        #[command(flatten)]
        rest: Rest,
    },
    /// Remove a limit of an account
    #[command(after_long_help = EXIT_CODES)]
    RemoveLimit {
        /// Whose
        account: String,
        /// The limit without its amount: `USD`, `USD per day in Europe/Berlin`, `requests per 5m`
        limit: String,
        #[command(flatten)]
        rest: Rest,
    },
    /// Suspend an account: it and all below it are granted nothing until it is resumed
    #[command(after_long_help = EXIT_CODES)]
    Suspend {
        /// Whose
        account: String,
        /// Why; `safeguards budget show` shows it
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        #[command(flatten)]
        rest: Rest,
    },
    /// Resume an account that was suspended
    #[command(after_long_help = EXIT_CODES)]
    Resume {
        /// Whose
        account: String,
        /// Why; kept with the entry
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        #[command(flatten)]
        rest: Rest,
    },
    /// Take back a part or all of what was charged, settled or recorded
    #[command(after_long_help = EXIT_CODES)]
    Refund {
        /// What spent it: an operation's id, or the number of an entry, as `safeguards budget entries` shows them
        #[arg(value_name = "OPERATION")]
        of: String,
        /// How much comes back: `0.42 USD`
        amount: String,
        #[command(flatten)]
        rest: Rest,
    },
}

/// What all changes take.
#[derive(Debug, Arguments)]
pub(super) struct Rest {
    #[command(flatten)]
    store: Durable,

    /// The name of this piece of work: done again under it, nothing is done twice. A new one unless given
    #[arg(long, value_name = "ID", value_parser = operation)]
    op: Option<OperationId>,

    /// Who does it, or on whose word: kept with the entry
    #[arg(long, value_name = "NAME")]
    by: Option<String>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn operation(text: &str) -> Result<OperationId, String> {
    OperationId::parse(text).map_err(|error| error.to_string())
}

impl Change {
    pub(super) const fn is_json(&self) -> bool {
        self.rest().json
    }

    const fn rest(&self) -> &Rest {
        match self {
            Self::SetLimit { rest, .. }
            | Self::RemoveLimit { rest, .. }
            | Self::Suspend { rest, .. }
            | Self::Resume { rest, .. }
            | Self::Refund { rest, .. } => rest,
        }
    }
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Changed<'a> {
    r#type: &'static str,
    did: &'a str,
    entry: u64,
    op: OperationId,
}

/// Does what the arguments say.
pub(super) fn execute(change: &Change) -> Result<(), Failure> {
    let rest = change.rest();
    let asked = Asked::of(change)?;
    let store = rest.store.open()?;
    let op = rest.op.unwrap_or_else(|| store.operation());
    let (receipt, did) = runtime()?.block_on(apply(&store, rest, asked, op))?;
    let entry = receipt.entry.number();
    let text = if rest.json {
        let changed = Changed { r#type: "changed", did: &did, entry, op };
        format!("{}\n", serde_json::to_string(&changed)?)
    } else {
        format!("{did} (entry {entry}, operation {op})\n")
    };
    print(&harmless(&text)).map_err(Failure::output)
}

/// What is asked for, its texts read.
enum Asked {
    SetLimit(AccountId, Limit),
    RemoveLimit(AccountId, Limit),
    Suspend(AccountId, Option<String>),
    Resume(AccountId, Option<String>),
    Refund(Spent, Amount),
}

/// What spent something.
enum Spent {
    Operation(OperationId),
    Entry(EntryId),
}

impl Asked {
    fn of(change: &Change) -> Result<Self, Failure> {
        let wrong = |what, given: &str, why: &dyn ToString| Failure::Wrong {
            what,
            given: given.to_owned(),
            why: why.to_string(),
        };
        Ok(match change {
            Change::SetLimit { account, limit, .. } => {
                let read = limit_text::parse(limit);
                Self::SetLimit(
                    account.as_str().into(),
                    read.map_err(|why| wrong("the limit", limit, &why))?,
                )
            }
            Change::RemoveLimit { account, limit, .. } => {
                let read = limit_text::parse(&format!("1 {limit}"));
                let why = "write what it counts, and its window where it has one: `USD per day`";
                Self::RemoveLimit(
                    account.as_str().into(),
                    read.map_err(|_| wrong("the limit", limit, &why))?,
                )
            }
            Change::Suspend { account, reason, .. } => {
                Self::Suspend(account.as_str().into(), reason.clone())
            }
            Change::Resume { account, reason, .. } => {
                Self::Resume(account.as_str().into(), reason.clone())
            }
            Change::Refund { of, amount, .. } => {
                let amount =
                    Amount::parse(amount).map_err(|error| wrong("the amount", amount, &error))?;
                let of = match of.parse::<u64>() {
                    Ok(number) => Spent::Entry(EntryId::new(number)),
                    Err(_) => Spent::Operation(
                        OperationId::parse(of)
                            .map_err(|error| wrong("the operation", of, &error))?,
                    ),
                };
                Self::Refund(of, amount)
            }
        })
    }
}

async fn apply(
    store: &RedbStore,
    rest: &Rest,
    asked: Asked,
    op: OperationId,
) -> Result<(Receipt, String), Failure> {
    let (action, did, account) = match asked {
        Asked::SetLimit(account, limit) => {
            let limit = with_what_it_had(limit, store.account(&account).await?.as_ref());
            let did = format!("{account} is limited to {limit}");
            (Action::SetLimit { account: account.clone(), limit }, did, Some(account))
        }
        Asked::RemoveLimit(account, Limit { unit, window, .. }) => {
            let did = format!("{account} has no limit of {unit} ({window}) any more");
            (Action::RemoveLimit { account: account.clone(), unit, window }, did, Some(account))
        }
        Asked::Suspend(account, reason) => {
            let did = format!("{account} is suspended");
            (Action::Suspend { account: account.clone(), reason }, did, Some(account))
        }
        Asked::Resume(account, reason) => {
            let did = format!("{account} is resumed");
            (Action::Resume { account: account.clone(), reason }, did, Some(account))
        }
        Asked::Refund(of, amount) => {
            let of = match of {
                Spent::Operation(of) => of,
                Spent::Entry(entry) => operation_of(store, entry).await?,
            };
            let did = format!("{amount} came back of operation {of}");
            (Action::Refund { of, amounts: Amounts::from(amount) }, did, None)
        }
    };
    let by = rest.by.iter().map(|by| ("by".to_owned(), by.clone().into()));
    let command = Command::new(op, action).with_metadata(by.collect::<Metadata>());
    match store.apply(command).await {
        Ok(receipt) => Ok((receipt, did)),
        Err(error) => Err(refused(store, error, account).await?),
    }
}

/// A limit that is there keeps its mode and its warnings: only how much it is was given.
fn with_what_it_had(limit: Limit, account: Option<&Account>) -> Limit {
    let had = account.and_then(|account| account.limit(&limit.unit, &limit.window));
    match had {
        Some(usage) => {
            let mut had = usage.limit.clone();
            had.amount = limit.amount;
            had
        }
        None => limit,
    }
}

/// The operation that caused an entry.
async fn operation_of(store: &RedbStore, entry: EntryId) -> Result<OperationId, Failure> {
    let page = store.entries(entry, 1).await?;
    let found = page.entries.into_iter().find(|found| found.id == entry);
    found.and_then(|found| found.op()).ok_or_else(|| Failure::Wrong {
        what: "the entry",
        given: entry.number().to_string(),
        why: "there is none of this number that an operation caused, or it is kept no more"
            .to_owned(),
    })
}

/// Why it was not done; of an account that is not there also which ones have names like it.
async fn refused(
    store: &RedbStore,
    error: CommandError,
    account: Option<AccountId>,
) -> Result<Failure, Failure> {
    let is_unknown = matches!(error.denial(), Some(Denial::UnknownAccount { .. }));
    let Some(account) = account.filter(|_| is_unknown) else {
        return Ok(Failure::Command { error, near: String::new() });
    };
    let all = store.all_accounts().await?;
    let accounts: Vec<Account> = all.accounts.into_iter().flatten().collect();
    Ok(no_account(account.as_str(), &accounts))
}
