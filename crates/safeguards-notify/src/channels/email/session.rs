//! [`Session`]: a conversation with a mail server.

use std::{fmt, io, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lettre::{
    Address,
    transport::smtp::{
        authentication::{self, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, timeout},
};

use super::wire::Wire;
use crate::text::{one_line, start};

/// The server, and how it is spoken to.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Tls,
    pub(super) client_name: ClientId,
    pub(super) credentials: Option<Credentials>,
}

/// How a conversation is kept private.
pub(super) enum Tls {
    None,
    Start(TlsParameters),
    Implicit(TlsParameters),
}

impl fmt::Debug for Tls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::None => "none",
            Self::Start(_) => "starttls",
            Self::Implicit(_) => "implicit",
        })
    }
}

/// Who signs in.
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: SecretString,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A conversation that is open, and when it was last used.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
    used_at: Instant,
}

/// A mail in two forms.
#[derive(Debug)]
pub(super) struct Written {
    /// To all.
    pub(super) all: String,
    /// To those whose addresses every server takes.
    pub(super) ascii: String,
}

impl Written {
    /// The one that the server of this conversation takes.
    fn fit_for(&self, session: &Session) -> &str {
        let takes_all = session.takes(Extension::SmtpUtfEight);
        if takes_all { &self.all } else { &self.ascii }
    }
}

impl Session {
    fn takes(&self, extension: Extension) -> bool {
        self.connection.server_info().supports_feature(extension)
    }
}

/// What the server said to one recipient.
#[derive(Debug)]
pub(super) enum Answer {
    /// The mail is on its way there.
    Taken,
    /// Not now.
    Later(String),
    /// Never.
    Never(String),
}

/// The whole conversation failed: nobody got the mail, as far as is known.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) may_pass: bool,
    pub(super) what: String,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an idle conversation is used again. After more, the other side or the network in between may
/// have forgotten it without a word, and a mail would wait for an answer that does not come.
const IDLE_MAX: Duration = Duration::from_secs(30);

const NO_UTF8: &str = "it takes no addresses outside ASCII (SMTPUTF8)";

const WORDS_BYTES_MAX: usize = 500;

impl Server {
    /// Sends one mail, over `idle` where that still works, and gives each recipient's answer, in their order,
    /// with the conversation to use again.
    pub(super) async fn send(
        &self,
        idle: Option<Session>,
        from: &Address,
        to: &[&Address],
        mail: &Written,
    ) -> Result<(Vec<Answer>, Option<Session>), Failure> {
        let mut addresses = std::iter::once(&from).chain(to);
        let utf8 = addresses.any(|address| !AsRef::<str>::as_ref(*address).is_ascii());
        let idle = idle.filter(|session| session.used_at.elapsed() < IDLE_MAX);
        let mut session = None;
        if let Some(mut idle) = idle {
            // Where the server has hung up meanwhile, nothing is sent yet, so a new conversation is no repeat.
            let begun = self.begin(&mut idle, from, utf8, mail).await;
            session = begun.is_ok().then_some(idle);
        }
        let mut session = if let Some(session) = session {
            session
        } else {
            let mut session = self.connect().await?;
            self.begin(&mut session, from, utf8, mail).await?;
            session
        };
        let mail = mail.fit_for(&session);
        let answers = self.recipients(&mut session, to).await?;
        if !answers.iter().any(|answer| matches!(answer, Answer::Taken)) {
            return Ok((answers, None));
        }
        let connection = &mut session.connection;
        let sent = connection.command(Data).await;
        sent.map_err(|error| self.failure("the mail", &error))?;
        // In one write: a last one that is small would wait for the other side's leave (Nagle's algorithm).
        let sent = connection.command(stuffed(mail)).await;
        sent.map_err(|error| self.failure("the mail", &error))?;
        session.used_at = Instant::now();
        Ok((answers, Some(session)))
    }

