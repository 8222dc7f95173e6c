//! [`Desk`]: a fresh ledger with a clock, and one line for each thing that a case asks or expects of it.

use std::{cell::RefCell, fmt, panic::Location, sync::Arc, time::Duration};

use safeguards_budget::{
    Account, Action, Batch, Bounds, Command, Entry, EntryId, HoldId, HoldState, HoldView, Ledger,
    LedgerError, OpenAccount, Outcome, Receipt,
};
use safeguards_types::{
    AccountId, Amounts, Clock, OperationId, OperationIds, SimClock, SystemClock, Timestamp, Unit,
};

use super::{
    asks::{at, hold},
    expect::{Expected, in_words},
};
use crate::TestEnv;

/// A fresh ledger with a clock, and one line for each thing that a case asks or expects of it.
///
/// What is not as expected ends the case with a panic, which names the line of the case.
#[derive(Debug)]
pub struct Desk {
    env: TestEnv,
    /// None only while it is opened again.
    ledger: RefCell<Option<Arc<dyn Ledger>>>,
    ids: OperationIds,
}

/// A line of a case.
type Line = &'static Location<'static>;

/// What the ledger gave; a failure ends the case.
fn given<T>(line: Line, result: Result<T, LedgerError>) -> T {
    result.unwrap_or_else(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        panic!("{line}: {error}: {}", source.unwrap_or_default())
    })
}

fn accepted(line: Line, command: &impl fmt::Debug, outcome: Outcome) -> Receipt {
    outcome.unwrap_or_else(|denial| panic!("{line}: {command:?}\nwas denied: {denial:?}"))
}

impl Desk {
    /// A desk at this ledger, in which no account is open.
    pub fn new(mut env: TestEnv) -> Self {
        let ledger = RefCell::new(env.ledger.take());
        Self { env, ledger, ids: OperationIds::seeded(1) }
    }

    /// The ledger.
    ///
    /// # Panics
    ///
    /// While it is opened again.
    pub fn ledger(&self) -> Arc<dyn Ledger> {
        self.ledger.borrow().clone().expect("the ledger is open")
    }

    /// The bounds that the ledger says it has.
    pub fn bounds(&self) -> Bounds {
        self.ledger().guarantees().bounds
    }

    /// The clock that the ledger reads.
    ///
    /// # Panics
    ///
    /// Where it cannot be set.
    pub fn clock(&self) -> &SimClock {
        self.env.clock.as_ref().expect(
            "this case needs a clock that can be set; say `own_clock` to have such cases named as not run",
        )
    }

    /// Now, by the ledger's clock or, where that cannot be read, by the machine's.
    pub fn now(&self) -> Timestamp {
        self.env.clock.as_ref().map_or_else(|| SystemClock::new().now(), Clock::now)
    }

    /// Moves the clock on by so many seconds.
    pub fn wait(&self, seconds: u64) {
        self.clock().advance(Duration::from_secs(seconds));
    }

    /// Sets the clock, be it back.
    pub fn set_clock(&self, text: &str) {
        self.clock().set(at(text));
    }

    /// Mints an operation id now.
    pub fn op(&self) -> OperationId {
        self.ids.mint(self.now())
    }

    /// Names a command with an id that is minted now.
    pub fn command(&self, action: impl Into<Action>) -> Command {
        Command::new(self.op(), action)
    }

    /// Sends a batch. Gives one outcome for each command.
    #[track_caller]
    pub fn submit(&self, batch: Batch) -> impl Future<Output = Vec<Outcome>> {
        let line = Location::caller();
        async move {
            let sent = batch.commands.len();
            let outcomes = given(line, self.ledger().submit(batch).await);
            assert_eq!(outcomes.len(), sent, "{line}: there is one outcome for each command");
            outcomes
        }
    }

    /// Sends commands of which all take effect or none does.
    #[track_caller]
    pub fn linked(&self, commands: impl Into<Vec<Command>>) -> impl Future<Output = Vec<Outcome>> {
        self.submit(Batch::linked(commands))
    }

