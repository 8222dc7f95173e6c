//! What no text shows: neither a channel's, nor an error's, nor a dead letter's.

use std::{error::Error, fmt::Write as _};

use safeguards_notify::{
    Alerts, Channel, DeliveryError, SlackChannel, WebhookBuilder, WebhookChannel,
    webhook::SigningSecret,
};
use tokio::net::TcpListener;

use super::{alert, delivery};
use crate::http_server::{HttpServer, Reply, Request};

const PATH: &str = "/services/T0AAAAAA/opensesame%2Fagain?key=SwordFish77&x=1#fragment99";
const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Pieces, in small letters, of which none may be seen.
const SECRETS: [&str; 8] = [
    "t0aaaaaa",
    "opensesame",
    "swordfish77",
    "fragment99",
    "tokenofmine",
    "mfkq9r8gkyqrtwjupd8ilpzio2lalasw",
    "whsec",
    "/services",
];

#[track_caller]
fn check(text: &str) {
    let small = text.to_lowercase();
    for secret in SECRETS {
        assert!(!small.contains(secret), "{secret} in {text}");
    }
}

/// All that can be printed of an error.
fn all_texts(error: &DeliveryError) -> String {
    let mut texts = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(error) = source {
        write!(texts, " {error} {error:?} {error:#?}").unwrap();
        source = error.source();
    }
    texts
}

fn hook(origin: &str) -> WebhookBuilder {
    let host = origin.rsplit_once("//").unwrap().1.split(':').next().unwrap();
    let hook = WebhookChannel::builder(format!("{origin}{PATH}")).allow_http(host);
    let hook = if host == "hooks.invalid" { hook } else { hook.allow_private("127.0.0.1") };
    hook.header("authorization", "Bearer TokenOfMine")
        .sign_with(SigningSecret::parse(SIGNING).unwrap())
}

/// Whatever the server was told, told back in many forms.
fn echo(request: &Request) -> String {
    let headers: Vec<_> =
        request.headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let line = &request.line;
    let decoded = line.replace("%2F", "/");
    let signed = !request.header("webhook-signature").is_empty();
    let secret = if signed { SIGNING } else { "" };
    format!("{line}; {decoded}; {}; {}; {secret}", line.to_uppercase(), headers.join(", "))
}

/// Origins at which a delivery fails, each in its own way.
async fn failing() -> (Vec<String>, Vec<HttpServer>) {
    let free = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let closed = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let servers = vec![
        HttpServer::start(|request| Reply::status(500).text(echo(request))).await,
        HttpServer::start(|request| Reply::status(404).text(echo(request))).await,
        HttpServer::start(|request| {
            // Cut off after 64 KiB, in the middle of a piece.
            Reply::status(404).text(format!("x{} ", echo(request))).endless()
        })
        .await,
        HttpServer::start(|_| Reply::status(404).text("T0AAAAAA".repeat(9_000))).await,
        HttpServer::start(|_| Reply::status(404).text(format!("x{}", "opensesame".repeat(9_000))))
            .await,
        HttpServer::start(|request| {
            let (_, path) = request.line.split_once(' ').unwrap();
            Reply::redirect(302, path)
        })
        .await,
        HttpServer::start(|request| {
            let (_, path) = request.line.split_once(' ').unwrap();
            Reply::redirect(307, &format!("http://10.0.0.1{path}"))
        })
        .await,
        HttpServer::start(|request| {
            if request.line.contains("again") {
                Reply::redirect(307, "/TokenOfMine/t0aaaaaa")
            } else {
                Reply::status(400).text(echo(request))
            }
        })
        .await,
        HttpServer::start(|_| Reply::redirect(307, "http://swordfish77.example/TokenOfMine")).await,
        HttpServer::start(|_| Reply::redirect(307, "/")).await,
        HttpServer::start(|_| Reply::hang_up()).await,
    ];
    let mut origins: Vec<_> = servers.iter().map(|server| server.url("")).collect();
    // No such port, no such name, no TLS where it is expected.
    origins.extend([closed, "https://hooks.invalid".to_owned()]);
    origins.push(servers[0].url("").replace("http:", "https:"));
    (origins, servers)
}

async fn check_channel(channel: impl Channel) -> String {
    let error = channel.deliver(&delivery("no money")).await.unwrap_err();
    let texts = format!("{channel:?} {channel:#?} {}", all_texts(&error));
    check(&texts);
    texts
}

