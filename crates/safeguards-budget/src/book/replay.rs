//! Entries as they are told to the outside, and a book made of a snapshot and of entries.

mod check;
mod snapshot;
mod told;

use std::sync::Arc;

use safeguards_types::{AccountId, Amounts, Timestamp, Unit};

pub use self::snapshot::{Outline, Snapshot, SnapshotError};
use super::{
    Book,
    arena::Ix,
    deed::{Deed, Freed, Limits, Refund, SetLimit, Settlement},
    holds::{Counted, HeldHold, Kept, Windows, frozen},
    journal::{Answered, News, Said},
    node::{ChargeSet, Node},
};
use crate::{
    Action, Cause, CountedWindow, Entry, EntryId, Fact, HoldId, HoldState, LimitSet, LimitsSet,
    Metadata, OpenAccount, Posting, Receipt, Refunded, Settled, window::Span,
};

/// Why an entry cannot follow on a book.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// Another entry comes next.
    #[error("entry {given} cannot follow: the next is {expected}")]
    OutOfOrder {
        /// The entry that was given.
        given: EntryId,
        /// The entry that comes next.
        expected: EntryId,
    },
    /// It names something that the book does not know.
    #[error("entry {entry} names {what} `{name}`, which no entry before it made")]
    Unknown {
        /// The entry.
        entry: EntryId,
        /// What is named: an account, a unit, a hold, a limit.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// What it says happened does not go with its command.
    #[error("entry {entry} says of `{command}` what no such command does")]
    Mismatch {
        /// The entry.
        entry: EntryId,
        /// The command, or `expire`.
        command: &'static str,
    },
}

impl Book {
    /// Follows an entry: counts what it says was decided, and decides nothing.
    ///
    /// The entries after a snapshot, or all from the first, make the same book again, bit for bit; it answers
    /// retries of their commands as the first did.
    ///
    /// ```
    /// use safeguards_budget::{Book, Command, EntryId, OpenAccount};
    /// use safeguards_types::{OperationIds, Timestamp};
    ///
    /// let mut book = Book::new();
    /// let open = OpenAccount::new("reader");
    /// book.apply(Command::new(OperationIds::new().mint(Timestamp::UNIX_EPOCH), open), Timestamp::UNIX_EPOCH)?;
    /// let mut copy = Book::new();
    /// for entry in book.entries(EntryId::FIRST, 100).entries {
    ///     copy.replay(&entry)?;
    /// }
    /// assert_eq!(copy.snapshot(), book.snapshot());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where the entry is not the next one, or does not go with the book; the book is as it was.
    pub fn replay(&mut self, entry: &Entry) -> Result<(), ReplayError> {
        let expected = self.journal.next_id();
        if entry.id != expected {
            return Err(ReplayError::OutOfOrder { given: entry.id, expected });
        }
        let command = entry.cause.as_ref().map(|cause| &cause.command);
        if let Some(command) = command
            && let Action::OpenAccount(open) = &command.action
        {
            // What an opening names is there only once it is open, so one that is refused is taken back.
            self.savepoint = Some(Box::new(self.savepoint()));
            let outcome = self.replay_opening(entry, open, &command.metadata);
            let savepoint = self.savepoint.take();
            if outcome.is_err()
                && let Some(savepoint) = savepoint
            {
                self.return_to(*savepoint);
            }
            outcome?;
        } else {
            self.replay_known(entry)?;
        }
        self.drop_forgotten();
        Ok(())
    }

    fn replay_opening(
        &mut self,
        entry: &Entry,
        open: &OpenAccount,
        metadata: &Metadata,
    ) -> Result<(), ReplayError> {
        let parent = open.parent.as_ref().map(|parent| self.known_account(parent, entry.id));
        let parent = parent.transpose()?;
        if self.find(&open.account).is_some() {
            return Err(ReplayError::Mismatch { entry: entry.id, command: entry.name() });
        }
        self.post_opened(open, parent, metadata);
        self.replay_known(entry)
    }

    fn replay_known(&mut self, entry: &Entry) -> Result<(), ReplayError> {
        let (deed, answered) = self.read_entry(entry)?;
        self.check_follows(entry, &deed)?;
        self.follow(entry, &deed);
        self.journal.write(entry.at, deed, answered);
        Ok(())
    }

