//! Traces: recorded calls of language models, read row by row.

use std::collections::HashMap;

use safeguards_pricing::Usage;
use safeguards_types::Timestamp;

use super::{
    cells::{Cell, Slots, Table},
    columns::{Columns, Wanted},
    error::{Fault, TraceError},
    source::{self, Progress},
    time::{TimeForm, TimeReader, TimeUnit},
};

/// The most tokens of one kind that a row may have: far above any model, and no sum of them overflows.
const TOKENS_MAX: u64 = 100_000_000_000_000;
/// The longest name that fits an account's, with the pool's before it.
const NAME_MAX: usize = 200;
/// What rows are counted under that do not say what they are told apart by.
const NAMELESS: &str = "(none)";

/// One recorded call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Its number in the file, from 1, the header not counted.
    pub(crate) number: u64,
    /// Its line in the file, from 1.
    pub(crate) line: u64,
    /// When the call was.
    pub(crate) at: Timestamp,
    /// Its tokens.
    pub(crate) usage: Usage,
    /// Whether the trace does not say how many input tokens it had; counted as 0.
    pub(crate) lacks_input: bool,
    /// Which of the trace's models; `None` where the trace does not name them.
    pub(crate) model: Option<NameId>,
    /// What it is told apart by; `None` where rows are not.
    pub(crate) by: Option<NameId>,
}

/// The number of a name, from 0 in the order of first appearance.
pub(crate) type NameId = usize;

/// Names that appear over and over, each kept once.
#[derive(Debug, Default)]
pub(crate) struct Names {
    in_order: Vec<Box<str>>,
    ids: HashMap<Box<str>, NameId>,
    last: NameId,
}

impl Names {
    /// The name of this number.
    pub(crate) fn name(&self, id: NameId) -> &str {
        self.in_order.get(id).map_or("", |name| name)
    }

    fn id(&mut self, name: &str) -> NameId {
        // Neighbors often are alike.
        if self.in_order.get(self.last).is_some_and(|last| &**last == name) {
            return self.last;
        }
        self.last = if let Some(id) = self.ids.get(name) {
            *id
        } else {
            let id = self.in_order.len();
            self.in_order.push(name.into());
            self.ids.insert(name.into(), id);
            id
        };
        self.last
    }
}

/// How a trace is to be read.
#[derive(Debug)]
pub(crate) struct TraceOptions {
    pub(crate) wanted: Wanted,
    pub(crate) time_unit: Option<TimeUnit>,
    pub(crate) start: Option<Timestamp>,
}

/// An open trace.
pub(crate) struct Trace {
    name: String,
    progress: Progress,
    table: Table,
    columns: Columns,
    slots: Slots,
    times: TimeReader,
    models: Names,
    by: Names,
    /// Whether a row does not say what it is told apart by.
    has_nameless: bool,
    rows: u64,
}

impl Trace {
    /// Opens a file and finds its columns.
    pub(crate) fn open(path: &str, options: &TraceOptions) -> Result<Self, TraceError> {
        let source = source::open(path).map_err(|error| TraceError::of_file(path, error))?;
        let name = source.name;
        let (table, header) = Table::open(source.text).map_err(|(line, fault)| match line {
            Some(line) => TraceError::at_line(&name, line, fault),
            None => TraceError::of_file(&name, fault),
        })?;
        let columns = Columns::find(&header, &options.wanted)
            .map_err(|error| TraceError::of_file(&name, error))?;
        let wanted = [
            Some(columns.time.clone()),
            Some(columns.input.clone()),
            Some(columns.output.clone()),
            columns.cached.clone(),
            columns.model.clone(),
            columns.by.clone(),
        ];
        let slots = Slots::new(wanted, header);
        Ok(Self {
            name,
            progress: source.progress,
            times: TimeReader::new(&columns.time.name, options.time_unit, options.start),
            table,
            columns,
            slots,
            models: Names::default(),
            by: Names::default(),
            has_nameless: false,
            rows: 0,
        })
    }

