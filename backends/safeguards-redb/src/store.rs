//! [`RedbStore`]: one file that holds all, and how it is opened.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use redb::{Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase, StorageBackend};
use safeguards_budget::Bounds;
use safeguards_coord::{RunStoreBounds, StateStoreBounds};
use safeguards_discovery::MemoryRegistry;
use safeguards_notify::MemoryAlertStoreBounds;
use safeguards_types::{Clock, OperationId, OperationIds, SystemClock};

use crate::{
    OpenError,
    error::{Doing, Fault, guarded},
    format,
    ledger::{KeepEntries, Ledgering},
    naming,
    owner::{Claim, NoClaim},
    registry::Registering,
    state::Sharing,
    writer::{Pen, Writer},
};

/// Accounts, agents, shared state, runs and alerts in one file that outlives the process. Clones are the same store.
///
/// What it answered is on the disk: it survives the end of the process, however it ends, and a loss of power as far as
/// the disk keeps what it was told to flush. One process at a time opens a file.
///
/// It is a [`Ledger`](safeguards_budget::Ledger), a [`Registry`](safeguards_discovery::Registry), a
/// [`StateStore`](safeguards_coord::StateStore), a [`RunStore`](safeguards_coord::RunStore) and an
/// [`AlertStore`](safeguards_notify::AlertStore).
#[derive(Clone, Debug)]
pub struct RedbStore {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) ledger: Ledgering,
    pub(crate) state: Sharing,
    pub(crate) registry: Registering,
    pub(crate) runs: RunStoreBounds,
    pub(crate) alerts: MemoryAlertStoreBounds,
    pub(crate) clock: Arc<dyn Clock>,
    ids: OperationIds,
    path: PathBuf,
    pub(crate) pen: Pen,
    /// Taken away as it is closed.
    db: Option<Arc<Database>>,
    writer: Writer,
    /// Given back last, when nothing is written any more. A backend sees to it itself.
    _claim: Option<Claim>,
}

/// How a file is opened.
///
/// ```
/// use safeguards_redb::RedbOptions;
///
/// let folder = tempfile::tempdir()?;
/// let mut options = RedbOptions::default();
/// options.cache_bytes = 16 << 20;
/// let store = options.open(folder.path().join("fleet.redb"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RedbOptions {
    /// Tells the time to all that is in the file; the machine's unless set.
    pub clock: Arc<dyn Clock>,
    /// How much the ledger takes, and how much of its journal it has in memory. Unless set, ids are remembered for 24
    /// hours, and of these 4,194,304 at most: [`RedbOptions::BOUNDS`].
    pub bounds: Bounds,
    /// How many bytes of the file are kept in memory at most; 64 MiB unless set.
    pub cache_bytes: usize,
    /// After how many entries of the journal the accounts as they stand are written down besides, so that opening need
    /// not read all entries; 250,000 unless set, and at least 1.
    pub snapshot_every: u64,
    /// How long entries of the ledger stay in the file; for good unless set.
    pub keep_entries: KeepEntries,
    /// How many agents may be registered; [`MemoryRegistry::AGENTS_MAX`] unless set. Those that are there stay.
    pub agents_max: usize,
    /// How many changes of agents are kept, the latest; [`MemoryRegistry::CHANGES_KEPT`] unless set. Where far fewer are
    /// kept than before, they go bit by bit.
    pub agent_changes_kept: usize,
    /// How many keys of shared state there are at most, how many bytes of values, and how many earlier versions and
    /// changes are kept. Where fewer are kept than before, what is too much goes bit by bit, as more is written.
    pub state: StateStoreBounds,
    /// How many runs there are at most, and how large they get. Where far fewer ended ones are kept than before, the
    /// oldest go bit by bit, as others end.
    pub runs: RunStoreBounds,
    /// How many alerts and dead letters are kept at most, the latest. What is unfinished is kept besides.
    pub alerts: MemoryAlertStoreBounds,
}

impl RedbOptions {
    /// The bounds of a ledger unless others are set.
    pub const BOUNDS: Bounds = {
        let mut bounds = Bounds::DEFAULT;
        bounds.kept_for = std::time::Duration::from_hours(24);
        bounds.operations_max = 4_194_304;
        bounds
    };

    /// Opens a file, or makes it where there is none. The folder must be there.
    ///
    /// # Errors
    ///
    /// Where another process has it open, it is something else or of a later version, or it cannot be read.
    pub fn open(self, path: impl AsRef<Path>) -> Result<RedbStore, OpenError> {
        let path = path.as_ref();
        format::look(path)?;
        let claim =
            Claim::take(path, self.clock.now()).map_err(|error| not_claimed(path, error))?;
        opening(path, || {
            let mut builder = Database::builder();
            builder.set_cache_size(self.cache_bytes);
            let is_there = path.try_exists().map_err(|error| unusable(path, error.into()))?;
            let db = if is_there {
                builder.create(path).map_err(|error| not_opened(path, error))?
            } else {
                make(&builder, path)?
            };
            self.start(db, path, Some(claim))
        })
    }

    /// Opens what is in a backend of redb: for tests that let a disk fail, and for disks that are no files. That nobody
    /// else has it open is the backend's to see to. Errors call it `<backend>`.
    ///
    /// # Errors
    ///
    /// As [`RedbOptions::open`].
    pub fn open_on(self, backend: impl StorageBackend) -> Result<RedbStore, OpenError> {
        let path = Path::new("<backend>");
        opening(path, || {
            let mut builder = Database::builder();
            builder.set_cache_size(self.cache_bytes);
            let db =
                builder.create_with_backend(backend).map_err(|error| not_opened(path, error))?;
            self.start(db, path, None)
        })
    }

