//! [`Builder`]: takes the parts of a [`Safeguards`], and checks that they fit together.

use std::{
    any::{Any, type_name},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use safeguards_budget::{Account, Ledger, MemoryLedger};
use safeguards_coord::{
    Loads, MemoryRunStore, MemoryStateStore, RunStore, SharedState, StateStore,
};
use safeguards_discovery::{Finder, MemoryRegistry, Registry, StatusSource};
use safeguards_notify::{
    AlertStore, Alerts, AlertsBuilder, Channel, ChannelOptions, ConsoleChannel, EventBus,
    MemoryEventBus, Route, Rules,
};
use safeguards_pricing::PriceTable;
use safeguards_types::{Clock, OperationIds, SystemClock};

use crate::{
    AlertsError, BuildError, ObservedLedger, Safeguards, Stores, TeamSpec,
    alerting::AlertingLedger,
    core::Core,
    directory::Directory,
    discovering::{LedgerStatus, SweptRegistry},
    endings::Endings,
    swept_state::SweptStateStore,
    team_spec::{self, Connected},
};

/// How far apart two clocks may be that are read one after the other and are the same: a thread may rest meanwhile.
const CLOCKS_APART_MAX: Duration = Duration::from_mins(1);

/// Makes a [`Safeguards`]: what has no safe default was given to [`Safeguards::builder`], all else may be set here.
///
/// Each part is one value and may be swapped alone. [`build`](Self::build) checks that they fit together.
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    ledger: Arc<dyn Ledger>,
    ledger_name: &'static str,
    /// The clock that the ledger reads, where that can be known.
    ledger_clock: Option<Arc<dyn Clock>>,
    ledger_in_memory: bool,
    alerts: AlertsBuilder,
    /// The names of the channels that no team file asks for.
    own_channels: Vec<Arc<str>>,
    rules: Option<Rules>,
    alerts_of: Vec<PathBuf>,
    events: Option<Arc<dyn EventBus>>,
    registry: Option<Arc<dyn Registry>>,
    state_store: Option<Arc<dyn StateStore>>,
    run_store: Option<(Arc<dyn RunStore>, &'static str)>,
    runs_in_memory: bool,
    status_sources: Vec<Arc<dyn StatusSource>>,
    /// What each of these team files adds.
    connected: Vec<Connected>,
    clock: Option<Arc<dyn Clock>>,
    prices: Arc<PriceTable>,
    directory: Directory,
    tells_all: bool,
}

impl Builder {
    pub(crate) fn new<L: Ledger>(ledger: L) -> Self {
        Self {
            ledger_name: type_name::<L>(),
            ledger_clock: clock_of(&ledger),
            ledger: Arc::new(ledger),
            ledger_in_memory: false,
            alerts: Alerts::builder(),
            own_channels: Vec::new(),
            rules: None,
            alerts_of: Vec::new(),
            events: None,
            registry: None,
            state_store: None,
            run_store: None,
            runs_in_memory: false,
            status_sources: Vec::new(),
            connected: Vec::new(),
            clock: None,
            prices: Arc::new(PriceTable::builtin().clone()),
            directory: Directory::default(),
            tells_all: false,
        }
    }

    /// Takes the time of operation ids, alerts, runs and whatever is kept in memory by default from `clock`. If not
    /// set, from the clock that a [`MemoryLedger`] was made with; beside any other ledger, from the machine's.
    ///
    /// A ledger has a clock of its own: give both the same. Of a [`MemoryLedger`] this is checked.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Some(Arc::new(clock)), ..self }
    }

    /// Prices models by this table, in place of the built-in one; `own.over(PriceTable::builtin())` has both.
    pub fn prices(self, prices: PriceTable) -> Self {
        Self { prices: Arc::new(prices), ..self }
    }

    /// The ledger and the store of alerts were begun together, in one file say. So where nobody has said how far the ledger
    /// was told as alerts, nothing of it was, and [`Safeguards::start`] tells all that is worth one. If not called, what was
    /// in the ledger before is no news then.
    ///
    /// Either way the store of a durable ledger's alerts is told how far they were, so that what a process did not get to
    /// tell is told when the next one starts.
    pub fn telling_all(self) -> Self {
        Self { tells_all: true, ..self }
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

    /// Writes the progress of runs down here. If not set, in memory: a run that is cut off by the end of the program
    /// cannot be resumed then.
    ///
    /// A ledger and runs are both durable, or neither is; [`runs_in_memory`](Self::runs_in_memory) and
    /// [`ledger_in_memory`](Self::ledger_in_memory) say that it is meant otherwise.
    pub fn run_store<S: RunStore>(self, store: S) -> Self {
        Self { run_store: Some((Arc::new(store), type_name::<S>())), ..self }
    }

    /// Says that it is meant that the progress of runs is not durable, though the ledger is: after a crash it is known
    /// what was spent, and not for what. Where runs are durable it changes nothing.
    pub fn runs_in_memory(self) -> Self {
        Self { runs_in_memory: true, ..self }
    }

    /// Says that it is meant that the ledger is not durable, though the progress of runs is: after a crash, runs go on
    /// under budgets that have forgotten what was spent. Where the ledger is durable it changes nothing.
    pub fn ledger_in_memory(self) -> Self {
        Self { ledger_in_memory: true, ..self }
    }

    /// Keeps shared state, the progress of runs, and alerts in one value, such as a database. What is set later by
    /// [`state_store`](Self::state_store), [`run_store`](Self::run_store) or [`alert_store`](Self::alert_store) is used
    /// in its place.
    ///
    /// ```
    /// use safeguards_api::{Safeguards, Stores};
    /// use safeguards_budget::Ledger;
    ///
    /// /// What a database is that keeps accounts, too: all that is kept is in one place.
    /// fn kept_in<D: Ledger + Stores + Clone>(db: D) -> Result<Safeguards, safeguards_api::BuildError> {
    ///     Safeguards::builder(db.clone()).stores(db).build()
    /// }
    /// ```
    pub fn stores<S: Stores>(self, stores: S) -> Self {
        let stores = Arc::new(stores);
        let run_store: Arc<dyn RunStore> = Arc::<S>::clone(&stores);
        Self { run_store: Some((run_store, type_name::<S>())), ..self }
            .alert_store(Arc::clone(&stores))
            .state_store(stores)
    }

    /// Knows the agents and pools among these accounts from the start: those that an earlier program made over the same
    /// ledger by [`v1`](crate::v1), [`v2`](crate::v2) or a configuration, which the accounts' metadata says. Who is made
    /// again on the terms that it was made on is the same one.
    ///
    /// ```
    /// use safeguards_api::Safeguards;
    /// use safeguards_budget::MemoryLedger;
    /// use safeguards_types::{Priority, usd};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let ledger = MemoryLedger::new(); // or one that outlives the program
    /// Safeguards::builder(ledger.clone()).build()?.v2().agents().create("reader", usd!(4), Priority::P5).await?;
    ///
    /// let accounts = ledger.sync().all_accounts().accounts;
    /// let again = Safeguards::builder(ledger).accounts(accounts.iter().flatten()).build()?;
    /// assert_eq!(again.v2().agents().list().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn accounts<'a>(self, accounts: impl IntoIterator<Item = &'a Account>) -> Self {
        self.directory.restore(accounts);
        self
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
    /// - Where the ledger is durable and the progress of runs is not, or the other way round, and nobody said that it
    ///   is meant.
    /// - Where the clock shows another time than the one that a [`MemoryLedger`] reads.
    /// - Where two channels have one name, a name is none, an option is 0 that may not be, or the rules are wrong
    ///   or name a channel that is not there.
    pub fn build(mut self) -> Result<Safeguards, BuildError> {
        self.check_durability()?;
        self.check_clocks()?;
        let builder = std::mem::replace(&mut self.alerts, Alerts::builder());
        let own = std::mem::take(&mut self.own_channels);
        let connected = std::mem::take(&mut self.connected);
        let clock = self.clock_in_use();
        let now = clock.now();
        let files = connected.iter().filter_map(|connected| connected.file.as_ref());
        let rule_warnings = files.flat_map(|file| file.warnings(now)).collect();
        let rules = join(self.rules.take(), own, connected);
        let alerts = builder.clock(clock).rules(rules).build()?;
        Ok(self.assemble(alerts, rule_warnings))
    }

    /// What may be resumed after a crash, and what it spent, are known together or not at all.
    fn check_durability(&self) -> Result<(), BuildError> {
        let (ledger, ledger_is_durable) = (self.ledger_name, self.ledger.guarantees().durable);
        let (runs, runs_are_durable) = match &self.run_store {
            Some((store, name)) => (*name, store.is_durable()),
            None => (type_name::<MemoryRunStore>(), false),
        };
        if ledger_is_durable && !runs_are_durable && !self.runs_in_memory {
            return Err(BuildError::RunsNotDurable { ledger, runs });
        }
        if runs_are_durable && !ledger_is_durable && !self.ledger_in_memory {
            return Err(BuildError::LedgerNotDurable { ledger, runs });
        }
        Ok(())
    }

    /// Two clocks that are not the same give themselves away by what they show.
    fn check_clocks(&self) -> Result<(), BuildError> {
        let (Some(clock), Some(of_ledger)) = (&self.clock, &self.ledger_clock) else {
            return Ok(());
        };
        let (shown, read) = (clock.now(), of_ledger.now());
        let apart = shown.since(read).max(read.since(shown));
        if apart > CLOCKS_APART_MAX {
            return Err(BuildError::OtherClock { shown, read });
        }
        Ok(())
    }

    fn clock_in_use(&self) -> Arc<dyn Clock> {
        match self.clock.as_ref().or(self.ledger_clock.as_ref()) {
            Some(clock) => Arc::clone(clock),
            None => Arc::new(SystemClock::new()),
        }
    }

    pub(crate) fn assemble(self, alerts: Alerts, rule_warnings: Vec<String>) -> Safeguards {
        let clock = self.clock_in_use();
        let Self {
            ledger,
            alerts_of,
            events,
            registry,
            status_sources,
            prices,
            directory,
            tells_all,
            ..
        } = self;
        let state_store = self.state_store.unwrap_or_else(|| {
            Arc::new(MemoryStateStore::builder().clock(Arc::clone(&clock)).build())
        });
        let swept_state = Arc::new(SweptStateStore::new(state_store, Arc::clone(&clock)));
        let state =
            SharedState::new(Arc::<SweptStateStore>::clone(&swept_state), Arc::clone(&clock));
        let run_store = self.run_store.map(|(store, _)| store);
        let run_store = run_store.unwrap_or_else(|| Arc::new(MemoryRunStore::new()));
        let in_memory = || -> Arc<dyn EventBus> {
            let bus = MemoryEventBus::builder().clock(Arc::clone(&clock)).alerts(alerts.clone());
            Arc::new(bus.build())
        };
        let events = events.unwrap_or_else(in_memory);
        let ledger = Arc::new(ObservedLedger::new(ledger));
        let alerting = AlertingLedger::new(ledger, alerts.clone());
        let alerting = Arc::new(if tells_all { alerting.telling_all() } else { alerting });
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
            swept_state,
            state,
            run_store,
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
            directory,
            endings: Endings::default(),
        };
        Safeguards::new(Arc::new(core))
    }
}

/// The clock that a ledger reads: known of those in memory.
fn clock_of(ledger: &dyn Any) -> Option<Arc<dyn Clock>> {
    let shared = ledger.downcast_ref::<Arc<MemoryLedger>>().map(|ledger| &**ledger);
    let ledger = shared.or_else(|| ledger.downcast_ref::<MemoryLedger>())?;
    Some(Arc::clone(ledger.clock()))
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
