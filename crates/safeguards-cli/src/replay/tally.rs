//! Sums of a replay: tallies of rows, over all time, in stretches of time, at the busiest moment.

use std::collections::BTreeMap;

use safeguards_budget::Bounds;
use safeguards_pricing::Usage;
use safeguards_types::{Amount, Amounts, Quantity, Timestamp, Unit};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Rows added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) rows: u64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    /// In the one currency of the replay.
    pub(crate) cost: Quantity,
}

impl Tally {
    /// One row.
    pub(crate) const fn of_row(usage: &Usage, cost: Quantity) -> Self {
        Self { rows: 1, input_tokens: usage.input_tokens, output_tokens: usage.output_tokens, cost }
    }

    pub(crate) const fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Both together; `None` where a sum is more than a ledger counts.
    pub(crate) fn checked_add(&self, other: &Self) -> Option<Self> {
        let sum = Self {
            rows: self.rows.checked_add(other.rows)?,
            input_tokens: self.input_tokens.checked_add(other.input_tokens)?,
            output_tokens: self.output_tokens.checked_add(other.output_tokens)?,
            cost: self.cost.checked_add(other.cost)?,
        };
        Quantity::from_units(sum.input_tokens.checked_add(sum.output_tokens)?)?;
        Some(sum)
    }

    /// Adds a part of what was added up with [`Tally::checked_add`] before, so that no sum can be too large.
    pub(crate) const fn add(&mut self, part: &Self) {
        self.rows = self.rows.saturating_add(part.rows);
        self.input_tokens = self.input_tokens.saturating_add(part.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(part.output_tokens);
        self.cost = self.cost.saturating_add(part.cost);
    }

    /// What a ledger counts of it in this unit: cost in the currency, tokens, or requests.
    pub(crate) fn quantity(&self, unit: &Unit) -> Quantity {
        let count = |count| Quantity::from_units(count).unwrap_or(Quantity::MAX);
        if *unit == Unit::TOKENS {
            count(self.tokens())
        } else if *unit == Unit::REQUESTS {
            count(self.rows)
        } else {
            self.cost
        }
    }

    /// What is charged for it: cost, tokens, requests, each where there is any.
    pub(crate) fn charge(&self, currency: &Unit) -> Amounts {
        let units = [currency, &Unit::REQUESTS, &Unit::TOKENS].into_iter();
        let amounts = units.map(|unit| Amount::new(self.quantity(unit), unit.clone()));
        amounts.filter(|amount| !amount.quantity().is_zero()).collect()
    }
}

/// Rows that were granted, and rows that were denied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Split {
    pub(crate) granted: Tally,
    pub(crate) denied: Tally,
}

impl Split {
    /// One row.
    pub(crate) fn of_row(row: Tally, is_granted: bool) -> Self {
        let (granted, denied) =
            if is_granted { (row, Tally::default()) } else { (Tally::default(), row) };
        Self { granted, denied }
    }

    /// All rows.
    pub(crate) const fn asked(&self) -> Tally {
        let mut asked = self.granted;
        asked.add(&self.denied);
        asked
    }
}

/// What can be joined with its like: the content of neighboring stretches of time.
pub(crate) trait Join: Default {
    fn join(&mut self, other: Self);
}

impl Join for Split {
    fn join(&mut self, other: Self) {
        self.granted.add(&other.granted);
        self.denied.add(&other.denied);
    }
}

/// Stretches of time of one width, counted from 1970, each with its content.
///
/// A series that chooses its own width has a bounded number of stretches: it begins with seconds, and joins
/// neighbors as the time that it covers grows.
#[derive(Debug)]
pub(crate) struct Series<T> {
    width: u64,
    stretches_max: u64,
    is_fixed: bool,
    stretches: BTreeMap<u64, T>,
}

impl<T: Join> Series<T> {
    /// A series of at most so many stretches, as narrow as that allows.
    pub(crate) const fn fitting(stretches_max: u64) -> Self {
        Self { width: 1, stretches_max, is_fixed: false, stretches: BTreeMap::new() }
    }

