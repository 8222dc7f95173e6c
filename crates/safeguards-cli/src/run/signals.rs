//! [`Signals`]: what Ctrl-C, SIGTERM, SIGHUP and SIGQUIT ask for. The first ends a run in order, a second at once.

use std::{fs, io};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};
use tokio_util::sync::CancellationToken;

/// How often the program was told to stop.
pub(crate) struct Signals {
    first: CancellationToken,
    count: watch::Receiver<u32>,
}

impl Signals {
    /// Listens from now on, in a task of the runtime that calls it. At the first signal `on_first` is called.
    pub(crate) fn listen(on_first: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let mut source = Source {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            // Who starts a program with `nohup` wants it to outlive the terminal.
            hang_up: if hang_up_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) },
        };
        let first = CancellationToken::new();
        let (told, count) = watch::channel(0);
        let signals = Self { first: first.clone(), count };
        tokio::spawn(async move {
            source.next().await;
            first.cancel();
            told.send_replace(1);
            on_first();
            loop {
                source.next().await;
                told.send_modify(|count| *count = count.saturating_add(1));
            }
        });
        Ok(signals)
    }

    /// Is cancelled by the first signal.
    pub(crate) fn cancellation(&self) -> CancellationToken {
        self.first.clone()
    }

    /// How many have come.
    pub(crate) fn count(&self) -> u32 {
        *self.count.borrow()
    }

    /// Waits until more than so many have come.
    pub(crate) async fn more_than(&self, count: u32) {
        let mut counted = self.count.clone();
        // The sender lives as long as the runtime.
        let _ = counted.wait_for(|come| *come > count).await;
    }
}

struct Source {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    hang_up: Option<Signal>,
}

impl Source {
    async fn next(&mut self) {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.quit.recv() => {}
            _ = hang_up => {}
        }
    }
}

/// Whether this process was started with SIGHUP ignored; not known where there is no `/proc`.
fn hang_up_is_ignored() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hang_up(&status))
}

/// Reads it from the mask of ignored signals, in which SIGHUP is the lowest bit.
fn ignores_hang_up(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        for (status, expected) in [
            ("SigBlk:\t0000000000000001\nSigIgn:\t0000000000001000\n", false),
            ("Name:\tsafeguards\nSigIgn:\t0000000000001001\n", true),
            ("SigIgn:\tno number\n", false),
            ("", false),
        ] {
            assert_eq!(ignores_hang_up(status), expected, "{status}");
        }
    }
}
