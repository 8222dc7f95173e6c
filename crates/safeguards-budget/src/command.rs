//! Commands: everything that can be asked of a ledger, as data.

use std::{collections::BTreeMap, fmt, num::NonZeroU32, time::Duration};

use safeguards_types::{AccountId, Amounts, OperationId, Priority, Quantity, Unit};
use serde::{Deserialize, Serialize};

use crate::{Denial, Limit, ProtectionStep, Window};

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
    /// Kept in the command's entry, for audit and reports. That of an opening is the account's too.
    pub metadata: Metadata,
    /// What is wrong with an amount that was given as a text which no [`Quantity`] can hold. It is denied with
    /// this, in the order of the denials.
    pub(crate) fault: Option<Box<Denial>>,
}

impl Command {
    /// Asks for `action` under the name `op`.
    pub fn new(op: OperationId, action: impl Into<Action>) -> Self {
        Self { op, action: action.into(), metadata: Metadata::new(), fault: None }
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
    /// Closes an account that has no open children and counts no open hold. Its name is never used again.
    CloseAccount {
        /// Which account.
        account: AccountId,
    },
    /// Sets a limit, or changes its amount, mode and warnings; its counters stay.
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
    /// Takes a limit away.
    RemoveLimit {
        /// Whose limit.
        account: AccountId,
        /// Of which unit.
        unit: Unit,
        /// Over which window.
        window: Window,
    },
    /// Sets which last parts of an account's limits are kept for whom.
    SetProtection {
        /// Whose limits.
        account: AccountId,
        /// The steps, in place of those there were.
        steps: Vec<ProtectionStep>,
    },
    /// Moves an account and everything below it. What was counted stays where it was counted.
    SetParent {
        /// Which account.
        account: AccountId,
        /// Below whom it stands from now on; none makes it a root.
        parent: Option<AccountId>,
        /// Where given, only an account that stands directly below this one moves; another is denied.
        from: Option<AccountId>,
    },
    /// Sets how much an account's work matters.
    SetPriority {
        /// Which account.
        account: AccountId,
        /// How much.
        priority: Priority,
    },
    /// Denies new spending at an account and everything below it.
    Suspend {
        /// Which account.
        account: AccountId,
        /// Why, for people; at most 1,024 bytes.
        reason: Option<String>,
    },
    /// Takes an account's own suspension back; those above it stay.
    Resume {
        /// Which account.
        account: AccountId,
        /// Why, for people; at most 1,024 bytes.
        reason: Option<String>,
    },
    /// Spends at once, if it fits.
    Charge(Charge),
    /// Sets aside now, to decide later.
    PlaceHold(PlaceHold),
    /// Gives a hold more time, counted from now. Never less than it has.
    ExtendHold {
        /// Which hold.
        hold: HoldId,
        /// How long from now: 1 s to 10⁹ s.
        ttl: Duration,
    },
    /// Records what was really spent under a hold, and ends it or leaves the rest held.
    Settle(Settle),
    /// Ends a hold with nothing spent.
    Release {
        /// Which hold.
        hold: HoldId,
    },
    /// Posts spending that has already happened and was never authorized.
    Record(Charge),
    /// Takes back a part or all of what was charged, settled or recorded.
    Refund {
        /// The operation that spent it.
        of: OperationId,
        /// How much comes back.
        amounts: Amounts,
    },
    /// Moves lifetime limit from an account to its sibling; the sum does not change.
    Transfer {
        /// Whose limit sinks.
        from: AccountId,
        /// Whose limit rises.
        to: AccountId,
        /// Of which unit.
        unit: Unit,
        /// By how much.
        amount: Quantity,
    },
    /// Sets the lifetime limits of several children of one account in one step.
    Allocate {
        /// Whose children.
        parent: AccountId,
        /// Of which unit.
        unit: Unit,
        /// The limit of each.
        shares: BTreeMap<AccountId, Quantity>,
    },
    /// Cuts what is free exactly, by weights, and gives each child its share on top of what it has used.
    Divide(Divide),
    /// In an emergency: raises the lifetime limit of one account by what its parent has unallocated, and then
    /// by what siblings of lower priority have left.
    Reclaim {
        /// Whose limit rises.
        account: AccountId,
        /// Of which unit.
        unit: Unit,
        /// By how much.
        amount: Quantity,
    },
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
    /// Where the ledger may find the spender at once.
    pub(crate) hint: Hint,
}

/// An account of one ledger, found at once: the fast path for who spends often.
///
/// Another ledger takes it as well; there the account is found by its name.
#[derive(Clone, Debug)]
pub struct AccountHandle {
    pub(crate) id: AccountId,
    pub(crate) hint: Hint,
}

impl AccountHandle {
    /// The account's name.
    pub const fn id(&self) -> &AccountId {
        &self.id
    }
}

/// The number of an account inside a ledger. It is checked against the name before it is believed, so it makes
/// no difference to what a command means, and two commands are equal whatever their hints.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hint {
    pub(crate) number: Option<NonZeroU32>,
}

impl PartialEq for Hint {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Hint {}

impl Charge {
    /// `amounts` spent by `account`.
    pub fn new(account: impl Into<AccountId>, amounts: impl Into<Amounts>) -> Self {
        let hint = Hint::default();
        Self { account: account.into(), amounts: amounts.into(), scopes: Vec::new(), hint }
    }

