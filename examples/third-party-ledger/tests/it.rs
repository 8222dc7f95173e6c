//! The ledger against the whole conformance suite, and what is its own: a torn last line.

mod suite {
    use std::{future::ready, sync::Arc};

    use safeguards_budget::Ledger;
    use safeguards_testkit::{Setup, TestEnv, ledger_conformance};
    use third_party_ledger::JournaledLedger;

    async fn make(Setup { clock, bounds, .. }: Setup) -> TestEnv {
        let folder = tempfile::tempdir().unwrap();
        let (path, time) = (folder.path().join("journal"), clock.clone());
        let open = move || -> Arc<dyn Ledger> {
            Arc::new(JournaledLedger::open(&path, time.clone(), bounds).unwrap())
        };
        TestEnv::new(open(), clock).reopens(move || ready(open())).keeping(folder)
    }

    ledger_conformance!(make, durable);
}

mod torn {
    use std::{fs, path::Path};

    use safeguards_budget::{Batch, Bounds, Charge, Command, LedgerExt, OpenAccount};
    use safeguards_types::{OperationIds, SimClock, Timestamp, usd};
    use third_party_ledger::JournaledLedger;

    fn open(path: &Path) -> JournaledLedger {
        JournaledLedger::open(path, SimClock::at(Timestamp::UNIX_EPOCH), Bounds::default()).unwrap()
    }

    /// However much of its last line is missing, the ledger opens, without that line and with all before.
    #[tokio::test]
    async fn a_linked_batch_of_which_a_part_was_written_did_not_happen() {
        use safeguards_budget::Ledger;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let ids = OperationIds::new();
        let op = || ids.mint(Timestamp::UNIX_EPOCH);
        open(&path).open_account(OpenAccount::new("a"), op()).await.unwrap();
        let kept = fs::metadata(&path).unwrap().len();
        let batch = Batch::linked(
            [usd!(1), usd!(2)].map(|amount| Command::new(op(), Charge::new("a", amount))),
        );
        let answered = open(&path).submit(batch.clone()).await.unwrap();
        let whole = fs::read(&path).unwrap();

        for length in usize::try_from(kept).unwrap()..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let account = open(&path).account(&"a".into()).await.unwrap().unwrap();
            assert!(account.spent.is_empty(), "{length} bytes: {:?}", account.spent);
            // Sent again, it happens as it did the first time.
            assert_eq!(open(&path).submit(batch.clone()).await.unwrap(), answered);
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
    }

    /// A file that holds something else is refused, and left as it was.
    #[test]
    fn a_file_that_is_no_journal_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        fs::write(&path, "dear diary\n").unwrap();
        let clock = SimClock::at(Timestamp::UNIX_EPOCH);
        assert!(JournaledLedger::open(&path, clock, Bounds::default()).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "dear diary\n");
    }
}
