//! [`ConsoleChannel`]: one line of text for each alert.

use std::io::{self, Write};

use async_trait::async_trait;

use super::lines::Lines;
use crate::{Channel, Delivery, DeliveryError};

/// Writes one line of text for each alert, to standard error or any writer.
///
/// ```
/// use safeguards_notify::{Alerts, ConsoleChannel};
///
/// let alerts = Alerts::builder().channel("console", ConsoleChannel::stderr()).build()?;
/// # Ok::<(), safeguards_notify::BuildError>(())
/// ```
#[derive(Debug)]
pub struct ConsoleChannel {
    lines: Lines,
}

impl ConsoleChannel {
    /// Writes to standard error, which leaves standard output to results.
    pub fn stderr() -> Self {
        Self::new(io::stderr())
    }

    /// Writes to `writer`, and flushes after each line.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        let lines = Lines::new(writer, false);
        Self { lines }
    }
}

#[async_trait]
impl Channel for ConsoleChannel {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        let line = delivery.notification().to_string();
        self.lines.write(delivery.id(), line).await
    }
}
