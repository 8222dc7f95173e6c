//! [`compose`]: a notification as a mail.

use std::time::SystemTime;

use lettre::{
    Message,
    error::Error,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};
use safeguards_types::{OperationIds, Timestamp};

use crate::{
    Notification, Template,
    text::{one_line, start},
};

/// What a mail is written by.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub(super) subject: Template,
    pub(super) text: Template,
    pub(super) html: Option<Template>,
}

/// How long a subject is at most. Programs show less.
const SUBJECT_CHARS_MAX: usize = 200;

/// Writes the mail. The library encodes what goes into a header, and nothing with a line end comes to it.
pub(super) fn compose(
    notification: &Notification,
    words: &Words,
    from: &Mailbox,
    to: &[Mailbox],
    now: Timestamp,
) -> Result<String, Error> {
    let (subject, fault) = subject(&words.subject, notification);
    let mut text = words.text.render(notification);
    text.extend(fault);
    // An id is ASCII, also where the sender is not.
    let domain =
        Some(from.email.domain()).filter(|domain| domain.is_ascii()).unwrap_or("localhost");
    let mut mail = Message::builder()
        .from(from.clone())
        .subject(subject)
        .date(system_time(now))
        // The same at each attempt, so that one that came twice is known.
        .message_id(Some(format!("<{}@{domain}>", notification.id())))
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Safeguards-Severity", notification.severity().as_str()));
    if let Some(thread) = thread(notification) {
        // No mail has this id; programs put together what refers to one.
        let thread = format!("<{thread}@{domain}>");
        mail = mail.in_reply_to(thread.clone()).references(thread);
    }
    for mailbox in to {
        mail = mail.to(mailbox.clone());
    }
    let plain = SinglePart::plain(text);
    let mail = match &words.html {
        Some(html) => {
            let html = SinglePart::html(html.render(notification));
            mail.multipart(MultiPart::alternative().singlepart(plain).singlepart(html))?
        }
        None => mail.singlepart(plain)?,
    };
    Ok(String::from_utf8_lossy(&mail.formatted()).into_owned())
}

/// The subject on one line, and what is to be said in the text where its template failed.
fn subject(template: &Template, notification: &Notification) -> (String, Option<String>) {
    let (words, fault) = match template.try_render(notification) {
        Ok(words) => (words, None),
        Err(error) => {
            let why = one_line(&error.to_string());
            let why = start(&why, 1000);
            let fault = format!("\n(the template of the subject failed: {why})\n");
            (Template::subject().render(notification), Some(fault))
        }
    };
    let line = words.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    // `=?` begins an encoded word, which programs decode: an agent would write another subject by it.
    let line = one_line(line).replace("=?", "=\u{200b}?");
    let mut short: String = line.chars().take(SUBJECT_CHARS_MAX).collect();
    if short.len() < line.len() {
        short.pop();
        short.push('…');
    }
    (short, fault)
}

/// What mails that belong together have in common: the group, or the alert that comes first where there is
/// no group.
fn thread(notification: &Notification) -> Option<String> {
    if notification.group().is_empty() {
        return notification.first().id().map(|id| format!("alert-{id}"));
    }
    let start = OperationIds::seeded(0).mint(Timestamp::UNIX_EPOCH).step(notification.channel());
    let labels = notification.group().iter();
    let group = labels.fold(start, |id, (label, value)| id.step(label).step(value));
    Some(format!("group-{group}"))
}

/// A header of our own. Its name is right, or nothing is said.
fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn system_time(at: Timestamp) -> SystemTime {
    let since = at.since(Timestamp::UNIX_EPOCH);
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}
