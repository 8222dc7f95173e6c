//! [`Due`]: when a ledger has to be ticked, and who is to be told when that is sooner than was thought.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use safeguards_budget::Ledger as _;
use safeguards_types::{Clock, Timestamp};
use tokio::{sync::Notify, time::timeout};

use super::AlertingLedger;

/// How long one sleeps at most: other processes place holds too, and a machine's clock may be set.
const SLEEP_MAX: Duration = Duration::from_mins(1);
/// How long one sleeps at least: the ledger's clock may be behind ours.
const SLEEP_MIN: Duration = Duration::from_millis(100);
/// How long one waits for a ledger that did not answer.
const FAILURE_PAUSE: Duration = Duration::from_secs(5);

/// When the next hold runs out, as far as is known here.
#[derive(Debug)]
pub(super) struct Due {
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
    pub(super) fn note(&self, at: Timestamp) {
        if self.nanos.fetch_min(at.as_nanos(), Ordering::SeqCst) > at.as_nanos() {
            self.sooner.notify_one();
        }
    }
}

/// Ticks the ledger whenever a hold is due, and never ends.
pub(crate) async fn tick_when_due(ledger: Arc<AlertingLedger>, clock: Arc<dyn Clock>) {
    let due = &ledger.due;
    loop {
        // From here on a hold that is placed wakes us, whenever it is due.
        due.nanos.store(i64::MAX, Ordering::SeqCst);
        let pause = match ledger.tick().await {
            Ok(next) => {
                if let Some(next) = next {
                    due.nanos.fetch_min(next.as_nanos(), Ordering::SeqCst);
                }
                let pause = next.map_or(SLEEP_MAX, |next| next.since(clock.now()));
                pause.clamp(SLEEP_MIN, SLEEP_MAX)
            }
            Err(_) => FAILURE_PAUSE,
        };
        // Woken or not, it looks again.
        let _ = timeout(pause, due.sooner.notified()).await;
    }
}