    async fn connect(&self) -> Result<Session, Failure> {
        let Self { host, port, tls, client_name, credentials } = self;
        let address = (host.as_str(), *port);
        let connected = match tls {
            Tls::Implicit(parameters) => {
                let (limit, parameters) = (Some(CONNECT_TIMEOUT), Some(parameters.clone()));
                AsyncSmtpConnection::connect_tokio1(address, limit, client_name, parameters, None)
                    .await
            }
            Tls::Start(_) | Tls::None => {
                let stream = open(address).await.map_err(|error| Failure {
                    may_pass: true,
                    what: format!("the mail server {self} failed at the connection: {error}"),
                })?;
                let wire = Box::new(Wire::new(stream));
                AsyncSmtpConnection::connect_with_transport(wire, client_name).await
            }
        };
        let mut connection = connected.map_err(|error| self.failure("the connection", &error))?;
        if let Tls::Start(parameters) = tls {
            if !connection.can_starttls() {
                return Err(Failure {
                    may_pass: false,
                    what: format!(
                        "the mail server {self} offers no TLS (STARTTLS), so nothing was said to it; \
                         where it speaks TLS from the start, say so: `tls = \"implicit\"` in a team file, \
                         `implicit_tls` in code; `tls = \"none\"` or `allow_plain` send without"
                    ),
                });
            }
            let started = connection.starttls(parameters.clone(), client_name).await;
            started.map_err(|error| self.failure("TLS", &error))?;
        }
        if let Some(Credentials { user, password }) = credentials {
            let password = password.expose_secret().to_owned();
            let credentials = authentication::Credentials::new(user.clone(), password);
            let signed_in = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
            signed_in.map_err(|error| self.sign_in_failure(&error))?;
        }
        Ok(Session { connection, used_at: Instant::now() })
    }

