//! Agents: made, changed, deleted, and put into pools.

use safeguards_budget::Limit;
use safeguards_types::{AccountId, AgentId, Amount, OperationId, Priority};

use super::requests;
use crate::{amount_text, v2::forms};

requests! {
    /// Makes an agent. Made again on the same terms, it is the same one.
    CreateAgent {
        /// Its name, which no other agent or pool ever had on other terms: 1 to 256 bytes without control characters.
        name: AgentId,
        /// What it may spend in all: `"4 USD"`.
        #[serde(with = "amount_text")]
        budget: Amount,
        /// How much its work matters, 1 to 10, higher matters more.
        priority: Priority,
        ;
        /// The pool that its spending counts at besides. Left out, it stands alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pool: Option<AccountId>,
        /// Limits besides the budget, as in `budget.set_limit`. Left out, none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        limits: Vec<Limit>,
    }

    /// Asks for an agent.
    GetAgent {
        /// Its name.
        agent: AgentId,
    }

    /// Asks for all agents that were made here.
    ListAgents {}

    /// Changes an agent: all that is named here, together or not at all.
    UpdateAgent {
        /// Its name.
        agent: AgentId,
        /// The caller's name for it, a version 7 UUID. Asked again under the same name, it is done once.
        op: OperationId,
        ;
        /// How much its work matters from now on, 1 to 10. Left out, it stays.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "forms::given")]
        priority: Option<Priority>,
        /// The pool that it is in from now on; `null`: none. Left out, it stays where it is.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "forms::given")]
        pool: Option<Option<AccountId>>,
    }

    /// Deletes an agent for good; its name is never used again.
    DeleteAgent {
        /// Its name.
        agent: AgentId,
        /// The caller's name for it, a version 7 UUID.
        op: OperationId,
    }

    /// Puts an agent into a pool, out of the one that it is in. What it has spent stays counted where it was.
    JoinPool {
        /// The agent.
        agent: AgentId,
        /// The pool.
        pool: AccountId,
        /// The caller's name for it, a version 7 UUID. Asked again under the same name, it is done once.
        op: OperationId,
    }

    /// Takes an agent out of a pool, to stand alone.
    LeavePool {
        /// The agent.
        agent: AgentId,
        /// The pool that it is in.
        pool: AccountId,
        /// The caller's name for it, a version 7 UUID.
        op: OperationId,
    }
}
