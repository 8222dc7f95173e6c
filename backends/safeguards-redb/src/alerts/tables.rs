//! What stands in which table, under which key. Names of alerts, deliveries and escalations are written as text.

use redb::TableDefinition;

/// Values as JSON, each beside its name, by their places: the later, the higher.
pub(super) type Rows = TableDefinition<'static, u64, (&'static str, &'static [u8])>;
/// The place of a value, by its name.
pub(super) type Places = TableDefinition<'static, &'static str, u64>;

/// Values that have a name and a place among others.
pub(super) struct Ordered {
    pub(super) rows: Rows,
    pub(super) places: Places,
}

/// Records of alerts, as they were accepted.
pub(super) const HISTORY: Ordered =
    Ordered { rows: Rows::new("alerts.history"), places: Places::new("alerts.history_places") };

/// Alerts that are in no notification yet, each with the channels that it waits for, as they were sent.
pub(super) const WAITING: Ordered =
    Ordered { rows: Rows::new("alerts.waiting"), places: Places::new("alerts.waiting_places") };

/// Notifications that are to be delivered, as they were made.
pub(super) const QUEUED: Ordered =
    Ordered { rows: Rows::new("alerts.queued"), places: Places::new("alerts.queued_places") };

/// Dead letters, as they were given up on.
pub(super) const DEAD: Ordered =
    Ordered { rows: Rows::new("alerts.dead"), places: Places::new("alerts.dead_places") };

/// Open escalations as JSON, by their names.
pub(super) const ESCALATIONS: TableDefinition<'_, &str, &[u8]> =
    TableDefinition::new("alerts.escalations");

/// How far journals were read, by their names.
pub(super) const READ_TO: TableDefinition<'_, &str, u64> = TableDefinition::new("alerts.read_to");

/// At 0 how many dead letters were dropped.
pub(super) const DROPPED: TableDefinition<'_, u64, u64> = TableDefinition::new("alerts.dropped");

/// At 0 how many changes the latest commit had, and their hash.
pub(super) const LATEST: TableDefinition<'_, u64, (u64, &[u8; HASH])> =
    TableDefinition::new("alerts.latest");

pub(super) const HASH: usize = 32;
