//! What a file says, unpacked where it is gzipped, up to a bound.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;

use super::walk::is_stdin;

/// A gzipped file begins with these bytes, and no text does.
const GZIP_BEGINS: [u8; 2] = [0x1f, 0x8b];
const BUFFER: usize = 128 * 1024;
/// How many bytes a file may have, unpacked.
const FILE_MAX: u64 = 1024 * 1024 * 1024;

/// Reads a file to its end; `-` is standard input.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let raw: Box<dyn Read> =
        if is_stdin(path) { Box::new(io::stdin().lock()) } else { Box::new(File::open(path)?) };
    read_all(raw, FILE_MAX)
}

fn read_all(raw: impl Read, max: u64) -> io::Result<Vec<u8>> {
    let mut raw = BufReader::with_capacity(BUFFER, raw);
    let is_gzip = raw.fill_buf()?.starts_with(&GZIP_BEGINS);
    let mut bytes = Vec::new();
    // One byte more than may be: whoever comes that far has too many.
    let limit = max.saturating_add(1);
    let count = if is_gzip {
        MultiGzDecoder::new(raw).take(limit).read_to_end(&mut bytes)?
    } else {
        raw.take(limit).read_to_end(&mut bytes)?
    };
    if u64::try_from(count).is_ok_and(|count| count > max) {
        return Err(io::Error::other(format!(
            "it is larger than {max} bytes, the most that is read"
        )));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Result<&[u8], &str>) {
        let read = read_all(bytes, 4).map_err(|error| error.to_string());
        match expected {
            Ok(text) => assert_eq!(read.as_deref(), Ok(text)),
            Err(part) => assert!(read.unwrap_err().contains(part)),
        }
    }

    #[test]
    fn packed_or_not_a_file_is_read_up_to_a_bound() {
        let packed = |text: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        };
        check(b"four", Ok(b"four"));
        check(b"", Ok(b""));
        check(b"\x1f", Ok(b"\x1f"));
        check(b"fives", Err("larger than 4 bytes"));
        check(&packed(b"four"), Ok(b"four"));
        // A small file that unpacks to a large one.
        check(&packed(&vec![0; 1_000_000]), Err("larger than 4 bytes"));
        check(&packed(b"four")[..12], Err(""));
    }
}
