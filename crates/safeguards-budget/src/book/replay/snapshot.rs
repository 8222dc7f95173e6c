//! [`Snapshot`]: all that a book knows, by the names of the outside, to be stored and made a book of again.

use safeguards_types::{AccountId, Amounts, Priority, Quantity, Timestamp, Unit};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::{
    Bounds, Entry, EntryId, HoldId, HoldState, Limit, Metadata, Part, ProtectionStep, ReplayError,
    Window,
    book::{
        Book, Refunds,
        arena::Ix,
        holds::{Counted, HeldHold, Kept, frozen},
        journal::{Dropped, Journal},
        node::{Counter, LimitState, Node, Totals, WindowCounter},
    },
    window::Span,
};

/// All that a book knows at one revision: accounts with their counters, holds, and the entries that it keeps.
///
/// Two books that know the same have equal snapshots, and their serialized bytes are equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    units: Vec<Unit>,
    accounts: Vec<AccountPart>,
    holds: Vec<HoldPart>,
    refunds: Vec<RefundPart>,
    dropped: DroppedPart,
    entries: Vec<Entry>,
}

/// A [`Snapshot`] without the entries that the book keeps: they are written down elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// How many entries were ever written.
    written: u64,
    rest: Snapshot,
}

impl Outline {
    /// The newest entry that it knows of; `None` where there is none.
    pub fn revision(&self) -> Option<EntryId> {
        (self.written > 0).then(|| EntryId::new(self.written))
    }

    /// The first of the entries that a book is made of besides; they go on to the newest.
    pub const fn first_kept(&self) -> EntryId {
        EntryId::new(self.rest.dropped.entries.saturating_add(1))
    }
}

