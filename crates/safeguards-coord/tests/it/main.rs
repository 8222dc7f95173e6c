//! Teams run to their end: with closures on simulated time, and with real programs.

mod closures;
mod money;
#[cfg(unix)]
mod program_ends;
#[cfg(unix)]
mod programs;
mod resume;
mod run_store;
mod selection;
mod simulation;
mod stage;
mod strategies;
