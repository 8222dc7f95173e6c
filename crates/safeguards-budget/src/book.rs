//! The pure book: every decision of the ledger, and nothing else.
//!
//! It takes `now` and commands, and gives outcomes. It reads no clock, touches no file and draws no random
//! number, so the same commands at the same instants give the same book, to the last digit.
//!
//! - `account`: one account, its limits and counters.
//! - `holds`: what is set aside, and when it is due.
//! - `journal`: the newest entries, and with them the operation ids that are remembered.
//! - `check`: whether a command is sound, and whether it fits.
//! - `post`: what an accepted command changes.
//! - `answer`: what its receipt says.
//! - `arena`: values named by small indices.

mod account;
mod answer;
mod arena;
mod check;
mod holds;
mod journal;
mod post;

use std::sync::Arc;

use foldhash::HashMap;
use safeguards_types::{AccountId, Amounts, Quantity, Timestamp, Unit};
use smallvec::SmallVec;

use self::{
    account::{AccountState, LimitState},
    arena::{Arena, Ix},
    holds::{HeldHold, Holds},
    journal::{Journal, Mark},
};
use crate::{
    Accounts, Action, Batch, Command, Denial, EntryId, EntryPage, Fact, Guarantees, HoldId,
    HoldView, Outcome, Posting, Receipt,
};

/// Accounts, holds and the newest entries: decides what may be spent.
///
/// Its memory does not grow with the number of commands: at least the newest 65,536 entries are kept and, up
/// to 1,048,576, those of the last ten minutes, each with its operation id.
///
/// ```
/// use safeguards_budget::{Book, Charge, Command, Limit, OpenAccount};
/// use safeguards_types::{OperationIds, Timestamp, usd};
///
/// let (mut book, ids) = (Book::new(), OperationIds::seeded(7));
/// let now = Timestamp::parse("2026-01-05T09:00:00Z")?;
/// let open = OpenAccount::new("reader").limit(Limit::lifetime(usd!(1)));
/// book.apply(&Command::new(ids.mint(now), open), now)?;
/// let charge = Command::new(ids.mint(now), Charge::new("reader", usd!(0.42)));
/// let receipt = book.apply(&charge, now)?;
/// // Sent again, it is answered again and not paid again.
/// assert_eq!(book.apply(&charge, now)?, receipt);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Book {
    bounds: Guarantees,
    units: Arena<Unit>,
    unit_names: HashMap<Unit, Ix<Unit>>,
    accounts: Arena<AccountState>,
    account_names: HashMap<AccountId, Ix<AccountState>>,
    holds: Holds,
    journal: Journal,
    /// Set while a linked batch is being carried out.
    savepoint: Option<Savepoint>,
}

/// What a linked batch has touched, as it was before.
#[derive(Clone, Debug)]
struct Savepoint {
    units: usize,
    accounts: usize,
    journal: Mark,
    touched_accounts: HashMap<Ix<AccountState>, AccountState>,
    touched_holds: HashMap<HoldId, Option<HeldHold>>,
}

/// Amounts by the book's own names for units, in the order of the units' text.
/// Money, tokens and requests fit without a heap allocation.
type Quantities = SmallVec<[(Ix<Unit>, Quantity); 3]>;

/// Every account at which a command counts, the spender first: settled when the command is accepted.
#[derive(Clone, Debug)]
struct ChargeSet {
    spender: AccountId,
    accounts: Arc<[Ix<AccountState>]>,
    ids: Arc<[AccountId]>,
}

impl ChargeSet {
    fn posting(&self, amounts: Amounts) -> Posting {
        Posting::new(self.spender.clone(), Arc::clone(&self.ids), amounts)
    }
}

impl Default for Book {
    fn default() -> Self {
        Self::new()
    }
}

impl Book {
    /// An empty book, in which dollars, tokens and requests are known.
    pub fn new() -> Self {
        let mut book = Self {
            bounds: Guarantees::in_memory(),
            units: Arena::default(),
            unit_names: HashMap::default(),
            accounts: Arena::default(),
            account_names: HashMap::default(),
            holds: Holds::default(),
            journal: Journal::default(),
            savepoint: None,
        };
        for unit in [Unit::USD, Unit::TOKENS, Unit::REQUESTS] {
            book.know_unit(&unit);
        }
        book
    }

    /// Carries out commands: one outcome for each, in their order.
    pub fn submit(&mut self, batch: &Batch, clock: Timestamp) -> Vec<Outcome> {
        if batch.linked {
            self.submit_linked(&batch.commands, clock)
        } else {
            batch.commands.iter().map(|command| self.apply(command, clock)).collect()
        }
    }

