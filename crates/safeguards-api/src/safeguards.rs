//! [`Safeguards`] and its [`Builder`]: one value that joins ledger, alerts, registry, clock and prices.

use std::{path::PathBuf, sync::Arc};

use safeguards_budget::{Ledger, MemoryLedger};
use safeguards_coord::{Loads, MemoryStateStore, Runner, SharedState, StateStore, TeamSelector};
use safeguards_discovery::{Finder, MemoryRegistry, Registry, StatusSource};
use safeguards_notify::{
    AlertStore, Alerts, AlertsBuilder, Channel, ChannelOptions, ConsoleChannel, EventBus,
    MemoryEventBus, Route, Rules, StartError,
};
use safeguards_pricing::PriceTable;
use safeguards_types::{Clock, OperationId, OperationIds, SystemClock};

use crate::{
    AlertsError, Running, TeamSpec,
    alerting::AlertingLedger,
    core::Core,
    directory::Directory,
    discovering::{LedgerStatus, SweptRegistry},
    endings::Endings,
    latest,
    team_spec::{self, Connected},
    v1, v2,
};

/// Budgets, alerts, discovery and prices, joined. Clones are the same one.
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

    /// Everything in memory, on the machine's clock: forgotten when the program ends.
    pub fn in_memory() -> Self {
        let parts = Builder::new(Arc::new(MemoryLedger::new()));
        parts.assemble(Alerts::new(), Vec::new())
    }

    /// Starts from the one decision that has no safe default: where accounts are kept.
    pub fn builder(ledger: impl Ledger) -> Builder {
        Builder::new(Arc::new(ledger))
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
    /// the least loaded or the cheapest, by any of the team. Agents share [`Self::state`]. All runners made here count
    /// together what agents have to do.
    pub fn runner(&self) -> Runner {
        let (ledger, clock) = (Arc::clone(&self.core.ledger), Arc::clone(&self.core.clock));
        Runner::new(ledger, clock)
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

    /// Begins to deliver alerts to channels, and to tick the ledger when its next hold runs out and to sweep
    /// the registry when its next lease does, so that this is told without anybody calling.
    ///
    /// Without it nothing is wrong, only later: handlers see alerts all the same, channels when it is called,
    /// and holds and leases that ran out are told at the next command that comes by. Whoever has no lease any more is
    /// never found, in either case.
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

/// Makes a [`Safeguards`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    ledger: Arc<dyn Ledger>,
    alerts: AlertsBuilder,
    /// The names of the channels that no team file asks for.
    own_channels: Vec<Arc<str>>,
    rules: Option<Rules>,
    alerts_of: Vec<PathBuf>,
    events: Option<Arc<dyn EventBus>>,
    registry: Option<Arc<dyn Registry>>,
    state_store: Option<Arc<dyn StateStore>>,
    status_sources: Vec<Arc<dyn StatusSource>>,
    /// What each of these team files adds.
    connected: Vec<Connected>,
    clock: Arc<dyn Clock>,
    prices: Arc<PriceTable>,
}

/// Why the parts do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The channels for alerts do not fit together.
    #[error(transparent)]
    Alerts(#[from] safeguards_notify::BuildError),
}

impl BuildError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Alerts(error) => error.code(),
        }
    }
}

