//! Discovery: agents by what they can do.

use std::sync::Arc;

use safeguards_discovery::{
    Capability, CapabilityName, FindError, InvalidField, InvalidKind, Metadata, Query,
    RegisterError, Registration,
};
use safeguards_types::AgentId;
use serde_json::Value;

use crate::core::Core;

/// Registers what agents can do, and finds them by it.
///
/// ```
/// use safeguards_api::Safeguards;
/// use safeguards_types::{Priority, usd};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let v1 = Safeguards::in_memory().v1();
/// let (agents, discovery) = (v1.agents(), v1.discovery());
/// let analysis = agents.create_agent("analysis_agent", usd!(100), Priority::P7).await?;
///
/// let skill = json!({ "algorithms": ["regression", "classification"], "formats": ["json"] });
/// discovery.register_capability(&analysis.id, "data_analysis", skill).await?;
///
/// let required = json!({ "algorithms": ["regression"] });
/// let found = discovery.find_agents_by_capability("data_analysis", required).await?;
/// assert_eq!(found, [analysis.id]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Discovery {
    core: Arc<Core>,
}

impl Discovery {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Says that an agent can do this, until the agent is deleted: nothing here notices that it has died.
    /// [`v2`](crate::v2::Discovery::advertise) has leases for that.
    ///
    /// `metadata` is an object, or `null` for none.
    ///
    /// # Errors
    ///
    /// Where something in it cannot be used, it says otherwise what was said before, there is no room, or the
    /// registry fails.
    pub async fn register_capability(
        &self,
        agent_id: &AgentId,
        capability: &str,
        metadata: Value,
    ) -> Result<(), RegisterError> {
        let mut skill = Capability::new(capability)?;
        skill.metadata = object("metadata", metadata)?;
        self.core.advertise(Registration::lasting(agent_id.clone()).capability(skill)).await?;
        Ok(())
    }

    /// Those who can do this now, the healthiest with the highest priority first: no agent is among them that is
    /// suspended, has nothing left to spend, or is not well.
    ///
    /// Of each entry of `required_metadata`, an object or `null`, all values must be contained in what the agent
    /// says: `{"algorithms": ["regression"]}`.
    ///
    /// # Errors
    ///
    /// Where the query cannot be used, or the registry or the ledger fails.
    pub async fn find_agents_by_capability(
        &self,
        capability: &str,
        required_metadata: Value,
    ) -> Result<Vec<AgentId>, FindError> {
        let required = object("required_metadata", required_metadata)?;
        let query = Query::new(CapabilityName::parse(capability)?)?.healthy();
        let mut query = required.into_iter().fold(query, |query, (key, all)| query.with(key, all));
        let mut agents = Vec::new();
        loop {
            let found = self.core.finder.find(&query).await?;
            agents.extend(found.names().cloned());
            query.after = found.next;
            if query.after.is_none() {
                return Ok(agents);
            }
        }
    }
}

fn object(field: &str, value: Value) -> Result<Metadata, InvalidField> {
    if value.is_null() {
        return Ok(Metadata::new());
    }
    let Value::Object(object) = value else {
        let allowed = "write an object, such as {\"formats\": [\"json\"]}, or null";
        return Err(InvalidField::new(InvalidKind::Metadata, field, value, allowed));
    };
    Ok(object)
}
