//! Mail: what is written, what is refused, what is tried again, and that nothing tells a secret.

#![expect(clippy::wildcard_enum_match_arm, reason = "a script names the steps that it is about")]

use std::{error::Error as _, sync::Arc};

use mailparse::{MailHeaderMap as _, ParsedMail};
use parking_lot::Mutex;
use safeguards_notify::{
    Alert, AlertId, Alerts, Channel, Delivery, DeliveryError, DeliveryId, EmailBuilder,
    EmailChannel, Notification, SecretString, Template, topic,
};
use safeguards_types::{OperationIds, Severity, SimClock, Timestamp};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::smtp_server::{Mail, Privacy, SmtpServer, Step, Then};

const HOST: &str = "127.0.0.1";

fn at() -> Timestamp {
    Timestamp::parse("2026-01-05T09:00:00Z").unwrap()
}

fn alert(message: &str) -> Alert {
    Alert::new(Severity::High, topic!("budget.denied"), message).about("reader").with("left", "0.1")
}

/// A delivery of an alert that was sent; `number` tells one from another.
fn delivery(number: u64, message: &str) -> Delivery {
    Delivery::new(notification(number, message))
}

fn notification(number: u64, message: &str) -> Notification {
    let id = AlertId::from(OperationIds::seeded(number).mint(at()));
    let mut sent = serde_json::to_value(alert(message)).unwrap();
    sent["id"] = serde_json::to_value(id).unwrap();
    let sent: Alert = serde_json::from_value(sent).unwrap();
    Notification::new(DeliveryId::of(id, "mail"), "mail", sent)
}

/// Mail to one recipient, over a conversation without TLS.
fn mail_to(server: &SmtpServer, to: &[&str]) -> EmailBuilder {
    let start = EmailChannel::builder(HOST, "Agents <agents@example.com>");
    to.iter()
        .fold(start, |mail, to| mail.to(*to))
        .port(server.port())
        .allow_plain(HOST)
        .clock(SimClock::at(at()))
}

fn mail(server: &SmtpServer) -> EmailChannel {
    mail_to(server, &["ops@example.com"]).build().unwrap()
}

fn parsed(mail: &Mail) -> ParsedMail<'_> {
    mailparse::parse_mail(mail.text.as_bytes()).unwrap()
}

fn header(mail: &Mail, name: &str) -> Option<String> {
    parsed(mail).headers.get_first_value(name)
}

fn body(mail: &Mail) -> String {
    parsed(mail).get_body().unwrap().replace("\r\n", "\n")
}

/// All that an error tells.
fn told(error: &DeliveryError) -> String {
    let source = error.source().unwrap();
    format!("{error}: {source} {error:?} {source:?}")
}

#[tokio::test]
async fn a_mail_has_its_headers_and_words() {
    let server = SmtpServer::start().await;
    let channel = mail_to(&server, &["ops@example.com", "On call <on-call@example.com>"]);
    let channel = channel.build().unwrap();
    let delivery = delivery(1, "no money for café");
    channel.deliver(&delivery).await.unwrap();
    let mails = server.mails();
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!((mail.from.as_str(), mail.is_private), ("agents@example.com", false));
    assert_eq!(mail.to, ["ops@example.com", "on-call@example.com"]);
    let header = |name| header(mail, name).unwrap_or_default();
    assert_eq!(header("From"), "Agents <agents@example.com>");
    assert_eq!(header("To").replace('"', ""), "ops@example.com, On call <on-call@example.com>");
    assert_eq!(header("Subject"), "[high] budget.denied: no money for café");
    assert_eq!(header("Date"), "Mon, 05 Jan 2026 09:00:00 +0000");
    assert_eq!(header("Message-ID"), format!("<{}@example.com>", delivery.id()));
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert_eq!(header("X-Safeguards-Severity"), "high");
    assert_eq!(header("Content-Type"), "text/plain; charset=utf-8");
    let text = "high  budget.denied: no money for café\n\nhigh  budget.denied\n  no money for café\n  agent: reader\n  left: 0.1\n";
    assert_eq!(body(mail).trim_end(), text.trim_end());
    assert!(mail.text.is_ascii());
}

