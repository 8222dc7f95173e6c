//! What version 2 can be asked, as plain values that JSON has too. Each has all that must be said as the arguments of
//! `new`; the rest is `None` or empty until it is set.
//!
//! What is left out of JSON is as its default. A field that is not known here is refused, as is one that is given
//! twice.

mod accounts;
mod agents;
mod approvals;
mod discovery;
mod limits;
mod metrics;
mod pools;
mod runs;
mod sharing;
mod spending;

use safeguards_budget::Metadata;

use super::Error;
use crate::{refused::Fault, tagged::calls};

pub use self::{
    accounts::{BurnRate, FindAccounts, GetAccount, GetEntries, GetHold, GetUsage, MintOperation},
    agents::{CreateAgent, DeleteAgent, GetAgent, JoinPool, LeavePool, ListAgents, UpdateAgent},
    approvals::{ApplyApproval, ApproveChange, RejectChange, RequestApproval},
    discovery::{Advertise, FindAgents, GetDiscovered, RenewLease, Withdraw},
    limits::{RemoveLimit, Resume, SetLimit, SetProtection, SetRemaining, Suspend},
    metrics::{GetAgentMetrics, GetPoolMetrics, GetSystemMetrics, GetWorkloads},
    pools::{CreatePool, DeletePool, GetPool, ListMembers, ListPools, UpdatePool},
    runs::{ExecuteTask, GetRun, GetRunEntries, ListRuns, ResumeRun},
    sharing::{Allocate, AllocateExactly, Plan, Reclaim, Transfer, Workload},
    spending::{Charge, Draw, ExtendHold, Hold, Record, Refund, Release, Settle},
};

