//! [`BurnRate`]: how fast an account spends, and when that leaves it with nothing.

use std::time::Duration;

use ethnum::U256;
use safeguards_types::{AccountId, Quantity, Timestamp, Unit};

use crate::{Entry, EntryId, Fact, Ledger, LedgerError, LimitUsage, Posting, division::wide};

/// How fast an account spends a unit: an exact amount over an exact time.
///
/// ```
/// use std::time::Duration;
/// use safeguards_budget::BurnRate;
/// use safeguards_types::usd;
///
/// let hour = Duration::from_secs(3600);
/// let rate = BurnRate::new(usd!(3).quantity(), hour).unwrap();
/// assert_eq!(rate.time_until(usd!(4.5).quantity()), Some(hour * 3 / 2));
/// assert_eq!(rate.per(Duration::from_secs(60)), usd!(0.05).quantity());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BurnRate {
    amount: Quantity,
    /// Never zero.
    over: Duration,
}

/// Why the burn rate cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BurnRateError {
    /// No time, no rate.
    #[error("a burn rate is told over more than no time")]
    NoTime,
    /// There is no such account.
    #[error("there is no account `{account}`")]
    UnknownAccount {
        /// The account.
        account: AccountId,
    },
    /// Entries of that time are not kept any more.
    #[error("{}", forgotten(*since, *kept_since))]
    EntriesForgotten {
        /// Since when it was to be told.
        since: Timestamp,
        /// When the first entry was made that is still kept: after it all is known. `None` where none is kept.
        kept_since: Option<Timestamp>,
    },
    /// The ledger could not answer.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl BurnRateError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoTime => "burn_rate.no_time",
            Self::UnknownAccount { .. } => "burn_rate.unknown_account",
            Self::EntriesForgotten { .. } => "burn_rate.entries_forgotten",
            Self::Ledger(error) => error.code(),
        }
    }
}

fn forgotten(since: Timestamp, kept_since: Option<Timestamp>) -> String {
    match kept_since {
        Some(kept) => format!("entries since {since} are wanted, and kept since {kept}"),
        None => format!("entries since {since} are wanted, and none are kept"),
    }
}

impl BurnRate {
    /// `amount` in the time `over`; `None` where that is no time.
    pub const fn new(amount: Quantity, over: Duration) -> Option<Self> {
        if over.is_zero() { None } else { Some(Self { amount, over }) }
    }

