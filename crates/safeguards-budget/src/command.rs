//! Commands: everything that can be asked of a ledger, as data.

use std::{fmt, time::Duration};

use safeguards_types::{AccountId, Amounts, OperationId, Priority, Quantity, Unit};
use serde::{Deserialize, Serialize};

use crate::{Limit, ProtectionStep, Window};

/// What people attach to commands and accounts: which model, which run and step, who approved.
///
/// Kept in the entry as it was given; a ledger reads nothing from it.
pub type Metadata = serde_json::Map<String, serde_json::Value>;

/// One thing asked of a ledger, under the caller's name for it.
///
/// The same operation id with the same command gives the first receipt again and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Command {
    /// The caller's name for this command.
    pub op: OperationId,
    /// What is asked.
    pub action: Action,
    /// Kept in the command's entry, for audit and reports.
    pub metadata: Metadata,
}

impl Command {
    /// Asks for `action` under the name `op`.
    pub fn new(op: OperationId, action: impl Into<Action>) -> Self {
        Self { op, action: action.into(), metadata: Metadata::new() }
    }

    /// Attaches metadata.
    #[must_use]
    pub fn with_metadata(self, metadata: Metadata) -> Self {
        Self { metadata, ..self }
    }
}

/// What a command asks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Makes a unit known, so that amounts may be counted in it.
    RegisterUnit {
        /// The unit; registering one again is accepted.
        unit: Unit,
    },
    /// Opens an account.
    OpenAccount(OpenAccount),
    /// Sets a limit, or changes its amount and warnings.
    SetLimit {
        /// Whose limit.
        account: AccountId,
        /// The limit. Its unit and window say which one it is.
        limit: Limit,
    },
    /// Sets a limit to what is spent and held plus `amount`, in one step.
    SetRemaining {
        /// Whose limit.
        account: AccountId,
        /// Of which unit.
        unit: Unit,
        /// Over which window.
        window: Window,
        /// What shall remain.
        amount: Quantity,
    },
    /// Spends at once, if it fits.
    Charge(Charge),
    /// Sets aside now, to decide later.
    PlaceHold(PlaceHold),
    /// Ends a hold by recording what was really spent; what is over returns.
    Settle {
        /// Which hold.
        hold: HoldId,
        /// What was spent: may be less than what was held, or more.
        amounts: Amounts,
    },
    /// Ends a hold with nothing spent.
    Release {
        /// Which hold.
        hold: HoldId,
    },
    /// Posts spending that has already happened and was never authorized.
    Record(Charge),
}

/// Opens an account.
///
/// ```
/// use safeguards_budget::{Limit, OpenAccount};
/// use safeguards_types::{Priority, usd};
///
/// let reader = OpenAccount::new("reader")
///     .under("research")
///     .priority(Priority::P7)
///     .limit(Limit::lifetime(usd!(4)));
/// assert_eq!(reader.parent, Some("research".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenAccount {
    /// Its name: 1 to 256 bytes, no control characters, never used before.
    pub account: AccountId,
    /// Whom it stands below; none makes it a root.
    pub parent: Option<AccountId>,
    /// How much its work matters.
    pub priority: Priority,
    /// Its limits, each unit and window at most once.
    pub limits: Vec<Limit>,
    /// Which last parts of its limits are kept for whom.
    pub protection: Vec<ProtectionStep>,
}

impl OpenAccount {
    /// A root account without limits, of the middle priority.
    pub fn new(account: impl Into<AccountId>) -> Self {
        Self {
            account: account.into(),
            parent: None,
            priority: Priority::default(),
            limits: Vec::new(),
            protection: Vec::new(),
        }
    }

    /// Puts it below `parent`.
    #[must_use]
    pub fn under(self, parent: impl Into<AccountId>) -> Self {
        Self { parent: Some(parent.into()), ..self }
    }

    /// Sets its priority.
    #[must_use]
    pub fn priority(self, priority: Priority) -> Self {
        Self { priority, ..self }
    }

    /// Adds a limit.
    #[must_use]
    pub fn limit(mut self, limit: Limit) -> Self {
        self.limits.push(limit);
        self
    }

    /// Keeps the last part of each of its limits for spenders that matter more.
    #[must_use]
    pub fn protect(mut self, step: ProtectionStep) -> Self {
        self.protection.push(step);
        self
    }
}

/// Spending, at an account and everything above it.
///
/// ```
/// use safeguards_budget::Charge;
/// use safeguards_types::{tokens, usd};
///
/// let charge = Charge::new("reader", [usd!(0.31), tokens!(1_240)]).scope("user/ada");
/// assert_eq!(charge.scopes.len(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Charge {
    /// Who spends.
    pub account: AccountId,
    /// How much, of each unit more than 0.
    pub amounts: Amounts,
    /// Accounts it counts at besides the spender and those above: a team's pool, a user, a model.
    pub scopes: Vec<AccountId>,
}

impl Charge {
    /// `amounts` spent by `account`.
    pub fn new(account: impl Into<AccountId>, amounts: impl Into<Amounts>) -> Self {
        Self { account: account.into(), amounts: amounts.into(), scopes: Vec::new() }
    }

    /// Counts it at `scope`, and everything above that, besides.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<AccountId>) -> Self {
        self.scopes.push(scope.into());
        self
    }
}

/// A charge whose amount is decided later: set aside now, for at most `ttl`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlaceHold {
    /// Who spends, how much at most, and where it counts.
    pub charge: Charge,
    /// How long it is set aside: 1 s to 10⁹ s. A hold that nobody ends frees itself.
    pub ttl: Duration,
}

impl PlaceHold {
    /// Sets `amounts` aside for `account`, for at most `ttl`.
    pub fn new(account: impl Into<AccountId>, amounts: impl Into<Amounts>, ttl: Duration) -> Self {
        Self { charge: Charge::new(account, amounts), ttl }
    }

    /// Counts it at `scope`, and everything above that, besides.
    #[must_use]
    pub fn scope(self, scope: impl Into<AccountId>) -> Self {
        Self { charge: self.charge.scope(scope), ..self }
    }
}

impl From<OpenAccount> for Action {
    fn from(open: OpenAccount) -> Self {
        Self::OpenAccount(open)
    }
}

impl From<Charge> for Action {
    fn from(charge: Charge) -> Self {
        Self::Charge(charge)
    }
}

impl From<PlaceHold> for Action {
    fn from(place: PlaceHold) -> Self {
        Self::PlaceHold(place)
    }
}

/// Names a hold: the id of the operation that placed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HoldId(OperationId);

impl HoldId {
    /// The hold that the operation `op` placed.
    pub const fn placed_by(op: OperationId) -> Self {
        Self(op)
    }

    /// The operation that placed it.
    pub const fn op(self) -> OperationId {
        self.0
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

/// Commands that are submitted together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batch {
    /// The commands, applied in this order.
    pub commands: Vec<Command>,
    /// Whether all take effect or none does. Later commands see the effects of earlier ones either way.
    pub linked: bool,
}

impl Batch {
    /// Commands that stand each for itself.
    pub fn independent(commands: impl Into<Vec<Command>>) -> Self {
        Self { commands: commands.into(), linked: false }
    }

    /// Commands of which all take effect or none does.
    pub fn linked(commands: impl Into<Vec<Command>>) -> Self {
        Self { commands: commands.into(), linked: true }
    }
}

impl From<Command> for Batch {
    fn from(command: Command) -> Self {
        Self::independent([command])
    }
}