#[tokio::test]
async fn words_come_from_templates_and_html_is_beside_the_text() {
    let server = SmtpServer::start().await;
    let channel = mail_to(&server, &["ops@example.com"])
        .subject(Template::parse("\n{{ count }} of {{ latest.topic }}\nmore").unwrap())
        .text(Template::parse("{{ latest.message }}\n.\n..dots").unwrap())
        .html(Template::html("<p>{{ latest.message }}</p>").unwrap());
    channel.build().unwrap().deliver(&delivery(1, "<b>&")).await.unwrap();
    let mails = server.mails();
    assert_eq!(header(&mails[0], "Subject").unwrap(), "1 of budget.denied");
    let parsed = parsed(&mails[0]);
    let parts: Vec<_> = parsed
        .subparts
        .iter()
        .map(|part| {
            (
                part.ctype.mimetype.as_str(),
                part.get_body().unwrap().replace("\r\n", "\n").trim_end().to_owned(),
            )
        })
        .collect();
    let expected = [("text/plain", "<b>&\n.\n..dots"), ("text/html", "<p>&lt;b&gt;&amp;</p>")];
    assert_eq!(parts, expected.map(|(kind, text)| (kind, text.to_owned())));
    assert_eq!(parsed.ctype.mimetype, "multipart/alternative");
}

#[tokio::test]
async fn addresses_outside_ascii_need_a_server_that_takes_them() {
    let utf8 = "250-test\r\n250-SMTPUTF8\r\n250 8BITMIME";
    for takes in [true, false] {
        let server = SmtpServer::scripted(Privacy::None, move |heard| {
            if takes && heard.step == Step::Ehlo { Then::Say(utf8.to_owned()) } else { Then::Usual }
        });
        let server = server.await;
        let channel = mail_to(&server, &["ops@example.com", "jörg@example.com"]).build().unwrap();
        let delivered = channel.deliver(&delivery(1, "a")).await;
        assert_eq!(
            delivered.as_ref().map_err(DeliveryError::is_retryable).err(),
            (!takes).then_some(false)
        );
        let mails = server.mails();
        let all = ["ops@example.com", "jörg@example.com"];
        assert_eq!(mails[0].to, if takes { &all[..] } else { &all[..1] });
        assert_eq!(header(&mails[0], "To").unwrap().contains("rg@"), takes);
        if let Err(error) = delivered {
            assert!(
                told(&error).contains("`jörg@example.com`: it takes no addresses outside ASCII")
            );
        }
    }
    for takes in [true, false] {
        let server = SmtpServer::scripted(Privacy::None, move |heard| {
            if takes && heard.step == Step::Ehlo { Then::Say(utf8.to_owned()) } else { Then::Usual }
        });
        let server = server.await;
        let mail = EmailChannel::builder(HOST, "wächter@wächter.example").to("ops@example.com");
        let mail = mail.port(server.port()).allow_plain(HOST).build().unwrap();
        let delivered = mail.deliver(&delivery(1, "a")).await;
        assert_eq!(
            delivered.map_err(|error| error.is_retryable()),
            if takes { Ok(()) } else { Err(false) }
        );
        let ids: Vec<_> =
            server.mails().iter().map(|mail| header(mail, "Message-ID").unwrap()).collect();
        assert_eq!(ids.len(), usize::from(takes));
        assert!(ids.iter().all(|id| id.ends_with("@localhost>")), "{ids:?}");
    }
}

#[tokio::test]
async fn a_recipient_outside_ascii_costs_no_other_their_mail() {
    let server = SmtpServer::scripted(Privacy::None, |heard| match heard.step {
        Step::Ehlo => Then::Say("250 test".to_owned()),
        Step::Mail if heard.line.contains("BODY=") => Then::Say("555 5.5.4 what".to_owned()),
        _ => Then::Usual,
    });
    let server = server.await;
    let channel = mail_to(&server, &["ops@example.com", "jörg@example.com"]).build().unwrap();
    let error = channel.deliver(&delivery(1, "größer")).await.unwrap_err();
    let text = error.source().unwrap().to_string();
    assert!(text.contains("`jörg@example.com`") && text.ends_with("(one other has it)"), "{text}");
    let mails = server.mails();
    assert_eq!((mails.len(), mails[0].to.as_slice()), (1, &["ops@example.com".to_owned()][..]));
    assert!(mails[0].text.is_ascii());
    // Nobody else is there.
    let alone = mail_to(&server, &["jörg@example.com"]).build().unwrap();
    assert!(!alone.deliver(&delivery(2, "a")).await.unwrap_err().is_retryable());
    assert_eq!(server.mails().len(), 1);
}