    /// `amounts` spent by an account that was looked up before.
    ///
    /// ```
    /// use safeguards_budget::{Charge, MemoryLedger, OpenAccount};
    /// use safeguards_types::usd;
    ///
    /// let ledger = MemoryLedger::new();
    /// ledger.sync().open_account(OpenAccount::new("reader"), ledger.operation())?;
    /// let reader = ledger.sync().handle(&"reader".into()).expect("it was just opened");
    /// ledger.sync().charge(Charge::by(&reader, usd!(0.42)), ledger.operation())?;
    /// # Ok::<(), safeguards_budget::Denial>(())
    /// ```
    pub fn by(account: &AccountHandle, amounts: impl Into<Amounts>) -> Self {
        Self { hint: account.hint, ..Self::new(account.id.clone(), amounts) }
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

/// What was really spent under a hold.
///
/// ```
/// use safeguards_budget::{HoldId, Settle};
/// use safeguards_types::{OperationIds, Timestamp, usd};
///
/// let hold = HoldId::placed_by(OperationIds::seeded(1).mint(Timestamp::UNIX_EPOCH));
/// // Drawn step by step: the rest stays held, and this step was a sub-agent's.
/// let step = Settle::new(hold, usd!(0.10)).keep_open().attribute_to("reader/search");
/// assert!(step.keep_open);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settle {
    /// Which hold.
    pub hold: HoldId,
    /// What was spent: may be less than what was held, or more, or nothing.
    pub amounts: Amounts,
    /// Whether the rest stays held, for further settlements.
    pub keep_open: bool,
    /// Who spent it, where that was not the hold's account itself but one below it.
    pub attribute_to: Option<AccountId>,
}

impl Settle {
    /// `amounts` spent under `hold`, which ends.
    pub fn new(hold: HoldId, amounts: impl Into<Amounts>) -> Self {
        Self { hold, amounts: amounts.into(), keep_open: false, attribute_to: None }
    }

    /// Leaves the rest held.
    #[must_use]
    pub fn keep_open(self) -> Self {
        Self { keep_open: true, ..self }
    }

    /// Says that `account`, which stands below the hold's account, spent it.
    #[must_use]
    pub fn attribute_to(self, account: impl Into<AccountId>) -> Self {
        Self { attribute_to: Some(account.into()), ..self }
    }
}

/// Cuts an amount by weights among children of one account, exactly.
///
/// ```
/// use safeguards_budget::Divide;
/// use safeguards_types::{Quantity, Unit, usd};
///
/// let weight = |weight| Quantity::from_units(weight).unwrap_or_default();
/// let plan = Divide::new("research", Unit::USD, [("reader", weight(7)), ("writer", weight(3))])
///     .amount(usd!(5).quantity())
///     .at_least(usd!(1).quantity());
/// assert_eq!(plan.weights.len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Divide {
    /// Whose children.
    pub parent: AccountId,
    /// Of which unit.
    pub unit: Unit,
    /// How much each counts. All zero means equal parts.
    pub weights: BTreeMap<AccountId, Quantity>,
    /// What is cut; none means all that is free.
    pub amount: Option<Quantity>,
    /// What each gets at the least.
    pub at_least: Quantity,
}

impl Divide {
    /// All that is free below `parent`, cut by `weights`.
    pub fn new<A: Into<AccountId>>(
        parent: impl Into<AccountId>,
        unit: Unit,
        weights: impl IntoIterator<Item = (A, Quantity)>,
    ) -> Self {
        let weights = weights.into_iter().map(|(account, weight)| (account.into(), weight));
        Self {
            parent: parent.into(),
            unit,
            weights: weights.collect(),
            amount: None,
            at_least: Quantity::ZERO,
        }
    }

    /// Cuts this much, and not all that is free.
    #[must_use]
    pub fn amount(self, amount: Quantity) -> Self {
        Self { amount: Some(amount), ..self }
    }

    /// Gives each this much at the least.
    #[must_use]
    pub fn at_least(self, at_least: Quantity) -> Self {
        Self { at_least, ..self }
    }
}

impl From<Settle> for Action {
    fn from(settle: Settle) -> Self {
        Self::Settle(settle)
    }
}

impl From<Divide> for Action {
    fn from(divide: Divide) -> Self {
        Self::Divide(divide)
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

impl Action {
    /// The stable name of the command, as in its wire form: `charge`, `place_hold`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RegisterUnit { .. } => "register_unit",
            Self::OpenAccount(_) => "open_account",
            Self::CloseAccount { .. } => "close_account",
            Self::SetLimit { .. } => "set_limit",
            Self::SetRemaining { .. } => "set_remaining",
            Self::RemoveLimit { .. } => "remove_limit",
            Self::SetProtection { .. } => "set_protection",
            Self::SetParent { .. } => "set_parent",
            Self::SetPriority { .. } => "set_priority",
            Self::Suspend { .. } => "suspend",
            Self::Resume { .. } => "resume",
            Self::Charge(_) => "charge",
            Self::PlaceHold(_) => "place_hold",
            Self::ExtendHold { .. } => "extend_hold",
            Self::Settle(_) => "settle",
            Self::Release { .. } => "release",
            Self::Record(_) => "record",
            Self::Refund { .. } => "refund",
            Self::Transfer { .. } => "transfer",
            Self::Allocate { .. } => "allocate",
            Self::Divide(_) => "divide",
            Self::Reclaim { .. } => "reclaim",
        }
    }
}

impl From<Command> for Batch {
    fn from(command: Command) -> Self {
        Self::independent([command])
    }
}
