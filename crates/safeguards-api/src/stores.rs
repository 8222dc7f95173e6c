//! [`Stores`]: one value that keeps whatever is to be kept.

use safeguards_coord::{RunStore, StateStore};
use safeguards_notify::AlertStore;

/// Keeps shared state, the progress of runs, and alerts: what [`Builder::stores`](crate::Builder::stores) takes.
///
/// A database that implements the three seams is one already; there is nothing to write.
///
/// ```
/// use safeguards_api::Stores;
///
/// fn is_enough<D>()
/// where
///     D: safeguards_coord::StateStore + safeguards_coord::RunStore + safeguards_notify::AlertStore,
/// {
///     fn stores<S: Stores>() {}
///     stores::<D>();
/// }
/// ```
pub trait Stores: StateStore + RunStore + AlertStore {}

impl<S: StateStore + RunStore + AlertStore> Stores for S {}
