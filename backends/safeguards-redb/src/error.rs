//! What can go wrong with the file: [`OpenError`] when it is opened, [`Fault`] later.

use std::{
    any::Any,
    error, fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
};

use safeguards_budget::{LedgerError, LedgerErrorKind, ReplayError, SnapshotError};

use crate::owner::Owner;

/// Why a file was not opened. It is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it, or this one twice.
    #[error("{} is in use{}; one process at a time opens it", path.display(), told(owner.as_ref()))]
    InUse {
        /// The file.
        path: PathBuf,
        /// Who has it, where that can be read.
        owner: Option<Owner>,
    },
    /// It was written by a later version of this library.
    #[error(
        "{} is of format {found}, and this version knows formats up to {known}: open it with the version that wrote \
         it, or a later one",
        path.display()
    )]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The latest that is known here.
        known: u64,
    },
    /// It is something else: a redb file of another program, or no redb file at all.
    #[error("{} is no store of Safeguards: {why}", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It cannot be read or written.
    #[error("{} cannot be opened", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        fault: Fault,
    },
}

impl OpenError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "store.in_use",
            Self::NewerFormat { .. } => "store.newer_format",
            Self::NotAStore { .. } => "store.not_a_store",
            Self::Unusable { fault, .. } => fault.code(),
        }
    }
}

fn told(owner: Option<&Owner>) -> String {
    owner.map_or_else(String::new, |owner| format!(" by {owner}"))
}

/// What is wrong with a file that is open, roughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// It could not be read or written.
    Io,
    /// There is no room left on the disk.
    Full,
    /// What is in it is not what was written.
    Corrupt,
    /// It was closed.
    Closed,
}

impl FaultKind {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Io => "store.io",
            Self::Full => "store.full",
            Self::Corrupt => "store.corrupt",
            Self::Closed => "store.closed",
        }
    }
}

/// The file could not be read or written. Cheap to clone: all who waited for one flush are told of the same.
#[derive(Clone, Debug)]
pub struct Fault {
    kind: FaultKind,
    doing: &'static str,
    source: Option<Arc<dyn error::Error + Send + Sync>>,
}

impl Fault {
    pub(crate) fn new(
        kind: FaultKind,
        doing: &'static str,
        source: impl Into<Box<dyn error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, doing, source: Some(Arc::from(source.into())) }
    }

    pub(crate) fn of(error: redb::Error, doing: &'static str) -> Self {
        Self::new(kind_of(&error), doing, error)
    }

    pub(crate) const fn closed(doing: &'static str) -> Self {
        Self { kind: FaultKind::Closed, doing, source: None }
    }

    pub(crate) fn corrupt(
        doing: &'static str,
        source: impl Into<Box<dyn error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(FaultKind::Corrupt, doing, source)
    }

    /// What is wrong, roughly.
    pub const fn kind(&self) -> FaultKind {
        self.kind
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.kind {
            FaultKind::Io => "",
            FaultKind::Full => ": no room is left on its disk",
            FaultKind::Corrupt => ": it does not hold what was written",
            FaultKind::Closed => ": it is closed",
        };
        write!(out, "the store failed to {}{why}", self.doing)
    }
}

impl error::Error for Fault {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        let source: &(dyn error::Error + 'static) = self.source.as_deref()?;
        Some(source)
    }
}

/// Does something with the file. redb reads pages without looking at their checksums, and panics on some that are damaged;
/// so what panics has met one.
pub(crate) fn guarded<T>(doing: &'static str, act: impl FnOnce() -> T) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(act))
        .map_err(|panic| Fault::corrupt(doing, format!("a panic: {}", text_of(&*panic))))
}

/// What a panic says.
fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// Says of an error of redb what was being done.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, Fault>;
}

impl<T, E: Into<redb::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: &'static str) -> Result<T, Fault> {
        self.map_err(|error| Fault::of(error.into(), doing))
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all that is left is of the disk, or of its driver"
)]
fn kind_of(error: &redb::Error) -> FaultKind {
    match error {
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            FaultKind::Full
        }
        // It ends before what stands in it does.
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            FaultKind::Corrupt
        }
        redb::Error::Corrupted(_)
        | redb::Error::TableDoesNotExist(_)
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TableIsNotMultimap(_)
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TypeDefinitionChanged { .. } => FaultKind::Corrupt,
        redb::Error::DatabaseClosed => FaultKind::Closed,
        _ => FaultKind::Io,
    }
}

/// What is known of something that was to be written.
#[derive(Clone, Debug)]
pub(crate) enum NotWritten {
    /// It was not begun.
    NotBegun(Fault),
    /// It may be there or not.
    Unknown(Fault),
}

impl NotWritten {
    pub(crate) const fn fault(&self) -> &Fault {
        match self {
            Self::NotBegun(fault) | Self::Unknown(fault) => fault,
        }
    }

    pub(crate) fn ledger(self, doing: &'static str) -> LedgerError {
        match self {
            Self::NotBegun(fault) => LedgerError::new(LedgerErrorKind::NotApplied, doing, fault),
            Self::Unknown(fault) => LedgerError::new(LedgerErrorKind::OutcomeUnknown, doing, fault),
        }
    }
}

impl From<ReplayError> for Fault {
    fn from(error: ReplayError) -> Self {
        Self::corrupt("follow its journal", error)
    }
}

impl From<SnapshotError> for Fault {
    fn from(error: SnapshotError) -> Self {
        Self::corrupt("restore its snapshot", error)
    }
}
