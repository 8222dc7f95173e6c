//! What is kept of each window of a report: all rows, and what each spender was granted.

use std::collections::BTreeMap;

use safeguards_types::Quantity;

use super::{
    tally::{Join, Split},
    trace::NameId,
};

/// The rows of one window.
#[derive(Clone, Debug, Default)]
pub(crate) struct WindowTally {
    pub(crate) split: Split,
    /// The cost granted, by the name that rows are told apart by.
    pub(crate) granted_by: BTreeMap<NameId, Quantity>,
}

impl WindowTally {
    pub(crate) fn add(&mut self, by: Option<NameId>, row: &Split) {
        self.split.join(*row);
        if let Some(id) = by {
            let granted = self.granted_by.entry(id).or_default();
            *granted = granted.saturating_add(row.granted.cost);
        }
    }
}

impl Join for WindowTally {
    fn join(&mut self, other: Self) {
        self.split.join(other.split);
        for (id, cost) in other.granted_by {
            let granted = self.granted_by.entry(id).or_default();
            *granted = granted.saturating_add(cost);
        }
    }
}
