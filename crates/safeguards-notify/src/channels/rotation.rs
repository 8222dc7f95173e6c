//! [`LogFile`]: a file that lines are appended to, followed where it is moved, and rotated where it is full.

use std::{
    ffi::OsString,
    fmt,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::lines::{LinesTarget, Stream};

/// When a file is full, and how many full ones are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rotation {
    /// How many bytes one file has at most; more where one write alone has more.
    pub(super) bytes_max: u64,
    /// How many full files are kept beside the one that is written.
    pub(super) keep: u32,
}

/// A file that lines are appended to.
///
/// # How it is rotated
///
/// Whoever rotates holds the lock of the file that stands at the path, and looks again whether it still does:
/// of several processes one moves files and the others follow. Each step is a rename, the oldest file
/// first, up to the first number that is free; so wherever a crash comes between, every file that was to be
/// kept is there, and the next rotation fills the gap.
pub(super) struct LogFile {
    path: PathBuf,
    rotation: Option<Rotation>,
    /// `None` where it was moved, and could not be made anew.
    open: Option<Open>,
}

struct Open {
    stream: Stream<File>,
    identity: Identity,
}

/// What tells one file from another at the same path.
#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = ();

/// What went wrong, and with which file.
#[derive(Debug, thiserror::Error)]
#[error("could not {verb} the file `{}` for alerts", path.display())]
struct LogFileError {
    verb: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl fmt::Debug for LogFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, rotation, open: _ } = self;
        out.debug_struct("LogFile").field("path", path).field("rotation", rotation).finish()
    }
}

impl LogFile {
    /// Opens the file, and makes it where there is none.
    pub(super) fn open(path: PathBuf, rotation: Option<Rotation>) -> io::Result<Self> {
        let open = Open::at(&path)?;
        Ok(Self { path, rotation, open: Some(open) })
    }

    /// The file at the path: the one that is open, unless that was moved or deleted.
    fn current(&mut self) -> io::Result<&mut Open> {
        let open = match self.open.take() {
            Some(open) if open.is_at(&self.path) => open,
            before => {
                let is_new = !self.path.exists();
                let new = Open::at(&self.path).map_err(|source| self.error("open", source))?;
                let permissions = before
                    .and_then(|before| Some(before.stream.writer.metadata().ok()?.permissions()));
                // Who might not read the file before is not to read the new one.
                if let Some(permissions) = permissions.filter(|_| is_new) {
                    let _ = new.stream.writer.set_permissions(permissions);
                }
                new
            }
        };
        Ok(self.open.insert(open))
    }

    /// Makes room for so many bytes, if the file is full.
    fn make_room(&mut self, bytes: u64) -> io::Result<()> {
        let Some(rotation) = self.rotation else {
            return Ok(());
        };
        let path = self.path.clone();
        // Another process may rotate first, and yet another fill the new file meanwhile; after some turns the
        // line is worth more than the size.
        for _ in 0..3 {
            let open = self.current()?;
            if !open.is_full(rotation.bytes_max, bytes) {
                return Ok(());
            }
            // Where there are no locks, files are not shared either.
            let _ = open.stream.writer.lock();
            if open.is_at(&path) {
                // What cannot be moved is written on.
                if shift(&path, rotation.keep).is_err() {
                    let _ = open.stream.writer.unlock();
                    return Ok(());
                }
                self.current()?;
                return Ok(());
            }
        }
        Ok(())
    }

    fn error(&self, verb: &'static str, source: io::Error) -> io::Error {
        io::Error::new(source.kind(), LogFileError { verb, path: self.path.clone(), source })
    }
}

impl LinesTarget for LogFile {
    fn append(&mut self, lines: &str) -> io::Result<()> {
        let bytes = u64::try_from(lines.len()).unwrap_or(u64::MAX).saturating_add(1);
        self.make_room(bytes)?;
        let is_shared = self.rotation.is_some();
        let open = self.current()?;
        // Whoever shares the file and rotates it waits meanwhile. Where there are no locks, files are not shared.
        if is_shared {
            let _ = open.stream.writer.lock();
        }
        if let Some(is_torn) = open.is_torn() {
            open.stream.is_torn = is_torn;
        }
        let written = open.stream.append(lines);
        if is_shared {
            let _ = open.stream.writer.unlock();
        }
        written.map_err(|source| self.error("append to", source))
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.open.as_mut().map_or(Ok(()), |open| open.stream.flush());
        flushed.map_err(|source| self.error("append to", source))
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        // One that may only be written is written all the same.
        let file = options.clone().read(true).open(path).or_else(|_| options.open(path))?;
        let identity = identity(&file.metadata()?);
        Ok(Self { stream: Stream { is_torn: false, writer: file }, identity })
    }

