//! [`Deed`]: what was decided about a command, by the book's own numbers. To the outside it is a
//! [`Fact`](crate::Fact), with names.

use safeguards_types::{Quantity, Timestamp};

use super::{
    arena::Ix,
    holds::{Kept, Windows},
    node::{ChargeSet, Node},
};
use crate::{EntryId, HoldId, Limit, window::Span};

/// Everything that is changed by a command that was accepted, with nothing left to decide.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    AsCommanded,
    Limits(Box<Limits>),
    Spent { set: ChargeSet, amounts: Kept, windows: Windows },
    Held { set: ChargeSet, amounts: Kept, windows: Windows, expires_at: Timestamp },
    Extended { hold: HoldId, expires_at: Timestamp },
    Settled(Box<Settlement>),
    Freed(Box<Freed>),
    Refunded(Box<Refund>),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    pub(super) set: Vec<SetLimit>,
    /// From whose limits a reclaim took how much.
    pub(super) taken: Vec<(Ix<Node>, Quantity)>,
}

#[derive(Clone, Debug)]
pub(super) struct SetLimit {
    pub(super) node: Ix<Node>,
    pub(super) limit: Limit,
    /// The window that a new limit begins in.
    pub(super) opened: Option<Span>,
}

/// How a settlement divides: what had been set aside, what had not, and what returns.
#[derive(Clone, Debug)]
pub(super) struct Settlement {
    pub(super) hold: HoldId,
    pub(super) spender: Ix<Node>,
    /// The accounts at which it counts: at the first `in_front` of them the hold did not.
    pub(super) set: ChargeSet,
    pub(super) in_front: usize,
    pub(super) windows: Windows,
    pub(super) spent: Kept,
    pub(super) held_part: Kept,
    pub(super) excess: Kept,
    pub(super) freed: Kept,
    pub(super) keep_open: bool,
    pub(super) late: bool,
}

/// What a hold gives back when it ends with nothing spent.
#[derive(Clone, Debug)]
pub(super) struct Freed {
    pub(super) hold: HoldId,
    pub(super) set: ChargeSet,
    pub(super) amounts: Kept,
}

/// What comes back of an entry that spent.
#[derive(Clone, Debug)]
pub(super) struct Refund {
    pub(super) of: EntryId,
    /// Who had spent it.
    pub(super) spender: Ix<Node>,
    pub(super) set: ChargeSet,
    pub(super) windows: Windows,
    pub(super) amounts: Kept,
    pub(super) excess: Kept,
    pub(super) held_part: Kept,
}
