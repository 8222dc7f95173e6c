//! Who may open a file, and what is none.

use std::{fs, path::Path};

use redb::{Database, TableDefinition};
use safeguards_redb::{OpenError, RedbOptions, RedbStore};
use safeguards_types::{Clock, SimClock, Timestamp};

fn refused(path: &Path) -> OpenError {
    RedbStore::open(path).map(|_| ()).unwrap_err()
}

#[test]
fn who_has_it_open_is_told_and_since_when() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.redb");
    let clock = SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z").unwrap());
    let mut options = RedbOptions::default();
    options.clock = std::sync::Arc::new(clock.clone());
    let store = options.open(&path).unwrap();

    let error = refused(&path);
    assert_eq!(error.code(), "store.in_use");
    let text = error.to_string();
    let owner = format!("is in use by process {} on ", std::process::id());
    assert!(text.contains(&owner), "{text}");
    assert!(text.contains(&format!("since {}", clock.now())), "{text}");

    // Under another name it is the same file.
    let other = folder.path().join("other.redb");
    fs::hard_link(&path, &other).unwrap();
    assert_eq!(refused(&other).code(), "store.in_use");

    let clone = store.clone();
    drop(store);
    assert_eq!(refused(&path).code(), "store.in_use", "a clone has it still");
    drop(clone);
    RedbStore::open(&path).unwrap();
}

#[test]
fn what_is_no_store_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    fs::write(&text, "not a store").unwrap();
    let error = refused(&text);
    assert_eq!(error.code(), "store.not_a_store", "{error}");
    assert_eq!(fs::read_to_string(&text).unwrap(), "not a store");
    let inside = folder.path().join("folder");
    fs::create_dir(&inside).unwrap();
    let error = refused(&inside);
    assert_eq!(error.code(), "store.not_a_store", "{error}");
    assert!(error.to_string().contains("it is a folder"), "{error}");
    let error = refused(Path::new("/dev/null"));
    assert!(error.to_string().contains("it is no regular file"), "{error}");
    let error = RedbOptions::default().check(&text).unwrap_err();
    assert_eq!(error.code(), "store.not_a_store", "{error}");
    // What a failed copy leaves, say: whoever began anew in it would have all budgets back.
    let empty = folder.path().join("empty.redb");
    fs::write(&empty, "").unwrap();
    let error = refused(&empty);
    assert_eq!(error.code(), "store.not_a_store", "{error}");
    assert!(error.to_string().contains("it is empty"), "{error}");
    assert_eq!(RedbOptions::default().check(&empty).unwrap_err().code(), "store.not_a_store");
    assert_eq!(fs::metadata(&empty).unwrap().len(), 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "no locks are left beside them");

    let others = folder.path().join("others.redb");
    let database = Database::create(&others).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(TableDefinition::<u64, u64>::new("theirs")).unwrap();
    write.commit().unwrap();
    drop(database);
    let error = refused(&others);
    assert_eq!(error.code(), "store.not_a_store");
    assert!(error.to_string().contains("a table `theirs`"), "{error}");
}

#[test]
fn a_file_of_a_later_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.redb");
    drop(RedbStore::open(&path).unwrap());
    let database = Database::open(&path).unwrap();
    let write = database.begin_write().unwrap();
    let meta = TableDefinition::<&str, u64>::new("safeguards");
    write.open_table(meta).unwrap().insert("format", 1_000).unwrap();
    write.commit().unwrap();
    drop(database);
    let error = refused(&path);
    assert_eq!(error.code(), "store.newer_format");
    assert!(error.to_string().contains("format 1000"), "{error}");
}

/// A new file has its name only once it is whole: what a killed opener left behind is another one's to begin anew.
#[test]
fn what_was_left_half_made_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet.redb");
    let part = folder.path().join("fleet.redb.new");
    fs::write(&part, "half").unwrap();
    drop(RedbStore::open(&path).unwrap());
    assert!(!part.exists() && RedbOptions::default().check(&path).unwrap().flaws.is_empty());
    let link = folder.path().join("link.redb");
    std::os::unix::fs::symlink("nothing.redb", &link).unwrap();
    assert!(refused(&link).to_string().contains("it is a link to what is not there"));
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let error = refused(&folder.path().join("none/fleet.redb"));
    assert_eq!(error.code(), "store.io");
    let cause = std::error::Error::source(&error).unwrap();
    let causes = std::iter::successors(Some(cause), |cause| cause.source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    assert!(causes.iter().any(|cause| cause.contains("No such file")), "{causes:?}");
}

#[cfg(unix)]
#[test]
fn who_has_it_open_is_told_by_whatever_name_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("fleet.redb"), folder.path().join("link.redb"));
    let store = RedbStore::open(&path).unwrap();
    std::os::unix::fs::symlink("fleet.redb", &link).unwrap();
    let text = refused(&link).to_string();
    assert!(text.contains(&format!("by process {}", std::process::id())), "{text}");
    // Of another name of the same file nobody knows who has it; it is refused all the same.
    let other = folder.path().join("other.redb");
    fs::hard_link(&path, &other).unwrap();
    assert_eq!(refused(&other).code(), "store.in_use");
    drop(store);
    RedbStore::open(&link).unwrap();
}
