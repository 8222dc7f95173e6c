//! Bytes of a trace: from a file or standard input, unpacked where they are gzipped, counted for progress.

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufReader, Cursor, Read},
    rc::Rc,
};

use flate2::read::MultiGzDecoder;

/// Stands for standard input in place of a file's name.
const STDIN: &str = "-";
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const BUFFER: usize = 128 * 1024;
/// How many bytes can be looked at: enough for any header.
const HEAD: u64 = 64 * 1024;

/// An open trace.
pub(crate) struct Source {
    /// Its name in messages.
    pub(crate) name: String,
    /// What it says, unpacked.
    pub(crate) text: Text,
    /// How far it was read.
    pub(crate) progress: Progress,
}

/// Unpacked bytes, of which the first can be looked at before they are read.
pub(crate) struct Text {
    head: Vec<u8>,
    rest: Box<dyn Read>,
}

impl Text {
    /// The first bytes without a byte order mark; fewer than [`HEAD`] only where there are no more.
    pub(crate) fn head(&self) -> &[u8] {
        self.head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.head)
    }

    /// All bytes without a byte order mark.
    pub(crate) fn into_reader(self) -> TextReader {
        let head = self.head().to_vec();
        BufReader::with_capacity(BUFFER, Cursor::new(head).chain(self.rest))
    }
}

/// Reads a text from its beginning.
pub(crate) type TextReader = BufReader<io::Chain<Cursor<Vec<u8>>, Box<dyn Read>>>;

/// How many of a file's bytes were read, packed as they are.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    read: Rc<Cell<u64>>,
    /// How many there are; `None` where that cannot be told.
    pub(crate) total: Option<u64>,
}

impl Progress {
    pub(crate) fn read(&self) -> u64 {
        self.read.get()
    }
}

/// Opens a file; `-` is standard input.
pub(crate) fn open(path: &str) -> io::Result<Source> {
    let (name, raw, total): (_, Box<dyn Read>, _) = if path == STDIN {
        ("standard input".to_owned(), Box::new(io::stdin().lock()), None)
    } else {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        let total = metadata.is_file().then_some(metadata.len());
        (path.to_owned(), Box::new(file), total)
    };
    let progress = Progress { read: Rc::default(), total };
    let mut raw = Counted { inner: raw, read: Rc::clone(&progress.read) };
    let magic = beginning(&mut raw, 2)?;
    let is_gzip = magic == GZIP_MAGIC;
    let raw = BufReader::with_capacity(BUFFER, Cursor::new(magic).chain(raw));
    let mut rest: Box<dyn Read> =
        if is_gzip { Box::new(MultiGzDecoder::new(raw)) } else { Box::new(raw) };
    let head = beginning(&mut rest, HEAD)?;
    Ok(Source { name, text: Text { head, rest }, progress })
}

/// The first `length` bytes, or as many as there are.
fn beginning(bytes: &mut dyn Read, length: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    bytes.take(length).read_to_end(&mut head)?;
    Ok(head)
}

struct Counted {
    inner: Box<dyn Read>,
    read: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let read = self.read.get() + u64::try_from(count).unwrap_or(u64::MAX);
        self.read.set(read);
        Ok(count)
    }
}
