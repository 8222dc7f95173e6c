//! What stands in which table, under which key.

use redb::TableDefinition;
use safeguards_coord::{EntryKey, RunHead};

/// The number of a run, by its name.
pub(super) const NAMES: TableDefinition<'_, &str, u64> = TableDefinition::new("runs.names");

/// How a run began, by its number: a [`RunHead`] as JSON.
pub(super) const HEADS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("runs.heads");

/// How a run stands, by its number. See [`Standing`].
pub(super) const STANDINGS: TableDefinition<'_, u64, (u32, u64, Option<u64>)> =
    TableDefinition::new("runs.standings");

/// Entries as JSON, by the run's number and their own, from 0. The end is the last entry of a run that has ended, and
/// stands nowhere else.
pub(super) const ENTRIES: TableDefinition<'_, (u64, u64), &[u8]> =
    TableDefinition::new("runs.entries");

/// The number of the entry of a key, by run, leg, kind, attempt and step. See [`place`].
pub(super) const KEYS: TableDefinition<'_, Place<'static>, u64> = TableDefinition::new("runs.keys");

/// The number of a run, by list, team, when it began and its name. Each run stands in two lists, and in two more while
/// it has not ended, so that whatever is asked for stands in one list, without anything between: a page is as quick
/// among 100,000 ended runs as among none. See [`List`].
pub(super) const LISTED: TableDefinition<'_, Listed<'static>, u64> =
    TableDefinition::new("runs.listed");

/// The numbers of the runs that have ended, by the order of their ends.
pub(super) const ENDED: TableDefinition<'_, u64, u64> = TableDefinition::new("runs.ended");

/// The numbers of runs that were forgotten, and of whose entries some are there still.
pub(super) const FORGOTTEN: TableDefinition<'_, u64, ()> = TableDefinition::new("runs.forgotten");

pub(super) type Place<'a> = (u64, u32, u8, u32, &'a str);
pub(super) type Listed<'a> = (u8, &'a str, i64, &'a str);

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) leg: u32,
    pub(super) entries: u64,
    /// Where it stands among those that have ended, if it has.
    pub(super) ended_as: Option<u64>,
}

impl Standing {
    pub(super) const fn row(self) -> (u32, u64, Option<u64>) {
        let Self { leg, entries, ended_as } = self;
        (leg, entries, ended_as)
    }

    pub(super) const fn of_row((leg, entries, ended_as): (u32, u64, Option<u64>)) -> Self {
        Self { leg, entries, ended_as }
    }

    /// The number of the last entry, if there is one.
    pub(super) const fn last(self) -> Option<u64> {
        self.entries.checked_sub(1)
    }
}

/// Where the number of the entry of this key stands; `None` for a key of which nothing is known here.
pub(super) fn place(run: u64, leg: u32, key: &EntryKey) -> Option<Place<'_>> {
    match key {
        EntryKey::Intent(step, attempt) => Some((run, leg, 0, *attempt, step.as_str())),
        EntryKey::Outcome(step, attempt) => Some((run, leg, 1, *attempt, step.as_str())),
        EntryKey::TakenOver => Some((run, leg, 2, 0, "")),
        EntryKey::Ended => Some((run, leg, 3, 0, "")),
        _ => None,
    }
}

/// Which runs a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    All,
    Unfinished,
    /// Those of one team.
    Team,
    TeamUnfinished,
}

impl List {
    /// Those that a run stands in for good.
    pub(super) const LASTING: [Self; 2] = [Self::All, Self::Team];
    /// Those that it stands in besides until it ends.
    pub(super) const UNTIL_ITS_END: [Self; 2] = [Self::Unfinished, Self::TeamUnfinished];

    /// The one that has what is asked for.
    pub(super) const fn that_has(unfinished_only: bool, of_a_team: bool) -> Self {
        match (unfinished_only, of_a_team) {
            (false, false) => Self::All,
            (true, false) => Self::Unfinished,
            (false, true) => Self::Team,
            (true, true) => Self::TeamUnfinished,
        }
    }

    /// The number that its rows begin with.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::All => 0,
            Self::Unfinished => 1,
            Self::Team => 2,
            Self::TeamUnfinished => 3,
        }
    }

    /// Where a run stands in it.
    pub(super) fn row(self, head: &RunHead) -> Listed<'_> {
        let team = match self {
            Self::All | Self::Unfinished => "",
            Self::Team | Self::TeamUnfinished => head.team.as_str(),
        };
        (self.number(), team, head.started_at.as_nanos(), head.run.as_str())
    }
}
