//! [`WebhookError`]: why there is no such channel.

use super::{SecretError, UrlRefusal};

/// Why there is no such channel. No URL stands in it but for scheme and host, and those of a chat neither.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The text is no URL.
    #[error(
        "the text is no URL: {cause}; a webhook has one such as https://hooks.example.com/alerts"
    )]
    InvalidUrl {
        /// What is wrong with it.
        cause: String,
    },
    /// The URL is one that is not posted to.
    #[error("{place} is not posted to: {refusal}")]
    Refused {
        /// Scheme and host.
        place: String,
        /// Why.
        refusal: UrlRefusal,
    },
    /// Something was allowed for what is no host. What was written is not shown: it may be the whole URL.
    #[error("`{setting}` was given what is no host; write a name or an address alone")]
    InvalidHost {
        /// The setting that it was written for.
        setting: &'static str,
    },
    /// More redirects than anybody needs.
    #[error("{given} redirects are more than are followed; 0 to {max}")]
    TooManyRedirects {
        /// How many were to be followed.
        given: u32,
        /// How many may be.
        max: u32,
    },
    /// A header's name or value cannot be sent, or it is one that the channel sets.
    #[error("the header {name:?} cannot be sent: {cause}")]
    InvalidHeader {
        /// Its name; `[hidden]` where that is none, since it may be a whole header.
        name: String,
        /// Why not.
        cause: &'static str,
    },
    /// What was to be trusted is no certificate.
    #[error("the root certificate cannot be read: {cause}")]
    InvalidCertificate {
        /// What is wrong with it.
        cause: String,
    },
    /// A text was to be longer or shorter than what chats take.
    #[error("a text of {given} characters at most; {min} to {max} can be set")]
    TextBoundOutOfRange {
        /// What was to be set.
        given: usize,
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// The system has no certificates to know servers by, or the client could not be made.
    #[error(
        "there is no TLS: {cause}; install the system's certificates, or add a root certificate"
    )]
    NoTls {
        /// What failed.
        cause: String,
    },
    /// The secret for signatures is none.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl WebhookError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidUrl { .. } => "notify.invalid_url",
            Self::Refused { refusal, .. } => refusal.code(),
            Self::InvalidHost { .. } => "notify.invalid_host",
            Self::TooManyRedirects { .. } => "notify.redirects_out_of_range",
            Self::InvalidHeader { .. } => "notify.invalid_header",
            Self::InvalidCertificate { .. } => "notify.invalid_certificate",
            Self::TextBoundOutOfRange { .. } => "notify.text_bound_out_of_range",
            Self::NoTls { .. } => "notify.no_tls",
            Self::Secret(error) => error.code(),
        }
    }
}
