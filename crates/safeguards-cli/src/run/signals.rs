//! [`Signals`]: what Ctrl-C and SIGTERM ask for. The first ends a run in order, the second at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Whether the run was told to stop, and whether that was said twice.
pub(crate) struct Signals {
    first: CancellationToken,
    second: CancellationToken,
}

impl Signals {
    /// Listens from now on, in a task of the runtime that calls it. At the first signal `on_first` is called.
    pub(crate) fn listen(on_first: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let interrupts = signal(SignalKind::interrupt())?;
        let terminations = signal(SignalKind::terminate())?;
        let mut source = Source { interrupts, terminations };
        let (first, second) = (CancellationToken::new(), CancellationToken::new());
        let told = Self { first: first.clone(), second: second.clone() };
        tokio::spawn(async move {
            source.next().await;
            first.cancel();
            on_first();
            source.next().await;
            second.cancel();
        });
        Ok(told)
    }

    /// Is cancelled by the first signal.
    pub(crate) fn cancellation(&self) -> CancellationToken {
        self.first.clone()
    }

    /// Whether there was a signal.
    pub(crate) fn has_come(&self) -> bool {
        self.first.is_cancelled()
    }

    /// Waits for the second one.
    pub(crate) async fn second(&self) {
        self.second.cancelled().await;
    }
}

struct Source {
    interrupts: Signal,
    terminations: Signal,
}

impl Source {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupts.recv() => {}
            _ = self.terminations.recv() => {}
        }
    }
}
