//! What is sent, what an answer means, and that a repeat can be told.

use std::{sync::Arc, time::Duration};

use reqwest::header::{HeaderMap, HeaderName};
use safeguards_notify::{
    Channel as _, Delivery, Notification, Template,
    webhook::{SignatureHeaders, SigningSecret, verify},
};
use safeguards_types::{SimClock, Timestamp};
use standardwebhooks::Webhook;
use tokio::{net::TcpListener, task::JoinSet};

use super::{alert, cause, delivery, fate, hook, id, notification};
use crate::http_server::{HttpServer, Reply, Request};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEXT_SECRET: &str = "whsec_bmV4dCBzZWNyZXQsIGFzIGxvbmcgYXMgbmVlZGVk";

fn secret(text: &str) -> SigningSecret {
    SigningSecret::parse(text).unwrap()
}

fn signature(request: &Request) -> SignatureHeaders<'_> {
    SignatureHeaders {
        id: request.header("webhook-id"),
        timestamp: request.header("webhook-timestamp"),
        signature: request.header("webhook-signature"),
    }
}

#[tokio::test]
async fn a_delivery_is_one_post_with_all_that_is_documented() {
    let server = HttpServer::start(|_| Reply::status(204)).await;
    let clock = SimClock::at(Timestamp::parse("2026-01-05T09:00:00.75Z").unwrap());
    let hook = hook(&server.url("/hooks?a=b")).clock(clock).header("Authorization", "Bearer abcd");
    let hook = hook.build().unwrap();
    hook.deliver(&delivery("no money")).await.unwrap();

    let request = server.request();
    assert_eq!(request.line, "POST /hooks?a=b");
    let id = id(1).to_string();
    for (name, value) in [
        ("content-type", "application/json"),
        ("idempotency-key", id.as_str()),
        ("webhook-id", id.as_str()),
        ("webhook-timestamp", "1767603600"),
        ("webhook-signature", ""),
        ("authorization", "Bearer abcd"),
        ("user-agent", concat!("safeguards-notify/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(request.header(name), value, "{name}");
    }
    let body = request.json();
    assert_eq!((&body["version"], &body["id"]), (&1.into(), &id.as_str().into()));
    assert_eq!(body["text"], "high  budget.denied: no money");
    assert_eq!(body["alerts"][0]["message"], "no money");
}

#[tokio::test]
async fn others_can_verify_what_is_signed_and_we_what_they_sign() {
    let server = HttpServer::start(|_| Reply::status(200)).await;
    let hook = hook(&server.url("/")).sign_with(secret(SECRET)).sign_with(secret(NEXT_SECRET));
    hook.build().unwrap().deliver(&delivery("no money")).await.unwrap();

    let request = server.request();
    let header = |(name, value): &(String, String)| {
        (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())
    };
    let headers: HeaderMap = request.headers.iter().map(header).collect();
    for known in [SECRET, NEXT_SECRET] {
        let theirs = Webhook::new(known).unwrap();
        theirs.verify(&request.body, &headers).unwrap();
        theirs.verify(b"{}", &headers).unwrap_err();
    }
    let theirs = Webhook::new("whsec_c29tZWJvZHkgZWxzZSdzIG93biBzZWNyZXQ=").unwrap();
    theirs.verify(&request.body, &headers).unwrap_err();

    let (seconds, at) = (1_767_603_600, Timestamp::parse("2026-01-05T09:00:00Z").unwrap());
    let signed = Webhook::new(SECRET).unwrap().sign("msg_1", seconds, b"body").unwrap();
    let timestamp = seconds.to_string();
    let headers = SignatureHeaders { id: "msg_1", timestamp: &timestamp, signature: &signed };
    verify(&secret(SECRET), headers, b"body", at, Duration::ZERO).unwrap();
}

#[track_caller]
fn check_after(
    status: u16,
    header: &str,
    got: &safeguards_notify::DeliveryError,
    after: Option<u64>,
) {
    assert_eq!(got.retry_after(), after.map(Duration::from_secs), "{status} {header}");
}

#[tokio::test]
async fn what_an_answer_means() {
    let answer = |request: &Request| {
        let mut parts = request.line.split('/').skip(1);
        let reply = Reply::status(parts.next().unwrap().parse().unwrap()).text("told so");
        reply.header("retry-after", parts.next().unwrap())
    };
    let server = HttpServer::start(answer).await;
    let clock = SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z").unwrap());
    for (status, after, expected) in [
        (200, "0", None),
        (202, "60", None),
        (408, "60", Some((true, Some(60)))),
        (425, "0", Some((true, Some(0)))),
        (429, "7200", Some((true, Some(3600)))),
        (429, "soon", Some((true, None))),
        (500, "", Some((true, None))),
        (503, "1", Some((true, Some(1)))),
        (400, "60", Some((false, None))),
        (401, "60", Some((false, None))),
        (404, "60", Some((false, None))),
        (410, "60", Some((false, None))),
        (304, "60", Some((false, None))),
    ] {
        let hook = hook(&server.url(&format!("/{status}/{after}"))).clock(clock.clone());
        let got = hook.build().unwrap().deliver(&delivery("no money")).await;
        match (&got, expected) {
            (Ok(()), None) => {}
            (Err(error), Some((is_retryable, after_s))) => {
                assert_eq!(error.is_retryable(), is_retryable, "{status}");
                check_after(status, after, error, after_s);
            }
            _ => panic!("{status}: {got:?}"),
        }
    }
}

#[tokio::test]
async fn a_date_to_come_back_at_is_understood_by_the_clock() {
    let date = "Mon, 05 Jan 2026 09:01:00 GMT";
    let server = HttpServer::start(move |_| Reply::status(503).header("retry-after", date)).await;
    let clock = SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z").unwrap());
    let hook = hook(&server.url("/")).clock(clock).build().unwrap();
    let error = hook.deliver(&delivery("no money")).await.unwrap_err();
    check_after(503, date, &error, Some(60));
}

#[tokio::test]
async fn an_answer_is_named_with_the_beginning_of_its_text() {
    let text = format!("first\nsecond {}", "x".repeat(1_000));
    let server = HttpServer::start(move |_| Reply::status(422).text(text.clone())).await;
    let (is_retryable, cause) = fate(&hook(&server.url("/a")).build().unwrap()).await.unwrap_err();
    assert!(!is_retryable);
    let place = server.url("");
    let start = format!("{place} answered 422 Unprocessable Entity: first\\nsecond xxx");
    assert!(cause.starts_with(&start) && cause.ends_with("x… (cut)"), "{cause}");
    assert!(cause.chars().count() < 400, "{cause}");
}

#[tokio::test]
async fn what_arrived_is_not_sent_again_for_a_text_that_never_ends() {
    for reply in
        [Reply::status(200).text("on and on ").endless(), Reply::status(200).text("ok").stuck()]
    {
        let server = HttpServer::start(move |_| reply.clone()).await;
        let hook = hook(&server.url("/")).build().unwrap();
        hook.deliver(&delivery("no money")).await.unwrap();
        server.ended(1).await;
        server.request();
    }
}

#[tokio::test]
async fn a_failure_whose_text_never_ends_is_one_all_the_same() {
    for reply in [
        Reply::status(500).text("on and on ").endless(),
        Reply::status(500).text("on and on").stuck(),
    ] {
        let server = HttpServer::start(move |_| reply.clone()).await;
        let hook = hook(&server.url("/")).build().unwrap();
        let (is_retryable, cause) = fate(&hook).await.unwrap_err();
        assert!(is_retryable);
        assert!(cause.contains("answered 500"), "{cause}");
        server.ended(1).await;
    }
}

#[tokio::test]
async fn no_answer_may_be_one_later() {
    let hung_up = HttpServer::start(|_| Reply::hang_up()).await;
    let free = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let closed = format!("http://{}/", free.local_addr().unwrap());
    drop(free);
    for (url, word) in [
        (hung_up.url("/"), "could not be reached"),
        (closed, "refused"),
        ("https://no-such-host.invalid/".to_owned(), "could not be reached"),
    ] {
        let (is_retryable, cause) = fate(&hook(&url).build().unwrap()).await.unwrap_err();
        assert!(is_retryable, "{cause}");
        assert!(cause.to_lowercase().contains(word), "{cause}");
    }
}

#[tokio::test]
async fn a_repeat_has_the_same_id_and_a_signature_of_its_own() {
    let server = HttpServer::start(|request| match request.header("webhook-timestamp") {
        "1767603600" => Reply::status(503),
        _ => Reply::status(200),
    })
    .await;
    let clock = SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z").unwrap());
    let hook = hook(&server.url("/")).sign_with(secret(SECRET)).clock(clock.clone());
    let hook = hook.build().unwrap();
    let delivery = delivery("no money");
    hook.deliver(&delivery).await.unwrap_err();
    clock.advance(Duration::from_secs(5));
    hook.deliver(&delivery.at_attempt(2)).await.unwrap();

    let requests = server.requests();
    let [first, second] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.header("idempotency-key"), id(1).to_string());
    assert_eq!(second.header("idempotency-key"), id(1).to_string());
    assert_eq!(first.body, second.body);
    for (request, at) in [(first, "2026-01-05T09:00:00Z"), (second, "2026-01-05T09:00:05Z")] {
        let at = Timestamp::parse(at).unwrap();
        let headers = signature(request);
        verify(&secret(SECRET), headers, &request.body, at, Duration::ZERO).unwrap();
    }
    // The connection was used again.
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_future_that_is_dropped_leaves_no_connection() {
    let server = HttpServer::start(|request| match request.line.as_str() {
        "POST /slow" => Reply::status(200).after(Duration::from_hours(1)),
        _ => Reply::status(200),
    })
    .await;
    let slow = hook(&server.url("/slow")).build().unwrap();
    let delivery = delivery("no money");
    {
        let attempt = slow.deliver(&delivery);
        tokio::pin!(attempt);
        // Up to the point where the server has it all and has not answered.
        while server.requests().is_empty() {
            tokio::select! {
                biased;
                _ = &mut attempt => panic!("answered"),
                () = tokio::task::yield_now() => {}
            }
        }
    }
    server.ended(1).await;
    let quick = hook(&server.url("/")).build().unwrap();
    quick.deliver(&delivery).await.unwrap();
}

#[tokio::test]
async fn many_at_once_are_kept_apart() {
    let echo = |request: &Request| {
        let body = request.json();
        let number = body["alerts"][0]["message"].as_str().unwrap().parse().unwrap_or(0);
        Reply::status(if number % 2 == 0 { 200 } else { 400 })
    };
    let server = HttpServer::start(echo).await;
    let hook = Arc::new(hook(&server.url("/")).build().unwrap());
    let mut tasks = JoinSet::new();
    for number in 0..64_u64 {
        let hook = Arc::clone(&hook);
        tasks.spawn(async move {
            let one = Notification::new(id(number), "ops", alert(&number.to_string()));
            (number, hook.deliver(&Delivery::new(one)).await.is_ok())
        });
    }
    for (number, arrived) in tasks.join_all().await {
        assert_eq!(arrived, number % 2 == 0, "{number}");
    }
    let mut ids: Vec<_> =
        server.requests().iter().map(|request| request.header("webhook-id").to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 64);
}

#[tokio::test]
async fn a_group_that_is_too_large_arrives_with_its_number() {
    let server = HttpServer::start(|_| Reply::status(200)).await;
    let big = |index: u32| alert(&format!("{index}: {}", "x".repeat(50_000)));
    let group = (1..40).fold(notification("first"), |group, index| group.with_alert(big(index)));
    let hook = hook(&server.url("/")).sign_with(secret(SECRET)).build().unwrap();
    hook.deliver(&Delivery::new(group.with_more(7))).await.unwrap();
    let request = server.request();
    assert!(request.body.len() <= 1024 * 1024, "{}", request.body.len());
    let body = request.json();
    // Twenty of 50,000 bytes, and the small one.
    assert_eq!(body["alerts"].as_array().unwrap().len(), 21);
    assert_eq!((&body["count"], &body["more"]), (&47.into(), &26.into()));
    assert_eq!(body["trimmed"], 19);
}

#[tokio::test]
async fn a_template_says_what_is_posted() {
    let server = HttpServer::start(|_| Reply::status(200)).await;
    let page = Template::parse(r#"{"title": {{ latest.message|tojson }}}"#).unwrap();
    let hook = hook(&server.url("/")).template(page, "application/vnd.pager+json");
    let hook = hook.sign_with(secret(SECRET)).build().unwrap();
    hook.deliver(&delivery("no \"money\"")).await.unwrap();
    let request = server.request();
    assert_eq!(request.header("content-type"), "application/vnd.pager+json");
    assert_eq!(request.json(), serde_json::json!({"title": "no \"money\""}));
}

#[tokio::test]
async fn a_template_that_fails_posts_plain_words() {
    let server = HttpServer::start(|_| Reply::status(200)).await;
    // No notification that the template is tried with says this.
    let text = "{% if latest.message == 'no money' %}{{ latest.metadata.percent + 1 }}{% endif %}";
    let page = Template::parse(text).unwrap();
    let hook = hook(&server.url("/")).template(page, "application/json").build().unwrap();
    let one = Notification::new(id(1), "ops", alert("no money").with("percent", "much"));
    hook.deliver(&Delivery::new(one)).await.unwrap();
    let request = server.request();
    assert_eq!(request.header("content-type"), "text/plain; charset=utf-8");
    let text = String::from_utf8(request.body).unwrap();
    assert!(text.contains("no money") && text.contains("template"), "{text}");
}

#[tokio::test]
async fn what_is_given_up_on_says_why() {
    let server = HttpServer::start(|_| Reply::status(410).text("gone for good")).await;
    let hook = hook(&server.url("/a")).build().unwrap();
    let error = hook.deliver(&delivery("no money")).await.unwrap_err();
    assert_eq!(cause(&error), format!("{} answered 410 Gone: gone for good", server.url("")));
}
