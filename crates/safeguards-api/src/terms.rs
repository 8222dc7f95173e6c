//! Terms in words: what an account was asked for as, and what it is.

use safeguards_budget::{Account, Limit, OpenAccount, ProtectionStep};
use safeguards_types::{AccountId, Priority};

/// What a request asks for: `priority 7, in pool research, 2.00 USD`.
pub(crate) fn of_request(open: &OpenAccount) -> String {
    words(open.priority, open.parent.as_ref(), open.limits.iter(), &open.protection)
}

/// What an account is, in the same words.
pub(crate) fn of_account(account: &Account) -> String {
    let limits = account.limits.iter().map(|usage| &usage.limit);
    words(account.priority, account.parent.as_ref(), limits, &account.protection)
}

/// Everything that tells one set of terms from another.
pub(crate) fn words<'a>(
    priority: Priority,
    pool: Option<&AccountId>,
    limits: impl Iterator<Item = &'a Limit>,
    protection: &[ProtectionStep],
) -> String {
    let mut words = vec![format!("priority {priority}")];
    words.push(pool.map_or_else(|| "in no pool".to_owned(), |pool| format!("in pool {pool}")));
    for limit in limits {
        words.push(limit.to_string());
        let warnings = limit.warnings().iter().map(|share| format!("warns at {share} %"));
        words.extend(warnings);
    }
    let steps = protection.iter();
    words.extend(steps.map(|step| format!("last {} % from priority {}", step.last, step.from)));
    words.join(", ")
}
