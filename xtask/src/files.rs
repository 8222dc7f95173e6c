//! The text files of the repository, and their contents.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::failure::{Failure, Result};

/// All files below the root that have one of the extensions, by path from the root, with their text.
///
/// Hidden folders, build output and links to what is read elsewhere are left out.
pub(crate) fn read(root: &Path, extensions: &[&str]) -> Result<BTreeMap<PathBuf, String>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|e| Failure::file(&folder, e))? {
            let entry = entry.map_err(|e| Failure::file(&folder, e))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(|e| Failure::file(&path, e))?;
            let name = entry.file_name();
            if kind.is_dir() {
                if name != "target" && !name.to_string_lossy().starts_with('.') {
                    folders.push(path);
                }
            } else if kind.is_file()
                && path
                    .extension()
                    .is_some_and(|ours| extensions.iter().any(|wanted| ours == *wanted))
            {
                let text = fs::read_to_string(&path).map_err(|e| Failure::file(&path, e))?;
                let relative = path.strip_prefix(root).unwrap_or(&path).to_owned();
                found.insert(relative, text);
            }
        }
    }
    Ok(found)
}
