//! What ledger commands tell to `tracing` and to `metrics`: the names, which are stable, and [`describe_metrics`].
//!
//! Runs have theirs in [`safeguards_coord::telemetry`], alerts and events in [`safeguards_notify::telemetry`]. Names
//! that OpenTelemetry's conventions have are theirs; ours begin with `safeguards.`. No field holds what callers attach
//! to a command, nor the reason of a suspension: these may hold what nobody should read in a log.

use metrics::{Unit, describe_counter, describe_histogram};

/// The target of all spans and events of ledger commands, for filters.
pub const TARGET: &str = "safeguards::ledger";
/// The target of all events of the background driver, for filters.
pub const DRIVER_TARGET: &str = "safeguards::driver";

/// The spans.
pub mod span {
    /// One command, from asking to answer.
    pub const COMMAND: &str = "safeguards.command";
    /// A batch of several commands, around theirs.
    pub const BATCH: &str = "safeguards.batch";
}

/// The events.
pub mod event {
    /// A budget said no.
    pub const COMMAND_DENIED: &str = "safeguards.command_denied";
    /// A part of the background driver could not do its work; it tries again.
    pub const DRIVER_FAILED: &str = "safeguards.driver_failed";
}

/// The fields of spans and events, and the labels of metrics.
pub mod field {
    /// `ERROR` where a command was not granted.
    pub const OTEL_STATUS: &str = "otel.status_code";
    /// The code of the failure, where the ledger could not answer.
    pub const ERROR: &str = "error.type";
    /// The command's name, such as `charge`.
    pub const COMMAND: &str = "safeguards.command";
    /// How many commands a batch has.
    pub const COMMANDS: &str = "safeguards.commands";
    /// Whether a batch takes effect as a whole.
    pub const LINKED: &str = "safeguards.linked";
    /// The operation id.
    pub const OPERATION: &str = "safeguards.operation";
    /// The account that the command names first; of a denial whose limit said no.
    pub const ACCOUNT: &str = "safeguards.account";
    /// What is spent, set aside or taken back, as text.
    pub const AMOUNTS: &str = "safeguards.amounts";
    /// `granted`, `repeated`, `denied` or `failed`.
    pub const OUTCOME: &str = "safeguards.outcome";
    /// The number of the entry that records it.
    pub const ENTRY: &str = "safeguards.entry";
    /// The code of a denial.
    pub const DENIAL_CODE: &str = "safeguards.denial.code";
    /// The part of the background driver: `ledger`, `registry` or `state`.
    pub const PART: &str = "safeguards.driver.part";
    /// The unit of an amount.
    pub const UNIT: &str = "safeguards.unit";
}

/// The metrics.
pub mod metric {
    /// Commands answered.
    pub const COMMANDS: &str = "safeguards.commands";
    /// Commands denied, by why.
    pub const DENIALS: &str = "safeguards.denials";
    /// What was charged, settled and recorded.
    pub const SPENT: &str = "safeguards.spent";
    /// What was taken back.
    pub const REFUNDED: &str = "safeguards.refunded";
    /// How often parts of the background driver failed.
    pub const DRIVER_FAILURES: &str = "safeguards.driver.failures";
}

/// Each span and its fields.
pub const SPANS: &[(&str, &[&str])] = &[
    (
        span::COMMAND,
        &[
            field::OTEL_STATUS,
            field::COMMAND,
            field::OPERATION,
            field::ACCOUNT,
            field::AMOUNTS,
            field::OUTCOME,
            field::ENTRY,
            field::DENIAL_CODE,
            field::ERROR,
        ],
    ),
    (span::BATCH, &[field::COMMANDS, field::LINKED]),
];

/// Each event and its fields.
pub const EVENTS: &[(&str, &[&str])] = &[
    (event::COMMAND_DENIED, &[field::COMMAND, field::DENIAL_CODE, field::ACCOUNT]),
    (event::DRIVER_FAILED, &[field::PART, field::ERROR]),
];

/// Tells the recorder what all metrics of Safeguards mean, and in which units they are: those of the ledger, of runs,
/// and of alerts and events. To be called once, after a recorder is installed.
///
/// ```
/// // After `PrometheusBuilder::new().install_recorder()`, say.
/// safeguards_api::telemetry::describe_metrics();
/// ```
pub fn describe_metrics() {
    describe_counter!(metric::COMMANDS, Unit::Count, "Ledger commands, by command and outcome");
    describe_counter!(metric::DENIALS, Unit::Count, "Ledger commands that were denied, by code");
    describe_histogram!(metric::SPENT, "What one command charged, settled or recorded, by unit");
    describe_histogram!(metric::REFUNDED, "What one command took back, by unit");
    describe_counter!(
        metric::DRIVER_FAILURES,
        Unit::Count,
        "Failures of the background driver, by part and code"
    );
    safeguards_coord::telemetry::describe_metrics();
    safeguards_notify::telemetry::describe_metrics();
}
