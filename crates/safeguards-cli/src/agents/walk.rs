//! [`Walk`]: the files that paths name, those in folders too.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use super::mistake::{Fault, Mistake};

/// Stands for standard input in place of a file's name.
pub(super) const STDIN: &str = "-";
/// How deep folders may stand in each other.
const DEPTH_MAX: usize = 64;
/// Files in folders that may describe agents, packed or not.
const EXTENSIONS: [&str; 3] = ["json", "jsonl", "md"];

/// The files that paths name, in their order; those of a folder by name.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) files: Vec<Named>,
    /// How many files stand in folders beside those, and are of another kind.
    pub(super) passed_over: u64,
    pub(super) mistakes: Vec<Mistake>,
}

/// A file, and whether somebody named it or it was found in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) path: PathBuf,
    pub(super) is_from_folder: bool,
}

impl Walk {
    /// Looks for the files. A path that leads nowhere is a mistake, and the others are walked.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let mut walk = Self::default();
        for path in paths {
            if is_stdin(path) {
                walk.files.push(Named { path: path.clone(), is_from_folder: false });
                continue;
            }
            match fs::metadata(path) {
                Ok(found) if found.is_dir() => walk.folder(path, 0),
                Ok(_) => walk.files.push(Named { path: path.clone(), is_from_folder: false }),
                Err(error) => walk.unread(path, error),
            }
        }
        walk
    }

    fn folder(&mut self, folder: &Path, depth: usize) {
        if depth >= DEPTH_MAX {
            let error = io::Error::other(format!("it stands more than {DEPTH_MAX} folders deep"));
            return self.unread(folder, error);
        }
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.unread(folder, error),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.folder(&path, depth.saturating_add(1)),
                // A link that leads to a file is one; folders behind links are left alone: they may lead around.
                Ok(_) if may_describe_agents(&path) && path.is_file() => {
                    self.files.push(Named { path, is_from_folder: true });
                }
                Ok(_) => self.passed_over = self.passed_over.saturating_add(1),
                Err(error) => self.unread(&path, error),
            }
        }
    }

    fn unread(&mut self, path: &Path, error: io::Error) {
        let file = path.display().to_string();
        self.mistakes.push(Mistake::of_file(&file, &Fault::Unread(error)));
    }
}

/// Whether a path stands for standard input.
pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

/// The name of a file in messages.
pub(super) fn told(path: &Path) -> String {
    if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() }
}

fn may_describe_agents(path: &Path) -> bool {
    let is_known = |extension: Option<&OsStr>| {
        extension.is_some_and(|one| EXTENSIONS.iter().any(|known| one.eq_ignore_ascii_case(known)))
    };
    match path.extension() {
        Some(packed) if packed.eq_ignore_ascii_case("gz") => {
            is_known(path.file_stem().map(Path::new).and_then(Path::extension))
        }
        extension => is_known(extension),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_folders_are_known_by_their_extension() {
        #[track_caller]
        fn check(name: &str, expected: bool) {
            assert_eq!(may_describe_agents(Path::new(name)), expected, "{name}");
        }
        check("card.json", true);
        check("a/b.JSONL", true);
        check("reviewer.md", true);
        check("servers.jsonl.gz", true);
        check("servers.gz", false);
        check("notes.txt", false);
        check("json", false);
        check(".json", false);
        check("Makefile", false);
    }
}
