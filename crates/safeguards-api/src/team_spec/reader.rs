//! [`Reader`]: reads the texts of one file, and keeps each mistake with its place.

use std::{
    cell::{OnceCell, RefCell},
    collections::BTreeSet,
    ops::Range,
};

use safeguards_budget::{Limit, Percent};
use safeguards_types::{Amount, Quantity, Unit};
use toml::{Spanned, de::DeValue};

use super::mistake::{MistakeKind, Mistakes, Place, Sources, TeamFileError};
use crate::limit_text;

/// How many names a message lists.
const LISTED_MAX: usize = 20;

/// A value where it stands in the file.
pub(super) type Value<'a> = &'a Spanned<DeValue<'a>>;
/// A text where it stands.
pub(super) type Text<'a> = Spanned<&'a str>;

/// Reads one file; keeps what is wrong with it.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    sources: Sources,
    text: &'a str,
    /// Where each line begins.
    lines: OnceCell<Vec<usize>>,
    /// The units that are known, in the order in which messages list them, and for look-up.
    units: RefCell<(Vec<Unit>, BTreeSet<Unit>)>,
    mistakes: RefCell<Mistakes>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(sources: Sources, text: &'a str) -> Self {
        let (lines, units, mistakes) = (OnceCell::new(), RefCell::default(), RefCell::default());
        let reader = Self { sources, text, lines, units, mistakes };
        for unit in [Unit::USD, Unit::TOKENS, Unit::REQUESTS] {
            reader.add_unit(unit);
        }
        reader
    }

    /// Notes a mistake at `span`.
    pub(super) fn mistake(
        &self,
        kind: MistakeKind,
        span: &Range<usize>,
        message: impl Into<String>,
    ) {
        self.mistakes.borrow_mut().note(kind, span.start, message.into());
    }

    /// Notes a mistake whose message takes a while to find: only if it is kept.
    pub(super) fn mistake_with(
        &self,
        kind: MistakeKind,
        span: &Range<usize>,
        message: impl FnOnce() -> String,
    ) {
        if self.keeps(span) {
            self.mistake(kind, span, message());
        } else {
            self.mistakes.borrow_mut().count();
        }
    }

    /// Whether a mistake at `span` would be kept: of many, only the first are.
    pub(super) fn keeps(&self, span: &Range<usize>) -> bool {
        self.mistakes.borrow().keeps(span.start)
    }

    /// Notes a mistake at a line and a column of the text.
    pub(super) fn mistake_at(&self, kind: MistakeKind, place: Place, message: String) {
        let before = place.line.saturating_sub(1);
        let start: usize = self.text.split_inclusive('\n').take(before).map(str::len).sum();
        let line = self.text.get(start..).unwrap_or_default();
        let column = place.column.saturating_sub(1);
        let at = line.char_indices().nth(column).map_or(0, |(at, _)| at).saturating_add(start);
        self.mistake(kind, &(at..at), message);
    }

    /// The text that is read.
    pub(super) const fn text(&self) -> &'a str {
        self.text
    }

    /// Whose lines are whose.
    pub(super) const fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Makes a unit known beside those that always are.
    pub(super) fn add_unit(&self, unit: Unit) {
        let (listed, known) = &mut *self.units.borrow_mut();
        if known.insert(unit.clone()) {
            listed.push(unit);
        }
    }

    /// All mistakes so far; `Ok` if there is none.
    pub(super) fn verdict(&self) -> Result<(), TeamFileError> {
        self.mistakes.borrow().of(&self.sources, self.text).map_or(Ok(()), Err)
    }

    /// What stands at `span`, as it was written.
    pub(super) fn source(&self, span: &Range<usize>) -> &'a str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// The line and column of this byte.
    pub(super) fn place(&self, at: usize) -> Place {
        let lines = self.lines.get_or_init(|| {
            let ends = self.text.match_indices('\n').map(|(end, _)| end.saturating_add(1));
            std::iter::once(0).chain(ends).collect()
        });
        let line = lines.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|before| lines.get(before)).copied();
        let before = self.text.get(start.unwrap_or_default()..at).unwrap_or_default();
        Place { line, column: before.chars().count().saturating_add(1) }
    }

    /// Reads `NUMBER UNIT`.
    pub(super) fn amount(&self, text: &Text<'_>) -> Option<Amount> {
        match Amount::parse(text.get_ref()) {
            Ok(amount) if amount.quantity() > Quantity::AMOUNT_MAX => {
                let error = limit_text::LimitTextError::TooLarge { amount };
                let message = format!("\"{}\": {error}", text.get_ref());
                self.mistake(MistakeKind::Amount, &text.span(), message);
                None
            }
            Ok(amount) => self.is_known_unit(text, amount.unit()).then_some(amount),
            Err(error) => {
                let message = format!("\"{}\": {error}", text.get_ref());
                self.mistake(MistakeKind::Amount, &text.span(), message);
                None
            }
        }
    }

    /// Reads a limit as `limit_text` says.
    pub(super) fn limit(&self, text: &Text<'_>) -> Option<Limit> {
        match limit_text::parse(text.get_ref()) {
            Ok(limit) => self.is_known_unit(text, &limit.unit).then_some(limit),
            Err(error) => {
                let kind = match &error {
                    limit_text::LimitTextError::Amount(_)
                    | limit_text::LimitTextError::TooLarge { .. } => MistakeKind::Amount,
                    limit_text::LimitTextError::Window { .. }
                    | limit_text::LimitTextError::Bounds(_) => MistakeKind::Window,
                };
                let message = format!("\"{}\": {error}", text.get_ref());
                self.mistake(kind, &text.span(), message);
                None
            }
        }
    }

    /// Reads `80%`.
    pub(super) fn percent(&self, text: &Text<'_>) -> Option<Percent> {
        let share = text.get_ref().trim();
        let percent =
            share.strip_suffix('%').and_then(|share| Percent::parse(share.trim_end()).ok());
        if percent.is_none() {
            let message = format!(
                "\"{share}\" is no percentage; write 0 to 100 with its sign, such as \"80%\""
            );
            self.mistake(MistakeKind::Value, &text.span(), message);
        }
        percent
    }

    /// Whether an account may have this name.
    pub(super) fn is_name(&self, text: &Text<'_>) -> bool {
        let name = *text.get_ref();
        let is_name = (1..=256).contains(&name.len()) && !name.chars().any(char::is_control);
        if !is_name {
            let message = "a name has 1 to 256 bytes and no control characters";
            self.mistake(MistakeKind::Value, &text.span(), message);
        }
        is_name
    }

    /// Whether a program, a folder or a file may be called so; notes it where not.
    pub(super) fn is_path(&self, key: &str, text: &Text<'_>) -> bool {
        let is_path = !text.get_ref().contains('\0');
        if !is_path {
            let message = format!("`{key}` has a NUL in it; nothing on this system is called so");
            self.mistake(MistakeKind::Value, &text.span(), message);
        }
        is_path
    }

    /// Whether a unit was registered; notes it where not.
    pub(super) fn is_known_unit(&self, text: &Text<'_>, unit: &Unit) -> bool {
        let (in_order, known) = &*self.units.borrow();
        let is_known = known.contains(unit);
        if !is_known {
            let known = listed(in_order.iter().map(Unit::as_str));
            let message = format!(
                "\"{}\": no unit `{unit}`; known are {}; `units = [\"{unit}\"]` adds one",
                text.get_ref(),
                known,
            );
            self.mistake(MistakeKind::Unit, &text.span(), message);
        }
        is_known
    }
}

/// Names for a message: as many as one may list, and how many more there are.
pub(super) fn listed<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = names.len().saturating_sub(LISTED_MAX);
    let listed = names.take(LISTED_MAX).collect::<Vec<_>>().join(", ");
    if more == 0 { listed } else { format!("{listed} and {more} more") }
}
