//! [`JsonLinesChannel`]: a file with one JSON object for each alert.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use async_trait::async_trait;

use super::lines::Lines;
use crate::{Channel, Delivery, DeliveryError};

/// Appends one JSON object for each alert to a file, each on a line of its own.
///
/// A line that was written survives the end of the process; a line that was cut off, by a full disk or a
/// crash, is left as it is and the next begins on a new line. Several processes may append to one file.
///
/// ```
/// use safeguards_notify::{Alerts, JsonLinesChannel};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let file = JsonLinesChannel::open("alerts.jsonl")?;
/// let alerts = Alerts::builder().channel("file", file).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct JsonLinesChannel {
    path: PathBuf,
    lines: Lines,
}

/// A file for alerts that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("the file `{}` for alerts could not be opened to append to it", path.display())]
pub struct FileError {
    path: PathBuf,
    source: io::Error,
}

impl FileError {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        "notify.file_not_opened"
    }
}

impl JsonLinesChannel {
    /// Opens the file, and makes it where there is none. Done at once, so that a wrong path shows early.
    ///
    /// # Errors
    ///
    /// Where the file cannot be opened to append to it. A named pipe is refused, since opening it would wait
    /// for a reader; a device such as `/dev/null` is not.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, FileError> {
        let path = path.into();
        if let Some(what) = no_file(&path) {
            let source = io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}"));
            return Err(FileError { path, source });
        }
        match OpenOptions::new().create(true).append(true).open(&path) {
            Ok(file) => {
                let lines = Lines::new(file, is_torn(&path));
                Ok(Self { path, lines })
            }
            Err(source) => Err(FileError { path, source }),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What stands at `path`, if it is nothing to append lines to.
fn no_file(path: &Path) -> Option<&'static str> {
    let kind = path.metadata().ok()?.file_type();
    #[cfg(unix)]
    if std::os::unix::fs::FileTypeExt::is_fifo(&kind) {
        return Some(
            "a named pipe, where every line would wait for a reader; write the path of a file",
        );
    }
    kind.is_dir().then_some("a folder; write the path of a file in it")
}

/// Whether the file's last line has no end. What cannot be read is taken to be whole.
fn is_torn(path: &Path) -> bool {
    let last_byte = || -> io::Result<[u8; 1]> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(-1))?;
        let mut byte = [0];
        file.read_exact(&mut byte)?;
        Ok(byte)
    };
    // Only a plain file is read: opening a pipe to look into it would wait for its other end.
    path.is_file() && last_byte().is_ok_and(|byte| byte != *b"\n")
}

#[async_trait]
impl Channel for JsonLinesChannel {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        let alerts = delivery.notification().alerts();
        let lines: Result<Vec<String>, _> = alerts.map(serde_json::to_string).collect();
        let lines = lines.map_err(DeliveryError::permanent)?.join("\n");
        self.lines.write(delivery.id(), lines).await
    }
}
