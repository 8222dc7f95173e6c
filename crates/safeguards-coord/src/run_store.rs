//! [`RunStore`]: where runs are written down so that they can be resumed and looked at, the seam.

mod bounds;
mod entry;
mod error;
mod memory;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use safeguards_types::{OperationId, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::{
    bounds::RunStoreBounds,
    entry::{EntryKey, Intent, Outcome, RunEnd, RunEntry, RunHead},
    error::{RunStoreError, RunStoreErrorKind},
    memory::{MemoryRunStore, SyncRunStore},
};
use crate::{Reason, RunId, State};

/// Where runs are written down: what was about to be done, and what came of it.
///
/// A runner begins a run, appends what happens, and, where it was cut off, takes the run over and reads what was
/// appended. Each taking over begins a *leg*: who wrote before can append nothing any more. The reference is
/// [`MemoryRunStore`].
///
/// # Contract
///
/// - What was answered is there afterwards, also after a crash, as far as the store promises to last; it takes
///   effect as a whole or not at all.
/// - Entries of a run keep the order in which they took effect. Several appends may be under way at once.
/// - [`begin`](Self::begin), [`append`](Self::append) and [`take_over`](Self::take_over) may be repeated where an
///   answer was lost: the very same again changes nothing and is answered as before, be it that the run has ended
///   since. A run that was taken over is not begun again, though, and a taking over is not repeated any more once
///   something was appended after it.
/// - In a leg there is one entry of each [key](RunEntry::key); another one that says otherwise is refused, and so is
///   any [`RunEntry::TakenOver`].
/// - An append of an earlier leg than the run's is refused, and a run is taken over only from the leg that it is
///   in.
/// - What was read together belongs together: an end is never shown without the entries before it.
/// - Ended runs may be forgotten, the oldest first, where there are more than the store keeps; a run that has not
///   ended never is.
/// - Any of these futures may be dropped at any point.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait RunStore: fmt::Debug + Send + Sync + 'static {
    /// Begins a run, in its first leg.
    async fn begin(&self, head: RunHead) -> Result<(), RunStoreError>;

    /// Appends what happened, for whoever writes in this leg. A [`RunEntry::Ended`] ends the run, until it is taken
    /// over again; nothing is appended after it. There is room for it however many entries there are.
    async fn append(&self, run: &RunId, leg: u32, entry: RunEntry) -> Result<(), RunStoreError>;

    /// Begins the leg after `leg`, for a runner that goes on at this time as this operation, and gives its
    /// number: of two operations one begins it. Where the run has ended it has not any more, if there is room for
    /// another that has not.
    async fn take_over(
        &self,
        run: &RunId,
        leg: u32,
        by: OperationId,
        at: Timestamp,
    ) -> Result<u32, RunStoreError>;

    /// A run as it stands; `None` where there is, or is known, none of this name.
    async fn run(&self, run: &RunId) -> Result<Option<RunView>, RunStoreError>;

    /// At most `limit` entries of a run, from number `from` on, counted from 0; none where there are no more. A
    /// limit above [`RunStoreBounds::PAGE`] is taken for that.
    async fn entries(
        &self,
        run: &RunId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RunEntry>, RunStoreError>;

    /// The runs that are asked for, the latest first, by when they began; of one instant by name, the last first.
    async fn runs(&self, query: &RunQuery) -> Result<Vec<RunView>, RunStoreError>;

    /// Forgets a run that has ended, with all its entries. `false` where there is none of this name.
    async fn forget(&self, run: &RunId) -> Result<bool, RunStoreError>;

    /// Whether what it answers survives the end of the process.
    fn is_durable(&self) -> bool;
}

#[async_trait]
impl<S: RunStore + ?Sized> RunStore for Arc<S> {
    async fn begin(&self, head: RunHead) -> Result<(), RunStoreError> {
        (**self).begin(head).await
    }

    async fn append(&self, run: &RunId, leg: u32, entry: RunEntry) -> Result<(), RunStoreError> {
        (**self).append(run, leg, entry).await
    }

    async fn take_over(
        &self,
        run: &RunId,
        leg: u32,
        by: OperationId,
        at: Timestamp,
    ) -> Result<u32, RunStoreError> {
        (**self).take_over(run, leg, by, at).await
    }

    async fn run(&self, run: &RunId) -> Result<Option<RunView>, RunStoreError> {
        (**self).run(run).await
    }

    async fn entries(
        &self,
        run: &RunId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RunEntry>, RunStoreError> {
        (**self).entries(run, from, limit).await
    }

    async fn runs(&self, query: &RunQuery) -> Result<Vec<RunView>, RunStoreError> {
        (**self).runs(query).await
    }

    async fn forget(&self, run: &RunId) -> Result<bool, RunStoreError> {
        (**self).forget(run).await
    }

    fn is_durable(&self) -> bool {
        (**self).is_durable()
    }
}

/// A run as it stands in a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunView {
    /// How it began.
    pub head: RunHead,
    /// Which leg it is in, from 1: how often it was begun or taken over.
    pub leg: u32,
    /// How many entries it has.
    pub entries: u64,
    /// How it ended; none where it has not, be it that nobody is on it any more.
    pub end: Option<RunEnd>,
}

impl RunView {
    /// A run as it stands.
    pub const fn new(head: RunHead, leg: u32, entries: u64, end: Option<RunEnd>) -> Self {
        Self { head, leg, entries, end }
    }

    /// How it ended, if it has.
    pub fn state(&self) -> Option<State> {
        self.end.as_ref().map(|end| end.state)
    }

    /// Why it ended as it did; none where it succeeded or has not ended.
    pub fn reason(&self) -> Option<&Reason> {
        self.end.as_ref().and_then(|end| end.reason.as_ref())
    }
}

/// Which runs are asked for.
///
/// ```
/// use safeguards_coord::RunQuery;
///
/// let cut_off = RunQuery::all().unfinished().team("research").limit(10);
/// assert!(cut_off.unfinished_only);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunQuery {
    /// Only those that have not ended.
    pub unfinished_only: bool,
    /// Only those of this team.
    pub team: Option<String>,
    /// Only what stands after this run in the order of the answer: the last one of the page before.
    pub after: Option<RunId>,
    /// How many at most; above [`RunStoreBounds::PAGE`] it is taken for that.
    pub limit: usize,
}

impl RunQuery {
    /// All runs, the first page of them.
    pub const fn all() -> Self {
        Self { unfinished_only: false, team: None, after: None, limit: RunStoreBounds::PAGE }
    }

    /// Only those that have not ended.
    #[must_use]
    pub fn unfinished(self) -> Self {
        Self { unfinished_only: true, ..self }
    }

    /// Only those of this team.
    #[must_use]
    pub fn team(self, team: impl Into<String>) -> Self {
        Self { team: Some(team.into()), ..self }
    }

    /// Only what stands after this run. One that the store does not know is an error, since the page would be wrong.
    #[must_use]
    pub fn after(self, run: impl Into<RunId>) -> Self {
        Self { after: Some(run.into()), ..self }
    }

    /// At most so many.
    #[must_use]
    pub fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Whether a run is among those that are asked for, wherever the page begins.
    pub fn takes(&self, run: &RunView) -> bool {
        let Self { unfinished_only, team, after: _, limit: _ } = self;
        let is_open = !unfinished_only || run.end.is_none();
        is_open && team.as_ref().is_none_or(|team| *team == run.head.team)
    }
}

impl Default for RunQuery {
    fn default() -> Self {
        Self::all()
    }
}
