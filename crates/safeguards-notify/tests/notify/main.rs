//! What the crate promises, through its public face.
//!
//! - `bus`: the event bus in memory, beyond what the conformance suite asks of every bus.
//! - `bus_properties`: the same beside a naive one, under random publishers and subscribers.
//! - `email`: what mails hold, who gets them again, and what they never tell; against a server on this machine
//!   (`smtp_server`).
//! - `files`: what a terminal and a file show.
//! - `http`: webhooks and chats, against a server on this machine (`http_server`).
//! - `hub`: what arrives, what is given up on, and who waits for whom.
//! - `dispatch`, `dispatch_escalation`: how alerts are told, by the rules, and `dispatch_random`: whatever happens,
//!   none is lost; `dispatch_hub` is what they are written with.
//! - `lanes`: how a channel is treated: retries, breaker, rate, expiry, dead letters.
//! - `store`: what a hub goes on with after a restart, and where the store fails.
//! - `storm`: a hundred thousand alerts.
//! - `routing`: where alerts go by rules, against a model; `routing_file` and `routing_checks`: what is wrong
//!   with rules, in the words that people see; `routing_page`: the examples of the manual.
//! - `storm_servers`: a storm in real time, against both servers.
//! - `suites`: what every channel must do, asked of webhooks, chats and mail.
//! - `templates`: what templates show, and how their mistakes are named.

mod bus;
mod bus_properties;
mod dispatch;
mod dispatch_escalation;
mod dispatch_hub;
mod dispatch_random;
#[cfg(feature = "email")]
mod email;
mod files;
#[cfg(feature = "webhook")]
mod http;
#[cfg(feature = "webhook")]
mod http_server;
mod hub;
mod lanes;
mod routing;
mod routing_checks;
mod routing_file;
mod routing_page;
#[cfg(feature = "email")]
mod smtp_server;
mod store;
mod storm;
#[cfg(all(feature = "email", feature = "webhook"))]
mod storm_servers;
#[cfg(all(feature = "email", feature = "webhook"))]
mod suites;
mod templates;
