//! The auditor: reads entries and nothing else, and says what every counter must be.
//!
//! It is written apart from every ledger, from the text of the rules alone, and shares no line with one. Give
//! it all entries of a ledger from the first on; it predicts accounts, limits, holds and counters, checks the
//! laws while it reads, and compares what it predicted with what the ledger shows when it is asked.
//!
//! What it takes from an entry is what an entry is bound to tell: who spent, the frozen set, the amounts, and
//! the windows counted in. What follows from that it works out by itself, and a ledger whose entry says
//! otherwise hears of it:
//!
//! - entries are numbered without gaps, and only an expiry is stamped earlier than what came before it;
//! - the set of a charge is the spender, those above it, the scopes and those above them, as the tree was;
//! - no charge or hold went above a hard limit less what was protected from its spender, and none was granted
//!   at a suspended or closed account or in a unit that was not registered;
//! - each amount is counted in exactly the windows that it belongs to;
//! - a hold ends once; a settlement of an ended one is late; a due one is ended before anything is decided
//!   about its accounts;
//! - a refund takes back at most what was spent, out of the excess first;
//! - transfer, allocate, divide and reclaim leave the sums that they promise;
//! - an operation stands in one entry, and its receipt tells what is left, and what is over, as it is.
//!
//! It does not judge denials, crossed thresholds or shadow limits: a model of the ledger does that.
//!
//! # For authors of ledgers
//!
//! [`audit_ledger`] asks everything of a ledger that nobody writes to meanwhile:
//!
//! ```
//! use safeguards_budget::{Charge, LedgerExt, Limit, MemoryLedger, OpenAccount};
//! use safeguards_testkit::audit::audit_ledger;
//! use safeguards_types::usd;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ledger = MemoryLedger::new();
//! let open = OpenAccount::new("reader").limit(Limit::lifetime(usd!(1)));
//! ledger.open_account(open, ledger.operation()).await?;
//! ledger.charge(Charge::new("reader", usd!(0.42)), ledger.operation()).await?;
//! assert_eq!(audit_ledger(&ledger).await?, []);
//! # Ok(())
//! # }
//! ```
//!
//! A ledger that forgets old entries is read along while it works: hand each page to [`Auditor::read_all`] as
//! it comes, and [`Auditor::finish`] at the end.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what an entry must not say is found, also of kinds that are added later"
)]

mod change;
mod compare;
mod figures;
mod limits;
mod state;
#[cfg(test)]
mod tests;
mod tree;
mod windows;

use std::fmt;

use safeguards_budget::{
    Action, Cause, Charge, Entry, EntryId, Fact, HoldId, Ledger, LedgerError, Posting, Receipt,
};
use safeguards_types::{AccountId, Amounts, Timestamp, Unit};

pub use self::figures::Figures;
use self::state::{CapAt, Number, State};

/// How many discrepancies are kept: one mistake early on can be followed by thousands.
const FOUND_MAX: usize = 100;
/// How many entries are asked for at once.
const PAGE: usize = 1_000;

/// Something that is not as the rules say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Discrepancy {
    /// The entry that was read; `None` where what the ledger shows differs from what was predicted.
    pub entry: Option<EntryId>,
    /// Which rule it breaks.
    pub rule: Rule,
    /// What is wrong, with names and numbers.
    pub what: String,
}

/// Which rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// Entries are numbered from 1 without gaps, and their instants do not go back.
    Order,
    /// An entry tells what its command can lead to, about accounts and holds that exist.
    Fact,
    /// An operation stands in one entry.
    Once,
    /// The set is the spender's, as the tree was.
    Set,
    /// No grant goes over a hard limit.
    Overshoot,
    /// Nothing is granted at a suspended or closed account, or in an unknown unit.
    Stopped,
    /// Amounts are counted in the windows that they belong to.
    Windows,
    /// A hold ends once, at its time.
    Holds,
    /// What comes back is at most what was spent.
    Refunds,
    /// Limits are as the command says, and sums are kept.
    Limits,
    /// The tree has no cycle, and what is closed is empty.
    Tree,
    /// A receipt tells what is left and what is over.
    Receipt,
    /// What the ledger shows is what its entries say.
    Reading,
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entry, rule, what } = self;
        match entry {
            Some(entry) => write!(out, "entry {entry} ({rule:?}): {what}"),
            None => write!(out, "after the last entry ({rule:?}): {what}"),
        }
    }
}

