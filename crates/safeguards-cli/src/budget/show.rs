//! `safeguards budget show`: how accounts stand.

use std::collections::HashMap;

use clap::Args as Arguments;
use safeguards_budget::{Account, AccountState, Action, EntryId, Ledger};
use safeguards_redb::RedbStore;
use safeguards_types::{AccountId, Amount, Amounts, Priority, Quantity, Unit};
use serde::Serialize;

use crate::{
    durable::{Durable, Failure, runtime},
    near,
    output::print,
    table::Table,
    text::{harmless, one_line},
};

const TITLES: [&str; 8] =
    ["account", "state", "priority", "spent", "held", "limit", "left", "reason"];
const TEXT: &[usize] = &[0, 1, 5, 7];
/// How many entries are read at once.
const PAGE: usize = 10_000;

/// Show the accounts of a durable file: what they have spent, hold, and may still spend.
#[derive(Debug, Arguments)]
#[command(after_long_help = "\
Examples:
  safeguards budget show --store fleet.redb
  safeguards budget show research --store fleet.redb             (an account, and all below it)

Exit codes:
    0  they were shown; there may be none
    2  wrong usage, there is no such account, or the file is no durable file of this version
    5  the file is not there, cannot be read, or another process has it
   70  the answer cannot be written to standard output")]
pub(super) struct Args {
    /// Only this account, and those below it
    #[arg(value_name = "ACCOUNT")]
    account: Option<String>,

    /// Those that are closed, too, as far as they are remembered
    #[arg(long)]
    closed: bool,

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
struct Shown {
    r#type: &'static str,
    /// The latest entry that they stand after; `null` where there is none.
    revision: Option<u64>,
    accounts: Vec<Told>,
}

/// How one account stands.
#[derive(Debug, Serialize)]
struct Told {
    account: AccountId,
    parent: Option<AccountId>,
    state: AccountState,
    /// Why it is suspended, where somebody said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    priority: Priority,
    spent: Amounts,
    held: Amounts,
    limits: Vec<LimitTold>,
    #[serde(skip)]
    depth: usize,
}

/// How one limit stands.
#[derive(Debug, Serialize)]
struct LimitTold {
    limit: String,
    unit: Unit,
    spent: Quantity,
    held: Quantity,
    left: Quantity,
}

/// Does what the arguments say.
pub(super) fn execute(args: &Args) -> Result<(), Failure> {
    let store = args.store.open()?;
    let shown = runtime()?.block_on(look(&store, args))?;
    let text = if args.json {
        format!("{}\n", serde_json::to_string(&shown)?)
    } else {
        format!("{}\n", table(&shown.accounts))
    };
    print(&harmless(&text)).map_err(Failure::output)
}

async fn look(store: &RedbStore, args: &Args) -> Result<Shown, Failure> {
    let all = store.all_accounts().await?;
    let accounts: Vec<Account> = all.accounts.into_iter().flatten().collect();
    let mut reasons = HashMap::new();
    if accounts.iter().any(|account| account.state == AccountState::Suspended) {
        reasons = suspensions(store).await?;
    }
    let mut depths: HashMap<AccountId, usize> = HashMap::new();
    let mut told: Vec<Told> = Vec::new();
    let asked = args.account.as_deref();
    let is_shown = |account: &Account| args.closed || account.state != AccountState::Closed;
    // Parents stand before children.
    for account in accounts.iter().filter(|account| is_shown(account)) {
        let above = account.parent.as_ref().and_then(|parent| depths.get(parent)).copied();
        let is_asked = asked.is_none_or(|asked| account.id.as_str() == asked);
        let depth = match above {
            Some(above) => above.saturating_add(1),
            None if is_asked => 0,
            None => continue,
        };
        depths.insert(account.id.clone(), depth);
        told.push(tell(account, depth, reasons.remove(&account.id)));
    }
    if let Some(asked) = asked.filter(|_| told.is_empty()) {
        return Err(no_account(asked, &accounts));
    }
    let revision = all.revision.map(EntryId::number);
    Ok(Shown { r#type: "accounts", revision, accounts: told })
}

/// Why accounts were suspended last, of those of which it was said, as far as entries are kept.
async fn suspensions(store: &RedbStore) -> Result<HashMap<AccountId, String>, Failure> {
    let (mut reasons, mut from) = (HashMap::new(), EntryId::FIRST);
    loop {
        let page = store.entries(from, PAGE).await?;
        if page.entries.is_empty() && from >= page.first_kept {
            return Ok(reasons);
        }
        from = page.next.max(page.first_kept);
        for action in page.entries.into_iter().filter_map(|entry| Some(entry.cause?.command.action))
        {
            if let Action::Suspend { account, reason } = action {
                match reason {
                    Some(reason) => reasons.insert(account, reason),
                    None => reasons.remove(&account),
                };
            }
        }
    }
}

fn tell(account: &Account, depth: usize, reason: Option<String>) -> Told {
    let limits = account.limits.iter().map(|usage| LimitTold {
        limit: usage.limit.to_string(),
        unit: usage.limit.unit.clone(),
        spent: usage.spent,
        held: usage.held,
        left: usage.available,
    });
    Told {
        account: account.id.clone(),
        parent: account.parent.clone(),
        state: account.state,
        reason: reason.filter(|_| account.state == AccountState::Suspended),
        priority: account.priority,
        spent: account.spent.clone(),
        held: account.held.clone(),
        limits: limits.collect(),
        depth,
    }
}

fn table(accounts: &[Told]) -> Table {
    let mut table = Table::new(TITLES, TEXT);
    let left = |told: &LimitTold| Amount::new(told.left, told.unit.clone()).to_string();
    for told in accounts {
        let name = format!("{}{}", "  ".repeat(told.depth), one_line(told.account.as_str()));
        let (spent, held) = (told.spent.to_string(), told.held.to_string());
        let reason = one_line(told.reason.as_deref().unwrap_or_default());
        let state = told.state.name();
        let (limit, left_of_first) = told.limits.first().map_or_else(
            || ("-".to_owned(), "-".to_owned()),
            |first| (first.limit.clone(), left(first)),
        );
        table.add([
            name,
            state.to_owned(),
            told.priority.to_string(),
            spent,
            held,
            limit,
            left_of_first,
            reason,
        ]);
        for more in told.limits.iter().skip(1) {
            let nothing = String::new;
            let (limit, its_left) = (more.limit.clone(), left(more));
            table.add([
                nothing(),
                nothing(),
                nothing(),
                nothing(),
                nothing(),
                limit,
                its_left,
                nothing(),
            ]);
        }
    }
    table
}

/// There is no such account; some have names like it.
pub(super) fn no_account(asked: &str, accounts: &[Account]) -> Failure {
    Failure::NoAccount { account: one_line(asked), near: near_to(asked, accounts) }
}

/// The names most like this one, as the end of a sentence.
fn near_to(asked: &str, accounts: &[Account]) -> String {
    let open = accounts.iter().filter(|account| account.state != AccountState::Closed);
    let near = near::names(asked, open.map(|account| account.id.as_str()));
    if near.is_empty() {
        return "; `safeguards budget show` has those that there are".to_owned();
    }
    format!("; did you mean {}?", one_line(&near.join(", ")))
}
