//! [`RedbOptions::check`]: whether all that a file holds fits together. Each part knows what is to be true of it.

use std::{error::Error as _, iter, path::Path};

use redb::Database;
use serde::Serialize;

use crate::{
    FaultKind, OpenError, RedbOptions, alerts,
    error::{Doing, Fault},
    format, ledger,
    owner::Claim,
    registry, runs, state,
    store::{not_claimed, not_opened, opening, unusable},
};

/// How many flaws are told one by one.
const FLAWS_MAX: usize = 100;

/// What a file holds, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Checked {
    /// How many blocks of entries there are: as many as flushes.
    pub blocks: u64,
    /// How many entries there are.
    pub entries: u64,
    /// How many accounts the entries opened that are there.
    pub accounts: u64,
    /// How many operations were looked up, each by its id.
    pub operations: u64,
    /// How many agents are registered.
    pub agents: u64,
    /// How many capabilities they have.
    pub capabilities: u64,
    /// How many keys of shared state there are.
    pub keys: u64,
    /// How many changes of keys there are: those that are kept as such, and those whose values are.
    pub key_changes: u64,
    /// How many runs there are.
    pub runs: u64,
    /// How many entries of runs there are.
    pub run_entries: u64,
    /// How many alerts there are: of the past, that wait, that are to be delivered, and dead letters.
    pub alerts: u64,
    /// What does not fit, in words; none where all does. At most a hundred are told, and then how many more there are.
    pub flaws: Vec<String>,
}

/// Flaws as they are found.
#[derive(Debug, Default)]
pub(crate) struct Flaws {
    told: Vec<String>,
    more: usize,
}

impl Flaws {
    pub(crate) fn add(&mut self, flaw: impl FnOnce() -> String) {
        if self.told.len() < FLAWS_MAX {
            self.told.push(flaw());
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Says what is wrong unless it `holds`.
    pub(crate) fn expect(&mut self, holds: bool, flaw: impl FnOnce() -> String) {
        if !holds {
            self.add(flaw);
        }
    }

    fn into_texts(mut self) -> Vec<String> {
        if self.more > 0 {
            self.told.push(format!("and {} more", self.more));
        }
        self.told
    }
}

impl RedbOptions {
    /// Reads all that a file holds, and says what does not fit: damaged pages, entries that are missing, changed or out of
    /// order, accounts that do not stand as their entries say, operations that are not found, and indexes that name what
    /// is not there or leave out what is. Nothing is changed, save that a file of an older version is brought up to date, and
    /// that redb goes back to the flush before where pages of the last one are damaged: check a copy where that matters.
    ///
    /// It takes about as long as reading all entries twice.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and where there is no such file. What is wrong inside is no error but a flaw.
    pub fn check(self, path: impl AsRef<Path>) -> Result<Checked, OpenError> {
        let path = path.as_ref();
        // Opening would make one.
        std::fs::metadata(path).map_err(|error| unusable(path, redb::Error::Io(error)))?;
        format::look(path)?;
        let claim =
            Claim::take(path, self.clock.now()).map_err(|error| not_claimed(path, error))?;
        let (mut checked, mut flaws) = (Checked::default(), Flaws::default());
        let all = opening(path, || self.check_all(path, &mut checked, &mut flaws));
        drop(claim);
        match all {
            Ok(()) => {}
            // What cannot be read of it is wrong with it, as is what was found before that.
            Err(OpenError::Unusable { fault, .. }) if fault.kind() == FaultKind::Corrupt => {
                flaws.add(|| with_causes(&fault));
            }
            Err(error) => return Err(error),
        }
        checked.flaws = flaws.into_texts();
        Ok(checked)
    }

    fn check_all(
        &self,
        path: &Path,
        checked: &mut Checked,
        flaws: &mut Flaws,
    ) -> Result<(), OpenError> {
        let failed = |fault| OpenError::Unusable { path: path.to_owned(), fault };
        let mut builder = Database::builder();
        builder.set_cache_size(self.cache_bytes);
        let mut db = builder.create(path).map_err(|error| not_opened(path, error))?;
        match db.check_integrity().doing("check its pages") {
            Ok(true) => {}
            Ok(false) => {
                flaws.add(|| "pages of the file were damaged, and were repaired".to_owned());
            }
            // Some of what is in it can still be read, perhaps, and says what is damaged.
            Err(fault) if fault.kind() == FaultKind::Corrupt => flaws.add(|| with_causes(&fault)),
            Err(fault) => return Err(failed(fault)),
        }
        format::prepare(&db, path, true)?;
        check_parts(&db, self, checked, flaws).map_err(failed)
    }
}

/// A fault and what is behind it, in one line.
pub(crate) fn with_causes(fault: &Fault) -> String {
    let causes = iter::successors(fault.source(), |cause| (*cause).source());
    causes.fold(fault.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn check_parts(
    db: &Database,
    options: &RedbOptions,
    checked: &mut Checked,
    flaws: &mut Flaws,
) -> Result<(), Fault> {
    ledger::check(db, options.bounds, checked, flaws)?;
    let read = redb::ReadableDatabase::begin_read(db).doing("check it")?;
    registry::check(&read, checked, flaws)?;
    state::check(&read, checked, flaws)?;
    runs::check(&read, checked, flaws)?;
    alerts::check(&read, checked, flaws)
}
