//! [`gather`]: adds up what entries say was spent.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
};

use safeguards_budget::{Action, Entry, EntryId, Fact, Ledger, Posting};
use safeguards_redb::RedbStore;
use safeguards_types::{AccountId, Amount, Amounts, Quantity, Timestamp, Unit};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::By;
use crate::{durable::Failure, text::to_the_second};

/// How many entries are read at once.
const PAGE: usize = 10_000;

/// From when until before when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
}

impl Span {
    fn has(self, at: Timestamp) -> bool {
        self.since.is_none_or(|since| since <= at) && self.until.is_none_or(|until| at < until)
    }
}

/// What was spent, row by row and in all.
#[derive(Debug, Serialize)]
pub(super) struct Gathered {
    /// How many entries before the first that is kept are in no row.
    pub(super) forgotten: u64,
    pub(super) rows: Vec<Row>,
    /// The same of each unit, without what rows stand for.
    pub(super) totals: Vec<Row>,
}

/// What was spent of one unit by whatever a row stands for.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    /// In the order asked for; `None` where it is not known, or there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) keys: Vec<Option<String>>,
    pub(super) unit: Unit,
    pub(super) spent: Quantity,
    pub(super) refunded: Quantity,
    /// What was spent less what came back; below zero where more came back in this time than was spent.
    pub(super) net: Net,
    /// How many entries it is made of.
    pub(super) entries: u64,
}

/// What was spent less what came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Net(i128);

impl Net {
    pub(super) const fn of(steps: i128) -> Self {
        Self(steps)
    }

    /// In steps of 10⁻¹² units.
    pub(super) const fn steps(self) -> i128 {
        self.0
    }

    pub(super) const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    const fn size(self) -> Quantity {
        Quantity::told(self.0.saturating_abs())
    }

    const fn sign(self) -> &'static str {
        if self.0 < 0 { "-" } else { "" }
    }

    /// Such as `-0.01 USD`.
    pub(super) fn amount(self, unit: &Unit) -> String {
        format!("{}{}", self.sign(), Amount::new(self.size(), unit.clone()))
    }
}

impl fmt::Display for Net {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.sign(), self.size())
    }
}

impl Serialize for Net {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

type Keys = Vec<Option<String>>;

#[derive(Debug, Default)]
struct Sum {
    spent: Quantity,
    refunded: Quantity,
    entries: u64,
}

impl Sum {
    fn row(&self, keys: Keys, unit: Unit) -> Row {
        let Self { spent, refunded, entries } = *self;
        let net = Net(spent.steps().saturating_sub(refunded.steps()));
        Row { keys, unit, spent, refunded, net, entries }
    }
}

/// Reads all entries, page by page, and adds up what was spent.
pub(super) async fn gather(
    store: &RedbStore,
    by: &[By],
    span: Span,
    unit: Option<&Unit>,
) -> Result<Gathered, Failure> {
    let accounts = store.all_accounts().await?;
    let parents = accounts.accounts.into_iter().flatten();
    let mut sums = Sums {
        by,
        span,
        unit,
        // Of accounts whose opening is kept no more: as they stand now.
        parents: parents
            .filter_map(|account| Some((account.id, BTreeSet::from([account.parent?]))))
            .collect(),
        models: HashMap::new(),
        units: BTreeSet::new(),
        rows: BTreeMap::new(),
    };
    let mut from = EntryId::FIRST;
    let mut first_kept = EntryId::FIRST;
    loop {
        let page = store.entries(from, PAGE).await?;
        first_kept = first_kept.max(page.first_kept);
        if page.entries.is_empty() && from >= page.first_kept {
            break;
        }
        from = page.next.max(page.first_kept);
        page.entries.iter().for_each(|entry| sums.take(entry));
    }
    if let Some(unit) = unit.filter(|unit| !sums.units.is_empty() && !sums.units.contains(unit)) {
        let units: Vec<&str> = sums.units.iter().map(Unit::as_str).collect();
        return Err(Failure::Wrong {
            what: "the unit",
            given: unit.to_string(),
            why: format!("nothing of it was ever spent; what was is {}", units.join(", ")),
        });
    }
    let forgotten = first_kept.number().saturating_sub(EntryId::FIRST.number());
    Ok(sums.end(forgotten))
}

struct Sums<'a> {
    by: &'a [By],
    span: Span,
    unit: Option<&'a Unit>,
    /// What ever stood above each account, up to the entry that was read last, and what does now.
    parents: HashMap<AccountId, BTreeSet<AccountId>>,
    /// Which model an entry was about, where that is known.
    models: HashMap<EntryId, String>,
    /// Of which anything was ever spent.
    units: BTreeSet<Unit>,
    rows: BTreeMap<(Keys, Unit), Sum>,
}

