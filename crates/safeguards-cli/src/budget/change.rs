//! What `safeguards budget` changes: limits, suspensions, and what comes back.

use clap::{Args as Arguments, Subcommand};
use safeguards_api::limit_text;
use safeguards_budget::{
    Account, AccountState, Action, Command, Denial, EntryId, Ledger, LedgerExt, Limit, Metadata,
    Percent, Window,
};
use safeguards_redb::RedbStore;
use safeguards_types::{AccountId, Amount, Amounts, OperationId, Priority};
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
    ///
    /// A new limit without a window counts all that was ever spent. A new one with a window counts what is spent from now
    /// on.
    #[command(after_long_help = EXIT_CODES)]
    SetLimit {
        /// Whose
        account: String,
        /// The limit: `5.00 USD`, `0.60 USD per day in Europe/Berlin`, `60 requests per 5m`
        limit: String,
        /// At which shares of it an alert is sent, in percent, such as `50,80`, or `none`; those that it had, or else 80
        #[arg(long, value_name = "PERCENTS", value_parser = shares)]
        warn_at: Option<Shares>,
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
    /// Set the priority of an account
    #[command(after_long_help = EXIT_CODES)]
    SetPriority {
        /// Whose
        account: String,
        /// From 1, which gives way first, to 10
        priority: Priority,
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

/// At which shares of a limit an alert is sent.
#[derive(Clone, Debug)]
pub(super) struct Shares(Vec<Percent>);

fn shares(text: &str) -> Result<Shares, String> {
    if text == "none" {
        return Ok(Shares(Vec::new()));
    }
    let shares = text.split(',').map(|share| Percent::parse(share.trim().trim_end_matches('%')));
    shares.collect::<Result<_, _>>().map(Shares).map_err(|error| error.to_string())
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
            | Self::SetPriority { rest, .. }
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
    /// The entry and its operation; none where nothing was to be done.
    #[serde(flatten)]
    entry: Option<Written>,
}

/// The entry of a change.
#[derive(Clone, Copy, Debug, Serialize)]
struct Written {
    entry: u64,
    op: OperationId,
}

/// Does what the arguments say.
pub(super) fn execute(change: &Change) -> Result<(), Failure> {
    let rest = change.rest();
    let asked = Asked::of(change)?;
    let store = rest.store.open()?;
    let op = rest.op.unwrap_or_else(|| store.operation());
    let (entry, did) = runtime()?.block_on(apply(&store, rest, asked, op))?;
    let entry = entry.map(|entry| Written { entry: entry.number(), op });
    let text = if rest.json {
        let r#type = if entry.is_some() { "changed" } else { "unchanged" };
        format!("{}\n", serde_json::to_string(&Changed { r#type, did: &did, entry })?)
    } else {
        let told = entry.map(|Written { entry, op }| format!(" (entry {entry}, operation {op})"));
        format!("{did}{}\n", told.unwrap_or_default())
    };
    print(&harmless(&text)).map_err(Failure::output)
}

/// What is asked for, its texts read.
enum Asked {
    SetLimit(AccountId, Limit, Option<Shares>),
    RemoveLimit(AccountId, Limit),
    SetPriority(AccountId, Priority),
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
            Change::SetLimit { account, limit, warn_at, .. } => {
                let read = limit_text::parse(limit);
                Self::SetLimit(
                    account.as_str().into(),
                    read.map_err(|why| wrong("the limit", limit, &why))?,
                    warn_at.clone(),
                )
            }
            Change::SetPriority { account, priority, .. } => {
                Self::SetPriority(account.as_str().into(), *priority)
            }
            Change::RemoveLimit { account, limit, .. } => {
                // As it is shown, with its amount, it is named well enough.
                let read =
                    limit_text::parse(limit).or_else(|_| limit_text::parse(&format!("1 {limit}")));
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
                            .map_err(|error| wrong("the operation", of, &format_args!("{error}; `safeguards budget entries` has the numbers of what was spent")))?,
                    ),
                };
                Self::Refund(of, amount)
            }
        })
    }
}

