//! [`Lines`]: whole lines to a writer that may block.

use std::{
    fmt,
    io::{self, Write},
    sync::Arc,
};

use tokio::{sync::Mutex, task::spawn_blocking};

use crate::{DeliveryError, DeliveryId};

/// Writes whole lines, each once, on a thread for work that blocks.
///
/// Even a terminal blocks (its window is held, its pipe is full), so no write is done on the runtime's own
/// threads. A lock that is awaited, not one that blocks, so that a writer that hangs costs one thread and
/// not one for each attempt.
pub(super) struct Lines {
    state: Arc<Mutex<State>>,
}

struct State {
    writer: Box<dyn Write + Send>,
    /// The last delivery whose line is written: an attempt that was cut off may have come to its end.
    written: Option<DeliveryId>,
    /// Whether the last line may lack its end.
    is_torn: bool,
}

impl fmt::Debug for Lines {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Lines").finish_non_exhaustive()
    }
}

impl Lines {
    /// Lines to `writer`. Where `is_torn`, the last line there has no end yet.
    pub(super) fn new(writer: impl Write + Send + 'static, is_torn: bool) -> Self {
        let state = State { writer: Box::new(writer), written: None, is_torn };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Writes one line or several, and flushes. `line` has no line end at its end.
    pub(super) async fn write(&self, id: DeliveryId, line: String) -> Result<(), DeliveryError> {
        let mut state = Arc::clone(&self.state).lock_owned().await;
        let written = spawn_blocking(move || state.write(id, &line)).await;
        written.map_err(DeliveryError::retryable)?.map_err(DeliveryError::retryable)
    }
}

impl State {
    fn write(&mut self, id: DeliveryId, line: &str) -> io::Result<()> {
        if self.written != Some(id) {
            let line_end = if self.is_torn { "\n" } else { "" };
            self.is_torn = true;
            // One write, so that lines of several processes in one file do not mix.
            self.writer.write_all(format!("{line_end}{line}\n").as_bytes())?;
            self.is_torn = false;
            self.written = Some(id);
        }
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use safeguards_types::{OperationIds, Timestamp};

    use super::*;

    /// Takes a set number of bytes, and then fails once.
    #[derive(Clone, Debug)]
    struct Flaky {
        text: Arc<Mutex<Vec<u8>>>,
        room: Arc<Mutex<Option<usize>>>,
    }

    impl Write for Flaky {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut room = self.room.lock();
            let taken = match *room {
                Some(0) => {
                    *room = None;
                    return Err(io::Error::from(io::ErrorKind::StorageFull));
                }
                Some(left) => {
                    let taken = left.min(bytes.len());
                    *room = Some(left - taken);
                    taken
                }
                None => bytes.len(),
            };
            self.text.lock().extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn ids<const COUNT: usize>() -> [DeliveryId; COUNT] {
        let ids = OperationIds::seeded(1);
        let mint = |_| DeliveryId::of(ids.mint(Timestamp::UNIX_EPOCH).into(), "file");
        std::array::from_fn(mint)
    }

    #[tokio::test]
    async fn a_torn_line_gets_its_end_and_a_repeat_is_harmless() {
        let text = Arc::new(Mutex::new(Vec::new()));
        let writer = Flaky { text: Arc::clone(&text), room: Arc::new(Mutex::new(Some(6))) };
        let lines = Lines::new(writer, true);
        let [one, two, three] = ids();
        lines.write(one, "one".to_owned()).await.unwrap();
        let error = lines.write(two, "two".to_owned()).await.unwrap_err();
        assert!(error.is_retryable());
        for _ in 0..3 {
            lines.write(two, "two".to_owned()).await.unwrap();
        }
        lines.write(three, "three".to_owned()).await.unwrap();
        let text = String::from_utf8(text.lock().clone()).unwrap();
        assert_eq!(text, "\none\nt\ntwo\nthree\n");
    }
}
