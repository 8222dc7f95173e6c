//! [`Record`]: where a run is written down, and how somebody goes on with it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use safeguards_api::TeamSpec;
use safeguards_coord::{RunId, RunQuery, RunStore, RunView};

use super::error::Failure;
use crate::runs::store::FileRunStore;

/// What is added where an interrupted step is to be done again.
pub(super) const RERUN: &str = " --rerun-interrupted";

/// Where a run is written down.
pub(crate) struct Record {
    store: Arc<FileRunStore>,
    /// Where that is.
    pub(crate) path: PathBuf,
    team: PathBuf,
    /// The store, where the arguments named it.
    named: Option<PathBuf>,
}

impl Record {
    /// The store that the arguments name, else the one of the team file; none where nothing is to be written down.
    pub(crate) fn open(
        spec: &TeamSpec,
        team: &Path,
        named: Option<&Path>,
    ) -> Result<Option<Self>, Failure> {
        let of_file = || {
            let store = spec.store.as_ref()?;
            let folder = spec.folder();
            Some(if folder == Path::new(".") { store.clone() } else { folder.join(store) })
        };
        let Some(path) = named.map(Path::to_owned).or_else(of_file) else {
            return Ok(None);
        };
        let store = Arc::new(FileRunStore::open(&path)?);
        let (team, named) = (team.to_owned(), named.map(Path::to_owned));
        Ok(Some(Self { store, path, team, named }))
    }

    pub(crate) fn store(&self) -> Arc<dyn RunStore> {
        Arc::<FileRunStore>::clone(&self.store)
    }

    /// A run that is written down here.
    pub(crate) async fn run(&self, run: &RunId) -> Result<RunView, Failure> {
        if let Some(view) = self.store.run(run).await? {
            return Ok(view);
        }
        let there = self.store.runs(&RunQuery::all().unfinished()).await?;
        let unfinished = there.iter().map(|view| view.head.run.to_string()).collect();
        Err(Failure::UnknownRun { run: run.clone(), store: self.path.clone(), unfinished })
    }

    /// What somebody types to go on with a run; where a step was interrupted, and they have looked at what it did,
    /// so that it is done again.
    pub(crate) fn command(&self, run: &RunId, was_interrupted: bool) -> String {
        let team = quoted(&self.team.to_string_lossy());
        let store = self.named.as_ref().map(|store| quoted(&store.to_string_lossy()));
        let store = store.map(|store| format!(" --store {store}")).unwrap_or_default();
        let again = if was_interrupted { RERUN } else { "" };
        format!("safeguards run {team}{store} --resume {}{again}", quoted(run.as_str()))
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:@%,=".contains(letter);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_take_them_apart() {
        for (word, expected) in [
            ("teams/crew.toml", "teams/crew.toml"),
            ("my crew.toml", "'my crew.toml'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("-x", "'-x'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
