//! The replay itself: each row is a charge, or a hold and its settlement, on a ledger whose clock is the trace's.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use safeguards_budget::{
    Action, Bounds, Charge, Command, Denial, HoldId, Limit, MemoryLedger, OpenAccount, PlaceHold,
    Receipt, Settle, SyncLedger,
};
use safeguards_pricing::{Note, Price};
use safeguards_types::{
    AccountId, Amount, Amounts, OperationId, Quantity, SimClock, Timestamp, Unit, requests,
};

use super::{
    alerting::{Alerting, Notified},
    audit::Audit,
    copy::Copy,
    curve::{Curve, Watch},
    error::{Fault, ReplayError},
    ids::Ids,
    prices::Prices,
    tally::{Busiest, Join, Peaks, Series, Split, Tally},
    told::{Told, Where},
    trace::{NameId, Names, Row, Trace},
    windows::WindowTally,
};

/// The account that every row counts at, and that has the limits.
pub(crate) const POOL: &str = "trace";
/// A hold is settled at the instant it was placed, so this only has to be allowed.
const HOLD_TTL: Duration = Duration::from_mins(1);
/// After how many rows the journal is read: a row makes at most four entries, and more than that are kept.
const ROWS_PER_READ: u64 = 8_192;
const _: () = assert!(ROWS_PER_READ * 4 <= 65_536 && Bounds::DEFAULT.operations_kept >= 65_536);
/// How many windows the report's table has at most, where their width is not given.
const WINDOWS_MAX: u64 = 24;
/// How many it has at most where it is.
const WINDOWS_GIVEN_MAX: u64 = 10_000;
/// How many rows without input tokens are listed by number.
const LISTED_MAX: usize = 1_000;

/// What is replayed how.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The model whose price is taken; else the trace names one in each row.
    pub(crate) model: Option<String>,
    pub(crate) limits: Vec<Limit>,
    /// What is held before a row is settled; without it rows are charged.
    pub(crate) hold: Option<Amounts>,
    /// How many seconds a window of the report has; chosen to fit where it is not given.
    pub(crate) every: Option<u64>,
    /// The durable file to be made, if any.
    pub(crate) store: Option<PathBuf>,
}

/// A replay under way.
pub(crate) struct Run<'a> {
    plan: &'a Plan,
    prices: &'a Prices,
    /// The prices of the trace's models, each looked up once.
    known_prices: Vec<Option<&'a Price>>,
    clock: SimClock,
    ledger: MemoryLedger,
    /// The same in a durable file, where one is wanted.
    copy: Option<Copy>,
    /// The model of the row that is replayed, where the trace or the arguments say it.
    model: Option<String>,
    ids: Ids,
    audit: Audit,
    /// How many rows were replayed since the journal was read.
    rows_unread: u64,
    pool: AccountId,
    /// Set by the first row.
    begun: Option<Begun>,
    spenders: Vec<Option<Spender>>,
    told: Told,
    alerting: Alerting,
    notes: BTreeSet<Note>,
    windows: Series<WindowTally>,
    seconds: Peaks,
    minutes: Peaks,
    without_input: WithoutInput,
}

/// What is known from the first row on.
struct Begun {
    currency: Unit,
    /// The ledger's time, which does not go back.
    now: Timestamp,
    first_at: Timestamp,
    last_at: Timestamp,
    previous_at: Timestamp,
    steps_back: u64,
    split: Split,
    watch: Watch,
}

/// One value of the column that rows are told apart by.
struct Spender {
    account: AccountId,
    split: Split,
}

/// Rows whose input tokens the trace does not say.
#[derive(Debug, Default)]
pub(crate) struct WithoutInput {
    pub(crate) count: u64,
    /// The first of them.
    pub(crate) rows: Vec<u64>,
}

