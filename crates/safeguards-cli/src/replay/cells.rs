//! Cells of a trace: the wanted fields of one row after another, of CSV or of JSON lines.

use std::io::{self, BufRead, Read};

use csv::ByteRecord;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    columns::Column,
    error::Fault,
    source::{Text, TextReader},
};

/// The most that one line of JSON may have.
const LINE_MAX: u64 = 16 * 1024 * 1024;

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
}

/// How many columns a replay reads at most.
pub(crate) const SLOTS: usize = 6;

/// The wanted columns, each in its slot, and the cells of the present row in the same slots.
#[derive(Debug)]
pub(crate) struct Slots {
    columns: [Option<Column>; SLOTS],
    pub(crate) cells: [Cell; SLOTS],
}

impl Slots {
    pub(crate) fn new(columns: [Option<Column>; SLOTS]) -> Self {
        Self { columns, cells: Default::default() }
    }

    fn wanted(&mut self) -> impl Iterator<Item = (&Column, &mut Cell)> {
        let slots = self.columns.iter().zip(&mut self.cells);
        slots.filter_map(|(column, cell)| column.as_ref().map(|column| (column, cell)))
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
    pub(crate) fn open(text: Text) -> Result<(Self, Vec<String>), (Option<u64>, Fault)> {
        match text.head().iter().find(|byte| !byte.is_ascii_whitespace()) {
            None => Err((None, Fault::Empty)),
            Some(b'{' | b'[') => {
                let (table, header) =
                    JsonTable::open(text).map_err(|(line, fault)| (Some(line), fault))?;
                Ok((Self::Json(table), header))
            }
            Some(_) => {
                let (table, header) = CsvTable::open(text).map_err(|fault| (None, fault))?;
                Ok((Self::Csv(table), header))
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

pub(crate) struct CsvTable {
    reader: csv::Reader<TextReader>,
    record: ByteRecord,
    columns: usize,
    has_two_character_ends: bool,
}

impl CsvTable {
    fn open(text: Text) -> Result<(Self, Vec<String>), Fault> {
        let first_end = text.head().split_inclusive(|byte| *byte == b'\n').next();
        let has_two_character_ends = first_end.is_some_and(|line| line.ends_with(b"\r\n"));
        // Rows of another length are told apart here, with both lengths and the line.
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.into_reader());
        let header = reader.byte_headers().map_err(csv_fault)?;
        let name = |name: &[u8]| String::from_utf8_lossy(name).trim().to_owned();
        let header: Vec<String> = header.iter().map(name).collect();
        let table = Self {
            reader,
            record: ByteRecord::new(),
            columns: header.len(),
            has_two_character_ends,
        };
        Ok((table, header))
    }

    fn next(&mut self, slots: &mut Slots) -> Result<Option<u64>, (u64, Fault)> {
        let more = self.reader.read_byte_record(&mut self.record);
        let line = self.line();
        if !more.map_err(|error| (line, csv_fault(error)))? {
            return Ok(None);
        }
        if self.record.len() != self.columns {
            let fault = Fault::Fields { fields: self.record.len(), columns: self.columns };
            return Err((line, fault));
        }
        for (column, cell) in slots.wanted() {
            let text = self.record.get(column.index).unwrap_or_default();
            cell.fill(str::from_utf8(text).map_err(|_| (line, Fault::Encoding))?);
        }
        Ok(Some(line))
    }

    /// The line on which the record ends that was read last. The reader counts line feeds up to where it
    /// stands: before that of a line which ends in two characters, behind that of one which ends in one.
    fn line(&self) -> u64 {
        let behind = self.reader.position().line();
        if self.has_two_character_ends {
            return behind;
        }
        // The last row may end without any.
        let before = self.record.position().map_or(0, csv::Position::line);
        before.max(behind.saturating_sub(1))
    }
}

fn csv_fault(error: csv::Error) -> Fault {
    let message = error.to_string();
    if let csv::ErrorKind::Io(error) = error.into_kind() {
        return Fault::Unread(error);
    }
    // Byte records of any length fail in no other way.
    Fault::Unread(io::Error::other(message))
}

pub(crate) struct JsonTable {
    bytes: TextReader,
    line: u64,
    buffer: Vec<u8>,
    /// Whether the buffer holds a line that was looked at and is not yet given out.
    is_pending: bool,
}

impl JsonTable {
    fn open(text: Text) -> Result<(Self, Vec<String>), (u64, Fault)> {
        let mut table =
            Self { bytes: text.into_reader(), line: 0, buffer: Vec::new(), is_pending: false };
        let more = table.read_line();
        if !more.map_err(|fault| (table.line, fault))? {
            return Err((table.line, Fault::Empty));
        }
        table.is_pending = true;
        let mut header = Vec::new();
        match parse(&table.buffer, Keys(&mut header)) {
            Ok(()) => Ok((table, header)),
            Err(fault) => Err((table.line, fault)),
        }
    }

    /// Reads the next line that is not blank.
    fn read_line(&mut self) -> Result<bool, Fault> {
        loop {
            self.buffer.clear();
            self.line = self.line.saturating_add(1);
            let mut bounded = self.bytes.by_ref().take(LINE_MAX);
            let count = bounded.read_until(b'\n', &mut self.buffer)?;
            if u64::try_from(count).is_ok_and(|count| count == LINE_MAX) {
                return Err(Fault::LineTooLong { max: LINE_MAX });
            }
            if count == 0 {
                return Ok(false);
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    fn next(&mut self, slots: &mut Slots) -> Result<Option<u64>, (u64, Fault)> {
        if !std::mem::take(&mut self.is_pending) {
            let more = self.read_line();
            if !more.map_err(|fault| (self.line, fault))? {
                return Ok(None);
            }
        }
        for cell in &mut slots.cells {
            cell.state = State::Missing;
        }
        parse(&self.buffer, Fields(slots)).map_err(|fault| (self.line, fault))?;
        Ok(Some(self.line))
    }
}

/// Reads one object and nothing after it.
fn parse<'de>(line: &'de [u8], seed: impl DeserializeSeed<'de, Value = ()>) -> Result<(), Fault> {
    let mut json = serde_json::Deserializer::from_slice(line);
    let parsed = seed.deserialize(&mut json).and_then(|()| json.end());
    parsed.map_err(|error| {
        let message = error.to_string();
        // The library counts lines of its own, of which there is one.
        let what = message.split(" at line ").next().unwrap_or(&message);
        Fault::Json { what: what.to_owned(), column: error.column() }
    })
}

/// Collects the keys of an object.
struct Keys<'a>(&'a mut Vec<String>);

/// Fills the slots with the values of an object.
struct Fields<'a>(&'a mut Slots);

/// Fills one cell with a value.
struct Value<'a>(&'a mut Cell);

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
            self.0.push(key);
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let mut wanted = self.0.wanted().filter(|(column, _)| column.name == key);
            let Some((_, cell)) = wanted.next() else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            map.next_value_seed(Value(cell))?;
            // One column may stand in two slots: the model that rows are also told apart by.
            if let Some((_, other)) = wanted.next() {
                other.state = cell.state;
                other.text.clone_from(&cell.text);
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.state = State::Null;
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.fill(text);
        Ok(())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        self.0.fill(if flag { "true" } else { "false" });
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.0.write(number);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.0.write(number);
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        // The shortest text that means this number: what was written, where it had no more than 15 digits.
        self.0.write(number);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.0.fill("[…]");
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.0.fill("{…}");
        Ok(())
    }
}

impl Cell {
    fn write(&mut self, number: impl std::fmt::Display) {
        use std::fmt::Write as _;
        self.fill("");
        // Writing to a string does not fail.
        let _ = write!(self.text, "{number}");
    }
}