/// Somebody on the way to `server`, who adds `words` behind its leave to begin with TLS.
async fn somebody_on_the_way(server: &SmtpServer, words: &'static [u8]) -> u16 {
    let listener = TcpListener::bind((HOST, 0)).await.unwrap();
    let (port, server) = (listener.local_addr().unwrap().port(), server.port());
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let stream = TcpStream::connect((HOST, server)).await.unwrap();
        let (mut from_server, mut to_server) = stream.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
        let mut heard = vec![0; 65536];
        while let Ok(count @ 1..) = from_server.read(&mut heard).await {
            let mut said = heard[..count].to_vec();
            if said == b"220 go on\r\n" {
                said.extend_from_slice(words);
            }
            if to_client.write_all(&said).await.is_err() {
                return;
            }
        }
    });
    port
}

#[tokio::test]
async fn what_comes_before_tls_is_no_answer_behind_it() {
    let answers = b"250-evil\r\n250 8BITMIME\r\n250 ok\r\n250 ok\r\n354 go\r\n250 kept\r\n";
    for (words, arrives) in [(&answers[..], false), (b"", true)] {
        let server = SmtpServer::scripted(Privacy::StartTls, |_| Then::Usual).await;
        let port = somebody_on_the_way(&server, words).await;
        let channel = EmailChannel::builder("localhost", "agents@example.com")
            .to("ops@example.com")
            .port(port)
            .root_certificate(server.authority());
        let delivered = channel.build().unwrap().deliver(&delivery(1, "a")).await;
        assert_eq!(delivered.is_ok(), arrives, "{delivered:?}");
        assert!(delivered.map_err(|error| error.is_retryable()).err().unwrap_or(true));
        assert_eq!(server.mails().len(), usize::from(arrives));
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read_for_ever() {
    let listener = TcpListener::bind((HOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        while client.write_all(&[b'x'; 4096]).await.is_ok() {}
    });
    let mail = EmailChannel::builder(HOST, "agents@example.com").to("ops@example.com").port(port);
    let error = mail.build().unwrap().deliver(&delivery(1, "a")).await.unwrap_err();
    assert!(told(&error).contains("a line of more than 16384 bytes"), "{}", told(&error));
}

#[tokio::test]
async fn a_subject_that_fails_is_told_in_the_text() {
    let server = SmtpServer::start().await;
    let subject = "{% if latest.metadata.left %}{{ latest.metadata.left + 1 }}{% endif %}";
    let channel = mail_to(&server, &["ops@example.com"]).subject(Template::parse(subject).unwrap());
    channel.build().unwrap().deliver(&delivery(1, "a")).await.unwrap();
    let mails = server.mails();
    assert_eq!(header(&mails[0], "Subject").unwrap(), "[high] budget.denied: a");
    assert!(body(&mails[0]).contains("(the template of the subject failed: line 1: "));
}

#[tokio::test]
async fn what_agents_write_adds_no_header_and_no_line() {
    let evil =
        "x\r\nBcc: spy@example.com\r\n\r\n.\r\nMAIL FROM:<spy@example.com>\r\n\u{2028}\u{0}é";
    let server = SmtpServer::start().await;
    let subject = Template::parse(
        "{{ latest.message }} {{ latest.agent }} {{ latest.metadata.evil }} {{ group.agent }}",
    );
    let text = Template::parse("{{ latest.message }}\n{{ latest.agent }}\n{{ latest.metadata }}");
    let channel =
        mail_to(&server, &["ops@example.com"]).subject(subject.unwrap()).text(text.unwrap());
    let alert = Alert::new(Severity::Low, topic!("a.b"), evil)
        .about(evil)
        .keyed(evil)
        .with("evil", evil)
        .with(evil, 1);
    let id = AlertId::from(OperationIds::seeded(1).mint(at()));
    let evil = Notification::new(DeliveryId::of(id, evil), evil, alert)
        .in_group("agent", evil)
        .in_group(evil, evil);
    channel.build().unwrap().deliver(&Delivery::new(evil)).await.unwrap();
    let mails = server.mails();
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!(mail.to, ["ops@example.com"]);
    let parsed = parsed(mail);
    let mut names: Vec<_> =
        parsed.headers.iter().map(|header| header.get_key().to_ascii_lowercase()).collect();
    names.sort_unstable();
    let expected = [
        "Auto-Submitted",
        "Content-Transfer-Encoding",
        "Content-Type",
        "Date",
        "From",
        "In-Reply-To",
        "MIME-Version",
        "Message-ID",
        "References",
        "Subject",
        "To",
        "X-Safeguards-Severity",
    ];
    let mut expected = expected.map(str::to_ascii_lowercase);
    expected.sort_unstable();
    assert_eq!(names, expected);
    let subject = header(mail, "Subject").unwrap();
    assert!(!subject.contains(char::is_control) && subject.chars().count() <= 200, "{subject:?}");
    assert!(subject.starts_with("x\\r\\nBcc: spy@example.com"), "{subject}");
    assert!(body(mail).trim_end().lines().count() == 3, "{:?}", body(mail));
}

#[tokio::test]
async fn a_subject_has_an_end_and_a_long_text_arrives_whole() {
    let server = SmtpServer::start().await;
    let long = "é".repeat(3000) + &"a".repeat(3000) + ".";
    let channel = mail_to(&server, &["ops@example.com"])
        .text(Template::parse("{{ latest.message }}").unwrap());
    channel.build().unwrap().deliver(&delivery(1, &long)).await.unwrap();
    let mails = server.mails();
    let subject = header(&mails[0], "Subject").unwrap();
    assert_eq!(subject.chars().count(), 200, "{subject}");
    assert!(subject.ends_with("é…"), "{subject}");
    assert!(mails[0].text.lines().all(|line| line.len() <= 998));
    assert_eq!(body(&mails[0]).trim_end(), long);
}

#[tokio::test]
async fn mails_of_one_group_and_of_one_escalation_are_one_conversation() {
    let server = SmtpServer::start().await;
    let channel = mail(&server);
    let group = |number, agent: &str| notification(number, "a").in_group("agent", agent);
    for notification in [
        group(1, "reader"),
        group(2, "reader"),
        group(3, "writer"),
        notification(4, "a"),
        notification(4, "a").escalated(1),
        notification(5, "a"),
    ] {
        channel.deliver(&Delivery::new(notification)).await.unwrap();
    }
    let threads: Vec<_> =
        server.mails().iter().map(|mail| header(mail, "References").unwrap()).collect();
    assert_eq!(threads[0], threads[1]);
    assert_eq!(threads[3], threads[4]);
    for (one, other) in [(0, 2), (0, 3), (3, 5)] {
        assert_ne!(threads[one], threads[other]);
    }
    assert!(
        server.mails().iter().all(|mail| header(mail, "In-Reply-To") == header(mail, "References"))
    );
}

#[tokio::test]
async fn an_answer_says_whether_to_try_again() {
    async fn check(step: Step, say: &'static str, retryable: bool) {
        let server = SmtpServer::scripted(Privacy::None, move |heard| {
            if heard.step == step { Then::Say(say.to_owned()) } else { Then::Usual }
        });
        let server = server.await;
        let channel =
            mail_to(&server, &["ops@example.com"]).credentials("me", SecretString::from("hunter2"));
        let error = channel.build().unwrap().deliver(&delivery(1, "a")).await.unwrap_err();
        let text = error.source().unwrap().to_string();
        assert_eq!(error.is_retryable(), retryable, "{step:?} {say}: {text}");
        // What a server repeats of a sign-in may be the password.
        let codes = say.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let shown = if step == Step::Auth { codes.as_str() } else { say };
        assert!(text.contains(shown), "{step:?} {say}: {text}");
        assert_eq!(text.contains(say), step != Step::Auth, "{text}");
        assert!(
            text.starts_with(&format!("the mail server 127.0.0.1:{} ", server.port())),
            "{text}"
        );
        assert!(server.mails().is_empty());
    }
    for step in [Step::Hello, Step::Ehlo, Step::Auth, Step::Mail, Step::Rcpt, Step::Data, Step::End]
    {
        check(step, "450 4.2.0 come back later", true).await;
        check(step, "554 5.7.1 not from you", false).await;
    }
    check(Step::Rcpt, "421 4.3.2 going down", true).await;
}

#[tokio::test]
async fn a_conversation_that_breaks_is_tried_again_as_the_same_mail() {
    for (step, kept) in
        [(Step::Hello, 1), (Step::Mail, 1), (Step::Rcpt, 1), (Step::Data, 1), (Step::End, 2)]
    {
        let server = SmtpServer::scripted(Privacy::None, move |heard| {
            let breaks = heard.step == step && heard.nth == 1;
            if breaks {
                if step == Step::End { Then::KeepAndHangUp } else { Then::HangUp }
            } else {
                Then::Usual
            }
        });
        let server = server.await;
        let channel = mail(&server);
        let delivery = delivery(1, "a");
        let error = channel.deliver(&delivery).await.unwrap_err();
        assert!(error.is_retryable(), "{step:?}");
        channel.deliver(&delivery.at_attempt(2)).await.unwrap();
        let ids: Vec<_> = server.mails().iter().map(|mail| header(mail, "Message-ID")).collect();
        assert_eq!(ids.len(), kept, "{step:?}");
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]));
    }
    // Nobody is there.
    let server = SmtpServer::start().await;
    let channel = mail(&server);
    drop(server);
    tokio::task::yield_now().await;
    assert!(channel.deliver(&delivery(1, "a")).await.unwrap_err().is_retryable());
}

