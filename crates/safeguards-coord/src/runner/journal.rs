//! [`Journal`]: writes down what happens in one leg of a run.

use std::{future::Future, sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    Outcome, RunEntry, RunFault, RunId, RunStore, RunStoreError, RunStoreErrorKind, StepReport,
    error::with_causes,
};

/// How often a store is asked again when it cannot answer. The same entry again changes nothing.
const TRIES: u32 = 3;
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before the second try; the double before the third.
const PAUSE: Duration = Duration::from_millis(50);

/// Writes down what happens in one leg of a run.
#[derive(Debug)]
pub(super) struct Journal {
    store: Arc<dyn RunStore>,
    run: RunId,
    leg: u32,
}

impl Journal {
    pub(super) const fn new(store: Arc<dyn RunStore>, run: RunId, leg: u32) -> Self {
        Self { store, run, leg }
    }

    /// Writes an entry down; asks a few times.
    pub(super) async fn append(&self, entry: RunEntry) -> Result<(), RunFault> {
        let key = entry.key();
        asking(|| self.store.append(&self.run, self.leg, entry.clone())).await.map_err(|error| {
            let run = self.run.clone();
            if error.kind() == RunStoreErrorKind::TakenOver {
                return RunFault::TakenOver { run, message: with_causes(&error) };
            }
            RunFault::NotRecorded { what: key.to_string(), message: with_causes(&error) }
        })
    }
}

/// Asks a store, and again where it cannot answer.
pub(super) async fn asking<T, Fut>(ask: impl Fn() -> Fut + Send) -> Result<T, RunStoreError>
where
    Fut: Future<Output = Result<T, RunStoreError>> + Send,
{
    let (mut pause, mut tries) = (PAUSE, TRIES);
    loop {
        tries = tries.saturating_sub(1);
        let answer = tokio::time::timeout(PATIENCE, ask()).await.unwrap_or_else(|elapsed| {
            let message = format!("no answer within {PATIENCE:?}");
            let error = RunStoreError::new(RunStoreErrorKind::Unavailable, message);
            Err(error.caused_by(elapsed))
        });
        match answer {
            Err(error) if tries > 0 && error.is_retryable() => {
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2);
            }
            answer => return answer,
        }
    }
}

/// What is written down of an attempt that ended so.
pub(super) fn outcome(report: &StepReport, attempt: u32) -> Box<Outcome> {
    Box::new(Outcome {
        step: report.step.clone(),
        attempt,
        agent: report.agent.clone(),
        order: None,
        state: report.state,
        reason: report.reason.clone(),
        denial: report.denial.as_ref().map(|denial| {
            serde_json::to_value(denial).unwrap_or_else(|_| Value::String(denial.to_string()))
        }),
        output: report.output.clone(),
        notes: report.notes.clone(),
        log: report.log.clone(),
        held: report.held.clone(),
        spent: report.spent.clone(),
        basis: report.basis,
        cost_mismatch: report.cost_mismatch.clone(),
        started_at: report.started_at,
        duration: report.duration,
    })
}
