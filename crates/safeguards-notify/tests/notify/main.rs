//! What the crate promises, through its public face.
//!
//! - `hub`: what arrives, what is given up on, and who waits for whom.
//! - `templates`: what templates show, and how their mistakes are named.

mod hub;
mod templates;