#[tokio::test]
async fn a_webhook_is_named_by_scheme_and_host_alone() {
    let (origins, _servers) = failing().await;
    for origin in origins {
        check(&format!("{:?}", hook(&origin)));
        let texts = check_channel(hook(&origin).build().unwrap()).await;
        assert!(texts.contains(&origin), "{origin}: {texts}");
    }
}

#[tokio::test]
async fn of_a_chat_not_even_the_host_is_named() {
    let (origins, _servers) = failing().await;
    for origin in origins {
        let chat = SlackChannel::builder(format!("{origin}{PATH}"));
        let chat = chat.allow_http("127.0.0.1").allow_private("127.0.0.1");
        check(&format!("{chat:?}"));
        let texts = check_channel(chat.build().unwrap()).await;
        for host in ["127.0.0.1", "hooks.invalid", "example"] {
            assert!(!texts.contains(host), "{origin}: {texts}");
        }
    }
}

#[tokio::test]
async fn a_dead_letter_shows_no_more() {
    let server = HttpServer::start(|request| Reply::status(404).text(echo(request))).await;
    let hook = hook(&server.url("")).build().unwrap();
    let alerts = Alerts::builder().channel("hook", hook).build().unwrap();
    alerts.send(alert("no money"));
    let left = alerts.start().unwrap().stop().await;
    assert_eq!(left.dead_letters.letters.len(), 1);
    check(&format!("{alerts:?} {left:?} {}", left.dead_letters.letters[0]));
}

#[tokio::test]
async fn a_secret_that_is_cut_in_two_is_no_less_one() {
    let secret = "SwordFish".repeat(3_000);
    let told = secret.repeat(3);
    // The third does not fit what is read of an answer.
    let server = HttpServer::start(move |_| Reply::status(404).text(told.clone())).await;
    let hook = WebhookChannel::builder(server.url("/")).allow_http("127.0.0.1");
    let hook = hook.allow_private("127.0.0.1").header("x-key", secret).build().unwrap();
    let error = hook.deliver(&delivery("no money")).await.unwrap_err();
    let texts = all_texts(&error).to_lowercase();
    assert!(!texts.contains("swordfish"), "{texts}");
}

#[tokio::test]
async fn a_host_whose_words_stand_in_the_path_is_named_all_the_same() {
    let hook = WebhookChannel::builder("https://opensesame.invalid/opensesame").build().unwrap();
    let error = hook.deliver(&delivery("no money")).await.unwrap_err();
    let cause = super::cause(&error);
    assert!(cause.starts_with("https://opensesame.invalid could not be reached: "), "{cause}");
}

#[test]
fn a_channel_that_is_not_made_says_no_more() {
    for url in [
        format!("http://hooks.example.com{PATH}"),
        format!("https://10.0.0.1{PATH}"),
        format!("https://TokenOfMine:opensesame@hooks.example.com{PATH}"),
        format!("https://hooks.example.com:port{PATH}"),
        format!("hooks.example.com{PATH}"),
        format!("tokenofmine:{PATH}"),
    ] {
        let webhook = WebhookChannel::builder(url.as_str()).build().unwrap_err();
        check(&format!("{webhook} {webhook:?}"));
        let chat = SlackChannel::builder(url).build().unwrap_err();
        let texts = format!("{chat} {chat:?}");
        check(&texts);
        // What stands there is the example of an error's text.
        let texts = texts.replace("https://hooks.example.com/alerts", "");
        assert!(!texts.contains("hooks.example.com"), "{texts}");
    }
    let hook = || WebhookChannel::builder("https://hooks.example.com/");
    let url = format!("https://hooks.example.com{PATH}");
    for builder in [
        hook().header("x", "tokenofmine\n"),
        // What belongs elsewhere, put into the wrong place.
        hook().header("authorization: Bearer TokenOfMine", "x"),
        hook().allow_http(url.as_str()),
        hook().allow_private(url.as_str()),
    ] {
        let error = builder.build().unwrap_err();
        check(&format!("{error} {error:?}"));
    }
    for text in ["whsec_opensesame!", "whsec_T0AAAAAA"] {
        let error = SigningSecret::parse(text).unwrap_err();
        let texts = format!("{error} {error:?}").replace("`whsec_`", "");
        check(&texts);
    }
}
