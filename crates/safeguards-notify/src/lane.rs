//! [`Lane`]: what waits for one channel, and when it may be attempted. Pure: it takes `now`.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    sync::Arc,
    time::Duration,
};

use safeguards_types::Timestamp;

use crate::{
    ChannelOptions, DeadLetter, DeadReason, Delivery, DeliveryId, Notification, Rate,
    dispatch::latest::{Latest, earlier},
};

/// A clock that steps back by no more than this is waited for.
const BACK_TOLERATED: Duration = Duration::from_secs(1);

/// What waits for one channel, in order, and when it may be attempted.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) channel: Arc<str>,
    pub(crate) options: ChannelOptions,
    // The first is under way, or is next: it stays until its fate is known, so that a lost task loses nothing.
    waiting: VecDeque<Waiting>,
    /// No attempt before this: a pause, or what the other side asked for.
    not_before: Timestamp,
    circuit: Circuit,
    /// When the next attempt is due at the steady rate; it may be ahead of now by the burst.
    rate_due: Timestamp,
    latest: Latest,
    delivered: u64,
    given_up: u64,
    last_error: Option<String>,
}

#[derive(Debug)]
struct Waiting {
    notification: Arc<Notification>,
    since: Timestamp,
    /// How many attempts have failed.
    failed: u32,
}

/// The circuit breaker: closed while failures in a row are few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Circuit {
    Closed { failures: u32 },
    Open { until: Timestamp },
    HalfOpen,
}

/// What to do for a channel now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Attempt this, and say how it ended.
    Deliver(Delivery),
    /// Come back then.
    At(Timestamp),
    /// Nothing waits.
    Nothing,
}

/// How an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Another attempt may help, no sooner than the span.
    Passing { error: String, retry_after: Option<Duration> },
    /// No other attempt helps.
    Final(DeadReason),
}

impl Failure {
    /// The stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Passing { .. } => "notify.delivery_failed",
            Self::Final(reason) => reason.code(),
        }
    }
}

/// What ended: it arrived, or was given up on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Arrived(DeliveryId),
    GivenUp(DeadLetter),
}

/// Whether a channel is attempted or left alone for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerState {
    /// It is attempted.
    Closed,
    /// It is left alone until then, after failures in a row.
    Open {
        /// When it is attempted again.
        until: Timestamp,
    },
    /// One attempt decides.
    HalfOpen,
}

/// How a channel fares.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelStatus {
    /// The channel.
    pub channel: Arc<str>,
    /// How many notifications wait, the one under way included.
    pub waiting: usize,
    /// How many arrived since the hub was made.
    pub delivered: u64,
    /// How many became dead letters since the hub was made.
    pub given_up: u64,
    /// Whether it is attempted.
    pub breaker: BreakerState,
    /// What the last attempt that failed said; `None` where none failed, or the last one arrived.
    pub last_error: Option<String>,
}

impl Lane {
    pub(crate) fn new(channel: Arc<str>, options: ChannelOptions) -> Self {
        Self {
            channel,
            options,
            waiting: VecDeque::new(),
            not_before: Timestamp::default(),
            circuit: Circuit::Closed { failures: 0 },
            rate_due: Timestamp::default(),
            latest: Latest::default(),
            delivered: 0,
            given_up: 0,
            last_error: None,
        }
    }

    /// Takes a notification in, behind the others; gives it back as a dead letter where the queue is full.
    pub(crate) fn push(
        &mut self,
        notification: Arc<Notification>,
        now: Timestamp,
    ) -> Result<(), DeadLetter> {
        self.advance(now);
        let queue_max = self.options.queue_max;
        if self.waiting.len() >= queue_max {
            self.given_up = self.given_up.saturating_add(1);
            return Err(DeadLetter::new(notification, DeadReason::QueueFull { queue_max }, now));
        }
        self.waiting.push_back(Waiting { notification, since: now, failed: 0 });
        Ok(())
    }

    /// What to do now; what has waited too long is given up on first. An attempt that is handed out is the
    /// same until [`Lane::finish`] ends it.
    pub(crate) fn next(&mut self, now: Timestamp, given_up: &mut Vec<DeadLetter>) -> Next {
        self.advance(now);
        while let Some(letter) = self.take_expired(now) {
            given_up.push(letter);
        }
        let Some(front) = self.waiting.front() else {
            return Next::Nothing;
        };
        let expires = front.since.saturating_add(self.options.expires_after);
        let due = self.not_before.max(self.rate_start());
        let due = match self.circuit {
            Circuit::Open { until } => due.max(until),
            Circuit::Closed { .. } | Circuit::HalfOpen => due,
        };
        if due > now {
            return Next::At(due.min(expires));
        }
        if matches!(self.circuit, Circuit::Open { .. }) {
            self.circuit = Circuit::HalfOpen;
        }
        let attempt = front.failed.saturating_add(1);
        Next::Deliver(Delivery::new(Arc::clone(&front.notification)).at_attempt(attempt))
    }

