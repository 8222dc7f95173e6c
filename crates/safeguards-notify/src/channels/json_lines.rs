//! [`JsonLinesChannel`]: a file with one JSON object for each alert.

use std::{
    io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use safeguards_types::{Severity, Timestamp};
use serde::{Serialize, Serializer};

use super::{
    lines::Lines,
    rotation::{LogFile, Rotation},
};
use crate::{Channel, Delivery, DeliveryError, DeliveryId, Notification};

/// Appends one JSON object for each alert to a file, each on a line of its own.
///
/// A line that was written survives the end of the process; a line that was cut off, by a full disk or a
/// crash, is left as it is and the next begins on a new line. Where writing fails, it is tried again, and
/// lines of the attempt before may stand there twice: the alert's `id` tells.
///
/// ```
/// use safeguards_notify::{Alerts, JsonLinesChannel};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let file = JsonLinesChannel::builder("alerts.jsonl").rotate_at(10 * 1024 * 1024).keep(5).open()?;
/// let alerts = Alerts::builder().channel("file", file).build()?;
/// # Ok(())
/// # }
/// ```
///
/// # Groups
///
/// Each alert of a group has its line. Where there is more to say, one line follows that is no alert and has
/// the key `notification`: alerts that are only counted, repeats that were kept back, or that nobody
/// acknowledged. Keys that do not apply are left out.
///
/// ```json
/// {"notification":"0190…","at":"2026-01-05T09:00:00Z","severity":"high","group":{"agent":"reader"},"count":312,"more":310,"repeats":7,"escalation":1,"text":"high  budget.denied: 312 alerts …"}
/// ```
///
/// # Rotation
///
/// There is none unless [`rotate_at`](JsonLinesBuilder::rotate_at) says so. Then, before a write that would
/// pass the size, `alerts.jsonl` becomes `alerts.jsonl.1`, that becomes `.2`, and so on. A crash meanwhile
/// costs no file. Where a file cannot be moved, it is written on: an alert is worth more than the size.
///
/// On Unix a file that was moved or deleted by others, such as logrotate, is noticed at the next write and
/// made anew; and several processes may write and rotate one file, if all of them have the same settings.
/// Elsewhere several processes may write one file that nobody rotates.
#[derive(Debug)]
pub struct JsonLinesChannel {
    path: PathBuf,
    lines: Lines,
}

/// Opens a [`JsonLinesChannel`] with more than a path.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `open`"]
pub struct JsonLinesBuilder {
    path: PathBuf,
    rotate_at: Option<u64>,
    keep: u32,
}

/// A file for alerts that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("the file `{}` for alerts could not be opened to append to it", path.display())]
pub struct FileError {
    path: PathBuf,
    source: io::Error,
}

const KEEP: u32 = 8;

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
        Self::builder(path).open()
    }

    /// Starts from a file that is never rotated.
    pub fn builder(path: impl Into<PathBuf>) -> JsonLinesBuilder {
        JsonLinesBuilder { path: path.into(), rotate_at: None, keep: KEEP }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl JsonLinesBuilder {
    /// Rotates before the file would have more than `bytes`, 1 or more. One notification is not split, so
    /// one that is longer has a longer file of its own.
    pub fn rotate_at(self, bytes: u64) -> Self {
        Self { rotate_at: Some(bytes), ..self }
    }

    /// How many rotated files are kept beside the one that is written, 1 or more; 8 if not set. The oldest is
    /// deleted.
    pub fn keep(self, files: u32) -> Self {
        Self { keep: files, ..self }
    }

    /// Opens the file, and makes it where there is none.
    ///
    /// # Errors
    ///
    /// As for [`JsonLinesChannel::open`], and where it is to be rotated at 0 bytes or to keep 0 files.
    pub fn open(self) -> Result<JsonLinesChannel, FileError> {
        let Self { path, rotate_at, keep } = self;
        let refused = if rotate_at == Some(0) {
            Some("it is to be rotated at 0 bytes; 1 or more are taken")
        } else if rotate_at.is_some() && keep == 0 {
            Some("it is to be rotated and 0 files kept, which would delete alerts; keep 1 or more")
        } else {
            no_file(&path)
        };
        if let Some(what) = refused {
            let source = io::Error::new(io::ErrorKind::InvalidInput, what);
            return Err(FileError { path, source });
        }
        let rotation = rotate_at.map(|bytes_max| Rotation { bytes_max, keep });
        match LogFile::open(path.clone(), rotation) {
            Ok(file) => Ok(JsonLinesChannel { path, lines: Lines::new(file) }),
            Err(source) => Err(FileError { path, source }),
        }
    }
}

/// What stands at `path`, if it is nothing to append lines to.
fn no_file(path: &Path) -> Option<&'static str> {
    let kind = path.metadata().ok()?.file_type();
    #[cfg(unix)]
    if std::os::unix::fs::FileTypeExt::is_fifo(&kind) {
        return Some(
            "it is a named pipe, where every line would wait for a reader; write the path of a file",
        );
    }
    kind.is_dir().then_some("it is a folder; write the path of a file in it")
}

/// The line that says what the lines of the alerts do not.
#[derive(Serialize)]
struct Note<'a> {
    notification: DeliveryId,
    at: Timestamp,
    severity: Severity,
    #[serde(serialize_with = "as_table", skip_serializing_if = "<[_]>::is_empty")]
    group: &'a [(String, String)],
    count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    more: u64,
    #[serde(skip_serializing_if = "is_zero")]
    repeats: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    escalation: Option<u32>,
    text: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn as_table<S: Serializer>(group: &&[(String, String)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(group.iter().map(|(label, value)| (label, value)))
}

impl<'a> Note<'a> {
    /// `None` where the alerts' own lines say all.
    fn of(notification: &'a Notification) -> Option<Self> {
        let (more, repeats) = (notification.more(), notification.repeats());
        let escalation = notification.escalation();
        (more > 0 || repeats > 0 || escalation.is_some()).then(|| Self {
            notification: notification.id(),
            at: notification.at(),
            severity: notification.severity(),
            group: notification.group(),
            count: notification.count(),
            more,
            repeats,
            escalation,
            text: notification.to_string(),
        })
    }
}

fn lines(notification: &Notification) -> Result<String, serde_json::Error> {
    let alerts = notification.alerts().map(serde_json::to_string);
    let note = Note::of(notification).map(|note| serde_json::to_string(&note));
    let lines: Result<Vec<String>, _> = alerts.chain(note).collect();
    Ok(lines?.join("\n"))
}

#[async_trait]
impl Channel for JsonLinesChannel {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        let lines = lines(delivery.notification()).map_err(DeliveryError::permanent)?;
        self.lines.write(delivery.id(), lines).await
    }
}