    /// A series of stretches of `width` seconds.
    pub(crate) const fn fixed(width: u64, stretches_max: u64) -> Self {
        Self { width, stretches_max, is_fixed: true, stretches: BTreeMap::new() }
    }

    /// How many seconds a stretch has.
    pub(crate) const fn width(&self) -> u64 {
        self.width
    }

    /// The content around an instant; `None` where a fixed width leads to too many stretches.
    pub(crate) fn at(&mut self, at: Timestamp) -> Option<&mut T> {
        let mut index = seconds(at) / self.width;
        if !self.stretches.contains_key(&index) {
            while !self.fits(index) {
                if self.is_fixed {
                    return None;
                }
                self.widen();
                index = seconds(at) / self.width;
            }
        }
        Some(self.stretches.entry(index).or_default())
    }

    /// Whether the stretches would not be too many with this one.
    fn fits(&self, index: u64) -> bool {
        let keys = || self.stretches.keys();
        let first = keys().next().copied().unwrap_or(index).min(index);
        let last = keys().next_back().copied().unwrap_or(index).max(index);
        last - first < self.stretches_max
    }

    fn widen(&mut self) {
        let width = wider(self.width);
        let factor = width / self.width;
        self.width = width;
        for (index, content) in std::mem::take(&mut self.stretches) {
            self.stretches.entry(index / factor).or_default().join(content);
        }
    }

    /// The stretches that have content, by time, each with its first instant.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Timestamp, &T)> {
        let stretches = self.stretches.iter();
        stretches.map(|(index, content)| (instant(index.saturating_mul(self.width)), content))
    }
}

/// The next width that people like, which is a whole multiple of this one.
fn wider(width: u64) -> u64 {
    const WIDTHS: [u64; 12] =
        [1, 5, 15, 60, 300, 900, 3_600, 14_400, 43_200, 86_400, 604_800, 2_419_200];
    let mut wider = WIDTHS.into_iter().filter(|liked| *liked > width);
    wider.next().unwrap_or_else(|| width.saturating_mul(2))
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanos() / NANOS_PER_SECOND).unwrap_or(0)
}

fn instant(seconds: u64) -> Timestamp {
    let nanos =
        i64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(NANOS_PER_SECOND));
    nanos.and_then(Timestamp::from_nanos).unwrap_or(Timestamp::MAX)
}

/// The busiest stretch of a fixed width, by rows and by cost, wherever in the trace its rows stand.
#[derive(Debug)]
pub(crate) struct Peaks {
    width: u64,
    current: (u64, Tally),
    /// Stretches that rows may still come for; the oldest are let go when there are too many.
    open: BTreeMap<u64, Tally>,
    /// Rows before this stretch come too late to be added to it.
    closed_before: u64,
    is_exact: bool,
    by_rows: (u64, Tally),
    by_cost: (u64, Tally),
}

/// The busiest stretches found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busiest {
    /// How many seconds each has.
    pub(crate) width: u64,
    /// The one with the most rows.
    pub(crate) by_rows: (Timestamp, Tally),
    /// The one that cost most.
    pub(crate) by_cost: (Timestamp, Tally),
    /// Whether each stretch was counted in full. Rows that step back over tens of thousands of busy
    /// stretches are counted apart, and the busiest may then have been busier.
    pub(crate) is_exact: bool,
}

impl Peaks {
    const OPEN_MAX: usize = Bounds::DEFAULT.operations_kept;

    /// Looks for the busiest stretches of `width` seconds.
    pub(crate) fn new(width: u64) -> Self {
        Self {
            width,
            current: Default::default(),
            open: BTreeMap::new(),
            closed_before: 0,
            is_exact: true,
            by_rows: Default::default(),
            by_cost: Default::default(),
        }
    }

    pub(crate) fn add(&mut self, at: Timestamp, row: &Tally) {
        let index = seconds(at) / self.width;
        if index != self.current.0 {
            self.put_away();
            self.is_exact &= index >= self.closed_before;
            self.current = (index, Tally::default());
        }
        self.current.1.add(row);
    }

