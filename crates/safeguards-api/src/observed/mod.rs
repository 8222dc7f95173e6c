//! [`ObservedLedger`]: tells spans and metrics of the commands that pass through a ledger.

mod asked;
mod counted;
pub mod telemetry;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use metrics::counter;
use safeguards_budget::{
    Accounts, Batch, Command, EntryId, EntryPage, Guarantees, HoldId, HoldView, Ledger,
    LedgerError, Outcome,
};
use safeguards_types::{AccountId, Amounts, Timestamp};
use tracing::{Instrument, Level, Span, event as told, field::Empty, span as opened};

use self::{
    asked::{Asked, Spending},
    counted::Counted,
    telemetry::{DRIVER_TARGET, TARGET, event, field, metric, span},
};
use crate::answers::{Answers, Asking};

/// A ledger that tells what it is asked: the same answers as the ledger within, with a span for each command, an
/// event for each denial, and counters. [`telemetry`](crate::telemetry) has the names.
///
/// Spending is counted once, however often its operation is repeated here, and although an answer was lost before one
/// came. What nobody waited for is counted when it is repeated; what somebody else did first is not told from a
/// repetition where it came after the last answer that passed through here.
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
    answers: Answers,
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
            answers: Answers::default(),
            has_begun: AtomicBool::new(false),
            counted: Counted::default(),
        }
    }

    /// Finds the last entry before anything is asked: what is answered with it, or an earlier one, is repeated.
    async fn begin(&self) {
        if self.has_begun.load(Ordering::Acquire) {
            return;
        }
        // Where the ledger does not answer, the next command asks again.
        if let Ok(read) = self.inner.accounts(&[]).await {
            self.answers.begin(read.revision);
            self.has_begun.store(true, Ordering::Release);
        }
    }

    fn tell(&self, (asked, span): (&Asked, &Span), outcome: &Outcome, asking: &Asking<'_>) {
        let ended = match outcome {
            Ok(receipt) => {
                span.record(field::ENTRY, receipt.entry.number());
                if asking.made(asked.op, receipt.entry) {
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
                        "{}", event::COMMAND_DENIED
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

/// Tells that a part of the background driver failed, with the code of why.
pub(crate) fn driver_failed(part: &'static str, code: &'static str) {
    told!(
        name: event::DRIVER_FAILED, target: DRIVER_TARGET, Level::WARN,
        { field::PART } = part,
        { field::ERROR } = code,
        "{}", event::DRIVER_FAILED
    );
    counter!(metric::DRIVER_FAILURES, field::PART => part, field::ERROR => code).increment(1);
}

#[async_trait]
impl Ledger for ObservedLedger {
    async fn submit(&self, batch: Batch) -> Result<Vec<Outcome>, LedgerError> {
        self.begin().await;
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
        let asking = self.answers.ask(&batch.commands);
        let answer = self.inner.submit(batch).instrument(within).await;
        match &answer {
            Ok(outcomes) => {
                for ((asked, span), outcome) in asked.iter().zip(outcomes) {
                    self.tell((asked, span), outcome, &asking);
                }
                asking.answered();
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
