//! What version 2 answers, as plain values that JSON has too.
//!
//! Later releases may add keys: who reads them passes over those that are not known.

mod accounts;
mod discovery;
mod receipt;
mod runs;

use safeguards_budget::Approval;
use safeguards_types::OperationId;

pub use self::{
    accounts::{
        Account, AccountResponse, AccountsResponse, BurnRateResponse, EntriesResponse, HoldView,
        HoldViewResponse, LimitUsage, UsageResponse,
    },
    discovery::{AgentRecord, FoundResponse, LeaseResponse, Match, RecordResponse},
    receipt::{HoldResponse, Receipt, ReceiptResponse, SharesResponse},
    runs::{Report, ReportResponse, RunEntriesResponse, RunResponse, RunsResponse, StepReport},
};
use super::{Agent, AgentMetrics, AgentWorkload, Pool, PoolMetrics, SystemMetrics};
use crate::tagged::calls;

calls! {
    /// What a call of version 2 is answered: in JSON an object with the call's name at `call`, and the answer beside it.
    ///
    /// ```
    /// use safeguards_api::v2::Response;
    ///
    /// let json = r#"{"call":"agents.get","agent":{"id":"reader","priority":7}}"#;
    /// let Response::GetAgent(answer) = serde_json::from_str(json)? else { panic!("another answer") };
    /// assert_eq!(answer.agent.map(|agent| agent.priority.level()), Some(7));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub enum Response {
        /// The name.
        "operations.mint" => MintOperation(OperationResponse),
        /// The agent as it was made.
        "agents.create" => CreateAgent(AgentResponse),
        /// The agent, if it is there.
        "agents.get" => GetAgent(FoundAgentResponse),
        /// All agents.
        "agents.list" => ListAgents(AgentsResponse),
        /// The agent as it is now.
        "agents.update" => UpdateAgent(AgentResponse),
        /// It is gone.
        "agents.delete" => DeleteAgent(DoneResponse),
        /// The pool as it was made.
        "pools.create" => CreatePool(PoolResponse),
        /// The pool, if it is there.
        "pools.get" => GetPool(FoundPoolResponse),
        /// All pools.
        "pools.list" => ListPools(PoolsResponse),
        /// Who is in the pool.
        "pools.members" => ListMembers(AgentsResponse),
        /// The pool as it is now.
        "pools.update" => UpdatePool(PoolResponse),
        /// It is gone.
        "pools.delete" => DeletePool(DoneResponse),
        /// It is done, and recorded.
        "budget.charge" => Charge(ReceiptResponse),
        /// It is set aside.
        "budget.hold" => Hold(HoldResponse),
        /// It is done, and recorded.
        "budget.extend" => ExtendHold(ReceiptResponse),
        /// It is done, and recorded.
        "budget.draw" => Draw(ReceiptResponse),
        /// It is done, and recorded.
        "budget.settle" => Settle(ReceiptResponse),
        /// It is done, and recorded.
        "budget.release" => Release(ReceiptResponse),
        /// It is done, and recorded.
        "budget.record" => Record(ReceiptResponse),
        /// It is done, and recorded.
        "budget.refund" => Refund(ReceiptResponse),
        /// It is done, and recorded.
        "budget.transfer" => Transfer(ReceiptResponse),
        /// Who got what.
        "budget.allocate" => Allocate(SharesResponse),
        /// It is done, and recorded.
        "budget.allocate_exactly" => AllocateExactly(ReceiptResponse),
        /// It is done, and recorded.
        "budget.reclaim" => Reclaim(ReceiptResponse),
        /// It is done, and recorded.
        "budget.suspend" => Suspend(ReceiptResponse),
        /// It is done, and recorded.
        "budget.resume" => Resume(ReceiptResponse),
        /// It is done, and recorded.
        "budget.set_limit" => SetLimit(ReceiptResponse),
        /// It is done, and recorded.
        "budget.remove_limit" => RemoveLimit(ReceiptResponse),
        /// It is done, and recorded.
        "budget.set_remaining" => SetRemaining(ReceiptResponse),
        /// It is done, and recorded.
        "budget.set_protection" => SetProtection(ReceiptResponse),
        /// The agent as it is now.
        "budget.join" => JoinPool(AgentResponse),
        /// The agent as it is now.
        "budget.leave" => LeavePool(AgentResponse),
        /// The account, if it is there.
        "budget.account" => GetAccount(AccountResponse),
        /// The accounts, if they are there.
        "budget.usage" => GetUsage(UsageResponse),
        /// A page of accounts.
        "budget.accounts" => FindAccounts(AccountsResponse),
        /// The hold, if it is known.
        "budget.hold_view" => GetHold(HoldViewResponse),
        /// A page of entries.
        "budget.entries" => GetEntries(EntriesResponse),
        /// How fast it spends.
        "budget.burn_rate" => BurnRate(BurnRateResponse),
        /// The request, to be kept.
        "approvals.request" => RequestApproval(ApprovalResponse),
        /// The request as it is now, to be kept.
        "approvals.approve" => ApproveChange(ApprovalResponse),
        /// The request as it is now.
        "approvals.reject" => RejectChange(ApprovalResponse),
        /// It is done.
        "approvals.apply" => ApplyApproval(AppliedResponse),
        /// How the agent stands.
        "metrics.agent" => GetAgentMetrics(AgentMetrics),
        /// How the pool stands.
        "metrics.pool" => GetPoolMetrics(PoolMetrics),
        /// How all stand together.
        "metrics.system" => GetSystemMetrics(SystemMetrics),
        /// How busy they are.
        "metrics.workloads" => GetWorkloads(WorkloadsResponse),
        /// How the run ended.
        "teams.execute" => ExecuteTask(ReportResponse),
        /// How the run ended.
        "teams.resume" => ResumeRun(ReportResponse),
        /// A page of runs.
        "runs.list" => ListRuns(RunsResponse),
        /// The run, if it is known.
        "runs.get" => GetRun(RunResponse),
        /// A page of what was written down.
        "runs.entries" => GetRunEntries(RunEntriesResponse),
        /// It can be found.
        "discovery.advertise" => Advertise(LeaseResponse),
        /// It can be found for longer.
        "discovery.renew" => RenewLease(LeaseResponse),
        /// It can do this no more.
        "discovery.withdraw" => Withdraw(DoneResponse),
        /// A page of agents.
        "discovery.find" => FindAgents(FoundResponse),
        /// The agent, if it is there.
        "discovery.agent" => GetDiscovered(RecordResponse),
    }
}

