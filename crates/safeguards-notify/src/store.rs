//! [`AlertStore`]: where alerts are kept: history, what is not yet delivered, dead letters. The seam.

mod change;
mod memory;
mod query;

use std::{error, fmt, sync::Arc};

use async_trait::async_trait;

pub use self::{
    change::{AlertChange, AlertRecord, Mark, Muted, OpenEscalation},
    memory::{MemoryAlertStore, MemoryAlertStoreBounds, SyncAlertStore},
    query::{AlertQuery, Unfinished},
};
use crate::DeadLetters;

/// Where alerts are kept: their history, what is not yet delivered, and dead letters.
///
/// A hub decides by itself and tells the store what changed; after a restart it reads what was unfinished and
/// goes on. The reference is [`MemoryAlertStore`].
///
/// # Contract
///
/// - [`commit`](Self::commit) applies the changes in their order, all or none, also across a crash. What it
///   confirmed is there afterwards, as far as the store promises to last.
/// - The same changes may come again, where an answer was lost, followed by later ones: ids make them known,
///   and applied twice they leave what they leave applied once.
/// - What is unfinished is kept until a change ends it, whatever its age and number. History and dead letters
///   may be bounded: the oldest are dropped, and dead letters that are dropped are counted.
/// - Reads show what was committed before they began.
/// - One hub writes at a time; several may read.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AlertStore: fmt::Debug + Send + Sync + 'static {
    /// Applies changes.
    async fn commit(&self, changes: &[AlertChange]) -> Result<(), AlertStoreError>;

    /// What changes have begun and none has ended.
    async fn unfinished(&self) -> Result<Unfinished, AlertStoreError>;

    /// The latest alerts that `query` means, oldest first.
    async fn history(&self, query: &AlertQuery) -> Result<Vec<AlertRecord>, AlertStoreError>;

    /// What was given up on and not sent again, oldest first.
    async fn dead_letters(&self) -> Result<DeadLetters, AlertStoreError>;
}

#[async_trait]
impl<S: AlertStore + ?Sized> AlertStore for Arc<S> {
    async fn commit(&self, changes: &[AlertChange]) -> Result<(), AlertStoreError> {
        (**self).commit(changes).await
    }

    async fn unfinished(&self) -> Result<Unfinished, AlertStoreError> {
        (**self).unfinished().await
    }

    async fn history(&self, query: &AlertQuery) -> Result<Vec<AlertRecord>, AlertStoreError> {
        (**self).history(query).await
    }

    async fn dead_letters(&self) -> Result<DeadLetters, AlertStoreError> {
        (**self).dead_letters().await
    }
}

/// What went wrong in a store, roughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AlertStoreErrorKind {
    /// It cannot be reached or written for now.
    Unavailable,
    /// What it holds cannot be read.
    Corrupt,
}

/// A store failed. A change whose commit failed may have been applied.
#[derive(Debug)]
pub struct AlertStoreError {
    kind: AlertStoreErrorKind,
    source: Box<dyn error::Error + Send + Sync>,
}

impl AlertStoreError {
    /// It cannot be reached or written for now, because of `source`.
    pub fn unavailable(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self { kind: AlertStoreErrorKind::Unavailable, source: source.into() }
    }

    /// What it holds cannot be read, because of `source`.
    pub fn corrupt(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self { kind: AlertStoreErrorKind::Corrupt, source: source.into() }
    }

    /// What went wrong, roughly.
    pub const fn kind(&self) -> AlertStoreErrorKind {
        self.kind
    }

    /// Whether trying again may help.
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, AlertStoreErrorKind::Unavailable)
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self.kind {
            AlertStoreErrorKind::Unavailable => "notify.store_unavailable",
            AlertStoreErrorKind::Corrupt => "notify.store_corrupt",
        }
    }
}

impl fmt::Display for AlertStoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.kind {
            AlertStoreErrorKind::Unavailable => "the store of alerts is not available",
            AlertStoreErrorKind::Corrupt => "the store of alerts holds what cannot be read",
        })
    }
}

impl error::Error for AlertStoreError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.source)
    }
}
