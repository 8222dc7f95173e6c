//! Teams run to their end: with closures on simulated time, and with real programs.

mod closures;
mod cut_off;
mod graph;
mod graph_model;
mod money;
#[cfg(unix)]
mod program_ends;
#[cfg(unix)]
mod programs;
mod promises;
mod resume;
mod rules;
mod run_store;
mod selection;
mod shared_state;
mod shared_state_suite;
mod simulation;
mod stage;
mod strategies;
mod strategies_any;
mod strategies_run;
