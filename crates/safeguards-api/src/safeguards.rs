//! [`Safeguards`] and its [`Builder`]: one value that joins ledger, alerts, clock and prices.

use std::sync::Arc;

use safeguards_budget::{Ledger, MemoryLedger};
use safeguards_coord::Runner;
use safeguards_notify::{
    Alerts, AlertsBuilder, Channel, ConsoleChannel, FileError, Running, StartError,
};
use safeguards_pricing::PriceTable;
use safeguards_types::{Clock, OperationId, OperationIds, SystemClock};

use crate::{
    TeamSpec, alerting::AlertingLedger, core::Core, directory::Directory, endings::Endings, latest,
    team_spec, v1, v2,
};

/// Budgets, alerts and prices, joined. Clones are the same one.
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
    /// Everything in memory, on the machine's clock: forgotten when the program ends.
    pub fn in_memory() -> Self {
        let parts = Builder::new(Arc::new(MemoryLedger::new()));
        parts.assemble(Alerts::new())
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

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.core.clock
    }

    /// What models cost.
    pub fn prices(&self) -> &Arc<PriceTable> {
        &self.core.prices
    }

    /// A runner of teams that spends from this ledger, by this clock and these prices.
    pub fn runner(&self) -> Runner {
        let (ledger, clock) = (Arc::clone(&self.core.ledger), Arc::clone(&self.core.clock));
        Runner::new(ledger, clock).prices(Arc::clone(&self.core.prices))
    }

    /// Mints the caller's name for a piece of work.
    pub fn operation(&self) -> OperationId {
        self.core.operation()
    }

    /// Begins to deliver alerts to channels. Handlers see them without it.
    ///
    /// # Errors
    ///
    /// Outside a Tokio runtime, or where they are being delivered already.
    pub fn start(&self) -> Result<Running, StartError> {
        self.core.alerts.start()
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
    alerts_of: Vec<std::path::PathBuf>,
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
            alerts_of: Vec::new(),
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

    /// Brings every alert to this channel, once [`Safeguards::start`] was called.
    pub fn channel(self, name: impl Into<Arc<str>>, channel: impl Channel) -> Self {
        Self { alerts: self.alerts.channel(name, channel), ..self }
    }

    /// Brings alerts where this team file wants them; once, however often it is named. Each that goes to the console goes to a channel of
    /// `console`: [`ConsoleChannel::stderr`], or one that writes around what the program draws.
    ///
    /// # Errors
    ///
    /// Where a file for alerts cannot be opened.
    pub fn alerts_of(
        mut self,
        spec: &TeamSpec,
        console: impl Fn() -> ConsoleChannel,
    ) -> Result<Self, FileError> {
        if !self.alerts_of.contains(&spec.file) {
            self.alerts_of.push(spec.file.clone());
            self.alerts = team_spec::connect(spec, self.alerts_of.len(), self.alerts, console)?;
        }
        Ok(self)
    }

    /// Joins the parts.
    ///
    /// # Errors
    ///
    /// Where two channels have one name, or a name is none.
    pub fn build(mut self) -> Result<Safeguards, BuildError> {
        let builder = std::mem::replace(&mut self.alerts, Alerts::builder());
        let alerts = builder.clock(Arc::clone(&self.clock)).build()?;
        Ok(self.assemble(alerts))
    }

    fn assemble(self, alerts: Alerts) -> Safeguards {
        let Self { ledger, alerts: _, alerts_of, clock, prices } = self;
        let core = Core {
            ledger: Arc::new(AlertingLedger::new(ledger, alerts.clone())),
            alerts,
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