    async fn begin(
        &self,
        session: &mut Session,
        from: &Address,
        utf8: bool,
        mail: &Written,
    ) -> Result<(), Failure> {
        let mut parameters = Vec::new();
        if utf8 && session.takes(Extension::SmtpUtfEight) {
            parameters.push(MailParameter::SmtpUtfEight);
        } else if !AsRef::<str>::as_ref(from).is_ascii() {
            let what = format!("the mail server {self} refused mail from `{from}`: {NO_UTF8}");
            return Err(Failure { may_pass: false, what });
        }
        // A server that has not said that it knows this refuses the mail for it.
        if !mail.fit_for(session).is_ascii() && session.takes(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let answer = session.connection.command(Mail::new(Some(from.clone()), parameters)).await;
        answer.map(drop).map_err(|error| self.failure(&format!("mail from `{from}`"), &error))
    }

    async fn recipients(
        &self,
        session: &mut Session,
        to: &[&Address],
    ) -> Result<Vec<Answer>, Failure> {
        let utf8 = session.takes(Extension::SmtpUtfEight);
        let connection = &mut session.connection;
        let mut answers = Vec::with_capacity(to.len());
        for address in to {
            let recipient: &str = (*address).as_ref();
            if !utf8 && !recipient.is_ascii() {
                answers.push(Answer::Never(NO_UTF8.to_owned()));
                continue;
            }
            let answer = connection.command(Rcpt::new((*address).clone(), Vec::new())).await;
            answers.push(match answer {
                Ok(_) => Answer::Taken,
                Err(error) if error.is_permanent() => Answer::Never(self.words(&error)),
                // With 421 the server hangs up, on all of them.
                Err(error) if error.is_transient() && code(&error) != "421" => {
                    Answer::Later(self.words(&error))
                }
                Err(error) => return Err(self.failure(&format!("`{address}`"), &error)),
            });
        }
        Ok(answers)
    }

    /// What an error is to the delivery. Only a server's refusal, and what we cannot speak, are for ever.
    fn failure(&self, what: &str, error: &lettre::transport::smtp::Error) -> Failure {
        let may_pass = !error.is_permanent() && !error.is_client();
        let verb = if error.status().is_some() { "refused" } else { "failed at" };
        let words = self.words(error);
        Failure { may_pass, what: format!("the mail server {self} {verb} {what}: {words}") }
    }

    /// What an error of the sign-in is. Of the server's answer it tells the codes alone: servers repeat what
    /// they were told, in part and changed, and that is the password.
    fn sign_in_failure(&self, error: &lettre::transport::smtp::Error) -> Failure {
        if error.status().is_none() && !error.is_response() {
            return self.failure("the sign-in", error);
        }
        let words = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        let enhanced = words.split_whitespace().next().filter(|word| is_enhanced_code(word));
        let codes = match (code(error), enhanced) {
            (code, _) if code.is_empty() => "its answer cannot be read".to_owned(),
            (code, Some(enhanced)) => format!("{code} {enhanced}"),
            (code, None) => code,
        };
        let verb = if error.status().is_some() { "refused" } else { "failed at" };
        Failure {
            may_pass: !error.is_permanent(),
            what: format!("the mail server {self} {verb} the sign-in: {codes}"),
        }
    }

    /// What the server said, or what went wrong, on one line and without secrets: servers repeat what they do
    /// not understand, and that may be a password.
    fn words(&self, error: &lettre::transport::smtp::Error) -> String {
        let causes =
            std::iter::successors(std::error::Error::source(error), |error| error.source());
        let mut words = code(error);
        for cause in causes.map(ToString::to_string) {
            // A cause that wraps another has said it already.
            if !words.ends_with(&cause) {
                words.push_str(if words.is_empty() || error.status().is_some() {
                    " "
                } else {
                    ": "
                });
                words.push_str(&cause);
            }
        }
        let words = if words.is_empty() { error.to_string() } else { words };
        let words = self.without_secrets(&one_line(words.trim()));
        start(&words, WORDS_BYTES_MAX).to_owned()
    }

    fn without_secrets(&self, words: &str) -> String {
        let Some(Credentials { user, password }) = &self.credentials else {
            return words.to_owned();
        };
        let password = password.expose_secret();
        let signs = [
            STANDARD.encode(format!("\0{user}\0{password}")),
            STANDARD.encode(password),
            password.escape_debug().to_string(),
            one_line(password),
        ];
        let hide = |words: String, sign: &String| {
            if sign.is_empty() { words } else { words.replace(sign.as_str(), "[secret]") }
        };
        signs.iter().fold(words.to_owned(), hide)
    }
}

/// Connects to the first of the host's addresses that answers.
async fn open(address: (&str, u16)) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
    for address in lookup_host(address).await? {
        match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = error,
            Err(_) => failure = io::Error::new(io::ErrorKind::TimedOut, "connection timed out"),
        }
    }
    Err(failure)
}

/// The mail as it is sent: a dot that begins a line is doubled, and a line with one dot ends it.
fn stuffed(mail: &str) -> String {
    let mut sent = String::with_capacity(mail.len().saturating_add(64));
    for line in mail.strip_suffix('\n').unwrap_or(mail).split('\n') {
        if line.starts_with('.') {
            sent.push('.');
        }
        sent.push_str(line.strip_suffix('\r').unwrap_or(line));
        sent.push_str("\r\n");
    }
    sent.push_str(".\r\n");
    sent
}

/// Whether it is a code such as `5.7.8`.
fn is_enhanced_code(word: &str) -> bool {
    let mut parts = word.split('.');
    let is_number = |part: &str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    matches!(parts.next(), Some("4" | "5"))
        && parts.next().is_some_and(is_number)
        && parts.next().is_some_and(is_number)
        && parts.next().is_none()
}

fn code(error: &lettre::transport::smtp::Error) -> String {
    error.status().map_or_else(String::new, |code| code.to_string())
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_ends_with_its_own_dot_alone() {
        #[track_caller]
        fn check(mail: &str, expected: &str) {
            assert_eq!(stuffed(mail), expected, "{mail:?}");
        }
        check("a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n.\r\n");
        check("a\r\n\r\nb", "a\r\n\r\nb\r\n.\r\n");
        check("a\r\n.\r\n..b\r\n", "a\r\n..\r\n...b\r\n.\r\n");
        // A line end of another kind is none that one server sees and the next does not.
        check("a\n.\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n");
    }
}
