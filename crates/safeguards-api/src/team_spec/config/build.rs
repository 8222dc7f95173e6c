//! [`Config::builder`], [`Config::build`]: safeguards as a file configures them.

use safeguards_budget::{Ledger, MemoryLedger};
use safeguards_notify::ConsoleChannel;
use safeguards_pricing::PriceTable;
use safeguards_types::SystemClock;

use super::{Config, ConfigError};
use crate::{Builder, Safeguards, TeamSpec, bounded_file};

/// How long a file of prices may be: 16 MiB.
const PRICES_MAX: u64 = 16 * 1024 * 1024;

impl Config {
    /// Safeguards in memory, on the machine's clock, within the limits of this file: alerts go where it says, those
    /// for the console to standard error. `variables` gives the secrets that it names by `env:NAME`;
    /// `|name| std::env::var(name).ok()` looks into the environment.
    ///
    /// Accounts are opened by [`TeamSpec::bind`], for each team.
    ///
    /// ```
    /// use safeguards_api::Config;
    ///
    /// let text = r#"
    /// limits = { accounts_max = 1_000 }
    /// channels = [{ name = "ops", to = "console" }]
    /// routes = [{ topics = ["budget.**"], to = ["ops"] }]
    /// "#;
    /// let sg = Config::parse(text, "safeguards.toml")?.build(|_| None)?;
    /// assert_eq!(sg.ledger().guarantees().bounds.accounts_max, 1_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Self::builder`]; and where the parts do not fit together.
    pub fn build(
        &self,
        variables: impl Fn(&str) -> Option<String>,
    ) -> Result<Safeguards, ConfigError> {
        let ledger = MemoryLedger::with_bounds(SystemClock::new(), self.limits.ledger());
        Ok(self.builder(ledger, ConsoleChannel::stderr, variables)?.build()?)
    }

    /// A builder over this ledger that has all that the file says: its prices, its channels and its rules for alerts.
    /// Whatever it says of limits holds for parts in memory, which may be swapped.
    ///
    /// # Errors
    ///
    /// Where a secret is not there, a target is wrong, or a file that it names cannot be used.
    pub fn builder(
        &self,
        ledger: impl Ledger,
        console: impl Fn() -> ConsoleChannel,
        variables: impl Fn(&str) -> Option<String>,
    ) -> Result<Builder, ConfigError> {
        let mut builder = self.limits.bound(Safeguards::builder(ledger));
        if let Some(own) = self.read_prices()? {
            builder = builder.prices(own.over(PriceTable::builtin()));
        }
        Ok(builder.alerts_of(&self.alerting_team(), console, variables)?)
    }

    /// The prices of the file that this one names.
    pub(super) fn read_prices(&self) -> Result<Option<PriceTable>, ConfigError> {
        let Some(prices) = &self.prices else {
            return Ok(None);
        };
        let path = self.folder().join(prices);
        let text = bounded_file::read(&path, PRICES_MAX)
            .map_err(|source| ConfigError::Unreadable { path: path.clone(), source })?;
        Ok(Some(PriceTable::parse(&path.display().to_string(), &text)?))
    }

    fn folder(&self) -> &std::path::Path {
        crate::team_spec::folder_of(&self.file)
    }

    /// What says where alerts go, be there no team.
    pub(super) fn alerting_team(&self) -> TeamSpec {
        let super::Alerting { rules, own_rules, alerts } = self.alerting.clone();
        TeamSpec {
            name: super::nobody(),
            account: super::nobody(),
            file: self.file.clone(),
            strategy: crate::StrategySpec::Pipeline,
            store: None,
            concurrency: None,
            by: None,
            run: crate::RunSpec::default(),
            deadline: TeamSpec::DEFAULT_DEADLINE,
            units: Vec::new(),
            prices: None,
            pools: Vec::new(),
            agents: Vec::new(),
            rules,
            alerts,
            own_rules,
            policy_at: None,
            sources: self.sources.clone(),
        }
    }
}
