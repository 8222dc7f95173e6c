//! [`SlackChannel`]: writes each notification into a chat, by Slack's incoming webhooks.

mod text;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use safeguards_types::{Clock, SystemClock};
use secrecy::SecretString;

use super::webhook::http_settings;
use crate::{
    Channel, Delivery, DeliveryError, Template,
    http::{Client, ClientBuilder, Naming, Post, WebhookError},
};

/// How long a text is if nothing was set. Longer ones are hard to read.
const TEXT_CHARS: usize = 4_000;
/// The shortest bound: a headline and a count fit.
const TEXT_CHARS_MIN: usize = 200;
/// Slack cuts longer texts off itself.
const TEXT_CHARS_MAX: usize = 40_000;

/// Writes each notification into a chat, by Slack's incoming webhooks or what takes the same: Mattermost, or
/// Discord at a webhook's URL with `/slack` behind it.
///
/// One alert is one line. A group is its headline and the newest of its alerts, each on a line, and at the
/// end how many more there are. What Slack takes for markup is escaped, and so are the links of
/// Mattermost and Discord, `[text](address)`; `@channel` and `@name` ring at nobody. So an agent that writes a
/// message can do none of that.
///
/// The whole URL is a secret, since who has it can write: neither `Debug` nor an error shows any of it.
///
/// A chat gives no way to make repeats harmless: where an answer is lost, a message may stand there twice.
/// Answers, redirects and refused addresses are as for a [webhook](crate::webhook).
///
/// ```no_run
/// use safeguards_notify::{Alerts, SlackChannel};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let url = std::fs::read_to_string("/run/secrets/slack-url")?;
/// let alerts = Alerts::builder().channel("chat", SlackChannel::builder(url).build()?).build()?;
/// # Ok(())
/// # }
/// ```
pub struct SlackChannel {
    client: Client,
    text_max: usize,
    template: Option<Template>,
    clock: Arc<dyn Clock>,
}

/// Makes a [`SlackChannel`].
#[must_use = "a builder does nothing until `build`"]
pub struct SlackBuilder {
    client: ClientBuilder,
    text_max: usize,
    template: Option<Template>,
    clock: Arc<dyn Clock>,
}

impl SlackChannel {
    /// Starts from the URL that the chat gave for writing.
    pub fn builder(url: impl Into<SecretString>) -> SlackBuilder {
        SlackBuilder {
            client: ClientBuilder::new(url.into(), Naming::Word("the chat")),
            text_max: TEXT_CHARS,
            template: None,
            clock: Arc::new(SystemClock::new()),
        }
    }
}

#[async_trait]
impl Channel for SlackChannel {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        let notification = delivery.notification();
        let text = match &self.template {
            Some(template) => text::bounded(&template.render(notification), self.text_max),
            None => text::of(notification, self.text_max),
        };
        let body = serde_json::json!({ "text": text }).to_string().into_bytes();
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, json)]);
        self.client.post(Post { headers, body }, &*self.clock).await
    }
}

impl fmt::Debug for SlackChannel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SlackChannel").field("text_max", &self.text_max).finish_non_exhaustive()
    }
}

http_settings!(SlackBuilder);

impl SlackBuilder {
    /// How many characters a text has at most, 200 to 40,000; 4,000 if not set. Discord takes 2,000.
    pub fn text_max(self, text_max: usize) -> Self {
        Self { text_max, ..self }
    }

    /// Writes what `template` makes of a notification.
    ///
    /// All of it is escaped, what the template says itself too: `<` is a `<` in the chat. The chat's marks for
    /// bold text and the like keep their meaning, and bare addresses become links.
    pub fn template(self, template: Template) -> Self {
        Self { template: Some(template), ..self }
    }

    /// Takes the time by which a date of `Retry-After` is understood from `clock`. Waiting goes by the
    /// runtime's own time.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Makes the channel. Nothing is sent.
    ///
    /// # Errors
    ///
    /// See [`WebhookError`]: a URL that is none or is not posted to, and settings that cannot hold.
    pub fn build(self) -> Result<SlackChannel, WebhookError> {
        let Self { client, text_max, template, clock } = self;
        if !(TEXT_CHARS_MIN..=TEXT_CHARS_MAX).contains(&text_max) {
            let (given, min, max) = (text_max, TEXT_CHARS_MIN, TEXT_CHARS_MAX);
            return Err(WebhookError::TextBoundOutOfRange { given, min, max });
        }
        Ok(SlackChannel { client: client.build()?, text_max, template, clock })
    }
}
