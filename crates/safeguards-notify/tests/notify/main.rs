//! What the crate promises, through its public face.
//!
//! - `hub`: what arrives, what is given up on, and who waits for whom.

mod hub;