    /// What was spent at `account` and below it from `since` up to `now`, both included, less what was
    /// refunded in that time, and never below 0. Entries may come in any order; those of other times do not
    /// count. `None` where `since` is not before `now`.
    ///
    /// An entry counts where the account is in its frozen set: of a settlement all that was spent, at the
    /// instant of the settlement.
    ///
    /// ```
    /// use safeguards_budget::{BurnRate, Charge, EntryId, MemoryLedger, OpenAccount};
    /// use safeguards_types::{Timestamp, Unit, usd};
    ///
    /// let ledger = MemoryLedger::new();
    /// ledger.sync().open_account(OpenAccount::new("reader"), ledger.operation())?;
    /// ledger.sync().charge(Charge::new("reader", usd!(0.42)), ledger.operation())?;
    /// let page = ledger.sync().entries(EntryId::FIRST, 100);
    ///
    /// let (since, now) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
    /// let rate = BurnRate::of(&page.entries, &"reader".into(), &Unit::USD, since, now).unwrap();
    /// assert_eq!(rate.amount(), usd!(0.42).quantity());
    /// # Ok::<(), safeguards_budget::Denial>(())
    /// ```
    pub fn of<'a>(
        entries: impl IntoIterator<Item = &'a Entry>,
        account: &AccountId,
        unit: &Unit,
        since: Timestamp,
        now: Timestamp,
    ) -> Option<Self> {
        let mut burnt = Burnt { account, unit, since, now, steps: 0 };
        for entry in entries {
            burnt.add(entry);
        }
        Self::new(burnt.amount(), now.since(since))
    }

    /// Reads the entries of the time `over` up to `now`, and tells how fast `account` spent in it.
    ///
    /// `now` is the caller's. Entries that the ledger has made after it do not count.
    ///
    /// # Errors
    ///
    /// Where `over` is no time, there is no such account, entries of that time are not kept any more, or the
    /// ledger cannot answer.
    ///
    /// ```
    /// use std::time::Duration;
    /// use safeguards_budget::{BurnRate, Charge, LedgerExt, Limit, MemoryLedger, OpenAccount};
    /// use safeguards_types::{Clock, SimClock, Timestamp, Unit, usd};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let clock = SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z")?);
    /// let ledger = MemoryLedger::with_clock(clock.clone());
    /// let reader = OpenAccount::new("reader").limit(Limit::lifetime(usd!(5)));
    /// ledger.open_account(reader, ledger.operation()).await?;
    /// ledger.charge(Charge::new("reader", usd!(2)), ledger.operation()).await?;
    ///
    /// let (id, hour) = ("reader".into(), Duration::from_secs(3600));
    /// let rate = BurnRate::read(&ledger, &id, &Unit::USD, hour, clock.now()).await?;
    /// let account = ledger.account(&id).await?.unwrap();
    /// // Three dollars are left, and two went in an hour.
    /// let ends_at = rate.exhausted_at(clock.now(), &account.limits[0]);
    /// assert_eq!(ends_at, Some(Timestamp::parse("2026-01-05T10:30:00Z")?));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn read<L: Ledger + ?Sized>(
        ledger: &L,
        account: &AccountId,
        unit: &Unit,
        over: Duration,
        now: Timestamp,
    ) -> Result<Self, BurnRateError> {
        let rate_of = |amount| Self::new(amount, over).ok_or(BurnRateError::NoTime);
        rate_of(Quantity::ZERO)?;
        let read = ledger.accounts(std::slice::from_ref(account)).await?;
        if read.accounts.iter().flatten().next().is_none() {
            return Err(BurnRateError::UnknownAccount { account: account.clone() });
        }
        let mut burnt = Burnt { account, unit, since: before(now, over), now, steps: 0 };
        if let Some(last) = read.revision {
            burnt.read(ledger, last).await?;
        }
        rate_of(burnt.amount())
    }

    /// How much.
    pub const fn amount(&self) -> Quantity {
        self.amount
    }

    /// In which time; never zero.
    pub const fn over(&self) -> Duration {
        self.over
    }

    /// How much is spent in the time `span` at this rate, rounded up to 10⁻¹².
    pub fn per(&self, span: Duration) -> Quantity {
        // 127 bits and the 94 of a time in nanoseconds fit.
        let product = wide(self.amount).saturating_mul(U256::from(span.as_nanos()));
        let over = U256::from(self.over.as_nanos());
        let steps = product.checked_div(over).unwrap_or(U256::ZERO);
        let has_rest = product.checked_rem(over).is_some_and(|rest| rest > U256::ZERO);
        let steps = if has_rest { steps.saturating_add(U256::ONE) } else { steps };
        Quantity::told(i128::try_from(steps).unwrap_or(i128::MAX))
    }

    /// How long `available` lasts at this rate, rounded down to the nanosecond; `None` where nothing is spent,
    /// so that it lasts for ever.
    pub fn time_until(&self, available: Quantity) -> Option<Duration> {
        let product = wide(available).saturating_mul(U256::from(self.over.as_nanos()));
        let nanos = product.checked_div(wide(self.amount))?;
        Some(u128::try_from(nanos).map_or(Duration::MAX, duration))
    }

    /// When a limit, read at `now`, has nothing left at this rate. `None` where that never comes: nothing is
    /// spent, the window begins again first, or it would be after [`Timestamp::MAX`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use safeguards_budget::{BurnRate, Charge, Limit, MemoryLedger, OpenAccount, Window};
    /// use safeguards_types::{Clock, SimClock, Timestamp, usd};
    ///
    /// let clock = SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z")?);
    /// let ledger = MemoryLedger::with_clock(clock.clone());
    /// let hourly = Limit::new(usd!(5), Window::every_seconds(3600)?);
    /// ledger.sync().open_account(OpenAccount::new("reader").limit(hourly), ledger.operation())?;
    /// let reader = ledger.sync().accounts(&["reader".into()]).accounts.remove(0).unwrap();
    ///
    /// let per_hour = |dollars: safeguards_types::Amount| {
    ///     BurnRate::new(dollars.quantity(), Duration::from_secs(3600)).unwrap()
    /// };
    /// let ends_at = per_hour(usd!(10)).exhausted_at(clock.now(), &reader.limits[0]);
    /// assert_eq!(ends_at, Some(Timestamp::parse("2026-01-05T09:30:00Z")?));
    /// assert_eq!(per_hour(usd!(4)).exhausted_at(clock.now(), &reader.limits[0]), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn exhausted_at(&self, now: Timestamp, usage: &LimitUsage) -> Option<Timestamp> {
        let at = now.checked_add(self.time_until(usage.available)?)?;
        // The instant at which the window ends belongs to the next one.
        let in_time = usage.window_ends_at.is_none_or(|ends_at| at < ends_at);
        in_time.then_some(at)
    }
}

