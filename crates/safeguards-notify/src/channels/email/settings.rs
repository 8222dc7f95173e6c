//! [`EmailBuilder`]: what a channel for mail is made of, and what is refused before any mail is sent.

use std::{net::IpAddr, sync::Arc};

use lettre::{
    Address,
    message::Mailbox,
    transport::smtp::{
        client::{Certificate, TlsParameters},
        extension::ClientId,
    },
};
use safeguards_types::{Clock, SystemClock};
use secrecy::SecretString;

use super::{
    EmailChannel,
    message::Words,
    session::{Credentials, Server, Tls},
};
use crate::Template;

/// Makes an [`EmailChannel`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct EmailBuilder {
    host: String,
    from: String,
    to: Vec<String>,
    port: Option<u16>,
    is_implicit: bool,
    plain_host: Option<String>,
    roots: Vec<Vec<u8>>,
    client_name: Option<String>,
    credentials: Option<Credentials>,
    words: Words,
    clock: Arc<dyn Clock>,
}

/// Why there is no such channel for mail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmailError {
    /// That is no name of a server.
    #[error("{host:?} is no name or address of a mail server; write one such as smtp.example.com")]
    InvalidHost {
        /// The name.
        host: String,
    },
    /// That is no address.
    #[error("{address:?} is no mail address; write ops@example.com or Ops <ops@example.com>")]
    InvalidAddress {
        /// The address.
        address: String,
    },
    /// The mail is for nobody.
    #[error("the mail is for nobody; name 1 to {RECIPIENTS_MAX} addresses by `to`")]
    NoRecipients,
    /// The mail is for more than servers take.
    #[error(
        "the mail is for {count} addresses; 1 to {RECIPIENTS_MAX} are taken, and a list has one"
    )]
    TooManyRecipients {
        /// How many.
        count: usize,
    },
    /// That is no name to greet a server with.
    #[error(
        "{name:?} is no name to greet a mail server with; write one such as agents.example.com"
    )]
    InvalidClientName {
        /// The name.
        name: String,
    },
    /// Mail without TLS was allowed to another server.
    #[error(
        "mail without TLS is allowed to `{allowed}`, and the server is `{host}`; both are to be the same"
    )]
    PlainElsewhere {
        /// The server that was named.
        allowed: String,
        /// The server that there is.
        host: String,
    },
    /// Mail without TLS was allowed, and TLS from the start asked for.
    #[error("mail to `{host}` is either without TLS or with TLS from the start, not both")]
    PlainAndTls {
        /// The server.
        host: String,
    },
    /// A root certificate, or the machine's own, cannot be used.
    #[error("no certificates to know the mail server by: {what}")]
    Certificates {
        /// What is wrong.
        what: String,
    },
    /// HTML where plain text is meant, or the other way round.
    #[error("the {part} of a mail is made by `Template::{needed}`")]
    WrongTemplate {
        /// Which part.
        part: &'static str,
        /// How it is made.
        needed: &'static str,
    },
}

/// As many as every server is to take.
const RECIPIENTS_MAX: usize = 100;

const HOST_BYTES_MAX: usize = 253;

impl EmailError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidHost { .. } => "notify.email_invalid_host",
            Self::InvalidAddress { .. } => "notify.email_invalid_address",
            Self::NoRecipients => "notify.email_no_recipients",
            Self::TooManyRecipients { .. } => "notify.email_too_many_recipients",
            Self::InvalidClientName { .. } => "notify.email_invalid_client_name",
            Self::PlainElsewhere { .. } => "notify.email_plain_elsewhere",
            Self::PlainAndTls { .. } => "notify.email_plain_and_tls",
            Self::Certificates { .. } => "notify.email_certificates",
            Self::WrongTemplate { .. } => "notify.email_wrong_template",
        }
    }
}

