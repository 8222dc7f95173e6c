//! [`Error`]: everything that can go wrong, for programs that pass it on with `?`.

use std::{error, fmt};

#[cfg(unix)]
use safeguards_api::BindError;
use safeguards_api::{
    AlertsError, BudgetError, BuildError, ChangeError, ConfigError, CreateError, TeamFileError,
    UnknownVersion,
    blocking::{BlockingError, WaitError},
    limit_text::LimitTextError,
    v1,
    v2::{self, WithHoldError, WorkloadError},
};
use safeguards_budget::{
    AllocationError, ApprovalError, BurnRateError, CommandError, Denial, LedgerError, PercentError,
    SettleError, WindowError,
};
#[cfg(feature = "cards")]
use safeguards_cards::CardError;
use safeguards_coord::{
    AgentError, GraphError, InvalidState, RunError, RunStoreError, StateError, StateStoreError,
    TeamError, UnknownStrategy,
};
use safeguards_discovery::{
    ChangesError, FindError, InvalidField, RegisterError, RegistryError, RenewError, WithdrawError,
};
#[cfg(feature = "email")]
use safeguards_notify::EmailError;
use safeguards_notify::{
    AlertError, AlertStoreError, AskError, EventBusError, FileError, GroupLabelError, MarkError,
    PublishError, ResendError, RulesError, StartError, SubscribeError, TemplateError, TopicError,
};
#[cfg(feature = "webhook")]
use safeguards_notify::{
    WebhookError,
    webhook::{SecretError, VerifyError},
};
use safeguards_pricing::{
    MixedUnits, ModelNameError, PriceError, PriceFileError, RateError, UsageError,
};
#[cfg(feature = "redb")]
use safeguards_redb::{DumpError, LoadError, OpenError};
use safeguards_types::{
    AmountError, OperationIdError, PriorityError, QuantityError, SeverityError, TimestampError,
    duration_text::DurationTextError,
};

