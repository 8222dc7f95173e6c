//! What the runner asks of the ledger: one hold per attempt, and its one end.

use std::{sync::Arc, time::Duration};

use safeguards_budget::{
    Action, Charge, Command, CommandError, Denial, HoldId, Ledger, LedgerError, LedgerErrorKind,
    LedgerExt, Metadata, PlaceHold, Receipt, Settle,
};
use safeguards_types::{AccountId, Amounts, OperationId, Timestamp};
use serde_json::json;

use crate::{
    AttemptId, CostBasis, RunId,
    bill::{Bill, cut_down},
};

/// How often the ledger is asked again when it cannot answer. The operation ids stay, so it is safe.
const TRIES: u32 = 3;
/// How often a bill is cut down before no more than what was held is asked for.
const CUTS: u32 = 8;
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before the second try; the double before the third.
const PAUSE: Duration = Duration::from_millis(50);
/// By how much a hold outlives the time that its attempt may take: for the clocks, and for the settling.
const MARGIN: Duration = Duration::from_mins(2);
/// The longest that a ledger sets anything aside.
const TTL_MAX: Duration = Duration::from_secs(1_000_000_000);

/// The money side of one attempt.
#[derive(Debug)]
pub(super) struct Purse {
    ledger: Arc<dyn Ledger>,
    account: AccountId,
    scopes: Vec<AccountId>,
    op: OperationId,
    run: RunId,
    id: AttemptId,
}

/// What is set aside for an attempt that is running; none where there is nothing to set aside.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) amounts: Amounts,
    hold: Option<HoldId>,
}

/// How a hold ended.
pub(super) struct Settled {
    pub(super) bill: Bill,
    pub(super) receipt: Option<Receipt>,
    /// Why the ledger would not, or could not, write all of it down.
    pub(super) troubles: Vec<CommandError>,
}

impl Purse {
    /// The purse of the attempt `id` in the run `run`, which `op` names.
    pub(super) fn new(
        ledger: Arc<dyn Ledger>,
        (account, scopes): (AccountId, Vec<AccountId>),
        (op, run): (OperationId, RunId),
        id: AttemptId,
    ) -> Self {
        Self { ledger, account, scopes, op, run, id }
    }

    /// Sets `amounts` aside until some time after `lasts`. `at` is the time of the intent: the operation's id
    /// is made of it.
    pub(super) async fn hold(
        &self,
        amounts: Amounts,
        lasts: Duration,
        at: Timestamp,
    ) -> Result<(Held, Option<Receipt>), CommandError> {
        if amounts.is_empty() {
            return Ok((Held { amounts, hold: None }, None));
        }
        // Ledgers count whole seconds.
        let ttl = Duration::from_secs(lasts.saturating_add(MARGIN).min(TTL_MAX).as_secs());
        let place = PlaceHold::new(self.account.clone(), amounts.clone(), ttl);
        let place = self.scopes.iter().fold(place, PlaceHold::scope);
        let op = self.operation("hold", at);
        let held = Held { amounts, hold: Some(HoldId::placed_by(op)) };
        match self.ask(Command::new(op, place)).await {
            Ok(receipt) => Ok((held, Some(receipt))),
            Err(error) => {
                if error.denial().is_none() {
                    // It may have been placed. Where even this fails, its time runs out.
                    let _ = self.release(&held, at).await;
                }
                Err(error)
            }
        }
    }

    /// Gives back what was held for an attempt that never began.
    pub(super) async fn release(&self, held: &Held, at: Timestamp) -> Result<(), CommandError> {
        if let Some(hold) = held.hold {
            self.ask(Command::new(self.operation("release", at), Action::Release { hold })).await?;
        }
        Ok(())
    }

    /// Writes a bill down and ends the hold.
    ///
    /// Where the ledger refuses the bill (it does not know a unit, or the amount is too large) the hold still
    /// ends: what it can write down is settled, at last what was held, and the troubles told.
    pub(super) async fn settle(&self, held: &Held, bill: Bill, at: Timestamp) -> Settled {
        let Some(id) = held.hold else {
            return self.record(bill, at).await;
        };
        let settle = |amounts: &Amounts| Some(Action::from(Settle::new(id, amounts.clone())));
        let settled = self.write_down("settle", (bill.clone(), &held.amounts), at, settle).await;
        let last = settled.troubles.last().and_then(CommandError::denial);
        match last.filter(|_| settled.receipt.is_none()) {
            // Nothing is known of the hold any more: the money is gone all the same.
            Some(Denial::HoldForgotten { .. } | Denial::UnknownHold { .. }) => {
                let recorded = self.record(bill, at).await;
                if recorded.receipt.is_some() { recorded } else { settled }
            }
            // Not one bill that the ledger takes: nothing is spent, rather than set aside for nobody.
            Some(Denial::UnknownUnit { .. } | Denial::AmountOverflow { .. }) => {
                let mut troubles = settled.troubles;
                troubles.extend(self.release(held, at).await.err());
                let bill = Bill { amounts: Amounts::none(), ..settled.bill };
                Settled { bill, receipt: None, troubles }
            }
            _ => settled,
        }
    }

