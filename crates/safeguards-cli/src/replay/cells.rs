//! Cells of a trace: the wanted fields of one row after another, of CSV or of JSON lines.

mod csv_table;
mod json_table;

use self::{csv_table::CsvTable, json_table::JsonTable};
use super::{
    columns::{Column, ColumnError, Header},
    error::Fault,
    source::Text,
};

/// How many bytes a row may have, so that no file can fill the memory with one.
const ROW_MAX: u64 = 16 * 1024 * 1024;

/// One field of a row. The text is kept from row to row, so that reading allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Cell {
    state: State,
    text: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Missing,
    Null,
    Text,
}

impl Cell {
    /// What it says, without space around it; `None` where it is null, empty or not there at all.
    pub(crate) fn text(&self) -> Option<&str> {
        match self.state {
            State::Text => Some(self.text.trim()).filter(|text| !text.is_empty()),
            State::Null | State::Missing => None,
        }
    }

    /// Whether the row has the field, be it empty or null.
    pub(crate) fn is_there(&self) -> bool {
        self.state != State::Missing
    }

    fn fill(&mut self, text: &str) {
        self.state = State::Text;
        self.text.clear();
        self.text.push_str(text);
    }

    fn write(&mut self, number: impl std::fmt::Display) {
        use std::fmt::Write as _;
        self.fill("");
        // Writing to a string does not fail.
        let _ = write!(self.text, "{number}");
    }
}

/// How many columns a replay reads at most.
pub(crate) const SLOTS: usize = 6;

/// How many names of columns are kept for a message.
const NAMES_MAX: usize = 200;

/// The wanted columns, each in its slot, and the cells of the present row in the same slots.
#[derive(Debug)]
pub(crate) struct Slots {
    columns: [Option<Column>; SLOTS],
    pub(crate) cells: [Cell; SLOTS],
    /// The names of columns that no row had so far.
    awaited: Vec<String>,
    /// The names of those that were seen, while others are awaited.
    seen: Vec<String>,
}

impl Slots {
    pub(crate) fn new(columns: [Option<Column>; SLOTS], header: Header) -> Self {
        let awaited = columns.iter().flatten().filter(|column| column.is_awaited);
        let awaited = awaited.map(|column| column.name.clone()).collect();
        Self { columns, cells: Default::default(), awaited, seen: header.names }
    }

    fn wanted(&mut self) -> impl Iterator<Item = (&Column, &mut Cell)> {
        let slots = self.columns.iter().zip(&mut self.cells);
        slots.filter_map(|(column, cell)| column.as_ref().map(|column| (column, cell)))
    }

    /// Notes that a row has a column of this name.
    fn see(&mut self, name: &str) {
        if self.awaited.is_empty() {
            return;
        }
        self.awaited.retain(|awaited| awaited != name);
        if self.seen.len() < NAMES_MAX && !self.seen.iter().any(|seen| seen == name) {
            self.seen.push(name.to_owned());
        }
    }

    /// Says after the last row that a wanted column never came.
    pub(crate) fn check(&self) -> Result<(), ColumnError> {
        match self.awaited.first() {
            None => Ok(()),
            Some(name) => {
                Err(ColumnError::Unknown { name: name.clone(), columns: self.seen.clone() })
            }
        }
    }
}

/// The rows of a trace as they are written. Lines are counted from 1.
pub(crate) enum Table {
    Csv(CsvTable),
    Json(JsonTable),
}

impl Table {
    /// Tells the format by the first character: an object's brace, or anything else. Gives the names of the
    /// columns: the header of CSV, the keys of the first object.
    pub(crate) fn open(text: Text) -> Result<(Self, Header), (Option<u64>, Fault)> {
        match text.head().iter().find(|byte| !byte.is_ascii_whitespace()) {
            None => Err((None, Fault::Empty)),
            Some(b'{' | b'[') => {
                let (table, names) =
                    JsonTable::open(text).map_err(|(line, fault)| (Some(line), fault))?;
                Ok((Self::Json(table), Header { names, is_open: true }))
            }
            Some(_) => {
                let (table, names) = CsvTable::open(text)?;
                Ok((Self::Csv(table), Header { names, is_open: false }))
            }
        }
    }

    /// Reads the cells of the next row; gives its line, or `None` after the last.
    pub(crate) fn next(&mut self, slots: &mut Slots) -> Result<Option<u64>, (u64, Fault)> {
        match self {
            Self::Csv(table) => table.next(slots),
            Self::Json(table) => table.next(slots),
        }
    }
}
