//! [`Config::check_ready`]: all that a configuration asks of the world, looked at before anything is run.

use super::{
    super::{
        TeamFileError,
        connect::{faults, with_cause},
        mistake::{Mistake, MistakeKind},
    },
    Config, ConfigError,
};

impl Config {
    /// Whether all that the file names is there, for every team: programs and folders of agents, files of prices and rules,
    /// secrets, targets of alerts. `variables` is the environment of the host.
    ///
    /// Nothing is run and nothing is sent. Files that alerts go to are opened, and made where they are not there. What is
    /// looked at may change until it is used.
    ///
    /// # Errors
    ///
    /// Everything that is not ready, each with its line and column: that of this file first, then that of variables which go
    /// over it, then that of the files which it names.
    ///
    /// ```
    /// use safeguards_api::Config;
    ///
    /// let text = r#"
    /// prices = "none.toml"
    /// pools = [{ name = "research" }]
    /// agents = [{ name = "writer", command = ["./none"], free = true }]
    /// teams = [{ name = "reports", pool = "research", agents = ["writer"] }]
    /// "#;
    /// let error = Config::parse(text, "/teams/safeguards.toml")?.check_ready(|_| None).unwrap_err();
    /// let codes: Vec<_> = error.mistakes().map(|mistake| mistake.code()).collect();
    /// assert_eq!(codes, ["config.unreadable", "config.agent"]);
    /// # Ok::<(), safeguards_api::TeamFileError>(())
    /// ```
    pub fn check_ready(
        &self,
        variables: impl Fn(&str) -> Option<String>,
    ) -> Result<(), TeamFileError> {
        let mut found: Vec<Mistake> = Vec::new();
        for team in &self.teams {
            // How many inputs a run will be given is not known here.
            let inputs = team.strategy.takes_inputs().then_some(usize::MAX);
            found.extend(team.not_ready(inputs, &variables));
        }
        found.extend(self.wrong_prices());
        found.extend(faults(&self.alerting_team(), self.places.rules, &variables));
        let own = self.file.display().to_string();
        found.sort_by(|one, other| {
            let key = |mistake: &Mistake| {
                let is_elsewhere = mistake.file != own;
                (is_elsewhere, is_elsewhere && !mistake.is_of_variable())
            };
            let by_file = key(one).cmp(&key(other)).then_with(|| one.file.cmp(&other.file));
            by_file.then_with(|| (one.line, one.column).cmp(&(other.line, other.column)))
        });
        // An agent of several teams is looked at for each of them.
        found.dedup();
        TeamFileError::unless_empty(found)
    }

    fn wrong_prices(&self) -> Option<Mistake> {
        match self.read_prices() {
            Ok(_) => None,
            Err(ConfigError::Prices(error)) => Some(Mistake {
                kind: MistakeKind::Prices,
                file: error.file().to_owned(),
                line: error.line(),
                column: error.column(),
                message: error.problem().to_owned(),
            }),
            Err(error) => Some(self.sources.mistake(
                MistakeKind::Unreadable,
                self.places.prices,
                with_cause(&error),
            )),
        }
    }
}