impl Builder {
    fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self {
            ledger,
            alerts: Alerts::builder(),
            own_channels: Vec::new(),
            rules: None,
            alerts_of: Vec::new(),
            events: None,
            registry: None,
            state_store: None,
            status_sources: Vec::new(),
            connected: Vec::new(),
            clock: Arc::new(SystemClock::new()),
            prices: Arc::new(PriceTable::builtin().clone()),
        }
    }

    /// Takes the time of operation ids and alerts from `clock`. A ledger has a clock of its own.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Prices models by this table, in place of the built-in one; `own.over(PriceTable::builtin())` has both.
    pub fn prices(self, prices: PriceTable) -> Self {
        Self { prices: Arc::new(prices), ..self }
    }

    /// Adds a channel, which gets alerts by the [`rules`](Self::rules) once [`Safeguards::start`] was called.
    pub fn channel(self, name: impl Into<Arc<str>>, channel: impl Channel) -> Self {
        self.channel_with(name, channel, ChannelOptions::new())
    }

    /// Adds a channel that is treated as `options` say.
    pub fn channel_with(
        mut self,
        name: impl Into<Arc<str>>,
        channel: impl Channel,
        options: ChannelOptions,
    ) -> Self {
        let name = name.into();
        self.own_channels.push(Arc::clone(&name));
        Self { alerts: self.alerts.channel_with(name, channel, options), ..self }
    }

    /// Brings alerts where these rules say. Without rules, every alert goes to every channel that was added
    /// here, grouped by topic, agent and severity.
    ///
    /// Where they do not say `to`, they mean the channels that were added here, not those of team files.
    ///
    /// ```
    /// use safeguards_api::Safeguards;
    /// use safeguards_budget::MemoryLedger;
    /// use safeguards_notify::{AlertMatch, ConsoleChannel, Route, Rules};
    /// use safeguards_types::Severity;
    ///
    /// let high = AlertMatch::all().at_least(Severity::High);
    /// let rules = Rules::default().to::<&str>([]).route(Route::when(high).to(["ops"]));
    /// let ops = ConsoleChannel::stderr();
    /// let sg = Safeguards::builder(MemoryLedger::new()).channel("ops", ops).rules(rules).build()?;
    /// # Ok::<(), safeguards_api::BuildError>(())
    /// ```
    pub fn rules(self, rules: Rules) -> Self {
        Self { rules: Some(rules), ..self }
    }

    /// Keeps alerts in this store: their history, what is not delivered yet, dead letters. In memory if not
    /// set.
    pub fn alert_store(self, store: impl AlertStore) -> Self {
        Self { alerts: self.alerts.store(store), ..self }
    }

    /// Brings alerts where this team file wants them; once, however often it is named.
    ///
    /// Each `[[alert]]` that goes to the console goes to a channel of `console`:
    /// [`ConsoleChannel::stderr`], or one that writes around what the program draws. `variables` gives the
    /// secrets that the file names by `env:NAME`; `|name| std::env::var(name).ok()` looks into the
    /// environment.
    ///
    /// # Errors
    ///
    /// Where a variable is not set, a target is wrong, a file for alerts cannot be opened, or the file of rules
    /// cannot be read or is wrong.
    pub fn alerts_of(
        mut self,
        spec: &TeamSpec,
        console: impl Fn() -> ConsoleChannel,
        variables: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, AlertsError> {
        if !self.alerts_of.contains(&spec.file) {
            self.alerts_of.push(spec.file.clone());
            let number = self.alerts_of.len();
            let (alerts, connected) =
                team_spec::connect(spec, number, self.alerts, &console, &variables)?;
            self.alerts = alerts;
            self.connected.push(connected);
        }
        Ok(self)
    }

    /// Brings events over this bus. If not set, over a [`MemoryEventBus`] on this clock, which tells
    /// [`Safeguards::alerts`] of events that go round in a circle.
    pub fn events(self, bus: impl EventBus) -> Self {
        Self { events: Some(Arc::new(bus)), ..self }
    }

    /// Lets agents register here. If not set, in memory, on this clock.
    pub fn registry(self, registry: impl Registry) -> Self {
        Self { registry: Some(Arc::new(registry)), ..self }
    }

    /// Keeps here what agents share. If not set, in memory, on this clock.
    pub fn state_store(self, store: impl StateStore) -> Self {
        Self { state_store: Some(Arc::new(store)), ..self }
    }

    /// Asks this source, too, how agents stand, such as circuit breakers; any number of them. The ledger and the
    /// teams that run are asked anyway. A source that fails lets nobody be found whose status matters.
    pub fn status_source(mut self, source: impl StatusSource) -> Self {
        self.status_sources.push(Arc::new(source));
        self
    }

    /// Joins the parts.
    ///
    /// # Errors
    ///
    /// Where two channels have one name, a name is none, an option is 0 that may not be, or the rules are wrong
    /// or name a channel that is not there.
    pub fn build(mut self) -> Result<Safeguards, BuildError> {
        let builder = std::mem::replace(&mut self.alerts, Alerts::builder());
        let own = std::mem::take(&mut self.own_channels);
        let connected = std::mem::take(&mut self.connected);
        let now = self.clock.now();
        let files = connected.iter().filter_map(|connected| connected.file.as_ref());
        let rule_warnings = files.flat_map(|file| file.warnings(now)).collect();
        let rules = join(self.rules.take(), own, connected);
        let alerts = builder.clock(Arc::clone(&self.clock)).rules(rules).build()?;
        Ok(self.assemble(alerts, rule_warnings))
    }

    fn assemble(self, alerts: Alerts, rule_warnings: Vec<String>) -> Safeguards {
        let Self { ledger, alerts_of, events, registry, status_sources, clock, prices, .. } = self;
        let state_store = self.state_store.unwrap_or_else(|| {
            Arc::new(MemoryStateStore::builder().clock(Arc::clone(&clock)).build())
        });
        let state = SharedState::new(state_store, Arc::clone(&clock));
        let in_memory = || -> Arc<dyn EventBus> {
            let bus = MemoryEventBus::builder().clock(Arc::clone(&clock)).alerts(alerts.clone());
            Arc::new(bus.build())
        };
        let events = events.unwrap_or_else(in_memory);
        let alerting = Arc::new(AlertingLedger::new(ledger, alerts.clone()));
        let ledger: Arc<dyn Ledger> = Arc::<AlertingLedger>::clone(&alerting);
        let registry = registry.unwrap_or_else(|| {
            Arc::new(MemoryRegistry::builder().clock(Arc::clone(&clock)).build())
        });
        let swept = Arc::new(SweptRegistry::new(registry));
        let loads = Loads::new();
        let finder = Finder::new(Arc::<SweptRegistry>::clone(&swept))
            .source(Arc::new(LedgerStatus(Arc::clone(&ledger))))
            .source(Arc::new(loads.clone()));
        let finder = status_sources.into_iter().fold(finder, Finder::source);
        let core = Core {
            swept,
            state,
            finder,
            loads,
            ledger,
            alerting,
            alerts,
            rule_warnings,
            events,
            alerts_of,
            clock,
            ids: OperationIds::new(),
            prices,
            directory: Directory::default(),
            endings: Endings::default(),
        };
        Safeguards { core: Arc::new(core) }
    }
}

/// One set of rules: those of team files, each of which takes what it takes and goes on, and last the program's
/// own, which mean its own channels.
fn join(own: Option<Rules>, channels: Vec<Arc<str>>, connected: Vec<Connected>) -> Rules {
    let own = own.unwrap_or_default();
    if connected.is_empty() {
        return own;
    }
    let mut joined = Rules::default();
    joined.otherwise = Route::default().nowhere();
    for Connected { routes, rules, file: _ } in connected {
        joined.otherwise.routes.extend(routes);
        joined.silences.extend(rules.silences);
        joined.inhibitions.extend(rules.inhibitions);
    }
    let Rules { mut otherwise, silences, inhibitions, .. } = own;
    otherwise.to.get_or_insert(channels);
    joined.otherwise.routes.push(otherwise);
    joined.silences.extend(silences);
    joined.inhibitions.extend(inhibitions);
    joined
}
