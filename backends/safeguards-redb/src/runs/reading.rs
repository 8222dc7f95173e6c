//! What there is of runs on the disk.

use std::ops::Bound;

use redb::{ReadOnlyTable, ReadTransaction};
use safeguards_coord::{
    RunEnd, RunEntry, RunHead, RunId, RunQuery, RunStoreBounds, RunStoreError, RunView,
};

use super::{
    Answer, READING,
    tables::{ENTRIES, HEADS, LISTED, List, NAMES, STANDINGS, Standing},
};
use crate::{
    error::{Doing, Fault},
    rows,
};

/// What a run is shown from.
struct Reading {
    names: ReadOnlyTable<&'static str, u64>,
    heads: ReadOnlyTable<u64, &'static [u8]>,
    standings: ReadOnlyTable<u64, (u32, u64, Option<u64>)>,
    entries: ReadOnlyTable<(u64, u64), &'static [u8]>,
}

impl Reading {
    /// `None` where no run ever began.
    fn open(read: &ReadTransaction) -> Result<Option<Self>, Fault> {
        let Some(names) = rows::table(read, NAMES, READING)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            names,
            heads: read.open_table(HEADS).doing(READING)?,
            standings: read.open_table(STANDINGS).doing(READING)?,
            entries: read.open_table(ENTRIES).doing(READING)?,
        }))
    }

    fn find(&self, run: &RunId) -> Result<Option<u64>, Fault> {
        let number = self.names.get(run.as_str()).doing(READING)?;
        Ok(number.map(|number| number.value()))
    }

    fn head(&self, run: u64) -> Result<RunHead, Fault> {
        let text = self.heads.get(run).doing(READING)?;
        rows::read(text.ok_or_else(|| missing("the head of a run"))?.value(), READING)
    }

    /// How a run ended that has: its last entry.
    fn end(&self, run: u64, standing: Standing) -> Result<RunEnd, Fault> {
        let last = standing.last().unwrap_or_default();
        let text = self.entries.get((run, last)).doing(READING)?;
        let text = text.ok_or_else(|| missing("the last entry of a run"))?;
        let RunEntry::Ended(end) = rows::read(text.value(), READING)? else {
            return Err(missing("the end of a run that has ended"));
        };
        Ok(*end)
    }

    fn view(&self, run: u64) -> Result<RunView, Fault> {
        let row = self.standings.get(run).doing(READING)?;
        let standing = Standing::of_row(row.ok_or_else(|| missing("how a run stands"))?.value());
        let end = match standing.ended_as {
            Some(_) => Some(self.end(run, standing)?),
            None => None,
        };
        Ok(RunView::new(self.head(run)?, standing.leg, standing.entries, end))
    }
}

/// As [`run`](safeguards_coord::RunStore::run).
pub(super) fn run(read: &ReadTransaction, run: &RunId) -> Result<Option<RunView>, Fault> {
    let Some(runs) = Reading::open(read)? else {
        return Ok(None);
    };
    runs.find(run)?.map(|run| runs.view(run)).transpose()
}

/// As [`entries`](safeguards_coord::RunStore::entries); `None` where there is no such run.
pub(super) fn entries(
    read: &ReadTransaction,
    run: &RunId,
    from: u64,
    limit: usize,
) -> Result<Option<Vec<RunEntry>>, Fault> {
    let Some(runs) = Reading::open(read)? else {
        return Ok(None);
    };
    let Some(run) = runs.find(run)? else {
        return Ok(None);
    };
    let entries = runs.entries.range((run, from)..=(run, u64::MAX)).doing(READING)?;
    let page = entries.take(limit).map(|row| {
        let (_, text) = row.doing(READING)?;
        rows::read(text.value(), READING)
    });
    page.collect::<Result<_, _>>().map(Some)
}

/// As [`runs`](safeguards_coord::RunStore::runs). What is not on the page is not looked at, whatever is asked for.
pub(super) fn runs(read: &ReadTransaction, query: &RunQuery) -> Answer<Vec<RunView>> {
    let unknown = |run: &RunId| Ok(Err(RunStoreError::unknown(run)));
    let Some(runs) = Reading::open(read)? else {
        return query.after.as_ref().map_or(Ok(Ok(Vec::new())), unknown);
    };
    let after = match &query.after {
        None => None,
        Some(after) => match runs.find(after)? {
            None => return unknown(after),
            Some(number) => Some(runs.head(number)?),
        },
    };
    let list = List::that_has(query.unfinished_only, query.team.is_some()).number();
    let team = query.team.as_deref().unwrap_or_default();
    // No team stands between one and the same with the least letter at its end.
    let behind = format!("{team}\0");
    let until = after.as_ref().map_or((list, behind.as_str(), 0, ""), |head| {
        (list, team, head.started_at.as_nanos(), head.run.as_str())
    });
    let listed = read.open_table(LISTED).doing(READING)?;
    let range = (Bound::Included((list, team, 0, "")), Bound::Excluded(until));
    let page = listed.range(range).doing(READING)?.rev();
    let views = page.take(query.limit.min(RunStoreBounds::PAGE)).map(|row| {
        let (_, number) = row.doing(READING)?;
        runs.view(number.value())
    });
    views.collect::<Result<_, _>>().map(Ok)
}

fn missing(what: &str) -> Fault {
    Fault::corrupt(READING, format!("{what} is missing"))
}