/// Everything that can go wrong. Each part has an error of its own; this takes each of them.
///
/// ```
/// use safeguards::{Error, prelude::*};
///
/// async fn spend(sg: &Safeguards) -> Result<Receipt, Error> {
///     let reader = sg.v2().agents().create("reader", Amount::parse("1 USD")?, P5).await?;
///     Ok(sg.v2().budget().charge(&reader, usd!(2), sg.operation()).await?)
/// }
///
/// # #[tokio::main]
/// # async fn main() {
/// let error = spend(&Safeguards::in_memory()).await.unwrap_err();
/// assert_eq!(error.code(), "budget.limit_exceeded");
/// assert!(error.denial().is_some());
///
/// // What a program prints that returns it from `main`: the code, and what is wrong in words.
/// let printed = format!("{error:?}");
/// assert!(printed.starts_with("budget.limit_exceeded: denied: reader has 1.00 USD left"), "{printed}");
/// # }
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An agent or pool was not made.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A budget was not read or set.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// An agent or pool was not changed, moved or deleted.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// A call of version 1 was not carried out; it is told as JSON tells it.
    #[error(transparent)]
    V1(#[from] v1::Error),
    /// A call of version 2 that was asked as a plain value was not carried out.
    #[error(transparent)]
    V2(#[from] v2::Error),
    /// It is not told how busy agents are.
    #[error(transparent)]
    Workload(#[from] WorkloadError),
    /// A command of the ledger was not carried out.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A hold could not be ended; the error gives it back.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// The ledger could not answer.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A plan for limits was not carried out.
    #[error(transparent)]
    Allocation(#[from] AllocationError),
    /// A change that needs leave did not come further.
    #[error(transparent)]
    Approval(#[from] ApprovalError),
    /// A burn rate cannot be told.
    #[error(transparent)]
    BurnRate(#[from] BurnRateError),
    /// Parts do not fit together.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The blocking API was called where nobody can wait.
    #[error(transparent)]
    Blocking(#[from] BlockingError),
    /// A team file has mistakes.
    #[error(transparent)]
    TeamFile(#[from] TeamFileError),
    /// A configuration has mistakes.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Alerts of a file cannot be delivered as it says.
    #[error(transparent)]
    AlertTargets(#[from] AlertsError),
    /// A team file could not be bound.
    #[cfg(unix)]
    #[error(transparent)]
    Bind(#[from] BindError),
    /// There is no such team.
    #[error(transparent)]
    Team(#[from] TeamError),
    /// A run could not begin.
    #[error(transparent)]
    Run(#[from] RunError),
    /// What was written down of runs cannot be read, or nothing be written.
    #[error(transparent)]
    RunStore(#[from] RunStoreError),
    /// No strategy has this name.
    #[error(transparent)]
    Strategy(#[from] UnknownStrategy),
    /// A task graph refused a task or a dependency.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Something that was said for discovery cannot be used, such as the name of a capability.
    #[error(transparent)]
    Discovery(#[from] InvalidField),
    /// An agent was not registered.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// A lease was not renewed.
    #[error(transparent)]
    Renew(#[from] RenewError),
    /// A capability was not withdrawn, or an agent not deleted.
    #[error(transparent)]
    Withdraw(#[from] WithdrawError),
    /// Nobody was looked for.
    #[error(transparent)]
    Find(#[from] FindError),
    /// Changes of a registry were not told.
    #[error(transparent)]
    Changes(#[from] ChangesError),
    /// A registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Shared state was not read, written or watched.
    #[error(transparent)]
    State(#[from] StateError),
    /// A store of shared state failed.
    #[error(transparent)]
    StateStore(#[from] StateStoreError),
    /// A text is no topic, or no filter of topics.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// An alert cannot be as it is.
    #[error(transparent)]
    Alert(#[from] AlertError),
    /// Rules for alerts have mistakes.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// A text is no template of a message.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Alerts cannot be grouped by this.
    #[error(transparent)]
    GroupLabel(#[from] GroupLabelError),
    /// An alert was not acknowledged or resolved.
    #[error(transparent)]
    Mark(#[from] MarkError),
    /// A dead letter was not sent again.
    #[error(transparent)]
    Resend(#[from] ResendError),
    /// A store of alerts failed.
    #[error(transparent)]
    AlertStore(#[from] AlertStoreError),
    /// An event was not published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// Events were not subscribed to.
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
    /// A question got no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// An event bus failed.
    #[error(transparent)]
    EventBus(#[from] EventBusError),
    /// A file for alerts could not be opened.
    #[error(transparent)]
    AlertFile(#[from] FileError),
    /// A channel to a webhook or a chat cannot be.
    #[cfg(feature = "webhook")]
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// A text is no secret that webhooks are signed with.
    #[cfg(feature = "webhook")]
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// What a webhook received is not what was sent.
    #[cfg(feature = "webhook")]
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A channel to a mail server cannot be.
    #[cfg(feature = "email")]
    #[error(transparent)]
    Email(#[from] EmailError),
    /// Alerts are not delivered.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A usage has no price.
    #[error(transparent)]
    Price(#[from] PriceError),
    /// A file of prices has a mistake.
    #[error(transparent)]
    PriceFile(#[from] PriceFileError),
    /// A text is no rate.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// A text is no name of a model.
    #[error(transparent)]
    ModelName(#[from] ModelNameError),
    /// A usage contradicts itself.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// Rates of one price are in different units.
    #[error(transparent)]
    MixedUnits(#[from] MixedUnits),
    /// A text is no amount.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// A text is no limit.
    #[error(transparent)]
    Limit(#[from] LimitTextError),
    /// There is no such window.
    #[error(transparent)]
    Window(#[from] WindowError),
    /// A text is no percentage.
    #[error(transparent)]
    Percent(#[from] PercentError),
    /// There is no such version of the API.
    #[error(transparent)]
    Version(#[from] UnknownVersion),
    /// An agent failed.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// A text is no exact number.
    #[error(transparent)]
    Quantity(#[from] QuantityError),
    /// A text is no instant.
    #[error(transparent)]
    Timestamp(#[from] TimestampError),
    /// A text is no operation id.
    #[error(transparent)]
    OperationId(#[from] OperationIdError),
    /// A number is no priority.
    #[error(transparent)]
    Priority(#[from] PriorityError),
    /// A text is no severity.
    #[error(transparent)]
    Severity(#[from] SeverityError),
    /// A text is no span of time.
    #[error(transparent)]
    Duration(#[from] DurationTextError),
    /// A durable file was not opened.
    #[cfg(feature = "redb")]
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A durable file was not dumped as a whole.
    #[cfg(feature = "redb")]
    #[error(transparent)]
    Dump(#[from] DumpError),
    /// No durable file was made of a dump.
    #[cfg(feature = "redb")]
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A description of an agent cannot be read or written.
    #[cfg(feature = "cards")]
    #[error(transparent)]
    Card(#[from] CardError),
}

/// What cannot be used by shared state, such as a text that is no key.
impl From<InvalidState> for Error {
    fn from(error: InvalidState) -> Self {
        Self::State(error.into())
    }
}

/// What a request failed with that was waited for, or that nobody could wait.
impl<E> From<WaitError<E>> for Error
where
    Self: From<E>,
{
    fn from(error: WaitError<E>) -> Self {
        match error {
            WaitError::Blocking(error) => error.into(),
            WaitError::Request(error) => error.into(),
        }
    }
}

/// What work under a hold gave is lost with it: who needs that takes the error apart.
impl<T> From<WithHoldError<T>> for Error {
    fn from(error: WithHoldError<T>) -> Self {
        match error {
            WithHoldError::Hold(error) => error.into(),
            WithHoldError::Settle { source, .. } => (*source).into(),
        }
    }
}

/// The code, what is wrong in words, and its causes: what a program prints that returns it from `main`.
impl fmt::Debug for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {self}", self.code())?;
        let mut cause = error::Error::source(self);
        while let Some(error) = cause {
            write!(out, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Error {
    /// The stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Create(error) => error.code(),
            Self::Budget(error) => error.code(),
            Self::Change(error) => error.code(),
            Self::V1(error) => error.code.as_str(),
            Self::V2(error) => error.code.as_str(),
            Self::Workload(error) => error.code(),
            Self::Command(error) => error.code(),
            Self::Settle(error) => error.error().code(),
            Self::Ledger(error) => error.code(),
            Self::Build(error) => error.code(),
            Self::Blocking(error) => error.code(),
            Self::TeamFile(error) => error.code(),
            Self::Config(error) => error.code(),
            Self::AlertTargets(error) => error.code(),
            #[cfg(unix)]
            Self::Bind(error) => error.code(),
            Self::Team(error) => error.code(),
            Self::Run(error) => error.code(),
            Self::RunStore(error) => error.code(),
            Self::Strategy(error) => error.code(),
            Self::Graph(error) => error.code(),
            Self::Discovery(error) => error.code(),
            Self::Register(error) => error.code(),
            Self::Renew(error) => error.code(),
            Self::Withdraw(error) => error.code(),
            Self::Find(error) => error.code(),
            Self::Changes(error) => error.code(),
            Self::Registry(error) => error.code(),
            Self::State(error) => error.code(),
            Self::StateStore(error) => error.code(),
            Self::Topic(error) => error.code(),
            Self::Alert(error) => error.code(),
            Self::Rules(error) => error.code(),
            Self::Template(error) => error.code(),
            Self::GroupLabel(error) => error.code(),
            Self::Mark(error) => error.code(),
            Self::Resend(error) => error.code(),
            Self::AlertStore(error) => error.code(),
            Self::Publish(error) => error.code(),
            Self::Subscribe(error) => error.code(),
            Self::Ask(error) => error.code(),
            Self::EventBus(error) => error.code(),
            Self::AlertFile(error) => error.code(),
            #[cfg(feature = "webhook")]
            Self::Webhook(error) => error.code(),
            #[cfg(feature = "webhook")]
            Self::Secret(error) => error.code(),
            #[cfg(feature = "webhook")]
            Self::Verify(error) => error.code(),
            #[cfg(feature = "email")]
            Self::Email(error) => error.code(),
            Self::Start(error) => error.code(),
            Self::Price(error) => error.code(),
            Self::PriceFile(error) => error.code(),
            Self::Limit(error) => error.code(),
            Self::Agent(error) => error.code(),
            #[cfg(feature = "redb")]
            Self::Open(error) => error.code(),
            #[cfg(feature = "redb")]
            Self::Dump(error) => error.code(),
            #[cfg(feature = "redb")]
            Self::Load(error) => error.code(),
            #[cfg(feature = "cards")]
            Self::Card(error) => error.code(),
            Self::Allocation(error) => error.code(),
            Self::Approval(error) => error.code(),
            Self::BurnRate(error) => error.code(),
            Self::Amount(_) | Self::Quantity(_) => "config.amount",
            Self::Window(_) => "config.window",
            Self::Percent(_)
            | Self::Rate(_)
            | Self::ModelName(_)
            | Self::MixedUnits(_)
            | Self::Timestamp(_)
            | Self::OperationId(_)
            | Self::Priority(_)
            | Self::Severity(_)
            | Self::Duration(_) => "config.value",
            Self::Usage(_) => "pricing.usage_invalid",
            Self::Version(_) => "api.unknown_version",
        }
    }

    /// What the ledger refused with; `None` where no budget said no.
    pub const fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Create(error) => error.denial(),
            Self::Budget(error) => error.denial(),
            Self::Change(error) => error.denial(),
            Self::Command(error) => error.denial(),
            Self::Allocation(error) => error.denial(),
            Self::Approval(error) => error.denial(),
            Self::Settle(error) => error.error().denial(),
            #[cfg(unix)]
            Self::Bind(BindError::Denied { denial, .. }) => Some(denial),
            _ => None,
        }
    }
}
