//! The promises of the README, kept through the facade and the command line alone.

mod discovery;
mod guide;
mod readme;
mod swapping;
