//! [`Template`]: how a notification is put into words.

mod check;
mod context;
mod fields;
mod render;
mod samples;
mod scan;

use std::{
    fmt::{self, Write as _},
    str::FromStr,
    sync::Arc,
};

use minijinja::{Environment, HtmlEscape};

use crate::{
    Notification,
    text::{one_line, start},
};

/// How a notification is put into words: text with `{{ fields }}`, in the syntax of Jinja.
///
/// ```
/// use safeguards_notify::{Alert, AlertId, DeliveryId, Notification, Template, topic};
/// use safeguards_types::{OperationIds, Severity, Timestamp};
///
/// let template = Template::parse("{{ severity|upper }} {{ latest.message }} ({{ latest.metadata.account }})")?;
///
/// let id = AlertId::from(OperationIds::seeded(1).mint(Timestamp::UNIX_EPOCH));
/// let alert = Alert::new(Severity::High, topic!("budget.denied"), "no money").with("account", "reader");
/// let notification = Notification::new(DeliveryId::of(id, "ops"), "ops", alert);
/// assert_eq!(template.render(&notification), "HIGH no money (reader)");
///
/// let mistake = Template::parse("first line\n{{ latest.sevrity }}").unwrap_err();
/// assert_eq!(mistake.line(), Some(2));
/// assert!(mistake.to_string().contains("did you mean `severity`?"));
/// # Ok::<(), safeguards_notify::TemplateError>(())
/// ```
///
/// # Fields
///
/// | field | is |
/// | --- | --- |
/// | `text` | the whole on one line, as [`Notification`]'s own text |
/// | `severity` | the highest: `informational`, `low`, `medium`, `high` or `critical` |
/// | `count` | how many alerts it stands for, `more` included |
/// | `more` | how many of them are only counted |
/// | `repeats` | how many repeats were kept back |
/// | `escalation` | the step, from 1, where nobody acknowledged; else absent |
/// | `group` | the labels that its alerts have in common: `group.agent`; `{% for label, value in group\|items %}` |
/// | `alerts` | the alerts that stand here in full, in the order in which they were sent |
/// | `first`, `latest` | the first and the last of them |
/// | `id`, `channel`, `at` | the delivery's name, the channel's, and when it was made |
///
/// An alert has `severity`, `topic`, `message`, `id` and `at`, and, where its sender gave them, `agent`,
/// `key` and `metadata` (`latest.metadata.account`; metadata is open: any name is read). What is absent is
/// empty text, and `{{ latest.agent|default('nobody') }}` names something else. Times are RFC 3339 text.
///
/// Text that comes from agents stands on one line: control characters are shown escaped, as in an alert's
/// own text. A tag that stands alone on its line leaves no line behind.
///
/// # Mistakes
///
/// What is wrong is found by [`parse`](Self::parse), with its line: bad syntax, a field, filter, test or
/// function that there is not, a filter that does not fit. The text is read, which finds unknown filters and
/// tests everywhere, and unknown fields also in branches that are seldom taken; then notifications of all
/// kinds are tried, one alert and many, with all fields and with few. What cannot be known beforehand:
///
/// - in a branch that no sample takes (`{% if latest.topic == "..." %}`), an unknown field of a name that the
///   template gives itself (`{% set it = latest %}{{ it.sevrity }}`) or that is put together (`latest["sev" ~ "x"]`);
/// - metadata of another type than was thought: `{{ latest.metadata.percent + 1 }}` where that is no number.
///   (It is refused, since metadata may be absent; within `{% if latest.metadata.percent %}` it is not.)
///
/// Such a mistake shows when the template is needed, and costs no alert: see [`render`](Self::render).
///
/// # Bounds
///
/// A template has at most 64 KiB, and its text at most 256 KiB. The work that one text takes is bounded, so
/// that no loop is endless. One tag (`{{ … }}` or `{% … %}`) has at most 500 words and signs, one template at
/// most 500 `elif`, and `tojson` indents by 16 spaces at most. Includes, macros and namespaces there are not.
#[derive(Clone)]
pub struct Template {
    environment: Arc<Environment<'static>>,
    source: Arc<str>,
    html: bool,
}

/// Why a text is no [`Template`], or why one could not be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// It is longer than templates may be.
    #[error("the template has {bytes} bytes; at most {SOURCE_BYTES_MAX} are read")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// It cannot be read.
    #[error("{}{what}", place(*line))]
    Syntax {
        /// The line, from 1.
        line: Option<usize>,
        /// What is wrong.
        what: String,
    },
    /// It names a field, filter, test or function that there is not.
    #[error("{}{what}", place(*line))]
    Unknown {
        /// The line, from 1.
        line: Option<usize>,
        /// What there is not, and what there is.
        what: String,
    },
    /// It could not be filled in: a filter or an operator had a value that it cannot use.
    #[error("{}{what}", place(*line))]
    Failed {
        /// The line, from 1.
        line: Option<usize>,
        /// What is wrong.
        what: String,
    },
    /// Its text is longer than texts may be.
    #[error("the text of the template is longer than {} bytes", render::OUTPUT_BYTES_MAX)]
    OutputTooLong,
    /// To fill it in takes more steps than are allowed.
    #[error("the template takes too many steps; it has a loop that is too long")]
    TooMuchWork,
}

fn place(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!("line {line}: "))
}

/// What the engine calls the template.
const NAME: &str = "template";

const SOURCE_BYTES_MAX: usize = 64 * 1024;

/// How many alerts the texts that come with the crate show.
const SHOWN_MAX: usize = 20;

/// How much of one alert's words plain text shows. Twenty of them, escaped for HTML, keep within the bound of
/// a text.
const LINE_BYTES_MAX: usize = 1024;

const LINE: &str = "{{ text }}";

