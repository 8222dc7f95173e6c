//! [`AlertTarget`]: where an alert goes, as `to` of an `[[alert]]` says it.

use std::{fmt, path::PathBuf};

use toml::Spanned;

use super::{
    mistake::{MistakeKind, Place},
    reader::{Text, Value},
    section::Section,
};

/// Where an alert goes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AlertTarget {
    /// A line on standard error.
    Console,
    /// A line of JSON at the end of a file.
    File(FileTarget),
    /// A post to a URL. Needs the feature `webhook`.
    Webhook(WebhookTarget),
    /// A message in a chat. Needs the feature `webhook`.
    Slack(SlackTarget),
    /// A mail. Needs the feature `email`.
    Email(EmailTarget),
}

/// A file for alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileTarget {
    /// The file, relative to the team file's folder.
    pub path: PathBuf,
    /// Before it would have more bytes, it is put aside and a new one begun; `None`: never.
    pub rotate_at: Option<u64>,
    /// How many are kept that were put aside.
    pub keep: Option<u32>,
}

/// A URL that alerts are posted to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookTarget {
    /// The URL.
    pub url: Setting,
    /// What posts are signed with.
    pub secret: Option<Secret>,
    /// The hosts to which posts may go without TLS.
    pub allow_http: Vec<String>,
    /// The hosts that may have addresses that are not public.
    pub allow_private: Vec<String>,
}

/// A chat that takes the messages of Slack's incoming webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlackTarget {
    /// The URL: whoever has it can write.
    pub url: Secret,
    /// The hosts to which messages may go without TLS.
    pub allow_http: Vec<String>,
    /// The hosts that may have addresses that are not public.
    pub allow_private: Vec<String>,
}

/// Who gets mails, and from which server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmailTarget {
    /// The name of the mail server.
    pub server: String,
    /// Its port, where it is not the usual one.
    pub port: Option<u16>,
    /// How the way there is protected.
    pub tls: EmailTls,
    /// The sender.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
    /// As whom to log in, and with what password; `None`: not at all.
    pub login: Option<(String, Secret)>,
}

/// How the way to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmailTls {
    /// TLS begins with the STARTTLS command; without it nothing is sent.
    StartTls,
    /// TLS from the first byte.
    Implicit,
    /// None: mail and password can be read on the way.
    None,
}

impl fmt::Display for SecretSource {
    /// Where it stands, without the secret.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(out, "the variable `{name}`"),
            Self::File(path) => write!(out, "the file {}", path.display()),
        }
    }
}

/// A value that stands in the file itself, or where the file says.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Setting {
    /// It stands in the file.
    Plain(String),
    /// It stands elsewhere.
    Secret(Secret),
}

impl fmt::Debug for Setting {
    /// Without a value, which may be as good as a password: who has a URL can often write there.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) => out.write_str("Plain(..)"),
            Self::Secret(secret) => out.debug_tuple("Secret").field(secret).finish(),
        }
    }
}

/// Where a secret stands: `env:NAME` or `file:PATH`. The secret itself is read when it is needed, and kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Secret {
    /// Where it stands.
    pub source: SecretSource,
    /// Where the file names it.
    pub(super) place: Place,
}

/// Where a secret stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretSource {
    /// In the variable of the environment of this name.
    Variable(String),
    /// In a file, relative to the folder of the file that names it. Blanks around it do not count.
    File(PathBuf),
}

pub(super) const WHAT: &str =
    "\"console\", or { file = \"alerts.jsonl\" }, or one of webhook, slack and email";
const KINDS: [&str; 4] = ["file", "webhook", "slack", "email"];

impl AlertTarget {
    /// The places of the secrets that it needs.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let [first, second] = match self {
            Self::Console | Self::File(_) => [None, None],
            Self::Webhook(target) => {
                let url = match &target.url {
                    Setting::Secret(secret) => Some(secret),
                    Setting::Plain(_) => None,
                };
                [url, target.secret.as_ref()]
            }
            Self::Slack(target) => [Some(&target.url), None],
            Self::Email(target) => [target.login.as_ref().map(|(_, password)| password), None],
        };
        first.into_iter().chain(second)
    }

    /// Whether it does not leave the machine: then every alert is told alone.
    pub(crate) const fn is_local(&self) -> bool {
        match self {
            Self::Console | Self::File(_) => true,
            Self::Webhook(_) | Self::Slack(_) | Self::Email(_) => false,
        }
    }
}

