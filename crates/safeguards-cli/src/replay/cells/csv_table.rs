//! [`CsvTable`]: the rows of CSV.

use std::io::{self, Read};

use csv::ByteRecord;

use super::{
    super::{
        error::Fault,
        source::{Text, TextReader},
    },
    ROW_MAX, Slots,
};

/// One record a row, below a header.
pub(crate) struct CsvTable {
    reader: csv::Reader<Rationed>,
    record: ByteRecord,
    columns: usize,
    has_two_character_ends: bool,
}

impl CsvTable {
    /// Reads the header. A fault has a line where it is the header's, and none where it is the file's.
    pub(super) fn open(text: Text) -> Result<(Self, Vec<String>), (Option<u64>, Fault)> {
        let first_end = text.head().split_inclusive(|byte| *byte == b'\n').next();
        let has_two_character_ends = first_end.is_some_and(|line| line.ends_with(b"\r\n"));
        let rationed = Rationed { bytes: text.into_reader(), left: RATION };
        // Rows of another length are told apart here, with both lengths and the line.
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(rationed);
        let header = reader.byte_headers().cloned();
        let header = header.map_err(|error| match reader.get_ref().left {
            0 => (Some(1), Fault::RowTooLong { max: ROW_MAX }),
            _ => (None, unread(error)),
        })?;
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

    pub(super) fn next(&mut self, slots: &mut Slots) -> Result<Option<u64>, (u64, Fault)> {
        self.reader.get_mut().left = RATION;
        let more = self.reader.read_byte_record(&mut self.record);
        let more = more.map_err(|error| match self.reader.get_ref().left {
            0 => (self.first_line(), Fault::RowTooLong { max: ROW_MAX }),
            _ => (self.last_line(), unread(error)),
        })?;
        if !more {
            return Ok(None);
        }
        let line = self.line();
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

    /// The line on which the record begins that was read last. The reader counts line feeds up to where it
    /// stands: before that of a line which ends in two characters, behind that of one which ends in one.
    fn first_line(&self) -> u64 {
        let before = self.record.position().map_or(0, csv::Position::line);
        before.saturating_add(u64::from(self.has_two_character_ends))
    }

    /// The line to name where the record is at fault: where it begins, since a quote that nothing closes may
    /// stand there. Blank lines before it are told apart only where it has one line.
    fn line(&self) -> u64 {
        let is_on_one_line = !self.record.as_slice().contains(&b'\n');
        if is_on_one_line { self.last_line() } else { self.first_line() }
    }

    /// The line on which it ends.
    fn last_line(&self) -> u64 {
        let behind = self.reader.position().line();
        if self.has_two_character_ends {
            return behind;
        }
        // The last row may end without any.
        self.first_line().max(behind.saturating_sub(1))
    }
}

fn unread(error: csv::Error) -> Fault {
    let message = error.to_string();
    if let csv::ErrorKind::Io(error) = error.into_kind() {
        return Fault::Unread(error);
    }
    // Byte records of any length fail in no other way.
    Fault::Unread(io::Error::other(message))
}

/// How much is read for one record: one byte more than it may have. What the reader has buffered before comes
/// on top.
const RATION: u64 = ROW_MAX + 1;

/// Bytes that are given out for one record after another, so many for each: a quote that nothing closes makes
/// one record of all the rest.
struct Rationed {
    bytes: TextReader,
    left: u64,
}

impl Read for Rationed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = self.bytes.by_ref().take(self.left).read(buffer)?;
        self.left = self.left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}
