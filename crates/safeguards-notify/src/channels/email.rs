//! [`EmailChannel`]: alerts by mail.

mod message;
mod session;
mod settings;
mod wire;

use std::{collections::VecDeque, fmt, sync::Arc};

use async_trait::async_trait;
use lettre::{Address, message::Mailbox};
use parking_lot::Mutex;
use safeguards_types::Clock;

pub use self::settings::{EmailBuilder, EmailError};
use self::{
    message::Words,
    session::{Answer, Failure, Server, Session, Written},
};
use crate::{Channel, Delivery, DeliveryError, DeliveryId};

/// Sends notifications by mail, through a mail server (SMTP).
///
/// ```no_run
/// use safeguards_notify::{Alerts, EmailChannel, SecretString, Template};
///
/// # fn example(password: String) -> Result<(), Box<dyn std::error::Error>> {
/// let mail = EmailChannel::builder("smtp.example.com", "Agents <agents@example.com>")
///     .to("ops@example.com")
///     .to("On call <on-call@example.com>")
///     .credentials("agents", SecretString::from(password))
///     .html(Template::html("<h1>{{ severity }}</h1><p>{{ text }}</p>")?)
///     .build()?;
/// let alerts = Alerts::builder().channel("mail", mail).build()?;
/// # Ok(())
/// # }
/// ```
///
/// # Privacy
///
/// The conversation turns to TLS before anything is said, or there is none: a server that offers no TLS gets
/// no mail. The server is known by the machine's root certificates, and by those that
/// [`root_certificate`](EmailBuilder::root_certificate) adds. A password is in no error and in no `Debug`,
/// also where a server repeats it: of a sign-in that failed, the error has the server's codes alone. What
/// comes behind the server's answer to `STARTTLS` is not taken for its words. Still, prefer
/// [`implicit_tls`](EmailBuilder::implicit_tls) where the server has it: there nothing is said without TLS.
/// A server that is known by its certificate is trusted to end the lines of its answers; one that does not
/// is read until the delivery's time is over.
///
/// # Several recipients
///
/// One mail goes to all of them. Where the server takes it for some and puts off others, those are tried
/// again and nobody gets it twice, as long as the channel lives. One that is refused for ever makes the
/// delivery a permanent failure that names it; the others have their mail. An address outside ASCII is left
/// out of a mail to a server that takes none such, and is named as one that is refused.
///
/// # What fails, and for how long
///
/// A server that cannot be reached, a conversation that breaks and answers 4xx may pass. Answers 5xx do not,
/// and neither does a server without TLS or without a way to sign in that we speak. The server's words are in
/// the error.
///
/// # The mail
///
/// The subject, the text and, where wanted, HTML come from templates. Text that agents wrote is escaped and
/// encoded; it adds no header. `Message-ID` is made of the delivery's id, so a repeat (where the server's
/// answer was lost) has the same; `References` are the same for all mails of one group and for all steps of
/// an escalation, which programs show as one conversation; `Auto-Submitted` keeps answering machines quiet;
/// `X-Safeguards-Severity` is for filters.
///
/// A conversation is kept open for the next mail, for 30 seconds at most.
pub struct EmailChannel {
    server: Server,
    from: Mailbox,
    to: Vec<Mailbox>,
    words: Words,
    clock: Arc<dyn Clock>,
    idle: Mutex<Option<Session>>,
    /// Deliveries that reached some of their recipients, and which: by index, in order.
    partly: Mutex<VecDeque<(DeliveryId, Vec<usize>)>>,
}

/// How many deliveries that reached some of their recipients are remembered.
const PARTLY_MAX: usize = 256;

impl EmailChannel {
    /// Starts from the server's name, and the address that mails come from.
    pub fn builder(host: impl Into<String>, from: impl Into<String>) -> EmailBuilder {
        EmailBuilder::new(host.into(), from.into())
    }

    fn new(
        server: Server,
        from: Mailbox,
        to: Vec<Mailbox>,
        words: Words,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (idle, partly) = (Mutex::new(None), Mutex::new(VecDeque::new()));
        Self { server, from, to, words, clock, idle, partly }
    }