#[tokio::test]
async fn a_recipient_who_has_it_does_not_get_it_again() {
    let server = SmtpServer::scripted(Privacy::None, |heard| match heard.line {
        line if line.contains("later@") && heard.nth <= 4 => Then::Say("451 busy".to_owned()),
        line if line.contains("never@") => Then::Say("550 unknown here".to_owned()),
        _ => Then::Usual,
    });
    let server = server.await;
    let to = ["one@example.com", "later@example.com", "never@example.com"];
    let channel = mail_to(&server, &to).build().unwrap();
    let delivery = delivery(1, "a");
    let error = channel.deliver(&delivery).await.unwrap_err();
    assert!(error.is_retryable());
    let text = error.source().unwrap().to_string();
    let port = server.port();
    assert_eq!(
        text,
        format!(
            "the mail server 127.0.0.1:{port} refused `later@example.com`: 451 busy; `never@example.com`: 550 unknown here (one other has it)"
        )
    );
    assert_eq!(server.mails()[0].to, ["one@example.com"]);
    // Only two are asked about, and both say no: nothing is sent.
    assert!(channel.deliver(&delivery).await.unwrap_err().is_retryable());
    assert_eq!(server.mails().len(), 1);
    let error = channel.deliver(&delivery).await.unwrap_err();
    assert!(!error.is_retryable());
    let text = error.source().unwrap().to_string();
    assert!(
        text.ends_with("refused `never@example.com`: 550 unknown here (2 others have it)"),
        "{text}"
    );
    let recipients: Vec<_> = server.mails().iter().map(|mail| mail.to.clone()).collect();
    assert_eq!(recipients, [["one@example.com"], ["later@example.com"]]);
    // Another mail is for all.
    channel.deliver(&self::delivery(2, "b")).await.unwrap_err();
    assert_eq!(server.mails()[2].to, ["one@example.com", "later@example.com"]);
}

