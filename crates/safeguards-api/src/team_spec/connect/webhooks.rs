//! Channels to webhooks and chats, as a team file asks for them.

use safeguards_notify::{SlackChannel, WebhookChannel, webhook::SigningSecret};

use super::{
    super::{Mistake, MistakeKind, Setting, SlackTarget, WebhookTarget},
    Making, Place,
};

impl Making<'_> {
    pub(super) fn webhook(
        &self,
        target: &WebhookTarget,
        place: Place,
    ) -> Result<WebhookChannel, Mistake> {
        let WebhookTarget { url, secret, allow_http, allow_private } = target;
        let url = match url {
            Setting::Plain(url) => url.clone(),
            Setting::Secret(secret) => self.secret(secret)?,
        };
        let mut builder = WebhookChannel::builder(url);
        if let Some(secret) = secret {
            let signing = SigningSecret::parse(&self.secret(secret)?).map_err(|error| {
                let message = format!("{}: {error}", secret.source);
                self.mistake(MistakeKind::Target, secret.place, message)
            })?;
            builder = builder.sign_with(signing);
        }
        for host in allow_http {
            builder = builder.allow_http(host);
        }
        for host in allow_private {
            builder = builder.allow_private(host);
        }
        let wrong = |error| self.mistake(MistakeKind::Target, place, format!("webhook: {error}"));
        builder.build().map_err(wrong)
    }

    pub(super) fn slack(
        &self,
        target: &SlackTarget,
        place: Place,
    ) -> Result<SlackChannel, Mistake> {
        let SlackTarget { url, allow_http, allow_private } = target;
        let mut builder = SlackChannel::builder(self.secret(url)?);
        for host in allow_http {
            builder = builder.allow_http(host);
        }
        for host in allow_private {
            builder = builder.allow_private(host);
        }
        let wrong = |error| self.mistake(MistakeKind::Target, place, format!("slack: {error}"));
        builder.build().map_err(wrong)
    }
}
