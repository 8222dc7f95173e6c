//! What the crate promises, through its public face.
//!
//! - `hub`: what arrives, what is given up on, and who waits for whom.
//! - `dispatch`, `dispatch_escalation`: how alerts are told, by the rules, and `dispatch_random`: whatever happens,
//!   none is lost; `dispatch_hub` is what they are written with.
//! - `lanes`: how a channel is treated: retries, breaker, rate, expiry, dead letters.
//! - `store`: what a hub goes on with after a restart, and where the store fails.
//! - `storm`: a hundred thousand alerts.

mod dispatch;
mod dispatch_escalation;
mod dispatch_hub;
mod dispatch_random;
mod hub;
mod lanes;
mod store;
mod storm;
