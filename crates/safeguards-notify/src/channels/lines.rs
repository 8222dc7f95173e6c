//! [`Lines`]: whole lines to a place that may block; [`Stream`]: such a place, made of any writer.

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

/// Where lines go.
pub(super) trait LinesTarget: Send {
    /// Writes one line or several behind what is there. `lines` has no line end at its end.
    fn append(&mut self, lines: &str) -> io::Result<()>;

    /// Brings what was written on its way.
    fn flush(&mut self) -> io::Result<()>;
}

struct State {
    target: Box<dyn LinesTarget>,
    /// The last delivery whose lines are written: an attempt that was cut off may have come to its end.
    written: Option<DeliveryId>,
}

impl fmt::Debug for Lines {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Lines").finish_non_exhaustive()
    }
}

impl Lines {
    /// Lines to `target`.
    pub(super) fn new(target: impl LinesTarget + 'static) -> Self {
        let state = State { target: Box::new(target), written: None };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Writes one line or several, and flushes. `lines` has no line end at its end.
    pub(super) async fn write(&self, id: DeliveryId, lines: String) -> Result<(), DeliveryError> {
        let mut state = Arc::clone(&self.state).lock_owned().await;
        let written = spawn_blocking(move || state.write(id, &lines)).await;
        written.map_err(DeliveryError::retryable)?.map_err(DeliveryError::retryable)
    }
}

impl State {
    fn write(&mut self, id: DeliveryId, lines: &str) -> io::Result<()> {
        if self.written != Some(id) {
            self.target.append(lines)?;
            self.written = Some(id);
        }
        self.target.flush()
    }
}

/// Any writer, and whether its last line may lack its end.
pub(super) struct Stream<W> {
    pub(super) writer: W,
    pub(super) is_torn: bool,
}

impl<W: Write + Send> LinesTarget for Stream<W> {
    fn append(&mut self, lines: &str) -> io::Result<()> {
        let line_end = if self.is_torn { "\n" } else { "" };
        self.is_torn = true;
        // One write, so that lines of several processes in one file do not mix.
        self.writer.write_all(format!("{line_end}{lines}\n").as_bytes())?;
        self.is_torn = false;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
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
        let lines = Lines::new(Stream { writer, is_torn: true });
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
