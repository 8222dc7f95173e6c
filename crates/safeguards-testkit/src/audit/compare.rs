//! What a ledger shows, beside what its entries say.

use safeguards_budget::{
    Account, Accounts, EntryId, HoldId, HoldState, HoldView, LimitUsage, Overrun, Window,
};
use safeguards_types::{AccountId, Amounts, Quantity, Timestamp, Unit};

use super::{
    Audited, Discrepancy, Figures, Found, Rule,
    state::{Cap, CapAt, Node, Number, Span, State, Used},
};

impl Audited {
    /// The last entry that was read.
    pub fn revision(&self) -> Option<EntryId> {
        self.state.revision
    }

    /// How much was read.
    pub fn figures(&self) -> Figures {
        self.figures
    }

    /// Every account, in the order in which they were opened.
    pub fn accounts(&self) -> Vec<AccountId> {
        self.state.opened.clone()
    }

    /// Every hold, in the order of their ids.
    pub fn holds(&self) -> Vec<HoldId> {
        let mut holds: Vec<_> = self.state.holds.keys().copied().collect();
        holds.sort();
        holds
    }

    /// Compares accounts that a ledger shows with what its entries say.
    ///
    /// They must have been read at the revision of the last entry, with no hold due that was not ended (what is
    /// due is not shown as held, though no entry says so yet). Each must exist: ask for [`Audited::accounts`], or
    /// for some of them.
    pub fn compare(&self, read: &Accounts) -> Vec<Discrepancy> {
        let mut found = Found::default();
        found.unless(
            read.revision == self.state.revision,
            Rule::Reading,
            format_args!("read at {:?}, audited up to {:?}", read.revision, self.state.revision),
        );
        for (account, place) in read.accounts.iter().zip(1_u64..) {
            let Some(account) = account else {
                found.add(
                    Rule::Reading,
                    format_args!("account {place} of those asked is not there"),
                );
                continue;
            };
            match self.state.nodes.get(&account.id) {
                Some(node) => compare_account(&mut found, &self.state, node, account),
                None => found
                    .add(Rule::Reading, format_args!("account `{}` was never opened", account.id)),
            }
        }
        found.list
    }

    /// Compares holds that a ledger shows with what its entries say: one for each that was asked for.
    ///
    /// Holds that ended may be forgotten, open ones never. A hold that is due may be shown as expired before
    /// an entry says so.
    pub fn compare_holds(&self, asked: &[HoldId], read: &[Option<HoldView>]) -> Vec<Discrepancy> {
        let mut found = Found::default();
        found.unless(
            asked.len() == read.len(),
            Rule::Reading,
            format_args!("{} holds asked for, {} read", asked.len(), read.len()),
        );
        for (hold, view) in asked.iter().zip(read) {
            let predicted = self.state.holds.get(hold);
            match (predicted, view) {
                (None, None) => {}
                (None, Some(_)) => {
                    found.add(Rule::Reading, format_args!("hold {hold} was never placed"));
                }
                (Some(record), None) => found.unless(
                    record.state != HoldState::Open,
                    Rule::Reading,
                    format_args!("hold {hold} is open and not shown"),
                ),
                (Some(record), Some(view)) => {
                    let HoldView { id, account, state, left, expires_at, set, .. } = view;
                    let is_same = id == hold
                        && *account == record.spender
                        && *expires_at == record.expires_at
                        && *set == record.set;
                    found.unless(
                        is_same,
                        Rule::Reading,
                        format_args!("hold {hold} is shown as {view:?}, predicted {record:?}"),
                    );
                    let ran_out = record.state == HoldState::Open && *state == HoldState::Expired;
                    let as_told = *state == record.state && *left == record.left;
                    found.unless(
                        as_told || (ran_out && left.is_zero()),
                        Rule::Reading,
                        format_args!(
                            "hold {hold} is {} with `{left}` left, predicted {} with `{}`",
                            state.name(),
                            record.state.name(),
                            record.left,
                        ),
                    );
                }
            }
        }
        found.list
    }
}

/// Every field is named, so that a new one is thought of here.
fn compare_account(found: &mut Found, state: &State, node: &Node, account: &Account) {
    let id = &account.id;
    let mut check =
        |is_same: bool, what: &str, shown: &dyn std::fmt::Debug, told: &dyn std::fmt::Debug| {
            found.unless(
                is_same,
                Rule::Reading,
                format_args!("{id}: {what} is {shown:?}, predicted {told:?}"),
            );
        };
    check(account.parent == node.parent, "the parent", &account.parent, &node.parent);
    check(account.state == node.state, "the state", &account.state, &node.state);
    check(account.priority == node.priority, "the priority", &account.priority, &node.priority);
    check(
        account.protection == node.protection,
        "the protection",
        &account.protection,
        &node.protection,
    );
    check(account.metadata == node.metadata, "the metadata", &account.metadata, &node.metadata);
    compare_counters(found, node, account);
    for cap in &node.caps {
        let shown = account.limit(&cap.limit.unit, &cap.limit.window);
        match shown {
            Some(usage) => compare_limit(found, state, id, node, cap, usage),
            None => {
                found
                    .add(Rule::Reading, format_args!("{id}: the limit {} is not shown", cap.limit));
            }
        }
    }
    found.unless(
        account.limits.len() == node.caps.len(),
        Rule::Reading,
        format_args!("{id}: {} limits, predicted {}", account.limits.len(), node.caps.len()),
    );
}

