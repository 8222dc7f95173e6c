//! The pure book: every decision of the ledger, and nothing else.
//!
//! It takes `now` and commands, and gives outcomes. It reads no clock, touches no file and draws no random
//! number, so the same commands at the same instants give the same book, to the last digit.
//!
//! How it stands:
//!
//! - `arena`, `index`: values named by small numbers, and those numbers found by name.
//! - `node`: one account, its limits and counters; `tree`: how accounts stand to each other.
//! - `holds`: what is set aside, and when it is due.
//! - `journal`: the newest entries, and with them the operation ids that are remembered; `deed`: what was
//!   decided, as an entry keeps it; `said`: the command, as an entry keeps it.
//!
//! What decides, one file for each kind of command, each function checking first and then changing:
//!
//! - `sound`: what can be wrong with a command whatever the book says.
//! - `accounts`, `limits`, `shares`, `spend`, `settle`: the commands.
//! - `fit`: whether amounts fit, and why not; `answer`: what a receipt says.
//!
//! What somebody who keeps entries longer knows of operations that are forgotten here: `recalled`.
//!
//! What changes, for a command that was just decided as for an entry that is replayed: `post`. Reads are in
//! `read`; `replay` makes a book of a snapshot and of entries.

mod accounts;
mod answer;
mod arena;
mod deed;
mod fit;
mod holds;
mod index;
mod journal;
mod limits;
mod node;
mod post;
mod read;
mod recalled;
mod replay;
mod said;
mod settle;
mod shares;
mod sound;
mod spend;
mod tree;

use std::collections::BTreeMap;

use foldhash::HashMap;
use safeguards_types::{Quantity, Timestamp, Unit};
use smallvec::SmallVec;

use self::{
    arena::{Arena, Ix},
    deed::Deed,
    holds::{HeldHold, Holds, Kept},
    index::Index,
    journal::{Answered, Journal, Mark, News, Said},
    node::Node,
};
pub use self::{
    recalled::Recalled,
    replay::{Outline, ReplayError, Snapshot, SnapshotError},
};
use crate::{Action, Batch, Bounds, Command, Denial, EntryId, HoldId, Outcome, Receipt, Window};

/// Accounts, holds and the newest entries: decides what may be spent.
///
/// Its memory does not grow with the number of commands: at least the newest 65,536 operation ids are kept
/// with their entries and, up to 1,048,576 entries, those of the last ten minutes ([`Bounds`]).
///
/// ```
/// use safeguards_budget::{Book, Charge, Command, Limit, OpenAccount};
/// use safeguards_types::{OperationIds, Timestamp, usd};
///
/// let (mut book, ids) = (Book::new(), OperationIds::seeded(7));
/// let now = Timestamp::parse("2026-01-05T09:00:00Z")?;
/// let open = OpenAccount::new("reader").limit(Limit::lifetime(usd!(1)));
/// book.apply(Command::new(ids.mint(now), open), now)?;
/// let charge = Command::new(ids.mint(now), Charge::new("reader", usd!(0.42)));
/// let receipt = book.apply(charge.clone(), now)?;
/// // Sent again, it is answered again and not paid again.
/// assert_eq!(book.apply(charge, now)?, receipt);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Book {
    bounds: Bounds,
    units: Arena<Unit>,
    windows: Arena<Window>,
    nodes: Arena<Node>,
    /// Units, windows and accounts by what they are called.
    unit_names: Index<Ix<Unit>>,
    window_names: Index<Ix<Window>>,
    names: Index<Ix<Node>>,
    holds: Holds,
    journal: Journal,
    /// What of an entry that spent was taken back so far, while the entry is kept.
    refunds: BTreeMap<EntryId, Refunds>,
    /// Set while a linked batch is being carried out.
    savepoint: Option<Box<Savepoint>>,
    /// Set while a batch is carried out of which more is known than is remembered.
    recalled: Option<Box<Recalled>>,
}

/// What of an entry that spent was taken back.
#[derive(Clone, Debug, Default)]
struct Refunds {
    excess: Kept,
    held_part: Kept,
}

/// What a linked batch has touched, as it was before.
#[derive(Clone, Debug)]
struct Savepoint {
    units: usize,
    nodes: usize,
    journal: Mark,
    touched_nodes: HashMap<Ix<Node>, Node>,
    touched_holds: HashMap<HoldId, Option<HeldHold>>,
    touched_refunds: HashMap<EntryId, Option<Refunds>>,
}

/// Amounts by the book's own names for units, in the order of the units' text.
/// Money, tokens and requests fit without a heap allocation.
type Quantities = SmallVec<[(Ix<Unit>, Quantity); 3]>;

/// What a command that was accepted did, and what its receipt tells besides.
struct Done {
    deed: Deed,
    available: Kept,
    late: bool,
    news: Option<Box<News>>,
}

impl Done {
    /// A deed whose receipt says only that it is done.
    fn bare(deed: Deed) -> Self {
        Self { deed, available: Kept::new(), late: false, news: None }
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
        Self::with_bounds(Bounds::default())
    }

