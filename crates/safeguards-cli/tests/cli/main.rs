//! The command line as a user meets it: one module per verb, and one for what both print.

mod agents;
mod alerts;
mod check;
mod command;
mod durable;
mod ledger;
mod output;
mod replay;
mod run;