    /// Adds what was counted to its stretch, and sees whether that is the busiest now.
    fn put_away(&mut self) {
        let (index, part) = self.current;
        if part.rows == 0 {
            return;
        }
        let whole = self.open.entry(index).or_default();
        whole.add(&part);
        if whole.rows > self.by_rows.1.rows {
            self.by_rows = (index, *whole);
        }
        if whole.cost > self.by_cost.1.cost || self.by_cost.1.rows == 0 {
            self.by_cost = (index, *whole);
        }
        if self.open.len() > Self::OPEN_MAX
            && let Some(middle) = self.open.keys().nth(Self::OPEN_MAX / 2).copied()
        {
            self.open = self.open.split_off(&middle);
            self.closed_before = self.closed_before.max(middle);
        }
    }

    pub(crate) fn finish(mut self) -> Busiest {
        self.put_away();
        let at = |(index, tally): (u64, Tally)| (instant(index.saturating_mul(self.width)), tally);
        Busiest {
            width: self.width,
            by_rows: at(self.by_rows),
            by_cost: at(self.by_cost),
            is_exact: self.is_exact,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cost: &str) -> Tally {
        Tally::of_row(&Usage::new(1, 2), cost.parse().unwrap())
    }

    #[test]
    fn a_series_widens_until_it_fits_and_loses_nothing() {
        let mut series = Series::<Split>::fitting(24);
        for second in (0..3_500).rev() {
            let split = Split::of_row(row("0.5"), second % 2 == 0);
            series.at(instant(1_700_000_000 + second)).unwrap().join(split);
        }
        assert_eq!(series.width(), 300);
        let stretches: Vec<_> =
            series.iter().map(|(at, split)| (seconds(at), split.asked().rows)).collect();
        assert!(stretches.len() <= 24 && stretches.iter().all(|(at, _)| at % 300 == 0));
        assert_eq!(stretches.iter().map(|(_, rows)| rows).sum::<u64>(), 3_500);
    }

    #[test]
    fn a_fixed_width_stays() {
        let mut series = Series::<Split>::fixed(60, 10);
        assert!(series.at(instant(6_000)).is_some());
        assert!(series.at(instant(6_540)).is_some());
        assert!(series.at(instant(6_600)).is_none());
    }

    #[test]
    fn the_whole_of_time_fits() {
        let mut series = Series::<Split>::fitting(24);
        for at in [Timestamp::UNIX_EPOCH, Timestamp::MAX] {
            series.at(at).unwrap().join(Split::of_row(row("1"), true));
        }
        assert_eq!(series.iter().count(), 2);
    }

    #[test]
    fn the_busiest_stretch_is_found_though_its_rows_stand_apart() {
        let mut peaks = Peaks::new(60);
        for (second, cost) in [(0, "1"), (70, "5"), (59, "1"), (130, "2"), (1, "1")] {
            peaks.add(instant(second), &row(cost));
        }
        let found = peaks.finish();
        assert_eq!((seconds(found.by_rows.0), found.by_rows.1.rows), (0, 3));
        assert_eq!(
            (seconds(found.by_cost.0), found.by_cost.1.cost.to_string()),
            (60, "5".to_owned())
        );
        assert!(found.is_exact);
    }

    #[test]
    fn what_was_let_go_is_said() {
        let mut peaks = Peaks::new(1);
        for second in 0..=u64::try_from(Peaks::OPEN_MAX).unwrap() + 1 {
            peaks.add(instant(second), &row("1"));
        }
        assert!(peaks.is_exact);
        peaks.add(instant(0), &row("1"));
        assert!(!peaks.finish().is_exact);
    }

    #[test]
    fn sums_that_no_ledger_counts_are_refused() {
        let most = Tally { cost: Quantity::MAX, ..Tally::default() };
        assert!(most.checked_add(&row("0.1")).is_none());
        let many = Tally { input_tokens: 10_000_000_000_000_000, ..Tally::default() };
        assert!(many.checked_add(&row("0.1")).is_none());
    }
}