calls! {
    /// Everything that version 2 can be asked in writing: in JSON an object with the name of the call at `call`, and the
    /// fields beside it. What it does is told at the verb.
    ///
    /// What cannot be written is for Rust alone: what agents do, [`Budget::with_hold`](super::Budget::with_hold),
    /// handlers of alerts, and whatever goes on by itself, such as watches, events and the waiting for shared state.
    ///
    /// ```
    /// use safeguards_api::v2::{Request, requests};
    /// use safeguards_types::{OperationId, usd};
    ///
    /// let op = OperationId::parse("019b8d2c-7a10-7b6a-ba92-0e8f0c98431a")?;
    /// let json = r#"{"call":"budget.charge","account":"reader","amounts":{"USD":"0.42"},"op":"019b8d2c-7a10-7b6a-ba92-0e8f0c98431a"}"#;
    /// let request = Request::from_json(json)?;
    /// assert_eq!(request, requests::Charge::new("reader", usd!(0.42), op).into());
    /// assert_eq!(serde_json::to_string(&request)?, json);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub enum Request {
        /// [`Api::operation`](super::Api::operation).
        "operations.mint" => MintOperation(MintOperation),
        /// [`Agents::create`](super::Agents::create).
        "agents.create" => CreateAgent(CreateAgent),
        /// [`Agents::find`](super::Agents::find).
        "agents.get" => GetAgent(GetAgent),
        /// [`Agents::list`](super::Agents::list).
        "agents.list" => ListAgents(ListAgents),
        /// [`Agents::update`](super::Agents::update).
        "agents.update" => UpdateAgent(UpdateAgent),
        /// [`Agents::delete`](super::Agents::delete).
        "agents.delete" => DeleteAgent(DeleteAgent),
        /// [`Pools::create`](super::Pools::create).
        "pools.create" => CreatePool(CreatePool),
        /// [`Pools::find`](super::Pools::find).
        "pools.get" => GetPool(GetPool),
        /// [`Pools::list`](super::Pools::list).
        "pools.list" => ListPools(ListPools),
        /// [`Pools::members`](super::Pools::members).
        "pools.members" => ListMembers(ListMembers),
        /// [`Pools::update`](super::Pools::update).
        "pools.update" => UpdatePool(UpdatePool),
        /// [`Pools::delete`](super::Pools::delete).
        "pools.delete" => DeletePool(DeletePool),
        /// [`Budget::charge`](super::Budget::charge).
        "budget.charge" => Charge(Charge),
        /// [`Budget::hold`](super::Budget::hold).
        "budget.hold" => Hold(Hold),
        /// [`Budget::extend`](super::Budget::extend).
        "budget.extend" => ExtendHold(ExtendHold),
        /// [`Budget::draw`](super::Budget::draw).
        "budget.draw" => Draw(Draw),
        /// [`Budget::settle`](super::Budget::settle).
        "budget.settle" => Settle(Settle),
        /// [`Budget::release`](super::Budget::release).
        "budget.release" => Release(Release),
        /// [`Budget::record`](super::Budget::record).
        "budget.record" => Record(Record),
        /// [`Budget::refund`](super::Budget::refund).
        "budget.refund" => Refund(Refund),
        /// [`Budget::transfer`](super::Budget::transfer).
        "budget.transfer" => Transfer(Transfer),
        /// [`Budget::allocate`](super::Budget::allocate).
        "budget.allocate" => Allocate(Allocate),
        /// [`Budget::allocate_exactly`](super::Budget::allocate_exactly).
        "budget.allocate_exactly" => AllocateExactly(AllocateExactly),
        /// [`Budget::reclaim`](super::Budget::reclaim).
        "budget.reclaim" => Reclaim(Reclaim),
        /// [`Budget::suspend`](super::Budget::suspend).
        "budget.suspend" => Suspend(Suspend),
        /// [`Budget::resume`](super::Budget::resume).
        "budget.resume" => Resume(Resume),
        /// [`Budget::set_limit`](super::Budget::set_limit).
        "budget.set_limit" => SetLimit(SetLimit),
        /// [`Budget::remove_limit`](super::Budget::remove_limit).
        "budget.remove_limit" => RemoveLimit(RemoveLimit),
        /// [`Budget::set_remaining`](super::Budget::set_remaining).
        "budget.set_remaining" => SetRemaining(SetRemaining),
        /// [`Budget::set_protection`](super::Budget::set_protection).
        "budget.set_protection" => SetProtection(SetProtection),
        /// [`Budget::join`](super::Budget::join).
        "budget.join" => JoinPool(JoinPool),
        /// [`Budget::leave`](super::Budget::leave).
        "budget.leave" => LeavePool(LeavePool),
        /// [`Budget::account`](super::Budget::account).
        "budget.account" => GetAccount(GetAccount),
        /// [`Budget::usage`](super::Budget::usage).
        "budget.usage" => GetUsage(GetUsage),
        /// [`Budget::accounts`](super::Budget::accounts).
        "budget.accounts" => FindAccounts(FindAccounts),
        /// [`Budget::hold_view`](super::Budget::hold_view).
        "budget.hold_view" => GetHold(GetHold),
        /// [`Budget::entries`](super::Budget::entries).
        "budget.entries" => GetEntries(GetEntries),
        /// [`Budget::burn_rate`](super::Budget::burn_rate).
        "budget.burn_rate" => BurnRate(BurnRate),
        /// [`Approvals::request`](super::Approvals::request).
        "approvals.request" => RequestApproval(RequestApproval),
        /// [`Approvals::approve`](super::Approvals::approve).
        "approvals.approve" => ApproveChange(ApproveChange),
        /// [`Approvals::reject`](super::Approvals::reject).
        "approvals.reject" => RejectChange(RejectChange),
        /// [`Approvals::apply`](super::Approvals::apply).
        "approvals.apply" => ApplyApproval(ApplyApproval),
        /// [`Metrics::agent`](super::Metrics::agent).
        "metrics.agent" => GetAgentMetrics(GetAgentMetrics),
        /// [`Metrics::pool`](super::Metrics::pool).
        "metrics.pool" => GetPoolMetrics(GetPoolMetrics),
        /// [`Metrics::system`](super::Metrics::system).
        "metrics.system" => GetSystemMetrics(GetSystemMetrics),
        /// [`Metrics::workloads`](super::Metrics::workloads).
        "metrics.workloads" => GetWorkloads(GetWorkloads),
        /// [`Teams::find`](super::Teams::find).
        "teams.execute" => ExecuteTask(ExecuteTask),
        /// [`Runs::resume`](super::Runs::resume).
        "teams.resume" => ResumeRun(ResumeRun),
        /// [`Runs::list`](super::Runs::list).
        "runs.list" => ListRuns(ListRuns),
        /// [`Runs::view`](super::Runs::view).
        "runs.get" => GetRun(GetRun),
        /// [`Runs::entries`](super::Runs::entries).
        "runs.entries" => GetRunEntries(GetRunEntries),
        /// [`Discovery::advertise`](super::Discovery::advertise).
        "discovery.advertise" => Advertise(Advertise),
        /// [`Discovery::renew`](super::Discovery::renew).
        "discovery.renew" => RenewLease(RenewLease),
        /// [`Discovery::withdraw`](super::Discovery::withdraw).
        "discovery.withdraw" => Withdraw(Withdraw),
        /// [`Discovery::find`](super::Discovery::find).
        "discovery.find" => FindAgents(FindAgents),
        /// [`Discovery::agent`](super::Discovery::agent).
        "discovery.agent" => GetDiscovered(GetDiscovered),
    }
}

