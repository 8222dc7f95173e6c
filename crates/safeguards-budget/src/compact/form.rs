//! What a block of entries is made of, in the order in which it is written.

use std::{borrow::Cow, time::Duration};

use serde::{Deserialize, Serialize};

/// A place in a table of the block.
pub(super) type At = u32;

/// Amounts: a place in the table of units, and how many steps of 10⁻¹².
pub(super) type Sums = Vec<(At, i128)>;

/// An operation's 16 bytes.
pub(super) type Op = [u8; 16];

/// Entries one after another.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Block<'a> {
    /// The number of the first; the others follow without gaps.
    pub(super) first: u64,
    /// The instant that others are told from, in nanoseconds of Unix time.
    pub(super) base: i64,
    #[serde(borrow)]
    pub(super) accounts: Vec<&'a str>,
    #[serde(borrow)]
    pub(super) units: Vec<&'a str>,
    #[serde(borrow)]
    pub(super) windows: Vec<WindowForm<'a>>,
    pub(super) counted: Vec<Counted>,
    /// Sets of accounts.
    pub(super) sets: Vec<Vec<At>>,
    #[serde(borrow)]
    pub(super) lines: Vec<Line<'a>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum WindowForm<'a> {
    Lifetime,
    EverySeconds(u64),
    /// In a zone.
    Day(&'a str),
    Week(&'a str),
    Month(&'a str),
}

/// A window in which an amount counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Counted {
    pub(super) account: At,
    pub(super) unit: At,
    pub(super) window: At,
    pub(super) serial: u32,
    /// Nanoseconds of Unix time.
    pub(super) started_at: i64,
    pub(super) ends_at: i64,
    pub(super) part: PartForm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum PartForm {
    Whole,
    Held,
    Excess,
}

/// One entry. More kinds may be added at the end.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Line<'a> {
    /// Any entry, as JSON.
    Json(#[serde(borrow)] Cow<'a, str>),
    Spent(#[serde(borrow)] Spent<'a>),
    Held(#[serde(borrow)] Held<'a>),
    Settled(#[serde(borrow)] Settled<'a>),
    Released(#[serde(borrow)] Released<'a>),
    Expired(Expired),
}

/// What entries of commands have in common.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Caused<'a> {
    pub(super) op: Op,
    /// Nanoseconds since the block's base.
    pub(super) at: i64,
    /// What the receipt says is left.
    pub(super) available: Sums,
    /// Whether the receipt says that it came late.
    pub(super) late: bool,
    /// As JSON; none where there is nothing.
    #[serde(borrow)]
    pub(super) metadata: Option<Cow<'a, str>>,
}

/// Amounts at a set of accounts.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Posted {
    pub(super) spender: At,
    pub(super) set: At,
    pub(super) amounts: Sums,
    /// Places in the table of windows that count.
    pub(super) windows: Vec<At>,
}

/// A charge, or a record. Its account and amounts are those that were posted.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Spent<'a> {
    #[serde(borrow)]
    pub(super) caused: Caused<'a>,
    pub(super) recorded: bool,
    pub(super) scopes: Vec<At>,
    pub(super) posted: Posted,
}

/// A hold. Its account and amounts are those that were posted.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Held<'a> {
    #[serde(borrow)]
    pub(super) caused: Caused<'a>,
    pub(super) scopes: Vec<At>,
    pub(super) ttl: Duration,
    pub(super) posted: Posted,
    /// Nanoseconds of Unix time.
    pub(super) expires_at: i64,
}

/// A settlement. Its amounts are those that were posted.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Settled<'a> {
    #[serde(borrow)]
    pub(super) caused: Caused<'a>,
    pub(super) hold: Op,
    /// As commanded.
    pub(super) keep_open: bool,
    pub(super) attribute_to: Option<At>,
    pub(super) posted: Posted,
    pub(super) in_front: u32,
    pub(super) held_part: Sums,
    pub(super) excess: Sums,
    pub(super) freed: Sums,
    /// As it came out.
    pub(super) kept_open: bool,
    pub(super) late: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Released<'a> {
    #[serde(borrow)]
    pub(super) caused: Caused<'a>,
    pub(super) hold: Op,
    pub(super) posted: Posted,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Expired {
    /// Nanoseconds since the block's base.
    pub(super) at: i64,
    pub(super) hold: Op,
    pub(super) posted: Posted,
}
