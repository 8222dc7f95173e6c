//! Shared state: what one agent writes and others read.

use safeguards_coord::{InvalidState, SharedState, StateError, StateKey};
use safeguards_types::AgentId;
use serde_json::Value;

/// Writes and reads values that agents share.
///
/// ```
/// use safeguards_api::Safeguards;
/// use safeguards_types::{Priority, usd};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let v1 = Safeguards::in_memory().v1();
/// let (agents, state) = (v1.agents(), v1.state());
/// let research = agents.create_agent("research_agent", usd!(100), Priority::P7).await?;
/// let analysis = agents.create_agent("analysis_agent", usd!(80), Priority::P5).await?;
///
/// let found = json!({ "status": "complete", "location": "/tmp/research_data.json" });
/// state.update_state(&research.id, "research_data", found).await?;
///
/// let data = state.get_state(&analysis.id, "research_data").await?;
/// assert_eq!(data.ok_or("absent")?["status"], "complete");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct State {
    state: SharedState,
}

impl State {
    pub(super) const fn new(state: SharedState) -> Self {
        Self { state }
    }

    /// Writes a value, whatever is there. The first who writes a key owns it, and no other may write it.
    ///
    /// # Errors
    ///
    /// Where the key or the value cannot be used, the key is another's, there is no room, or the store fails.
    pub async fn update_state<K>(
        &self,
        owner_id: &AgentId,
        key: K,
        value: impl Into<Value>,
    ) -> Result<(), StateError>
    where
        K: TryInto<StateKey>,
        InvalidState: From<K::Error>,
    {
        self.state.set(owner_id, key, value).await?;
        Ok(())
    }

    /// What is there; `None` where nothing is.
    ///
    /// Who reads once misses what comes a moment later: [`v2`](crate::v2::Api::state) can wait for it.
    ///
    /// # Errors
    ///
    /// Where the text is no key, the reader may not read it, or the store fails.
    pub async fn get_state<K>(
        &self,
        reader_id: &AgentId,
        key: K,
    ) -> Result<Option<Value>, StateError>
    where
        K: TryInto<StateKey>,
        InvalidState: From<K::Error>,
    {
        Ok(self.state.get(reader_id, key).await?.value().cloned())
    }
}
