//! [`Running`]: alerts that are being delivered, a ledger that is being ticked, a registry and shared state that are
//! being swept, and the way to stop all of it.

use std::{sync::Arc, time::Duration};

use safeguards_notify::{StartError, Undelivered};
use tokio::task::JoinSet;

use crate::{
    alerting::tick_when_due, core::Core, discovering::sweep_when_due,
    swept_state::sweep_state_when_due,
};

/// What [`Safeguards::start`](crate::Safeguards::start) began: alerts go out to their channels, and holds,
/// leases and keys of shared state end, and are told, when they run out.
///
/// Dropped without [`stop`](Self::stop), all of it ends at once; what waits stays until the next start. `stop` takes
/// it, so that nothing is stopped twice.
#[derive(Debug)]
#[must_use = "delivery ends when this is dropped; keep it, and call `stop`"]
pub struct Running {
    alerts: safeguards_notify::Running,
    /// Three tasks. Dropped, they end.
    ticking: JoinSet<()>,
}

impl Running {
    pub(crate) fn start(core: &Core) -> Result<Self, StartError> {
        // First of all: it is what can fail, outside a runtime say.
        let alerts = core.alerts.start()?;
        let mut ticking = JoinSet::new();
        ticking.spawn(tick_when_due(Arc::clone(&core.alerting), Arc::clone(&core.clock)));
        ticking.spawn(sweep_when_due(Arc::clone(&core.swept), Arc::clone(&core.clock)));
        ticking.spawn(sweep_state_when_due(Arc::clone(&core.swept_state)));
        Ok(Self { alerts, ticking })
    }

    /// Delivers what waits, for five seconds at most, then ends. Gives what did not arrive.
    pub async fn stop(self) -> Undelivered {
        let Self { alerts, ticking } = self;
        // What it would tell from here on waits for the next start.
        drop(ticking);
        alerts.stop().await
    }

    /// As [`stop`](Self::stop), for `grace` at most.
    pub async fn stop_within(self, grace: Duration) -> Undelivered {
        let Self { alerts, ticking } = self;
        drop(ticking);
        alerts.stop_within(grace).await
    }
}
