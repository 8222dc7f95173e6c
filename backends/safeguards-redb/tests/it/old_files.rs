//! Files of earlier versions: each is kept as one of its versions wrote it, packed, and is opened by every later one.

use std::{
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use safeguards_budget::{Charge, EntryId, Ledger, LedgerExt};
use safeguards_coord::{RunQuery, RunStore, StateQuery, StateStore};
use safeguards_discovery::{Query, Registry};
use safeguards_notify::{AlertQuery, AlertStore};
use safeguards_types::{OperationIds, usd};

use crate::moved::{Filled, check_whole, options};

/// The formats that were ever written.
const FORMATS: [u64; 2] = [1, 2];

fn kept(format: u64) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/old_files");
    folder.join(format!("format-{format}.redb.gz"))
}

#[tokio::test]
async fn a_file_of_every_format_is_opened_with_all_that_is_in_it() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet.redb");
        let packed = File::open(kept(format)).unwrap();
        io::copy(&mut GzDecoder::new(packed), &mut File::create(&path).unwrap()).unwrap();

        let store = options().open(&path).unwrap();
        let team = store.account(&"team".into()).await.unwrap().unwrap();
        assert_eq!(team.spent.to_string(), "5.60 USD", "format {format}");
        assert_eq!(team.held.to_string(), "5.00 USD");
        let entries = Ledger::entries(&store, EntryId::FIRST, 100).await.unwrap();
        assert_eq!((entries.first_kept, entries.entries.len()), (EntryId::FIRST, 36));
        // What was sent before is known, and answered as it was.
        let first = entries.entries.iter().find(|entry| entry.name() == "charge").unwrap();
        let cause = first.cause.clone().unwrap();
        assert_eq!(store.apply(cause.command).await.unwrap(), cause.receipt);
        let found = store.find(&Query::new("data").unwrap()).await.unwrap();
        let names: Vec<_> = found.agents.iter().map(|agent| agent.agent.as_str()).collect();
        assert_eq!(names, ["reader", "writer"]);
        let keys = store.list(&"agent".into(), &StateQuery::all()).await.unwrap();
        let keys: Vec<_> = keys.entries.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["notes/0", "notes/1", "notes/2", "notes/3"]);
        assert_eq!(store.runs(&RunQuery::all()).await.unwrap().len(), 3);
        let alerts = AlertStore::history(&store, &AlertQuery::all()).await.unwrap();
        assert_eq!(alerts.len(), 3);
        let read_to = store.unfinished().await.unwrap().read_to;
        assert_eq!(read_to.get("ledger"), Some(&36), "what was told once is no news");

        // And all goes on.
        let charge = Charge::new("team", usd!(1));
        let op = OperationIds::seeded(9).mint(store.clock().now());
        assert_eq!(store.charge(charge, op).await.unwrap().entry, EntryId::new(37));
        drop(store);
        check_whole(&path);
        let before = folder.path().join(format!("fleet.redb.format-{format}"));
        assert_eq!(
            before.exists(),
            Some(&format) != FORMATS.last(),
            "a copy of an older one is kept"
        );
    }
}

/// Whoever changes the format adds a file: `OLD_FILES=add`. None is ever written over.
#[tokio::test]
async fn there_is_a_file_of_the_format_that_is_written_now() {
    let filled = Filled::new().await;
    let dump = crate::moved::dump(&filled.path());
    let format = FORMATS.into_iter().max().unwrap();
    let first = dump.lines().next().unwrap();
    assert_eq!(first, format!("{{\"store\":{{\"format\":{format}}}}}"), "a file of it is missing");
    let path = kept(format);
    if !path.exists() && env::var_os("OLD_FILES").is_some_and(|value| value == "add") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut packed = GzEncoder::new(File::create(&path).unwrap(), Compression::best());
        io::copy(&mut File::open(filled.path()).unwrap(), &mut packed).unwrap();
        packed.finish().unwrap();
    }
    assert!(path.exists(), "{} is missing", path.display());
}

/// As the guide says: a file that is closed is copied, and put back.
#[tokio::test]
async fn a_copy_of_a_closed_file_is_a_backup() {
    let filled = Filled::new().await;
    let backup = filled.path().with_extension("backup");
    fs::copy(filled.path(), &backup).unwrap();
    let store = options().open(filled.path()).unwrap();
    let op = OperationIds::seeded(9).mint(store.clock().now());
    store.charge(Charge::new("team", usd!(1)), op).await.unwrap();
    drop(store);
    fs::copy(&backup, filled.path()).unwrap();
    let store = options().open(filled.path()).unwrap();
    let team = store.account(&"team".into()).await.unwrap().unwrap();
    assert_eq!(team.spent.to_string(), "5.60 USD", "as it was when it was copied");
    drop(store);
    check_whole(&filled.path());
}
