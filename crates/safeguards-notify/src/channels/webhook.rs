//! [`WebhookChannel`]: posts each notification to a URL, signed; and [`verify`], for who receives it.
//!
//! ```no_run
//! use safeguards_notify::{Alerts, WebhookChannel, webhook::SigningSecret};
//!
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?; // from where secrets are kept
//! let hook = WebhookChannel::builder("https://hooks.example.com/alerts").sign_with(secret).build()?;
//! let alerts = Alerts::builder().channel("hook", hook).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! # The request
//!
//! A `POST` with these headers besides the usual ones:
//!
//! | header | |
//! | --- | --- |
//! | `content-type` | `application/json`, or what was set beside a template |
//! | `idempotency-key`, `webhook-id` | the delivery's id: the same at each attempt, so that a repeat can be passed over |
//! | `webhook-timestamp` | when this attempt was made, in seconds since 1970 |
//! | `webhook-signature` | where there is a secret: `v1,` and the Base64 of HMAC-SHA256 over `{id}.{timestamp}.{body}`; of several secrets, several with spaces between them |
//!
//! This is the scheme of [Standard Webhooks](https://www.standardwebhooks.com), which has libraries in many
//! languages.
//!
//! # The body
//!
//! One JSON object. Keys may be added to it; none of these changes while `version` is 1.
//!
//! | key | |
//! | --- | --- |
//! | `version` | 1 |
//! | `id` | the delivery's id, as in the header |
//! | `channel` | the channel's name |
//! | `at` | when the notification was made, RFC 3339 in UTC |
//! | `severity` | the highest of the alerts that stand in full: `informational`, `low`, `medium`, `high` or `critical` |
//! | `count` | how many alerts the notification stands for, 1 or more |
//! | `more` | how many of them do not stand in `alerts` |
//! | `trimmed` | how many of `more` did not fit the 1 MiB of a body |
//! | `repeats` | how many repeats were kept back since the last notification of the group |
//! | `escalation` | which step of an escalation it is, from 1; `null` where it is the first word |
//! | `group` | an object of labels and values that the alerts have in common; left empty where they alone are more than a body takes |
//! | `text` | one line for people, of 4,000 characters at most |
//! | `alerts` | the alerts in the order in which they were sent: objects with `id`, `at`, `severity`, `topic` and `message`, and `agent`, `key` and `metadata` where they have them |
//!
//! Of alerts that do not fit, the newest stay. Of one that is too large by itself `text` is what remains.
//!
//! # Answers
//!
//! `2xx` is a delivery. `408`, `425`, `429`, `5xx` and no answer at all are tried again, after `Retry-After` if
//! there is one (an hour at most). `307` and `308` are followed; `301` to `303` are not, since the body would be
//! lost. Anything else is given up on at once, with the beginning of the answer's text as the reason.
//!
//! # What is refused
//!
//! Plain `http`, user info in a URL, and addresses that are not public, whether they stand in the URL, come
//! of a name, or of a redirect: the address that is connected to is the one that was looked at. `allow_http`
//! and `allow_private` name hosts for which that does not hold. Proxies of the environment are not used. A
//! redirect never leads from `https` to `http`, and headers of your own do not go to another host.

mod body;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use safeguards_types::{Clock, SystemClock, Timestamp};
use secrecy::SecretString;

pub use crate::http::{
    AddressRange, SecretError, SignatureHeaders, SigningSecret, UrlRefusal, VerifyError,
    WebhookError, verify,
};
use crate::{
    Channel, Delivery, DeliveryError, Notification, Template,
    http::{Client, ClientBuilder, Naming, Post},
};

/// How many bytes the body has at most.
const BODY_BYTES_MAX: usize = 1024 * 1024;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Posts each notification to a URL. What is posted is described [on the module](self).
///
/// Unused connections are kept for half a minute by tasks of the HTTP client on the runtime that delivers;
/// they end when the channel is dropped.
pub struct WebhookChannel {
    client: Client,
    secrets: Vec<SigningSecret>,
    template: Option<(Template, HeaderValue)>,
    clock: Arc<dyn Clock>,
}

/// Makes a [`WebhookChannel`].
#[must_use = "a builder does nothing until `build`"]
pub struct WebhookBuilder {
    client: ClientBuilder,
    secrets: Vec<SigningSecret>,
    template: Option<(Template, String)>,
    clock: Arc<dyn Clock>,
}