    /// An empty book that takes and keeps so much.
    pub fn with_bounds(bounds: Bounds) -> Self {
        let mut book = Self {
            bounds,
            units: Arena::default(),
            windows: Arena::default(),
            nodes: Arena::default(),
            unit_names: Index::default(),
            window_names: Index::default(),
            names: Index::default(),
            holds: Holds::default(),
            journal: Journal::new(bounds),
            refunds: BTreeMap::new(),
            savepoint: None,
            recalled: None,
        };
        for unit in [Unit::USD, Unit::TOKENS, Unit::REQUESTS] {
            book.know_unit(&unit);
        }
        book
    }

    /// How much it takes and keeps.
    pub const fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Carries out commands: one outcome for each, in their order.
    ///
    /// `clock` is what time it is; a book's now is the later of it and of the latest entry.
    pub fn submit(&mut self, batch: Batch, clock: Timestamp) -> Vec<Outcome> {
        if batch.linked {
            self.submit_linked(batch.commands, clock)
        } else {
            batch.commands.into_iter().map(|command| self.apply(command, clock)).collect()
        }
    }

    /// Carries out one command.
    ///
    /// # Errors
    ///
    /// Where it is denied; nothing but the ending of holds that were due is then changed.
    pub fn apply(&mut self, command: Command, clock: Timestamp) -> Outcome {
        let outcome = self.decide(command, clock);
        self.drop_forgotten();
        outcome
    }

    fn decide(&mut self, command: Command, clock: Timestamp) -> Outcome {
        if let Some(answer) = self.answered(&command) {
            return answer;
        }
        let now = self.journal.now(clock);
        if !self.is_known_to_be_new(command.op) {
            self.journal.check_age(command.op, now)?;
        }
        self.sweep(&command.action, now);
        if let Some(fault) = command.fault {
            return Err(*fault);
        }
        let done = self.carry_out(&command, now)?;
        Ok(self.accept(command, done, now))
    }

    fn carry_out(&mut self, command: &Command, now: Timestamp) -> Result<Done, Denial> {
        match &command.action {
            Action::Charge(charge) => self.charge(command, charge, now),
            Action::PlaceHold(place) => self.place_hold(command, place, now),
            Action::Settle(settle) => self.settle(command, settle, now),
            Action::Release { hold } => self.release(command, *hold, now),
            Action::Record(spent) => self.record(command, spent, now),
            Action::ExtendHold { hold, ttl } => self.extend_hold(command, *hold, *ttl, now),
            Action::Refund { of, amounts } => self.refund(command, *of, amounts, now),
            Action::RegisterUnit { unit } => self.register_unit(command, unit),
            Action::OpenAccount(open) => self.open_account(command, open, now),
            Action::CloseAccount { account } => self.close_account(command, account),
            Action::SetLimit { account, limit } => self.set_limit(command, account, limit, now),
            Action::SetRemaining { account, unit, window, amount } => {
                self.set_remaining(command, account, (unit, window), *amount, now)
            }
            Action::RemoveLimit { account, unit, window } => {
                self.remove_limit(command, account, (unit, window))
            }
            Action::SetProtection { account, steps } => {
                self.set_protection(command, account, steps)
            }
            Action::SetParent { account, parent, from } => {
                self.set_parent(command, account, parent.as_ref(), from.as_ref())
            }
            Action::SetPriority { account, priority: _ } => self.change_account(command, account),
            Action::Suspend { account, reason } | Action::Resume { account, reason } => {
                self.suspend_or_resume(command, account, reason.as_deref())
            }
            Action::Transfer { from, to, unit, amount } => {
                self.transfer(command, (from, to), (unit, *amount), now)
            }
            Action::Allocate { parent, unit, shares } => {
                self.allocate(command, parent, unit, shares, now)
            }
            Action::Divide(divide) => self.divide(command, divide, now),
            Action::Reclaim { account, unit, amount } => {
                self.reclaim(command, account, (unit, *amount), now)
            }
        }
    }

    /// Writes the entry of an accepted command and gives its receipt.
    fn accept(&mut self, command: Command, done: Done, now: Timestamp) -> Receipt {
        let Done { deed, available, late, news } = done;
        let answered =
            Answered { op: command.op, said: Said::of(command, &deed), available, late, news };
        let receipt = self.receipt(self.journal.next_id(), now, &answered);
        self.journal.write(now, deed, Some(answered));
        receipt
    }

    /// What was answered to this operation before; `None` where the command is new.
    fn answered(&self, command: &Command) -> Option<Outcome> {
        let Some((id, kept, answered)) = self.journal.find(command.op) else {
            return self.recalled.as_ref()?.answered(command);
        };
        Some(if self.command_of(&kept.deed, kept.at, answered).as_ref() == Some(command) {
            Ok(self.receipt(id, kept.at, answered))
        } else {
            Err(Denial::OperationConflict)
        })
    }