    /// Writes down what was spent without a hold.
    async fn record(&self, bill: Bill, at: Timestamp) -> Settled {
        let record = |amounts: &Amounts| {
            let above_zero = amounts.iter().filter(|amount| !amount.quantity().is_zero());
            let amounts: Amounts = above_zero.cloned().collect();
            let charge = || Charge::new(self.account.clone(), amounts.clone());
            let in_scopes = || self.scopes.iter().fold(charge(), Charge::scope);
            (!amounts.is_empty()).then(|| Action::Record(in_scopes()))
        };
        self.write_down("record", (bill, &Amounts::none()), at, record).await
    }

    /// Asks for what `action` makes of a bill, and where that is denied for what is left of the bill.
    async fn write_down(
        &self,
        what: &str,
        (mut bill, held): (Bill, &Amounts),
        at: Timestamp,
        action: impl Fn(&Amounts) -> Option<Action>,
    ) -> Settled {
        let mut troubles = Vec::new();
        for cut in 0..=CUTS {
            if cut == CUTS {
                bill = Bill { amounts: held.clone(), basis: CostBasis::Partial, mismatch: None };
            }
            let Some(action) = action(&bill.amounts) else {
                break;
            };
            let name = if cut == 0 { what.to_owned() } else { format!("{what}-{cut}") };
            let command = Command::new(self.operation(&name, at), action);
            match self.ask(self.noting(&bill, command)).await {
                Ok(receipt) => return Settled { bill, receipt: Some(receipt), troubles },
                Err(error) => {
                    let less = error.denial().and_then(|denial| cut_down(&bill, held, denial));
                    troubles.push(error);
                    let Some(less) = less else {
                        break;
                    };
                    bill = less;
                }
            }
        }
        Settled { bill, receipt: None, troubles }
    }

    /// The id of one thing asked for this attempt: of run, step, attempt, and of the time of the intent, so
    /// that a late step of a long run is not too old for the ledger.
    fn operation(&self, what: &str, at: Timestamp) -> OperationId {
        let AttemptId { step, agent: _, number } = &self.id;
        self.op.step_at(&format!("{step}/{number}/{what}"), at)
    }

    /// Asks until there is an answer, a few times.
    async fn ask(&self, command: Command) -> Result<Receipt, CommandError> {
        let command = self.signed(command);
        let mut pause = PAUSE;
        let mut tries = TRIES;
        loop {
            tries = tries.saturating_sub(1);
            let asked = self.ledger.apply(command.clone());
            let answer = match tokio::time::timeout(PATIENCE, asked).await {
                Ok(answer) => answer,
                Err(elapsed) => Err(LedgerError::new(
                    LedgerErrorKind::OutcomeUnknown,
                    "answer in time",
                    elapsed,
                )
                .into()),
            };
            match answer {
                Err(CommandError::Ledger(error)) if tries > 0 && error.is_retryable() => {
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2);
                }
                answer => return answer,
            }
        }
    }

    /// Says in the command's entry for which attempt it is.
    fn signed(&self, mut command: Command) -> Command {
        let AttemptId { step, agent, number } = &self.id;
        let signs: Metadata = [
            ("run".to_owned(), json!(self.run)),
            ("step".to_owned(), json!(step)),
            ("agent".to_owned(), json!(agent)),
            ("attempt".to_owned(), json!(number)),
        ]
        .into_iter()
        .collect();
        command.metadata.extend(signs);
        command
    }

    /// Says in the command's entry that nobody knows the cost, that this is not all of it, or that it does not
    /// add up.
    fn noting(&self, bill: &Bill, mut command: Command) -> Command {
        debug_assert!(bill.basis != CostBasis::NotBegun, "{} has nothing to settle", self.id.step);
        if bill.basis == CostBasis::Estimate {
            command.metadata.insert("unknown_cost".to_owned(), json!(true));
        }
        if bill.basis == CostBasis::Partial {
            command.metadata.insert("partial_cost".to_owned(), json!(true));
        }
        if let Some(mismatch) = &bill.mismatch {
            command.metadata.insert("cost_mismatch".to_owned(), json!(mismatch));
        }
        command
    }
}
