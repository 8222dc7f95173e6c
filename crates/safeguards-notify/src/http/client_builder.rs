//! [`ClientBuilder`]: checks what a client is to do, and makes it.

use std::{fmt, sync::Arc, time::Duration};

use reqwest::{
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use rustls::pki_types::CertificateDer;
use secrecy::{ExposeSecret, SecretString};
use url::{Origin, Url};

use super::{
    WebhookError,
    client::{Client, causes},
    redaction::{HIDDEN, Redaction},
    resolve::PublicNames,
    tls,
    url_policy::UrlPolicy,
};

/// How long a connection may take to stand.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long an unused connection is kept. Less than servers keep theirs, so that both seldom meet.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// How many of those are kept.
const IDLE_MAX: usize = 8;
/// How many redirects may be followed at most.
const REDIRECTS_BOUND: u32 = 10;

/// What texts call a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// By scheme and host.
    Origin,
    /// By a word, since all of the URL is a secret.
    Word(&'static str),
}

impl Naming {
    pub(super) fn name(self, url: &Url) -> String {
        match self {
            // User info does not belong to it.
            Self::Origin => match url.origin() {
                origin @ Origin::Tuple(..) => origin.ascii_serialization(),
                Origin::Opaque(_) => "the URL".to_owned(),
            },
            Self::Word(word) => word.to_owned(),
        }
    }
}

/// Makes a [`Client`].
pub(crate) struct ClientBuilder {
    url: SecretString,
    naming: Naming,
    allow_http: Vec<String>,
    allow_private: Vec<String>,
    redirects_max: u32,
    roots: Vec<Vec<u8>>,
    headers: Vec<(String, SecretString)>,
    redaction: Redaction,
}

impl ClientBuilder {
    pub(crate) fn new(url: SecretString, naming: Naming) -> Self {
        Self {
            url,
            naming,
            allow_http: Vec::new(),
            allow_private: Vec::new(),
            redirects_max: 3,
            roots: Vec::new(),
            headers: Vec::new(),
            redaction: Redaction::default(),
        }
    }

    pub(crate) fn allow_http(&mut self, host: String) {
        self.allow_http.push(host);
    }

    pub(crate) fn allow_private(&mut self, host: String) {
        self.allow_private.push(host);
    }

    pub(crate) fn redirects_max(&mut self, redirects_max: u32) {
        self.redirects_max = redirects_max;
    }

    pub(crate) fn root_certificate(&mut self, pem: Vec<u8>) {
        self.roots.push(pem);
    }

    pub(crate) fn header(&mut self, name: String, value: SecretString) {
        self.headers.push((name, value));
    }

    /// Keeps one more secret out of all texts.
    pub(crate) fn hide(&mut self, secret: &str) {
        self.redaction.add(secret);
    }

    pub(crate) fn build(self) -> Result<Client, WebhookError> {
        let Self { url, naming, redirects_max, mut redaction, .. } = self;
        let mut policy = UrlPolicy::default();
        for text in self.allow_http {
            if !policy.allow_http(&text) {
                return Err(WebhookError::InvalidHost { setting: "allow_http" });
            }
        }
        for text in self.allow_private {
            if !policy.allow_private(&text) {
                return Err(WebhookError::InvalidHost { setting: "allow_private" });
            }
        }
        if redirects_max > REDIRECTS_BOUND {
            let (given, max) = (redirects_max, REDIRECTS_BOUND);
            return Err(WebhookError::TooManyRedirects { given, max });
        }

        let invalid =
            |error: url::ParseError| WebhookError::InvalidUrl { cause: error.to_string() };
        let url = Url::parse(url.expose_secret().trim()).map_err(invalid)?;
        policy
            .check(&url)
            .map_err(|refusal| WebhookError::Refused { place: naming.name(&url), refusal })?;
        redaction.add_url(&url);
        if let (Naming::Word(_), Some(host)) = (naming, url.host_str()) {
            redaction.add(host);
        }

        let mut private_headers = HeaderMap::new();
        for (name, value) in self.headers {
            let (name, mut checked) = header(&name, &value)?;
            checked.set_sensitive(true);
            private_headers.insert(name, checked);
            redaction.add_header(value.expose_secret());
        }

        let mut roots: Vec<CertificateDer<'static>> = Vec::new();
        for pem in self.roots {
            roots.extend(tls::certificates(&pem)?);
        }
        let policy = Arc::new(policy);
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(&roots, url.scheme() == "https")?)
            .dns_resolver(PublicNames(Arc::clone(&policy)))
            // A proxy would look names up itself, behind the back of the check.
            .no_proxy()
            // They are followed below, where each is looked at.
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIME)
            .pool_idle_timeout(IDLE_TIME)
            .pool_max_idle_per_host(IDLE_MAX)
            .user_agent(concat!("safeguards-notify/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| WebhookError::NoTls { cause: causes(&error.without_url()) })?;
        Ok(Client { http, url, policy, redirects_max, private_headers, redaction, naming })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ClientBuilder")
            .field("redirects_max", &self.redirects_max)
            .finish_non_exhaustive()
    }
}

/// Headers that the channel or the connection sets.
const OWN_HEADERS: [&str; 9] = [
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "idempotency-key",
    "te",
    "transfer-encoding",
    "upgrade",
];

fn header(name: &str, value: &SecretString) -> Result<(HeaderName, HeaderValue), WebhookError> {
    let invalid = |name: &str, cause| WebhookError::InvalidHeader { name: name.to_owned(), cause };
    // What is no name may be a whole header, with its secret.
    let parsed: HeaderName =
        name.parse().map_err(|_| invalid(HIDDEN, "a name has letters, digits and `-` alone"))?;
    if OWN_HEADERS.contains(&parsed.as_str()) || parsed.as_str().starts_with("webhook-") {
        return Err(invalid(name, "the channel sets it itself"));
    }
    let value = HeaderValue::from_str(value.expose_secret())
        .map_err(|_| invalid(name, "a value has visible ASCII characters and spaces alone"))?;
    Ok((parsed, value))
}
