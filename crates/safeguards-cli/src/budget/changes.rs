//! What entries changed besides what was spent: limits, priorities, suspensions, where accounts stand; and who did it.

use safeguards_budget::{Action, Entry, Limit};
use safeguards_types::{AccountId, Amount, Unit};
use serde_json::Value;

use crate::{
    table::Table,
    text::{cut, one_line, to_the_second},
};

const TITLES: [&str; 6] = ["entry", "at (UTC)", "account", "did", "what", "by"];
const TEXT: &[usize] = &[1, 2, 3, 4, 5];
/// How many letters of what was changed are shown.
const WHAT_MAX: usize = 60;

/// The account that an entry changed, and to what. `None` of what only spends or sets aside.
pub(super) fn of(entry: &Entry) -> Option<(&AccountId, String)> {
    let action = &entry.cause.as_ref()?.command.action;
    let amount = |quantity, unit: &Unit| Amount::new(quantity, unit.clone()).to_string();
    Some(match action {
        Action::OpenAccount(open) => {
            let limits: Vec<String> = open.limits.iter().map(Limit::to_string).collect();
            let parent = open.parent.iter().map(|parent| format!("below {parent}"));
            (&open.account, parent.chain(limits).collect::<Vec<_>>().join(", "))
        }
        Action::SetLimit { account, limit } => (account, limit.to_string()),
        Action::SetRemaining { account, unit, window, amount: left } => {
            (account, format!("{} left ({window})", amount(*left, unit)))
        }
        Action::RemoveLimit { account, unit, window } => (account, format!("{unit} ({window})")),
        Action::SetParent { account, parent, .. } => {
            let place = parent.as_ref().map(|parent| format!("below {parent}"));
            (account, place.unwrap_or_else(|| "below nothing".to_owned()))
        }
        Action::SetPriority { account, priority } => (account, priority.to_string()),
        Action::Suspend { account, reason } | Action::Resume { account, reason } => {
            (account, reason.clone().unwrap_or_default())
        }
        Action::Transfer { from, to, unit, amount: moved } => {
            (from, format!("{} to {to}", amount(*moved, unit)))
        }
        Action::Allocate { parent, .. } => (parent, String::new()),
        Action::Divide(divide) => (&divide.parent, String::new()),
        Action::Reclaim { account, .. }
        | Action::CloseAccount { account }
        | Action::SetProtection { account, .. } => (account, String::new()),
        // What spends or sets aside is no change of terms, and a unit is of no account.
        Action::Charge(_) | _ => return None,
    })
}

/// One line for each entry that changed something.
pub(super) fn table<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Table {
    let mut table = Table::new(TITLES, TEXT);
    let or_none = |text: &str| if text.is_empty() { "-".to_owned() } else { one_line(text) };
    for entry in entries {
        let Some((account, what)) = of(entry) else { continue };
        let by = entry.metadata().and_then(|metadata| metadata.get("by")).and_then(Value::as_str);
        table.add([
            entry.id.number().to_string(),
            to_the_second(entry.at),
            one_line(account.as_str()),
            entry.name().to_owned(),
            cut(&or_none(&what), WHAT_MAX),
            or_none(by.unwrap_or_default()),
        ]);
    }
    table
}