impl EmailBuilder {
    pub(super) fn new(host: String, from: String) -> Self {
        Self {
            host,
            from,
            to: Vec::new(),
            port: None,
            is_implicit: false,
            plain_host: None,
            roots: Vec::new(),
            client_name: None,
            credentials: None,
            words: Words { subject: Template::subject(), text: Template::text(), html: None },
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Adds a recipient, such as `ops@example.com` or `Ops <ops@example.com>`. All of them see each other.
    pub fn to(mut self, address: impl Into<String>) -> Self {
        self.to.push(address.into());
        self
    }

    /// Signs in with a name and a password. The password is in no error and in no `Debug`.
    pub fn credentials(self, user: impl Into<String>, password: impl Into<SecretString>) -> Self {
        let credentials = Credentials { user: user.into(), password: password.into() };
        Self { credentials: Some(credentials), ..self }
    }

    /// The server's port. If not set: 587, with [`implicit_tls`](Self::implicit_tls) 465, with
    /// [`allow_plain`](Self::allow_plain) 25.
    pub fn port(self, port: u16) -> Self {
        Self { port: Some(port), ..self }
    }

    /// Speaks TLS from the first byte; to be preferred where the server has it. If not set, the conversation begins without and must turn to TLS
    /// (`STARTTLS`) before anything is said.
    pub fn implicit_tls(self) -> Self {
        Self { is_implicit: true, ..self }
    }

    /// Speaks without TLS, to this server alone: mail and password can be read on the way. For a server on
    /// the same machine, or in a network of its own.
    pub fn allow_plain(self, host: impl Into<String>) -> Self {
        Self { plain_host: Some(host.into()), ..self }
    }

    /// Trusts one more root certificate, beside the machine's own: text in PEM form. For servers with
    /// certificates of their own.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// The name to greet the server with, for servers that look at it; `[127.0.0.1]` if not set.
    pub fn client_name(self, name: impl Into<String>) -> Self {
        Self { client_name: Some(name.into()), ..self }
    }

    /// The subject; [`Template::subject`] if not set. Its first line is taken, 200 characters at most.
    pub fn subject(self, template: Template) -> Self {
        Self { words: Words { subject: template, ..self.words }, ..self }
    }

    /// The text; [`Template::text`] if not set.
    pub fn text(self, template: Template) -> Self {
        Self { words: Words { text: template, ..self.words }, ..self }
    }

    /// The same as HTML, beside the text; none if not set. The template is made by [`Template::html`].
    pub fn html(self, template: Template) -> Self {
        Self { words: Words { html: Some(template), ..self.words }, ..self }
    }

    /// Takes the date of mails from `clock`; the machine's if not set.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Makes the channel. Nothing is sent, and nobody connected to.
    ///
    /// # Errors
    ///
    /// Where a name, an address or a certificate cannot be used, there is nobody to write to, or what was
    /// allowed does not go together.
    pub fn build(self) -> Result<EmailChannel, EmailError> {
        let Self { host, from, to, port, .. } = self;
        if !is_host(&host) {
            return Err(EmailError::InvalidHost { host });
        }
        let from = mailbox(&from)?;
        if to.len() > RECIPIENTS_MAX {
            return Err(EmailError::TooManyRecipients { count: to.len() });
        }
        let to = to.iter().map(|address| mailbox(address)).collect::<Result<Vec<_>, _>>()?;
        if to.is_empty() {
            return Err(EmailError::NoRecipients);
        }
        for (part, template) in [("subject", &self.words.subject), ("text", &self.words.text)] {
            if template.is_html() {
                return Err(EmailError::WrongTemplate { part, needed: "parse" });
            }
        }
        if self.words.html.as_ref().is_some_and(|template| !template.is_html()) {
            return Err(EmailError::WrongTemplate { part: "HTML", needed: "html" });
        }
        let client_name = match self.client_name {
            Some(name) if !is_host(&name) => return Err(EmailError::InvalidClientName { name }),
            Some(name) => client_id(name),
            None => ClientId::default(),
        };
        let (tls, usual_port) = match self.plain_host {
            Some(allowed) if !allowed.eq_ignore_ascii_case(&host) => {
                return Err(EmailError::PlainElsewhere { allowed, host });
            }
            Some(_) if self.is_implicit => return Err(EmailError::PlainAndTls { host }),
            Some(_) => (Tls::None, 25),
            None if self.is_implicit => (Tls::Implicit(tls(&host, &self.roots)?), 465),
            None => (Tls::Start(tls(&host, &self.roots)?), 587),
        };
        let server = Server {
            host,
            port: port.unwrap_or(usual_port),
            tls,
            client_name,
            credentials: self.credentials,
        };
        Ok(EmailChannel::new(server, from, to, self.words, self.clock))
    }
}

/// Whether it is a name or an address of a machine, and nothing that a line of the protocol could hide in.
fn is_host(host: &str) -> bool {
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_name = |part: &str| !part.is_empty() && part.bytes().all(is_name_byte);
    host.len() <= HOST_BYTES_MAX && (host.split('.').all(is_name) || host.parse::<IpAddr>().is_ok())
}

fn client_id(name: String) -> ClientId {
    match name.parse() {
        Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::Domain(name),
    }
}

/// Reads `ops@example.com` or `Ops <ops@example.com>`, whole: what is left over is a mistake.
fn mailbox(text: &str) -> Result<Mailbox, EmailError> {
    let read = || -> Option<Mailbox> {
        if text.chars().any(char::is_control) {
            return None;
        }
        let (name, address) = match text.trim().strip_suffix('>') {
            Some(named) => named.rsplit_once('<')?,
            None => ("", text.trim()),
        };
        let name = name.trim();
        let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
        let address: Address = address.parse().ok()?;
        Some(Mailbox::new((!name.is_empty()).then(|| name.to_owned()), address))
    };
    read().ok_or_else(|| EmailError::InvalidAddress {
        address: crate::text::start(text, 2 * HOST_BYTES_MAX).to_owned(),
    })
}

fn tls(host: &str, roots: &[Vec<u8>]) -> Result<TlsParameters, EmailError> {
    let wrong = |what: String| EmailError::Certificates { what };
    let mut parameters = TlsParameters::builder(host.to_owned());
    for pem in roots {
        let certificate = Certificate::from_pem(pem);
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        // One that holds no certificate is read without a complaint.
        if !pem.windows(MARK.len()).any(|window| window == MARK) {
            return Err(wrong("a root certificate is no text in PEM form".to_owned()));
        }
        parameters = parameters.add_root_certificate(certificate);
    }
    parameters.build_rustls().map_err(|error| wrong(error.to_string()))
}

const MARK: &[u8] = b"-----BEGIN CERTIFICATE-----";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_whole() {
        #[track_caller]
        fn check(text: &str, expected: Option<(Option<&str>, &str)>) {
            let read = mailbox(text);
            let read = read.as_ref().ok();
            let read = read.map(|read| (read.name.as_deref(), read.email.as_ref()));
            assert_eq!(read, expected, "{text}");
        }
        check("ops@example.com", Some((None, "ops@example.com")));
        check(" ops@example.com ", Some((None, "ops@example.com")));
        check("<ops@example.com>", Some((None, "ops@example.com")));
        check("Ops & Co <ops@example.com>", Some((Some("Ops & Co"), "ops@example.com")));
        check("\"Ops, all\" <ops@example.com>", Some((Some("Ops, all"), "ops@example.com")));
        check("ops@localhost", Some((None, "ops@localhost")));
        check("ops@[127.0.0.1]", Some((None, "ops@[127.0.0.1]")));
        for text in [
            "",
            "ops",
            "@example.com",
            "ops@",
            "a@example.com, b@example.com",
            "a@example.com b@example.com",
            "a@example.com> b",
            "Ops <a@example.com> <b@example.com",
            "Ops <a@example.com",
            "ops@exa mple.com",
            "ops@example.com\r\nBcc: x@example.com",
            "Ops\r\nX: y <ops@example.com>",
            "a@b@example.com",
            "ops@example..com",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn hosts_are_names_or_addresses() {
        for host in ["smtp.example.com", "localhost", "127.0.0.1", "::1", "a_b-c"] {
            assert!(is_host(host), "{host}");
        }
        for host in ["", "a b", "a.b.", ".a", "smtp://a", "a:25", "a\r\nb", "a/b", "[::1]"] {
            assert!(!is_host(host), "{host}");
        }
        assert!(!is_host(&"a".repeat(254)));
    }
}
