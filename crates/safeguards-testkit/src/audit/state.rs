//! What the entries so far say: accounts, limits, holds, and what can be refunded.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
    sync::Arc,
};

use safeguards_budget::{
    AccountState, EntryId, HoldId, HoldState, Limit, Metadata, Part, ProtectionStep, Window,
};
use safeguards_types::{
    AccountId, Amount, Amounts, OperationId, Priority, Quantity, Timestamp, Unit,
};

#[derive(Debug)]
pub(super) struct State {
    pub(super) nodes: HashMap<AccountId, Node>,
    /// Every account, in the order in which they were opened.
    pub(super) opened: Vec<AccountId>,
    pub(super) holds: HashMap<HoldId, HoldRecord>,
    /// Open holds, by when they are due.
    pub(super) due: BTreeSet<(Timestamp, HoldId)>,
    pub(super) spendings: HashMap<EntryId, Spending>,
    pub(super) units: HashSet<Unit>,
    pub(super) ops: HashSet<OperationId>,
    pub(super) revision: Option<EntryId>,
    /// The latest instant of any entry.
    pub(super) latest: Timestamp,
}

impl Default for State {
    fn default() -> Self {
        Self {
            nodes: HashMap::new(),
            opened: Vec::new(),
            holds: HashMap::new(),
            due: BTreeSet::new(),
            spendings: HashMap::new(),
            units: HashSet::from([Unit::USD, Unit::TOKENS, Unit::REQUESTS]),
            ops: HashSet::new(),
            revision: None,
            latest: Timestamp::UNIX_EPOCH,
        }
    }
}

/// An account.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) parent: Option<AccountId>,
    pub(super) state: AccountState,
    pub(super) priority: Priority,
    pub(super) protection: Vec<ProtectionStep>,
    pub(super) metadata: Metadata,
    /// Every unit of which more than 0 was ever counted or held.
    pub(super) counters: BTreeMap<Unit, Counters>,
    pub(super) caps: Vec<Cap>,
    /// How many limits it ever had.
    pub(super) caps_made: u32,
    /// In how many frozen sets of open holds it stands.
    pub(super) open_holds: u64,
}

/// What an account has counted of one unit in its lifetime, in steps of 10⁻¹².
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) spent: i128,
    pub(super) held: i128,
    pub(super) spent_directly: i128,
    pub(super) held_directly: i128,
}

/// A limit. One that is removed and set anew is another, with another number.
#[derive(Debug)]
pub(super) struct Cap {
    /// Which of the account's limits it is, in the order in which they were made, from 0.
    pub(super) serial: u32,
    pub(super) limit: Limit,
    /// The window that it counted in last; `None` for a lifetime.
    pub(super) span: Option<Span>,
}

/// A window of a limit, with what was counted in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) started_at: Timestamp,
    pub(super) ends_at: Timestamp,
    pub(super) used: Used,
}

/// What is spent and held, in steps of 10⁻¹².
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    pub(super) spent: i128,
    pub(super) held: i128,
}

impl Used {
    pub(super) fn sum(self) -> i128 {
        self.spent.saturating_add(self.held)
    }
}

/// One limit of one account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CapAt {
    pub(super) account: AccountId,
    pub(super) serial: u32,
}

/// A window in which a hold or a spending was counted.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    pub(super) cap: CapAt,
    pub(super) started_at: Timestamp,
    pub(super) ends_at: Timestamp,
    pub(super) part: Part,
}

#[derive(Debug)]
pub(super) struct HoldRecord {
    pub(super) spender: AccountId,
    pub(super) set: Arc<[AccountId]>,
    pub(super) left: Amounts,
    pub(super) expires_at: Timestamp,
    pub(super) state: HoldState,
    /// The windows of its placement.
    pub(super) counted: Vec<Counted>,
}

/// What an entry spent and what of it was not refunded yet.
#[derive(Debug)]
pub(super) struct Spending {
    pub(super) op: OperationId,
    pub(super) spender: AccountId,
    pub(super) set: Arc<[AccountId]>,
    pub(super) excess: Amounts,
    pub(super) held_part: Amounts,
    pub(super) counted: Vec<Counted>,
}

impl Span {
    /// Whether this window has ended. One that is cut at the end of time never does.
    pub(super) fn is_over(&self, at: Timestamp) -> bool {
        self.ends_at <= at && self.ends_at < Timestamp::MAX
    }

    pub(super) fn is(&self, started_at: Timestamp, ends_at: Timestamp) -> bool {
        self.started_at == started_at && self.ends_at == ends_at
    }
}

impl Node {
    pub(super) fn new(
        parent: Option<AccountId>,
        priority: Priority,
        protection: Vec<ProtectionStep>,
    ) -> Self {
        Self {
            parent,
            state: AccountState::Open,
            priority,
            protection,
            metadata: Metadata::new(),
            counters: BTreeMap::new(),
            caps: Vec::new(),
            caps_made: 0,
            open_holds: 0,
        }
    }

    pub(super) fn cap(&self, unit: &Unit, window: &Window) -> Option<&Cap> {
        self.caps.iter().find(|cap| cap.limit.unit == *unit && cap.limit.window == *window)
    }

    pub(super) fn lifetime_cap(&self, unit: &Unit) -> Option<&Cap> {
        self.cap(unit, &Window::Lifetime)
    }

    /// The lifetime hard limit; `None` where there is none, or one that does not deny.
    pub(super) fn lifetime_hard(&self, unit: &Unit) -> Option<i128> {
        let cap = self.lifetime_cap(unit).filter(|cap| cap.limit.is_hard())?;
        Some(cap.limit.amount.steps())
    }

