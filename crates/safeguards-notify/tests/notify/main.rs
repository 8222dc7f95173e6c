//! What the crate promises, through its public face.
//!
//! - `email`: what mails hold, who gets them again, and what they never tell.
//! - `files`: what a terminal and a file show.
//! - `hub`: what arrives, what is given up on, and who waits for whom.
//! - `templates`: what templates show, and how their mistakes are named.

#[cfg(feature = "email")]
mod email;
mod files;
mod hub;
#[cfg(feature = "email")]
mod smtp_server;
mod templates;