pub(super) fn read<'a>(section: &mut Section<'a>, value: Value<'a>) -> Option<AlertTarget> {
    if value.get_ref().as_table().is_some() {
        let target = section.table("to", "the target of an alert")?;
        return read_table(target);
    }
    let is_console = value.get_ref().as_str() == Some("console");
    if !is_console {
        section.expected("to", value, &format!("write {WHAT}"));
    }
    is_console.then_some(AlertTarget::Console)
}

fn read_table(mut target: Section<'_>) -> Option<AlertTarget> {
    let reader = target.reader;
    let kinds: Vec<&str> = KINDS.into_iter().filter(|kind| !target.lacks(kind)).collect();
    if kinds.len() > 1 {
        let message = format!(
            "an alert goes to one target, and these are {}; write an [[alert]] for each",
            kinds.join(" and ")
        );
        reader.mistake(MistakeKind::Value, &target.span(), message);
        return None;
    }
    let read = match kinds.first() {
        Some(&"file") => read_file(&mut target).map(AlertTarget::File),
        Some(&"webhook") => read_webhook(&mut target).map(AlertTarget::Webhook),
        Some(&"slack") => read_slack(&mut target).map(AlertTarget::Slack),
        Some(&"email") => read_email(&mut target).map(AlertTarget::Email),
        _ => {
            // So that `finish` knows what might be meant.
            for kind in KINDS {
                let _ = target.value(kind);
            }
            let message = format!("an alert goes nowhere; write {WHAT}");
            reader.mistake(MistakeKind::Missing, &target.span(), message);
            None
        }
    };
    target.finish(&[]);
    read
}

fn read_file(target: &mut Section<'_>) -> Option<FileTarget> {
    let reader = target.reader;
    let path = target.text("file", "write the name of a file");
    let path = path.filter(|path| reader.is_path("file", path));
    let bytes = |number| u64::try_from(number).ok().filter(|bytes| *bytes > 0);
    let rotate_at = target.number("rotate_at", bytes, "write how many bytes, 1 or more");
    let files = |number| u32::try_from(number).ok().filter(|files| *files > 0);
    let keep = target.number("keep", files, "write how many files, 1 or more");
    if target.lacks("rotate_at")
        && let Some(value) = target.value("keep")
    {
        let message = "`keep` is for a file that is rotated; add `rotate_at`, in bytes";
        reader.mistake(MistakeKind::Value, &value.span(), message);
    }
    Some(FileTarget { path: PathBuf::from(path?.get_ref()), rotate_at, keep })
}

fn read_webhook(target: &mut Section<'_>) -> Option<WebhookTarget> {
    needs(target, "webhook", "webhook", cfg!(feature = "webhook"));
    let what = "write a URL, or \"env:NAME\" of a variable that holds it";
    let url = target.text("webhook", what);
    let secret = secret(target, "secret");
    let [allow_http, allow_private] = hosts(target);
    Some(WebhookTarget { url: setting(target, &url?)?, secret, allow_http, allow_private })
}

fn read_slack(target: &mut Section<'_>) -> Option<SlackTarget> {
    needs(target, "slack", "webhook", cfg!(feature = "webhook"));
    let url = secret(target, "slack");
    let [allow_http, allow_private] = hosts(target);
    Some(SlackTarget { url: url?, allow_http, allow_private })
}

