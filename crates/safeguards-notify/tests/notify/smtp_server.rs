//! [`SmtpServer`]: a mail server for tests. It keeps what it gets, and misbehaves as it is told.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

/// A mail server on a port of its own; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct SmtpServer {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// A mail that the server took.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// Headers and body, as they came.
    pub(crate) text: String,
    /// What was said to sign in, still encoded.
    pub(crate) signed_in: Option<String>,
    pub(crate) is_private: bool,
}

/// Where in a conversation the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Somebody connected.
    Hello,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    /// `DATA` was said.
    Data,
    /// The mail is here, and would be kept now.
    End,
}

/// One line that came, and what the server makes of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard<'a> {
    pub(crate) step: Step,
    pub(crate) line: &'a str,
    /// How often the server was at this step, over all conversations, from 1.
    pub(crate) nth: usize,
}

/// What the server does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// What a server does.
    Usual,
    /// Says this, and does nothing.
    Say(String),
    /// Hangs up.
    HangUp,
    /// Keeps the mail, and hangs up before it says so.
    KeepAndHangUp,
    /// Waits, then does what a server does.
    Wait(Duration),
}

/// How the conversation becomes private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privacy {
    None,
    StartTls,
    Implicit,
}

type Script = dyn Fn(Heard<'_>) -> Then + Send + Sync;

struct Shared {
    script: Box<Script>,
    privacy: Privacy,
    tls: Option<TlsAcceptor>,
    authority: String,
    mails: Mutex<Vec<Mail>>,
    steps: Mutex<BTreeMap<Step, usize>>,
    connections: AtomicUsize,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Shared").field("privacy", &self.privacy).finish_non_exhaustive()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SmtpServer {
    /// A server without TLS that does what servers do.
    pub(crate) async fn start() -> Self {
        Self::scripted(Privacy::None, |_| Then::Usual).await
    }

    /// A server that asks `script` at each step.
    pub(crate) async fn scripted(
        privacy: Privacy,
        script: impl Fn(Heard<'_>) -> Then + Send + Sync + 'static,
    ) -> Self {
        let (tls, authority) = match privacy {
            Privacy::None => (None, String::new()),
            Privacy::StartTls | Privacy::Implicit => {
                let (tls, authority) = tls();
                (Some(tls), authority)
            }
        };
        let shared = Arc::new(Shared {
            script: Box::new(script),
            privacy,
            tls,
            authority,
            mails: Mutex::default(),
            steps: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { port, shared, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The certificate to know the server by, as PEM; its name is `localhost`.
    pub(crate) fn authority(&self) -> &str {
        &self.shared.authority
    }

    /// The mails that it took, in the order in which they came.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.shared.mails.lock().clone()
    }

    /// How many conversations there were.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How often it was at this step.
    pub(crate) fn times(&self, step: Step) -> usize {
        self.shared.steps.lock().get(&step).copied().unwrap_or(0)
    }
}

/// A certificate for `localhost`, and who signed it.
fn tls() -> (TlsAcceptor, String) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = rcgen::CertifiedIssuer::self_signed(authority, authority_key).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = parameters.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let authority = STANDARD.encode(authority.der());
    let authority =
        format!("-----BEGIN CERTIFICATE-----\n{authority}\n-----END CERTIFICATE-----\n");
    (TlsAcceptor::from(Arc::new(config)), authority)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let shared = Arc::clone(&shared);
        shared.connections.fetch_add(1, Ordering::SeqCst);
        // A conversation that breaks is the client's to notice.
        tokio::spawn(async move { converse(stream, &shared).await.unwrap_or_default() });
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What was said so far in one conversation.
#[derive(Default)]
struct Said {
    from: String,
    to: Vec<String>,
    signed_in: Option<String>,
    is_private: bool,
}

async fn converse(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut said = Said::default();
    let mut stream: Box<dyn Stream> = Box::new(stream);
    if let (Privacy::Implicit, Some(tls)) = (shared.privacy, &shared.tls) {
        stream = Box::new(tls.accept(stream).await?);
        said.is_private = true;
    }
    let mut stream = BufReader::new(stream);
    if !shared.answer(&mut stream, Step::Hello, "", "220 test").await? {
        return Ok(());
    }
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let text = line.trim_end();
        let verb = text.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let (step, usual) = match verb.as_str() {
            "EHLO" => {
                let offers_tls = shared.privacy == Privacy::StartTls && !said.is_private;
                let tls = if offers_tls { "250-STARTTLS\r\n" } else { "" };
                (Step::Ehlo, format!("250-test\r\n{tls}250-8BITMIME\r\n250 AUTH PLAIN LOGIN"))
            }
            "STARTTLS" => (Step::StartTls, "220 go on".to_owned()),
            "AUTH" => (Step::Auth, "235 welcome".to_owned()),
            "MAIL" => (Step::Mail, "250 from whom".to_owned()),
            "RCPT" => (Step::Rcpt, "250 to whom".to_owned()),
            "DATA" => (Step::Data, "354 go on, end with a dot".to_owned()),
            "QUIT" => return stream.write_all(b"221 goodbye\r\n").await,
            _ => {
                stream.write_all(b"500 what\r\n").await?;
                continue;
            }
        };
        let did_usual = match shared.answer(&mut stream, step, text, &usual).await {
            Ok(did_usual) => did_usual,
            Err(error) => return Err(error),
        };
        if !did_usual {
            continue;
        }
        match step {
            Step::StartTls => {
                if let Some(tls) = &shared.tls {
                    let inner: Box<dyn Stream> = stream.into_inner();
                    let inner: Box<dyn Stream> = Box::new(tls.accept(inner).await?);
                    stream = BufReader::new(inner);
                    said = Said { is_private: true, ..Said::default() };
                }
            }
            Step::Auth => said.signed_in = Some(text.to_owned()),
            Step::Mail => {
                said.from = address(text);
                said.to.clear();
            }
            Step::Rcpt => said.to.push(address(text)),
            Step::Data => {
                let mail = read_mail(&mut stream).await?;
                let mail = Mail {
                    from: std::mem::take(&mut said.from),
                    to: std::mem::take(&mut said.to),
                    text: mail,
                    signed_in: said.signed_in.clone(),
                    is_private: said.is_private,
                };
                shared.end(&mut stream, mail).await?;
            }
            Step::Hello | Step::Ehlo | Step::End => {}
        }
    }
}

/// `a@b` of `MAIL FROM:<a@b> BODY=8BITMIME`.
fn address(line: &str) -> String {
    let inner = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map(|(address, _)| address.to_owned()).unwrap_or_default()
}

async fn read_mail(stream: &mut BufReader<Box<dyn Stream>>) -> io::Result<String> {
    let mut mail = String::new();
    loop {
        let start = mail.len();
        if stream.read_line(&mut mail).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if &mail[start..] == ".\r\n" {
            mail.truncate(start);
            return Ok(mail);
        }
        if mail[start..].starts_with('.') {
            mail.remove(start);
        }
    }
}

impl Shared {
    fn then(&self, step: Step, line: &str) -> Then {
        let nth = {
            let mut steps = self.steps.lock();
            let nth = steps.entry(step).or_default();
            *nth += 1;
            *nth
        };
        (self.script)(Heard { step, line, nth })
    }

    /// Answers as the script says; gives whether it did the usual.
    async fn answer(
        &self,
        stream: &mut BufReader<Box<dyn Stream>>,
        step: Step,
        line: &str,
        usual: &str,
    ) -> io::Result<bool> {
        let then = self.then(step, line);
        if let Then::Wait(span) = then {
            tokio::time::sleep(span).await;
        }
        let text = match &then {
            Then::Usual | Then::Wait(_) => usual,
            Then::Say(text) => text,
            Then::HangUp | Then::KeepAndHangUp => {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
        };
        stream.write_all(format!("{text}\r\n").as_bytes()).await?;
        stream.flush().await?;
        Ok(!matches!(then, Then::Say(_)))
    }

    /// Keeps a mail, unless the script says otherwise.
    async fn end(&self, stream: &mut BufReader<Box<dyn Stream>>, mail: Mail) -> io::Result<()> {
        let then = self.then(Step::End, "");
        let answer = match then {
            Then::Say(text) => text,
            Then::HangUp => return Err(io::ErrorKind::ConnectionAborted.into()),
            Then::KeepAndHangUp => {
                self.mails.lock().push(mail);
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            Then::Usual | Then::Wait(_) => {
                if let Then::Wait(span) = then {
                    tokio::time::sleep(span).await;
                }
                // Kept before it is said, so that who was told finds it.
                self.mails.lock().push(mail);
                "250 kept".to_owned()
            }
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        stream.flush().await
    }
}