    /// Where the clock ran ahead and was set right, all waits are moved by as much: they keep their span.
    fn advance(&mut self, now: Timestamp) {
        let Some(back) = self.latest.note(now, BACK_TOLERATED) else {
            return;
        };
        self.not_before = earlier(self.not_before, back);
        self.rate_due = earlier(self.rate_due, back);
        if let Circuit::Open { until } = &mut self.circuit {
            *until = earlier(*until, back);
        }
        for waiting in &mut self.waiting {
            waiting.since = earlier(waiting.since, back);
        }
    }

    fn take_expired(&mut self, now: Timestamp) -> Option<DeadLetter> {
        let expires_after = self.options.expires_after;
        let is_over = |front: &Waiting| now >= front.since.saturating_add(expires_after);
        let front = self.waiting.pop_front_if(|front| is_over(front))?;
        self.given_up = self.given_up.saturating_add(1);
        let error = self.last_error.clone();
        let reason = DeadReason::Expired { attempts: front.failed, expires_after, error };
        Some(DeadLetter::new(front.notification, reason, now))
    }

    /// The soonest instant at which the rate allows an attempt (the generic cell rate algorithm: what is due
    /// may be ahead of now by the burst).
    fn rate_start(&self) -> Timestamp {
        let Some(Rate { every, burst }) = &self.options.rate else {
            return Timestamp::default();
        };
        let ahead = every.saturating_mul(burst.get().saturating_sub(1));
        let nanos = i64::try_from(ahead.as_nanos()).unwrap_or(i64::MAX);
        let start = self.rate_due.as_nanos().saturating_sub(nanos);
        Timestamp::from_nanos(start).unwrap_or_default()
    }

    /// Ends an attempt that [`Lane::next`] handed out. One that is no longer under way is passed over.
    pub(crate) fn finish(
        &mut self,
        id: DeliveryId,
        result: Result<(), Failure>,
        now: Timestamp,
    ) -> Option<Ended> {
        self.advance(now);
        let front = self.waiting.front_mut().filter(|front| front.notification.id() == id)?;
        if let Some(Rate { every, .. }) = &self.options.rate {
            self.rate_due = self.rate_due.max(now).saturating_add(*every);
        }
        let reason = match result {
            Ok(()) => {
                self.circuit = Circuit::Closed { failures: 0 };
                self.last_error = None;
                None
            }
            Err(Failure::Final(reason)) => {
                // It answered, or it is broken in a way that waiting does not mend.
                self.circuit = Circuit::Closed { failures: 0 };
                self.last_error = Some(reason.to_string());
                Some(reason)
            }
            Err(Failure::Passing { error, retry_after }) => {
                front.failed = front.failed.saturating_add(1);
                let attempts = front.failed;
                let pause = self.options.retry.pause(attempts, salt(id, attempts));
                self.not_before = now.saturating_add(pause.max(retry_after.unwrap_or_default()));
                self.last_error = Some(error.clone());
                self.note_failure(now);
                if attempts < self.options.retry.attempts_max {
                    return None;
                }
                Some(DeadReason::Failed { attempts, error })
            }
        };
        let ended = self.waiting.pop_front()?;
        Some(match reason {
            None => {
                self.delivered = self.delivered.saturating_add(1);
                Ended::Arrived(id)
            }
            Some(reason) => {
                self.given_up = self.given_up.saturating_add(1);
                Ended::GivenUp(DeadLetter::new(ended.notification, reason, now))
            }
        })
    }

    fn note_failure(&mut self, now: Timestamp) {
        let breaker = &self.options.breaker;
        let failures = match self.circuit {
            Circuit::Closed { failures } => failures.saturating_add(1),
            Circuit::HalfOpen | Circuit::Open { .. } => breaker.after.get(),
        };
        self.circuit = if failures >= breaker.after.get() {
            Circuit::Open { until: now.saturating_add(breaker.reset_in) }
        } else {
            Circuit::Closed { failures }
        };
    }

