//! [`Record`]: where a run is written down, and how somebody goes on with it.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use safeguards_api::TeamSpec;
use safeguards_coord::{RunEntry, RunId, RunQuery, RunStore, RunStoreBounds, RunView, StepId};
use safeguards_redb::RedbStore;
use safeguards_types::Amounts;

use super::error::Failure;
use crate::{
    durable::is_durable,
    runs::{exists, store::FileRunStore},
};

/// What is added where an interrupted step is to be done again.
pub(super) const RERUN: &str = " --rerun-interrupted";

/// Where a run is looked for that goes on, where neither the arguments nor the team file say it.
pub(super) const DEFAULT_STORE: &str = "runs.jsonl";

/// Where a run is written down.
pub(crate) struct Record {
    store: Arc<dyn RunStore>,
    /// The same store, where it is a durable file: accounts, alerts and all else are in it too.
    pub(crate) durable: Option<RedbStore>,
    /// Where that is.
    pub(crate) path: PathBuf,
    team: PathBuf,
    /// The store, where the arguments named it.
    named: Option<PathBuf>,
}

impl Record {
    /// The store that the arguments name, else the one of the team file; for a run that goes on else `runs.jsonl` where
    /// that is here. None where nothing is to be written down. A run that goes on makes no store.
    pub(crate) fn open(
        spec: &TeamSpec,
        team: &Path,
        (named, goes_on): (Option<&Path>, bool),
    ) -> Result<Option<Self>, Failure> {
        let of_file = || {
            let store = spec.store.as_ref()?;
            let folder = spec.folder();
            Some(if folder == Path::new(".") { store.clone() } else { folder.join(store) })
        };
        let usual = || Some(PathBuf::from(DEFAULT_STORE)).filter(|path| goes_on && exists(path));
        let Some(path) = named.map(Path::to_owned).or_else(of_file).or_else(usual) else {
            return Ok(None);
        };
        if goes_on && !exists(&path) {
            return Err(Failure::NoFile { store: path });
        }
        let durable = if is_durable(&path) { Some(RedbStore::open(&path)?) } else { None };
        let store: Arc<dyn RunStore> = match &durable {
            Some(durable) => Arc::new(durable.clone()),
            None => Arc::new(FileRunStore::open(&path)?),
        };
        let (team, named) = (team.to_owned(), named.map(Path::to_owned));
        Ok(Some(Self { store, durable, path, team, named }))
    }

    pub(crate) fn store(&self) -> Arc<dyn RunStore> {
        Arc::clone(&self.store)
    }

    /// A run that is written down here.
    pub(crate) async fn run(&self, run: &RunId) -> Result<RunView, Failure> {
        if let Some(view) = self.store.run(run).await? {
            return Ok(view);
        }
        let may_go_on =
            |view: &RunView| view.end.as_ref().is_none_or(|end| !end.state.is_success());
        let (mut query, mut open) = (RunQuery::all(), Vec::new());
        loop {
            let page = self.store.runs(&query).await?;
            let Some(last) = page.last() else {
                break;
            };
            query = query.after(last.head.run.clone());
            let names = page.iter().filter(|view| may_go_on(view));
            open.extend(names.map(|view| view.head.run.to_string()));
        }
        Err(Failure::UnknownRun { run: run.clone(), store: self.path.clone(), open })
    }

    /// What each step spent in the legs before.
    pub(crate) async fn spent(&self, run: &RunId) -> Result<HashMap<StepId, Amounts>, Failure> {
        let (mut spent, mut from) = (HashMap::<StepId, Amounts>::new(), 0);
        loop {
            let page = self.store.entries(run, from, RunStoreBounds::PAGE).await?;
            if page.is_empty() {
                return Ok(spent);
            }
            for entry in page {
                from += 1;
                if let RunEntry::Outcome(outcome) = entry {
                    spent.entry(outcome.step).or_default().add_all(&outcome.spent);
                }
            }
        }
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
