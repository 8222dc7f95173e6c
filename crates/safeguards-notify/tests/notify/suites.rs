//! Every case for channels, against webhooks, chats and mail, with their servers on this machine.

#![expect(clippy::wildcard_enum_match_arm, reason = "a script names the steps that it is about")]

use std::sync::Arc;

use safeguards_notify::{EmailBuilder, EmailChannel, SecretString, WebhookChannel};
use safeguards_testkit::{ChannelEnv, Repeats, channel_conformance};

use crate::{
    http_server::{HttpServer, Reply, Request},
    smtp_server::{Mail, Privacy, SmtpServer, Step, Then},
};

const TOKEN: &str = "T0ken-of-the-receiver";

/// A server, and what it took in, put so that a person can read it.
async fn http(read: fn(&Request) -> String) -> (Arc<HttpServer>, impl Fn() -> Vec<String>) {
    let server = Arc::new(HttpServer::start(|_| Reply::status(200)).await);
    let seen = Arc::clone(&server);
    (server, move || seen.requests().iter().map(read).collect())
}

mod webhook {
    use super::*;

    fn hook(url: String) -> WebhookChannel {
        let hook = WebhookChannel::builder(url).allow_http("127.0.0.1").allow_private("127.0.0.1");
        hook.header("authorization", TOKEN).build().unwrap()
    }

    async fn make() -> ChannelEnv {
        let (server, read) = http(|request| request.json().to_string()).await;
        let angry = HttpServer::start(|_| Reply::status(403).text(TOKEN)).await;
        let failing = Arc::new(hook(angry.url(&format!("/{TOKEN}"))));
        ChannelEnv::new(Arc::new(hook(server.url("/"))), Repeats::Named, move || {
            std::future::ready(read())
        })
        .secret(TOKEN)
        .failing(failing)
        .keeping(angry)
    }

    channel_conformance!(make, fails);
}

mod slack {
    use safeguards_notify::SlackChannel;

    use super::*;

    fn chat(url: String) -> SlackChannel {
        let chat = SlackChannel::builder(url).allow_http("127.0.0.1").allow_private("127.0.0.1");
        chat.build().unwrap()
    }

    /// As the chat shows it.
    fn shown(request: &Request) -> String {
        let text = request.json()["text"].as_str().unwrap().to_owned();
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    }

    async fn make() -> ChannelEnv {
        let (server, read) = http(shown).await;
        let angry = HttpServer::start(|_| Reply::status(404).text("no_service")).await;
        let failing = Arc::new(chat(angry.url(&format!("/services/{TOKEN}"))));
        let url = server.url(&format!("/services/{TOKEN}"));
        ChannelEnv::new(Arc::new(chat(url)), Repeats::Shown, move || std::future::ready(read()))
            .secret(TOKEN)
            .failing(failing)
            .keeping(angry)
    }

    channel_conformance!(make, fails);
}

mod email {
    use super::*;

    fn mail(server: &SmtpServer) -> EmailBuilder {
        EmailChannel::builder("127.0.0.1", "agents@example.com")
            .to("ops@example.com")
            .port(server.port())
            .allow_plain("127.0.0.1")
            .credentials("agents", SecretString::from(TOKEN))
    }

    /// Its headers and its body, decoded.
    fn shown(mail: &Mail) -> String {
        let mail = mailparse::parse_mail(mail.text.as_bytes()).unwrap();
        let headers = mail
            .headers
            .iter()
            .map(|header| format!("{}: {}\n", header.get_key(), header.get_value()));
        headers.chain([mail.get_body().unwrap()]).collect()
    }

    async fn make() -> ChannelEnv {
        let server = Arc::new(SmtpServer::start().await);
        let angry = SmtpServer::scripted(Privacy::None, |heard| match heard.step {
            Step::Auth => Then::Say(format!("535 no such password: {TOKEN}")),
            _ => Then::Usual,
        })
        .await;
        let failing = Arc::new(mail(&angry).build().unwrap());
        let channel = Arc::new(mail(&server).build().unwrap());
        let read = move || std::future::ready(server.mails().iter().map(shown).collect());
        // Its `Message-ID` tells.
        ChannelEnv::new(channel, Repeats::Named, read).secret(TOKEN).failing(failing).keeping(angry)
    }

    channel_conformance!(make, fails);
}
