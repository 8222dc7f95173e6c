//! [`Metered`] and [`Pager`]: somebody's own ledger and channel.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use parking_lot::Mutex;
use safeguards_budget::{
    Accounts, Batch, EntryId, EntryPage, Guarantees, HoldId, HoldView, Ledger, LedgerError, Outcome,
};
use safeguards_notify::{Channel, Delivery, DeliveryError};
use safeguards_types::{AccountId, Timestamp};

/// Counts denials, and is a ledger itself. Clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct Metered<L> {
    inner: L,
    denied: Arc<AtomicUsize>,
}

impl<L> Metered<L> {
    pub(super) fn new(inner: L) -> Self {
        Self { inner, denied: Arc::default() }
    }

    pub(super) fn denied(&self) -> usize {
        self.denied.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl<L: Ledger> Ledger for Metered<L> {
    async fn submit(&self, batch: Batch) -> Result<Vec<Outcome>, LedgerError> {
        let outcomes = self.inner.submit(batch).await?;
        let denied = outcomes.iter().filter(|outcome| outcome.is_err());
        self.denied.fetch_add(denied.count(), Ordering::Relaxed);
        Ok(outcomes)
    }

    async fn accounts(&self, ids: &[AccountId]) -> Result<Accounts, LedgerError> {
        self.inner.accounts(ids).await
    }

    async fn subtree(&self, of: &AccountId) -> Result<Accounts, LedgerError> {
        self.inner.subtree(of).await
    }

    async fn holds(&self, ids: &[HoldId]) -> Result<Vec<Option<HoldView>>, LedgerError> {
        self.inner.holds(ids).await
    }

    async fn entries(&self, from: EntryId, limit: usize) -> Result<EntryPage, LedgerError> {
        self.inner.entries(from, limit).await
    }

    async fn tick(&self) -> Result<Option<Timestamp>, LedgerError> {
        self.inner.tick().await
    }

    fn guarantees(&self) -> Guarantees {
        self.inner.guarantees()
    }
}

/// Keeps what it is given; busy now and then. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Pager {
    calls: Arc<AtomicUsize>,
    pages: Arc<Mutex<Vec<Delivery>>>,
}

impl Pager {
    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        self.pages.lock().clone()
    }
}

#[async_trait]
impl Channel for Pager {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        if self.calls.fetch_add(1, Ordering::Relaxed) == 0 {
            return Err(DeliveryError::retryable("the line is busy"));
        }
        self.pages.lock().push(delivery.clone());
        Ok(())
    }
}
