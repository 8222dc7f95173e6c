//! The channel to a mail server, as a team file asks for it.

use safeguards_notify::EmailChannel;

use super::{
    super::{EmailTarget, EmailTls, Mistake, MistakeKind},
    Making, Place,
};

impl Making<'_> {
    pub(super) fn email(
        &self,
        target: &EmailTarget,
        place: Place,
    ) -> Result<EmailChannel, Mistake> {
        let EmailTarget { server, port, tls, from, to, login } = target;
        let mut builder = EmailChannel::builder(server, from);
        for address in to {
            builder = builder.to(address);
        }
        if let Some(port) = port {
            builder = builder.port(*port);
        }
        builder = match tls {
            EmailTls::StartTls => builder,
            EmailTls::Implicit => builder.implicit_tls(),
            EmailTls::None => builder.allow_plain(server),
        };
        if let Some((user, password)) = login {
            builder = builder.credentials(user, self.secret(password)?);
        }
        let wrong = |error| self.mistake(MistakeKind::Target, place, format!("email: {error}"));
        builder.build().map_err(wrong)
    }
}