/// Does it, and says what was done, with its entry; none where nothing was to be done.
async fn apply(
    store: &RedbStore,
    rest: &Rest,
    asked: Asked,
    op: OperationId,
) -> Result<(Option<EntryId>, String), Failure> {
    let (action, did, account) = match asked {
        Asked::SetLimit(account, limit, warn_at) => {
            let existing = store.account(&account).await?;
            let limit = with_what_it_had(limit, warn_at, existing.as_ref());
            let did = limited(&account, &limit, existing.as_ref());
            (Action::SetLimit { account: account.clone(), limit }, did, Some(account))
        }
        Asked::SetPriority(account, priority) => {
            let did = format!("{account} has priority {priority}");
            (Action::SetPriority { account: account.clone(), priority }, did, Some(account))
        }
        Asked::RemoveLimit(account, Limit { unit, window, .. }) => {
            let did = format!("{account} has no limit of {unit} ({window}) any more");
            (Action::RemoveLimit { account: account.clone(), unit, window }, did, Some(account))
        }
        // Under an operation of the caller's own it may have been done before, and is answered so.
        Asked::Suspend(account, None)
            if rest.op.is_none()
                && state_of(store, &account).await? == Some(AccountState::Suspended) =>
        {
            return Ok((None, format!("{account} was suspended already; nothing was changed")));
        }
        Asked::Resume(account, _)
            if rest.op.is_none()
                && state_of(store, &account).await? == Some(AccountState::Open) =>
        {
            return Ok((None, format!("{account} is not suspended; nothing was changed")));
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
            let (of, what) = match of {
                Spent::Operation(of) => (of, format!("operation {of}")),
                Spent::Entry(entry) => {
                    (operation_of(store, entry).await?, format!("entry {}", entry.number()))
                }
            };
            let did = format!("{amount} came back of {what}");
            (Action::Refund { of, amounts: Amounts::from(amount) }, did, None)
        }
    };
    let by = rest.by.iter().map(|by| ("by".to_owned(), by.clone().into()));
    let command = Command::new(op, action).with_metadata(by.collect::<Metadata>());
    let error = match store.apply(command).await {
        Ok(receipt) => return Ok((Some(receipt.entry), did)),
        Err(error) => error,
    };
    Err(match error.denial() {
        Some(denial) => refused(store, denial.clone(), account).await?,
        None => Failure::Unconfirmed { did, op, source: Box::new(error) },
    })
}

async fn state_of(store: &RedbStore, account: &AccountId) -> Result<Option<AccountState>, Failure> {
    Ok(store.account(account).await?.map(|account| account.state))
}

/// A limit that is there keeps its mode and, unless others are given, its warnings: only how much it is was given.
fn with_what_it_had(limit: Limit, warn_at: Option<Shares>, account: Option<&Account>) -> Limit {
    let had = account.and_then(|account| account.limit(&limit.unit, &limit.window));
    let mode = had.map_or(limit.mode, |usage| usage.limit.mode);
    let shares = match (warn_at, had) {
        (Some(Shares(given)), _) => given,
        (None, Some(usage)) => usage.limit.warnings().to_vec(),
        (None, None) => vec![Percent::EIGHTY],
    };
    shares.into_iter().fold(limit.mode(mode), Limit::warn_at)
}

/// What a limit means where it is set: it may be passed already, and one with a window begins now.
fn limited(account: &AccountId, limit: &Limit, existing: Option<&Account>) -> String {
    let did = format!("{account} is limited to {limit}");
    let Some(existing) = existing else { return did };
    let spent = match existing.limit(&limit.unit, &limit.window) {
        Some(usage) => usage.spent,
        None if limit.window == Window::Lifetime => existing.spent.get(&limit.unit),
        None => return format!("{did}; it counts what is spent from now on"),
    };
    match spent.checked_sub(limit.amount) {
        Some(over) if !over.is_zero() => {
            let over = Amount::new(over, limit.unit.clone());
            format!("{did}; {over} more than that is spent already")
        }
        Some(_) | None => did,
    }
}

/// The operation that caused an entry.
async fn operation_of(store: &RedbStore, entry: EntryId) -> Result<OperationId, Failure> {
    let page = store.entries(entry, 1).await?;
    let found = page.entries.into_iter().find(|found| found.id == entry);
    found.filter(|found| found.fact.spending().is_some()).and_then(|found| found.op()).ok_or_else(|| {
        Failure::Wrong {
            what: "the entry",
            given: entry.number().to_string(),
            why: "there is none of this number that spent something, or it is kept no more; `safeguards budget entries` has those that there are"
                .to_owned(),
        }
    })
}

/// Why it was not done, and what there is instead: accounts with names like it, limits, units.
async fn refused(
    store: &RedbStore,
    denial: Denial,
    account: Option<AccountId>,
) -> Result<Failure, Failure> {
    let hint = match (&denial, account) {
        (Denial::UnknownAccount { .. }, Some(account)) => {
            let all = store.all_accounts().await?;
            let accounts: Vec<Account> = all.accounts.into_iter().flatten().collect();
            return Ok(no_account(account.as_str(), &accounts));
        }
        (Denial::NoLimit { .. }, Some(account)) => {
            let account = store.account(&account).await?;
            let limits = account.iter().flat_map(|account| &account.limits);
            let limits: Vec<String> = limits.map(|usage| format!("`{}`", usage.limit)).collect();
            if limits.is_empty() {
                "; it has none".to_owned()
            } else {
                format!("; it has {}", limits.join(", "))
            }
        }
        (Denial::UnknownUnit { .. }, _) => {
            ": by the `units` of a team file, or `register_unit` of a program; USD, tokens and requests are there without"
                .to_owned()
        }
        _ => String::new(),
    };
    Ok(Failure::Denied { denial: Box::new(denial), hint })
}
