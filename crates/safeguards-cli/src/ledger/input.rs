//! [`Input`]: the lines of a file or of standard input, one after the other.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
};

use flate2::bufread::MultiGzDecoder;
use safeguards_budget::Line;

use super::failure::{Failure, Fault};

/// Stands for standard input in place of a file's name.
const STDIN: &str = "-";
/// A gzipped file begins with this byte, and no line does.
const GZIP_BEGINS: u8 = 0x1f;
const BUFFER: usize = 128 * 1024;
/// How long a line may be: longer than any linked batch that a ledger takes.
const LINE_MAX: u64 = 1024 * 1024 * 1024;

/// Lines that are read as they are asked for.
pub(super) struct Input {
    /// Its name in messages.
    name: String,
    reader: BufReader<Box<dyn Read>>,
    /// The last line read, and its number from 1.
    bytes: Vec<u8>,
    number: u64,
}

impl Input {
    /// Opens a file; `-` is standard input.
    pub(super) fn open(path: &str) -> Result<Self, Failure> {
        let name = if path == STDIN { "standard input" } else { path };
        let reader =
            open(path).map_err(|source| Failure::Unreadable { file: name.to_owned(), source })?;
        Ok(Self { name: name.to_owned(), reader, bytes: Vec::new(), number: 0 })
    }

    /// Whether the next line is there already.
    pub(super) fn has_line(&self) -> bool {
        self.reader.buffer().contains(&b'\n')
    }

    /// Reads the next line that is not blank; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Failure> {
        loop {
            self.bytes.clear();
            let read = self.reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut self.bytes);
            let read =
                read.map_err(|source| Failure::Unreadable { file: self.name.clone(), source })?;
            if read == 0 {
                return Ok(None);
            }
            self.number = self.number.saturating_add(1);
            if !self.bytes.trim_ascii().is_empty() {
                return self.parse().map(Some).map_err(|fault| Failure::Line {
                    file: self.name.clone(),
                    line: self.number,
                    fault,
                });
            }
        }
    }

    fn parse(&self) -> Result<Line, Fault> {
        if u64::try_from(self.bytes.len()).is_ok_and(|length| length >= LINE_MAX) {
            return Err(Fault::TooLong { max: LINE_MAX });
        }
        let text = str::from_utf8(self.bytes.trim_ascii_end()).map_err(|_| Fault::Encoding)?;
        Ok(Line::parse(text)?)
    }
}

fn open(path: &str) -> io::Result<BufReader<Box<dyn Read>>> {
    let raw: Box<dyn Read> =
        if path == STDIN { Box::new(io::stdin().lock()) } else { Box::new(File::open(path)?) };
    let mut raw = BufReader::with_capacity(BUFFER, raw);
    if raw.fill_buf()?.first() == Some(&GZIP_BEGINS) {
        return Ok(BufReader::with_capacity(BUFFER, Box::new(MultiGzDecoder::new(raw))));
    }
    Ok(raw)
}
