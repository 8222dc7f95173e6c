//! [`ScriptedAgent`]: an agent that does as it is told, and remembers what it was asked.

use std::{fmt, future::pending, panic::resume_unwind, sync::Arc, time::Duration};

use async_trait::async_trait;
use safeguards_coord::{Agent, AgentError, Context, Cost, Descriptor, Member, Reply, Task};
use safeguards_types::{AgentId, Amounts};
use serde_json::Value;
use tokio::{task::yield_now, time::sleep};

use super::{
    Call, CallEnd, Script,
    call::{Calls, Noting},
    script::{Act, End},
};

/// An agent that does as it is told, and remembers what it was asked. Clones are the same agent, so a test keeps one and
/// gives one to a team.
///
/// ```
/// use std::time::Duration;
/// use safeguards_budget::{LedgerExt, Limit, OpenAccount};
/// use safeguards_coord::{Pipeline, State, Task, Team};
/// use safeguards_testkit::{ScriptedAgent, Simulation};
/// use safeguards_types::usd;
///
/// let reader = ScriptedAgent::new("reader").takes(Duration::from_secs(3)).costs(usd!(0.10));
/// let writer = ScriptedAgent::new("writer").draws(usd!(0.05)).then_fails("down");
///
/// Simulation::seeded(7).run(async |sim| {
///     sim.open(OpenAccount::new("pool").limit(Limit::lifetime(usd!(1)))).await;
///     sim.open(OpenAccount::new("reader").under("pool")).await;
///     sim.open(OpenAccount::new("writer").under("pool")).await;
///     let members = [reader.member(usd!(0.20)), writer.member(usd!(0.20))];
///     let team = Team::new("research", "pool", members).unwrap();
///     let (runner, pipeline) = (sim.runner(), Pipeline::new());
///     let report = runner.run(&team, Task::new("bees"), &pipeline, sim.options()).await.unwrap();
///
///     assert_eq!(report.state, State::Failed);
///     assert_eq!(writer.calls()[0].task.input(), "done");
///     let mut spent = reader.spent();
///     spent.add_all(&writer.spent());
///     assert_eq!(spent.to_string(), "0.15 USD");
///     assert_eq!(report.spent.to_string(), "0.15 USD, 2 requests");
/// });
/// ```
#[derive(Clone)]
pub struct ScriptedAgent {
    descriptor: Descriptor,
    /// What it does in each call that nothing else is said of.
    script: Script,
    /// What it does in its first calls, one each.
    first: Vec<Script>,
    /// Says what it does, before all that.
    plan: Option<Plan>,
    calls: Calls,
}

type Plan = Arc<dyn Fn(usize, &Task) -> Option<Script> + Send + Sync>;

