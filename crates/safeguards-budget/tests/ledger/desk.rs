//! [`Desk`]: a book with a clock that is moved by hand, and one line for each thing that is asked of it.

use std::time::Duration;

use safeguards_budget::{
    Account, Action, Batch, Book, Charge, Command, Denial, Entry, EntryId, HoldId, HoldState,
    HoldView, Limit, LimitUsage, OpenAccount, Outcome, PlaceHold, Receipt, Settle, Shortfall,
    Window,
};
use safeguards_types::{Amount, Amounts, OperationId, OperationIds, Quantity, Timestamp, Unit};

/// A Monday.
pub(crate) const MORNING: &str = "2026-01-05T09:00:00Z";

#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) book: Book,
    pub(crate) now: Timestamp,
    ids: OperationIds,
}

impl Desk {
    /// An empty book on a Monday morning.
    pub(crate) fn new() -> Self {
        Self { book: Book::new(), now: at(MORNING), ids: OperationIds::seeded(1) }
    }

    /// A book in which these accounts are open.
    pub(crate) fn with(accounts: impl IntoIterator<Item = OpenAccount>) -> Self {
        let mut desk = Self::new();
        for open in accounts {
            desk.apply(open).unwrap();
        }
        desk
    }

    pub(crate) fn op(&self) -> OperationId {
        self.ids.mint(self.now)
    }

    pub(crate) fn command(&self, action: impl Into<Action>) -> Command {
        Command::new(self.op(), action)
    }

    pub(crate) fn apply(&mut self, action: impl Into<Action>) -> Outcome {
        let command = self.command(action);
        self.send(&command)
    }

    pub(crate) fn send(&mut self, command: &Command) -> Outcome {
        self.book.apply(command.clone(), self.now)
    }

    pub(crate) fn linked(&mut self, commands: impl Into<Vec<Command>>) -> Vec<Outcome> {
        self.book.submit(Batch::linked(commands), self.now)
    }

    pub(crate) fn charge(&mut self, account: &str, amounts: impl Into<Amounts>) -> Outcome {
        self.apply(Charge::new(account, amounts))
    }

    pub(crate) fn record(&mut self, account: &str, amounts: impl Into<Amounts>) -> Outcome {
        self.apply(Action::Record(Charge::new(account, amounts)))
    }

    /// Places a hold that fits.
    #[track_caller]
    pub(crate) fn hold(
        &mut self,
        account: &str,
        amounts: impl Into<Amounts>,
        seconds: u64,
    ) -> HoldId {
        self.place(PlaceHold::new(account, amounts, Duration::from_secs(seconds))).unwrap()
    }

    pub(crate) fn place(&mut self, place: PlaceHold) -> Result<HoldId, Denial> {
        let command = self.command(place);
        self.send(&command).map(|_| HoldId::placed_by(command.op))
    }

    pub(crate) fn settle(&mut self, hold: HoldId, amounts: impl Into<Amounts>) -> Outcome {
        self.apply(Settle::new(hold, amounts))
    }

    pub(crate) fn release(&mut self, hold: HoldId) -> Outcome {
        self.apply(Action::Release { hold })
    }

    pub(crate) fn set_limit(&mut self, account: &str, limit: Limit) -> Outcome {
        self.apply(Action::SetLimit { account: account.into(), limit })
    }

    pub(crate) fn set_remaining(&mut self, account: &str, remaining: Amount) -> Outcome {
        let (amount, unit) = remaining.into_parts();
        let window = Window::Lifetime;
        self.apply(Action::SetRemaining { account: account.into(), unit, window, amount })
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.now = self.now.saturating_add(Duration::from_secs(seconds));
    }

    #[track_caller]
    pub(crate) fn account(&self, id: &str) -> Account {
        self.book.accounts(&[id.into()], self.now).accounts.remove(0).unwrap()
    }

    /// The first limit of an account.
    #[track_caller]
    pub(crate) fn limit(&self, id: &str) -> LimitUsage {
        self.account(id).limits.remove(0)
    }

    /// What was ever spent at an account and what is held there, in dollars: `0.42 + 1`.
    #[track_caller]
    pub(crate) fn dollars(&self, id: &str) -> String {
        let account = self.account(id);
        format!("{} + {}", account.spent.get(&Unit::USD), account.held.get(&Unit::USD))
    }

    #[track_caller]
    pub(crate) fn hold_view(&self, hold: HoldId) -> HoldView {
        self.book.holds(&[hold], self.now).remove(0).unwrap()
    }

    #[track_caller]
    pub(crate) fn hold_state(&self, hold: HoldId) -> HoldState {
        self.hold_view(hold).state
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.book.entries(EntryId::FIRST, usize::MAX).entries
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub(crate) fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

pub(crate) fn every(seconds: u64, amount: Amount) -> Limit {
    Limit::new(amount, Window::every_seconds(seconds).unwrap())
}

/// The code of a denial, or `ok`.
pub(crate) fn code(outcome: &Outcome) -> &'static str {
    match outcome {
        Ok(_) => "ok",
        Err(denial) => denial.code(),
    }
}

#[track_caller]
pub(crate) fn shortfall(outcome: &Result<Receipt, Denial>) -> &Shortfall {
    outcome.as_ref().unwrap_err().shortfall().unwrap()
}