    /// Reads the next row; `None` after the last, of which there must be one.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row>, TraceError> {
        let line = match self.table.next(&mut self.slots) {
            Ok(Some(line)) => line,
            Ok(None) if self.rows == 0 => {
                return Err(TraceError::of_file(&self.name, Fault::NoRows));
            }
            Ok(None) => {
                let checked = self.slots.check().map(|()| None);
                return checked.map_err(|error| TraceError::of_file(&self.name, error));
            }
            Err((line, fault)) => return Err(self.error_at(line, fault)),
        };
        self.rows += 1;
        match self.row(line) {
            Ok(row) => Ok(Some(row)),
            Err(fault) => Err(self.error_at(line, fault)),
        }
    }

    fn row(&mut self, line: u64) -> Result<Row, Fault> {
        let columns = &self.columns;
        let [time, input, output, cached, model, by] = &self.slots.cells;
        let at = self.times.read(text(time, &columns.time.name)?);
        let at = at.map_err(|error| Fault::Time { column: columns.time.name.clone(), error })?;
        let given_input = match input.text() {
            Some(text) => Some(tokens(text, &columns.input.name)?),
            // Null says that it was not recorded; a field that is not there says that the row is broken.
            None if input.is_there() => None,
            None => return Err(missing(&columns.input.name)),
        };
        let output = tokens(text(output, &columns.output.name)?, &columns.output.name)?;
        let mut usage = Usage::new(given_input.unwrap_or(0), output);
        if let Some((text, column)) = cached.text().zip(columns.cached.as_ref()) {
            usage = usage.cached(tokens(text, &column.name)?);
        }
        let model = match &columns.model {
            Some(column) => Some(self.models.id(text(model, &column.name)?)),
            None => None,
        };
        let by = match &columns.by {
            Some(column) => {
                self.has_nameless |= by.text().is_none();
                Some(self.by.id(account_name(by.text(), &column.name)?))
            }
            None => None,
        };
        Ok(Row {
            number: self.rows,
            line,
            at,
            usage,
            lacks_input: given_input.is_none(),
            model,
            by,
        })
    }

    /// Says that a line is at fault.
    pub(crate) fn error_at(&self, line: u64, fault: impl Into<Fault>) -> TraceError {
        TraceError::at_line(&self.name, line, fault)
    }

    /// Its name in messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How far it was read.
    pub(crate) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// The names of its models so far.
    pub(crate) const fn models(&self) -> &Names {
        &self.models
    }

    /// The names that its rows are told apart by, so far.
    pub(crate) const fn by(&self) -> &Names {
        &self.by
    }

    /// What the user calls that: `agent`, or a column's name; `None` where rows are not told apart.
    pub(crate) fn by_label(&self) -> Option<&str> {
        self.columns.by_label.as_deref()
    }

    /// What was assumed of its times, for the reader of a report.
    pub(crate) fn assumptions(&self, start: Option<Timestamp>) -> Vec<String> {
        let mut assumed = self.columns.notes.clone();
        if let (true, Some(by)) = (self.has_nameless, &self.columns.by_label) {
            assumed.push(format!("rows without `{by}` are counted as `{NAMELESS}`"));
        }
        if self.times.has_zoneless() {
            assumed.push("times without a zone were read as UTC".to_owned());
        }
        if let Some(TimeForm::Relative(_)) = self.times.form() {
            let start = start.unwrap_or(Timestamp::UNIX_EPOCH);
            assumed.push(format!("times are relative and were counted from {start} (`--start`)"));
        }
        assumed
    }
}

fn missing(column: &str) -> Fault {
    Fault::Missing { column: column.to_owned() }
}

fn text<'a>(cell: &'a Cell, column: &str) -> Result<&'a str, Fault> {
    cell.text().ok_or_else(|| missing(column))
}

/// Reads a whole number; tables that know only fractions write `12.0`.
fn tokens(text: &str, column: &str) -> Result<u64, Fault> {
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => {
            whole
        }
        _ => text,
    };
    let is_plain = whole.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = whole.parse().ok();
    parsed.filter(|tokens| is_plain && *tokens <= TOKENS_MAX).ok_or_else(|| Fault::Tokens {
        column: column.to_owned(),
        text: shorten(text),
        max: TOKENS_MAX,
    })
}

fn account_name<'a>(text: Option<&'a str>, column: &str) -> Result<&'a str, Fault> {
    let name = text.unwrap_or(NAMELESS);
    if name.len() > NAME_MAX || name.chars().any(char::is_control) {
        return Err(Fault::Name {
            column: column.to_owned(),
            given: format!("`{}`, {} bytes", shorten(name).escape_debug(), name.len()),
            max: NAME_MAX,
        });
    }
    Ok(name)
}

/// The beginning of a text that may be of any length.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