impl Request {
    /// Reads one object of JSON.
    ///
    /// # Errors
    ///
    /// Where it is no JSON, there is no such call, or a field is missing, not known, given twice, or wrong: the message
    /// names it and says what is allowed.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|error| Fault::BadRequest(error).into())
    }
}

macro_rules! each_is_a_request {
    ($($name:ident,)+) => {$(
        impl From<$name> for Request {
            fn from(request: $name) -> Self {
                Self::$name(request)
            }
        }
    )+};
}

each_is_a_request! {
    MintOperation, CreateAgent, GetAgent, ListAgents, UpdateAgent, DeleteAgent, CreatePool, GetPool, ListPools, ListMembers, UpdatePool, DeletePool, Charge, Hold, ExtendHold, Draw, Settle, Release, Record, Refund, Transfer, Allocate, AllocateExactly, Reclaim, Suspend, Resume, SetLimit, RemoveLimit, SetRemaining, SetProtection, JoinPool, LeavePool, GetAccount, GetUsage, FindAccounts, GetHold, GetEntries, BurnRate, RequestApproval, ApproveChange, RejectChange, ApplyApproval, GetAgentMetrics, GetPoolMetrics, GetSystemMetrics, GetWorkloads, ExecuteTask, ResumeRun, ListRuns, GetRun, GetRunEntries, Advertise, RenewLease, Withdraw, FindAgents, GetDiscovered,
}

/// Structs of one call each.
macro_rules! requests {
    ($(
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$about:meta])* $field:ident: $kind:ty,)*
            $(; $($(#[$more_about:meta])* $more:ident: $more_kind:ty,)+)?
        }
    )+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$about])* pub $field: $kind,)*
            $($($(#[$more_about])* pub $more: $more_kind,)+)?
        }

        impl $name {
            /// With all that must be said.
            #[allow(clippy::new_without_default, reason = "those without fields are made like the others")]
            pub fn new($($field: impl Into<$kind>),*) -> Self {
                Self { $($field: $field.into(),)* $($($more: Default::default(),)+)? }
            }
        }
    )+};
}

/// Structs of one ledger command each: under a name of the caller's, and with metadata for its entry.
macro_rules! commands {
    ($(
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$about:meta])* $field:ident: $kind:ty,)*
            $(; $($(#[$more_about:meta])* $more:ident: $more_kind:ty,)+)?
        }
    )+) => {
        $crate::v2::requests::requests! {$(
            $(#[$doc])*
            $name {
                $($(#[$about])* $field: $kind,)*
                /// The caller's name for it, a version 7 UUID. Asked again under the same name, it is answered again
                /// and done once.
                op: safeguards_types::OperationId,
                ;
                $($($(#[$more_about])* $more: $more_kind,)+)?
                /// Kept in its entry, for audit and reports: an object of at most 64 KiB. Left out, nothing.
                #[serde(default, skip_serializing_if = "safeguards_budget::Metadata::is_empty")]
                metadata: safeguards_budget::Metadata,
            }
        )+}

        $(
            impl From<$name> for safeguards_budget::Command {
                fn from(mut request: $name) -> Self {
                    let (op, metadata) = (request.op, std::mem::take(&mut request.metadata));
                    Self::new(op, request).with_metadata(metadata)
                }
            }

            impl $crate::v2::requests::Noted for $name {
                fn metadata(&mut self) -> &mut safeguards_budget::Metadata {
                    &mut self.metadata
                }
            }
        )+
    };
}

pub(super) use {commands, requests};

/// A request whose entry keeps metadata.
pub(super) trait Noted {
    fn metadata(&mut self) -> &mut Metadata;
}
