//! What the crate promises, through its public face.
//!
//! - `files`: what a terminal and a file show.
//! - `bus`: the event bus in memory, beyond what the conformance suite asks of every bus.
//! - `bus_properties`: the same beside a naive one, under random publishers and subscribers.
//! - `hub`: what arrives, what is given up on, and who waits for whom.
//! - `routing`: where alerts go by rules, against a model; `routing_file` and `routing_checks`: what is wrong
//!   with rules, in the words that people see; `routing_page`: the examples of the manual.
//! - `templates`: what templates show, and how their mistakes are named.

mod bus;
mod bus_properties;
mod files;
mod hub;
mod routing;
mod routing_checks;
mod routing_file;
mod routing_page;
mod templates;
