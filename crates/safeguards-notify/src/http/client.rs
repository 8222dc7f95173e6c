//! [`Client`]: posts to one URL, follows redirects as far as is safe, and reads the answer.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use reqwest::{
    Method, Request, Response,
    header::{HeaderMap, LOCATION, RETRY_AFTER},
};
use safeguards_types::{Clock, Timestamp};
use tokio::time::timeout;
use url::Url;

use super::{
    UrlRefusal,
    answer::{Verdict, retry_after},
    client_builder::Naming,
    post_error::PostError,
    redaction::Redaction,
    url_policy::{AdmitError, UrlPolicy},
};
use crate::{
    DeliveryError,
    text::{cut, one_line},
};

/// How long the text of an answer is waited for; its status has come by then.
const TEXT_TIME: Duration = Duration::from_secs(1);
/// How many bytes of an answer's text are read.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// How many characters of it stand in an error.
const TEXT_CHARS_MAX: usize = 300;

/// Posts to one URL.
pub(crate) struct Client {
    pub(super) http: reqwest::Client,
    pub(super) url: Url,
    pub(super) policy: Arc<UrlPolicy>,
    pub(super) redirects_max: u32,
    /// Headers for the URL's own host alone.
    pub(super) private_headers: HeaderMap,
    pub(super) redaction: Redaction,
    pub(super) naming: Naming,
}

/// What is posted. It is the same at each redirect.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// Posts, and gives `Ok` where the answer says that it arrived.
    ///
    /// A future that is dropped closes its connection and leaves nothing behind.
    pub(crate) async fn post(&self, post: Post, clock: &dyn Clock) -> Result<(), DeliveryError> {
        let mut url = self.url.clone();
        let mut redirects = 0_u32;
        loop {
            let response = self.send(&post, &url).await?;
            let status = response.status();
            match Verdict::of(status) {
                Verdict::Delivered => {
                    // It arrived, whatever comes now. What is read lets the connection be used again.
                    let _ = read_text(response).await;
                    return Ok(());
                }
                Verdict::Redirected if redirects >= self.redirects_max => {
                    let (place, max) = (self.place(&url), self.redirects_max);
                    return Err(PostError::TooManyRedirects { place, max }.into());
                }
                Verdict::Redirected => {
                    url = self.next_url(&url, &response)?;
                    redirects = redirects.saturating_add(1);
                }
                Verdict::Misdirected => {
                    return Err(PostError::Misdirected { place: self.place(&url), status }.into());
                }
                Verdict::Retryable | Verdict::Permanent => {
                    return Err(self.answered(&url, response, clock.now()).await);
                }
            }
        }
    }

    /// Scheme and host, or a word for them.
    pub(crate) fn name(&self) -> String {
        self.naming.name(&self.url)
    }

    /// What a text calls the place that was posted to.
    fn place(&self, url: &Url) -> String {
        let name = self.naming.name(url);
        // Only the channel's own is known to hold no secret. That a path may repeat its words is no reason to
        // hide them there.
        if url.origin() == self.url.origin() { name } else { self.redaction.apply(&name) }
    }

    async fn send(&self, post: &Post, url: &Url) -> Result<Response, PostError> {
        let mut request = Request::new(Method::POST, url.clone());
        *request.headers_mut() = post.headers.clone();
        *request.body_mut() = Some(post.body.clone().into());
        if url.origin() == self.url.origin() {
            request.headers_mut().extend(self.private_headers.clone());
        }
        let sent = self.http.execute(request).await;
        sent.map_err(|error| self.unreachable(url, error))
    }

    fn unreachable(&self, url: &Url, error: reqwest::Error) -> PostError {
        let place = self.place(url);
        let error = error.without_url();
        if let Some(refusal) = refusal(&error) {
            return PostError::Refused { place, refusal };
        }
        let cause = self.redaction.apply(&causes(&error));
        PostError::Unreachable { place, cause }
    }

    /// Where a redirect leads, if it may be followed.
    fn next_url(&self, url: &Url, response: &Response) -> Result<Url, PostError> {
        let (place, status) = (self.place(url), response.status());
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let next = location.and_then(|location| url.join(location).ok());
        let Some(next) = next else {
            return Err(PostError::RedirectedNowhere { place, status });
        };
        if url.scheme() == "https" && next.scheme() == "http" {
            return Err(PostError::Downgraded { place, status });
        }
        match self.policy.check(&next) {
            Ok(()) => Ok(next),
            Err(refusal) => Err(PostError::Refused { place: self.place(&next), refusal }),
        }
    }

    async fn answered(&self, url: &Url, response: Response, now: Timestamp) -> DeliveryError {
        let (place, status) = (self.place(url), response.status());
        let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let after = after.and_then(|header| retry_after(header, now));
        let (bytes, is_whole) = read_text(response).await;
        let text = String::from_utf8_lossy(&bytes);
        let mut text = self.redaction.apply(&text);
        if *url != self.url {
            let mut redirect = Redaction::default();
            redirect.add_url(url);
            text = redirect.apply(&text);
        }
        if !is_whole {
            // A secret may have been cut in two at the end.
            let end = text.len().saturating_sub(self.redaction.longest());
            text.truncate(text.floor_char_boundary(end));
        }
        let text = cut(&one_line(text.trim()), TEXT_CHARS_MAX);
        let error = DeliveryError::from(PostError::Answered { place, status, text });
        match after {
            Some(span) if error.is_retryable() => error.after(span),
            _ => error,
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Client").field("to", &self.name()).finish_non_exhaustive()
    }
}

/// What the answer's body says, bounded in time and size; and whether that is all of it.
async fn read_text(mut response: Response) -> (Vec<u8>, bool) {
    let mut text = Vec::new();
    let read = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = TEXT_BYTES_MAX.saturating_sub(text.len());
            text.extend(chunk.iter().take(room));
            if text.len() == TEXT_BYTES_MAX {
                return false;
            }
        }
        true
    };
    let is_whole = timeout(TEXT_TIME, read).await.unwrap_or(false);
    (text, is_whole)
}

/// An error and what it came from, in one text.
pub(super) fn causes(error: &reqwest::Error) -> String {
    let first: &dyn Error = error;
    let texts: Vec<_> = chain(first).map(ToString::to_string).collect();
    texts.join(": ")
}

/// The policy's own word, where it is what ended the attempt.
fn refusal(error: &reqwest::Error) -> Option<UrlRefusal> {
    chain(error).find_map(|error| match error.downcast_ref() {
        Some(AdmitError::Refused(refusal)) => Some(refusal.clone()),
        Some(AdmitError::NoAddress) | None => None,
    })
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}
