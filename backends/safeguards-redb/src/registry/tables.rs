//! What stands in which table, under which key. An agent is known by its lease: who was gone and came back has another, so
//! that nothing of before is left.

use redb::TableDefinition;

use crate::cells::Tables;

/// What agents say of themselves, as JSON.
pub(super) const PROFILES: TableDefinition<'_, u64, &[u8]> =
    TableDefinition::new("registry.profiles");

/// Until when leases hold, as JSON: what a renewal writes.
pub(super) const LEASES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("registry.leases");

/// How agents stand, as JSON, of those that ever said it.
pub(super) const STATUSES: TableDefinition<'_, u64, &[u8]> =
    TableDefinition::new("registry.statuses");

/// What agents can do, by lease, name and version, as JSON; of what has no version that is empty.
pub(super) const CAPABILITIES: TableDefinition<'_, Place<'static>, &[u8]> =
    TableDefinition::new("registry.capabilities");

/// What happened, by revision, as JSON; as far as it is kept.
pub(super) const CHANGES: TableDefinition<'_, u64, &[u8]> =
    TableDefinition::new("registry.changes");

/// At 0 how far the registry has come, as JSON.
pub(super) const STANDING: TableDefinition<'_, u64, &[u8]> =
    TableDefinition::new("registry.standing");

pub(super) type Place<'a> = (u64, &'a str, &'a str);

/// All tables of agents.
pub(crate) fn each_table<T: Tables>(all: &mut T) -> Result<(), T::Error> {
    all.table(PROFILES)?;
    all.table(LEASES)?;
    all.table(STATUSES)?;
    all.table(CAPABILITIES)?;
    all.table(CHANGES)?;
    all.table(STANDING)
}