/// What is added up on the way to a rate.
#[derive(Debug)]
struct Burnt<'a> {
    account: &'a AccountId,
    unit: &'a Unit,
    since: Timestamp,
    now: Timestamp,
    /// Below 0 where more was refunded than spent.
    steps: i128,
}

/// How many entries are read at once.
const PAGE: usize = 1_000;
/// How many entries are read to find one that a command made.
const PROBE: usize = 16;

impl Burnt<'_> {
    fn add(&mut self, entry: &Entry) {
        if entry.at < self.since || entry.at > self.now {
            return;
        }
        let refunded =
            if let Fact::Refunded(refunded) = &entry.fact { Some(&refunded.posting) } else { None };
        let steps = |posting: &Posting| {
            let counts = posting.set.contains(self.account);
            if counts { posting.amounts.get(self.unit).steps() } else { 0 }
        };
        let spent = entry.fact.spending().map_or(0, steps);
        let back = refunded.map_or(0, steps);
        self.steps = self.steps.saturating_add(spent).saturating_sub(back);
    }

    fn amount(&self) -> Quantity {
        Quantity::told(self.steps)
    }

    /// Adds the entries of the time, up to the entry `last`.
    async fn read<L: Ledger + ?Sized>(
        &mut self,
        ledger: &L,
        last: EntryId,
    ) -> Result<(), BurnRateError> {
        let mut from = self.first(ledger, last).await?;
        while from <= last {
            let page = ledger.entries(from, PAGE).await?;
            if page.first_kept > from {
                return Err(self.forgotten(ledger, page.first_kept, last).await?);
            }
            if page.next <= from {
                break;
            }
            for entry in page.entries.iter().filter(|entry| entry.id <= last) {
                self.add(entry);
            }
            from = page.next;
        }
        Ok(())
    }

    /// An entry before which nothing was spent in this time, found by halving: the instants of commands never
    /// go back. Those of expiries do, so they are passed over; they spend nothing.
    async fn first<L: Ledger + ?Sized>(
        &self,
        ledger: &L,
        last: EntryId,
    ) -> Result<EntryId, BurnRateError> {
        let first_kept = ledger.entries(EntryId::FIRST, 1).await?.first_kept;
        // Every command's entry before `low` is too early, and every one from `high` on is not.
        let (mut low, mut high) = (first_kept, last.next());
        while low < high {
            let middle = EntryId::new(low.number().midpoint(high.number()));
            match commanded(ledger, middle, high).await? {
                Some((id, at)) if at < self.since => low = id.next(),
                Some(_) | None => high = middle,
            }
        }
        if low == first_kept && first_kept > EntryId::FIRST {
            return Err(self.forgotten(ledger, first_kept, last).await?);
        }
        Ok(low)
    }

    async fn forgotten<L: Ledger + ?Sized>(
        &self,
        ledger: &L,
        first_kept: EntryId,
        last: EntryId,
    ) -> Result<BurnRateError, LedgerError> {
        let kept_since = commanded(ledger, first_kept, last.next()).await?.map(|(_, at)| at);
        Ok(BurnRateError::EntriesForgotten { since: self.since, kept_since })
    }
}

/// The first entry from `from` on and before `end` that a command made, with its instant.
async fn commanded<L: Ledger + ?Sized>(
    ledger: &L,
    mut from: EntryId,
    end: EntryId,
) -> Result<Option<(EntryId, Timestamp)>, LedgerError> {
    while from < end {
        let page = ledger.entries(from, PROBE).await?;
        let made = page.entries.iter().find(|entry| entry.cause.is_some());
        if let Some(entry) = made {
            return Ok(Some((entry.id, entry.at)).filter(|(id, _)| *id < end));
        }
        if page.next <= from {
            break;
        }
        from = page.next;
    }
    Ok(None)
}

