//! [`ChannelOptions`]: how a hub treats one channel: queue, timeout, retries, circuit breaker, rate.

use std::{num::NonZeroU32, time::Duration};

/// How a hub treats one channel. Each channel has its own.
///
/// ```
/// use std::time::Duration;
/// use safeguards_notify::{Alerts, ChannelOptions, ConsoleChannel, Rate, Retry};
///
/// let patient = ChannelOptions::new()
///     .timeout(Duration::from_secs(30))
///     .retry(Retry::attempts(10).pauses(Duration::from_secs(1), Duration::from_mins(5)))
///     .rate(Rate::per(Duration::from_secs(1)));
/// let alerts = Alerts::builder().channel_with("ops", ConsoleChannel::stderr(), patient).build()?;
/// # Ok::<(), safeguards_notify::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "options do nothing until a channel is added with them"]
pub struct ChannelOptions {
    pub(crate) queue_max: usize,
    pub(crate) timeout: Duration,
    pub(crate) expires_after: Duration,
    pub(crate) retry: Retry,
    pub(crate) breaker: Breaker,
    pub(crate) rate: Option<Rate>,
}

/// How often a delivery is attempted, and how long the pauses are.
///
/// The pause after attempt *n* is the first pause doubled *n* − 1 times, at most the longest, and of that
/// between a half and the whole, so that many senders do not come back in step ("equal jitter", after Marc
/// Brooker, *Exponential Backoff And Jitter*, AWS Architecture Blog, 2015). What the other side asked for
/// ([`DeliveryError::after`](crate::DeliveryError::after)) is kept where it is longer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a policy does nothing until it is part of some `ChannelOptions`"]
pub struct Retry {
    pub(crate) attempts_max: u32,
    pub(crate) first_pause: Duration,
    pub(crate) pause_max: Duration,
}

/// When a channel is left alone for a while, so that it is not asked in vain.
///
/// Closed, it lets everything through. After some failures in a row it opens: nothing is attempted, what comes
/// waits in the queue. When its time is over it is half open: one attempt decides whether it closes or opens
/// again. A refusal that is permanent is an answer and no failure here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a policy does nothing until it is part of some `ChannelOptions`"]
pub struct Breaker {
    pub(crate) after: NonZeroU32,
    pub(crate) reset_in: Duration,
}

/// How many attempts a channel gets at most: one each span on average, and some at once after a quiet time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a policy does nothing until it is part of some `ChannelOptions`"]
pub struct Rate {
    pub(crate) every: Duration,
    pub(crate) burst: NonZeroU32,
}

const SIX: u32 = 6;
const FIVE: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

impl ChannelOptions {
    /// A queue of 1,024; 10 s for an attempt, six attempts; a breaker after five failures in a row for 30 s;
    /// a day until a notification that waits is given up on; no bound on the rate.
    pub const fn new() -> Self {
        Self {
            queue_max: 1_024,
            timeout: Duration::from_secs(10),
            expires_after: Duration::from_hours(24),
            retry: Retry::attempts(SIX),
            breaker: Breaker::after(FIVE),
            rate: None,
        }
    }

    /// How many notifications wait for the channel at most, from 1. The next becomes a dead letter.
    pub const fn queue_max(mut self, queue_max: usize) -> Self {
        self.queue_max = queue_max;
        self
    }

    /// How long one attempt may take, more than 0. One that takes longer failed, and is retried.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a notification may wait, more than 0; then it becomes a dead letter. Attempts that are due
    /// no sooner, be it for the breaker, the rate or a pause, are not made.
    pub const fn expires_after(mut self, span: Duration) -> Self {
        self.expires_after = span;
        self
    }

    /// How attempts are repeated.
    pub const fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// When the channel is left alone.
    pub const fn breaker(mut self, breaker: Breaker) -> Self {
        self.breaker = breaker;
        self
    }

    /// How many attempts there are at most in a span of time.
    pub const fn rate(mut self, rate: Rate) -> Self {
        self.rate = Some(rate);
        self
    }

