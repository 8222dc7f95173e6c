//! [`Office`]: a pool and three agents that are paid by it, and what watches them.

use std::sync::Once;

use metrics_util::debugging::{DebugValue, Snapshotter};
use safeguards_api::Safeguards;
use safeguards_budget::{LedgerExt, Limit, MemoryLedger, OpenAccount};
use safeguards_coord::{Member, Report, RunOptions, Runner, Strategy, Task, Team};
use safeguards_testkit::PausedClock;
use safeguards_types::usd;
use tracing::{subscriber::DefaultGuard, subscriber::set_default};
use tracing_subscriber::{Registry, layer::SubscriberExt};

use super::capture::Captured;

/// Watches this thread.
///
/// A place in the code that is first come to while nobody listens may be remembered as of no interest, just as somebody
/// begins to listen on another thread. So somebody listens from the first watch to the end of the program, and whatever
/// was remembered before is asked again.
pub(super) fn watch() -> (Captured, DefaultGuard) {
    static FIRST: Once = Once::new();
    FIRST.call_once(|| tracing::subscriber::set_global_default(Registry::default()).unwrap());
    tracing::callsite::rebuild_interest_cache();
    let captured = Captured::default();
    let guard = set_default(Registry::default().with(captured.clone()));
    (captured, guard)
}

/// The sums of counters and gauges, and how many values histograms have, by name and labels: `name{k=v}`.
pub(super) fn counts(snapshotter: &Snapshotter) -> Vec<(String, f64)> {
    let rows = snapshotter.snapshot().into_vec().into_iter().map(|(key, _, _, value)| {
        let (_, key) = key.into_parts();
        let labels: Vec<String> =
            key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let value = match value {
            DebugValue::Counter(count) => f64::from(u32::try_from(count).unwrap()),
            DebugValue::Gauge(level) => level.into_inner(),
            DebugValue::Histogram(values) => values.into_iter().map(|value| *value).sum(),
        };
        (format!("{}{{{}}}", key.name(), labels.join(",")), value)
    });
    rows.collect()
}

#[track_caller]
pub(super) fn check(counts: &[(String, f64)], name: &str, expected: &str) {
    let found = counts.iter().find(|(known, _)| known == name);
    // Sums of floats are not exact.
    let found = found.map_or_else(|| "none".to_owned(), |(_, value)| format!("{value:.6}"));
    let found = found.trim_end_matches('0').trim_end_matches('.');
    assert_eq!(found, expected, "{name} among {counts:#?}");
}

pub(super) struct Office {
    pub(super) runner: Runner,
    pub(super) within: MemoryLedger,
}

impl Office {
    pub(super) async fn new() -> Self {
        let clock = PausedClock::new();
        let within = MemoryLedger::with_clock(clock.clone());
        let sg = Safeguards::builder(within.clone()).clock(clock).build().unwrap();
        let open = |account| sg.ledger().open_account(account, within.operation());
        open(OpenAccount::new("pool").limit(Limit::lifetime(usd!(3)))).await.unwrap();
        for agent in ["a", "b", "c"] {
            open(OpenAccount::new(agent).under("pool")).await.unwrap();
        }
        Self { runner: sg.runner(), within }
    }

    pub(super) fn options(&self) -> RunOptions {
        RunOptions::new(self.within.operation())
    }

    pub(super) async fn run(
        &self,
        members: impl IntoIterator<Item = Member>,
        by: &dyn Strategy,
    ) -> Report {
        let team = Team::new("team", "pool", members).unwrap();
        let task = Task::new("a secret task");
        self.runner.run(&team, task, by, self.options()).await.unwrap()
    }
}