/// Units are named where more than 0 was ever counted or held.
fn compare_counters(found: &mut Found, node: &Node, account: &Account) {
    let Account { id, spent, held, spent_directly, held_directly, .. } = account;
    let named =
        |amounts: &Amounts| amounts.iter().map(|amount| amount.unit().clone()).collect::<Vec<_>>();
    let units: Vec<Unit> = node.counters.keys().cloned().collect();
    found.unless(
        named(spent) == units && named(held) == units,
        Rule::Reading,
        format_args!("{id}: spent `{spent}` and held `{held}`, predicted of {units:?}"),
    );
    for unit in named(spent_directly).iter().chain(&named(held_directly)) {
        found.unless(
            node.counters.contains_key(unit),
            Rule::Reading,
            format_args!("{id}: {unit} was never counted directly"),
        );
    }
    for (unit, counters) in &node.counters {
        let pairs = [
            ("spent", spent, counters.spent),
            ("held", held, counters.held),
            ("spent directly", spent_directly, counters.spent_directly),
            ("held directly", held_directly, counters.held_directly),
        ];
        for (what, shown, told) in pairs {
            let shown = shown.get(unit).steps();
            found.unless(
                shown == told,
                Rule::Reading,
                format_args!("{id}: {} {unit} {what}, predicted {}", Number(shown), Number(told)),
            );
        }
    }
}

fn compare_limit(
    found: &mut Found,
    state: &State,
    id: &AccountId,
    node: &Node,
    cap: &Cap,
    usage: &LimitUsage,
) {
    let LimitUsage {
        limit,
        spent,
        held,
        available,
        over_by,
        window_started_at,
        window_ends_at,
        ..
    } = usage;
    found.unless(
        *limit == cap.limit,
        Rule::Reading,
        format_args!("{id}: the limit is {limit:?}, predicted {:?}", cap.limit),
    );
    let shown_window = (*window_started_at, *window_ends_at);
    // What is read may have begun a window of which no entry tells yet: in that nothing is counted.
    let told = match (&cap.span, shown_window) {
        (None, (None, None)) => Some(node.used(cap, state.latest)),
        (Some(span), (Some(started_at), Some(ends_at))) if span.is(started_at, ends_at) => {
            (!span.is_over(state.latest)).then_some(span.used)
        }
        (Some(span), (Some(started_at), Some(ends_at))) => {
            let shown = Span { started_at, ends_at, used: Used::default() };
            (span.ends_at <= started_at && !shown.is_over(state.latest)).then_some(shown.used)
        }
        _ => None,
    };
    let Some(told) = told else {
        found.add(
            Rule::Reading,
            format_args!("{id}: {limit} counts in {shown_window:?} after {:?}", cap.span),
        );
        return;
    };
    let amount = cap.limit.amount.steps();
    let rest = amount.saturating_sub(told.sum());
    let numbers = [
        ("spent", *spent, told.spent),
        ("held", *held, told.held),
        ("available", *available, rest.max(0)),
        ("over", *over_by, rest.saturating_neg().max(0)),
    ];
    for (what, shown, told) in numbers {
        found.unless(
            shown.steps() == told,
            Rule::Reading,
            format_args!("{id}: of {limit} {shown} {what}, predicted {}", Number(told)),
        );
    }
}

/// A hard limit that is above what it should be, as a receipt must tell it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Over {
    account: AccountId,
    unit: Unit,
    window: Window,
    limit: Quantity,
    spent: Quantity,
    held: Quantity,
    by: Quantity,
}

impl State {
    /// Which of these limits are passed now.
    pub(super) fn overruns(&self, raised: &[CapAt], at: Timestamp) -> Vec<Over> {
        let overrun = |cap_at: &CapAt| {
            let cap = self.cap(cap_at)?;
            let used = self.nodes.get(&cap_at.account)?.used(cap, at);
            let over_by = used.sum().saturating_sub(cap.limit.amount.steps());
            (over_by > 0).then(|| Over {
                account: cap_at.account.clone(),
                unit: cap.limit.unit.clone(),
                window: cap.limit.window.clone(),
                limit: cap.limit.amount,
                spent: Quantity::told(used.spent),
                held: Quantity::told(used.held),
                by: Quantity::told(over_by),
            })
        };
        raised.iter().filter_map(overrun).collect()
    }
}

impl PartialEq<Overrun> for Over {
    fn eq(&self, told: &Overrun) -> bool {
        let Self { account, unit, window, limit, spent, held, by } = self;
        *account == told.account
            && *unit == told.unit
            && *window == told.window
            && *limit == told.limit
            && *spent == told.spent
            && *held == told.held
            && *by == told.over_by
    }
}
