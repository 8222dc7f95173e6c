//! Teams run to their end: with closures on simulated time, and with real programs.

mod closures;
mod graph;
mod graph_model;
mod money;
#[cfg(unix)]
mod program_ends;
#[cfg(unix)]
mod programs;
mod run_store;
mod selection;
mod stage;
mod strategies;