const SUBJECT: &str = "\
[{{ severity }}] {{ latest.topic }}: \
{% if count == 1 %}{{ latest.message }}{% else %}{{ count }} alerts\
{% for label, value in group|items if label not in ['topic', 'severity'] %}\
{{ ' (' if loop.first else ', ' }}{{ label }} {{ value }}{{ ')' if loop.last }}{% endfor %}{% endif %}\
{% if escalation %} (not acknowledged, step {{ escalation }}){% endif %}";

const TEXT: &str = "\
{{ text }}
{% for alert in (alerts|reverse)[:20] %}

{{ alert.severity }}  {{ alert.topic }}{% if alert.at %}  {{ alert.at }}{% endif %}

  {{ alert.message }}
{% if alert.agent %}
  agent: {{ alert.agent }}
{% endif %}
{% for name, value in alert.metadata|items %}
  {{ name }}: {{ value }}
{% endfor %}
{% endfor %}
{% set shown = [alerts|length, 20]|min %}
{% if count > shown %}

... and {{ count - shown }} more
{% endif %}
";

impl Template {
    /// Reads a template of plain text.
    ///
    /// # Errors
    ///
    /// Where it is longer than 64 KiB, cannot be read, names what there is not, or cannot be filled in with
    /// one of the notifications that are tried.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Self::read(text, false)
    }

    /// Reads a template of HTML: what it puts in is escaped, so that agents write text and never markup.
    ///
    /// ```
    /// # use safeguards_notify::Template;
    /// let template = Template::html("<p>{{ latest.message }}</p>")?;
    /// # Ok::<(), safeguards_notify::TemplateError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    pub fn html(text: &str) -> Result<Self, TemplateError> {
        Self::read(text, true)
    }

    /// The notification's own text, on one line: `high  budget.denied: no money`.
    pub fn line() -> Self {
        Self::own(LINE)
    }

    /// A line for the head of a mail: `[high] budget.denied: 312 alerts (agent reader)`.
    pub fn subject() -> Self {
        Self::own(SUBJECT)
    }

    /// The notification's own text, and then each alert with its time, agent and metadata, the latest first:
    /// at most 20 of them, and how many more there are.
    pub fn text() -> Self {
        Self::own(TEXT)
    }

    /// One that comes with the crate. A test reads them all.
    pub(crate) fn own(text: &str) -> Self {
        let environment = render::environment(text, false).unwrap_or_default();
        Self { environment: Arc::new(environment), source: text.into(), html: false }
    }

    fn read(text: &str, html: bool) -> Result<Self, TemplateError> {
        if text.len() > SOURCE_BYTES_MAX {
            return Err(TemplateError::TooLong { bytes: text.len() });
        }
        scan::check_lengths(text)?;
        let environment = render::environment(text, html)?;
        check::check(&environment, text)?;
        Ok(Self { environment: Arc::new(environment), source: text.into(), html })
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether it is one of HTML.
    pub const fn is_html(&self) -> bool {
        self.html
    }

    /// The notification in words. An alert is never lost because a template was wrong: where that cannot be
    /// filled in, the words are plain ones, and the last line says so and why.
    pub fn render(&self, notification: &Notification) -> String {
        self.try_render(notification).unwrap_or_else(|error| {
            let plain = plain(notification, &error);
            if self.html { format!("<pre>{}</pre>", HtmlEscape(&plain)) } else { plain }
        })
    }

    /// The notification in words.
    ///
    /// # Errors
    ///
    /// Where a mistake was not to be known beforehand, or the text becomes too long.
    pub fn try_render(&self, notification: &Notification) -> Result<String, TemplateError> {
        render::render(&self.environment, notification.clone())
    }
}

/// What is said where a template fails.
fn plain(notification: &Notification, error: &TemplateError) -> String {
    let mut plain = start(&notification.to_string(), LINE_BYTES_MAX).to_owned();
    let alerts = notification.alerts();
    let shown = alerts.len().min(SHOWN_MAX);
    // Writing into a text does not fail.
    if notification.count() > 1 {
        for alert in alerts.rev().take(SHOWN_MAX) {
            let _ = write!(plain, "\n- {}", start(&alert.to_string(), LINE_BYTES_MAX));
        }
        let more = notification.count().saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX));
        if more > 0 {
            let _ = write!(plain, "\n... and {more} more");
        }
    }
    let why = one_line(&error.to_string());
    let why = start(&why, LINE_BYTES_MAX);
    let _ = write!(plain, "\n(plain words, since the template failed: {why})");
    plain
}

impl TemplateError {
    /// The line of the mistake, from 1, where it is known.
    pub const fn line(&self) -> Option<usize> {
        match self {
            Self::Syntax { line, .. } | Self::Unknown { line, .. } | Self::Failed { line, .. } => {
                *line
            }
            Self::TooLong { .. } | Self::OutputTooLong | Self::TooMuchWork => None,
        }
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "notify.template_too_long",
            Self::Syntax { .. } => "notify.template_syntax",
            Self::Unknown { .. } => "notify.template_unknown_name",
            Self::Failed { .. } => "notify.template_failed",
            Self::OutputTooLong => "notify.template_output_too_long",
            Self::TooMuchWork => "notify.template_too_much_work",
        }
    }

    const fn syntax(line: Option<usize>, what: String) -> Self {
        Self::Syntax { line, what }
    }

    const fn unknown(line: Option<usize>, what: String) -> Self {
        Self::Unknown { line, what }
    }

    const fn failed(line: Option<usize>, what: String) -> Self {
        Self::Failed { line, what }
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { environment: _, source, html } = self;
        out.debug_struct("Template").field("source", source).field("html", html).finish()
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        Self::parse(text)
    }
}