/// Structs of one field or more.
macro_rules! responses {
    ($(
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$about:meta])* $field:ident: $kind:ty,)*
        }
    )+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$about])* pub $field: $kind,)*
        }
    )+};
}

pub(super) use responses;

responses! {
    /// It is done.
    DoneResponse {}

    /// A name for a piece of work.
    OperationResponse {
        /// The name.
        operation: OperationId,
    }

    /// An agent.
    AgentResponse {
        /// The agent.
        agent: Agent,
    }

    /// An agent, if it is there.
    FoundAgentResponse {
        /// The agent; `null` where none of this name was made here.
        agent: Option<Agent>,
    }

    /// Agents, by name.
    AgentsResponse {
        /// The agents.
        agents: Vec<Agent>,
    }

    /// A pool.
    PoolResponse {
        /// The pool.
        pool: Pool,
    }

    /// A pool, if it is there.
    FoundPoolResponse {
        /// The pool; `null` where none of this name was made here.
        pool: Option<Pool>,
    }

    /// Pools, by name.
    PoolsResponse {
        /// The pools.
        pools: Vec<Pool>,
    }

    /// A request for leave: to be kept, and given back with the next step.
    ApprovalResponse {
        /// The request.
        approval: Approval,
    }

    /// A change that leave was given for, and that is done.
    AppliedResponse {
        /// The request.
        approval: Approval,
        /// What the ledger answered.
        receipt: Receipt,
    }

    /// How busy the agents of a pool are, by name.
    WorkloadsResponse {
        /// The agents.
        workloads: Vec<AgentWorkload>,
    }
}
