//! [`Open`]: everything in one durable file.

use std::{path::Path, sync::Arc};

use safeguards_api::{Builder, Safeguards};
use safeguards_redb::RedbStore;

use crate::Error;

/// `Safeguards::open(path)`: accounts, agents, runs, shared state and alerts in one file that outlives the program.
///
/// It is a trait since [`Safeguards`] knows of no file by itself; the [`prelude`](crate::prelude) brings it.
///
/// ```
/// use safeguards::prelude::*;
///
/// # let folder = std::env::temp_dir().join(format!("safeguards-open-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("fleet.redb");
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let sg = Safeguards::open(&path)?;
/// sg.v2().agents().create("reader", usd!(4.00), P5).await?;
/// sg.v2().budget().charge("reader", usd!(3.90), sg.operation()).await?;
/// drop(sg); // the program ends, however it ends
///
/// let sg = Safeguards::open(&path)?;
/// let reader = sg.v2().agents().list().remove(0);
/// let denied = sg.v2().budget().charge(&reader, usd!(2.00), sg.operation()).await.unwrap_err();
/// assert_eq!(denied.code(), "budget.limit_exceeded");
/// # Ok::<(), safeguards::Error>(())
/// # })?;
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Open: Sized {
    /// Opens a file with all defaults, or makes it where there is none. The folder must be there.
    ///
    /// Agents and pools that an earlier program made are known. Clones of what is opened share the file; it is closed
    /// when the last one is dropped. It reads the file: at a million entries since the accounts were last written down
    /// about a second, so in a program that serves others already, open it where a thread may wait.
    ///
    /// # Errors
    ///
    /// Where another process has the file, it is something else or of a later version, or it cannot be read.
    #[expect(
        clippy::result_large_err,
        reason = "a program opens its file once, and returns this error from `main`"
    )]
    fn open(path: impl AsRef<Path>) -> Result<Self, Error>;

    /// A builder over a store that was opened, with all that it keeps; channels, rules and what else there is are added
    /// before [`build`](Builder::build).
    ///
    /// ```
    /// use safeguards::{durable::RedbOptions, notify::ConsoleChannel, prelude::*};
    ///
    /// # fn open(path: &std::path::Path) -> Result<Safeguards, safeguards::Error> {
    /// let mut options = RedbOptions::default();
    /// options.cache_bytes = 16 << 20;
    /// let store = options.open(path)?;
    /// let sg = Safeguards::builder_on(&store)?.channel("console", ConsoleChannel::stderr()).build()?;
    /// # Ok(sg)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Where an earlier write to the file failed.
    #[expect(
        clippy::result_large_err,
        reason = "a program opens its file once, and returns this error from `main`"
    )]
    fn builder_on(store: &RedbStore) -> Result<Builder, Error>;
}

impl Open for Safeguards {
    fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self::builder_on(&RedbStore::open(path)?)?.build()?)
    }

    fn builder_on(store: &RedbStore) -> Result<Builder, Error> {
        // It waits for others that write, and of a file that was opened just now there are none.
        let there = pollster::block_on(store.all_accounts())?;
        Ok(Self::builder(store.clone())
            .clock(Arc::clone(store.clock()))
            .stores(store.clone())
            .registry(store.clone())
            .telling_all()
            .accounts(there.accounts.iter().flatten()))
    }
}