#[tokio::test]
async fn a_conversation_serves_many_mails_and_is_begun_anew_where_it_ended() {
    let server = SmtpServer::start().await;
    let channel = mail(&server);
    for number in 0..20 {
        channel.deliver(&delivery(number, "a")).await.unwrap();
    }
    assert_eq!((server.mails().len(), server.connections()), (20, 1));

    // Servers hang up on who is idle.
    let server = SmtpServer::scripted(Privacy::None, |heard| {
        if heard.step == Step::Mail && heard.nth == 2 {
            Then::Say("421 4.4.2 idle for too long".to_owned())
        } else {
            Then::Usual
        }
    });
    let server = server.await;
    let channel = mail(&server);
    for number in 0..3 {
        channel.deliver(&delivery(number, "a")).await.unwrap();
    }
    assert_eq!((server.mails().len(), server.connections()), (3, 2));
}

#[tokio::test]
async fn an_attempt_that_is_dropped_leaves_nothing_behind() {
    for step in [Step::Ehlo, Step::Mail, Step::Data, Step::End] {
        let reached = Arc::new(tokio::sync::Notify::new());
        let notify = Arc::clone(&reached);
        let server = SmtpServer::scripted(Privacy::None, move |heard| {
            if heard.step == step && heard.nth == 1 {
                notify.notify_one();
                Then::Wait(std::time::Duration::from_hours(1))
            } else {
                Then::Usual
            }
        });
        let server = server.await;
        let channel = mail(&server);
        let delivery = delivery(1, "a");
        tokio::select! {
            _ = channel.deliver(&delivery) => panic!("{step:?} waits"),
            () = reached.notified() => {}
        }
        channel.deliver(&delivery.at_attempt(2)).await.unwrap();
        let mails = server.mails();
        assert_eq!(mails.len(), 1, "{step:?}");
        assert_eq!(mails[0].text.matches("Message-ID").count(), 1);
    }
}

