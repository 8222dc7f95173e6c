//! [`Section`]: one table of the file, taken apart key by key.

use std::{ops::Range, time::Duration};

use safeguards_budget::{Limit, Percent};
use safeguards_types::{Amounts, Priority, duration_text};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    mistake::MistakeKind,
    near::near,
    reader::{Reader, Text, Value},
};

/// Keys whose values no message repeats.
const UNSHOWN: [&str; 9] =
    ["alert", "channels", "email", "env", "password", "secret", "slack", "to", "webhook"];

/// One table of the file, whose keys are asked for one by one. [`Section::finish`] notes those that nobody
/// asked for.
#[derive(Debug)]
pub(super) struct Section<'a> {
    pub(super) reader: &'a Reader<'a>,
    /// Whose table it is, as messages say it: `agent research`.
    owner: String,
    span: Range<usize>,
    table: &'a DeTable<'a>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub(super) fn new(
        reader: &'a Reader<'a>,
        owner: impl Into<String>,
        table: &'a DeTable<'a>,
        span: Range<usize>,
    ) -> Self {
        Self { reader, owner: owner.into(), span, table, known: Vec::new() }
    }

    /// Where the table begins: its header.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Whose table it is.
    pub(super) fn owner(&self) -> &str {
        &self.owner
    }

    /// A copy of the value of a key, to be read by others.
    pub(super) fn copy(&mut self, key: &'static str) -> Option<Spanned<DeValue<'a>>> {
        self.value(key).cloned()
    }

    /// Calls the table by the name that was read from it.
    pub(super) fn rename(&mut self, owner: String) {
        self.owner = owner;
    }

    /// The value of a key, whatever it is.
    pub(super) fn value(&mut self, key: &'static str) -> Option<Value<'a>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.table.get(key)
    }

    /// Whether a key is not there at all.
    pub(super) fn lacks(&self, key: &str) -> bool {
        !self.table.contains_key(key)
    }

    /// The `name` that a table must have.
    pub(super) fn required_name(&mut self) -> Option<Text<'a>> {
        let text = self.text("name", "a name is a text");
        if self.lacks("name") {
            let message = format!("{} needs a `name`", self.owner);
            self.reader.mistake(MistakeKind::Missing, &self.span, message);
        }
        text.filter(|text| self.reader.is_name(text))
    }

    /// The `priority` of a table: 5 where it has none.
    pub(super) fn priority(&mut self) -> Priority {
        let read = |level| Priority::try_from(level).ok();
        self.number("priority", read, "a priority is 1 to 10; 10 matters most").unwrap_or_default()
    }

    /// Notes that the value of a key is of the wrong type.
    pub(super) fn expected(&self, key: &str, value: Value<'_>, what: &str) {
        let span = value.span();
        // What stands at such a key may be a secret, be it of the wrong type.
        let message = if UNSHOWN.contains(&key) {
            format!("`{key}`: {what}")
        } else {
            format!("`{key} = {}`: {what}", self.reader.source(&span))
        };
        self.reader.mistake(MistakeKind::Value, &span, message);
    }

    /// The text of a key.
    pub(super) fn text(&mut self, key: &'static str, what: &str) -> Option<Text<'a>> {
        let value = self.value(key)?;
        let text = text_of(value);
        if text.is_none() {
            self.expected(key, value, what);
        }
        text
    }

    /// The texts of a key: a list of texts, each of which is `what`. An absent key is `None`.
    pub(super) fn texts(&mut self, key: &'static str, what: &str) -> Option<Vec<Text<'a>>> {
        let value = self.value(key)?;
        let list = value.get_ref().as_array();
        if list.is_none() {
            self.expected(key, value, &format!("write a list: {what}"));
        }
        Some(self.each_text(key, list?.iter(), what))
    }

    fn each_text(
        &self,
        key: &str,
        values: impl Iterator<Item = Value<'a>>,
        what: &str,
    ) -> Vec<Text<'a>> {
        let read = |value| {
            let text = text_of(value);
            if text.is_none() {
                let (source, span) = (self.reader.source(&value.span()), value.span());
                let message = if UNSHOWN.contains(&key) {
                    format!("`{key}`: {what}")
                } else {
                    format!("`{source}` in `{key}`: {what}")
                };
                self.reader.mistake(MistakeKind::Value, &span, message);
            }
            text
        };
        values.filter_map(read).collect()
    }

    /// The amounts of a key, one text or a list of them, and where they stand.
    pub(super) fn amounts(&mut self, key: &'static str) -> Option<Spanned<Amounts>> {
        let value = self.value(key)?;
        let texts = self.amount_texts(key, value)?;
        let mut amounts = Amounts::none();
        for text in &texts {
            let Some(amount) = self.reader.amount(text) else {
                continue;
            };
            if amounts.names(amount.unit()) {
                let message = format!("`{key}` names {} twice; each unit once", amount.unit());
                self.reader.mistake(MistakeKind::Amount, &text.span(), message);
            }
            amounts.set(amount);
        }
        Some(Spanned::new(value.span(), amounts))
    }

    /// The limits of a key, each warning at what `warn_at` says.
    pub(super) fn limits(&mut self) -> Vec<Limit> {
        let warn_at = self.warn_at();
        let Some(value) = self.value("limits") else {
            return Vec::new();
        };
        if value.get_ref().as_array().is_none() {
            self.expected("limits", value, "write a list, such as [\"1.00 USD per day\"]");
            return Vec::new();
        }
        let mut limits: Vec<Limit> = Vec::new();
        for text in self.amount_texts("limits", value).unwrap_or_default() {
            let Some(limit) = self.reader.limit(&text) else {
                continue;
            };
            let twin = |known: &Limit| known.unit == limit.unit && known.window == limit.window;
            if limits.iter().any(twin) {
                let message = format!(
                    "\"{}\": {} has a limit of {} over this window already; keep one",
                    text.get_ref(),
                    self.owner,
                    limit.unit
                );
                self.reader.mistake(MistakeKind::Value, &text.span(), message);
            }
            limits.push(warn_at.iter().copied().fold(limit, Limit::warn_at));
        }
        limits
    }

    fn warn_at(&mut self) -> Vec<Percent> {
        let texts = self.texts("warn_at", "a percentage is a text, such as \"80%\"");
        match texts {
            None => vec![Percent::EIGHTY],
            Some(texts) => texts.iter().filter_map(|text| self.reader.percent(text)).collect(),
        }
    }

    /// The texts of amounts: one or a list. A bare number is told apart from other wrong types.
    fn amount_texts(&self, key: &str, value: Value<'a>) -> Option<Vec<Text<'a>>> {
        let list = value.get_ref().as_array();
        let values: Vec<Value<'a>> =
            list.map_or_else(|| vec![value], |values| values.iter().collect());
        let mut texts = Vec::new();
        for item in values {
            let (source, span) = (self.reader.source(&item.span()), item.span());
            let shown = if list.is_some() {
                format!("`{source}` in `{key}`")
            } else {
                format!("`{key} = {source}`")
            };
            match item.get_ref() {
                DeValue::String(text) => texts.push(Spanned::new(span, &**text)),
                DeValue::Integer(_) | DeValue::Float(_) => {
                    let message = format!(
                        "{shown} is a bare number; write \"{source} USD\": an amount has a unit, and no digit is lost"
                    );
                    self.reader.mistake(MistakeKind::Amount, &span, message);
                }
                DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Array(_)
                | DeValue::Table(_) => {
                    let message =
                        format!("{shown}: an amount is a text with a unit, such as \"0.20 USD\"");
                    self.reader.mistake(MistakeKind::Amount, &span, message);
                }
            }
        }
        (!texts.is_empty() || list.is_some()).then_some(texts)
    }

    /// The span of time of a key.
    pub(super) fn duration(&mut self, key: &'static str) -> Option<Duration> {
        let text = self.text(key, "a span of time is a text, such as \"90s\" or \"10m\"")?;
        match duration_text::parse(text.get_ref()) {
            Ok(span) => Some(span),
            Err(error) => {
                let message = format!("{key}: {error}");
                self.reader.mistake(MistakeKind::Value, &text.span(), message);
                None
            }
        }
    }

    /// The whole number of a key, made into what `read` makes of it; `what` says which are allowed.
    pub(super) fn number<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(i64) -> Option<T>,
        what: &str,
    ) -> Option<T> {
        let value = self.value(key)?;
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok())
            .and_then(read);
        if number.is_none() {
            self.expected(key, value, what);
        }
        number
    }

    /// The whole number from 1 of a key.
    pub(super) fn count(&mut self, key: &'static str) -> Option<usize> {
        let read = |number| usize::try_from(number).ok().filter(|number| *number > 0);
        self.number(key, read, "write a whole number, 1 or more")
    }

    /// Whether a key is there and true.
    pub(super) fn flag(&mut self, key: &'static str) -> bool {
        let Some(value) = self.value(key) else {
            return false;
        };
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.expected(key, value, "write true or false");
        }
        flag.unwrap_or(false)
    }

    /// The table of a key.
    pub(super) fn table(&mut self, key: &'static str, owner: &str) -> Option<Self> {
        let value = self.value(key)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.expected(key, value, "write a table");
        }
        Some(Section::new(self.reader, owner, table?, value.span()))
    }

    /// The tables of a key: `[[key]]`, each a time.
    pub(super) fn tables(&mut self, key: &'static str, owner: &str) -> Vec<Self> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let wrong = format!("write a list of tables: `[[{key}]]` before each");
        let Some(values) = value.get_ref().as_array() else {
            self.reader.mistake(MistakeKind::Value, &value.span(), format!("{key}: {wrong}"));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in values {
            match item.get_ref().as_table() {
                Some(table) => sections.push(Section::new(self.reader, owner, table, item.span())),
                None => self.expected(key, item, &wrong),
            }
        }
        sections
    }

    /// Ends the reading: notes keys that nobody asked for. Those of `planned` are known to the design, but
    /// cannot be honored yet, so they are refused instead of ignored.
    pub(super) fn finish(self, planned: &[&str]) {
        let Self { reader, owner, span: _, table, known } = self;
        for key in table.keys() {
            let (name, span) = (&**key.get_ref(), key.span());
            if known.contains(&name) {
                continue;
            }
            if planned.contains(&name) {
                let message = format!("{owner}: `{name}` is not supported yet; leave it out");
                reader.mistake(MistakeKind::Unsupported, &span, message);
                continue;
            }
            reader.mistake_with(MistakeKind::UnknownKey, &span, || {
                let help = match near(name, known.iter().copied()) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None if known.is_empty() => "it has none".to_owned(),
                    // All of them: they are words of the file's language, and no more than fit on two lines.
                    None => format!("known are {}", known.join(", ")),
                };
                format!("{owner} has no key `{name}`; {help}")
            });
        }
    }
}

/// The text of a value; `None` where it is something else.
pub(super) fn text_of(value: Value<'_>) -> Option<Text<'_>> {
    let text = value.get_ref().as_str()?;
    Some(Spanned::new(value.span(), text))
}