    /// Carries out one command.
    ///
    /// # Errors
    ///
    /// Where it is denied; nothing but the ending of holds that were due is then changed.
    pub fn apply(&mut self, command: &Command, clock: Timestamp) -> Outcome {
        let outcome = self.decide(command, clock);
        self.forget(clock);
        outcome
    }

    fn decide(&mut self, command: &Command, clock: Timestamp) -> Outcome {
        if let Some(answer) = self.journal.answered(command) {
            return answer;
        }
        let now = self.journal.now(clock);
        self.journal.check_age(command.op, now)?;
        self.sweep(&command.action, now);
        match &command.action {
            Action::RegisterUnit { unit } => self.register_unit(command, unit, now),
            Action::OpenAccount(open) => self.open_account(command, open, now),
            Action::SetLimit { account, limit } => self.set_limit(command, account, limit, now),
            Action::SetRemaining { account, unit, window, amount } => {
                self.set_remaining(command, account, (unit, window), *amount, now)
            }
            Action::Charge(charge) => self.charge(command, charge, now),
            Action::PlaceHold(place) => self.place_hold(command, place, now),
            Action::Settle { hold, amounts } => self.settle(command, *hold, amounts, now),
            Action::Release { hold } => self.release(command, *hold, now),
            Action::Record(spent) => self.record(command, spent, now),
        }
    }

    /// Carries out all commands or none.
    fn submit_linked(&mut self, commands: &[Command], clock: Timestamp) -> Vec<Outcome> {
        if commands.len() > self.bounds.commands_max {
            let denial = Denial::BoundExceeded {
                bound: "commands",
                given: commands.len().to_string(),
                allowed: format!("1 to {} in a linked batch", self.bounds.commands_max),
            };
            return linked_failure(commands.len(), 0, &denial);
        }
        // Known commands are answered again only all together: a part of a batch was never carried out.
        let answers: Option<Vec<_>> = commands
            .iter()
            .map(|command| self.journal.answered(command).filter(Result::is_ok))
            .collect();
        if let Some(answers) = answers {
            return answers;
        }
        if let Some(known) = commands.iter().position(|command| self.journal.knows(command.op)) {
            return linked_failure(commands.len(), known, &Denial::OperationConflict);
        }
        self.savepoint = Some(Savepoint {
            units: self.units.len(),
            accounts: self.accounts.len(),
            journal: self.journal.mark(),
            touched_accounts: HashMap::default(),
            touched_holds: HashMap::default(),
        });
        let outcome: Result<Vec<_>, _> = commands
            .iter()
            .enumerate()
            .map(|(index, command)| self.decide(command, clock).map_err(|denial| (index, denial)))
            .collect();
        let savepoint = self.savepoint.take();
        match outcome {
            Ok(receipts) => {
                self.forget(clock);
                receipts.into_iter().map(Ok).collect()
            }
            Err((index, denial)) => {
                if let Some(savepoint) = savepoint {
                    self.return_to(savepoint);
                }
                linked_failure(commands.len(), index, &denial)
            }
        }
    }

    fn return_to(&mut self, savepoint: Savepoint) {
        let Savepoint { units, accounts, journal, touched_accounts, touched_holds } = savepoint;
        for (ix, before) in touched_accounts {
            *self.accounts.get_mut(ix) = before;
        }
        for (id, before) in touched_holds {
            self.holds.restore(id, before);
        }
        self.holds.restore_ended(journal.next_id());
        for account in self.accounts.take_back_to(accounts) {
            self.account_names.remove(&account.id);
        }
        for unit in self.units.take_back_to(units) {
            self.unit_names.remove(&unit);
        }
        self.journal.return_to(journal);
    }

    /// The account, to be changed. Everything that changes one goes through here, so that a linked batch can
    /// be taken back.
    fn account_mut(&mut self, ix: Ix<AccountState>) -> &mut AccountState {
        if let Some(savepoint) = &mut self.savepoint {
            let before = || self.accounts.get(ix).clone();
            savepoint.touched_accounts.entry(ix).or_insert_with(before);
        }
        self.accounts.get_mut(ix)
    }

    /// Puts a hold in place of what was known under its name. Everything that changes one goes through here.
    fn put_hold(&mut self, hold: HeldHold) {
        if let Some(savepoint) = &mut self.savepoint {
            let before = || self.holds.get(hold.id).cloned();
            savepoint.touched_holds.entry(hold.id).or_insert_with(before);
        }
        self.holds.put(hold);
    }

    fn know_unit(&mut self, unit: &Unit) {
        if !self.unit_names.contains_key(unit)
            && let Some(ix) = self.units.push(unit.clone())
        {
            self.unit_names.insert(unit.clone(), ix);
        }
    }

    /// Drops entries that need not be kept, and the ended holds with them.
    fn forget(&mut self, clock: Timestamp) {
        self.journal.forget(self.journal.now(clock));
        self.holds.forget_before(self.journal.first_kept());
    }

