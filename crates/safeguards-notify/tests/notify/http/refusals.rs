//! Addresses and URLs that are not posted to.

use safeguards_notify::{Channel as _, SlackChannel, WebhookBuilder, WebhookChannel};

use super::{delivery, fate, hook};
use crate::http_server::{HttpServer, Reply};

#[track_caller]
fn check(builder: WebhookBuilder, code: &str, text: &str) {
    let error = builder.build().unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (code, text));
}

#[test]
fn a_mistake_is_named_before_anything_is_sent() {
    let to = WebhookChannel::builder;
    check(
        to("hooks.example.com/a"),
        "notify.invalid_url",
        "the text is no URL: relative URL without a base; a webhook has one such as https://hooks.example.com/alerts",
    );
    check(
        to("http://hooks.example.com/a"),
        "notify.url_plain_http",
        "http://hooks.example.com is not posted to: plain `http` is not encrypted; write `https`, or allow it with `allow_http` and the host",
    );
    check(
        to("https://me:secret@hooks.example.com/a"),
        "notify.url_user_info",
        "https://hooks.example.com is not posted to: the URL has user info before its host; send credentials in a header",
    );
    check(
        to("https://169.254.169.254/latest"),
        "notify.private_address",
        "https://169.254.169.254 is not posted to: its address 169.254.169.254 is no public one (link-local); allow it with `allow_private` and the host",
    );
    check(
        to("file:///etc/passwd"),
        "notify.url_not_web",
        "the URL is not posted to: a webhook has an `https` URL with a host",
    );
    check(
        to("https://hooks.example.com").allow_http("http://hooks.example.com"),
        "notify.invalid_host",
        "`allow_http` was given what is no host; write a name or an address alone",
    );
    check(
        to("https://hooks.example.com").header("Webhook-Id", "1"),
        "notify.invalid_header",
        "the header \"Webhook-Id\" cannot be sent: the channel sets it itself",
    );
    check(
        to("https://hooks.example.com").header("x-key", "two\r\nlines"),
        "notify.invalid_header",
        "the header \"x-key\" cannot be sent: a value has visible ASCII characters and spaces alone",
    );
    check(
        to("https://hooks.example.com").header("x key", "1"),
        "notify.invalid_header",
        "the header \"[hidden]\" cannot be sent: a name has letters, digits and `-` alone",
    );
    check(
        to("https://hooks.example.com").root_certificate("no PEM"),
        "notify.invalid_certificate",
        "the root certificate cannot be read: there is no `BEGIN CERTIFICATE` in it",
    );
    let error =
        SlackChannel::builder("https://chat.example.com/x").text_max(100).build().unwrap_err();
    assert_eq!(error.code(), "notify.text_bound_out_of_range");
    assert_eq!(error.to_string(), "a text of 100 characters at most; 200 to 40000 can be set");
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_refused_unless_it_is_named() {
    let server = HttpServer::start(|_| Reply::status(200)).await;
    let url = server.url_at("localhost", "/");
    // Another host's leave is none for this one, and leave for plain HTTP none for an address.
    let refused =
        WebhookChannel::builder(url.as_str()).allow_http("localhost").allow_private("127.0.0.1");
    let (is_retryable, cause) = fate(&refused.build().unwrap()).await.unwrap_err();
    assert!(!is_retryable);
    let place = server.url_at("localhost", "");
    let start = format!("{place} is not posted to: its address ");
    assert!(cause.starts_with(&start), "{cause}");
    assert!(
        cause.ends_with("is no public one (loopback); allow it with `allow_private` and the host"),
        "{cause}"
    );
    assert_eq!(server.connections(), 0);

    let allowed = WebhookChannel::builder(url).allow_http("LOCALHOST").allow_private("localhost.");
    allowed.build().unwrap().deliver(&delivery("no money")).await.unwrap();
    server.request();
}

#[tokio::test]
async fn each_redirect_is_looked_at_like_the_first_url() {
    let inner = HttpServer::start(|_| Reply::status(200)).await;
    for (to, expected) in [
        (inner.url_at("localhost", "/inner"), "(loopback)"),
        ("http://169.254.169.254/latest/meta-data".to_owned(), "(link-local)"),
        ("http://[::ffff:10.0.0.1]/".to_owned(), "(private)"),
        ("http://0x7f000002/".to_owned(), "127.0.0.2"),
        ("http://hooks.example.com/".to_owned(), "plain `http` is not encrypted"),
        ("ftp://hooks.example.com/".to_owned(), "a webhook has an `https` URL"),
        (inner.url("/").replacen("//", "//me:secret@", 1), "user info"),
    ] {
        let location = to.clone();
        let server = HttpServer::start(move |_| Reply::redirect(307, &location)).await;
        // Leave to speak without TLS says nothing of addresses.
        let hosts = ["localhost", "169.254.169.254", "::ffff:10.0.0.1", "127.0.0.2"];
        let hook = hosts.iter().fold(hook(&server.url("/")), |hook, host| hook.allow_http(*host));
        let (is_retryable, cause) = fate(&hook.build().unwrap()).await.unwrap_err();
        assert!(!is_retryable, "{to}");
        assert!(cause.contains(expected), "{to}: {cause}");
        server.request();
    }
    assert_eq!(inner.connections(), 0);
}