    /// What an entry says, by the book's own numbers. Changes nothing that counts.
    fn read_entry(&mut self, entry: &Entry) -> Result<(Deed, Option<Answered>), ReplayError> {
        let deed = self.deed_of(entry)?;
        let answered =
            entry.cause.as_ref().map(|cause| self.answered_again(cause, &deed, entry.id));
        let answered = answered.transpose()?;
        let said =
            answered.as_ref().and_then(|answered| self.command_of(&deed, entry.at, answered));
        if said.as_ref() != entry.cause.as_ref().map(|cause| &cause.command) {
            return Err(ReplayError::Mismatch { entry: entry.id, command: entry.name() });
        }
        Ok((deed, answered))
    }

    fn answered_again(
        &self,
        cause: &Cause,
        deed: &Deed,
        entry: EntryId,
    ) -> Result<Answered, ReplayError> {
        let Receipt { available, crossed, overrun, shadow, late, .. } = &cause.receipt;
        Ok(Answered {
            op: cause.command.op,
            said: Said::of(cause.command.clone(), deed),
            available: self.known_amounts(available, entry)?,
            late: *late,
            news: News::of(crossed.clone(), overrun.clone(), shadow.clone()),
        })
    }

    /// Changes what an entry says was changed.
    fn follow(&mut self, entry: &Entry, deed: &Deed) {
        let command = entry.cause.as_ref().map(|cause| &cause.command);
        match deed {
            Deed::AsCommanded => {
                if let Some(command) = command {
                    self.post_as_commanded(&command.action);
                }
            }
            Deed::Limits(limits) => self.post_limits(limits),
            Deed::Spent { set, amounts, windows } => {
                self.post_spent(set, amounts, windows.as_deref().unwrap_or_default());
            }
            Deed::Held { set, amounts, windows, expires_at } => {
                if let Some(command) = command {
                    self.post_held(HeldHold {
                        id: HoldId::placed_by(command.op),
                        entry: entry.id,
                        set: Arc::clone(set),
                        left: amounts.clone(),
                        windows: windows.clone(),
                        expires_at: *expires_at,
                        state: HoldState::Open,
                        ended_by: None,
                    });
                }
            }
            Deed::Extended { hold, expires_at } => self.post_extended(*hold, *expires_at),
            Deed::Settled(settlement) => self.post_settled(settlement),
            Deed::Freed(freed) => {
                let released = command.is_some();
                self.post_freed(
                    freed,
                    if released { HoldState::Released } else { HoldState::Expired },
                );
            }
            Deed::Refunded(refund) => self.post_refunded(refund),
        }
    }

    fn deed_of(&mut self, entry: &Entry) -> Result<Deed, ReplayError> {
        let id = entry.id;
        let command = entry.cause.as_ref().map(|cause| &cause.command);
        let mismatch = || ReplayError::Mismatch { entry: id, command: entry.name() };
        match (&entry.fact, command) {
            (Fact::AsCommanded, Some(_)) => Ok(Deed::AsCommanded),
            (Fact::LimitsSet(limits), Some(_)) => self.known_limits(limits, id),
            (Fact::Spent(posting), Some(_)) if is_of_first(posting) => {
                let (set, windows) = self.known_posting(posting, id)?;
                let amounts = self.known_amounts(&posting.amounts, id)?;
                Ok(Deed::Spent { set, amounts, windows })
            }
            (Fact::Held { posting, expires_at }, Some(_)) if is_of_first(posting) => {
                let (set, windows) = self.known_posting(posting, id)?;
                let amounts = self.known_amounts(&posting.amounts, id)?;
                Ok(Deed::Held { set, amounts, windows, expires_at: *expires_at })
            }
            (Fact::Extended { hold, expires_at }, Some(_)) => {
                Ok(Deed::Extended { hold: *hold, expires_at: *expires_at })
            }
            (Fact::Settled(settled), Some(_)) => {
                Ok(Deed::Settled(Box::new(self.known_settlement(settled, id)?)))
            }
            (Fact::Freed { hold, posting }, _) if is_of_first(posting) => {
                let (set, _) = self.known_posting(posting, id)?;
                let amounts = self.known_amounts(&posting.amounts, id)?;
                Ok(Deed::Freed(Box::new(Freed { hold: *hold, set, amounts })))
            }
            (Fact::Refunded(refunded), Some(_)) => {
                Ok(Deed::Refunded(Box::new(self.known_refund(refunded, id)?)))
            }
            (Fact::Spent(_) | Fact::Held { .. } | Fact::Freed { .. }, _) | (_, None) => {
                Err(mismatch())
            }
        }
    }

