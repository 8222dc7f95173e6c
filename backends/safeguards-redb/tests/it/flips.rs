//! Damage anywhere: of a file with flipped bits, or one that is cut off, all is read as it was written, or an error says
//! that it is not. Nothing panics. A long run has more of them: `SAFEGUARDS_FLIPS`.

use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use safeguards_budget::{Charge, Entry, EntryId, Ledger, LedgerExt};
use safeguards_coord::{RunQuery, RunStore, StateQuery, StateStore};
use safeguards_notify::{AlertQuery, AlertStore};
use safeguards_types::usd;

use crate::moved::{Filled, dump, options};

const FLIPS: &str = "SAFEGUARDS_FLIPS";

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the long run says how many")]
async fn a_damaged_file_is_read_as_it_was_or_refused() {
    let filled = Filled::new().await;
    let (whole, lines) = (fs::read(filled.path()).unwrap(), dump(&filled.path()));
    let store = options().open(filled.path()).unwrap();
    let entries = Ledger::entries(&store, EntryId::FIRST, 1_000).await.unwrap().entries;
    drop(store);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.redb");
    let mut random = fastrand::Rng::with_seed(7);
    let count: u32 = env::var(FLIPS).map_or(150, |count| count.parse().unwrap());
    let (mut refused, mut told, mut whole_still) = (0, 0, 0);
    for turn in 0..count {
        let mut bytes = whole.clone();
        if turn % 10 == 0 {
            bytes.truncate(random.usize(1..bytes.len()));
        } else {
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..bytes.len());
                bytes[at] ^= 1 << random.u32(..8);
            }
        }
        fs::write(&path, &bytes).unwrap();
        work(&path, &entries).await;
        fs::write(&path, &bytes).unwrap();
        match without_panic(|| options().check(&path)) {
            Err(error) => {
                let code = error.code();
                assert!(["store.not_a_store", "store.newer_format"].contains(&code), "{error:?}");
                refused += 1;
            }
            Ok(checked) if checked.flaws.is_empty() => {
                assert_eq!(dump(&path), lines, "turn {turn}");
                whole_still += 1;
            }
            Ok(_) => told += 1,
        }
    }
    println!("{count} damaged files: {refused} refused, {told} with flaws, {whole_still} whole");
    assert!(refused + told > count / 20 && whole_still > count / 20);
}

/// Reads all, writes something, and closes it. What is read of the ledger are entries as they were written; where the last
/// flush is damaged, redb goes back to one before.
async fn work(path: &Path, entries: &[Entry]) {
    let Ok(store) = without_panic(|| options().open(path)) else { return };
    if let Ok(page) = Ledger::entries(&store, EntryId::FIRST, 1_000).await {
        assert!(entries.starts_with(&page.entries), "{:#?}", page.entries);
    }
    // Whatever else is answered: what counts is that something is.
    drop(store.runs(&RunQuery::all()).await);
    drop(StateStore::list(&store, &"agent".into(), &StateQuery::all()).await);
    drop(store.unfinished().await);
    drop(AlertStore::history(&store, &AlertQuery::default()).await);
    drop(store.charge(Charge::new("team", usd!(1)), store.operation()).await);
    drop(without_panic(|| store.dump(&mut Vec::new())));
    without_panic(|| drop(store));
}

fn without_panic<T>(act: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(act)).expect("nothing panics")
}
