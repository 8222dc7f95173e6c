//! [`Retry`]: how often, and how soon, a step is attempted again.

use std::time::Duration;

use safeguards_types::OperationId;

/// How often, and how soon, a step is attempted again after an error that is declared retryable, or a denial that
/// says when to try again.
///
/// The pauses double from a first one to a longest, and are cut by up to a half, so that many that failed together
/// do not come back together ("equal jitter", M. Brooker, *Exponential Backoff And Jitter*, AWS Architecture Blog,
/// 2015). The cut is derived from the operation: the same run waits the same.
///
/// ```
/// use std::time::Duration;
/// use safeguards_coord::Retry;
///
/// let twice = Retry::times(2).pause(Duration::from_secs(1)).at_most(Duration::from_secs(30));
/// assert_eq!(twice.attempts(), 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    times: u32,
    pause: Duration,
    at_most: Duration,
}

impl Retry {
    /// How long the first pause is unless another is set, at most.
    pub const PAUSE: Duration = Duration::from_millis(500);
    /// How long a pause is at most unless it is set.
    pub const AT_MOST: Duration = Duration::from_mins(1);

    /// One attempt is all.
    pub const fn never() -> Self {
        Self::times(0)
    }

    /// So many attempts after the first.
    pub const fn times(times: u32) -> Self {
        Self { times, pause: Self::PAUSE, at_most: Self::AT_MOST }
    }

    /// Sets how long the first pause is at most.
    #[must_use]
    pub const fn pause(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Sets how long any pause is at most. A denial that says when to try again is waited for however long that is.
    #[must_use]
    pub const fn at_most(self, at_most: Duration) -> Self {
        Self { at_most, ..self }
    }

    /// How many attempts there are in all, at most.
    pub const fn attempts(&self) -> u32 {
        self.times.saturating_add(1)
    }

    /// How long to wait after the attempt of this number, from 1, whose hold has this operation.
    pub(crate) fn wait(&self, attempt: u32, op: OperationId) -> Duration {
        let doublings = attempt.saturating_sub(1).min(DOUBLINGS_MAX);
        let whole = self.pause.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX));
        let whole = whole.min(self.at_most);
        let cut = cut_of(op);
        let half = whole.checked_div(2).unwrap_or_default();
        let cut = half.saturating_mul(cut).checked_div(CUTS).unwrap_or_default();
        whole.saturating_sub(cut)
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::never()
    }
}

/// The exponent is capped, not only the pause: a shift of many overflows.
const DOUBLINGS_MAX: u32 = 20;
/// Into how many parts a half is cut.
const CUTS: u32 = 1_000;

/// A number below [`CUTS`], always the same for the same operation.
fn cut_of(op: OperationId) -> u32 {
    let text = op.step("jitter").to_string();
    let digits = text.get(28..).unwrap_or_default();
    u32::from_str_radix(digits, 16).unwrap_or_default().checked_rem(CUTS).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use safeguards_types::{OperationIds, Timestamp};

    use super::*;

    #[test]
    fn pauses_double_and_are_cut_by_up_to_a_half() {
        let ids = OperationIds::seeded(3);
        let retry = Retry::times(9).pause(Duration::from_secs(1)).at_most(Duration::from_secs(6));
        for (attempt, whole) in [(1, 1), (2, 2), (3, 4), (4, 6), (u32::MAX, 6)] {
            let whole = Duration::from_secs(whole);
            let waits: Vec<Duration> =
                (0..50).map(|_| retry.wait(attempt, ids.mint(Timestamp::UNIX_EPOCH))).collect();
            assert!(waits.iter().all(|wait| *wait <= whole && *wait * 2 >= whole), "{waits:?}");
            assert!(waits.iter().any(|wait| *wait != whole));
        }
        let op = ids.mint(Timestamp::UNIX_EPOCH);
        assert_eq!(retry.wait(2, op), retry.wait(2, op));
    }
}
