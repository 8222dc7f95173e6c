//! The pure book (being written).
use crate::*;
use safeguards_types::{AccountId, Timestamp};
/// Decides.
#[derive(Debug, Default)]
pub struct Book {}
impl Book {
    /// Empty.
    pub fn new() -> Self {
        Self {}
    }
    /// Applies one command.
    pub fn apply(&mut self, _command: &Command, _now: Timestamp) -> Outcome {
        Err(Denial::OperationConflict)
    }
    /// Applies a batch.
    pub fn submit(&mut self, batch: &Batch, now: Timestamp) -> Vec<Outcome> {
        batch.commands.iter().map(|c| self.apply(c, now)).collect()
    }
    /// Reads.
    pub fn accounts(&self, ids: &[AccountId], _now: Timestamp) -> Accounts {
        Accounts::new(None, ids.iter().map(|_| None).collect())
    }
    /// Reads.
    pub fn holds(&self, ids: &[HoldId], _now: Timestamp) -> Vec<Option<HoldView>> {
        ids.iter().map(|_| None).collect()
    }
    /// Reads.
    pub fn entries(&self, from: EntryId, _limit: usize) -> EntryPage {
        EntryPage::new(vec![], from, EntryId::FIRST)
    }
    /// Ends due holds.
    pub fn tick(&mut self, _now: Timestamp) -> Option<Timestamp> {
        None
    }
}
