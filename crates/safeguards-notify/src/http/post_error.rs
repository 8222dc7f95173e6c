//! [`PostError`]: why a request did not arrive.

use reqwest::StatusCode;

use super::UrlRefusal;
use crate::DeliveryError;

/// Why a request did not arrive. Its texts hold no URL but for scheme and host, and no secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    #[error("{place} could not be reached: {cause}")]
    Unreachable { place: String, cause: String },
    #[error("{place} is not posted to: {refusal}")]
    Refused { place: String, refusal: UrlRefusal },
    #[error("{place} answered {status}{}", after_colon(text))]
    Answered { place: String, status: StatusCode, text: String },
    #[error(
        "{place} answered {status}, and following it would lose the alert; 307 and 308 are followed"
    )]
    Misdirected { place: String, status: StatusCode },
    #[error("{place} answered {status} without a URL to go to")]
    RedirectedNowhere { place: String, status: StatusCode },
    #[error("{place} answered {status} with a URL without TLS, which is not followed")]
    Downgraded { place: String, status: StatusCode },
    #[error("{place} was the last of {max} redirects, and answered with one more")]
    TooManyRedirects { place: String, max: u32 },
}

fn after_colon(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

impl From<PostError> for DeliveryError {
    fn from(error: PostError) -> Self {
        match error {
            PostError::Unreachable { .. } => Self::retryable(error),
            PostError::Answered { status, .. } if is_retryable(status) => Self::retryable(error),
            PostError::Answered { .. }
            | PostError::Refused { .. }
            | PostError::Misdirected { .. }
            | PostError::RedirectedNowhere { .. }
            | PostError::Downgraded { .. }
            | PostError::TooManyRedirects { .. } => Self::permanent(error),
        }
    }
}

fn is_retryable(status: StatusCode) -> bool {
    super::answer::Verdict::of(status) == super::answer::Verdict::Retryable
}
