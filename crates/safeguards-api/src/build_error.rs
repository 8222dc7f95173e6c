//! [`BuildError`]: what does not fit together.

use safeguards_types::Timestamp;

/// Why the parts do not fit together. Each names both parts, and the ways out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The ledger is durable and the progress of runs is not.
    #[error(
        "the ledger ({ledger}) is durable and the run store ({runs}) is not: after a crash it would be known what \
         runs spent, and not what they had done; give `.run_store(..)` or `.stores(..)` one that is durable, or say \
         `.runs_in_memory()`"
    )]
    RunsNotDurable {
        /// The type of the ledger.
        ledger: &'static str,
        /// The type of the run store.
        runs: &'static str,
    },
    /// The progress of runs is durable and the ledger is not.
    #[error(
        "the run store ({runs}) is durable and the ledger ({ledger}) is not: after a crash, runs would go on under \
         budgets that have forgotten what was spent; give `Safeguards::builder(..)` a ledger that is durable, or say \
         `.ledger_in_memory()`"
    )]
    LedgerNotDurable {
        /// The type of the ledger.
        ledger: &'static str,
        /// The type of the run store.
        runs: &'static str,
    },
    /// The clock is not the one that the ledger reads.
    #[error(
        "the clock shows {shown} and the ledger in memory reads one that shows {read}; give both the same by \
         `MemoryLedger::with_clock(..)`, or leave `.clock(..)` out: then the ledger's is taken"
    )]
    OtherClock {
        /// What the builder's clock shows.
        shown: Timestamp,
        /// What the ledger's clock shows.
        read: Timestamp,
    },
    /// The channels for alerts do not fit together.
    #[error(transparent)]
    Alerts(#[from] safeguards_notify::BuildError),
}

impl BuildError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::RunsNotDurable { .. } => "api.runs_not_durable",
            Self::LedgerNotDurable { .. } => "api.ledger_not_durable",
            Self::OtherClock { .. } => "api.other_clock",
            Self::Alerts(error) => error.code(),
        }
    }
}
