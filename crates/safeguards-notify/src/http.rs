//! What the channels that speak HTTP share: where they may connect to, what they send, and what comes back.

mod address;
mod answer;
mod client;
mod client_builder;
mod post_error;
mod redaction;
mod resolve;
mod signature;
mod tls;
mod url_policy;
mod webhook_error;

pub use address::AddressRange;
pub(crate) use client::{Client, Post};
pub(crate) use client_builder::{ClientBuilder, Naming};
pub use signature::{SecretError, SignatureHeaders, SigningSecret, VerifyError, verify};
pub use url_policy::UrlRefusal;
pub use webhook_error::WebhookError;
