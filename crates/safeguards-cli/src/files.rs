//! Files that are read whole: up to a bound, so that none can fill the memory; and names of files that last.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

const MIB: u64 = 1024 * 1024;
/// How many bytes a team file may have.
pub(crate) const TEAM_FILE_MAX: u64 = MIB;
/// How many bytes a price file may have.
pub(crate) const PRICE_FILE_MAX: u64 = 16 * MIB;
/// How many bytes a file of rules for alerts may have.
pub(crate) const RULES_FILE_MAX: u64 = 16 * MIB;
/// How many bytes a task may have that is read from standard input.
pub(crate) const TASK_MAX: u64 = 16 * MIB;
/// How many bytes a file of inputs may have.
pub(crate) const INPUTS_MAX: u64 = 256 * MIB;

/// Reads a file of at most `max` bytes.
pub(crate) fn read(path: &Path, max: u64) -> io::Result<String> {
    read_all(File::open(path)?, max)
}

/// Reads text of at most `max` bytes to its end.
pub(crate) fn read_all(source: impl Read, max: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    // One byte more than may be: whoever comes that far has too many.
    let count = source.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(count).is_ok_and(|count| count > max) {
        return Err(io::Error::other(format!(
            "it is larger than {max} bytes, the most that is read"
        )));
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not in UTF-8"))
}

/// Makes the new name of a file last. Only some systems can.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], max: u64, expected: Result<&str, &str>) {
        let read = read_all(bytes, max).map_err(|error| error.to_string());
        match expected {
            Ok(text) => assert_eq!(read.as_deref(), Ok(text)),
            Err(part) => assert!(read.unwrap_err().contains(part)),
        }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        check(b"four", 4, Ok("four"));
        check(b"", 0, Ok(""));
        check(b"five!", 4, Err("larger than 4 bytes"));
        check("é".as_bytes(), 1, Err("larger than 1 bytes"));
        check(b"\xff", 4, Err("UTF-8"));
    }
}
