//! [`Catalog`]: a file with one registration a line, by the agents' names.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use safeguards_discovery::{RegisterError, Registration};
use safeguards_types::Timestamp;

use super::{
    Failure,
    desk::Desk,
    mistake::{Fault, Mistake, Place},
    reading, source,
};
use crate::{files::sync_folder, output::say};

/// A file with one registration a line.
#[derive(Debug)]
pub(super) struct Catalog {
    path: PathBuf,
}

impl Catalog {
    /// The catalog that is, or will be, at this path.
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Its name in messages.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Whoever is in it.
    pub(super) fn open(&self, now: Timestamp) -> Result<Desk, Failure> {
        self.read(now)?.ok_or_else(|| Failure::NoCatalog { file: self.name() })
    }

    /// Whoever is in it; nobody where there is none.
    pub(super) fn open_or_new(&self, now: Timestamp) -> Result<Desk, Failure> {
        Ok(self.read(now)?.unwrap_or_else(|| Desk::new(now)))
    }

    /// Lets `act` change who is in it, and writes that down where it says that something changed. Whoever else
    /// would change it waits.
    pub(super) fn edit<T>(
        &self,
        now: Timestamp,
        act: impl FnOnce(&Desk) -> Result<(T, bool), Failure>,
    ) -> Result<T, Failure> {
        let unwritable = |source| Failure::Unwritable { file: self.name(), source };
        // A link stays one: what it leads to is written.
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let _lock = lock(&beside(&target, ".lock")).map_err(unwritable)?;
        let desk = self.open_or_new(now)?;
        let (done, is_changed) = act(&desk)?;
        if is_changed {
            let registrations = desk.registrations()?;
            write(&target, &registrations).map_err(unwritable)?;
        }
        Ok(done)
    }

    fn read(&self, now: Timestamp) -> Result<Option<Desk>, Failure> {
        let bytes = match source::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Failure::Unreadable { file: self.name(), source }),
        };
        let reading::Reading { registrations, mut mistakes, .. } =
            reading::lines(&self.name(), &bytes);
        let desk = Desk::new(now);
        for (place, registration) in registrations {
            let agent = registration.agent.clone();
            if desk.agent(&agent).is_some() {
                let mistake = Mistake::of_line(&place, &Fault::Twice);
                mistakes.push(Mistake { agent: Some(agent.to_string()), ..mistake });
                continue;
            }
            if let Err(error) = desk.register(registration) {
                mistakes.push(wrong(&place, agent.as_str(), &error));
            }
        }
        if mistakes.is_empty() {
            return Ok(Some(desk));
        }
        mistakes.sort_by_key(|mistake| mistake.line);
        Err(Failure::Catalog { file: self.name(), mistakes })
    }
}

/// A registration that the registry did not take.
pub(super) fn wrong(place: &Place, agent: &str, error: &RegisterError) -> Mistake {
    match error {
        RegisterError::Invalid(invalid) => Mistake::invalid(place, agent, invalid),
        RegisterError::Conflict(conflict) => Mistake {
            agent: Some(agent.to_owned()),
            field: Some(conflict.what.clone()),
            value: Some(conflict.given.clone()),
            ..Mistake::at(error.code(), place, super::desk::conflict(conflict))
        },
        error @ (RegisterError::Full { .. } | RegisterError::Registry(_) | _) => {
            Mistake { agent: Some(agent.to_owned()), ..Mistake::at(error.code(), place, error) }
        }
    }
}

/// A file beside another, with this at the end of its name.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(end);
    path.with_file_name(name)
}

/// Holds a lock for as long as what comes back lives. The file stays: whoever took it away would take it from
/// under somebody who waits for it.
fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            say("note: another program changes the catalog; waiting for it");
            file.lock()?;
        }
        Err(fs::TryLockError::Error(error)) => return Err(error),
    }
    Ok(file)
}

/// Writes a catalog whole: who reads it sees the one before or this one, also after a crash.
fn write(path: &Path, registrations: &[Registration]) -> io::Result<()> {
    // Only one writes, under the lock; what is left here is from a program that was ended.
    let new = beside(path, ".new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).open(&new)?;
    let written = write_lines(file, path, registrations).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // Why it was not written matters more than that it is still there.
        let _ = fs::remove_file(&new);
        return written;
    }
    sync_folder(path)
}

fn write_lines(file: File, path: &Path, registrations: &[Registration]) -> io::Result<()> {
    if let Ok(before) = fs::metadata(path) {
        file.set_permissions(before.permissions())?;
    }
    let mut out = BufWriter::new(file);
    for registration in registrations {
        serde_json::to_writer(&mut out, registration)?;
        out.write_all(b"\n")?;
    }
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}
