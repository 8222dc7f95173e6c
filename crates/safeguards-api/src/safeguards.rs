//! [`Safeguards`]: one value that joins ledger, alerts, runs, shared state, registry, clock and prices.

use std::sync::Arc;

use safeguards_budget::{Ledger, MemoryLedger};
use safeguards_coord::{RunStore, Runner, SharedState, TeamSelector};
use safeguards_discovery::{Finder, Registry};
use safeguards_notify::{Alerts, EventBus, StartError};
use safeguards_pricing::PriceTable;
use safeguards_types::{Clock, OperationId};

use crate::{Builder, Running, TeamSpec, core::Core, latest, v1, v2};

/// Budgets, alerts, runs, shared state, discovery and prices, joined. Clones are the same one.
///
/// Made by [`in_memory`](Self::in_memory), or by a [`builder`](Self::builder) that takes each part from you.
///
/// ```
/// use safeguards_api::Safeguards;
/// use safeguards_types::{Priority, usd};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sg = Safeguards::in_memory();
/// let agents = sg.v1().agents();
/// let agent = agents.create_agent("research_agent", usd!(100), Priority::P7).await?;
/// assert_eq!(sg.v1().budgets().get_budget(&agent.id).await?, usd!(100));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Safeguards {
    core: Arc<Core>,
}

impl Safeguards {
    pub(crate) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    pub(crate) const fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Everything in memory, on the machine's clock: forgotten when the program ends.
    pub fn in_memory() -> Self {
        Builder::new(MemoryLedger::new()).assemble(Alerts::new(), Vec::new())
    }

    /// Starts from the one decision that has no safe default: where accounts are kept.
    pub fn builder(ledger: impl Ledger) -> Builder {
        Builder::new(ledger)
    }

    /// The guide's surface.
    pub fn v1(&self) -> v1::Api {
        v1::Api::new(Arc::clone(&self.core))
    }

    /// What one should use: verbs that decide and record in one step.
    pub fn v2(&self) -> v2::Api {
        v2::Api::new(Arc::clone(&self.core))
    }

    /// The newest version. Moves with releases: for examples; libraries say which one they mean.
    pub fn latest(&self) -> latest::Api {
        self.v2()
    }

    /// The ledger: what is denied or crosses a threshold here becomes an alert.
    pub fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.core.ledger
    }

    /// The alerts' hub.
    pub fn alerts(&self) -> &Alerts {
        &self.core.alerts
    }

    /// What the rule files of team files say in vain, such as a route that matches nothing: `file:line: what`.
    /// [`Alerts::warnings`] has them too, without the file, and with the numbers of all rules joined.
    pub fn rule_warnings(&self) -> &[String] {
        &self.core.rule_warnings
    }

    /// The bus that brings events from agent to agent.
    pub fn events(&self) -> &Arc<dyn EventBus> {
        &self.core.events
    }

    /// What agents share.
    pub fn state(&self) -> &SharedState {
        &self.core.state
    }

    /// Where the progress of runs is written down: what [`Self::runner`] does, for whoever looks at runs or resumes them.
    pub fn run_store(&self) -> &Arc<dyn RunStore> {
        &self.core.run_store
    }

    /// Where agents say what they can do.
    pub fn registry(&self) -> &Arc<dyn Registry> {
        self.core.registry()
    }

    /// Finds agents in the registry, by how they stand as the ledger, the teams that run and every further
    /// [source](Builder::status_source) know.
    pub fn finder(&self) -> &Finder {
        &self.core.finder
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.core.clock
    }

    /// What models cost.
    pub fn prices(&self) -> &Arc<PriceTable> {
        &self.core.prices
    }

    /// A runner of teams that spends from this ledger, by this clock and these prices. Steps that ask for a
    /// capability are done by whoever of the team is best, as [`Self::finder`] has it; those that ask for no more than
    /// the least loaded or the cheapest, by any of the team. Agents share [`Self::state`]. What is done is written
    /// down in [`Self::run_store`]. All runners made here count together what agents have to do.
    pub fn runner(&self) -> Runner {
        let (ledger, clock) = (Arc::clone(&self.core.ledger), Arc::clone(&self.core.clock));
        Runner::new(ledger, clock)
            .store(Arc::clone(self.run_store()))
            .prices(Arc::clone(&self.core.prices))
            .counting(self.core.loads.clone())
            .selector(Arc::new(TeamSelector::before(Arc::new(self.core.finder.clone()))))
            .state(self.state().clone())
            .events(Arc::clone(self.events()))
    }

    /// Mints the caller's name for a piece of work.
    pub fn operation(&self) -> OperationId {
        self.core.operation()
    }

    /// Begins to deliver alerts to channels and to escalate them, and to tick the ledger when its next hold runs out,
    /// to sweep the registry when its next lease does and shared state when its next key does, so that this is told
    /// without anybody calling.
    ///
    /// Without it nothing is wrong, only later: handlers see alerts all the same, channels when it is called,
    /// and holds, leases and keys that ran out are told at the next command that comes by. Whoever has no lease any
    /// more is never found, a hold that ran out holds nothing, and a key that ran out is not there, in either case.
    ///
    /// Started while it runs, it is refused, and what runs goes on. It may be started again after
    /// [`Running::stop`].
    ///
    /// # Errors
    ///
    /// Outside a Tokio runtime with a timer, or where they are being delivered already.
    pub fn start(&self) -> Result<Running, StartError> {
        Running::start(&self.core)
    }

    /// Whether the alerts of this team file lead somewhere here.
    pub(crate) fn delivers_for(&self, spec: &TeamSpec) -> bool {
        spec.alerts.is_empty() || self.core.alerts_of.contains(&spec.file)
    }
}