#[tokio::test]
async fn tls_comes_first_and_the_server_must_be_known() {
    for (privacy, implicit) in [(Privacy::StartTls, false), (Privacy::Implicit, true)] {
        let server = SmtpServer::scripted(privacy, |_| Then::Usual).await;
        let secure = |host: &str| {
            let mail = EmailChannel::builder(host, "agents@example.com")
                .to("ops@example.com")
                .port(server.port());
            let mail = mail.credentials("me", SecretString::from("hunter2"));
            if implicit { mail.implicit_tls() } else { mail }
        };
        let trusting =
            |host: &str| secure(host).root_certificate(server.authority()).build().unwrap();
        let stranger = secure("localhost")
            .root_certificate(SmtpServer::scripted(privacy, |_| Then::Usual).await.authority());
        let error = stranger.build().unwrap().deliver(&delivery(1, "a")).await.unwrap_err();
        assert!(told(&error).contains("certificate"), "{}", told(&error));
        // The certificate is for `localhost`.
        let error = trusting(HOST).deliver(&delivery(1, "a")).await.unwrap_err();
        assert!(told(&error).contains("not valid for name"), "{}", told(&error));
        assert_eq!((server.times(Step::Auth), server.mails().len()), (0, 0));
        trusting("localhost").deliver(&delivery(1, "a")).await.unwrap();
        let mails = server.mails();
        assert!(mails[0].is_private && mails[0].signed_in.is_some(), "{privacy:?}");
    }
    // Nothing is said to a server that offers none.
    let other = SmtpServer::scripted(Privacy::Implicit, |_| Then::Usual).await;
    let authority = other.authority();
    let server = SmtpServer::start().await;
    let mail =
        EmailChannel::builder(HOST, "agents@example.com").to("ops@example.com").port(server.port());
    let mail = mail.credentials("me", SecretString::from("hunter2")).root_certificate(authority);
    let error = mail.build().unwrap().deliver(&delivery(1, "a")).await.unwrap_err();
    assert!(
        !error.is_retryable() && told(&error).contains("offers no TLS (STARTTLS)"),
        "{}",
        told(&error)
    );
    assert_eq!((server.times(Step::Auth), server.times(Step::Mail)), (0, 0));
}

#[tokio::test]
async fn a_password_is_told_to_the_server_alone() {
    let password = "correct horse \"battery\"";
    let plain = "AGFnZW50cwBjb3JyZWN0IGhvcnNlICJiYXR0ZXJ5Ig==";
    let lines = Arc::new(Mutex::new(Vec::new()));
    let heard_lines = Arc::clone(&lines);
    // A server that repeats what it does not understand, in each form.
    let server = SmtpServer::scripted(Privacy::None, move |heard| {
        heard_lines.lock().push(heard.line.to_owned());
        if heard.step == Step::Auth {
            let line = heard.line;
            Then::Say(format!("535 bad line {line:?}, password {password:?} and {password}"))
        } else {
            Then::Usual
        }
    });
    let server = server.await;
    let build = || {
        mail_to(&server, &["ops@example.com"]).credentials("agents", SecretString::from(password))
    };
    let channel = build().build().unwrap();
    let error = channel.deliver(&delivery(1, "a")).await.unwrap_err();
    assert!(!error.is_retryable());
    assert!(lines.lock().iter().any(|line| line.contains(plain)));

    let alerts = Alerts::builder().channel("mail", build().build().unwrap()).build().unwrap();
    let running = alerts.start().unwrap();
    alerts.send(alert("a"));
    let _ = running.stop().await;
    let dead = alerts.dead_letters().await.unwrap();
    assert_eq!(dead.letters.len(), 1);
    for text in [
        format!("{channel:?} {channel:#?} {:?}", build()),
        told(&error),
        format!("{alerts:?} {dead:?}"),
        format!(
            "{:?}",
            mail_to(&server, &["nobody"])
                .credentials("agents", SecretString::from(password))
                .build()
        ),
    ] {
        assert!(
            !text.contains("correct horse") && !text.contains("battery") && !text.contains(plain),
            "{text}"
        );
    }
    assert!(error.source().unwrap().to_string().ends_with("refused the sign-in: 535"));
    assert_eq!(format!("{channel:?}").matches("agents").count(), 2, "{channel:?}");
}