    /// What waits, in order.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Arc<Notification>> {
        self.waiting.iter().map(|waiting| &waiting.notification)
    }

    pub(crate) fn status(&self, now: Timestamp) -> ChannelStatus {
        let breaker = match self.circuit {
            Circuit::Closed { .. } => BreakerState::Closed,
            Circuit::Open { until } if until > now => BreakerState::Open { until },
            Circuit::Open { .. } | Circuit::HalfOpen => BreakerState::HalfOpen,
        };
        ChannelStatus {
            channel: Arc::clone(&self.channel),
            waiting: self.waiting.len(),
            delivered: self.delivered,
            given_up: self.given_up,
            breaker,
            last_error: self.last_error.clone(),
        }
    }
}

/// Spreads pauses without randomness: another delivery and another attempt have another salt.
fn salt(id: DeliveryId, attempt: u32) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one((id, attempt))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use safeguards_types::{OperationIds, Severity};

    use super::*;
    use crate::{Alert, AlertId, Breaker, Retry, topic};

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    /// A lane, what is given up on, and the milliseconds that have passed.
    struct Bench {
        lane: Lane,
        ids: OperationIds,
        given_up: Vec<DeadLetter>,
        millis: u64,
    }

    impl Bench {
        fn new(options: ChannelOptions, waiting: usize) -> Self {
            let lane = Lane::new("ops".into(), options);
            let ids = OperationIds::seeded(1);
            let mut bench = Self { lane, ids, given_up: Vec::new(), millis: 0 };
            for _ in 0..waiting {
                bench.push().unwrap();
            }
            bench
        }

        fn now(&self) -> Timestamp {
            START.saturating_add(Duration::from_millis(self.millis))
        }

        fn push(&mut self) -> Result<(), DeadLetter> {
            let id = AlertId::from(self.ids.mint(self.now()));
            let alert = Alert::new(Severity::Low, topic!("team.note"), "ready");
            let made = Notification::new(DeliveryId::of(id, "ops"), "ops", alert);
            self.lane.push(Arc::new(made), self.now())
        }

        fn next(&mut self) -> Next {
            let now = self.now();
            self.lane.next(now, &mut self.given_up)
        }

        /// How many milliseconds it is until the next attempt, from the start.
        #[track_caller]
        fn due(&mut self) -> u64 {
            match self.next() {
                Next::At(at) => {
                    u64::try_from(at.since(START).as_nanos().div_ceil(1_000_000)).unwrap()
                }
                other @ (Next::Deliver(_) | Next::Nothing) => {
                    panic!("{other:?} at {} ms", self.millis)
                }
            }
        }

        /// Attempts what is next, and says how that ended.
        #[track_caller]
        fn attempt(&mut self, result: Result<(), Failure>) -> Option<Ended> {
            let Next::Deliver(delivery) = self.next() else {
                panic!("nothing to attempt at {} ms", self.millis);
            };
            let now = self.now();
            self.lane.finish(delivery.id(), result, now)
        }

        fn breaker(&self) -> BreakerState {
            self.lane.status(self.now()).breaker
        }
    }

    fn busy() -> Result<(), Failure> {
        Err(Failure::Passing { error: "line busy".to_owned(), retry_after: None })
    }

    fn steady(attempts: u32) -> ChannelOptions {
        let pause = Duration::from_millis(100);
        ChannelOptions::new().retry(Retry::attempts(attempts).pauses(pause, pause))
    }

    fn number(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn what_fails_is_attempted_again_after_a_pause_and_given_up_on_in_the_end() {
        let mut bench = Bench::new(steady(2), 2);
        assert_eq!(bench.attempt(busy()), None);
        let due = bench.due();
        assert!((50..=100).contains(&due), "{due}");
        bench.millis = due;
        let Some(Ended::GivenUp(letter)) = bench.attempt(busy()) else {
            panic!("two attempts are all there are");
        };
        let reason = DeadReason::Failed { attempts: 2, error: "line busy".to_owned() };
        assert_eq!(letter.reason, reason);
        // The pause holds for the next one too: it is the channel that failed.
        let due = bench.due();
        bench.millis = due;
        assert!(matches!(bench.attempt(Ok(())), Some(Ended::Arrived(_))));
        assert_eq!(bench.next(), Next::Nothing);
    }

    #[test]
    fn what_the_other_side_asks_for_is_kept() {
        let mut bench = Bench::new(steady(9), 1);
        let retry_after = Some(Duration::from_secs(7));
        bench.attempt(Err(Failure::Passing { error: "later".to_owned(), retry_after }));
        assert_eq!(bench.due(), 7_000);
    }

    #[test]
    fn the_breaker_opens_lets_one_through_and_closes() {
        let breaker = Breaker::after(number(2)).reset_in(Duration::from_secs(5));
        let mut bench = Bench::new(steady(9).breaker(breaker), 1);
        bench.attempt(busy());
        assert_eq!(bench.breaker(), BreakerState::Closed);
        bench.millis = 100;
        bench.attempt(busy());
        assert_eq!(bench.due(), 5_100);
        assert!(matches!(bench.breaker(), BreakerState::Open { .. }));
        bench.millis = 5_100;
        assert_eq!(bench.breaker(), BreakerState::HalfOpen);
        // Half open, one failure is enough.
        bench.attempt(busy());
        assert_eq!(bench.due(), 10_100);
        bench.millis = 10_100;
        assert!(matches!(bench.attempt(Ok(())), Some(Ended::Arrived(_))));
        assert_eq!(bench.breaker(), BreakerState::Closed);
        bench.push().unwrap();
        bench.attempt(busy());
        assert_eq!(bench.breaker(), BreakerState::Closed, "it counts from the start again");
    }

    #[test]
    fn the_rate_allows_a_burst_and_then_one_a_span() {
        let rate = Rate::per(Duration::from_secs(1)).burst(number(3));
        let mut bench = Bench::new(steady(1).rate(rate), 6);
        bench.millis = 10_000;
        let mut at = Vec::new();
        while let next @ (Next::Deliver(_) | Next::At(_)) = bench.next() {
            if matches!(next, Next::Deliver(_)) {
                at.push(bench.millis);
                bench.attempt(Ok(()));
            } else {
                bench.millis = bench.due();
            }
        }
        assert_eq!(at, [10_000, 10_000, 10_000, 11_000, 12_000, 13_000]);
    }

    #[test]
    fn what_waits_too_long_is_given_up_on_with_the_last_error() {
        let mut bench = Bench::new(steady(9).expires_after(Duration::from_secs(1)), 2);
        let retry_after = Some(Duration::from_mins(1));
        bench.attempt(Err(Failure::Passing { error: "later".to_owned(), retry_after }));
        assert_eq!(bench.due(), 1_000, "it is looked at when the first expires");
        bench.millis = 1_000;
        assert_eq!(bench.next(), Next::Nothing);
        let reasons: Vec<String> =
            bench.given_up.iter().map(|letter| letter.reason.to_string()).collect();
        assert_eq!(
            reasons,
            [
                "waited for more than 1s, 1 attempts: later",
                "waited for more than 1s, 0 attempts: later"
            ]
        );
        assert_eq!(bench.lane.status(bench.now()).given_up, 2);
    }

    #[test]
    fn waits_keep_their_span_when_the_clock_is_set_back() {
        let hour = 3_600_000;
        let rate = Rate::per(Duration::from_secs(5));
        let breaker = Breaker::after(number(1)).reset_in(Duration::from_secs(9));
        for (options, result, span) in [
            (steady(9).rate(rate), Ok(()), 5_000),
            (steady(9).breaker(breaker), busy(), 9_000),
            (
                steady(9)
                    .expires_after(Duration::from_secs(7))
                    .rate(Rate::per(Duration::from_mins(1))),
                Ok(()),
                7_000,
            ),
        ] {
            let mut bench = Bench::new(options, 0);
            bench.millis = 2 * hour;
            bench.push().unwrap();
            bench.push().unwrap();
            bench.attempt(result);
            bench.millis = hour;
            assert_eq!(bench.due(), hour + span);
        }
    }

    #[test]
    fn a_queue_is_bounded_and_an_attempt_is_ended_once() {
        let mut bench = Bench::new(steady(9).queue_max(1), 1);
        let letter = bench.push().unwrap_err();
        assert_eq!(letter.reason, DeadReason::QueueFull { queue_max: 1 });
        let Next::Deliver(delivery) = bench.next() else { panic!("one waits") };
        let now = bench.now();
        assert!(bench.lane.finish(delivery.id(), Ok(()), now).is_some());
        assert_eq!(bench.lane.finish(delivery.id(), Ok(()), now), None);
        let status = bench.lane.status(now);
        assert_eq!((status.waiting, status.delivered, status.given_up), (0, 1, 1));
    }
}
