//! The promises of the README, kept through the facade and the command line alone.

mod discovery;
mod durable;
mod guide;
mod guide_v2;
mod readme;
mod swapping;
mod threads;
