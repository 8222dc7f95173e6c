//! Versioned APIs over the Safeguards crates, and the team file.
//!
//! - [`Safeguards`] joins ledger, alerts, clock and prices; [`v1`] and [`v2`] are thin translations onto it.
//! - [`AlertingLedger`] turns what a ledger answers into alerts.
//! - [`TeamSpec`] is a team as a file describes it: parsed, checked, then bound.
//! - [`limit_text`] reads what people write for limits.

mod alerting;
mod core;
mod directory;
mod endings;
mod error;
mod filtered;
pub mod limit_text;
mod request;
mod safeguards;
mod team_spec;
mod terms;
pub mod v1;
pub mod v2;
mod version;

#[cfg(unix)]
pub use self::team_spec::{BindError, BoundTeam};
pub use v2 as latest;

pub use self::{
    alerting::AlertingLedger,
    error::{BudgetError, CreateError},
    filtered::FilteredChannel,
    request::RequestFuture,
    safeguards::{BuildError, Builder, Safeguards},
    team_spec::{
        AgentSpec, AlertSpec, AlertTarget, Mistake, MistakeKind, PoolSpec, StrategySpec,
        TeamFileError, TeamSpec, VariableSpec,
    },
    version::{ApiVersion, UnknownVersion},
};