fn read_email(target: &mut Section<'_>) -> Option<EmailTarget> {
    needs(target, "email", "email", cfg!(feature = "email"));
    let mut email = target.table("email", "the target `email`")?;
    let reader = email.reader;
    let server = email.text("server", "write the name of a mail server");
    let port = |number| u16::try_from(number).ok().filter(|port| *port > 0);
    let port = email.number("port", port, "write a port, 1 to 65535");
    let tls = read_tls(&mut email);
    let from = email.text("from", "write a mail address");
    let to = email.texts("to", "a mail address is a text");
    for key in ["server", "from", "to"] {
        if email.lacks(key) {
            let message = format!("the target `email` needs `{key}`");
            reader.mistake(MistakeKind::Missing, &email.span(), message);
        }
    }
    let user = email.text("user", "write a name to log in by");
    let password = secret(&mut email, "password");
    if email.lacks("user") != email.lacks("password") {
        let message = "`user` and `password` go together; write both, or neither";
        reader.mistake(MistakeKind::Missing, &email.span(), message);
    }
    email.finish(&[]);
    let owned = |text: &Text<'_>| (*text.get_ref()).to_owned();
    Some(EmailTarget {
        server: owned(&server?),
        port,
        tls,
        from: owned(&from?),
        to: to?.iter().map(owned).collect(),
        login: user.zip(password).map(|(user, password)| (owned(&user), password)),
    })
}

fn read_tls(email: &mut Section<'_>) -> EmailTls {
    let what = "write \"starttls\", \"implicit\" or \"none\"";
    let Some(text) = email.text("tls", what) else {
        return EmailTls::StartTls;
    };
    match *text.get_ref() {
        "starttls" => return EmailTls::StartTls,
        "implicit" => return EmailTls::Implicit,
        "none" => return EmailTls::None,
        other => {
            let message = format!("there is no `tls = \"{other}\"`; {what}");
            email.reader.mistake(MistakeKind::Value, &text.span(), message);
        }
    }
    EmailTls::StartTls
}

/// Notes where this build cannot reach a kind of target.
fn needs(target: &mut Section<'_>, kind: &'static str, feature: &str, has_it: bool) {
    if let Some(value) = target.value(kind).filter(|_| !has_it) {
        let message = format!("this build reaches no `{kind}`; it needs the feature `{feature}`");
        target.reader.mistake(MistakeKind::Unsupported, &value.span(), message);
    }
}

/// A secret, which never stands in the file itself.
fn secret(target: &mut Section<'_>, key: &'static str) -> Option<Secret> {
    let what =
        "it is a secret, so write \"env:NAME\" of the variable that holds it, or \"file:PATH\"";
    let text = target.text(key, what)?;
    if !is_elsewhere(&text) {
        // What was written is not repeated: it may be the secret itself.
        let message = format!("`{key}`: {what}");
        target.reader.mistake(MistakeKind::Value, &text.span(), message);
        return None;
    }
    elsewhere(target, &text)
}

fn setting(target: &Section<'_>, text: &Text<'_>) -> Option<Setting> {
    if is_elsewhere(text) {
        return elsewhere(target, text).map(Setting::Secret);
    }
    Some(Setting::Plain((*text.get_ref()).to_owned()))
}

fn is_elsewhere(text: &Text<'_>) -> bool {
    ["env:", "file:"].into_iter().any(|scheme| text.get_ref().starts_with(scheme))
}

fn elsewhere(target: &Section<'_>, text: &Text<'_>) -> Option<Secret> {
    let place = target.reader.place(text.span().start);
    if let Some(path) = text.get_ref().strip_prefix("file:") {
        if path.is_empty() {
            let message = "\"file:\" names no file; write \"file:PATH\"";
            target.reader.mistake(MistakeKind::Value, &text.span(), message);
            return None;
        }
        let is_path = target.reader.is_path("file:", text);
        return is_path.then(|| Secret { source: SecretSource::File(PathBuf::from(path)), place });
    }
    let name = text.get_ref().strip_prefix("env:")?;
    let is_name = !name.is_empty()
        && !name.contains(|letter: char| {
            letter == '=' || letter.is_whitespace() || letter.is_control()
        });
    if !is_name {
        let message = format!("{name:?} is no name of a variable; write \"env:NAME\"");
        target.reader.mistake(MistakeKind::Value, &text.span(), message);
        return None;
    }
    Some(Secret { source: SecretSource::Variable(name.to_owned()), place })
}

fn hosts(target: &mut Section<'_>) -> [Vec<String>; 2] {
    ["allow_http", "allow_private"].map(|key| {
        let texts = target.texts(key, "a host is a text, such as \"localhost\"");
        let texts = texts.unwrap_or_default();
        texts.iter().map(|text: &Spanned<&str>| (*text.get_ref()).to_owned()).collect()
    })
}
