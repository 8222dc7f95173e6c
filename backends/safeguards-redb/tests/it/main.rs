//! What a store in a file must do: the suites of every seam, and what only a file can get wrong.
//!
//! - `ledger`, `registry`, `state`, `runs`, `alerts`: the suites of the seams.
//! - `journal`: entries that are kept longer than they are remembered, and how a file is opened again.
//! - `crashes`: what is left when the `disk` fails.
//! - `kills`: what is left when the process is killed.
//! - `moved`: files that are checked, dumped and loaded.
//! - `old_files`: files that earlier versions wrote, and backups.
//! - `opening`: who may open a file, and what is none.

mod alerts;
mod alerts_delivered;
mod crashes;
mod disk;
mod flips;
mod journal;
mod kills;
mod ledger;
mod moved;
mod old_files;
mod opening;
mod registry;
mod registry_crashes;
mod runs;
mod runs_resumed;
mod state;
mod state_crashes;
mod state_kept;
