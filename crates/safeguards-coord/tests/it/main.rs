//! Teams run to their end: with closures on simulated time, and with real programs.

mod closures;
mod money;
#[cfg(unix)]
mod program_ends;
#[cfg(unix)]
mod programs;
mod selection;
mod shared_state;
mod shared_state_suite;
mod stage;
mod strategies;
