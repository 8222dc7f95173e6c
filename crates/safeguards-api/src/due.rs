//! [`Due`]: when something has to be looked after, and who is to be told when that is sooner than was thought.

use std::{
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use futures_util::FutureExt;
use safeguards_types::{Clock, Timestamp};
use tokio::{sync::Notify, time::timeout};

use crate::observed;

/// How long one sleeps at most: other processes write too, and a machine's clock may be set.
const SLEEP_MAX: Duration = Duration::from_mins(1);
/// How long one sleeps at least: the clock of what is looked after may be behind ours.
const SLEEP_MIN: Duration = Duration::from_millis(100);
/// How long one leaves alone what did not answer.
const FAILURE_PAUSE: Duration = Duration::from_secs(5);

/// When the next hold, lease or key runs out, as far as is known here.
#[derive(Debug)]
pub(crate) struct Due {
    nanos: AtomicI64,
    sooner: Notify,
}

impl Default for Due {
    fn default() -> Self {
        Self { nanos: AtomicI64::new(i64::MAX), sooner: Notify::new() }
    }
}

impl Due {
    /// Something is due then. Wakes who sleeps longer.
    pub(crate) fn note(&self, at: Timestamp) {
        if self.nanos.fetch_min(at.as_nanos(), Ordering::SeqCst) > at.as_nanos() {
            self.sooner.notify_one();
        }
    }

    /// Looks whenever something is due, and never ends. Each look says when the next thing is; one that fails, with a
    /// code, or panics is told as a failure of this `part` of the driver, and is followed by another after a pause.
    pub(crate) async fn look<Looking>(
        &self,
        part: &'static str,
        clock: &dyn Clock,
        look: impl Fn() -> Looking,
    ) where
        Looking: Future<Output = Result<Option<Timestamp>, &'static str>>,
    {
        loop {
            // From here on whatever is noted wakes us, whenever it is due.
            self.nanos.store(i64::MAX, Ordering::SeqCst);
            let looked = AssertUnwindSafe(async { look().await }).catch_unwind().await;
            let pause = match looked {
                Ok(Ok(next)) => {
                    if let Some(next) = next {
                        self.nanos.fetch_min(next.as_nanos(), Ordering::SeqCst);
                    }
                    let pause = next.map_or(SLEEP_MAX, |next| next.since(clock.now()));
                    pause.clamp(SLEEP_MIN, SLEEP_MAX)
                }
                Ok(Err(code)) => {
                    observed::driver_failed(part, code);
                    FAILURE_PAUSE
                }
                Err(_) => {
                    observed::driver_failed(part, "panic");
                    FAILURE_PAUSE
                }
            };
            // Woken or not, it looks again.
            let _ = timeout(pause, self.sooner.notified()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use safeguards_types::SimClock;

    use super::*;

    /// The clock of what is looked after is behind: it always says that something is due now.
    #[tokio::test(start_paused = true)]
    async fn what_is_always_due_is_looked_after_ten_times_a_second() {
        let (due, looks) = (Due::default(), AtomicU32::new(0));
        let clock = SimClock::at(Timestamp::UNIX_EPOCH);
        let look = || async {
            looks.fetch_add(1, Ordering::SeqCst);
            Ok(Some(Timestamp::UNIX_EPOCH))
        };
        let _ = timeout(Duration::from_millis(950), due.look("ledger", &clock, look)).await;
        assert_eq!(looks.into_inner(), 1 + 9);
    }

    /// What is looked after fails, then panics, then answers: nobody gives up.
    #[tokio::test(start_paused = true)]
    async fn a_look_that_fails_or_panics_is_followed_by_another() {
        let (due, looks) = (Due::default(), AtomicU32::new(0));
        let clock = SimClock::at(Timestamp::UNIX_EPOCH);
        let look = || async {
            match looks.fetch_add(1, Ordering::SeqCst) {
                0 => Err("it does not answer"),
                1 => panic!("it is broken"),
                _ => Ok(None),
            }
        };
        let _ = timeout(FAILURE_PAUSE * 2 + SLEEP_MAX * 3, due.look("ledger", &clock, look)).await;
        assert_eq!(looks.into_inner(), 2 + 3 + 1);
    }
}
