//! Entries are read in pages.

use super::prelude::*;

async fn with_entries(desk: &RunStoreDesk, run: &str, many: u32) {
    desk.begin(head(run)).await;
    for number in 0..many {
        desk.append(run, 1, outcome("s", number, number)).await;
    }
}

async fn page(desk: &RunStoreDesk, from: u64, limit: usize) -> Vec<u32> {
    let read = desk.store().entries(&"r".into(), from, limit).await.unwrap();
    let number = |entry: &RunEntry| {
        let RunEntry::Outcome(outcome) = entry else { panic!("{entry:?}") };
        outcome.attempt
    };
    read.iter().map(number).collect()
}

/// Entries are read from any number on; none where there are no more.
pub async fn entries_are_read_from_anywhere(desk: &RunStoreDesk) {
    with_entries(desk, "r", 5).await;
    assert_eq!(page(desk, 0, 10).await, [0, 1, 2, 3, 4]);
    assert_eq!(page(desk, 2, 2).await, [2, 3]);
    assert_eq!(page(desk, 4, 10).await, [4]);
    for from in [5, 6, 1 << 40, u64::MAX] {
        assert_eq!(page(desk, from, 10).await, [0_u32; 0]);
    }
    assert_eq!(page(desk, 0, 0).await, [0_u32; 0]);
}

/// Pages of any size together have each entry once, in order.
pub async fn pages_of_any_size_have_each_entry_once(desk: &RunStoreDesk) {
    with_entries(desk, "r", 17).await;
    for size in [1, 2, 5, 17, 100] {
        let mut all = Vec::new();
        loop {
            let read = page(desk, u64::try_from(all.len()).unwrap(), size).await;
            if read.is_empty() {
                break;
            }
            assert!(read.len() <= size, "{} of {size}", read.len());
            all.extend(read);
        }
        assert_eq!(all, (0..17).collect::<Vec<u32>>(), "in pages of {size}");
    }
}

/// A page has no more than so many entries, however many are asked for.
pub async fn a_page_is_bounded(desk: &RunStoreDesk) {
    with_entries(desk, "r", 1_003).await;
    assert_eq!(page(desk, 0, usize::MAX).await.len(), RunStoreBounds::PAGE);
    assert_eq!(page(desk, 1_000, usize::MAX).await, [1_000, 1_001, 1_002]);
}

/// Entries of a run that is not there are an error, and not none.
pub async fn nobody_has_no_entries(desk: &RunStoreDesk) {
    let error: RunStoreError = desk.store().entries(&"r".into(), 0, 10).await.unwrap_err();
    assert_eq!(error.code(), "runs.unknown_run");
}
