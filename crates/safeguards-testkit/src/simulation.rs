//! [`Simulation`]: a test of teams on paused time, which is the same every time for one seed.

mod scheduler;
mod simulated;

use std::{fmt, time::Duration};

pub use self::{scheduler::Scheduler, simulated::Simulated};

/// A test of teams on paused time, with a seeded clock, seeded operations and a seeded scheduler.
///
/// What runs is what runs in production: the [`Runner`](safeguards_coord::Runner), a ledger and a run store. Ledger and
/// store let others go first, or take a while, each time before they are asked and again before they answer; so do
/// agents that are given to [`Simulated::agent`]. How often and how long is drawn from the seed: different seeds give
/// different interleavings, and one seed always the same, to the last byte of its [trace](Simulated::trace).
///
/// That holds as long as nothing else decides: no threads, no machine's clock or chance, no order of a hash map. Programs
/// and agents that block a thread have no place in it.
///
/// ```
/// use safeguards_budget::{Limit, OpenAccount};
/// use safeguards_coord::{FanOut, Task, Team};
/// use safeguards_testkit::{ScriptedAgent, Simulation};
/// use safeguards_types::usd;
///
/// let trace = |seed| {
///     Simulation::seeded(seed).run(async |sim| {
///         sim.open(OpenAccount::new("pool").limit(Limit::lifetime(usd!(1)))).await;
///         let agents = ["a", "b", "c"].map(|name| ScriptedAgent::new(name).costs(usd!(0.1)));
///         let members = agents.iter().map(|agent| agent.member(usd!(0.2)).account("pool"));
///         let team = Team::new("team", "pool", members).unwrap();
///         let strategy = FanOut::to_everybody();
///         sim.runner().run(&team, Task::new("vote"), &strategy, sim.options()).await.unwrap();
///         sim.trace()
///     })
/// };
/// assert_eq!(trace(7), trace(7));
/// assert_ne!(trace(7), trace(8));
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a simulation does nothing until it is run"]
pub struct Simulation {
    seed: u64,
    waits_max: Duration,
}

impl Simulation {
    /// How long the scheduler waits at most unless it is set.
    pub const WAITS_MAX: Duration = Duration::from_millis(20);

    /// The simulation of this seed.
    pub const fn seeded(seed: u64) -> Self {
        Self { seed, waits_max: Self::WAITS_MAX }
    }

    /// How long the scheduler waits at most, by simulated time.
    pub const fn waits_max(self, span: Duration) -> Self {
        Self { waits_max: span, ..self }
    }

    /// Runs a test, on a runtime of its own: one thread, and time that stands still while anything can run and jumps to
    /// the next deadline when everything waits.
    ///
    /// # Panics
    ///
    /// Where the test does, or no runtime can be made. The seed is printed with a panic.
    pub fn run<T>(self, test: impl AsyncFnOnce(&Simulated) -> T) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        #[expect(clippy::expect_used, reason = "a test without a runtime has failed")]
        let runtime = runtime.enable_all().start_paused(true).build().expect("a runtime");
        let named = Named(self.seed);
        let result = runtime.block_on(async {
            let simulated = Simulated::new(self.seed, self.waits_max);
            test(&simulated).await
        });
        drop(named);
        result
    }
}

/// Names the seed where a test panics.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "who sees the panic needs the seed")]
            {
                eprintln!("{self}");
            }
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the simulation of seed {} failed: Simulation::seeded({})", self.0, self.0)
    }
}
