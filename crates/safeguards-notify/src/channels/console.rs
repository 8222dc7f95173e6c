//! [`ConsoleChannel`]: alerts for a person at a terminal.

use std::io::{self, Write};

use async_trait::async_trait;

use super::lines::{Lines, Stream};
use crate::{Channel, Delivery, DeliveryError, Template};

/// Writes alerts for a person at a terminal, to standard error or any writer.
///
/// One alert is one line. A group is its own line, which says how many there are, and the latest three
/// alerts below it, indented and in the order in which they were sent. Nothing that an agent writes ends a
/// line or moves the cursor. Other words come from a [`template`](Self::template).
///
/// ```
/// use safeguards_notify::{Alerts, ConsoleChannel, Template};
///
/// let console = ConsoleChannel::stderr().template(Template::parse("{{ at }}  {{ text }}")?);
/// let alerts = Alerts::builder().channel("console", console).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ConsoleChannel {
    lines: Lines,
    template: Template,
}

const WORDS: &str = "\
{{ text }}{% if count > 1 %}{% for alert in alerts[-3:] %}

  {{ alert.severity }}  {{ alert.topic }}: {{ alert.message }}{% endfor %}{% endif %}";

impl ConsoleChannel {
    /// Writes to standard error, which leaves standard output to results.
    pub fn stderr() -> Self {
        Self::new(io::stderr())
    }

    /// Writes to `writer`, and flushes after each notification.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        let lines = Lines::new(Stream { writer, is_torn: false });
        Self { lines, template: Template::own(WORDS) }
    }

    /// Puts notifications into the words of `template`. A line end is added.
    #[must_use]
    pub fn template(self, template: Template) -> Self {
        Self { template, ..self }
    }
}

#[async_trait]
impl Channel for ConsoleChannel {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        let words = self.template.render(delivery.notification());
        self.lines.write(delivery.id(), words.trim_end_matches('\n').to_owned()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_a_template() {
        assert_eq!(Template::parse(WORDS).map(|template| template.as_str().len()), Ok(WORDS.len()));
    }
}
