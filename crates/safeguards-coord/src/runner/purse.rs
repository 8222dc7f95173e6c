//! What the runner asks of the ledger: one hold per attempt, and its one end.

use std::{future::Future, sync::Arc, time::Duration};

use safeguards_budget::{
    Action, Charge, Command, CommandError, Denial, EntryId, HoldId, HoldState, HoldView, Ledger,
    LedgerError, LedgerErrorKind, LedgerExt, Metadata, PlaceHold, Receipt, Settle,
};
use safeguards_types::{AccountId, Amount, Amounts, OperationId, Timestamp, Unit};
use serde_json::json;

use crate::{
    AttemptId, CostBasis, RunId,
    bill::{Bill, beyond, cut_down},
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
/// The longest that anything is set aside at once: what lives longer is extended while its attempt goes on, so that
/// a crash sets nothing aside for days.
const TTL_MAX: Duration = Duration::from_hours(1);
/// How long before its end a hold is extended.
const BEAT: Duration = Duration::from_mins(30);
/// How many entries of a ledger are read at once.
const PAGE: usize = 1_000;
/// How many bytes the name of a model has at most that an entry says. A longer one is no name.
const MODEL_MAX: usize = 256;

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

/// What is set aside for an attempt that is running.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) amounts: Amounts,
    /// How often more was set aside for what was drawn beyond that before the run was cut off, and how much.
    pub(super) draws: (u32, Amounts),
    hold: Hold,
}

/// The hold of an attempt.
#[derive(Clone, Debug)]
enum Hold {
    /// There is nothing to set aside.
    Nothing,
    /// This one, until then unless it is extended.
    Placed { id: HoldId, until: Timestamp },
    /// It was settled with this before the run was cut off.
    Settled(Amounts),
}

impl Held {
    /// Nothing is set aside for it, though this was to be.
    pub(super) fn nothing(amounts: Amounts) -> Self {
        Self::of(amounts, Hold::Nothing)
    }

    fn of(amounts: Amounts, hold: Hold) -> Self {
        Self { amounts, draws: (0, Amounts::none()), hold }
    }

    /// It is not given more time any more.
    pub(super) const fn give_up_extending(&mut self) {
        if let Hold::Placed { until, .. } = &mut self.hold {
            *until = Timestamp::MAX;
        }
    }
}

/// How far an attempt came that was cut off, by what the ledger knows of its hold.
#[derive(Debug)]
pub(super) enum Found {
    /// It never began. The next hold that is placed for it has this number.
    NeverBegan(u32),
    /// It may have begun, and this is set aside for it.
    Held(Held),
    /// It may have begun, and its hold ran out. The next one has this number.
    RanOut(u32, Held),
    /// It ended, and this was settled.
    Settled(Held),
}

/// How a hold ended.
pub(super) struct Settled {
    pub(super) bill: Bill,
    pub(super) receipt: Option<Receipt>,
    /// The operation that wrote it down.
    pub(super) op: Option<OperationId>,
    /// Why the ledger would not, or could not, write all of it down.
    pub(super) troubles: Vec<CommandError>,
}

/// What was written down for an attempt.
#[derive(Clone, Debug)]
pub(super) struct Paid {
    pub(super) amounts: Amounts,
    /// What the agent had drawn.
    pub(super) drawn: Amounts,
    /// The operation that wrote it down.
    pub(super) op: Option<OperationId>,
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