/// Why a snapshot is none that a book can be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It names something that it does not hold.
    #[error("the snapshot names {what} `{name}`, which it does not hold before")]
    Unknown {
        /// What is named: an account, a unit, a limit.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Two of its accounts have one name.
    #[error("the snapshot has two accounts `{account}`")]
    Duplicate {
        /// The name.
        account: AccountId,
    },
    /// An account stands below itself.
    #[error("in the snapshot, account `{account}` stands below itself")]
    Cycle {
        /// The account.
        account: AccountId,
    },
    /// One of its entries cannot be read.
    #[error("an entry of the snapshot cannot be read")]
    Entry(#[from] ReplayError),
    /// The entries do not run from the first that is kept to the newest.
    #[error(
        "of the entries {first} to {newest} that the snapshot goes with, {missing} is not there"
    )]
    Missing {
        /// The first that is kept.
        first: EntryId,
        /// The newest.
        newest: EntryId,
        /// The first that is not there.
        missing: EntryId,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct AccountPart {
    id: AccountId,
    parent: Option<AccountId>,
    priority: Priority,
    suspended: bool,
    closed: bool,
    limits: Vec<LimitPart>,
    limits_made: u32,
    totals: Vec<TotalsPart>,
    protection: Vec<ProtectionStep>,
    metadata: Metadata,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LimitPart {
    serial: u32,
    limit: Limit,
    current: Option<WindowPart>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct WindowPart {
    started_at: Timestamp,
    ends_at: Timestamp,
    spent: Quantity,
    held: Quantity,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct TotalsPart {
    unit: Unit,
    spent: Quantity,
    held: Quantity,
    spent_directly: Quantity,
    held_directly: Quantity,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct HoldPart {
    id: HoldId,
    entry: EntryId,
    set: Vec<AccountId>,
    left: Amounts,
    windows: Vec<CountedPart>,
    expires_at: Timestamp,
    state: HoldState,
    ended_by: Option<EntryId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CountedPart {
    account: AccountId,
    unit: Unit,
    window: Window,
    serial: u32,
    started_at: Timestamp,
    ends_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RefundPart {
    of: EntryId,
    excess: Amounts,
    held_part: Amounts,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DroppedPart {
    entries: u64,
    to: Timestamp,
    horizon: Option<Timestamp>,
}

impl Book {
    /// All that this book knows.
    pub fn snapshot(&self) -> Snapshot {
        let kept = self.journal.since(self.journal.first_kept());
        let entries = kept.map(|(id, kept)| self.entry(id, kept)).collect();
        Snapshot { entries, ..self.outline().rest }
    }

    /// All that this book knows but its entries: for who has them already.
    pub fn outline(&self) -> Outline {
        let Self {
            bounds: _,
            units,
            windows: _,
            nodes,
            unit_names: _,
            window_names: _,
            names: _,
            holds,
            journal,
            refunds,
            savepoint: _,
            recalled: _,
        } = self;
        let mut holds: Vec<_> = holds.iter().map(|hold| self.hold_part(hold)).collect();
        holds.sort_by_key(|hold| hold.id);
        let refund = |(of, refunds): (&EntryId, &Refunds)| RefundPart {
            of: *of,
            excess: self.amounts(&refunds.excess),
            held_part: self.amounts(&refunds.held_part),
        };
        let Dropped { entries, to, horizon } = journal.dropped();
        let written = journal.revision().map_or(0, EntryId::number);
        let rest = Snapshot {
            units: units.iter().map(|(_, unit)| unit.clone()).collect(),
            accounts: nodes.iter().map(|(_, node)| self.account_part(node)).collect(),
            holds,
            refunds: refunds.iter().map(refund).collect(),
            dropped: DroppedPart { entries, to, horizon },
            entries: Vec::new(),
        };
        Outline { written, rest }
    }

    fn account_part(&self, node: &Node) -> AccountPart {
        let limit = |state: &LimitState| LimitPart {
            serial: state.serial,
            limit: self.limit_of(state),
            current: state.current.as_deref().map(|current| WindowPart {
                started_at: current.span.started_at,
                ends_at: current.span.ends_at,
                spent: current.counter.spent,
                held: current.counter.held,
            }),
        };
        let totals = |totals: &Totals| TotalsPart {
            unit: self.units.get(totals.unit).clone(),
            spent: totals.all.spent,
            held: totals.all.held,
            spent_directly: totals.direct.spent,
            held_directly: totals.direct.held,
        };
        AccountPart {
            id: node.id.clone(),
            parent: self.parent_id(node),
            priority: node.priority,
            suspended: node.suspended,
            closed: node.closed,
            limits: node.limits.iter().map(limit).collect(),
            limits_made: node.limits_made,
            totals: node.totals.iter().map(totals).collect(),
            protection: node.protection().to_vec(),
            metadata: node.rare.as_ref().map(|rare| rare.metadata.clone()).unwrap_or_default(),
        }
    }

    fn hold_part(&self, hold: &HeldHold) -> HoldPart {
        let counted = |counted: &Counted| CountedPart {
            account: self.nodes.get(counted.node).id.clone(),
            unit: self.units.get(counted.unit).clone(),
            window: self.windows.get(counted.window).clone(),
            serial: counted.serial,
            started_at: counted.span.started_at,
            ends_at: counted.span.ends_at,
        };
        HoldPart {
            id: hold.id,
            entry: hold.entry,
            set: self.ids_of(&hold.set).to_vec(),
            left: self.amounts(&hold.left),
            windows: hold.windows().iter().map(counted).collect(),
            expires_at: hold.expires_at,
            state: hold.state,
            ended_by: hold.ended_by,
        }
    }

    /// Makes a book of all that another one knew.
    ///
    /// # Errors
    ///
    /// Where the snapshot is not one that a book gave.
    pub fn restore(snapshot: &Snapshot, bounds: Bounds) -> Result<Self, SnapshotError> {
        let mut book = Self::restore_accounts(snapshot, bounds)?;
        snapshot.entries.iter().try_for_each(|entry| book.restore_entry(entry))?;
        Ok(book)
    }

    /// Makes a book of all that another one knew, with the entries from elsewhere: those from the
    /// [first kept](Outline::first_kept) to the [newest](Outline::revision), in their order.
    ///
    /// # Errors
    ///
    /// Where the outline is not one that a book gave, or an entry is missing or out of its order.
    pub fn restore_outline<E>(
        outline: &Outline,
        entries: impl IntoIterator<Item = Result<Entry, E>>,
        bounds: Bounds,
    ) -> Result<Self, E>
    where
        E: From<SnapshotError>,
    {
        let mut book = Self::restore_accounts(&outline.rest, bounds)?;
        let next = |book: &Self| book.journal.next_id();
        for entry in entries {
            let entry = entry?;
            if entry.id == next(&book) && entry.id.number() <= outline.written {
                book.restore_entry(&entry)?;
            } else {
                break;
            }
        }
        if next(&book).number() <= outline.written {
            let (first, newest) = (outline.first_kept(), EntryId::new(outline.written));
            return Err(SnapshotError::Missing { first, newest, missing: next(&book) }.into());
        }
        Ok(book)
    }

    fn restore_entry(&mut self, entry: &Entry) -> Result<(), SnapshotError> {
        let (deed, answered) = self.read_entry(entry)?;
        self.journal.write(entry.at, deed, answered);
        Ok(())
    }

    /// What a snapshot holds, but for its entries.
    fn restore_accounts(snapshot: &Snapshot, bounds: Bounds) -> Result<Self, SnapshotError> {
        let Snapshot { units, accounts, holds, refunds, dropped, entries: _ } = snapshot;
        let mut book = Self::with_bounds(bounds);
        for unit in units {
            book.know_unit(unit);
        }
        for part in accounts {
            book.restore_account(part)?;
        }
        // An account may stand below one that was opened after it, so places come after all are there.
        for part in accounts {
            if let Some(parent) = &part.parent {
                let (child, parent) = (book.held_account(&part.id)?, book.held_account(parent)?);
                book.link(child, parent);
            }
        }
        let roots: Vec<_> =
            book.nodes.iter().filter(|(_, node)| node.parent.is_none()).map(|(ix, _)| ix).collect();
        for root in roots {
            book.set_paths(root);
        }
        // Who stands below no root stands below itself.
        if let Some((_, node)) = book.nodes.iter().find(|(_, node)| node.path.is_empty()) {
            return Err(SnapshotError::Cycle { account: node.id.clone() });
        }
        let mut by_ending: Vec<&HoldPart> = holds.iter().collect();
        by_ending.sort_by_key(|hold| hold.ended_by);
        for part in by_ending {
            book.restore_hold(part)?;
        }
        for RefundPart { of, excess, held_part } in refunds {
            let (excess, held_part) = (book.held_amounts(excess)?, book.held_amounts(held_part)?);
            book.refunds.insert(*of, Refunds { excess, held_part });
        }
        let DroppedPart { entries: count, to, horizon } = *dropped;
        book.journal = Journal::after(bounds, Dropped { entries: count, to, horizon });
        Ok(book)
    }

    fn restore_account(&mut self, part: &AccountPart) -> Result<(), SnapshotError> {
        let AccountPart {
            id,
            parent: _,
            priority,
            suspended,
            closed,
            limits,
            limits_made,
            totals,
            protection,
            metadata,
        } = part;
        if self.find(id).is_some() {
            return Err(SnapshotError::Duplicate { account: id.clone() });
        }
        let mut node = Node::new(id.clone(), None, *priority);
        (node.suspended, node.closed, node.limits_made) = (*suspended, *closed, *limits_made);
        if !protection.is_empty() || !metadata.is_empty() {
            let rare = node.rare_mut();
            rare.protection.clone_from(protection);
            rare.metadata.clone_from(metadata);
        }
        for LimitPart { serial, limit, current } in limits {
            let window = self.know_window(&limit.window).ok_or_else(|| SnapshotError::Unknown {
                what: "window",
                name: limit.window.to_string(),
            })?;
            let warnings = limit.warnings();
            node.limits.reserve_exact(1);
            node.limits.push(LimitState {
                amount: limit.amount,
                unit: self.held_unit(&limit.unit)?,
                window,
                serial: *serial,
                mode: limit.mode,
                warnings: (!warnings.is_empty()).then(|| Box::from(warnings)),
                current: current.as_ref().map(|current| {
                    Box::new(WindowCounter {
                        span: Span { started_at: current.started_at, ends_at: current.ends_at },
                        counter: Counter { spent: current.spent, held: current.held },
                    })
                }),
            });
        }
        for part in totals {
            node.totals.push(Totals {
                unit: self.held_unit(&part.unit)?,
                all: Counter { spent: part.spent, held: part.held },
                direct: Counter { spent: part.spent_directly, held: part.held_directly },
            });
        }
        if let Some(ix) = self.nodes.push(node) {
            let Self { names, nodes, .. } = self;
            names.insert(id.as_str(), ix, |ix| Some(nodes.get(*ix).id.as_str()));
        }
        Ok(())
    }

    fn restore_hold(&mut self, part: &HoldPart) -> Result<(), SnapshotError> {
        let account = |id: &AccountId| self.held_account(id);
        let set: Vec<_> = part.set.iter().map(account).collect::<Result<_, _>>()?;
        let mut windows = Vec::new();
        for CountedPart { account, unit, window, serial, started_at, ends_at } in &part.windows {
            // The limit may be gone, and with it all else that knew of the window.
            let known = self.know_window(window).ok_or_else(|| SnapshotError::Unknown {
                what: "window",
                name: window.to_string(),
            })?;
            windows.push(Counted {
                node: self.held_account(account)?,
                unit: self.held_unit(unit)?,
                window: known,
                serial: *serial,
                span: Span { started_at: *started_at, ends_at: *ends_at },
                part: Part::Whole,
            });
        }
        let hold = HeldHold {
            id: part.id,
            entry: part.entry,
            set: set.into(),
            left: self.held_amounts(&part.left)?,
            windows: frozen(windows),
            expires_at: part.expires_at,
            state: part.state,
            ended_by: part.ended_by,
        };
        if hold.ended_by.is_none() {
            for ix in hold.set.iter() {
                let node = self.nodes.get_mut(*ix);
                node.open_holds = node.open_holds.saturating_add(1);
            }
        }
        self.holds.put(hold);
        Ok(())
    }

    fn held_account(&self, id: &AccountId) -> Result<Ix<Node>, SnapshotError> {
        let unknown = || SnapshotError::Unknown { what: "account", name: id.to_string() };
        self.find(id).ok_or_else(unknown)
    }

    fn held_unit(&self, unit: &Unit) -> Result<Ix<Unit>, SnapshotError> {
        let unknown = |_| SnapshotError::Unknown { what: "unit", name: unit.to_string() };
        self.unit(unit).map_err(unknown)
    }

    fn held_amounts(&self, amounts: &Amounts) -> Result<Kept, SnapshotError> {
        let mut kept = SmallVec::new();
        for amount in amounts {
            kept.push((self.held_unit(amount.unit())?, amount.quantity()));
        }
        Ok(kept)
    }
}