/// The words of a script, for all calls of an agent.
macro_rules! words {
    ($($(#[$doc:meta])* $word:ident($($name:ident: $type:ty),*);)*) => {
        $(
            #[doc = concat!("As [`Script::", stringify!($word), "`], in each call that nothing else is said of.")]
            #[must_use]
            pub fn $word(self, $($name: $type),*) -> Self {
                Self { script: self.script.$word($($name),*), ..self }
            }
        )*
    };
}

impl ScriptedAgent {
    /// An agent that replies `"done"` at once, and does not say what it cost. The descriptor may be just a name.
    pub fn new(descriptor: impl Into<Descriptor>) -> Self {
        Self {
            descriptor: descriptor.into(),
            script: Script::new(),
            first: Vec::new(),
            plan: None,
            calls: Calls::default(),
        }
    }

    words! {
        takes(span: Duration);
        yields(times: u32);
        draws(amounts: impl Into<Amounts>);
        reports(so_far: impl Into<Amounts>);
        progresses(text: impl Into<String>);
        logs(line: impl Into<String>);
        delegates(to: impl Into<AgentId>, task: impl Into<String>);
        tries_to_delegate(to: impl Into<AgentId>, task: impl Into<String>);
        waits_to_be_stopped();
        costs(cost: impl Into<Cost>);
        notes(note: impl Into<String>);
        then_replies(output: impl Into<Value>);
        then_replies_with_bytes(bytes: usize);
        then_fails(message: impl Into<String>);
        then_fails_for_now(message: impl Into<String>);
        then_panics(message: impl Into<String>);
        then_hangs();
    }

    /// Does this in its first calls, one each, after those that were named before; later ones are as written for all.
    ///
    /// ```
    /// use safeguards_testkit::{Script, ScriptedAgent};
    /// use safeguards_types::usd;
    ///
    /// // Fails twice, and succeeds from then on.
    /// let flaky = Script::new().costs(usd!(0.01)).then_fails_for_now("busy");
    /// let reader = ScriptedAgent::new("reader").costs(usd!(0.10)).first([flaky.clone(), flaky]);
    /// # let _ = reader;
    /// ```
    #[must_use]
    pub fn first(mut self, scripts: impl IntoIterator<Item = Script>) -> Self {
        self.first.extend(scripts);
        self
    }

    /// Gives these outputs, call by call; all else is as written for all.
    #[must_use]
    pub fn answers<V: Into<Value>>(self, outputs: impl IntoIterator<Item = V>) -> Self {
        let script = self.script.clone();
        self.first(outputs.into_iter().map(|output| script.clone().then_replies(output)))
    }

    /// Lets `plan` say what it does, of the number of the call, from 0, and of its task; none: as else.
    #[must_use]
    pub fn planned(
        self,
        plan: impl Fn(usize, &Task) -> Option<Script> + Send + Sync + 'static,
    ) -> Self {
        Self { plan: Some(Arc::new(plan)), ..self }
    }

    /// The agent as a member of a team, with this estimate.
    pub fn member(&self, estimate: impl Into<Amounts>) -> Member {
        Member::new(Arc::new(self.clone()), estimate)
    }

    /// What it was asked, in that order, and what became of it.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().clone()
    }

    /// How many calls are running.
    pub fn running(&self) -> usize {
        self.calls.lock().iter().filter(|call| call.end == CallEnd::Running).count()
    }

    /// What its calls really cost in all, requests apart: of each what it drew, or what it said if that is more.
    ///
    /// A ledger shows the same, but for calls that told nothing: nobody knows what these cost, so the estimate counts.
    pub fn spent(&self) -> Amounts {
        let mut spent = Amounts::none();
        for call in self.calls.lock().iter() {
            spent.add_all(&call.spent());
        }
        spent
    }

    fn script_of(&self, number: usize, task: &Task) -> Script {
        let planned = self.plan.as_ref().and_then(|plan| plan(number, task));
        let planned = planned.or_else(|| self.first.get(number).cloned());
        planned.unwrap_or_else(|| self.script.clone())
    }
}

impl fmt::Debug for ScriptedAgent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("ScriptedAgent");
        out.field("descriptor", &self.descriptor).field("script", &self.script);
        out.finish_non_exhaustive()
    }
}

/// Does one act. An error where the call ends there.
async fn carry_out(act: Act, cx: &Context, noting: &Noting) -> Result<(), AgentError> {
    match act {
        Act::Take(span) => sleep(span).await,
        Act::Yield(times) => {
            for _ in 0..times {
                yield_now().await;
            }
        }
        Act::Charge(amounts) => {
            let charged = cx.charge(amounts.clone()).await;
            charged.map_err(|error| AgentError::new("could not draw").caused_by(error))?;
            noting.note(|call| call.charge(&amounts));
        }
        Act::Tell(so_far) => {
            noting.note(|call| call.report(&so_far));
            cx.report_drawn(so_far);
        }
        Act::Progress(text) => cx.progress(text),
        Act::Log(line) => cx.log(line),
        Act::Delegate { to, task, must_succeed } => match cx.delegate(to, task).await {
            Err(error) if must_succeed => return Err(error.into()),
            Ok(_) | Err(_) => {}
        },
        Act::WaitToBeStopped => cx.cancelled().await,
    }
    Ok(())
}

#[async_trait]
impl Agent for ScriptedAgent {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    async fn run(&self, task: Task, cx: Context) -> Result<Reply, AgentError> {
        let noting = Noting::begin(&self.calls, &task, &cx);
        let Script { acts, cost, notes, end } = self.script_of(noting.number(), &task);
        let mut ended = Ok(());
        for act in acts {
            ended = carry_out(act, &cx, &noting).await;
            if ended.is_err() {
                break;
            }
        }
        let says = |end: CallEnd| {
            noting.note(|call| {
                call.end = end;
                if let Cost::Known(amounts) = &cost {
                    call.said = Some(amounts.clone());
                }
            });
            cost.clone()
        };
        match (ended, end) {
            (Err(error), _) => Err(error.cost(says(CallEnd::Failed))),
            (Ok(()), End::Reply(output)) => {
                let reply = Reply::new(output).cost(says(CallEnd::Replied));
                Ok(notes.into_iter().fold(reply, Reply::note))
            }
            (Ok(()), End::Fail { message, is_retryable }) => {
                let error = AgentError::new(message).cost(says(CallEnd::Failed));
                Err(if is_retryable { error.retryable() } else { error })
            }
            (Ok(()), End::Panic(message)) => {
                noting.note(|call| call.end = CallEnd::Panicked);
                // Unlike `panic!` it is caught without a line on the terminal.
                resume_unwind(Box::new(message));
            }
            (Ok(()), End::Hang) => pending().await,
        }
    }
}
