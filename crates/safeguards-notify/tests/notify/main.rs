//! What the crate promises, through its public face.
//!
//! - `files`: what a terminal and a file show.
//! - `hub`: what arrives, what is given up on, and who waits for whom.
//! - `routing`: where alerts go by rules, against a model; `routing_file` and `routing_checks`: what is wrong
//!   with rules, in the words that people see; `routing_page`: the examples of the manual.
//! - `templates`: what templates show, and how their mistakes are named.

mod files;
mod hub;
mod routing;
mod routing_checks;
mod routing_file;
mod routing_page;
mod templates;
