//! The curve that is plotted: spending over time against the first limit.

use safeguards_budget::{Limit, LimitUsage, Window};
use safeguards_types::{Quantity, Timestamp, Unit};

use super::tally::{Join, Series, Split};

/// How many points a curve has at most: about as many as a screen has columns.
const POINTS_MAX: u64 = 1_000;

/// Watches spending as the replay goes.
#[derive(Debug)]
pub(crate) struct Watch {
    limit: Option<Limit>,
    unit: Unit,
    spending: Spending,
}

#[derive(Debug)]
enum Spending {
    /// All that was spent so far, by the rows' times.
    SoFar(Series<Split>),
    /// What was spent in the limit's window. By the ledger's time, which is what opens and ends windows.
    InWindow { highest: Series<Highest>, spent: Quantity, ends_at: Option<Timestamp> },
}

#[derive(Debug, Default)]
struct Highest(Quantity);

impl Join for Highest {
    fn join(&mut self, other: Self) {
        self.0 = self.0.max(other.0);
    }
}

impl Watch {
    /// Watches spending against a limit, or spending of `unit` against none.
    pub(crate) fn new(limit: Option<&Limit>, unit: &Unit) -> Self {
        let spending = match limit.map(|limit| &limit.window) {
            None | Some(Window::Lifetime) => Spending::SoFar(Series::fitting(POINTS_MAX)),
            Some(_) => Spending::InWindow {
                highest: Series::fitting(POINTS_MAX),
                spent: Quantity::ZERO,
                ends_at: None,
            },
        };
        Self {
            limit: limit.cloned(),
            unit: limit.map_or(unit, |limit| &limit.unit).clone(),
            spending,
        }
    }

    /// Notes one row. `usage` reads the limit's counters from the ledger, which is asked once per window.
    pub(crate) fn note(
        &mut self,
        (row_at, now): (Timestamp, Timestamp),
        row: Split,
        usage: impl FnOnce(&Limit) -> Option<LimitUsage>,
    ) {
        match &mut self.spending {
            Spending::SoFar(series) => {
                if let Some(stretch) = series.at(row_at) {
                    stretch.join(row);
                }
            }
            Spending::InWindow { highest, spent, ends_at } => {
                let is_over = ends_at.is_none_or(|ends_at| now >= ends_at);
                match self.limit.as_ref().filter(|_| is_over).and_then(usage) {
                    Some(usage) => {
                        *spent = usage.spent;
                        *ends_at = usage.window_ends_at;
                    }
                    None => *spent = spent.saturating_add(row.granted.quantity(&self.unit)),
                }
                if let Some(stretch) = highest.at(now) {
                    stretch.join(Highest(*spent));
                }
            }
        }
    }

    /// The curve of what was noted, from the first instant to the last.
    pub(crate) fn finish(self, first: Timestamp, last: Timestamp) -> Curve {
        let Self { limit, unit, spending } = self;
        let points = match &spending {
            Spending::SoFar(series) => {
                let mut sum = Split::default();
                let sums = series.iter().map(|(at, stretch)| {
                    sum.join(*stretch);
                    Point {
                        at: at.max(first),
                        granted: sum.granted.quantity(&unit),
                        asked: sum.asked().quantity(&unit),
                    }
                });
                sums.collect()
            }
            Spending::InWindow { highest, .. } => {
                let highest = highest.iter().map(|(at, Highest(spent))| Point {
                    at: at.max(first),
                    granted: *spent,
                    asked: *spent,
                });
                highest.collect()
            }
        };
        Curve { is_sum: matches!(spending, Spending::SoFar(_)), limit, unit, first, last, points }
    }
}

/// Spending over time.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    /// The limit it is held against.
    pub(crate) limit: Option<Limit>,
    pub(crate) unit: Unit,
    /// Whether points are all that was spent so far; else they are what was spent in the limit's window.
    pub(crate) is_sum: bool,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    /// By time; a value holds from its point to the next.
    pub(crate) points: Vec<Point>,
}

