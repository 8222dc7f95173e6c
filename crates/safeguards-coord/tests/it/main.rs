//! Teams run to their end: with closures on simulated time, and with real programs.

mod closures;
mod money;
#[cfg(unix)]
mod program_ends;
#[cfg(unix)]
mod programs;
mod run_store;
mod selection;
mod stage;
mod strategies;
mod strategies_any;
mod strategies_run;
