//! Who is here, and who can do what.

use std::time::Duration;

use safeguards_discovery::{Capability, CapabilityName, Lease, Query, Status, Version};
use safeguards_types::AgentId;

use super::requests;
use crate::v2::forms;

requests! {
    /// Says that an agent can do something, until its lease runs out.
    Advertise {
        /// The agent.
        agent: AgentId,
        /// What it can do: `{"name": "data_analysis", "metadata": {"algorithms": ["regression"]}}`.
        capability: Capability,
        /// For how many seconds, 1 to 10⁹, unless it is renewed.
        #[serde(rename = "ttl_s", with = "forms::seconds")]
        ttl: Duration,
    }

    /// Renews a lease.
    RenewLease {
        /// The lease as it was answered last.
        #[serde(deserialize_with = "forms::known_only")]
        lease: Lease,
        ;
        /// How the agent stands by its own word from now on. Left out, as before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<Status>,
    }

    /// Takes back a capability. The agent stays.
    Withdraw {
        /// The agent.
        agent: AgentId,
        /// The capability.
        capability: CapabilityName,
        ;
        /// In which version. Left out, in all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Version>,
    }

    /// Asks who can do what is needed.
    FindAgents {
        /// What is needed: `{"capability": "data_analysis", "healthy_only": true, "limit": 10}`.
        query: Query,
    }

    /// Asks for all that is known of an agent.
    GetDiscovered {
        /// The agent.
        agent: AgentId,
    }
}
