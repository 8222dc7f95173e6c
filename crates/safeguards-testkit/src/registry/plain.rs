//! [`PlainRegistry`]: answers as every registry must, found in the most naive way.

mod bounds;
mod matching;
mod numbers;
mod ranges;
mod state;

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::{Mutex, MutexGuard};
use safeguards_discovery::{
    AgentRecord, CapabilityName, Changes, ChangesError, FindError, Found, Lease, Query,
    RegisterError, Registration, Registry, RegistryError, RenewError, Revision, Status, Version,
    WithdrawError,
};
use safeguards_types::{AgentId, Timestamp};
use tokio::sync::Notify;

use self::state::State;
use super::RegistrySetup;

/// A registry that keeps everything in plain lists under one lock and looks through all of them at each step. It
/// shares no code with the registry in memory, so that one is a model for the other. Words are found as they are
/// written, in large letters or small.
#[derive(Clone, Debug)]
pub struct PlainRegistry {
    state: Arc<Mutex<State>>,
    /// Tells all who wait that something has changed.
    changed: Arc<Notify>,
}

impl PlainRegistry {
    /// A registry with this clock and these bounds.
    pub fn new(setup: RegistrySetup) -> Self {
        Self { state: Arc::new(Mutex::new(State::new(setup))), changed: Arc::default() }
    }

    /// Does this at the instant that it is, after the leases have ended that ran out until then.
    fn at_once<T>(&self, act: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let mut state: MutexGuard<'_, State> = self.state.lock();
        let before = state.latest();
        let now = state.expire();
        let answer = act(&mut state, now);
        if state.latest() != before {
            self.changed.notify_waiters();
        }
        answer
    }
}

#[async_trait]
impl Registry for PlainRegistry {
    async fn register(&self, registration: Registration) -> Result<Lease, RegisterError> {
        self.at_once(|state, now| state.register(&registration, now))
    }

    async fn renew(&self, lease: &Lease, status: Option<Status>) -> Result<Lease, RenewError> {
        self.at_once(|state, now| state.renew(lease, status, now))
    }

    async fn withdraw(
        &self,
        agent: &AgentId,
        capability: &CapabilityName,
        version: Option<Version>,
    ) -> Result<(), WithdrawError> {
        self.at_once(|state, now| state.withdraw(agent, capability, version, now))
    }

    async fn delete(&self, agent: &AgentId) -> Result<(), WithdrawError> {
        self.at_once(|state, now| state.delete(agent, now))
    }

    async fn find(&self, query: &Query) -> Result<Found, FindError> {
        Ok(self.at_once(|state, _| state.find(query))?)
    }

    async fn agent(&self, agent: &AgentId) -> Result<Option<AgentRecord>, RegistryError> {
        Ok(self.at_once(|state, _| state.agent(agent)))
    }

    async fn changes(&self, after: Revision, limit: usize) -> Result<Changes, ChangesError> {
        self.at_once(|state, _| state.changes(after, limit))
    }

    async fn changed(&self, after: Revision) -> Result<(), ChangesError> {
        loop {
            let changed = self.changed.notified();
            if self.at_once(|state, _| state.is_past(after))? {
                return Ok(());
            }
            changed.await;
        }
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, RegistryError> {
        Ok(self.at_once(|state, _| state.next_end()))
    }
}
