//! [`Figures`]: how much was read, and how near to a limit it came.

/// How much an auditor has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figures {
    /// How many entries.
    pub entries: u64,
    /// How many of them granted a charge or a hold.
    pub grants: u64,
    /// How many of them ended a hold because its time ran out.
    pub expired: u64,
    /// The most that any grant made of a hard limit, in thousandths of it: 1,000 is all of it, and more would
    /// be an overshoot.
    pub fullest_permille: u64,
}

impl Figures {
    /// Notes that a grant has brought a limit to `used`.
    pub(super) fn note_use(&mut self, used: i128, limit: i128) {
        let permille = used.saturating_mul(1_000).checked_div(limit).unwrap_or(0);
        let permille = u64::try_from(permille).unwrap_or(0);
        self.fullest_permille = self.fullest_permille.max(permille);
    }

    /// Adds one to a count.
    pub(super) fn count(count: &mut u64) {
        *count = count.saturating_add(1);
    }
}