    pub(super) fn counters(&self, unit: &Unit) -> Counters {
        self.counters.get(unit).copied().unwrap_or_default()
    }

    /// What a limit has counted in the window of an instant.
    pub(super) fn used(&self, cap: &Cap, at: Timestamp) -> Used {
        match &cap.span {
            None => {
                let Counters { spent, held, .. } = self.counters(&cap.limit.unit);
                Used { spent, held }
            }
            Some(span) if span.is_over(at) => Used::default(),
            Some(span) => span.used,
        }
    }

    /// What is left of the lifetime hard limit; never below 0.
    pub(super) fn left(&self, unit: &Unit) -> Option<i128> {
        let Counters { spent, held, .. } = self.counters(unit);
        let limit = self.lifetime_hard(unit)?;
        Some(limit.saturating_sub(spent).saturating_sub(held).max(0))
    }

    /// What of a limit is kept from a spender of this priority: the largest step that is for more, rounded up.
    pub(super) fn protected(&self, limit: &Limit, priority: Priority) -> i128 {
        /// Steps in a hundred percent.
        const WHOLE: i128 = Quantity::ONE.steps().saturating_mul(100);
        let kept = self.protection.iter().filter(|step| step.from > priority);
        let shares = kept.filter_map(|step| step.last.to_string().parse::<Quantity>().ok());
        let share = shares.max().unwrap_or_default().steps();
        let amount = limit.amount.steps();
        // The product alone would not fit; what the whole hundredths give, and what their rest gives, do.
        let (parts, rest) = (amount.div_euclid(WHOLE), amount.rem_euclid(WHOLE));
        let of_rest = rest.saturating_mul(share);
        let rounded_up = of_rest.saturating_add(WHOLE.saturating_sub(1)).div_euclid(WHOLE);
        parts.saturating_mul(share).saturating_add(rounded_up)
    }
}

impl State {
    /// The account and all above it.
    pub(super) fn chain<'s>(&'s self, id: &'s AccountId) -> impl Iterator<Item = &'s AccountId> {
        let parent = |id: &&'s AccountId| self.nodes.get(*id).and_then(|node| node.parent.as_ref());
        // A tree in which an entry made a cycle must not keep the auditor for ever.
        std::iter::successors(Some(id), parent).take(self.nodes.len().max(1))
    }

    /// The spender and all above it, then each scope likewise; each account once.
    pub(super) fn charge_set(&self, spender: &AccountId, scopes: &[AccountId]) -> Vec<AccountId> {
        let mut set: Vec<AccountId> = Vec::new();
        for start in std::iter::once(spender).chain(scopes) {
            for id in self.chain(start) {
                if !set.contains(id) {
                    set.push(id.clone());
                }
            }
        }
        set
    }

    pub(super) fn children<'s>(
        &'s self,
        of: &AccountId,
    ) -> impl Iterator<Item = (&'s AccountId, &'s Node)> {
        self.nodes.iter().filter(move |(_, node)| node.parent.as_ref() == Some(of))
    }

    pub(super) fn priority(&self, account: &AccountId) -> Priority {
        self.nodes.get(account).map(|node| node.priority).unwrap_or_default()
    }

    /// The first account of a set that is not open.
    pub(super) fn stopped<'i>(
        &self,
        set: &'i [AccountId],
    ) -> Option<(&'i AccountId, AccountState)> {
        set.iter().find_map(|id| {
            let state = self.nodes.get(id)?.state;
            (state != AccountState::Open).then_some((id, state))
        })
    }

    /// A hold that counts at the set and was due at `at`.
    pub(super) fn unswept(&self, at: Timestamp, set: &[AccountId]) -> Option<(Timestamp, HoldId)> {
        let due = self.due.iter().take_while(|(due, _)| *due <= at);
        due.copied().find(|(_, hold)| {
            let held = self.holds.get(hold);
            held.is_some_and(|held| held.set.iter().any(|account| set.contains(account)))
        })
    }

    pub(super) fn cap(&self, at: &CapAt) -> Option<&Cap> {
        self.nodes.get(&at.account)?.caps.iter().find(|cap| cap.serial == at.serial)
    }

    pub(super) fn cap_mut(&mut self, at: &CapAt) -> Option<&mut Cap> {
        self.nodes.get_mut(&at.account)?.caps.iter_mut().find(|cap| cap.serial == at.serial)
    }

    /// For each unit the least that the hard limits of the set leave; what is protected is not subtracted.
    pub(super) fn available(&self, set: &[AccountId], units: &[Unit], at: Timestamp) -> Amounts {
        let mut available = Amounts::none();
        for unit in units {
            let nodes = set.iter().filter_map(|id| self.nodes.get(id));
            let left = nodes.flat_map(|node| {
                let caps =
                    node.caps.iter().filter(|cap| cap.limit.is_hard() && cap.limit.unit == *unit);
                caps.map(|cap| cap.limit.amount.steps().saturating_sub(node.used(cap, at).sum()))
            });
            if let Some(least) = left.min() {
                available.set(Amount::new(Quantity::told(least), unit.clone()));
            }
        }
        available
    }
}

/// A number of steps as people read it, with its sign.
pub(super) struct Number(pub(super) i128);

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            out.write_str("-")?;
        }
        write!(out, "{}", Quantity::told(self.0.saturating_abs()))
    }
}
