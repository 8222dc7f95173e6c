//! Tests of the store in a file: the suite, what it makes of files that are wrong, and one writer at a time.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::PathBuf,
    sync::Arc,
};

use safeguards_coord::RunStoreErrorKind;
use safeguards_testkit::runs::{RunHeads, RunStoreEnv, RunStoreSetup, sample_entries};
use tempfile::TempDir;

use super::*;

mod conformance {
    use safeguards_testkit::run_store_conformance;

    use super::*;

    async fn make(setup: RunStoreSetup) -> RunStoreEnv {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.jsonl");
        let open = move || -> Arc<dyn RunStore> {
            Arc::new(FileRunStore::open_with(&path, setup.bounds).unwrap())
        };
        let store = open();
        RunStoreEnv::new(store)
            .reopens(move || {
                let store = open();
                async move { store }
            })
            .keeping(folder)
    }

    run_store_conformance!(make, durable);
}

fn path() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.jsonl");
    (folder, path)
}

/// Writes a run with all its sample entries; gives the file's text.
async fn written(path: &Path) -> String {
    let store = FileRunStore::open(path).unwrap();
    store.begin(RunHeads::new().head("r")).await.unwrap();
    let entries = sample_entries().into_iter().map(|(entry, _)| entry);
    for entry in entries.filter(|entry| !matches!(entry, RunEntry::TakenOver { .. })) {
        // Some are of one attempt, of which there is one alone.
        let _ = store.append(&"r".into(), 1, entry).await;
    }
    drop(store);
    fs::read_to_string(path).unwrap()
}

fn count(path: &Path) -> Result<u64, RunStoreError> {
    Ok(FileRunStore::read(path)?.sync().run(&"r".into()).map_or(0, |run| run.entries))
}

#[tokio::test]
async fn wherever_a_file_is_cut_off_whole_lines_are_there_and_it_goes_on() {
    let (_folder, path) = path();
    let text = written(&path).await;
    let whole = count(&path).unwrap();
    assert!(whole > 2, "{text}");
    for end in 0..text.len() {
        let cut = &text.as_bytes()[..end];
        fs::write(&path, cut).unwrap();
        let lines = u64::try_from(cut.split(|byte| *byte == b'\n').count() - 1).unwrap();
        assert_eq!(count(&path).unwrap(), lines.saturating_sub(2), "{end}");
        drop(FileRunStore::open(&path).unwrap());
        let expected = text.split_inclusive('\n').take(lines.max(1).try_into().unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), expected.collect::<String>(), "{end}");
    }
    // What is written next begins with a line of its own.
    fs::write(&path, &text[..text.len() - 3]).unwrap();
    let store = FileRunStore::open(&path).unwrap();
    store.begin(RunHeads::new().head("other")).await.unwrap();
    drop(store);
    let lines = |text: &str| text.lines().count();
    assert_eq!(lines(&fs::read_to_string(&path).unwrap()), lines(&text));
    assert_eq!(count(&path).unwrap(), whole - 1);
}

#[tokio::test]
async fn what_is_no_store_is_said_with_its_line_and_left_as_it_is() {
    #[track_caller]
    fn check(path: &Path, text: &str, parts: &[&str]) {
        fs::write(path, text).unwrap();
        for error in [FileRunStore::open(path).unwrap_err(), FileRunStore::read(path).unwrap_err()]
        {
            assert_eq!(error.kind(), RunStoreErrorKind::Corrupt, "{error}");
            for part in parts {
                assert!(error.to_string().contains(part), "`{part}` is not in {error}");
            }
        }
        assert_eq!(fs::read_to_string(path).unwrap(), text);
    }
    let (_folder, path) = path();
    let text = written(&path).await;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let name = path.display().to_string();
    check(&path, "name = \"crew\"\n", &[&name, "no store of runs"]);
    check(&path, "{\"runs\":{\"form\":7}}\n", &[":1: ", "form 7", "knows form 1"]);
    check(&path, &format!("{}{{\n{}", lines[0], lines[1]), &[":2: ", "EOF"]);
    check(&path, &format!("{}{}", lines[0], lines[2]), &[":2: ", "there is no run r"]);
    check(&path, &format!("{text}{{\"later\":1}}\n"), &["unknown variant `later`"]);
}

#[tokio::test]
async fn one_process_writes_and_others_look() {
    let (_folder, path) = path();
    let store = FileRunStore::open(&path).unwrap();
    store.begin(RunHeads::new().head("r")).await.unwrap();
    let error = FileRunStore::open(&path).unwrap_err();
    assert_eq!(error.kind(), RunStoreErrorKind::Unavailable);
    assert!(error.to_string().ends_with("in use by another process; one at a time writes to it"));
    assert!(FileRunStore::read(&path).unwrap().sync().run(&"r".into()).is_some());
    drop(store);
    drop(FileRunStore::open(&path).unwrap());
}

#[tokio::test]
async fn a_folder_or_a_file_that_cannot_be_made_is_said() {
    let (folder, path) = path();
    let error = FileRunStore::open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), RunStoreErrorKind::Corrupt);
    let error = FileRunStore::open(&path.join("runs.jsonl")).unwrap_err();
    assert_eq!(error.kind(), RunStoreErrorKind::Unavailable);
    assert_eq!(FileRunStore::read(&path).unwrap_err().kind(), RunStoreErrorKind::Unavailable);
    assert!(!path.exists());
}

#[tokio::test]
async fn what_a_full_disk_did_not_take_is_written_with_the_next() {
    let (_folder, path) = path();
    let runs = MemoryRunStore::new();
    let mut file = Appending::open(&path, runs.sync()).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    file.add(b"first\n");
    let broken = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let whole = file.swap(broken);
    assert!(file.flush().is_err());
    file.swap(whole);
    // Half a line that was written all the same.
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"fir").unwrap();
    file.add(b"second\n");
    file.flush().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{good}first\nsecond\n"));
}

#[tokio::test]
async fn many_at_once_are_all_there() {
    let (_folder, path) = path();
    let store = Arc::new(FileRunStore::open(&path).unwrap());
    let heads = RunHeads::new();
    let begins = (0..200).map(|number| {
        let (store, head) = (Arc::clone(&store), heads.head(&format!("r{number}")));
        tokio::spawn(async move { store.begin(head).await })
    });
    for begun in begins.collect::<Vec<_>>() {
        begun.await.unwrap().unwrap();
    }
    drop(store);
    let all = RunQuery::all();
    assert_eq!(FileRunStore::read(&path).unwrap().sync().runs(&all).unwrap().len(), 200);
}
