//! What the exit codes mean. They are listed in `--help`; each verb says which of them it uses.

/// Everything went as it should.
pub(crate) const SUCCESS: u8 = 0;
/// An agent failed.
pub(crate) const FAILED: u8 = 1;
/// The arguments, or a file that they name, cannot be used.
pub(crate) const USAGE: u8 = 2;
/// Nobody was found, as `grep` has it. The same number as a failed agent: it depends on the verb.
pub(crate) const NOT_FOUND: u8 = 1;
/// A budget said no.
pub(crate) const DENIED: u8 = 3;
/// A deadline passed.
pub(crate) const TIMED_OUT: u8 = 4;
/// The store of runs cannot be reached.
pub(crate) const STORE: u8 = 5;
/// The program could not do its own work: standard output takes no report, the machine gives no threads, or the
/// report does not agree with the ledger's journal.
pub(crate) const INTERNAL: u8 = 70;
/// It was told to stop, by Ctrl-C or another signal.
pub(crate) const INTERRUPTED: u8 = 130;