/// The instant `span` earlier, or the first there is.
fn before(now: Timestamp, span: Duration) -> Timestamp {
    i64::try_from(span.as_nanos())
        .ok()
        .and_then(|nanos| now.as_nanos().checked_sub(nanos))
        .and_then(Timestamp::from_nanos)
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

/// So many nanoseconds, or the longest time there is.
fn duration(nanos: u128) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    let nanos_left = u32::try_from(nanos % SECOND).unwrap_or(0);
    u64::try_from(nanos / SECOND).map_or(Duration::MAX, |secs| Duration::new(secs, nanos_left))
}

#[cfg(test)]
mod tests {
    use safeguards_types::{Amount, usd};

    use super::*;
    use crate::Limit;

    const HOUR: Duration = Duration::from_hours(1);

    fn rate(amount: &Amount, over: Duration) -> BurnRate {
        BurnRate::new(amount.quantity(), over).unwrap()
    }

    #[test]
    fn no_time_is_no_rate() {
        assert_eq!(BurnRate::new(Quantity::ONE, Duration::ZERO), None);
        assert_eq!(BurnRate::new(Quantity::ZERO, Duration::ZERO), None);
    }

    #[test]
    fn what_is_left_lasts_as_long_as_the_rate_says() {
        #[track_caller]
        fn check(rate: BurnRate, available: &Amount, expected: Option<Duration>) {
            assert_eq!(rate.time_until(available.quantity()), expected);
        }
        check(rate(&usd!(3), HOUR), &usd!(4.5), Some(HOUR * 3 / 2));
        check(rate(&usd!(3), HOUR), &usd!(0), Some(Duration::ZERO));
        // A third of a nanosecond is never told as time that is left.
        check(rate(&usd!(3), Duration::from_nanos(1)), &usd!(1), Some(Duration::ZERO));
        check(rate(&usd!(3), Duration::from_nanos(1)), &usd!(4), Some(Duration::from_nanos(1)));
        check(rate(&usd!(0), HOUR), &usd!(4), None);
        check(rate(&usd!(0), HOUR), &usd!(0), None);
        // What is longer than any time is told as the longest.
        let slowest = BurnRate::new(Quantity::STEP, Duration::MAX).unwrap();
        assert_eq!(slowest.time_until(Quantity::STEP), Some(Duration::MAX));
        assert_eq!(slowest.time_until(Quantity::told(i128::MAX)), Some(Duration::MAX));
        let fastest = BurnRate::new(Quantity::told(i128::MAX), Duration::MAX).unwrap();
        assert_eq!(fastest.time_until(Quantity::told(i128::MAX)), Some(Duration::MAX));
    }

    #[test]
    fn a_rate_is_told_over_any_time_rounded_up() {
        #[track_caller]
        fn check(rate: BurnRate, span: Duration, expected: &str) {
            assert_eq!(rate.per(span).to_string(), expected);
        }
        check(rate(&usd!(3), HOUR), Duration::from_mins(1), "0.05");
        check(rate(&usd!(1), HOUR * 3), HOUR, "0.333333333334");
        check(rate(&usd!(1), HOUR), Duration::ZERO, "0");
        let fastest = BurnRate::new(Quantity::told(i128::MAX), Duration::from_nanos(1)).unwrap();
        assert_eq!(fastest.per(Duration::MAX), Quantity::told(i128::MAX));
    }

    #[test]
    fn a_limit_is_exhausted_unless_its_window_begins_again_first() {
        #[track_caller]
        fn check(available: &Amount, ends_after: Option<Duration>, expected: Option<Duration>) {
            let now = Timestamp::parse("2026-01-05T09:00:00Z").unwrap();
            let usage = LimitUsage {
                limit: Limit::lifetime(usd!(10)),
                spent: Quantity::ZERO,
                held: Quantity::ZERO,
                available: available.quantity(),
                over_by: Quantity::ZERO,
                window_started_at: None,
                window_ends_at: ends_after.map(|span| now.saturating_add(span)),
            };
            let at = rate(&usd!(2), HOUR).exhausted_at(now, &usage);
            assert_eq!(at, expected.map(|span| now.saturating_add(span)));
        }
        check(&usd!(4), None, Some(HOUR * 2));
        check(&usd!(0), None, Some(Duration::ZERO));
        check(&usd!(4), Some(HOUR * 3), Some(HOUR * 2));
        check(&usd!(4), Some(HOUR * 2), None);
        check(&usd!(0), Some(HOUR), Some(Duration::ZERO));
        // In the year 2500.
        check(&usd!(8_300_000), None, None);
    }
}
