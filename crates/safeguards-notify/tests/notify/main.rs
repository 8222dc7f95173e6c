//! What the crate promises, through its public face.
//!
//! - `bus`: the event bus in memory, beyond what the conformance suite asks of every bus.
//! - `bus_properties`: the same beside a naive one, under random publishers and subscribers.
//! - `hub`: what arrives, what is given up on, and who waits for whom.

mod bus;
mod bus_properties;
mod hub;
