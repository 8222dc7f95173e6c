//! [`Error`]: everything that can go wrong, for programs that pass it on with `?`.

#[cfg(unix)]
use safeguards_api::BindError;
use safeguards_api::{
    BudgetError, BuildError, CreateError, TeamFileError, UnknownVersion,
    blocking::{BlockingError, WaitError},
    limit_text::LimitTextError,
};
use safeguards_budget::{
    CommandError, Denial, LedgerError, PercentError, SettleError, WindowError,
};
use safeguards_coord::{AgentError, InvalidState, RunError, StateError, TeamError};
use safeguards_discovery::{
    ChangesError, FindError, InvalidField, RegisterError, RegistryError, RenewError, WithdrawError,
};
use safeguards_notify::{FileError, StartError, TopicError};
use safeguards_pricing::{PriceError, PriceFileError};
use safeguards_types::{
    AmountError, OperationIdError, PriorityError, QuantityError, SeverityError, TimestampError,
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
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An agent or pool was not made.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A budget was not read or set.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// A command of the ledger was not carried out.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A hold could not be ended; the error gives it back.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// The ledger could not answer.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Parts do not fit together.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The blocking API was called where nobody can wait.
    #[error(transparent)]
    Blocking(#[from] BlockingError),
    /// A team file has mistakes.
    #[error(transparent)]
    TeamFile(#[from] TeamFileError),
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
    /// A text is no topic, or no filter of topics.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// A file for alerts could not be opened.
    #[error(transparent)]
    AlertFile(#[from] FileError),
    /// Alerts are not delivered.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A usage has no price.
    #[error(transparent)]
    Price(#[from] PriceError),
    /// A file of prices has a mistake.
    #[error(transparent)]
    PriceFile(#[from] PriceFileError),
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

impl Error {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Create(error) => error.code(),
            Self::Budget(error) => error.code(),
            Self::Command(error) => error.code(),
            Self::Settle(error) => error.error().code(),
            Self::Ledger(error) => error.code(),
            Self::Build(error) => error.code(),
            Self::Blocking(error) => error.code(),
            Self::TeamFile(error) => error.code(),
            #[cfg(unix)]
            Self::Bind(error) => error.code(),
            Self::Team(error) => error.code(),
            Self::Run(error) => error.code(),
            Self::Discovery(error) => error.code(),
            Self::Register(error) => error.code(),
            Self::Renew(error) => error.code(),
            Self::Withdraw(error) => error.code(),
            Self::Find(error) => error.code(),
            Self::Changes(error) => error.code(),
            Self::Registry(error) => error.code(),
            Self::State(error) => error.code(),
            Self::Topic(error) => error.code(),
            Self::AlertFile(error) => error.code(),
            Self::Start(error) => error.code(),
            Self::Price(error) => error.code(),
            Self::PriceFile(error) => error.code(),
            Self::Agent(error) => error.code(),
            Self::Amount(_) | Self::Quantity(_) => "config.amount",
            Self::Limit(error) => error.code(),
            Self::Window(_) => "config.window",
            Self::Percent(_)
            | Self::Timestamp(_)
            | Self::OperationId(_)
            | Self::Priority(_)
            | Self::Severity(_) => "config.value",
            Self::Version(_) => "api.unknown_version",
        }
    }

    /// What the ledger refused with; `None` where no budget said no.
    pub const fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Create(error) => error.denial(),
            Self::Budget(error) => error.denial(),
            Self::Command(error) => error.denial(),
            Self::Settle(error) => error.error().denial(),
            #[cfg(unix)]
            Self::Bind(BindError::Denied { denial, .. }) => Some(denial),
            _ => None,
        }
    }
}
