//! What the crate promises, through its public face.
//!
//! - `files`: what a terminal and a file show.
//! - `hub`: what arrives, what is given up on, and who waits for whom.
//! - `templates`: what templates show, and how their mistakes are named.

mod files;
mod hub;
mod templates;