    /// Ends the holds that are due. Gives the instant when the next one is.
    pub fn tick(&mut self, clock: Timestamp) -> Option<Timestamp> {
        let now = self.journal.now(clock);
        let due: Vec<_> = self.holds.due(now).map(|hold| hold.id).collect();
        for id in due {
            self.expire(id, now);
        }
        self.forget(clock);
        self.holds.next_expiry()
    }

    /// Ends the due holds that count at any account that the command counts at or names.
    fn sweep(&mut self, action: &Action, now: Timestamp) {
        if self.holds.next_expiry().is_none_or(|next| next > now) {
            return;
        }
        let met = self.met_by(action);
        let due: Vec<_> = self
            .holds
            .due(now)
            .filter(|hold| met.iter().any(|account| hold.counts_at(*account)))
            .map(|hold| hold.id)
            .collect();
        for id in due {
            self.expire(id, now);
        }
    }

    /// The accounts that a command names, with everything above them; what does not exist is passed over.
    fn met_by(&self, action: &Action) -> Vec<Ix<AccountState>> {
        let paths = |ids: &mut dyn Iterator<Item = &AccountId>| -> Vec<_> {
            ids.filter_map(|id| self.account_names.get(id))
                .flat_map(|ix| self.accounts.get(*ix).path.iter().copied())
                .collect()
        };
        match action {
            Action::RegisterUnit { .. } => Vec::new(),
            Action::OpenAccount(open) => {
                paths(&mut [&open.account].into_iter().chain(&open.parent))
            }
            Action::SetLimit { account, .. } | Action::SetRemaining { account, .. } => {
                paths(&mut [account].into_iter())
            }
            Action::Charge(charge) | Action::Record(charge) => {
                paths(&mut [&charge.account].into_iter().chain(&charge.scopes))
            }
            Action::PlaceHold(place) => {
                paths(&mut [&place.charge.account].into_iter().chain(&place.charge.scopes))
            }
            Action::Settle { hold, .. } | Action::Release { hold } => {
                self.holds.get(*hold).map_or_else(Vec::new, |hold| hold.set.accounts.to_vec())
            }
        }
    }

    /// Reads accounts as they stand at this instant, all at one revision. Changes nothing: what is due is
    /// shown as ended, and a window that is over as begun again.
    pub fn accounts(&self, ids: &[AccountId], clock: Timestamp) -> Accounts {
        let now = self.journal.now(clock);
        let read =
            |id: &AccountId| {
                let ix = *self.account_names.get(id)?;
                let account = self.accounts.get(ix);
                let parent = account.parent.map(|parent| self.accounts.get(parent).id.clone());
                Some(account.view(&self.units, parent, now, |unit, limit| {
                    self.due_at(ix, unit, limit, now)
                }))
            };
        Accounts::new(self.journal.revision(), ids.iter().map(read).collect())
    }

    /// How much of what is held of a unit at an account, or at one of its limits, has run out.
    fn due_at(
        &self,
        account: Ix<AccountState>,
        unit: Ix<Unit>,
        limit: Option<&LimitState>,
        now: Timestamp,
    ) -> Quantity {
        let counts = |hold: &&HeldHold| match limit.map(|limit| (limit.serial, limit.current)) {
            Some((serial, Some(current))) => hold
                .windows_of(account)
                .any(|window| window.serial == serial && window.ends_at == current.span.ends_at),
            Some((_, None)) | None => hold.counts_at(account),
        };
        let due = self.holds.due(now).filter(counts).map(|hold| hold.left_of(unit));
        due.fold(Quantity::ZERO, Quantity::saturating_add)
    }

    /// Reads holds: one for each id, in that order. Changes nothing: what is due is shown as expired.
    pub fn holds(&self, ids: &[HoldId], clock: Timestamp) -> Vec<Option<HoldView>> {
        let now = self.journal.now(clock);
        ids.iter().map(|id| Some(self.holds.get(*id)?.view(&self.units, now))).collect()
    }

    /// Reads at most `limit` entries in commit order, beginning with `from` or the first that is kept.
    pub fn entries(&self, from: EntryId, limit: usize) -> EntryPage {
        self.journal.page(from, limit)
    }

    /// Writes the entry of an accepted command and gives its receipt.
    fn accept(&mut self, command: &Command, fact: Fact, receipt: Receipt) -> Receipt {
        self.journal.write(command, fact, receipt.clone());
        receipt
    }
}

/// One denial, and for every other command that it failed with it.
fn linked_failure(commands: usize, index: usize, denial: &Denial) -> Vec<Outcome> {
    let outcome =
        |at| Err(if at == index { denial.clone() } else { Denial::LinkedFailed { index } });
    (0..commands).map(outcome).collect()
}