    /// What is wrong with them, if anything: the key and what is allowed.
    pub(crate) fn fault(&self) -> Option<(&'static str, &'static str)> {
        let Self { queue_max, timeout, expires_after, retry, breaker, rate } = self;
        let Retry { attempts_max, first_pause: _, pause_max: _ } = retry;
        let spans = [
            ("timeout", Some(timeout)),
            ("expires_after", Some(expires_after)),
            ("breaker.reset_in", Some(&breaker.reset_in)),
            ("rate.every", rate.as_ref().map(|rate| &rate.every)),
        ];
        if *queue_max == 0 {
            return Some((
                "queue_max",
                "a queue that holds nothing delivers nothing; it holds 1 or more",
            ));
        }
        if *attempts_max == 0 {
            return Some(("retry.attempts", "what is never attempted never arrives; 1 or more"));
        }
        let empty = spans.into_iter().find(|(_, span)| span.is_some_and(Duration::is_zero));
        empty.map(|(key, _)| (key, "a span of time more than 0"))
    }
}

impl Default for ChannelOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl Retry {
    /// This many attempts in all, from 1; pauses from 250 ms to 30 s.
    pub const fn attempts(attempts_max: u32) -> Self {
        Self {
            attempts_max,
            first_pause: Duration::from_millis(250),
            pause_max: Duration::from_secs(30),
        }
    }

    /// The first pause and the longest.
    pub const fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first;
        self.pause_max = longest;
        self
    }

    /// The pause after this attempt, from 1. `salt` decides where between a half and the whole.
    pub(crate) fn pause(&self, attempt: u32, salt: u64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let whole =
            self.first_pause.saturating_mul(2_u32.saturating_pow(doublings)).min(self.pause_max);
        let half = whole.checked_div(2).unwrap_or_default();
        let nanos = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX);
        let jitter = salt.checked_rem(nanos.saturating_add(1)).unwrap_or_default();
        half.saturating_add(Duration::from_nanos(jitter))
    }
}

impl Breaker {
    /// Opens after this many failures in a row, for 30 s.
    pub const fn after(failures: NonZeroU32) -> Self {
        Self { after: failures, reset_in: Duration::from_secs(30) }
    }

    /// How long it stays open, more than 0.
    pub const fn reset_in(mut self, span: Duration) -> Self {
        self.reset_in = span;
        self
    }
}

impl Rate {
    /// One attempt each `span`, more than 0.
    pub const fn per(span: Duration) -> Self {
        Self { every: span, burst: NonZeroU32::MIN }
    }

    /// How many at once after a quiet time.
    pub const fn burst(mut self, attempts: NonZeroU32) -> Self {
        self.burst = attempts;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_with_half_of_them_at_least() {
        let retry =
            Retry::attempts(9).pauses(Duration::from_millis(100), Duration::from_millis(350));
        let range = |attempt| {
            let pauses = (0..20_000_u64).map(|salt| retry.pause(attempt, salt * 10_007));
            let (low, high) = pauses.fold((Duration::MAX, Duration::ZERO), |(low, high), pause| {
                (low.min(pause), high.max(pause))
            });
            (low.as_millis(), high.as_millis())
        };
        assert_eq!(range(1), (50, 99));
        assert_eq!(range(2), (100, 199));
        assert_eq!(range(3), (175, 349));
        assert_eq!(range(u32::MAX), (175, 349));
        assert_eq!(
            Retry::attempts(1).pauses(Duration::ZERO, Duration::ZERO).pause(1, 7),
            Duration::ZERO
        );
    }

    #[track_caller]
    fn check_fault(options: &ChannelOptions, key: Option<&str>) {
        assert_eq!(options.fault().map(|(key, _)| key), key);
    }

    #[test]
    fn what_would_deliver_nothing_is_named() {
        let (none, options) = (Duration::ZERO, ChannelOptions::new);
        check_fault(&options(), None);
        check_fault(&options().queue_max(0), Some("queue_max"));
        check_fault(&options().timeout(none), Some("timeout"));
        check_fault(&options().expires_after(none), Some("expires_after"));
        check_fault(&options().retry(Retry::attempts(0)), Some("retry.attempts"));
        check_fault(
            &options().breaker(Breaker::after(FIVE).reset_in(none)),
            Some("breaker.reset_in"),
        );
        check_fault(&options().rate(Rate::per(none)), Some("rate.every"));
    }
}