/// Reads entries one after the other, from the first, and predicts what they lead to.
#[derive(Debug, Default)]
pub struct Auditor {
    state: State,
    figures: Figures,
    found: Found,
}

/// What the entries say: every account, limit and hold as it must be after the last of them.
#[derive(Debug, Default)]
pub struct Audited {
    state: State,
    figures: Figures,
}

/// What was found so far, and which entry is being read.
#[derive(Debug, Default)]
struct Found {
    reading: Option<EntryId>,
    list: Vec<Discrepancy>,
}

impl Found {
    fn add(&mut self, rule: Rule, what: impl fmt::Display) {
        if self.list.len() < FOUND_MAX {
            self.list.push(Discrepancy { entry: self.reading, rule, what: what.to_string() });
        }
    }

    /// Adds it where the claim does not hold.
    fn unless(&mut self, claim: bool, rule: Rule, what: fmt::Arguments<'_>) {
        if !claim {
            self.add(rule, what);
        }
    }
}

/// Reads all entries of a journal, from the first.
///
/// # Errors
///
/// What breaks a rule, in the order in which it was found; at most a hundred of it.
pub fn audit(entries: &[Entry]) -> Result<Audited, Vec<Discrepancy>> {
    let mut auditor = Auditor::new();
    auditor.read_all(entries);
    auditor.finish()
}

/// Ends the holds of a ledger that are due, reads all its entries, then all its accounts and holds, and gives
/// what is not as it must be.
///
/// The ledger must have kept its first entry; nobody may write to it and its clock must not move meanwhile.
///
/// # Errors
///
/// Where the ledger cannot answer.
pub async fn audit_ledger(ledger: &dyn Ledger) -> Result<Vec<Discrepancy>, LedgerError> {
    ledger.tick().await?;
    let (mut auditor, mut from) = (Auditor::new(), EntryId::FIRST);
    loop {
        let page = ledger.entries(from, PAGE).await?;
        if page.entries.is_empty() {
            break;
        }
        auditor.read_all(&page.entries);
        from = page.next;
    }
    let audited = match auditor.finish() {
        Ok(audited) => audited,
        Err(found) => return Ok(found),
    };
    let accounts = ledger.accounts(&audited.accounts()).await?;
    let holds = audited.holds();
    let views = ledger.holds(&holds).await?;
    let mut found = audited.compare(&accounts);
    found.extend(audited.compare_holds(&holds, &views));
    Ok(found)
}

impl Auditor {
    /// An auditor who has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The last entry that was read.
    pub fn revision(&self) -> Option<EntryId> {
        self.state.revision
    }

    /// What was found so far.
    pub fn found(&self) -> &[Discrepancy] {
        &self.found.list
    }

    /// What the entries so far say.
    ///
    /// # Errors
    ///
    /// What breaks a rule, in the order in which it was found; at most a hundred of it.
    pub fn finish(self) -> Result<Audited, Vec<Discrepancy>> {
        let Self { state, figures, found } = self;
        if found.list.is_empty() { Ok(Audited { state, figures }) } else { Err(found.list) }
    }

