//! What the crate promises, through its public face.
//!
//! - `bus`: the event bus in memory, beyond what the conformance suite asks of every bus.
//! - `bus_properties`: the same beside a naive one, under random publishers and subscribers.
//! - `email`: what mails hold, who gets them again, and what they never tell; against a server on this machine
//!   (`smtp_server`).
//! - `files`: what a terminal and a file show.
//! - `http`: webhooks and chats, against a server on this machine (`http_server`).
//! - `hub`: what arrives, what is given up on, and who waits for whom.
//! - `routing`: where alerts go by rules, against a model; `routing_file` and `routing_checks`: what is wrong
//!   with rules, in the words that people see; `routing_page`: the examples of the manual.
//! - `storm_servers`: a storm in real time, against both servers.
//! - `templates`: what templates show, and how their mistakes are named.

mod bus;
mod bus_properties;
#[cfg(feature = "email")]
mod email;
mod files;
#[cfg(feature = "webhook")]
mod http;
#[cfg(feature = "webhook")]
mod http_server;
mod hub;
mod routing;
mod routing_checks;
mod routing_file;
mod routing_page;
#[cfg(feature = "email")]
mod smtp_server;
#[cfg(all(feature = "email", feature = "webhook"))]
mod storm_servers;
mod templates;
