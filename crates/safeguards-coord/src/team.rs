//! [`Team`]: agents that work from one pool, and what each may spend per run.

use std::{sync::Arc, time::Duration};

use safeguards_pricing::Price;
use safeguards_types::{AccountId, AgentId, Amount, Amounts, Quantity, Unit};

use crate::{Agent, Retry, TeamError};

/// An agent in a team: who pays for its runs, and what one may cost.
#[derive(Clone, Debug)]
pub struct Member {
    agent: Arc<dyn Agent>,
    account: AccountId,
    /// None where it is to be found out: by default, or by what it cost lately.
    estimate: Option<Amounts>,
    timeout: Option<Duration>,
    retry: Retry,
    scopes: Vec<AccountId>,
    price: Option<Price>,
}

impl Member {
    /// `agent`, paying from the account of its own name, with `estimate` held before each run.
    ///
    /// The estimate names every unit that is limited at the account or above. A run also counts one
    /// request, unless the estimate says how many.
    pub fn new(agent: Arc<dyn Agent>, estimate: impl Into<Amounts>) -> Self {
        Self { estimate: Some(estimate.into()), ..Self::of(agent) }
    }

    /// `agent`, paying from the account of its own name. What is held before each run is the runner's
    /// [default](crate::Runner::estimate), else the 95th percentile of what its latest 100 runs cost there; where
    /// there is neither, no run begins.
    pub fn of(agent: Arc<dyn Agent>) -> Self {
        Self {
            account: AccountId::from(&agent.descriptor().id),
            agent,
            estimate: None,
            timeout: None,
            retry: Retry::never(),
            scopes: Vec::new(),
            price: None,
        }
    }

    /// Lets another account pay.
    #[must_use]
    pub fn account(self, account: impl Into<AccountId>) -> Self {
        Self { account: account.into(), ..self }
    }

    /// Ends each run of it after `timeout`, if the run's deadline does not come first.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Tries again, as `retry` says, what fails with an error that is declared retryable. Each attempt has its own
    /// hold; what earlier ones cost stands.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// Counts its spending at `scope` besides its account and the team's pool.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<AccountId>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Prices what it uses by `price`, whatever its model is called, instead of by the runner's table.
    #[must_use]
    pub fn price(self, price: Price) -> Self {
        Self { price: Some(price), ..self }
    }

    /// Its name.
    pub fn id(&self) -> &AgentId {
        &self.agent.descriptor().id
    }

    /// Who pays for its runs.
    pub const fn payer(&self) -> &AccountId {
        &self.account
    }

    pub(crate) const fn agent(&self) -> &Arc<dyn Agent> {
        &self.agent
    }

    pub(crate) const fn timeout_after(&self) -> Option<Duration> {
        self.timeout
    }

    pub(crate) fn scopes(&self) -> &[AccountId] {
        &self.scopes
    }

    pub(crate) const fn own_price(&self) -> Option<&Price> {
        self.price.as_ref()
    }

    pub(crate) const fn tries(&self) -> &Retry {
        &self.retry
    }

    /// What one run of it is expected to cost; none where that is to be found out.
    pub const fn estimate(&self) -> Option<&Amounts> {
        self.estimate.as_ref()
    }
}

/// What is held before a run that is expected to cost this: the estimate without its zeros, and one request unless
/// it names them.
pub(crate) fn to_hold(estimate: &Amounts) -> Amounts {
    let mut amounts = estimate.clone();
    if !amounts.names(&Unit::REQUESTS) {
        amounts.set(Amount::new(Quantity::ONE, Unit::REQUESTS));
    }
    amounts.without_zeros()
}

/// Agents that work on tasks together, paid from one pool.
///
/// ```
/// use safeguards_coord::{Member, Reply, Team, TeamError, agent_fn};
/// use safeguards_types::usd;
///
/// let reader = agent_fn("reader", |_, _| async { Ok(Reply::text("read").cost(usd!(0.02))) });
/// let team = Team::new("research", "pool", [Member::new(reader, usd!(0.05))])?;
/// assert_eq!(team.members().len(), 1);
/// # Ok::<(), TeamError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Team {
    name: String,
    pool: AccountId,
    members: Vec<Arc<Member>>,
}

impl Team {
    /// A team of `members`, in this order. All their spending counts at `pool` too; where the pool stands
    /// above an agent's account already, nothing is counted twice.
    ///
    /// # Errors
    ///
    /// Where there are no members, two have one name, or one that is not free has no estimate above 0.
    pub fn new(
        name: impl Into<String>,
        pool: impl Into<AccountId>,
        members: impl IntoIterator<Item = Member>,
    ) -> Result<Self, TeamError> {
        let (team, mut seated) = (name.into(), Vec::<Arc<Member>>::new());
        for member in members {
            let agent = member.id().clone();
            if seated.iter().any(|other| *other.id() == agent) {
                return Err(TeamError::DuplicateAgent { team, agent });
            }
            let is_nothing = member.estimate.as_ref().is_some_and(Amounts::is_zero);
            if is_nothing && !member.agent.descriptor().free {
                return Err(TeamError::NoEstimate { team, agent });
            }
            seated.push(Arc::new(member));
        }
        if seated.is_empty() {
            return Err(TeamError::Empty { team });
        }
        Ok(Self { name: team, pool: pool.into(), members: seated })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The account that all its spending counts at.
    pub const fn pool(&self) -> &AccountId {
        &self.pool
    }

    /// Its members, in order.
    pub fn members(&self) -> &[Arc<Member>] {
        &self.members
    }

    pub(crate) fn member(&self, agent: &AgentId) -> Option<&Arc<Member>> {
        self.members.iter().find(|member| member.id() == agent)
    }
}

#[cfg(test)]
mod tests {
    use safeguards_types::{requests, usd};

    use super::*;
    use crate::{Descriptor, Reply, agent_fn};

    fn member(descriptor: Descriptor, estimate: impl Into<Amounts>) -> Member {
        let agent = agent_fn(descriptor, |_, _| async { Ok(Reply::default()) });
        Member::new(agent, estimate)
    }

    #[test]
    fn a_team_has_agents_of_different_names_that_each_hold_something() {
        #[track_caller]
        fn check(members: impl IntoIterator<Item = Member>, expected: Result<usize, &str>) {
            let team = Team::new("t", "pool", members);
            let got = team.map(|team| team.members().len());
            assert_eq!(
                got.as_ref().map_err(TeamError::code),
                expected.as_ref().map_err(|code| *code)
            );
        }
        let paid = |name| member(Descriptor::new(name), usd!(1));
        check([paid("a"), paid("b")], Ok(2));
        check([paid("a"), paid("a")], Err("team.duplicate_agent"));
        check([], Err("team.empty"));
        check([member("a".into(), Amounts::none())], Err("team.no_estimate"));
        check([member("a".into(), usd!(0))], Err("team.no_estimate"));
        check([member(Descriptor::new("a").free(), Amounts::none())], Ok(1));
    }

    #[test]
    fn a_run_holds_one_request_unless_the_estimate_says_how_many() {
        #[track_caller]
        fn check(estimate: impl Into<Amounts>, expected: &str) {
            assert_eq!(to_hold(&estimate.into()).to_string(), expected);
        }
        check(usd!(1), "1.00 USD, 1 requests");
        check([usd!(1), requests!(5)], "1.00 USD, 5 requests");
        check([usd!(1), requests!(0)], "1.00 USD");
        check(usd!(0), "1 requests");
    }
}
