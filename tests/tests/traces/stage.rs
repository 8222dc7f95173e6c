//! [`Stage`]: a ledger, a store and a clock, on which a [`Script`] is played by the runner.

use std::{num::ParseIntError, sync::Arc};

use safeguards_budget::{Account, Ledger as _, LedgerExt as _, Limit, MemoryLedger, OpenAccount};
use safeguards_coord::{
    AgentError, Context, HandOver, Member, MemoryRunStore, Reply, Report, RunEntry, RunOptions,
    RunStore as _, Runner, Task, Team, agent_fn,
};
use safeguards_testkit::PausedClock;
use safeguards_types::{Amount, Amounts};
use tokio::time::{Instant, sleep_until};

use crate::script::Script;

/// Where scripts are played. Needs a runtime whose time is paused.
pub(crate) struct Stage {
    ledger: MemoryLedger,
    clock: PausedClock,
    pub(crate) store: MemoryRunStore,
}

impl Stage {
    /// A pool without a limit.
    pub(crate) fn new() -> Self {
        Self::with_pool(OpenAccount::new("pool"))
    }

    /// A pool that may spend this in all.
    pub(crate) fn with_limit(limit: Amount) -> Self {
        Self::with_pool(OpenAccount::new("pool").limit(Limit::lifetime(limit)))
    }

    fn with_pool(pool: OpenAccount) -> Self {
        let clock = PausedClock::new();
        let ledger = MemoryLedger::with_clock(clock.clone());
        ledger.sync().open_account(pool, ledger.operation()).unwrap();
        Self { ledger, clock, store: MemoryRunStore::new() }
    }

    /// Plays `script` to its end: each agent draws what it pays for when it did, and answers what it did.
    pub(crate) async fn play(
        &self,
        script: &Arc<Script>,
        estimate: impl Fn(&str) -> Amounts,
        options: impl FnOnce(RunOptions) -> RunOptions,
    ) -> Report {
        let began = Instant::now();
        let member = |agent: &str| {
            let account = OpenAccount::new(agent).under("pool");
            self.ledger.sync().open_account(account, self.ledger.operation()).unwrap();
            let script = Arc::clone(script);
            let speaker = agent_fn(agent, move |_, cx| {
                let script = Arc::clone(&script);
                async move {
                    let turn = &script.turns[turn_of(&cx).unwrap()];
                    let mut drawn = Amounts::none();
                    for draw in &turn.draws {
                        if let Some(at) = draw.at {
                            sleep_until(began + at).await;
                        }
                        let charged = cx.charge(draw.amounts.clone()).await;
                        // A call that is not paid for is not made: it has cost what was drawn before.
                        charged.map_err(|error| AgentError::from(error).cost(drawn.clone()))?;
                        drawn.add_all(&draw.amounts);
                    }
                    Ok(Reply::new(turn.output.clone()).cost(turn.cost.clone()))
                }
            });
            Member::new(speaker, estimate(agent))
        };
        let members: Vec<Member> = script.agents().into_iter().map(member).collect();
        let team = Team::new("recorded", "pool", members).unwrap();
        let strategy = HandOver::new().transcript(script.transcript);
        let strategy = match script.moderator {
            Some(moderator) => strategy.moderated_by(moderator),
            None => strategy,
        };
        let runner = Runner::new(Arc::new(self.ledger.clone()), Arc::new(self.clock.clone()))
            .store(Arc::new(self.store.clone()));
        let task = Task::new("as recorded").with_input(script.input.clone());
        let options = options(RunOptions::new(self.ledger.operation()));
        runner.run(&team, task, &strategy, options).await.unwrap()
    }

    /// An account as it stands, after all that is due has ended.
    pub(crate) async fn account(&self, name: &str) -> Account {
        self.ledger.tick().await.unwrap();
        self.ledger.account(&name.into()).await.unwrap().unwrap()
    }

    /// All that was written down of a run.
    pub(crate) async fn entries(&self, report: &Report) -> Vec<RunEntry> {
        self.store.entries(&report.run, 0, usize::MAX).await.unwrap()
    }
}

/// Which turn this is: steps are named after their agent and the turn, from 1.
fn turn_of(cx: &Context) -> Result<usize, ParseIntError> {
    let step = cx.attempt().step.as_str();
    let (_, turn) = step.rsplit_once('-').unwrap_or_default();
    Ok(turn.parse::<usize>()?.saturating_sub(1))
}