    /// Reads the next entries.
    pub fn read_all<'e>(&mut self, entries: impl IntoIterator<Item = &'e Entry>) {
        for entry in entries {
            self.read(entry);
        }
    }

    /// Reads the next entry.
    pub fn read(&mut self, entry: &Entry) {
        self.found.reading = Some(entry.id);
        self.check_order(entry);
        match &entry.cause {
            Some(cause) => self.read_command(entry, cause),
            None => self.read_expiry(entry),
        }
        self.state.revision = Some(entry.id);
        self.state.latest = self.state.latest.max(entry.at);
        Figures::count(&mut self.figures.entries);
    }

    fn check_order(&mut self, entry: &Entry) {
        let expected = self.state.revision.map_or(EntryId::FIRST, EntryId::next);
        self.found.unless(
            entry.id == expected,
            Rule::Order,
            format_args!("number {expected} was expected"),
        );
        let latest = self.state.latest;
        self.found.unless(
            entry.cause.is_none() || entry.at >= latest,
            Rule::Order,
            format_args!("{} is before {latest}, to which the ledger had come", entry.at),
        );
    }

    fn read_expiry(&mut self, entry: &Entry) {
        match &entry.fact {
            Fact::Freed { hold, posting } => {
                if let Some(held) = self.state.holds.get(hold) {
                    let due = held.expires_at;
                    self.found.unless(
                        entry.at == due,
                        Rule::Holds,
                        format_args!("hold {hold} expired at {}, due at {due}", entry.at),
                    );
                }
                self.free(entry, *hold, posting);
                Figures::count(&mut self.figures.expired);
            }
            other => self.found.add(Rule::Fact, format_args!("time alone led to {other:?}")),
        }
    }

    fn read_command(&mut self, entry: &Entry, cause: &Cause) {
        let Cause { command, receipt, .. } = cause;
        let op = command.op;
        let first = self.state.ops.insert(op);
        self.found.unless(first, Rule::Once, format_args!("operation {op} stands in two entries"));
        self.found.unless(
            receipt.entry == entry.id && receipt.at == entry.at,
            Rule::Receipt,
            format_args!("the receipt names entry {} at {}", receipt.entry, receipt.at),
        );

        let hold = HoldId::placed_by(op);
        let told = match (&command.action, &entry.fact) {
            (Action::Charge(charge), Fact::Spent(posting)) => {
                self.grant(entry, charge, posting);
                self.spend(entry, op, posting)
            }
            (Action::Record(charge), Fact::Spent(posting)) => {
                self.check_posting(entry, charge, posting);
                self.spend(entry, op, posting)
            }
            (Action::PlaceHold(place), Fact::Held { posting, expires_at }) => {
                self.grant(entry, &place.charge, posting);
                let due = entry.at.saturating_add(place.ttl);
                self.found.unless(
                    *expires_at == due,
                    Rule::Holds,
                    format_args!("it expires at {expires_at} and not at {due}"),
                );
                self.place(entry, hold, posting, *expires_at)
            }
            (Action::ExtendHold { hold, ttl }, Fact::Extended { hold: extended, expires_at }) => {
                self.check_same_hold(*hold, *extended);
                self.extend(entry, *hold, entry.at.saturating_add(*ttl), *expires_at)
            }
            (Action::Settle(settle), Fact::Settled(settled)) => {
                self.settle(entry, op, settle, settled)
            }
            (Action::Release { hold }, Fact::Freed { hold: freed, posting }) => {
                self.check_same_hold(*hold, *freed);
                self.check_open(entry, *hold);
                self.free(entry, *hold, posting)
            }
            (Action::Refund { of, amounts }, Fact::Refunded(refunded)) => {
                self.refund(entry, *of, amounts, refunded)
            }
            (action, Fact::LimitsSet(set)) => {
                self.set_limits(entry, action, set);
                Told::default()
            }
            (action, Fact::AsCommanded) => {
                self.take_as_commanded(entry, action);
                Told::default()
            }
            (action, other) => {
                self.found.add(Rule::Fact, format_args!("`{}` led to {other:?}", action.name()));
                return;
            }
        };
        if let Action::OpenAccount(open) = &command.action
            && let Some(node) = self.state.nodes.get_mut(&open.account)
        {
            node.metadata.clone_from(&command.metadata);
        }
        self.check_receipt(entry, &told, receipt);
    }

    fn check_same_hold(&mut self, asked: HoldId, told: HoldId) {
        self.found.unless(
            asked == told,
            Rule::Fact,
            format_args!("hold {told} and not {asked}, which the command names"),
        );
    }

    /// What a spender asked for is what was counted, where the tree says, in units that are known.
    fn check_posting(&mut self, entry: &Entry, charge: &Charge, posting: &Posting) {
        let Posting { spender, set, amounts, .. } = posting;
        self.found.unless(
            *spender == charge.account && same_amounts(amounts, &charge.amounts),
            Rule::Fact,
            format_args!(
                "{spender} and {amounts}, asked {} and {}",
                charge.account, charge.amounts
            ),
        );
        let expected = self.state.charge_set(&charge.account, &charge.scopes);
        self.found.unless(
            **set == *expected,
            Rule::Set,
            format_args!("counted at {set:?}, the tree says {expected:?}"),
        );
        for amount in amounts {
            let (unit, steps) = (amount.unit(), amount.quantity().steps());
            let known = self.state.units.contains(unit);
            self.found.unless(known, Rule::Stopped, format_args!("unit `{unit}` is unknown"));
            self.found.unless(steps > 0, Rule::Fact, format_args!("an amount of 0 {unit}"));
        }
        self.check_swept(entry.at, set);
    }

    /// Law 1: what was granted fitted every hard limit of the set as it was before.
    fn grant(&mut self, entry: &Entry, charge: &Charge, posting: &Posting) {
        self.check_posting(entry, charge, posting);
        self.check_not_stopped(&posting.set);
        let priority = self.state.priority(&posting.spender);
        for account in posting.set.iter() {
            let Some(node) = self.state.nodes.get(account) else { continue };
            for cap in node.caps.iter().filter(|cap| cap.limit.is_hard()) {
                let asked = posting.amounts.get(&cap.limit.unit).steps();
                if asked == 0 {
                    continue;
                }
                let protected = node.protected(&cap.limit, priority);
                let used = node.used(cap, entry.at);
                let limit = cap.limit.amount.steps();
                let needed = used.sum().saturating_add(asked).saturating_add(protected);
                self.found.unless(
                    needed <= limit,
                    Rule::Overshoot,
                    format_args!(
                        "{account} granted {} of {}: {} spent, {} held, {} protected",
                        Number(asked),
                        cap.limit,
                        Number(used.spent),
                        Number(used.held),
                        Number(protected),
                    ),
                );
                self.figures.note_use(used.sum().saturating_add(asked), limit);
            }
        }
        Figures::count(&mut self.figures.grants);
    }

    /// Nothing new is granted where an account of the set is suspended or closed.
    fn check_not_stopped(&mut self, set: &[AccountId]) {
        if let Some((id, state)) = self.state.stopped(set) {
            self.found
                .add(Rule::Stopped, format_args!("granted although {id} is {}", state.name()));
        }
    }

    /// Each decision first ends the holds of its accounts that are due.
    fn check_swept(&mut self, at: Timestamp, set: &[AccountId]) {
        if let Some((due, hold)) = self.state.unswept(at, set) {
            self.found
                .add(Rule::Holds, format_args!("hold {hold} was due at {due} and counts still"));
        }
    }

    /// What a receipt says is left, over and late is so.
    fn check_receipt(&mut self, entry: &Entry, told: &Told, receipt: &Receipt) {
        let available = self.state.available(&told.set, &told.units, entry.at);
        self.found.unless(
            receipt.available == available,
            Rule::Receipt,
            format_args!("`{}` available, there is `{available}`", receipt.available),
        );
        self.found.unless(
            receipt.late == told.late,
            Rule::Receipt,
            format_args!("late is {} and should be {}", receipt.late, told.late),
        );
        let overruns = self.state.overruns(&told.raised, entry.at);
        let all_told = overruns.len() == receipt.overrun.len()
            && overruns.iter().all(|over| receipt.overrun.iter().any(|told| over == told));
        self.found.unless(
            all_told,
            Rule::Receipt,
            format_args!("overruns {:?}, there are {overruns:?}", receipt.overrun),
        );
    }
}

/// What a receipt must tell of, as far as it follows from the fact.
#[derive(Debug, Default)]
struct Told {
    /// Where what is left is the least.
    set: Vec<AccountId>,
    /// The units of the command.
    units: Vec<Unit>,
    /// Limits at which a settlement or record raised what is spent.
    raised: Vec<CapAt>,
    late: bool,
}

impl Told {
    fn of(set: &[AccountId], units: Vec<Unit>) -> Self {
        Self { set: set.to_vec(), units, ..Self::default() }
    }
}

/// Whether these are the same amounts; one that is not named is 0.
fn same_amounts(one: &Amounts, other: &Amounts) -> bool {
    let covers = |these: &Amounts, those: &Amounts| {
        these.iter().all(|amount| amount.quantity() == those.get(amount.unit()))
    };
    covers(one, other) && covers(other, one)
}
