//! What stands in a chat.

use safeguards_notify::{Channel as _, Delivery, SlackBuilder, SlackChannel, Template};
use serde_json::json;

use super::{alert, delivery, fate, notification};
use crate::http_server::{HttpServer, Reply, Request};

fn chat(url: &str) -> SlackBuilder {
    SlackChannel::builder(url).allow_http("127.0.0.1").allow_private("127.0.0.1")
}

#[tokio::test]
async fn an_alert_is_a_text_and_nothing_else() {
    let server = HttpServer::start(|_| Reply::status(200).text("ok")).await;
    let chat = chat(&server.url("/services/T1/B2/abcdef")).build().unwrap();
    chat.deliver(&delivery("<!here> a & b")).await.unwrap();
    let request = server.request();
    assert_eq!(request.line, "POST /services/T1/B2/abcdef");
    assert_eq!(request.header("content-type"), "application/json");
    let text = "high  budget.denied: &lt;!here&gt; a &amp; b";
    assert_eq!(request.json(), json!({ "text": text }));
}

#[tokio::test]
async fn a_group_has_its_bound_and_says_how_many_more() {
    let server = HttpServer::start(|_| Reply::status(200).text("ok")).await;
    let group = (1..500).fold(notification("first"), |group, index| {
        group.with_alert(alert(&format!("number {index:03}")))
    });
    let group = Delivery::new(group);
    for (text_max, shown, left) in [(4_000, 115, 385), (2_000, 56, 444)] {
        let chat = chat(&server.url("/")).text_max(text_max).build().unwrap();
        chat.deliver(&group).await.unwrap();
        let body = server.requests().last().unwrap().json();
        let text = body["text"].as_str().unwrap();
        assert!(text.chars().count() <= text_max, "{}", text.chars().count());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 1 + shown + 1);
        assert_eq!(lines[0], "high  budget.denied: 500 alerts, the latest: number 499");
        assert_eq!(lines[shown], "• high  budget.denied: number 499");
        assert_eq!(lines[shown + 1], format!("… and {left} more"));
    }
}

#[tokio::test]
async fn a_template_is_escaped_and_bounded() {
    let server = HttpServer::start(|_| Reply::status(200).text("ok")).await;
    let template = Template::parse("*{{ severity }}* <{{ latest.message }}>\nsecond line").unwrap();
    let chat = chat(&server.url("/")).template(template).text_max(200).build().unwrap();
    chat.deliver(&delivery("a@b")).await.unwrap();
    chat.deliver(&delivery(&"x".repeat(300))).await.unwrap();
    let texts: Vec<_> = server.requests().iter().map(Request::json).collect();
    assert_eq!(texts[0], json!({"text": "*high* &lt;a@b&gt;\nsecond line"}));
    let cut = texts[1]["text"].as_str().unwrap();
    assert!(cut.ends_with("x… (cut)") && cut.chars().count() == 200, "{cut}");
}

#[tokio::test]
async fn a_refusal_is_told_in_the_chats_own_word() {
    for (status, text, is_retryable) in [
        (404, "no_service", false),
        (403, "invalid_token", false),
        (410, "channel_is_archived", false),
        (429, "rate_limited", true),
        (500, "rollup_error", true),
    ] {
        let server = HttpServer::start(move |_| Reply::status(status).text(text)).await;
        let chat = chat(&server.url("/services/T1/B2/abcdef")).build().unwrap();
        let (retry, cause) = fate(&chat).await.unwrap_err();
        assert_eq!(retry, is_retryable, "{text}");
        assert!(cause.starts_with("the chat answered "), "{cause}");
        assert!(cause.ends_with(&format!(": {text}")), "{cause}");
    }
}
