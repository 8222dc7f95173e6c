//! What the ledger told on the way: thresholds crossed, limits overrun, rows denied; each kind once, with counts.

use std::collections::BTreeMap;

use safeguards_budget::{Crossing, Denial, Overrun, Percent, Receipt, Window};
use safeguards_types::{Quantity, Timestamp, Unit};

use super::{tally::Tally, trace::NameId};

/// How many crossings of one threshold are kept with their time; of a limit by the minute there are many.
const TIMES_MAX: usize = 20;

/// A place in the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Where {
    pub(crate) row: u64,
    pub(crate) at: Timestamp,
}

/// Everything told so far.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) crossed: Vec<Crossed>,
    pub(crate) overrun: Vec<Overran>,
    pub(crate) denied: BTreeMap<(Option<NameId>, usize), Denied>,
    /// What denials say, without their numbers.
    pub(crate) reasons: Vec<Reason>,
    pub(crate) first_denied: Option<(Where, Denial)>,
}

/// One threshold of one limit.
#[derive(Debug)]
pub(crate) struct Crossed {
    pub(crate) unit: Unit,
    pub(crate) window: Window,
    pub(crate) limit: Quantity,
    pub(crate) percent: Percent,
    /// How often it was crossed: once in a window.
    pub(crate) count: u64,
    /// The first of these times, and what was spent then.
    pub(crate) first: Vec<(Where, Quantity)>,
}

/// One limit that real costs passed.
#[derive(Debug)]
pub(crate) struct Overran {
    pub(crate) unit: Unit,
    pub(crate) window: Window,
    pub(crate) limit: Quantity,
    /// How many rows passed it, or went further beyond.
    pub(crate) count: u64,
    pub(crate) first: Where,
    /// By how much it was passed at most.
    pub(crate) over_by_most: Quantity,
}

/// Why rows are denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) code: &'static str,
    pub(crate) unit: Unit,
    pub(crate) window: Window,
    pub(crate) limit: Quantity,
}

/// Rows of one spender that were denied for one reason.
#[derive(Debug)]
pub(crate) struct Denied {
    pub(crate) tally: Tally,
    pub(crate) first: Where,
}

impl Told {
    /// Takes down what a receipt tells.
    pub(crate) fn receipt(&mut self, receipt: &Receipt, place: Where) {
        for crossing in &receipt.crossed {
            self.crossing(crossing, place);
        }
        for overrun in &receipt.overrun {
            self.overrun(overrun, place);
        }
    }

    fn crossing(&mut self, crossing: &Crossing, place: Where) {
        let is_same = |known: &Crossed| {
            (&known.unit, &known.window, known.percent)
                == (&crossing.unit, &crossing.window, crossing.share())
        };
        let time = (place, crossing.spent);
        match self.crossed.iter_mut().find(|known| is_same(known)) {
            Some(known) => {
                known.count += 1;
                if known.first.len() < TIMES_MAX {
                    known.first.push(time);
                }
            }
            None => self.crossed.push(Crossed {
                unit: crossing.unit.clone(),
                window: crossing.window.clone(),
                limit: crossing.limit,
                percent: crossing.share(),
                count: 1,
                first: vec![time],
            }),
        }
    }

    fn overrun(&mut self, overrun: &Overrun, place: Where) {
        let is_same =
            |known: &Overran| (&known.unit, &known.window) == (&overrun.unit, &overrun.window);
        match self.overrun.iter_mut().find(|known| is_same(known)) {
            Some(known) => {
                known.count += 1;
                known.over_by_most = known.over_by_most.max(overrun.over_by);
            }
            None => self.overrun.push(Overran {
                unit: overrun.unit.clone(),
                window: overrun.window.clone(),
                limit: overrun.limit,
                count: 1,
                first: place,
                over_by_most: overrun.over_by,
            }),
        }
    }

    /// Takes down a row that was denied by a limit.
    pub(crate) fn denial(
        &mut self,
        denial: &Denial,
        by: Option<NameId>,
        row: &Tally,
        place: Where,
    ) {
        if self.first_denied.is_none() {
            self.first_denied = Some((place, denial.clone()));
        }
        let Some(shortfall) = denial.shortfall() else {
            return;
        };
        let is_same = |known: &Reason| {
            (known.code, &known.unit, &known.window)
                == (denial.code(), &shortfall.unit, &shortfall.window)
        };
        let reason = self.reasons.iter().position(is_same).unwrap_or_else(|| {
            self.reasons.push(Reason {
                code: denial.code(),
                unit: shortfall.unit.clone(),
                window: shortfall.window.clone(),
                limit: shortfall.limit,
            });
            self.reasons.len() - 1
        });
        let denied = self
            .denied
            .entry((by, reason))
            .or_insert_with(|| Denied { tally: Tally::default(), first: place });
        denied.tally.add(row);
    }
}