    /// Sends one command.
    ///
    /// # Errors
    ///
    /// Where the ledger denies it.
    #[track_caller]
    pub fn send<'a>(&'a self, command: &Command) -> impl Future<Output = Outcome> + use<'a> {
        let sent = self.submit(command.clone().into());
        async move { sent.await.remove(0) }
    }

    /// Asks, under an id that is minted now.
    ///
    /// # Errors
    ///
    /// Where the ledger denies it.
    #[track_caller]
    pub fn ask(&self, action: impl Into<Action>) -> impl Future<Output = Outcome> {
        self.send(&self.command(action))
    }

    /// Asks for what must be granted. Gives the operation's id.
    #[track_caller]
    pub fn done(&self, action: impl Into<Action>) -> impl Future<Output = OperationId> {
        let (line, command) = (Location::caller(), self.command(action));
        let sent = self.send(&command);
        async move {
            accepted(line, &command, sent.await);
            command.op
        }
    }

    /// Asks for what must be granted. Gives the receipt.
    #[track_caller]
    pub fn receipt(&self, action: impl Into<Action>) -> impl Future<Output = Receipt> {
        self.sent(&self.command(action))
    }

    /// Sends a command that must be granted. Gives the receipt.
    #[track_caller]
    pub fn sent<'a>(&'a self, command: &Command) -> impl Future<Output = Receipt> + use<'a> {
        let (line, command) = (Location::caller(), command.clone());
        let sent = self.send(&command);
        async move { accepted(line, &command, sent.await) }
    }

    /// Asks for what must be denied, and how. Nothing may change by it but that due holds end.
    #[track_caller]
    pub fn denied(
        &self,
        action: impl Into<Action>,
        expected: impl Into<Expected>,
    ) -> impl Future<Output = ()> {
        self.must_refuse(self.command(action), expected.into())
    }

    /// Sends a command that must be denied, and how.
    #[track_caller]
    pub fn refused(
        &self,
        command: &Command,
        expected: impl Into<Expected>,
    ) -> impl Future<Output = ()> {
        self.must_refuse(command.clone(), expected.into())
    }

    #[track_caller]
    fn must_refuse(&self, command: Command, expected: Expected) -> impl Future<Output = ()> {
        let line = Location::caller();
        let sent = self.send(&command);
        async move {
            let outcome = sent.await;
            check_denied(line, &command, &outcome, &expected);
        }
    }

    /// Sends a linked batch that must fail at command `index`, and how; the others failed with it.
    #[track_caller]
    pub fn link_fails(
        &self,
        commands: impl Into<Vec<Command>>,
        index: usize,
        expected: impl Into<Expected>,
    ) -> impl Future<Output = ()> {
        let (line, commands, expected) = (Location::caller(), commands.into(), expected.into());
        let sent = self.linked(commands.clone());
        async move {
            let linked_failed = Expected::from(safeguards_budget::Denial::LinkedFailed { index });
            for (at, (command, outcome)) in commands.iter().zip(sent.await).enumerate() {
                let expected = if at == index { &expected } else { &linked_failed };
                check_denied(line, &(at, command), &outcome, expected);
            }
        }
    }

    /// Opens accounts.
    #[track_caller]
    pub fn with(
        &self,
        accounts: impl IntoIterator<Item = OpenAccount>,
    ) -> impl Future<Output = ()> {
        let commands: Vec<_> = accounts.into_iter().map(|open| self.command(open)).collect();
        let line = Location::caller();
        let sent = self.submit(Batch::independent(commands.clone()));
        async move {
            for (command, outcome) in commands.iter().zip(sent.await) {
                accepted(line, command, outcome);
            }
        }
    }

    /// Places a hold that must be granted.
    #[track_caller]
    pub fn hold(
        &self,
        account: &str,
        amounts: impl Into<Amounts>,
        ttl_s: u64,
    ) -> impl Future<Output = HoldId> {
        let placed = self.done(hold(account, amounts, ttl_s));
        async move { HoldId::placed_by(placed.await) }
    }

    /// Reads an account that there must be.
    #[track_caller]
    pub fn account(&self, id: &str) -> impl Future<Output = Account> {
        let (line, id) = (Location::caller(), AccountId::from(id));
        async move {
            let mut read = given(line, self.ledger().accounts(std::slice::from_ref(&id)).await);
            assert_eq!(read.accounts.len(), 1, "{line}: there is one answer for each account");
            read.accounts.remove(0).unwrap_or_else(|| panic!("{line}: there is no account {id}"))
        }
    }

    /// What the limits of an account show, spent + held of the amount: `1 + 0 of 5 USD`; several with commas
    /// between.
    #[track_caller]
    pub fn shows(&self, id: &str, expected: &'static str) -> impl Future<Output = ()> {
        let (line, read) = (Location::caller(), self.account(id));
        async move {
            let account = read.await;
            let limits = account.limits.iter().map(|usage| {
                let limit = &usage.limit;
                let window = in_words(&limit.window);
                format!(
                    "{} + {} of {} {}{window}",
                    usage.spent, usage.held, limit.amount, limit.unit
                )
            });
            let shown = limits.collect::<Vec<_>>().join(", ");
            assert_eq!(shown, expected, "{line}: the limits of {}", account.id);
        }
    }

    /// What was ever spent at an account and what is held there, `1 + 0 USD`; several units with commas
    /// between.
    #[track_caller]
    pub fn counts(&self, id: &str, expected: &'static str) -> impl Future<Output = ()> {
        let (line, read) = (Location::caller(), self.account(id));
        async move {
            let account = read.await;
            let units = account.spent.iter().map(|spent| {
                let held = account.held.get(spent.unit());
                format!("{} + {held} {}", spent.quantity(), spent.unit())
            });
            let counted = units.collect::<Vec<_>>().join(", ");
            assert_eq!(counted, expected, "{line}: the lifetime of {}", account.id);
            let names = |amounts: &Amounts| {
                amounts.iter().map(|amount| amount.unit().clone()).collect::<Vec<Unit>>()
            };
            assert_eq!(names(&account.spent), names(&account.held), "{line}: the same units");
        }
    }

    /// Reads a hold that there must be.
    #[track_caller]
    pub fn view(&self, hold: HoldId) -> impl Future<Output = HoldView> {
        let line = Location::caller();
        async move {
            let mut read = given(line, self.ledger().holds(&[hold]).await);
            assert_eq!(read.len(), 1, "{line}: there is one answer for each hold");
            read.remove(0).unwrap_or_else(|| panic!("{line}: there is no hold {hold}"))
        }
    }

    /// How a hold stands.
    #[track_caller]
    pub fn state(&self, hold: HoldId) -> impl Future<Output = HoldState> {
        let read = self.view(hold);
        async move { read.await.state }
    }

    /// All entries that are kept, read in pages.
    #[track_caller]
    pub fn entries(&self) -> impl Future<Output = Vec<Entry>> {
        let line = Location::caller();
        async move {
            let mut entries = Vec::new();
            let mut from = EntryId::FIRST;
            loop {
                let page = given(line, self.ledger().entries(from, 100).await);
                if page.entries.is_empty() {
                    return entries;
                }
                entries.extend(page.entries);
                from = page.next;
            }
        }
    }

    /// The last entry.
    #[track_caller]
    pub fn last_entry(&self) -> impl Future<Output = Entry> {
        let (line, read) = (Location::caller(), self.entries());
        async move { read.await.pop().unwrap_or_else(|| panic!("{line}: there is no entry")) }
    }

    /// Which entries there are, by name, from the one of this number.
    #[track_caller]
    pub fn names_from(&self, first: EntryId) -> impl Future<Output = Vec<&'static str>> {
        let read = self.entries();
        async move { read.await.iter().filter(|entry| entry.id >= first).map(Entry::name).collect() }
    }

    /// Ends the holds that are due. Gives the instant when the next one is.
    #[track_caller]
    pub fn tick(&self) -> impl Future<Output = Option<Timestamp>> {
        let line = Location::caller();
        async move { given(line, self.ledger().tick().await) }
    }

    /// Whether the ledger can be opened again.
    pub fn reopens(&self) -> bool {
        self.env.reopen.is_some()
    }

    /// Drops the ledger and opens it again.
    ///
    /// # Panics
    ///
    /// Where the environment does not say how.
    pub async fn reopen(&self) {
        // What is open is dropped first: it may keep others out.
        self.ledger.take();
        let reopen =
            self.env.reopen.as_ref().expect("a durable ledger says how it is opened again");
        let ledger = reopen().await;
        self.ledger.replace(Some(ledger));
    }
}

#[track_caller]
fn check_denied(line: Line, command: &impl fmt::Debug, outcome: &Outcome, expected: &Expected) {
    match outcome {
        Ok(receipt) => {
            panic!("{line}: {command:?}\nwas granted: {receipt:?}\nexpected {expected:?}")
        }
        Err(denial) => {
            if let Some(complaint) = expected.complaint(denial) {
                panic!("{line}: {command:?}\n{complaint}");
            }
        }
    }
}
