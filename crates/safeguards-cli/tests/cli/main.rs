//! The command line as a user meets it: one module per verb.

mod command;
mod replay;
mod run;