    /// Who of the recipients has this delivery already.
    fn reached(&self, id: DeliveryId) -> Vec<usize> {
        let partly = self.partly.lock();
        let found = partly.iter().find(|(known, _)| *known == id);
        found.map(|(_, reached)| reached.clone()).unwrap_or_default()
    }

    /// Notes who has it; nobody is noted where all have it, or nobody.
    fn note(&self, id: DeliveryId, reached: Vec<usize>) {
        let mut partly = self.partly.lock();
        partly.retain(|(known, _)| *known != id);
        if !reached.is_empty() && reached.len() < self.to.len() {
            partly.push_back((id, reached));
            if partly.len() > PARTLY_MAX {
                partly.pop_front();
            }
        }
    }

    /// What the answers to a mail that went out come to.
    fn outcome(
        &self,
        id: DeliveryId,
        mut reached: Vec<usize>,
        answers: Vec<(usize, Answer)>,
    ) -> Result<(), DeliveryError> {
        let (mut missing, mut may_pass) = (Vec::new(), false);
        for (index, answer) in answers {
            match answer {
                Answer::Taken => reached.push(index),
                Answer::Later(words) => {
                    may_pass = true;
                    missing.push((index, words));
                }
                Answer::Never(words) => missing.push((index, words)),
            }
        }
        let others = reached.len();
        self.note(id, reached);
        if missing.is_empty() {
            return Ok(());
        }
        let named = missing.into_iter().filter_map(|(index, words)| {
            let address = &self.to.get(index)?.email;
            Some(format!("`{address}`: {words}"))
        });
        let named = named.collect::<Vec<_>>().join("; ");
        let have = match others {
            0 => String::new(),
            1 => " (one other has it)".to_owned(),
            _ => format!(" ({others} others have it)"),
        };
        let what = format!("the mail server {} refused {named}{have}", self.server);
        Err(if may_pass { DeliveryError::retryable(what) } else { DeliveryError::permanent(what) })
    }
}

impl fmt::Debug for EmailChannel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, from, to, words, clock: _, idle: _, partly: _ } = self;
        let to: Vec<String> = to.iter().map(ToString::to_string).collect();
        out.debug_struct("EmailChannel")
            .field("server", server)
            .field("from", &from.to_string())
            .field("to", &to)
            .field("words", words)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Channel for EmailChannel {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        let Self { server, from, to, words, clock, .. } = self;
        let id = delivery.id();
        let now = clock.now();
        let compose = |to: &[Mailbox]| {
            let mail = message::compose(delivery.notification(), words, from, to, now);
            mail.map_err(DeliveryError::permanent)
        };
        let is_ascii = |mailbox: &&Mailbox| AsRef::<str>::as_ref(&mailbox.email).is_ascii();
        let ascii: Vec<Mailbox> = to.iter().filter(is_ascii).cloned().collect();
        let all = compose(to)?;
        // Where nobody is left, nothing is sent.
        let some_left_out = !ascii.is_empty() && ascii.len() < to.len();
        let ascii = if some_left_out { compose(&ascii)? } else { all.clone() };
        let mail = Written { all, ascii };
        let reached = self.reached(id);
        let is_missing = |(index, _): &(usize, &Mailbox)| !reached.contains(index);
        let missing = to.iter().enumerate().filter(is_missing);
        let (indices, missing): (Vec<usize>, Vec<&Address>) =
            missing.map(|(index, mailbox)| (index, &mailbox.email)).unzip();
        // Taken out, so that one attempt that is dropped midway leaves no half conversation behind.
        let idle = self.idle.lock().take();
        let sent = server.send(idle, &from.email, &missing, &mail).await;
        let (answers, session) = sent.map_err(|Failure { may_pass, what }| {
            if may_pass { DeliveryError::retryable(what) } else { DeliveryError::permanent(what) }
        })?;
        *self.idle.lock() = session;
        self.outcome(id, reached, indices.into_iter().zip(answers).collect())
    }
}
