//! [`Alerts::pump`]: a hub that is driven by hand, without tasks and without waiting.

use std::sync::atomic::Ordering;

use safeguards_types::Timestamp;

use super::{Alerts, Hub};
use crate::{Notification, StartError, lane::Next};

/// Holds the place of a [`Running`](crate::Running) while somebody pumps.
struct Pumping<'h>(&'h Hub);

impl<'h> Pumping<'h> {
    fn begin(hub: &'h Hub) -> Result<Self, StartError> {
        if hub.is_running.swap(true, Ordering::SeqCst) {
            return Err(StartError::AlreadyRunning);
        }
        Ok(Self(hub))
    }
}

impl Drop for Pumping<'_> {
    fn drop(&mut self) {
        self.0.is_running.store(false, Ordering::SeqCst);
    }
}

impl Alerts {
    /// Makes what is due by the hub's clock, and gives every notification that may go out now to `read`, in
    /// place of its channel: it counts as delivered. Gives when something is due again; `None` where nothing is.
    ///
    /// This drives a hub on simulated time, in replays and tests: move the clock to what is due, and pump. It
    /// takes no runtime and waits for nothing. A store other than one in memory is told of what changed by
    /// whatever asks the hub next, [`history`](Self::history) say.
    ///
    /// ```
    /// use std::time::Duration;
    /// use safeguards_notify::{Alert, Alerts, ConsoleChannel, topic};
    /// use safeguards_types::{Clock, Severity, SimClock, Timestamp};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let clock = SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z")?);
    /// let alerts = Alerts::builder().clock(clock.clone()).channel("ops", ConsoleChannel::stderr()).build()?;
    /// let mut seen = Vec::new();
    /// for _ in 0..1_000 {
    ///     alerts.send(Alert::new(Severity::High, topic!("budget.denied"), "no money").about("reader"));
    ///     alerts.pump(|told| seen.push(told.count()))?;
    ///     clock.advance(Duration::from_millis(10));
    /// }
    /// while let Some(due) = alerts.pump(|told| seen.push(told.count()))? {
    ///     clock.set(due);
    /// }
    /// assert_eq!(seen, [1, 999]); // the first at once, the others after a minute
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Where the hub is delivering already, be it by [`start`](Self::start) or by another pump.
    pub fn pump(
        &self,
        mut read: impl FnMut(&Notification),
    ) -> Result<Option<Timestamp>, StartError> {
        let pumping = Pumping::begin(&self.hub)?;
        let hub = pumping.0;
        hub.poll();
        let mut due = None;
        for lane in 0..hub.lanes.len() {
            loop {
                match hub.next(lane) {
                    Next::Deliver(delivery) => {
                        read(delivery.notification());
                        hub.finish(lane, delivery.id(), Ok(()));
                    }
                    Next::At(at) => {
                        due = Some(due.map_or(at, |due: Timestamp| due.min(at)));
                        break;
                    }
                    Next::Nothing => break,
                }
            }
        }
        let groups = hub.state.lock().dispatcher.next_deadline();
        Ok(due.into_iter().chain(groups).min())
    }
}

#[cfg(test)]
mod tests {
    use safeguards_types::{Severity, SimClock, Timestamp};

    use crate::{Alert, Alerts, ConsoleChannel, StartError, topic};

    fn alert() -> Alert {
        Alert::new(Severity::Low, topic!("team.note"), "ready")
    }

    #[test]
    fn one_pumps_at_a_time_and_the_reader_may_send() {
        let clock = SimClock::at(Timestamp::UNIX_EPOCH);
        let console = ConsoleChannel::new(std::io::sink());
        let alerts = Alerts::builder().clock(clock.clone()).channel("ops", console);
        let alerts = alerts.build().unwrap();
        alerts.send(alert());
        let mut told = 0;
        let due = alerts.pump(|_| {
            told += 1;
            assert_eq!(alerts.pump(|_| {}), Err(StartError::AlreadyRunning));
            alerts.send(alert());
        });
        assert_eq!(told, 1);
        clock.set(due.unwrap().unwrap());
        alerts.pump(|notification| told += notification.count()).unwrap();
        assert_eq!((told, alerts.status().gathering), (2, 0));
    }

    #[tokio::test]
    async fn a_hub_that_runs_is_not_pumped() {
        let alerts = Alerts::new();
        let running = alerts.start().unwrap();
        assert_eq!(alerts.pump(|_| {}), Err(StartError::AlreadyRunning));
        assert!(running.stop().await.is_empty());
        assert_eq!(alerts.pump(|_| {}), Ok(None));
    }
}
