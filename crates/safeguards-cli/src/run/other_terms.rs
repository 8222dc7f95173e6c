//! [`ways_out`]: how the accounts of a durable file and a team file come to say the same again.

use std::path::Path;

use safeguards_budget::{Account, Limit, OpenAccount};

/// What somebody can do where a durable file has an account on other terms than its team file, as the end of a sentence.
pub(super) fn ways_out(
    team: &Path,
    store: &Path,
    asked: &OpenAccount,
    existing: &Account,
) -> String {
    let (team, store, account) = (team.display(), store.display(), &existing.id);
    let mut commands = Vec::new();
    let mut verb = |verb: &str, rest: &str| {
        commands.push(format!("`safeguards budget {verb} {account} {rest} --store {store}`"));
    };
    let had: Vec<&Limit> = existing.limits.iter().map(|usage| &usage.limit).collect();
    for limit in asked.limits.iter().filter(|limit| !had.contains(limit)) {
        let shares: Vec<String> = limit.warnings().iter().map(ToString::to_string).collect();
        let shares = if shares.is_empty() { "none".to_owned() } else { shares.join(",") };
        verb("set-limit", &format!("\"{limit}\" --warn-at {shares}"));
    }
    let is_asked = |had: &Limit| {
        let same = |limit: &Limit| (&limit.unit, &limit.window) == (&had.unit, &had.window);
        asked.limits.iter().any(same)
    };
    for limit in had.into_iter().filter(|limit| !is_asked(limit)) {
        verb("remove-limit", &format!("\"{limit}\""));
    }
    if asked.priority != existing.priority {
        verb("set-priority", &asked.priority.to_string());
    }
    let mut ways = Vec::new();
    if !commands.is_empty() {
        ways.push(format!(
            "change the durable file by {}, or {team} to what is there",
            commands.join(" and ")
        ));
    }
    if asked.parent != existing.parent {
        let place = match &existing.parent {
            Some(parent) => format!("below {parent}"),
            None => "below nothing".to_owned(),
        };
        ways.push(format!(
            "it stands {place} for good: the `name` of {team} (its file name unless written) and the pools in it stay as they were"
        ));
    }
    if asked.protection != existing.protection {
        ways.push(format!("`protection` stays as it was: write it so into {team}"));
    }
    ways.join("; ")
}

#[cfg(test)]
mod tests {
    use safeguards_budget::{MemoryLedger, Percent};
    use safeguards_types::{Priority, requests, usd};

    use super::*;

    #[track_caller]
    fn check(asked: &OpenAccount, expected: &str) {
        let ledger = MemoryLedger::new();
        let sync = ledger.sync();
        let limit = Limit::lifetime(usd!(1)).warn_at(Percent::EIGHTY);
        for open in
            [OpenAccount::new("team"), OpenAccount::new("writer").under("team").limit(limit)]
        {
            sync.open_account(open, ledger.operation()).unwrap();
        }
        let read = sync.accounts(&["writer".into()]).accounts;
        let existing = read[0].as_ref().unwrap();
        let ways = ways_out(Path::new("team.toml"), Path::new("a.redb"), asked, existing);
        assert_eq!(ways, expected);
    }

    #[test]
    fn whoever_asks_for_other_terms_learns_what_to_type() {
        let open = || OpenAccount::new("writer").under("team");
        let limit = Limit::lifetime(usd!(2)).warn_at(Percent::EIGHTY);
        check(
            &open().limit(limit.clone()),
            "change the durable file by `safeguards budget set-limit writer \"2.00 USD\" --warn-at 80 --store a.redb`, \
             or team.toml to what is there",
        );
        check(
            &open().limit(Limit::lifetime(requests!(9))).priority(Priority::P8),
            "change the durable file by `safeguards budget set-limit writer \"9 requests\" --warn-at none --store a.redb` \
             and `safeguards budget remove-limit writer \"1.00 USD\" --store a.redb` \
             and `safeguards budget set-priority writer 8 --store a.redb`, or team.toml to what is there",
        );
        let had = Limit::lifetime(usd!(1)).warn_at(Percent::EIGHTY);
        check(
            &OpenAccount::new("writer").under("idem").limit(had),
            "it stands below team for good: the `name` of team.toml (its file name unless written) and the pools in it stay \
             as they were",
        );
    }
}