    fn start(
        self,
        db: Database,
        path: &Path,
        claim: Option<Claim>,
    ) -> Result<RedbStore, OpenError> {
        let Self {
            clock,
            bounds,
            cache_bytes: _,
            snapshot_every,
            keep_entries,
            agents_max,
            agent_changes_kept,
            state,
            runs,
            alerts,
        } = self;
        let unusable = |fault| OpenError::Unusable { path: path.to_owned(), fault };
        format::prepare(&db, path, claim.is_some())?;
        let db = Arc::new(db);
        let writer = Writer::start(Arc::clone(&db)).map_err(unusable)?;
        let pen = writer.pen();
        let ledger = Ledgering::open(&db, pen.clone(), bounds, snapshot_every, keep_entries)
            .map_err(unusable)?;
        let registry =
            Registering::open(&db, pen.clone(), Arc::clone(&clock), agents_max, agent_changes_kept)
                .map_err(unusable)?;
        let state = Sharing::open(&db, &pen, state).map_err(unusable)?;
        let inner = Inner {
            ledger,
            registry,
            state,
            runs,
            alerts,
            clock,
            ids: OperationIds::new(),
            path: path.to_owned(),
            pen,
            db: Some(db),
            writer,
            _claim: claim,
        };
        Ok(RedbStore { inner: Arc::new(inner) })
    }
}

impl Default for RedbOptions {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            bounds: Self::BOUNDS,
            cache_bytes: 64 << 20,
            snapshot_every: 250_000,
            keep_entries: KeepEntries::Always,
            agents_max: MemoryRegistry::AGENTS_MAX,
            agent_changes_kept: MemoryRegistry::CHANGES_KEPT,
            state: StateStoreBounds::default(),
            runs: RunStoreBounds::default(),
            alerts: MemoryAlertStoreBounds::default(),
        }
    }
}

impl RedbStore {
    /// Opens a file as [`RedbOptions::default`] says, or makes it where there is none. The folder must be there.
    ///
    /// # Errors
    ///
    /// As [`RedbOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        RedbOptions::default().open(path)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Mints the caller's name for a piece of work, by the clock of this store.
    pub fn operation(&self) -> OperationId {
        self.inner.ids.mint(self.inner.clock.now())
    }

    /// The clock that it reads.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }
}

impl Inner {
    /// Looks at what is on the disk now.
    pub(crate) fn read<T, E: From<Fault>>(
        &self,
        look: impl FnOnce(&ReadTransaction) -> Result<T, E>,
    ) -> Result<T, E> {
        const DOING: &str = "read";
        if let Some(fault) = self.pen.poison() {
            return Err(fault.clone().into());
        }
        let db = self.db.as_ref().ok_or(Fault::closed(DOING))?;
        guarded(DOING, || look(&db.begin_read().doing(DOING)?))?
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.ledger.write_down();
        // Whoever lets go last closes the file, which panics where damaged pages have left redb in disorder.
        let db = self.db.take();
        let _: Result<(), Fault> = guarded("close", || drop(db));
        self.writer.close();
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, pen, .. } = self;
        out.debug_struct("Inner").field("path", path).field("pen", pen).finish_non_exhaustive()
    }
}

/// Makes a file that was not there.
fn make(builder: &Builder, path: &Path) -> Result<Database, OpenError> {
    let part = naming::beside(path, ".new");
    let made = naming::clear(&part).map_err(|error| unusable(&part, error.into())).and_then(|()| {
        let db = builder.create(&part).map_err(|error| not_opened(&part, error))?;
        format::prepare(&db, &part, false)?;
        naming::give_name(&part, path).map_err(|error| unusable(path, error.into()))?;
        Ok(db)
    });
    match fs::remove_file(&part) {
        // With its new name it has no other one, on some file systems.
        Err(error) if error.kind() != io::ErrorKind::NotFound && made.is_ok() => {
            Err(unusable(&part, error.into()))
        }
        Ok(()) | Err(_) => made,
    }
}

pub(crate) fn not_claimed(path: &Path, error: NoClaim) -> OpenError {
    match error {
        NoClaim::Taken(owner) => OpenError::InUse { path: path.to_owned(), owner },
        NoClaim::Io(error) => unusable(path, redb::Error::Io(error)),
    }
}

/// Does what opens a file, or looks at all of it.
pub(crate) fn opening<T>(
    path: &Path,
    act: impl FnOnce() -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    guarded("open", act).map_err(|fault| OpenError::Unusable { path: path.to_owned(), fault })?
}

pub(crate) fn unusable(path: &Path, error: redb::Error) -> OpenError {
    OpenError::Unusable { path: path.to_owned(), fault: Fault::of(error, "open") }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all that is left is of the disk, or of its driver"
)]
pub(crate) fn not_opened(path: &Path, error: DatabaseError) -> OpenError {
    let not_a_store = |why: String| OpenError::NotAStore { path: path.to_owned(), why };
    match error {
        // A lock on the file itself: it is open under another name.
        DatabaseError::DatabaseAlreadyOpen => {
            OpenError::InUse { path: path.to_owned(), owner: None }
        }
        DatabaseError::Storage(redb::StorageError::Io(error))
            if error.kind() == io::ErrorKind::InvalidData =>
        {
            not_a_store("it is no redb file".to_owned())
        }
        DatabaseError::UpgradeRequired(version) => not_a_store(format!(
            "it is a redb file of version {version}, which was never used here"
        )),
        error => unusable(path, error.into()),
    }
}
