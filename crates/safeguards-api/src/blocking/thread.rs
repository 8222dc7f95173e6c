//! [`Thread`]: a runtime on a thread of its own.

use std::{convert::Infallible, thread};

use tokio::{
    runtime::{self, Handle},
    sync::oneshot,
};

use super::BlockingError;

/// A runtime on a thread of its own, which ends when this is dropped. Nobody waits for its end.
#[derive(Debug)]
pub(super) struct Thread {
    runtime: Handle,
    /// Dropped, it ends the thread.
    _until: oneshot::Sender<Infallible>,
}

impl Thread {
    pub(super) fn start() -> Result<Self, BlockingError> {
        refuse_inside_runtime()?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(BlockingError::NoThread)?;
        let handle = runtime.handle().clone();
        let (until, ended) = oneshot::channel();
        thread::Builder::new()
            .name("safeguards".to_owned())
            .spawn(move || runtime.block_on(ended).err())
            .map_err(BlockingError::NoThread)?;
        Ok(Self { runtime: handle, _until: until })
    }

    /// Runs `future` on this thread, and what it spawns on that of the runtime.
    pub(super) fn block_on<F: Future>(&self, future: F) -> Result<F::Output, BlockingError> {
        refuse_inside_runtime()?;
        Ok(self.runtime.block_on(future))
    }
}

/// Tokio would panic where it is asked to wait inside itself.
fn refuse_inside_runtime() -> Result<(), BlockingError> {
    match Handle::try_current() {
        Ok(_) => Err(BlockingError::InsideRuntime),
        Err(_) => Ok(()),
    }
}
