//! [`Golden`]: what a version has released as JSON, frozen in `tests/golden/VERSION`, a file for each shape.

use std::{
    collections::BTreeSet,
    env,
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

/// The files of a version, and which of them have been compared.
#[derive(Debug)]
pub(crate) struct Golden {
    folder: PathBuf,
    names: BTreeSet<String>,
    missing: Vec<String>,
}

impl Golden {
    pub(crate) fn of(version: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(version);
        Self { folder, names: BTreeSet::new(), missing: Vec::new() }
    }

    /// The file's text says this value, and this value is written as the file's text.
    #[track_caller]
    pub(crate) fn check<T>(&mut self, name: &str, value: &T)
    where
        T: Serialize + DeserializeOwned + PartialEq + Debug,
    {
        let name = format!("{name}.json");
        let written = serde_json::to_string_pretty(value).unwrap() + "\n";
        let path = self.folder.join(&name);
        if let Ok(frozen) = fs::read_to_string(&path) {
            assert_eq!(frozen, written, "{name} differs from what is written now");
            let read = serde_json::from_str::<T>(&frozen).unwrap();
            assert_eq!(&read, value, "{name} is read otherwise");
        } else {
            // Whoever adds a call looks at the file before it is released; none is ever written over.
            if env::var_os("GOLDEN").is_some_and(|value| value == "add") {
                fs::create_dir_all(&self.folder).unwrap();
                fs::write(&path, &written).unwrap();
            }
            self.missing.push(format!("{name} would be\n{written}"));
        }
        assert!(self.names.insert(name.clone()), "two examples are named {name}");
    }

    /// That there is a file for each example, and an example for each file.
    #[track_caller]
    pub(crate) fn finish(self) {
        let Self { folder, names, missing } = self;
        assert!(missing.is_empty(), "in {} is missing: {}", folder.display(), missing.join("\n"));
        let files = fs::read_dir(&folder).unwrap();
        let files: BTreeSet<String> =
            files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned()).collect();
        assert_eq!(files, names, "a file without an example");
    }
}