/// What came of a replay.
pub(crate) struct Outcome {
    pub(crate) currency: Unit,
    pub(crate) split: Split,
    /// By the number of the name that rows are told apart by.
    pub(crate) spenders: Vec<(NameId, Split)>,
    pub(crate) first_at: Timestamp,
    pub(crate) last_at: Timestamp,
    pub(crate) steps_back: u64,
    pub(crate) without_input: WithoutInput,
    pub(crate) told: Told,
    pub(crate) notified: Notified,
    pub(crate) notes: BTreeSet<Note>,
    pub(crate) windows: Series<WindowTally>,
    pub(crate) peaks: [Busiest; 2],
    pub(crate) curve: Curve,
    /// The pool's limits with their counters at the end.
    pub(crate) limits: Vec<safeguards_budget::LimitUsage>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        prices: &'a Prices,
        alerting: Alerting,
    ) -> Result<Self, ReplayError> {
        let clock = SimClock::at(Timestamp::UNIX_EPOCH);
        let pool = AccountId::from(POOL);
        let copy = plan.store.as_deref().map(|path| Copy::open(path, clock.clone())).transpose()?;
        Ok(Self {
            plan,
            prices,
            known_prices: Vec::new(),
            ledger: MemoryLedger::with_clock(clock.clone()),
            copy,
            model: None,
            clock,
            ids: Ids::new(),
            audit: Audit::new(pool.clone()),
            rows_unread: 0,
            pool,
            begun: None,
            spenders: Vec::new(),
            told: Told::default(),
            alerting,
            notes: BTreeSet::new(),
            windows: match plan.every {
                Some(every) => Series::fixed(every, WINDOWS_GIVEN_MAX),
                None => Series::fitting(WINDOWS_MAX),
            },
            seconds: Peaks::new(1),
            minutes: Peaks::new(60),
            without_input: WithoutInput::default(),
        })
    }

    /// Replays one row. Rows come in the order in which they are to be granted.
    pub(crate) fn row(&mut self, row: &Row, trace: &Trace) -> Result<(), ReplayError> {
        let at_line = |fault: Fault| ReplayError::from(trace.error_at(row.line, fault));
        let cost = self.price(row, trace.models()).map_err(at_line)?;
        let tally = Tally::of_row(&row.usage, cost.quantity());
        let currency = self.begin(row, cost.unit())?;
        if currency != *cost.unit() {
            return Err(at_line(Fault::Currencies {
                model: row.model.map_or("", |id| trace.models().name(id)).to_owned(),
                unit: cost.unit().to_string(),
                currency: currency.to_string(),
            }));
        }
        self.model = None;
        let account = self.spender(row, trace)?;
        if self.copy.is_some() {
            let of_row = row.model.map(|id| trace.models().name(id));
            self.model = self.plan.model.as_deref().or(of_row).map(str::to_owned);
        }
        self.alerting.advance(self.now())?;
        let spender = account.clone();
        let outcome = match &self.plan.hold {
            None => self.charge(account, tally.charge(&currency))?,
            Some(estimate) => {
                // A hold lasts beyond its instant, which is the end of time itself for the last few.
                if self.now().saturating_add(HOLD_TTL) == Timestamp::MAX {
                    return Err(at_line(Fault::EndOfTime {
                        last: Timestamp::MAX,
                        ttl: HOLD_TTL.as_secs(),
                    }));
                }
                self.hold(account, with_request(estimate), tally.charge(&currency))?
            }
        };
        self.alerting.tell(&spender, row.by.map(|id| trace.by().name(id)), &outcome)?;
        let place = Where { row: row.number, at: row.at };
        let is_granted = match outcome {
            Ok(receipt) => {
                self.told.receipt(&receipt, place);
                true
            }
            Err(denial @ (Denial::LimitExceeded(_) | Denial::Protected(_))) => {
                self.told.denial(&denial, row.by, &tally, place);
                false
            }
            Err(Denial::AmountOverflow { .. }) => return Err(at_line(sum_fault())),
            Err(denial) => return Err(ReplayError::refused(denial)),
        };
        self.count(row, Split::of_row(tally, is_granted)).map_err(at_line)?;
        self.rows_unread += 1;
        if self.rows_unread == ROWS_PER_READ {
            self.audit.read(self.ledger.sync())?;
            self.rows_unread = 0;
        }
        Ok(())
    }

    /// What a row costs.
    fn price(&mut self, row: &Row, models: &Names) -> Result<Amount, Fault> {
        let id = row.model.unwrap_or(0);
        if self.known_prices.len() <= id {
            self.known_prices.resize(id + 1, None);
        }
        let price = if let Some(price) = self.known_prices.get(id).copied().flatten() {
            price
        } else {
            let given = self.plan.model.as_deref();
            let name = given.unwrap_or_else(|| models.name(id));
            let price = self.prices.find(name)?;
            if let Some(known) = self.known_prices.get_mut(id) {
                *known = Some(price);
            }
            price
        };
        self.notes.extend(price.notes(&row.usage));
        Ok(price.cost(&row.usage)?)
    }

    /// Sets the clock; opens the pool at the first row. Gives the currency of the replay.
    fn begin(&mut self, row: &Row, unit: &Unit) -> Result<Unit, ReplayError> {
        if let Some(begun) = &mut self.begun {
            begun.now = begun.now.max(row.at);
            begun.first_at = begun.first_at.min(row.at);
            begun.last_at = begun.last_at.max(row.at);
            begun.steps_back += u64::from(row.at < begun.previous_at);
            begun.previous_at = row.at;
            self.clock.set(begun.now);
            return Ok(begun.currency.clone());
        }
        let limits = &self.plan.limits;
        let held = self.plan.hold.iter().flat_map(Amounts::iter).map(Amount::unit);
        for named in limits.iter().map(|limit| &limit.unit).chain(held) {
            if ![unit, &Unit::TOKENS, &Unit::REQUESTS].contains(&named) {
                return Err(ReplayError::Usage(format!(
                    "a replay counts no unit `{named}`; it counts {unit}, tokens and requests"
                )));
            }
        }
        self.clock.set(row.at);
        let register = Action::RegisterUnit { unit: unit.clone() };
        self.apply(register)?.map_err(ReplayError::refused)?;
        let pool = OpenAccount::new(&self.pool);
        let pool = limits.iter().cloned().fold(pool, OpenAccount::limit);
        // Whatever it has against limits that were read, the limits are the user's.
        self.apply(pool)?.map_err(|denial| ReplayError::Usage(format!("`--limit`: {denial}")))?;
        self.begun = Some(Begun {
            currency: unit.clone(),
            now: row.at,
            first_at: row.at,
            last_at: row.at,
            previous_at: row.at,
            steps_back: 0,
            split: Split::default(),
            watch: Watch::new(limits.first(), unit),
        });
        Ok(unit.clone())
    }

    /// The account that a row is spent from; opened on first sight.
    fn spender(&mut self, row: &Row, trace: &Trace) -> Result<AccountId, ReplayError> {
        let Some(id) = row.by else {
            return Ok(self.pool.clone());
        };
        if let Some(Some(spender)) = self.spenders.get(id) {
            return Ok(spender.account.clone());
        }
        let account = AccountId::from(format!("{POOL}/{}", trace.by().name(id)));
        let open = OpenAccount::new(&account).under(&self.pool);
        match self.apply(open)? {
            Ok(_) => {}
            Err(Denial::TooManyAccounts { max }) => {
                let column = trace.by_label().unwrap_or_default().to_owned();
                return Err(trace.error_at(row.line, Fault::Accounts { column, max }).into());
            }
            Err(denial) => return Err(ReplayError::refused(denial)),
        }
        if self.spenders.len() <= id {
            self.spenders.resize_with(id + 1, || None);
        }
        if let Some(slot) = self.spenders.get_mut(id) {
            *slot = Some(Spender { account: account.clone(), split: Split::default() });
        }
        Ok(account)
    }

    /// The ledger's time.
    fn now(&self) -> Timestamp {
        self.begun.as_ref().map_or(Timestamp::UNIX_EPOCH, |begun| begun.now)
    }

    fn mint(&mut self) -> OperationId {
        let now = self.now();
        self.ids.mint(now)
    }

    fn sync(&self) -> SyncLedger<'_> {
        self.ledger.sync()
    }

    fn apply(
        &mut self,
        action: impl Into<Action>,
    ) -> Result<safeguards_budget::Outcome, ReplayError> {
        let op = self.mint();
        self.apply_as(op, action.into())
    }

    fn apply_as(
        &mut self,
        op: OperationId,
        action: Action,
    ) -> Result<safeguards_budget::Outcome, ReplayError> {
        let command = Command::new(op, action);
        let Some(copy) = &mut self.copy else {
            return Ok(self.sync().apply(command));
        };
        let outcome = self.ledger.sync().apply(command.clone());
        copy.apply(command, self.model.as_deref(), outcome.clone())?;
        Ok(outcome)
    }

    fn charge(
        &mut self,
        account: AccountId,
        cost: Amounts,
    ) -> Result<safeguards_budget::Outcome, ReplayError> {
        self.apply(Charge::new(account, cost))
    }

    /// Holds the estimate and settles the cost. Only the hold can be denied: what was spent was spent.
    fn hold(
        &mut self,
        account: AccountId,
        estimate: Amounts,
        cost: Amounts,
    ) -> Result<Result<Receipt, Denial>, ReplayError> {
        let op = self.mint();
        let place = PlaceHold::new(account, estimate, HOLD_TTL);
        if let Err(denial) = self.apply_as(op, place.into())? {
            return Ok(Err(denial));
        }
        let settle = Settle::new(HoldId::placed_by(op), cost);
        match self.apply(settle)? {
            Ok(receipt) => Ok(Ok(receipt)),
            Err(denial @ Denial::AmountOverflow { .. }) => Ok(Err(denial)),
            Err(denial) => Err(ReplayError::refused(denial)),
        }
    }

    /// Adds a row to every sum.
    fn count(&mut self, row: &Row, split: Split) -> Result<(), Fault> {
        let asked = split.asked();
        if let Some(begun) = &mut self.begun {
            let sum = begun.split.asked().checked_add(&asked);
            sum.ok_or_else(sum_fault)?;
            begun.split.join(split);
            let (ledger, pool) = (self.ledger.sync(), &self.pool);
            begun.watch.note((row.at, begun.now), split, |limit| {
                let read = ledger.accounts(std::slice::from_ref(pool)).accounts;
                let pool = read.into_iter().next().flatten()?;
                pool.limit(&limit.unit, &limit.window).cloned()
            });
        }
        if let Some(Some(spender)) = row.by.and_then(|id| self.spenders.get_mut(id)) {
            spender.split.join(split);
        }
        let every = self.windows.width();
        let window =
            self.windows.at(row.at).ok_or(Fault::Windows { every, max: WINDOWS_GIVEN_MAX })?;
        window.add(row.by, &split);
        self.seconds.add(row.at, &asked);
        self.minutes.add(row.at, &asked);
        if row.lacks_input {
            self.without_input.count += 1;
            if self.without_input.rows.len() < LISTED_MAX {
                self.without_input.rows.push(row.number);
            }
        }
        Ok(())
    }

    /// Ends the replay, and checks its sums against the journal.
    pub(crate) fn finish(mut self) -> Result<Outcome, ReplayError> {
        if let Some(copy) = &mut self.copy {
            copy.flush()?;
        }
        self.audit.read(self.ledger.sync())?;
        let Some(begun) = self.begun else {
            return Err(ReplayError::Usage("there is no row to replay".to_owned()));
        };
        let spenders = || self.spenders.iter().flatten();
        self.audit.compare(
            self.ledger.sync(),
            &begun.currency,
            &begun.split.granted,
            spenders().map(|spender| (&spender.account, &spender.split.granted)),
        )?;
        let read = self.ledger.sync().accounts(std::slice::from_ref(&self.pool));
        let pool = read.accounts.into_iter().next().flatten();
        let by_name = self.spenders.iter().enumerate();
        Ok(Outcome {
            currency: begun.currency,
            split: begun.split,
            spenders: by_name
                .filter_map(|(id, spender)| Some((id, spender.as_ref()?.split)))
                .collect(),
            first_at: begun.first_at,
            last_at: begun.last_at,
            steps_back: begun.steps_back,
            without_input: self.without_input,
            told: self.told,
            notified: self.alerting.finish()?,
            notes: self.notes,
            windows: self.windows,
            peaks: [self.seconds.finish(), self.minutes.finish()],
            curve: begun.watch.finish(begun.first_at, begun.last_at),
            limits: pool.map(|pool| pool.limits).unwrap_or_default(),
        })
    }
}

/// An estimate, and the one request that a row is.
fn with_request(estimate: &Amounts) -> Amounts {
    let mut held = estimate.clone();
    if !held.names(&Unit::REQUESTS) {
        held.add(&requests!(1));
    }
    held
}

fn sum_fault() -> Fault {
    Fault::Sum { max: Quantity::MAX.to_string() }
}
