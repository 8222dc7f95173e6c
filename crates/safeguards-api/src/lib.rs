//! Versioned APIs over the Safeguards crates, and the team file.
//!
//! - [`Safeguards`] joins ledger, alerts, registry, clock and prices; [`v1`] and [`v2`] are thin translations onto it.
//! - [`Builder`] takes each part as a value and checks that they fit together; [`blocking`] has the same verbs for
//!   programs without a runtime.
//! - [`AlertingLedger`] turns what a ledger answers into alerts; [`ledger_alerts`] are those alerts as values.
//! - [`Config`] is one file that configures all of it; [`TeamSpec`] is a team as a file describes it: parsed, checked,
//!   then bound.
//! - [`limit_text`] reads what people write for limits.

mod alerting;
pub mod blocking;
mod bounded_file;
mod build_error;
mod builder;
mod core;
mod directory;
mod discovering;
mod due;
mod endings;
mod error;
pub mod limit_text;
mod metrics;
mod request;
mod running;
mod safeguards;
#[cfg(feature = "mock")]
pub mod sample;
mod stores;
mod swept_state;
mod tagged;
mod team_spec;
mod terms;
pub mod v1;
pub mod v2;
mod version;

#[cfg(unix)]
pub use self::team_spec::{BindError, BoundTeam};
pub use alerting::facts as ledger_alerts;
pub use v2 as latest;

pub use self::{
    alerting::AlertingLedger,
    build_error::BuildError,
    builder::Builder,
    discovering::Watch,
    error::{BudgetError, ChangeError, CreateError},
    metrics::RECENT,
    request::RequestFuture,
    running::Running,
    safeguards::Safeguards,
    stores::Stores,
    team_spec::{
        AgentSpec, AlertSpec, AlertTarget, AlertsError, Config, ConfigError, EmailTarget, EmailTls,
        FileTarget, GraphSpec, HandOverSpec, Mistake, MistakeKind, PoolSpec, RunSpec, Secret,
        SecretSource, ServiceLimits, Setting, SlackTarget, SpreadSpec, StrategySpec,
        SupervisorSpec, TeamFileError, TeamSpec, VariableSpec, VoteSpec, WebhookTarget,
    },
    version::{ApiVersion, UnknownVersion},
};
