//! [`Context`]: what an agent is given beside its task.

mod delegate;
mod draw;
mod shared;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;
use safeguards_types::{AgentId, Amounts, Clock, OperationId, Timestamp};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

pub use self::{
    delegate::DelegateError,
    draw::DrawError,
    shared::{MessageError, NotGiven},
};
pub(crate) use self::{
    delegate::{Delegated, Delegation, PassedUp},
    draw::{Backing, Drawing},
    shared::Commons,
};
use crate::{AttemptId, Cost, RunFact, RunId, bill::larger, event::Emitter};

/// How many of the latest log lines of an attempt are kept.
const LOG_LINES_KEPT: usize = 50;
/// How many costs are kept that cannot be made one before they are priced.
const COSTS_KEPT: usize = 1_000;

/// What an agent is given beside its task: how long it has, what is set aside for it, how to spend of that, to
/// delegate, and to tell how far it is.
///
/// Cheap to clone. What is told after the attempt has ended is dropped.
#[derive(Clone, Debug)]
pub struct Context {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    run: RunId,
    operation: OperationId,
    agent: AgentId,
    attempt: AttemptId,
    deadline: Timestamp,
    held: Amounts,
    cancellation: CancellationToken,
    events: Arc<Emitter>,
    clock: Arc<dyn Clock>,
    commons: Commons,
    /// Where it draws from.
    backing: Arc<dyn Backing>,
    drawing: tokio::sync::Mutex<Drawing>,
    /// Who its delegations are handed to, and how deep it is itself.
    delegations: (UnboundedSender<Delegation>, u32),
    /// How often it delegated to each, for the names of steps.
    delegated: Mutex<BTreeMap<String, u32>>,
    /// None once the attempt has ended.
    told: Mutex<Option<Told>>,
}

/// What a context is made of.
pub(crate) struct Parts {
    pub(crate) agent: AgentId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) commons: Commons,
    pub(crate) attempt: AttemptId,
    pub(crate) run: RunId,
    pub(crate) operation: OperationId,
    pub(crate) events: Arc<Emitter>,
    pub(crate) deadline: Timestamp,
    pub(crate) cancellation: CancellationToken,
    pub(crate) held: Amounts,
    pub(crate) backing: Arc<dyn Backing>,
    pub(crate) delegations: UnboundedSender<Delegation>,
    pub(crate) depth: u32,
}

/// What an agent told before it ended.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// What it had drawn.
    pub(crate) drawn: Amounts,
    /// What it said that it cost, be it that it said so more than once.
    pub(crate) costs: Vec<Cost>,
    /// Whether it said something of its cost that nobody can read.
    pub(crate) is_cost_unreadable: bool,
    /// The last lines of its log.
    pub(crate) log: VecDeque<String>,
}

impl Context {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            agent,
            clock,
            commons,
            attempt,
            run,
            operation,
            events,
            deadline,
            cancellation,
            held,
            backing,
            delegations,
            depth,
        } = parts;
        let drawing = tokio::sync::Mutex::new(Drawing::of(held.clone()));
        let shared = Shared {
            run,
            operation,
            agent,
            clock,
            commons,
            attempt,
            deadline,
            held,
            cancellation,
            events,
            backing,
            drawing,
            delegations: (delegations, depth),
            delegated: Mutex::default(),
            told: Mutex::new(Some(Told::default())),
        };
        Self { shared: Arc::new(shared) }
    }

    /// In which run.
    pub fn run(&self) -> &RunId {
        &self.shared.run
    }

    /// Which attempt of which step this is.
    pub fn attempt(&self) -> &AttemptId {
        &self.shared.attempt
    }

    /// The operation that this attempt is: a key for whatever the agent asks of others, so that they do it once. An
    /// attempt that was cut off and is run again is the same operation; another attempt is another.
    pub fn operation(&self) -> OperationId {
        self.shared.operation
    }

    /// When it has to be done.
    pub fn deadline(&self) -> Timestamp {
        self.shared.deadline
    }

    /// What is set aside for it.
    pub fn held(&self) -> &Amounts {
        &self.shared.held
    }

    /// Ends when the agent has to stop: its deadline passed, or the run was cancelled.
    pub async fn cancelled(&self) {
        self.shared.cancellation.cancelled().await;
    }

    /// Whether the agent has to stop.
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancellation.is_cancelled()
    }

    /// The token that is cancelled when the agent has to stop: for what it starts itself.
    pub fn cancellation(&self) -> &CancellationToken {
        &self.shared.cancellation
    }

    /// Tells how far it is, in words for people.
    pub fn progress(&self, text: impl Into<String>) {
        self.tell(text.into(), &Amounts::none());
    }

    /// Tells what it has spent so far, all in all. It counts if the agent ends without saying what it cost,
    /// and never goes back.
    pub fn report_drawn(&self, so_far: impl Into<Amounts>) {
        self.tell(String::new(), &so_far.into());
    }

    /// Writes a line into the step's log.
    pub fn log(&self, line: impl Into<String>) {
        let line = line.into();
        {
            let mut told = self.shared.told.lock();
            let Some(told) = told.as_mut() else {
                return;
            };
            if told.log.len() >= LOG_LINES_KEPT {
                told.log.pop_front();
            }
            told.log.push_back(line.clone());
        }
        self.emit(RunFact::Logged { line });
    }

    pub(crate) fn tell(&self, text: String, so_far: &Amounts) {
        let drawn = {
            let mut told = self.shared.told.lock();
            let Some(told) = told.as_mut() else {
                return;
            };
            told.drawn = larger(&told.drawn, so_far);
            told.drawn.clone()
        };
        self.emit(RunFact::Progressed { text, drawn });
    }

    /// Notes a cost that was said, so that it counts whatever becomes of who said it.
    pub(crate) fn note_cost(&self, cost: Cost) {
        let mut told = self.shared.told.lock();
        let Some(told) = told.as_mut() else {
            return;
        };
        let is_full = told.costs.len() >= COSTS_KEPT;
        match (told.costs.last_mut(), cost) {
            (Some(Cost::Known(known)), Cost::Known(amounts)) => *known = larger(known, &amounts),
            (Some(last), cost) if *last == cost => {}
            _ if is_full => told.is_cost_unreadable = true,
            (_, cost) => told.costs.push(cost),
        }
    }

    /// Notes that something was said of the cost that nobody can read.
    pub(crate) fn note_unreadable_cost(&self) {
        if let Some(told) = self.shared.told.lock().as_mut() {
            told.is_cost_unreadable = true;
        }
    }

    /// Ends the telling, and gives what was told.
    pub(crate) fn end(&self) -> Told {
        self.shared.told.lock().take().unwrap_or_default()
    }

    fn emit(&self, fact: RunFact) {
        self.shared.events.emit(Some(&self.shared.attempt), fact);
    }
}
