//! Notes: what is allowed in a team file, and perhaps not meant.

use safeguards_types::{Amount, Amounts};

use super::{StrategySpec, TeamSpec, near::near};

/// What the topics begin with that a run itself sends.
const TOPICS: [&str; 5] = ["agent", "alerts", "budget", "event", "team"];

impl TeamSpec {
    /// What is allowed, and perhaps not meant: one sentence each.
    ///
    /// ```
    /// use safeguards_api::TeamSpec;
    ///
    /// let text = r#"
    /// pool = { limits = ["0.10 USD"] }
    /// [[agent]]
    /// name = "writer"
    /// command = ["./write"]
    /// estimate = "0.06 USD"
    /// timeout = "1m"
    /// [[agent]]
    /// name = "reader"
    /// command = ["./read"]
    /// estimate = "0.06 USD"
    /// timeout = "1m"
    /// "#;
    /// let notes = TeamSpec::parse(text, "team.toml")?.notes();
    /// assert_eq!(
    ///     notes,
    ///     ["one task may hold 0.12 USD in all (writer 0.06 USD, reader 0.06 USD); 0.10 USD of team does not cover that"]
    /// );
    /// # Ok::<(), safeguards_api::TeamFileError>(())
    /// ```
    pub fn notes(&self) -> Vec<String> {
        let uncovered = self.uncovered_limits();
        let endless = self.agents.iter().filter(|agent| agent.timeout.is_none()).map(|agent| {
            format!(
                "{} has no `timeout`; only the deadline of {:#} ends it",
                agent.id,
                jiff::SignedDuration::try_from(self.deadline).unwrap_or_default()
            )
        });
        let unlimited = self.pools.iter().all(|pool| pool.limits.is_empty())
            && self.agents.iter().any(|agent| agent.limits.is_empty());
        let unlimited = unlimited.then(|| {
            "no pool has a limit, and not every agent has: some spending is without bounds"
                .to_owned()
        });
        let mistyped = self.topic_notes();
        uncovered.into_iter().chain(endless).chain(unlimited).chain(mistyped).collect()
    }

    /// Of the notes, those on topics: one for each `[[alert]]` whose topics begin nearly as those of a run do,
    /// and yet not so. Others may be the user's own.
    pub fn topic_notes(&self) -> Vec<String> {
        let mistyped = self.alerts.iter().enumerate().filter_map(|(index, alert)| {
            let on = alert.on.to_string();
            let first = on.split('.').next().unwrap_or_default();
            if first.contains('*') || TOPICS.contains(&first) {
                return None;
            }
            let meant = near(first, TOPICS)?;
            let number = index.saturating_add(1);
            let name = alert.name.clone().unwrap_or_else(|| format!("[[alert]] {number}"));
            Some(format!("{name} is told of `{on}`, and no topic of a run begins with `{first}`; did you mean `{meant}`?"))
        });
        mistyped.collect()
    }

    /// One note for each limit of the team's own pool that one task may reach.
    fn uncovered_limits(&self) -> Vec<String> {
        let mut in_all = Amounts::none();
        for agent in &self.agents {
            in_all.add_all(&agent.estimate);
        }
        let own = self.pools.iter().find(|pool| pool.account == self.account);
        let limits = own.map(|pool| pool.limits.as_slice()).unwrap_or_default();
        let uncovered = limits.iter().filter(|limit| in_all.get(&limit.unit) > limit.amount);
        uncovered
            .map(|limit| {
                let amount = |quantity| Amount::new(quantity, limit.unit.clone());
                let shares: Vec<String> = self
                    .agents
                    .iter()
                    .filter(|agent| agent.estimate.names(&limit.unit))
                    .map(|agent| {
                        format!("{} {}", agent.id, amount(agent.estimate.get(&limit.unit)))
                    })
                    .collect();
                let how = match self.strategy {
                    StrategySpec::FanOut(_) | StrategySpec::Vote(_) => "all agents together hold",
                    StrategySpec::Pipeline
                    | StrategySpec::MapReduce { .. }
                    | StrategySpec::Supervisor(_)
                    | StrategySpec::HandOver(_)
                    | StrategySpec::Graph(_) => "one task may hold",
                };
                format!(
                    "{how} {} in all ({}); {limit} of {} does not cover that",
                    amount(in_all.get(&limit.unit)),
                    shares.join(", "),
                    self.account
                )
            })
            .collect()
    }
}
