//! Versioned APIs over the Safeguards crates, and the team file.
//!
//! - [`Safeguards`] joins ledger, alerts, registry, clock and prices; [`v1`] and [`v2`] are thin translations onto it.
//! - [`Builder`] takes each part as a value and checks that they fit together; [`blocking`] has the same verbs for
//!   programs without a runtime.
//! - [`AlertingLedger`] turns what a ledger answers into alerts; [`ledger_alerts`] are those alerts as values.
//! - [`ObservedLedger`] tells spans and metrics of a ledger's commands; [`telemetry`] has the names.
//! - [`Config`] is one file that configures all of it; [`TeamSpec`] is a team as a file describes it: parsed, checked,
//!   then bound.
//! - [`limit_text`] reads what people write for limits.

mod alerting;
mod amount_text;
mod answers;
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
mod observed;
mod refused;
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
mod text_call;
pub mod v1;
pub mod v2;
mod version;

#[cfg(unix)]
pub use self::team_spec::{BindError, BoundTeam};
pub use alerting::facts as ledger_alerts;
pub use observed::telemetry;
pub use v2 as latest;

pub use self::{
    alerting::AlertingLedger,
    build_error::BuildError,
    builder::Builder,
    discovering::Watch,
    error::{BudgetError, ChangeError, CreateError},
    metrics::RECENT,
    observed::ObservedLedger,
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

// The crates that signatures here name, so that who uses this one needs no other.
pub use safeguards_budget as budget;
pub use safeguards_coord as coord;
pub use safeguards_discovery as discovery;
pub use safeguards_notify as notify;
pub use safeguards_pricing as pricing;
pub use safeguards_types as types;

// What the page shows is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