    fn known_limits(&self, limits: &LimitsSet, entry: EntryId) -> Result<Deed, ReplayError> {
        let set = |set: &LimitSet| {
            self.known_unit(&set.limit.unit, entry)?;
            let node = self.known_account(&set.account, entry)?;
            let opened = set.opened.map(|(started_at, ends_at)| Span { started_at, ends_at });
            Ok(SetLimit { node, limit: set.limit.clone(), opened })
        };
        let taken = limits.taken.iter();
        let taken = taken.map(|(account, part)| Ok((self.known_account(account, entry)?, *part)));
        Ok(Deed::Limits(Box::new(Limits {
            set: limits.limits.iter().map(set).collect::<Result<_, _>>()?,
            taken: taken.collect::<Result<_, _>>()?,
        })))
    }

    fn known_settlement(
        &mut self,
        settled: &Settled,
        entry: EntryId,
    ) -> Result<Settlement, ReplayError> {
        let (set, windows) = self.known_posting(&settled.posting, entry)?;
        Ok(Settlement {
            hold: settled.hold,
            spender: self.known_account(&settled.posting.spender, entry)?,
            set,
            in_front: settled.in_front,
            windows,
            spent: self.known_amounts(&settled.posting.amounts, entry)?,
            held_part: self.known_amounts(&settled.held_part, entry)?,
            excess: self.known_amounts(&settled.excess, entry)?,
            freed: self.known_amounts(&settled.freed, entry)?,
            keep_open: settled.keep_open,
            late: settled.late,
        })
    }

    fn known_refund(&mut self, refunded: &Refunded, entry: EntryId) -> Result<Refund, ReplayError> {
        let (set, windows) = self.known_posting(&refunded.posting, entry)?;
        Ok(Refund {
            of: refunded.of,
            spender: self.known_account(&refunded.posting.spender, entry)?,
            set,
            windows,
            amounts: self.known_amounts(&refunded.posting.amounts, entry)?,
            excess: self.known_amounts(&refunded.excess, entry)?,
            held_part: self.known_amounts(&refunded.held_part, entry)?,
        })
    }

    fn known_account(&self, id: &AccountId, entry: EntryId) -> Result<Ix<Node>, ReplayError> {
        let unknown = || ReplayError::Unknown { entry, what: "account", name: id.to_string() };
        self.find(id).ok_or_else(unknown)
    }

    fn known_unit(&self, unit: &Unit, entry: EntryId) -> Result<Ix<Unit>, ReplayError> {
        let unknown = |_| ReplayError::Unknown { entry, what: "unit", name: unit.to_string() };
        self.unit(unit).map_err(unknown)
    }

    fn known_amounts(&self, amounts: &Amounts, entry: EntryId) -> Result<Kept, ReplayError> {
        let known = |amount: &safeguards_types::Amount| {
            Ok((self.known_unit(amount.unit(), entry)?, amount.quantity()))
        };
        amounts.iter().map(known).collect()
    }

    fn known_posting(
        &mut self,
        posting: &Posting,
        entry: EntryId,
    ) -> Result<(ChargeSet, Windows), ReplayError> {
        let known = |id: &AccountId| self.known_account(id, entry);
        let set: Vec<_> = posting.set.iter().map(known).collect::<Result<_, _>>()?;
        let path = set.first().map(|spender| &self.nodes.get(*spender).path);
        let set = match path {
            // Most count where they stand: the path is shared, not kept once more.
            Some(path) if **path == *set => Arc::clone(path),
            Some(_) | None => set.into(),
        };
        let mut windows = Vec::new();
        for window in &posting.windows {
            windows.push(self.known_window(window, entry)?);
        }
        Ok((set, frozen(windows)))
    }

    fn known_window(
        &mut self,
        counted: &CountedWindow,
        entry: EntryId,
    ) -> Result<Counted, ReplayError> {
        let CountedWindow { account, unit, window, serial, started_at, ends_at, part } = counted;
        let name = || ReplayError::Unknown { entry, what: "window", name: window.to_string() };
        Ok(Counted {
            node: self.known_account(account, entry)?,
            unit: self.known_unit(unit, entry)?,
            window: self.know_window(window).ok_or_else(name)?,
            serial: *serial,
            span: Span { started_at: *started_at, ends_at: *ends_at },
            part: *part,
        })
    }
}

/// Whether the spender stands first, as it does but where a settlement is attributed.
fn is_of_first(posting: &Posting) -> bool {
    posting.set.first() == Some(&posting.spender)
}

/// The instants of a span, as they are told.
fn instants(span: Span) -> (Timestamp, Timestamp) {
    (span.started_at, span.ends_at)
}
