//! [`RunStoreBounds`]: how much a run store takes and keeps.

use safeguards_types::AgentId;
use serde::Serialize;

use super::{RunEntry, RunHead, RunStoreError};
use crate::{
    StepId,
    size::{SMALL, is_larger, is_small},
};

/// How much a run store takes and keeps.
///
/// ```
/// use safeguards_coord::{MemoryRunStore, RunStoreBounds};
///
/// let mut bounds = RunStoreBounds::default();
/// bounds.ended_kept = 100;
/// let store = MemoryRunStore::with_bounds(bounds);
/// # let _ = store;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunStoreBounds {
    /// How many runs that have ended are kept, the latest to end; 1,000 unless set.
    pub ended_kept: usize,
    /// How many runs may be there that have not ended; 10,000 unless set.
    pub unfinished_max: usize,
    /// How many entries a run may have; 1,000,000 unless set. Its end and who took it over are written down all
    /// the same.
    pub entries_max: u64,
    /// How many bytes, as compact JSON, a head or an entry may have; 4 MiB unless set.
    pub entry_bytes_max: usize,
}

impl RunStoreBounds {
    /// How many runs or entries there are at most in one answer.
    pub const PAGE: usize = 1_000;

    /// Whether a head is not too large.
    ///
    /// # Errors
    ///
    /// Where it is.
    pub fn check_head(&self, head: &RunHead) -> Result<(), RunStoreError> {
        let what = || format!("bytes of the head of run {}", head.run);
        self.check(head, what, || {
            let names = [head.run.as_str(), &head.team, head.pool.as_str(), &head.strategy];
            let agents = head.agents.iter().map(AgentId::as_str);
            is_short(names.into_iter().chain(agents))
                && is_small(head.task.text(), head.task.input())
        })
    }

    /// Whether an entry is not too large.
    ///
    /// # Errors
    ///
    /// Where it is.
    pub fn check_entry(&self, entry: &RunEntry) -> Result<(), RunStoreError> {
        let what = || format!("bytes of {}", entry.key());
        self.check(entry, what, || match entry {
            RunEntry::Intent(intent) => {
                let names = [intent.step.as_str(), intent.agent.as_str(), intent.account.as_str()];
                let by = intent.delegated_by.iter().map(StepId::as_str);
                is_short(names.into_iter().chain(by))
                    && intent.need.is_none()
                    && intent.hold.len() < FEW
                    && is_small(intent.task.text(), intent.task.input())
            }
            RunEntry::Outcome(outcome) => {
                let texts = outcome.log.iter().chain(&outcome.notes).map(String::as_str);
                let reason = outcome.reason.iter();
                let texts = texts.chain(reason.flat_map(|why| [&*why.code, why.message.as_str()]));
                let names = outcome.agent.iter().map(AgentId::as_str);
                let names = names.chain([outcome.step.as_str()]);
                is_short(texts.chain(names))
                    && outcome.denial.is_none()
                    && outcome.cost_mismatch.is_none()
                    && outcome.held.len() < FEW
                    && outcome.spent.len() < FEW
                    && outcome.output.as_ref().is_none_or(|output| is_small("", output))
            }
            RunEntry::TakenOver { .. } => true,
            RunEntry::Ended(_) => false,
        })
    }

    /// Counts the bytes of what may be too large.
    fn check(
        &self,
        value: &impl Serialize,
        what: impl FnOnce() -> String,
        is_small: impl FnOnce() -> bool,
    ) -> Result<(), RunStoreError> {
        let max = self.entry_bytes_max;
        // No letter takes more than six bytes as JSON, and what stands around is short.
        if max >= SMALL.saturating_mul(64) && is_small() {
            return Ok(());
        }
        if is_larger(value, max) {
            return Err(RunStoreError::bound(what(), format!("more than {max}"), max));
        }
        Ok(())
    }
}

/// How many amounts are few.
const FEW: usize = 8;

/// Whether it is plain that these are not long together, with what stands around each.
fn is_short<'a>(texts: impl IntoIterator<Item = &'a str>) -> bool {
    let mut left = SMALL;
    texts.into_iter().all(|text| match left.checked_sub(text.len().saturating_add(4)) {
        Some(less) => {
            left = less;
            true
        }
        None => false,
    })
}

impl Default for RunStoreBounds {
    fn default() -> Self {
        Self {
            ended_kept: 1_000,
            unfinished_max: 10_000,
            entries_max: 1_000_000,
            entry_bytes_max: 4 << 20,
        }
    }
}