    /// Whether the last line has no end now: others may have left one so. `None` where nobody can tell.
    fn is_torn(&self) -> Option<bool> {
        let mut file = &self.stream.writer;
        // Only a plain file is read: a device has no end.
        let found = file.metadata().ok().filter(Metadata::is_file)?;
        if found.len() == 0 {
            return Some(false);
        }
        let mut byte = [0];
        // What is appended goes to the end, wherever was read.
        file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut byte)).ok()?;
        Some(byte != *b"\n")
    }

    /// Whether it is what stands at the path.
    fn is_at(&self, path: &Path) -> bool {
        match path.metadata() {
            Ok(found) => identity(&found) == self.identity,
            // Where nobody can tell, what is open is as good as any.
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Whether so many bytes more are too many. An empty file takes them all, since lines are not split.
    fn is_full(&self, bytes_max: u64, bytes: u64) -> bool {
        self.stream.writer.metadata().is_ok_and(|found| {
            found.is_file() && found.len() > 0 && found.len().saturating_add(bytes) > bytes_max
        })
    }
}

#[cfg(unix)]
fn identity(found: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;

    (found.dev(), found.ino())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Identity {}

/// Moves `alerts.jsonl` to `alerts.jsonl.1`, what is there to `.2`, and so on. The oldest goes where there is
/// no free number.
fn shift(path: &Path, keep: u32) -> io::Result<()> {
    // A link stays where it is; what it leads to is moved.
    let path = path.canonicalize()?;
    let is_free = |number: &u32| !numbered(&path, *number).exists();
    let last = (1..=keep).find(is_free).unwrap_or(keep);
    for number in (1..last).rev() {
        fs::rename(numbered(&path, number), numbered(&path, number.saturating_add(1)))?;
    }
    fs::rename(&path, numbered(&path, 1))
}

/// `alerts.jsonl.2` of `alerts.jsonl` and 2.
fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in the numbered files, from the current one on; `-` where there is none.
    fn files(path: &Path, count: u32) -> String {
        let text = |path: &Path| fs::read_to_string(path).unwrap_or_else(|_| "-".to_owned());
        let numbered = (1..=count).map(|number| text(&numbered(path, number)));
        std::iter::once(text(path)).chain(numbered).collect::<Vec<_>>().join(" ").replace('\n', ",")
    }

    fn log(path: &Path, bytes_max: u64, keep: u32) -> LogFile {
        LogFile::open(path.to_owned(), Some(Rotation { bytes_max, keep })).unwrap()
    }

    #[test]
    fn a_full_file_moves_up_and_the_oldest_goes() {
        #[track_caller]
        fn check(bytes_max: u64, keep: u32, writes: &[&str], expected: &str) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.jsonl");
            let mut log = log(&path, bytes_max, keep);
            for lines in writes {
                log.append(lines).unwrap();
            }
            assert_eq!(files(&path, 3), expected, "{bytes_max} {keep} {writes:?}");
        }
        check(4, 3, &["a", "b"], "a,b, - - -");
        check(4, 3, &["a", "b", "c"], "c, a,b, - -");
        check(3, 3, &["a", "b", "c", "d"], "d, c, b, a,");
        check(3, 3, &["a", "b", "c", "d", "e"], "e, d, c, b,");
        check(3, 1, &["a", "b", "c"], "c, b, - -");
        // One write is one file's, however long.
        check(3, 3, &["abc\ndef", "g", "hij"], "hij, g, abc,def, -");
        check(1, 3, &["a", "b"], "b, a, - -");
    }

    #[test]
    fn a_crash_between_renames_costs_no_file() {
        // Each row is a moment within the rotation of a full folder: `d` is written, `c`, `b`, `a` are kept.
        for left in [["d,", "c,", "b,", "-"], ["d,", "c,", "-", "b,"], ["d,", "-", "c,", "b,"]] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.jsonl");
            let places = std::iter::once(path.clone()).chain((1..4).map(|n| numbered(&path, n)));
            for (place, text) in places.zip(left) {
                if text != "-" {
                    fs::write(place, text.replace(',', "\n")).unwrap();
                }
            }
            log(&path, 2, 3).append("e").unwrap();
            assert_eq!(files(&path, 3), "e, d, c, b,", "{left:?}");
        }
        // The file itself is moved, and no new one there yet.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        fs::write(numbered(&path, 1), "d\n").unwrap();
        log(&path, 2, 3).append("e").unwrap();
        assert_eq!(files(&path, 2), "e, d, -");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_moved_or_deleted_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let mut log = LogFile::open(path.clone(), None).unwrap();
        log.append("a").unwrap();
        fs::rename(&path, numbered(&path, 1)).unwrap();
        log.append("b").unwrap();
        assert_eq!(files(&path, 1), "b, a,");
        fs::remove_file(&path).unwrap();
        log.append("c").unwrap();
        assert_eq!(files(&path, 1), "c, a,");
        // Another one was put there, and its last line is torn.
        fs::write(numbered(&path, 2), "{\"cut").unwrap();
        fs::rename(numbered(&path, 2), &path).unwrap();
        log.append("d").unwrap();
        assert_eq!(files(&path, 1), "{\"cut,d, a,");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_a_new_file_is_as_private_as_the_old_one() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.jsonl"), folder.path().join("link"));
        fs::write(&path, "a\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&path, &link).unwrap();
        let mut log = log(&link, 2, 3);
        log.append("b").unwrap();
        assert_eq!(files(&path, 1), "b, a,");
        assert!(link.is_symlink());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        // Also where others moved it; one that others put there keeps its own.
        fs::rename(&path, numbered(&path, 3)).unwrap();
        log.append("c").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        log.append("d").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn a_line_that_another_left_torn_is_not_written_on() {
        for rotation in [None, Some(Rotation { bytes_max: 1000, keep: 1 })] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.jsonl");
            let mut log = LogFile::open(path.clone(), rotation).unwrap();
            log.append("a").unwrap();
            let mut other = OpenOptions::new().append(true).open(&path).unwrap();
            io::Write::write_all(&mut other, b"{\"cut").unwrap();
            log.append("b").unwrap();
            log.append("c").unwrap();
            assert_eq!(files(&path, 0), "a,{\"cut,b,c,");
            // One that was emptied meanwhile begins with a line, not with a line end.
            io::Write::write_all(&mut other, b"{\"cut").unwrap();
            other.set_len(0).unwrap();
            log.append("d").unwrap();
            assert_eq!(files(&path, 0), "d,");
        }
    }

    #[test]
    fn writers_that_share_a_file_lose_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let (writers, lines) = (4, 200);
        std::thread::scope(|scope| {
            for writer in 0..writers {
                let mut log = log(&path, 200, 10_000);
                scope.spawn(move || {
                    for line in 0..lines {
                        log.append(&format!("{writer} {line}")).unwrap();
                    }
                });
            }
        });
        let kept = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
        let text: String = kept.map(|path| fs::read_to_string(path).unwrap()).collect();
        let mut found: Vec<&str> = text.lines().collect();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), writers * lines);
    }

    #[test]
    fn a_failure_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone").join("a.jsonl");
        fs::create_dir(folder.path().join("gone")).unwrap();
        let mut log = LogFile::open(path.clone(), None).unwrap();
        fs::remove_dir_all(folder.path().join("gone")).unwrap();
        let error = log.append("a").unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("could not open the file") && text.contains("gone"), "{text}");
        assert!(std::error::Error::source(&error).is_some());
        fs::create_dir(folder.path().join("gone")).unwrap();
        log.append("a").unwrap();
        assert_eq!(files(&path, 0), "a,");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told() {
        let mut log = log(Path::new("/dev/full"), 1, 1);
        let error = log.append("a").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().contains("append to the file `/dev/full`"), "{error}");
    }
}
