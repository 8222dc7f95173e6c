//! What the crate promises, through its public face.
//!
//! - `http`: webhooks and chats, against a server on this machine (`http_server`).
//! - `hub`: what arrives, what is given up on, and who waits for whom.
//! - `templates`: what templates show, and how their mistakes are named.

#[cfg(feature = "webhook")]
mod http;
#[cfg(feature = "webhook")]
mod http_server;
mod hub;
mod templates;