    /// Sets `amounts` aside until some time after `lasts`, as the hold of this number, from 1. `at` is the time of
    /// the intent: the operation's id is made of it.
    pub(super) async fn hold(
        &self,
        (amounts, lasts): (Amounts, Duration),
        (number, at): (u32, Timestamp),
        now: Timestamp,
    ) -> Result<(Held, Option<Receipt>), CommandError> {
        if amounts.is_empty() {
            return Ok((Held::nothing(amounts), None));
        }
        let (op, ttl) = (self.operation(&hold_name(number), at), ttl(lasts));
        let (held, place) = self.placing(amounts, op, (ttl, now));
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

    /// Sets `amounts` aside for what an attempt draws beyond what it holds: the draw of this number, from 1.
    pub(super) async fn hold_more(
        &self,
        (amounts, lasts): (Amounts, Duration),
        (number, at): (u32, Timestamp),
        now: Timestamp,
    ) -> Result<Receipt, CommandError> {
        let op = self.operation(&format!("draw-{number}"), at);
        let (_, place) = self.placing(amounts, op, (ttl(lasts), now));
        self.ask(Command::new(op, place)).await
    }

    /// Gives back what was set aside for so many draws.
    pub(super) async fn release_draws(
        &self,
        draws: u32,
        at: Timestamp,
        now: Timestamp,
    ) -> Vec<CommandError> {
        let mut troubles = Vec::new();
        for number in 1..=draws {
            troubles.extend(self.release_draw(number, at, now).await.err());
        }
        troubles
    }

    /// Gives back what was set aside for the draw of this number.
    pub(super) async fn release_draw(
        &self,
        number: u32,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<(), CommandError> {
        let hold = HoldId::placed_by(self.operation(&format!("draw-{number}"), at));
        let op = self.operation(&format!("release-draw-{number}"), now);
        match self.ask(Command::new(op, Action::Release { hold })).await {
            // Nobody knows of some whether they were set aside.
            Ok(_)
            | Err(CommandError::Denied(Denial::UnknownHold { .. } | Denial::HoldEnded { .. })) => {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn placing(
        &self,
        amounts: Amounts,
        op: OperationId,
        (ttl, now): (Duration, Timestamp),
    ) -> (Held, PlaceHold) {
        let place = PlaceHold::new(self.account.clone(), amounts.clone(), ttl);
        let place = self.scopes.iter().fold(place, PlaceHold::scope);
        let hold = Hold::Placed { id: HoldId::placed_by(op), until: now.saturating_add(ttl) };
        (Held::of(amounts, hold), place)
    }

    /// How far the attempt came whose intent was written down at `at`, to hold `amounts`.
    pub(super) async fn find(
        &self,
        amounts: &Amounts,
        at: Timestamp,
    ) -> Result<Found, LedgerError> {
        let mut last = None;
        let mut number = 0_u32;
        loop {
            number = number.saturating_add(1);
            let id = HoldId::placed_by(self.operation(&hold_name(number), at));
            let Some(view) = self.view(id).await? else {
                break;
            };
            last = Some((number, view));
        }
        let Some((number, view)) = last else {
            // An id that is too old for the ledger to know, it would not take for a hold either.
            return Ok(Found::NeverBegan(1));
        };
        let draws = self.find_draws(at).await?;
        let held = |hold| Held { amounts: amounts.clone(), draws: draws.clone(), hold };
        let placed = || held(Hold::Placed { id: view.id, until: view.expires_at });
        Ok(match view.state {
            HoldState::Open => Found::Held(placed()),
            HoldState::Released => Found::NeverBegan(number.saturating_add(1)),
            HoldState::Settled => {
                let settled = self.settled_for(view.id).await?;
                Found::Settled(held(Hold::Settled(settled.unwrap_or_else(|| amounts.clone()))))
            }
            HoldState::Expired | _ => Found::RanOut(number.saturating_add(1), placed()),
        })
    }

    /// How often more was set aside for draws of the attempt whose intent was written down at `at`, and how much of
    /// that still is.
    async fn find_draws(&self, at: Timestamp) -> Result<(u32, Amounts), LedgerError> {
        let (mut left, mut number) = (Amounts::none(), 0_u32);
        loop {
            let next = number.saturating_add(1);
            let id = HoldId::placed_by(self.operation(&format!("draw-{next}"), at));
            let Some(view) = self.view(id).await? else {
                return Ok((number, left));
            };
            left.add_all(&view.left);
            number = next;
        }
    }

    /// What the ledger knows of a hold.
    async fn view(&self, hold: HoldId) -> Result<Option<HoldView>, LedgerError> {
        let ids = [hold];
        Ok(answer_of(self.ledger.holds(&ids)).await?.into_iter().next().flatten())
    }

    /// What was settled for a hold; none where the entry is not kept any more.
    async fn settled_for(&self, hold: HoldId) -> Result<Option<Amounts>, LedgerError> {
        let mut from = EntryId::FIRST;
        loop {
            let page = answer_of(self.ledger.entries(from, PAGE)).await?;
            for entry in &page.entries {
                let settle = entry.cause.as_ref().map(|cause| &cause.command.action);
                if let Some(Action::Settle(settle)) = settle
                    && settle.hold == hold
                {
                    return Ok(Some(settle.amounts.clone()));
                }
            }
            if page.entries.is_empty() {
                return Ok(None);
            }
            from = page.next;
        }
    }

    /// When a hold has to be extended, for an attempt that goes on; none where it outlives `until`.
    pub(super) fn extend_at(held: &Held, until: Timestamp) -> Option<Timestamp> {
        match held.hold {
            Hold::Placed { until: expires, .. } if expires <= until => {
                let early = i64::try_from(BEAT.as_nanos()).unwrap_or(i64::MAX);
                Timestamp::from_nanos(expires.as_nanos().saturating_sub(early))
            }
            Hold::Placed { .. } | Hold::Nothing | Hold::Settled(_) => None,
        }
    }

    /// Gives a hold more time: until some time after `lasts`.
    pub(super) async fn extend(
        &self,
        held: &mut Held,
        lasts: Duration,
        now: Timestamp,
    ) -> Result<(), CommandError> {
        if let Hold::Placed { id, until } = &mut held.hold {
            let (id, ttl) = (*id, ttl(lasts));
            // Each beat is an operation of its own.
            let op = self.operation(&format!("extend-{}", now.as_nanos()), now);
            self.ask(Command::new(op, Action::ExtendHold { hold: id, ttl })).await?;
            *until = now.saturating_add(ttl);
        }
        Ok(())
    }

    /// Gives back what was held for an attempt that never began.
    pub(super) async fn release(&self, held: &Held, at: Timestamp) -> Result<(), CommandError> {
        if let Hold::Placed { id: hold, .. } = held.hold {
            self.ask(Command::new(self.operation("release", at), Action::Release { hold })).await?;
        }
        Ok(())
    }

    /// Writes a bill down and ends the hold.
    ///
    /// Where the ledger refuses the bill (it does not know a unit, or the amount is too large) the hold still
    /// ends: what it can write down is settled, at last what was held, and the troubles told.
    pub(super) async fn settle(&self, held: &Held, bill: Bill, at: Timestamp) -> Settled {
        let id = match &held.hold {
            Hold::Placed { id, .. } => *id,
            Hold::Nothing => return self.record(bill, at).await,
            // It was paid for before the run was cut off, and is not paid for again.
            Hold::Settled(amounts) => {
                let bill = Bill { amounts: amounts.clone(), ..bill };
                return Settled { bill, receipt: None, op: None, troubles: Vec::new() };
            }
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
                Settled { bill, receipt: None, op: None, troubles }
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

    /// Writes down what was spent before, in a ledger that knows nothing of it. Where it does not take it, the
    /// report has it all the same.
    pub(super) async fn record_again(&self, spent: &Amounts, at: Timestamp) {
        let amounts = spent.without_zeros();
        if !amounts.is_empty() {
            let charge = Charge::new(self.account.clone(), amounts);
            let charge = self.scopes.iter().fold(charge, Charge::scope);
            let command = Command::new(self.operation("record-again", at), Action::Record(charge));
            let _ = self.ask(command).await;
        }
    }

    /// Puts right what was settled, now that the total is known: the rest is recorded, and what was too much
    /// refunded. Where the ledger does not take it, what was settled stands.
    pub(super) async fn put_right(&self, settled: &Paid, total: &Amounts, at: Timestamp) {
        let mut more = beyond(total, &settled.amounts);
        // A run counts the requests that were settled for it, unless it says how many they were.
        let named =
            |amount: &&Amount| total.names(amount.unit()) || *amount.unit() != Unit::REQUESTS;
        let less: Amounts = beyond(&settled.amounts, total).iter().filter(named).cloned().collect();
        if !more.is_empty() {
            let charge = Charge::new(self.account.clone(), std::mem::take(&mut more));
            let charge = self.scopes.iter().fold(charge, Charge::scope);
            let command = Command::new(self.operation("late", at), Action::Record(charge));
            let _ = self.ask(command).await;
        }
        if let Some(of) = settled.op.filter(|_| !less.is_empty()) {
            let refund = Action::Refund { of, amounts: less };
            let _ = self.ask(Command::new(self.operation("refund", at), refund)).await;
        }
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
                let (amounts, basis) = (held.clone(), CostBasis::Partial);
                bill = Bill { amounts, basis, mismatch: None, ..bill };
            }
            let Some(action) = action(&bill.amounts) else {
                break;
            };
            let name = if cut == 0 { what.to_owned() } else { format!("{what}-{cut}") };
            let op = self.operation(&name, at);
            let command = Command::new(op, action);
            match self.ask(self.noting(&bill, command)).await {
                Ok(receipt) => {
                    return Settled { bill, receipt: Some(receipt), op: Some(op), troubles };
                }
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
        Settled { bill, receipt: None, op: None, troubles }
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

    /// Says in the command's entry which model it was, that nobody knows the cost, that this is not all of it, or that it
    /// does not add up.
    fn noting(&self, bill: &Bill, mut command: Command) -> Command {
        debug_assert!(bill.basis != CostBasis::NotBegun, "{} has nothing to settle", self.id.step);
        if bill.basis == CostBasis::Estimate {
            command.metadata.insert("unknown_cost".to_owned(), json!(true));
        }
        if bill.basis == CostBasis::Partial {
            command.metadata.insert("partial_cost".to_owned(), json!(true));
        }
        if let Some(model) = bill.model.as_ref().filter(|model| model.len() <= MODEL_MAX) {
            command.metadata.insert("model".to_owned(), json!(model));
        }
        if let Some(mismatch) = &bill.mismatch {
            command.metadata.insert("cost_mismatch".to_owned(), json!(mismatch));
        }
        command
    }
}

/// The name of the hold of this number, from 1.
fn hold_name(number: u32) -> String {
    if number == 1 { "hold".to_owned() } else { format!("hold-{number}") }
}

/// For how long something is set aside that takes so long: ledgers count whole seconds.
fn ttl(lasts: Duration) -> Duration {
    Duration::from_secs(lasts.saturating_add(MARGIN).min(TTL_MAX).as_secs())
}

/// Waits for an answer, but not for ever.
async fn answer_of<T>(
    asked: impl Future<Output = Result<T, LedgerError>> + Send,
) -> Result<T, LedgerError> {
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|elapsed| {
        Err(LedgerError::new(LedgerErrorKind::NotApplied, "answer in time", elapsed))
    })
}
