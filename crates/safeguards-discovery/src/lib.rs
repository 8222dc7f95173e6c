//! Discovery: who is here, and who can do this.
//!
//! Agents register the capabilities that they have, under a lease that they renew; others find them by what
//! they can do.
//!
//! - A [`Capability`] is a skill: a dotted [`CapabilityName`], a version, metadata, words, and what a call
//!   costs. Names are hierarchical: who asks for `data.analysis` finds `data.analysis.regression` too.
//! - A [`Registration`] says what an agent can do and how long that holds; the [`Lease`] that comes back must be
//!   renewed, or the agent is gone.
//! - A [`Query`] says what is needed; [`Found`] who can do it, in a stable order, a page at a time. An
//!   [`Explanation`] says why an agent was not among them.
//! - [`Registry`] is the seam, [`RegistryExt`] has the verbs that callers write.
//! - A [`Status`] is how an agent stands at this moment: its health, its load, what it may still spend, what
//!   keeps it from working. It comes with the lease's renewals, or from a [`StatusSource`] that knows better.
//! - A registry that keeps agents elsewhere as well builds on the one in memory: it writes what that gives as
//!   [`Unwritten`], and makes it again by [`MemoryRegistryBuilder::restore`].
//!
//! What describes agents elsewhere (agent cards, server descriptions) lives in the crate `safeguards-cards`.

mod bounds;
mod capability;
mod capability_name;
mod change;
mod check;
mod cursor;
mod edit;
mod error;
mod explain;
mod finder;
mod found;
mod lease;
mod memory;
mod query;
mod record;
mod registration;
mod registry;
mod search;
mod status;
mod ttl_text;

pub use bounds::Bounds;
pub use capability::{Capability, Metadata};
pub use capability_name::CapabilityName;
pub use change::{Change, ChangeKind, Changes, Revision};
pub use cursor::Cursor;
pub use edit::{Edit, EditKind, Profile, RestoreError, Standing, Unwritten};
pub use error::{
    ChangesError, Conflict, FindError, InvalidField, InvalidKind, RegisterError, RegistryError,
    RegistryErrorKind, RenewError, WithdrawError,
};
pub use explain::{Explanation, Mismatch};
pub use finder::Finder;
pub use found::{Found, Match};
pub use lease::{Lease, LeaseId};
pub use memory::{MemoryRegistry, MemoryRegistryBuilder, SyncRegistry};
pub use query::{Condition, MetadataPath, Order, Query, Test};
pub use record::AgentRecord;
pub use registration::Registration;
#[cfg(feature = "mock")]
pub use registry::MockRegistry;
pub use registry::{Registry, RegistryExt};
pub use search::{Bm25, WordWeight, Words};
pub use semver::{Version, VersionReq};
#[cfg(feature = "mock")]
pub use status::MockStatusSource;
pub use status::{Block, Health, Status, StatusSource};

// The crates that signatures here name, so that who uses this one needs no other.
pub use safeguards_types as types;

// What the page shows is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
