//! Numbers of agents, of pools, and of all.

use safeguards_types::{AccountId, AgentId};

use super::requests;

requests! {
    /// Asks how an agent stands.
    GetAgentMetrics {
        /// The agent.
        agent: AgentId,
    }

    /// Asks how a pool stands.
    GetPoolMetrics {
        /// The pool.
        pool: AccountId,
    }

    /// Asks how all stand together.
    GetSystemMetrics {}

    /// Asks how busy the agents of a pool are.
    GetWorkloads {
        /// The pool.
        pool: AccountId,
    }
}
