//! [`ObservedLedger`]: tells spans and metrics of the commands that pass through a ledger.

mod asked;
mod counted;
pub mod telemetry;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use async_trait::async_trait;
use safeguards_budget::{
    Accounts, Batch, Command, EntryId, EntryPage, Guarantees, HoldId, HoldView, Ledger,
    LedgerError, Outcome,
};
use safeguards_types::{AccountId, Amounts, Timestamp};
use tracing::{Instrument, Level, Span, event as told, field::Empty, span as opened};

use self::{
    asked::{Asked, Spending},
    counted::Counted,
    telemetry::{TARGET, event, field, span},
};

/// A ledger that tells what it is asked: the same answers as the ledger within, with a span for each command, an
/// event for each denial, and counters. [`telemetry`](crate::telemetry) has the names.
///
/// A batch of several commands has a span of its own, in which theirs stand. Reads, ticks and a ledger's synchronous
/// path are not told.
///
/// ```
/// use std::sync::Arc;
/// use safeguards_api::ObservedLedger;
/// use safeguards_budget::{LedgerExt, MemoryLedger, OpenAccount};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let within = MemoryLedger::new();
/// let ledger = ObservedLedger::new(Arc::new(within.clone()));
/// ledger.open_account(OpenAccount::new("reader"), within.operation()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ObservedLedger {
    inner: Arc<dyn Ledger>,
    /// The latest entry that an answer told of.
    latest: AtomicU64,
    has_begun: AtomicBool,
    counted: Counted,
}

/// How a command ended, as the metric's label has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Granted,
    Repeated,
    Denied,
    Failed,
}

impl Ended {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Repeated => "repeated",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

impl ObservedLedger {
    /// Tells what `inner` is asked from now on.
    pub fn new(inner: Arc<dyn Ledger>) -> Self {
        Self {
            inner,
            latest: AtomicU64::new(0),
            has_begun: AtomicBool::new(false),
            counted: Counted::default(),
        }
    }

    /// The latest entry known before a command is sent: what is answered with it, or an earlier one, is repeated.
    async fn latest(&self) -> u64 {
        if !self.has_begun.load(Ordering::Acquire) {
            // Where the ledger does not answer, the next command asks again.
            if let Ok(read) = self.inner.accounts(&[]).await {
                self.note(read.revision.map_or(0, EntryId::number));
                self.has_begun.store(true, Ordering::Release);
            }
        }
        self.latest.load(Ordering::Acquire)
    }

    fn note(&self, entry: u64) {
        self.latest.fetch_max(entry, Ordering::AcqRel);
    }

    fn tell(&self, (asked, span): (&Asked, &Span), outcome: &Outcome, latest: u64) {
        let ended = match outcome {
            Ok(receipt) => {
                let entry = receipt.entry.number();
                self.note(entry);
                span.record(field::ENTRY, entry);
                if entry > latest {
                    match &asked.spending {
                        Some(Spending::Spent(amounts)) => self.counted.spent(amounts),
                        Some(Spending::Refunded(amounts)) => self.counted.refunded(amounts),
                        None => {}
                    }
                    Ended::Granted
                } else {
                    Ended::Repeated
                }
            }
            Err(denial) => {
                let code = denial.code();
                self.counted.denial(code);
                span.record(field::DENIAL_CODE, code);
                span.record(field::OTEL_STATUS, "ERROR");
                let whose = denial.shortfall().map(|shortfall| shortfall.account.as_str());
                span.in_scope(|| {
                    told!(
                        name: event::COMMAND_DENIED, target: TARGET, Level::INFO,
                        { field::COMMAND } = asked.command,
                        { field::DENIAL_CODE } = code,
                        { field::ACCOUNT } = whose,
                    );
                });
                Ended::Denied
            }
        };
        self.end((asked, span), ended);
    }

    fn end(&self, (asked, span): (&Asked, &Span), ended: Ended) {
        span.record(field::OUTCOME, ended.as_str());
        self.counted.command(asked.command, ended);
    }
}

fn open(command: &Command, asked: &Asked) -> Span {
    opened!(
        target: TARGET, Level::DEBUG, span::COMMAND,
        { field::OTEL_STATUS } = Empty,
        { field::COMMAND } = asked.command,
        { field::OPERATION } = %command.op,
        { field::ACCOUNT } = asked::account(command).map(AccountId::as_str),
        { field::AMOUNTS } = asked::amounts(command).map(tracing::field::display::<&Amounts>),
        { field::OUTCOME } = Empty,
        { field::ENTRY } = Empty,
        { field::DENIAL_CODE } = Empty,
        { field::ERROR } = Empty,
    )
}

#[async_trait]
impl Ledger for ObservedLedger {
    async fn submit(&self, batch: Batch) -> Result<Vec<Outcome>, LedgerError> {
        let latest = self.latest().await;
        let commands = batch.commands.len();
        let around = if commands == 1 {
            Span::none()
        } else {
            opened!(
                target: TARGET, Level::DEBUG, span::BATCH,
                { field::COMMANDS } = commands, { field::LINKED } = batch.linked,
            )
        };
        let asked: Vec<(Asked, Span)> = around.in_scope(|| {
            let keep = |command: &Command| {
                let asked = Asked::of(command);
                let span = open(command, &asked);
                (asked, span)
            };
            batch.commands.iter().map(keep).collect()
        });
        let within = match asked.first() {
            Some((_, span)) if commands == 1 => span.clone(),
            Some(_) | None => around,
        };
        let answer = self.inner.submit(batch).instrument(within).await;
        match &answer {
            Ok(outcomes) => {
                for ((asked, span), outcome) in asked.iter().zip(outcomes) {
                    self.tell((asked, span), outcome, latest);
                }
            }
            Err(error) => {
                for (asked, span) in &asked {
                    span.record(field::ERROR, error.code());
                    span.record(field::OTEL_STATUS, "ERROR");
                    self.end((asked, span), Ended::Failed);
                }
            }
        }
        answer
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
