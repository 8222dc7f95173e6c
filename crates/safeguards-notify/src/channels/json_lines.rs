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
    /// Where the file cannot be opened to append to it.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, FileError> {
        let path = path.into();
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
        let line = serde_json::to_string(delivery.alert()).map_err(DeliveryError::permanent)?;
        self.lines.write(delivery.id(), line).await
    }
}