#[tokio::test]
async fn an_answer_to_a_sign_in_shows_no_part_of_the_password() {
    for change in [
        (|line| format!("535 5.7.8 not understood: {}", &line[..line.len() - 3])) as fn(&str) -> _,
        |line| format!("535-5.7.8 {}\r\n535 5.7.8 correct horse", line.to_uppercase()),
        |line| format!("{line} is no answer"),
        |line| format!("535 {line}"),
    ] {
        let server = SmtpServer::scripted(Privacy::None, move |heard| match heard.step {
            Step::Auth => Then::Say(change(heard.line)),
            _ => Then::Usual,
        });
        let server = server.await;
        let channel = mail_to(&server, &["ops@example.com"])
            .credentials("agents", SecretString::from("correct horse battery"));
        let error = channel.build().unwrap().deliver(&delivery(1, "a")).await.unwrap_err();
        let text = told(&error);
        assert!(text.contains("the sign-in: "), "{text}");
        let shown = text.to_lowercase();
        for part in ["agfn", "auth plain", "correct", "battery"] {
            assert!(!shown.contains(part), "{text}");
        }
    }
}

#[tokio::test]
async fn an_agent_writes_no_encoded_word_into_the_subject() {
    let forged = "=?utf-8?Q?all_fine=0D=0ABcc:_x?= =?utf-8?B?Zm9yZ2Vk?=";
    let server = SmtpServer::start().await;
    mail(&server).deliver(&delivery(1, forged)).await.unwrap();
    let subject = header(&server.mails()[0], "Subject").unwrap();
    let shown = subject.replace('\u{200b}', "");
    assert_eq!(shown, format!("[high] budget.denied: {forged}"));
}

#[test]
fn what_cannot_be_is_refused_when_it_is_built() {
    #[track_caller]
    fn check(mail: EmailBuilder, code: &str, words: &str) {
        let error = mail.build().unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let from = |host: &str, from: &str| EmailChannel::builder(host, from).allow_plain(host);
    let to = |address: &str| from(HOST, "a@example.com").to(address);
    check(
        from("smtp example", "a@b.c").to("a@b.c"),
        "notify.email_invalid_host",
        "\"smtp example\"",
    );
    check(
        from(HOST, "nobody").to("a@b.c"),
        "notify.email_invalid_address",
        "\"nobody\" is no mail address",
    );
    check(to("a@example.com\r\nRCPT TO:<b@example.com>"), "notify.email_invalid_address", "\\r\\n");
    check(to("a@b.c").to("a@b.c, b@b.c"), "notify.email_invalid_address", "\"a@b.c, b@b.c\"");
    check(from(HOST, "a@b.c"), "notify.email_no_recipients", "by `to`");
    check(
        (0..101).fold(from(HOST, "a@b.c"), |mail, _| mail.to("a@b.c")),
        "notify.email_too_many_recipients",
        "101",
    );
    check(to("a@b.c").client_name("a\r\nb"), "notify.email_invalid_client_name", "a\\r\\nb");
    check(to("a@b.c").allow_plain("localhost"), "notify.email_plain_elsewhere", "`localhost`");
    check(to("a@b.c").implicit_tls(), "notify.email_plain_and_tls", HOST);
    check(
        to("a@b.c").text(Template::html("a").unwrap()),
        "notify.email_wrong_template",
        "Template::parse",
    );
    check(to("a@b.c").html(Template::text()), "notify.email_wrong_template", "Template::html");
    let private = || EmailChannel::builder(HOST, "a@b.c").to("a@b.c");
    check(private().root_certificate("no certificate"), "notify.email_certificates", "PEM");
    check(
        private().root_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
        "notify.email_certificates",
        "",
    );
}
