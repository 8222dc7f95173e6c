//! Which redirects are followed, and with what.

use safeguards_notify::{Channel as _, WebhookError};

use super::{delivery, fate, hook};
use crate::http_server::{HttpServer, Reply, Request};

/// Answers `/n` with a redirect to `/n-1`, and `/0` with 200.
fn countdown(status: u16) -> impl Fn(&Request) -> Reply + Send + Sync {
    move |request| {
        let (_, left) = request.line.rsplit_once('/').unwrap();
        match left.parse::<u32>().unwrap() {
            0 => Reply::status(200),
            left => Reply::redirect(status, &format!("/{}", left - 1)),
        }
    }
}

#[tokio::test]
async fn three_are_followed_and_the_body_goes_along() {
    for status in [307, 308] {
        let server = HttpServer::start(countdown(status)).await;
        hook(&server.url("/3")).build().unwrap().deliver(&delivery("no money")).await.unwrap();
        let requests = server.requests();
        let lines: Vec<_> = requests.iter().map(|request| request.line.as_str()).collect();
        assert_eq!(lines, ["POST /3", "POST /2", "POST /1", "POST /0"]);
        for request in &requests {
            assert_eq!(request.body, requests[0].body);
            assert_eq!(request.header("webhook-id"), requests[0].header("webhook-id"));
            assert_eq!(request.header("content-type"), "application/json");
        }
    }
}

#[tokio::test]
async fn one_more_than_allowed_is_an_error() {
    for (redirects_max, way, followed) in [(3, "/4", 4), (0, "/1", 1), (10, "/11", 11)] {
        let server = HttpServer::start(countdown(307)).await;
        let hook = hook(&server.url(way)).redirects_max(redirects_max).build().unwrap();
        let (is_retryable, cause) = fate(&hook).await.unwrap_err();
        assert!(!is_retryable);
        let place = server.url("");
        let expected = format!(
            "{place} was the last of {redirects_max} redirects, and answered with one more"
        );
        assert_eq!(cause, expected);
        assert_eq!(server.requests().len(), followed);
    }
    let server = HttpServer::start(countdown(307)).await;
    let error = hook(&server.url("/")).redirects_max(11).build().unwrap_err();
    assert_eq!(error, WebhookError::TooManyRedirects { given: 11, max: 10 });
}

#[tokio::test]
async fn a_post_does_not_become_a_get() {
    for status in [301, 302, 303] {
        let server = HttpServer::start(countdown(status)).await;
        let hook = hook(&server.url("/1")).build().unwrap();
        let (is_retryable, cause) = fate(&hook).await.unwrap_err();
        assert!(!is_retryable);
        assert!(cause.contains("would lose the alert"), "{cause}");
        server.request();
    }
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_an_error() {
    for reply in
        [Reply::status(307), Reply::redirect(308, "http://"), Reply::redirect(307, "a\u{e9}b://[")]
    {
        let server = HttpServer::start(move |_| reply.clone()).await;
        let hook = hook(&server.url("/")).build().unwrap();
        let (is_retryable, cause) = fate(&hook).await.unwrap_err();
        assert!(!is_retryable);
        assert!(cause.ends_with("without a URL to go to"), "{cause}");
    }
}

#[tokio::test]
async fn headers_of_ones_own_stay_with_their_host() {
    let other = HttpServer::start(|_| Reply::status(200)).await;
    let to = other.url("/end");
    let server = HttpServer::start(move |request| match request.line.as_str() {
        "POST /start" => Reply::redirect(307, "/middle"),
        _ => Reply::redirect(307, &to),
    })
    .await;
    let hook = hook(&server.url("/start")).header("authorization", "Bearer abcd").build().unwrap();
    hook.deliver(&delivery("no money")).await.unwrap();
    for request in server.requests() {
        assert_eq!(request.header("authorization"), "Bearer abcd");
    }
    // Another port is another place.
    let request = other.request();
    assert_eq!(request.header("authorization"), "");
    assert_eq!(request.body, server.requests()[0].body);
}