/// How much at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) at: Timestamp,
    pub(crate) granted: Quantity,
    /// What would have been spent had nothing been denied.
    pub(crate) asked: Quantity,
}

impl Curve {
    /// The highest value there is to show, and the limit where it is near enough to be shown with it.
    pub(crate) fn bounds(&self) -> (Quantity, Option<Quantity>) {
        let values = self.points.iter().map(|point| point.asked.max(point.granted));
        let highest = values.max().unwrap_or_default();
        let limit = self.limit.as_ref().map(|limit| limit.amount);
        let shown = limit.filter(|limit| *limit <= highest.checked_mul(4).unwrap_or(Quantity::MAX));
        let top = shown.map_or(highest, |limit| limit.max(highest));
        (top.max(Quantity::STEP), shown)
    }

    /// Whether more was asked than granted, so that two lines are to be drawn.
    pub(crate) fn has_denied(&self) -> bool {
        self.points.iter().any(|point| point.asked != point.granted)
    }

    /// What the curve shows, in words.
    pub(crate) fn title(&self) -> String {
        let unit = &self.unit;
        match &self.limit {
            None => format!("{unit} spent so far"),
            Some(limit) if self.is_sum => format!("{unit} spent so far, of {limit}"),
            Some(limit) => format!("{unit} spent in the window, of {limit}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use safeguards_api::limit_text;
    use safeguards_budget::{Charge, MemoryLedger, OpenAccount};
    use safeguards_pricing::Usage;
    use safeguards_types::{AccountId, SimClock, requests};

    use super::{super::tally::Tally, *};

    fn instant(second: i64) -> Timestamp {
        Timestamp::from_nanos(second * 1_000_000_000).unwrap()
    }

    /// Charges one request at each of these times; expects the curve's points as seconds, granted and asked.
    #[track_caller]
    fn check(limit: &str, seconds: &[i64], expected: &[(i64, u64, u64)]) {
        let limit = limit_text::parse(limit).unwrap();
        let pool = AccountId::from("trace");
        let clock = SimClock::at(instant(seconds[0]));
        let ledger = MemoryLedger::with_clock(clock.clone());
        let sync = ledger.sync();
        let open = OpenAccount::new(&pool).limit(limit.clone());
        sync.open_account(open, ledger.operation()).unwrap();
        let mut watch = Watch::new(Some(&limit), &Unit::USD);
        for second in seconds {
            let now = instant(*second);
            clock.set(now);
            let charged = sync.charge(Charge::new(&pool, requests!(1)), ledger.operation());
            let row = Tally::of_row(&Usage::new(1, 2), Quantity::ZERO);
            watch.note((now, now), Split::of_row(row, charged.is_ok()), |limit| {
                let read = sync.accounts(std::slice::from_ref(&pool)).accounts;
                read[0].as_ref()?.limit(&limit.unit, &limit.window).cloned()
            });
        }
        let curve = watch.finish(instant(seconds[0]), instant(seconds[seconds.len() - 1]));
        let count = |count| Quantity::from_units(count).unwrap();
        let point = |(second, granted, asked): &(i64, u64, u64)| Point {
            at: instant(*second),
            granted: count(*granted),
            asked: count(*asked),
        };
        assert_eq!(curve.points, expected.iter().map(point).collect::<Vec<_>>(), "{limit}");
    }

    #[test]
    fn of_a_window_each_point_is_what_was_spent_in_it() {
        // The third is denied; the fourth and the last begin a window.
        check(
            "2 requests per 60s",
            &[6_000, 6_010, 6_030, 6_070, 6_071, 6_300],
            &[
                (6_000, 1, 1),
                (6_010, 2, 2),
                (6_030, 2, 2),
                (6_070, 1, 1),
                (6_071, 2, 2),
                (6_300, 1, 1),
            ],
        );
    }

    #[test]
    fn of_a_lifetime_each_point_is_the_sum_so_far() {
        check("2 requests", &[6_000, 6_010, 6_030], &[(6_000, 1, 1), (6_010, 2, 2), (6_030, 2, 3)]);
    }
}
