//! SQLite, with the transaction that people write who have no ledger. An answer follows its flush: `WAL`, and `FULL`.

use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use tempfile::TempDir;

use crate::bench::now;

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE account (name TEXT PRIMARY KEY, spent INTEGER NOT NULL, most INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE entry (id INTEGER PRIMARY KEY, op INTEGER NOT NULL UNIQUE, account TEXT NOT NULL,
        amount INTEGER NOT NULL, at INTEGER NOT NULL DEFAULT (unixepoch()));
    INSERT INTO account VALUES
        ('org', 0, 1000000000000), ('team', 0, 1000000000000), ('agent', 0, 1000000000000);
";

/// A database with one connection, for one writes at a time.
pub(crate) struct Sqlite {
    connection: Connection,
    charged: i64,
    _folder: TempDir,
}

impl Sqlite {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("fleet.sqlite")).unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        Self { connection, charged: 0, _folder: folder }
    }

    /// So many charges, of which so many share a transaction.
    pub(crate) fn charge(&mut self, at_once: u32, count: u32) -> Duration {
        let begin = now();
        for _ in 0..count / at_once {
            let behavior = TransactionBehavior::Immediate;
            let transaction = self.connection.transaction_with_behavior(behavior).unwrap();
            for _ in 0..at_once {
                self.charged += 1;
                charge(&transaction, self.charged).unwrap();
            }
            transaction.commit().unwrap();
        }
        now() - begin
    }
}

fn charge(transaction: &Transaction<'_>, op: i64) -> rusqlite::Result<()> {
    const AMOUNT: i64 = 10_000;
    let mut take = transaction.prepare_cached(
        "UPDATE account SET spent = spent + ?2 WHERE name = ?1 AND spent + ?2 <= most",
    )?;
    for account in ["agent", "team", "org"] {
        assert_eq!(take.execute(params![account, AMOUNT])?, 1, "enough is left");
    }
    transaction
        .prepare_cached("INSERT INTO entry (op, account, amount) VALUES (?1, ?2, ?3)")?
        .execute(params![op, "agent", AMOUNT])?;
    Ok(())
}
