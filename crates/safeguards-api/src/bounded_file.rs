//! Files that are read whole, up to a bound, so that none can fill the memory.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

/// The text of a file of at most `bytes_max` bytes, a whole number of MiB.
pub(crate) fn read(path: &Path, bytes_max: u64) -> io::Result<String> {
    let mut text = Vec::new();
    // One byte more than may be: whoever comes that far is too long.
    let bytes = File::open(path)?.take(bytes_max.saturating_add(1)).read_to_end(&mut text)?;
    if u64::try_from(bytes).is_ok_and(|bytes| bytes <= bytes_max) {
        return String::from_utf8(text)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error));
    }
    let mebibytes = bytes_max >> 20_u32;
    let message =
        format!("it is longer than {bytes_max} bytes ({mebibytes} MiB), the most that is read");
    Err(io::Error::new(io::ErrorKind::FileTooLarge, message))
}
