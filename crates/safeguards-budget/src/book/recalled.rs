//! [`Recalled`]: what is known from elsewhere of operations that the book has forgotten.

use foldhash::HashMap;
use safeguards_types::{OperationId, Timestamp};

use super::Book;
use crate::{Batch, Command, Denial, Entry, Outcome};

/// What somebody who keeps entries longer than a [`Book`] knows of operations that it has forgotten.
#[derive(Clone, Debug, Default)]
pub struct Recalled {
    operations: HashMap<OperationId, Recollection>,
}

#[derive(Clone, Debug)]
enum Recollection {
    CarriedOut(Box<Entry>),
    New,
    Lost,
}

impl Recalled {
    /// Nothing is known.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// This operation was carried out: here is its entry.
    #[must_use]
    pub fn carried_out(mut self, op: OperationId, entry: Entry) -> Self {
        self.operations.insert(op, Recollection::CarriedOut(Box::new(entry)));
        self
    }

    /// This operation was never carried out.
    #[must_use]
    pub fn is_new(mut self, op: OperationId) -> Self {
        self.operations.insert(op, Recollection::New);
        self
    }

    /// Whether this operation was carried out is known nowhere any more: it stays too old.
    #[must_use]
    pub fn is_lost(mut self, op: OperationId) -> Self {
        self.operations.insert(op, Recollection::Lost);
        self
    }

    /// Whether something was said of this operation.
    pub fn tells_of(&self, op: OperationId) -> bool {
        self.operations.contains_key(&op)
    }

    /// What was answered to this command's operation; `None` where it is not known that it was.
    pub(super) fn answered(&self, command: &Command) -> Option<Outcome> {
        let Recollection::CarriedOut(entry) = self.operations.get(&command.op)? else {
            return None;
        };
        let cause = entry.cause.as_ref()?;
        Some(if cause.command == *command {
            Ok(cause.receipt.clone())
        } else {
            Err(Denial::OperationConflict)
        })
    }
}

impl Book {
    /// The operations of a batch that may have been carried out and are forgotten since. Whoever kept their entries
    /// looks them up, and has the batch [carried out](Self::submit_recalling) with what was found.
    pub fn forgotten_of(&self, batch: &Batch) -> Vec<OperationId> {
        let operations = batch.commands.iter().map(|command| command.op);
        operations.filter(|op| self.journal.has_forgotten(*op)).collect()
    }

    /// As [`Book::submit`], where somebody knows of operations that are forgotten here: what was carried out is answered
    /// again, and what was not is not too old.
    pub fn submit_recalling(
        &mut self,
        batch: Batch,
        clock: Timestamp,
        recalled: Recalled,
    ) -> Vec<Outcome> {
        self.recalled = Some(Box::new(recalled));
        let outcomes = self.submit(batch, clock);
        self.recalled = None;
        outcomes
    }

    pub(super) fn is_known_to_be_new(&self, op: OperationId) -> bool {
        let recalled = self.recalled.as_ref().and_then(|recalled| recalled.operations.get(&op));
        matches!(recalled, Some(Recollection::New))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use safeguards_types::{OperationIds, Timestamp, usd};

    use super::*;
    use crate::{Bounds, Charge, EntryId, Limit, OpenAccount};

    const START: &str = "2026-01-05T09:00:00Z";

    /// A book that remembers one operation, and the commands that it carried out.
    fn forgetful() -> (Book, Vec<Command>, Vec<Entry>) {
        let mut bounds = Bounds::default();
        (bounds.operations_kept, bounds.operations_max) = (1, 1);
        let (mut book, ids) = (Book::with_bounds(bounds), OperationIds::seeded(7));
        let now = Timestamp::parse(START).unwrap();
        let mint = |second| ids.mint(now.saturating_add(Duration::from_secs(second)));
        let open = OpenAccount::new("a").limit(Limit::lifetime(usd!(9)));
        let mut commands = vec![Command::new(mint(0), open)];
        commands.extend((1..4).map(|n| Command::new(mint(n), Charge::new("a", usd!(1)))));
        let mut entries = Vec::new();
        for command in &commands {
            let receipt = book.apply(command.clone(), now).unwrap();
            entries.extend(book.entries(receipt.entry, 1).entries);
        }
        (book, commands, entries)
    }

    fn submit(
        book: &mut Book,
        commands: &[Command],
        recalled: Recalled,
        linked: bool,
    ) -> Vec<Outcome> {
        let now = Timestamp::parse(START).unwrap();
        book.submit_recalling(Batch { commands: commands.to_vec(), linked }, now, recalled)
    }

    #[test]
    fn what_was_carried_out_is_answered_again_and_changes_nothing() {
        for linked in [false, true] {
            let (mut book, commands, entries) = forgetful();
            let forgotten = book.forgotten_of(&Batch::independent(commands.clone()));
            assert_eq!(forgotten.len(), 3, "the last is remembered");
            let recall = |book: &mut Book, command: &Command| {
                let recalled = Recalled::nothing().carried_out(commands[1].op, entries[1].clone());
                submit(book, std::slice::from_ref(command), recalled, linked).remove(0)
            };
            let first = &entries[1].cause.as_ref().unwrap().receipt;
            assert_eq!(recall(&mut book, &commands[1]).as_ref(), Ok(first));
            let other = Command::new(commands[1].op, Charge::new("a", usd!(2)));
            assert_eq!(recall(&mut book, &other), Err(Denial::OperationConflict));
            assert_eq!(book.revision(), Some(EntryId::new(4)));
        }
    }

    #[test]
    fn what_was_never_carried_out_is_not_too_old_and_is_done_once() {
        let (mut book, commands, _) = forgetful();
        let late = Command::new(commands[0].op.step("late"), Charge::new("a", usd!(1)));
        let alone = |book: &mut Book, recalled| {
            submit(book, std::slice::from_ref(&late), recalled, false).remove(0)
        };
        let refused = alone(&mut book, Recalled::nothing());
        assert_eq!(refused, Err(Denial::OperationTooOld { op: late.op }));
        let twice = [late.clone(), late.clone()];
        let outcomes = submit(&mut book, &twice, Recalled::nothing().is_new(late.op), false);
        assert_eq!(outcomes[0], outcomes[1]);
        assert_eq!(book.revision(), Some(EntryId::new(5)));
        // What was known of one batch is not known of the next.
        let next = Command::new(commands[0].op.step("next"), Charge::new("a", usd!(1)));
        let refused = submit(&mut book, std::slice::from_ref(&next), Recalled::nothing(), false);
        assert_eq!(refused, [Err(Denial::OperationTooOld { op: next.op })]);
    }
}