    /// Carries out all commands or none.
    fn submit_linked(&mut self, commands: Vec<Command>, clock: Timestamp) -> Vec<Outcome> {
        let count = commands.len();
        if count > self.bounds.commands_max {
            let denial = Denial::BoundExceeded {
                bound: "commands",
                given: count.to_string(),
                allowed: format!("1 to {} in a linked batch", self.bounds.commands_max),
            };
            return linked_failure(count, 0, &denial);
        }
        // Known commands are answered again only all together: a part of a batch was never carried out.
        let answers: Option<Vec<_>> =
            commands.iter().map(|command| self.answered(command).filter(Result::is_ok)).collect();
        if let Some(answers) = answers {
            return answers;
        }
        let known = |command: &Command| self.answered(command).is_some();
        if let Some(known) = commands.iter().position(known) {
            return linked_failure(count, known, &Denial::OperationConflict);
        }
        self.savepoint = Some(Box::new(self.savepoint()));
        let outcome: Result<Vec<_>, _> = commands
            .into_iter()
            .enumerate()
            .map(|(index, command)| self.decide(command, clock).map_err(|denial| (index, denial)))
            .collect();
        let savepoint = self.savepoint.take();
        match outcome {
            Ok(receipts) => {
                self.drop_forgotten();
                receipts.into_iter().map(Ok).collect()
            }
            Err((index, denial)) => {
                if let Some(savepoint) = savepoint {
                    self.return_to(*savepoint);
                }
                linked_failure(count, index, &denial)
            }
        }
    }

    /// Where the book stands, with nothing touched yet.
    fn savepoint(&self) -> Savepoint {
        Savepoint {
            units: self.units.len(),
            nodes: self.nodes.len(),
            journal: self.journal.mark(),
            touched_nodes: HashMap::default(),
            touched_holds: HashMap::default(),
            touched_refunds: HashMap::default(),
        }
    }

    fn return_to(&mut self, savepoint: Savepoint) {
        let Savepoint { units, nodes, journal, touched_nodes, touched_holds, touched_refunds } =
            savepoint;
        for (ix, before) in touched_nodes {
            *self.nodes.get_mut(ix) = before;
        }
        for (id, before) in touched_holds {
            self.holds.restore(id, before);
        }
        for (id, before) in touched_refunds {
            match before {
                Some(before) => self.refunds.insert(id, before),
                None => self.refunds.remove(&id),
            };
        }
        self.holds.restore_ended(journal.next_id());
        let opened: Vec<_> =
            self.nodes.iter().skip(nodes).map(|(ix, node)| (ix, node.id.clone())).collect();
        for (ix, id) in opened {
            self.names.remove(id.as_str(), |known| *known == ix);
        }
        self.nodes.take_back_to(nodes).for_each(drop);
        let registered: Vec<_> =
            self.units.iter().skip(units).map(|(ix, unit)| (ix, unit.clone())).collect();
        for (ix, unit) in registered {
            self.unit_names.remove(&unit, |known| *known == ix);
        }
        self.units.take_back_to(units).for_each(drop);
        self.journal.return_to(journal);
    }

    /// The account, to be changed. Everything that changes one goes through here, so that a linked batch can
    /// be taken back.
    fn node_mut(&mut self, ix: Ix<Node>) -> &mut Node {
        if let Some(savepoint) = &mut self.savepoint {
            let before = || self.nodes.get(ix).clone();
            savepoint.touched_nodes.entry(ix).or_insert_with(before);
        }
        self.nodes.get_mut(ix)
    }

    /// Puts a hold in place of what was known under its name. Everything that changes one goes through here.
    fn put_hold(&mut self, hold: HeldHold) {
        if let Some(savepoint) = &mut self.savepoint {
            let before = || self.holds.get(hold.id).cloned();
            savepoint.touched_holds.entry(hold.id).or_insert_with(before);
        }
        self.holds.put(hold);
    }

    /// What was taken back of an entry, to be changed. Everything that changes it goes through here.
    fn refunds_mut(&mut self, of: EntryId) -> &mut Refunds {
        if let Some(savepoint) = &mut self.savepoint {
            let before = || self.refunds.get(&of).cloned();
            savepoint.touched_refunds.entry(of).or_insert_with(before);
        }
        self.refunds.entry(of).or_default()
    }

    /// Drops entries that are forgotten, and with them what is known only for their sake.
    fn drop_forgotten(&mut self) {
        if self.journal.drop_forgotten() {
            let first_kept = self.journal.first_kept();
            self.holds.forget_before(first_kept);
            while self.refunds.first_key_value().is_some_and(|(of, _)| *of < first_kept) {
                self.refunds.pop_first();
            }
        }
    }
}

/// One denial, and for every other command that it failed with it.
fn linked_failure(commands: usize, index: usize, denial: &Denial) -> Vec<Outcome> {
    let outcome =
        |at| Err(if at == index { denial.clone() } else { Denial::LinkedFailed { index } });
    (0..commands).map(outcome).collect()
}