impl WebhookChannel {
    /// Starts from the URL that is posted to. In texts it is named by scheme and host alone, since secrets
    /// often stand in a path or query.
    pub fn builder(url: impl Into<SecretString>) -> WebhookBuilder {
        WebhookBuilder {
            client: ClientBuilder::new(url.into(), Naming::Origin),
            secrets: Vec::new(),
            template: None,
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// The body, and what it is.
    fn content(
        &self,
        notification: &Notification,
    ) -> Result<(HeaderValue, Vec<u8>), DeliveryError> {
        let Some((template, content_type)) = &self.template else {
            let body = body::json(notification, BODY_BYTES_MAX);
            return Ok((JSON, body.map_err(DeliveryError::permanent)?));
        };
        Ok(match template.try_render(notification) {
            Ok(text) => (content_type.clone(), text.into_bytes()),
            // Plain words, which are not what the type says: an alert is not lost with its template.
            Err(_) => (PLAIN, template.render(notification).into_bytes()),
        })
    }

    fn post_of(&self, delivery: &Delivery) -> Result<Post, DeliveryError> {
        let (content_type, body) = self.content(delivery.notification())?;
        let id = delivery.id().to_string();
        let timestamp = seconds(self.clock.now()).to_string();
        let signatures: Vec<_> =
            self.secrets.iter().map(|secret| secret.sign(&id, &timestamp, &body)).collect();

        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type);
        let mut insert = |name: HeaderName, text: &str| {
            let value = HeaderValue::from_str(text).map_err(DeliveryError::permanent)?;
            headers.insert(name, value);
            Ok::<(), DeliveryError>(())
        };
        insert(IDEMPOTENCY_KEY, &id)?;
        insert(WEBHOOK_ID, &id)?;
        insert(WEBHOOK_TIMESTAMP, &timestamp)?;
        if !signatures.is_empty() {
            insert(WEBHOOK_SIGNATURE, &signatures.join(" "))?;
        }
        Ok(Post { headers, body })
    }
}

fn seconds(at: Timestamp) -> u64 {
    at.since(Timestamp::UNIX_EPOCH).as_secs()
}

#[async_trait]
impl Channel for WebhookChannel {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        let post = self.post_of(delivery)?;
        self.client.post(post, &*self.clock).await
    }
}

impl fmt::Debug for WebhookChannel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("WebhookChannel")
            .field("to", &self.client.name())
            .field("signatures", &self.secrets.len())
            .finish_non_exhaustive()
    }
}

impl WebhookBuilder {
    /// Signs each request, so that the receiver knows who sent it: see [`verify`]. While a secret is being
    /// replaced, sign with the old one and the new one.
    pub fn sign_with(mut self, secret: SigningSecret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// Posts what `template` makes of a notification in place of the JSON object, with this `content-type`.
    ///
    /// Where the template fails after all, plain words and the reason are posted, as `text/plain`.
    ///
    /// ```
    /// use safeguards_notify::{Template, WebhookChannel};
    ///
    /// let page = Template::parse(r#"{"title": {{ text|tojson }}, "urgent": {{ (severity == "critical")|tojson }}}"#)?;
    /// let hook = WebhookChannel::builder("https://pager.example.com/v1").template(page, "application/json").build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn template(self, template: Template, content_type: impl Into<String>) -> Self {
        Self { template: Some((template, content_type.into())), ..self }
    }

    /// Sends one more header, such as `authorization`, to the URL's own host. Its value is shown nowhere.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        self.client.header(name.into(), value.into());
        self
    }

    /// Takes the time of signatures from `clock`. Waiting goes by the runtime's own time.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }
}

/// What the builders of all channels over HTTP have in common.
macro_rules! http_settings {
    ($builder:ident) => {
        impl $builder {
            /// Lets `host`, a name or an address, be spoken to without TLS: what is sent can be read on the way.
            pub fn allow_http(mut self, host: impl Into<String>) -> Self {
                self.client.allow_http(host.into());
                self
            }

            /// Lets `host`, a name or an address, have an address that is not public. Of a name, that holds for
            /// every address that it leads to.
            pub fn allow_private(mut self, host: impl Into<String>) -> Self {
                self.client.allow_private(host.into());
                self
            }

            /// How many redirects are followed, 0 to 10; 3 if not set.
            pub fn redirects_max(mut self, redirects_max: u32) -> Self {
                self.client.redirects_max(redirects_max);
                self
            }

            /// Trusts servers that show a certificate by this one, beside those that the system trusts: one or
            /// more certificates as PEM.
            pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
                self.client.root_certificate(pem.into());
                self
            }
        }

        impl fmt::Debug for $builder {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.debug_struct(stringify!($builder)).finish_non_exhaustive()
            }
        }
    };
}

pub(super) use http_settings;

http_settings!(WebhookBuilder);

impl WebhookBuilder {
    /// Makes the channel. Nothing is sent.
    ///
    /// # Errors
    ///
    /// See [`WebhookError`]: a URL that is none or is not posted to, and settings that cannot hold.
    pub fn build(self) -> Result<WebhookChannel, WebhookError> {
        let Self { mut client, secrets, template, clock } = self;
        for secret in &secrets {
            client.hide(secret.text());
        }
        let typed = |(template, content_type): (Template, String)| {
            let value = HeaderValue::from_str(&content_type);
            let invalid = |_| WebhookError::InvalidHeader {
                name: CONTENT_TYPE.to_string(),
                cause: "a value has visible ASCII characters and spaces alone",
            };
            Ok::<_, WebhookError>((template, value.map_err(invalid)?))
        };
        let template = template.map(typed).transpose()?;
        Ok(WebhookChannel { client: client.build()?, secrets, template, clock })
    }
}