impl Sums<'_> {
    fn take(&mut self, entry: &Entry) {
        match entry.cause.as_ref().map(|cause| &cause.command.action) {
            Some(Action::OpenAccount(open)) => {
                self.stands_below(&open.account, open.parent.as_ref());
            }
            Some(Action::SetParent { account, parent, .. }) => {
                self.stands_below(account, parent.as_ref());
            }
            Some(_) | None => {}
        }
        let model = entry.metadata().and_then(|metadata| metadata.get("model"));
        let model = model.and_then(Value::as_str);
        if let Some(posting) = entry.fact.spending() {
            if let Some(model) = model.filter(|_| self.by.contains(&By::Model)) {
                self.models.insert(entry.id, model.to_owned());
            }
            self.add(entry, posting, model, |sum| &mut sum.spent);
        } else if let Fact::Refunded(refunded) = &entry.fact {
            let of_what_it_was = self.models.get(&refunded.of).cloned();
            let model = of_what_it_was.as_deref().or(model);
            self.add(entry, &refunded.posting, model, |sum| &mut sum.refunded);
        }
    }

    fn stands_below(&mut self, account: &AccountId, parent: Option<&AccountId>) {
        if let Some(parent) = parent {
            self.parents.entry(account.clone()).or_default().insert(parent.clone());
        }
    }

    fn add(
        &mut self,
        entry: &Entry,
        posting: &Posting,
        model: Option<&str>,
        which: fn(&mut Sum) -> &mut Quantity,
    ) {
        for unit in posting.amounts.iter().map(Amount::unit) {
            if !self.units.contains(unit) {
                self.units.insert(unit.clone());
            }
        }
        if !self.span.has(entry.at) {
            return;
        }
        let keys: Keys = self.by.iter().map(|by| self.key(*by, entry, posting, model)).collect();
        let amounts: &Amounts = &posting.amounts;
        for amount in amounts {
            let unit = amount.unit();
            if self.unit.is_some_and(|only| only != unit) {
                continue;
            }
            let sum = self.rows.entry((keys.clone(), unit.clone())).or_default();
            let so_far = which(sum);
            *so_far = so_far.saturating_add(amount.quantity());
            sum.entries = sum.entries.saturating_add(1);
        }
    }

    fn key(&self, by: By, entry: &Entry, posting: &Posting, model: Option<&str>) -> Option<String> {
        match by {
            By::Agent => Some(posting.spender.to_string()),
            // It counts at what it stood below, whatever moved since: the next one in the set, unless that is a scope.
            By::Pool => {
                let mut upward = posting.set.iter().skip_while(|one| **one != posting.spender);
                let above = upward.nth(1)?;
                self.parents.get(&posting.spender)?.get(above).map(ToString::to_string)
            }
            By::Model => model.map(str::to_owned),
            By::Day => to_the_second(entry.at).get(..10).map(str::to_owned),
        }
    }

    fn end(self, forgotten: u64) -> Gathered {
        let mut totals: BTreeMap<Unit, Sum> = BTreeMap::new();
        for ((_, unit), sum) in &self.rows {
            let total = totals.entry(unit.clone()).or_default();
            total.spent = total.spent.saturating_add(sum.spent);
            total.refunded = total.refunded.saturating_add(sum.refunded);
            total.entries = total.entries.saturating_add(sum.entries);
        }
        let totals = totals.into_iter().map(|(unit, sum)| sum.row(Vec::new(), unit)).collect();
        let rows = self.rows.into_iter().map(|((keys, unit), sum)| sum.row(keys, unit)).collect();
        Gathered { forgotten, rows, totals }
    }
}
