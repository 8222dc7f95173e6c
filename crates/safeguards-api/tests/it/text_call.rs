//! Requests as text, by the version that is named at run time.

use safeguards_api::Safeguards;
use serde_json::{Value, json};

#[tokio::test]
async fn a_request_as_text_is_answered_by_the_version_that_is_named() {
    let sg = Safeguards::in_memory();
    let call = async |version: &str, request: Value| {
        let answer = sg.call(version, &request.to_string()).await;
        let read = |text: String| serde_json::from_str::<Value>(&text).unwrap();
        answer.map(read).map_err(read)
    };
    let made =
        json!({ "call": "agents.create", "name": "reader", "budget": "4 USD", "priority": 7 });
    let agent = json!({ "call": "agents.create", "agent": { "id": "reader", "priority": 7 } });
    assert_eq!(call("v2", made.clone()).await, Ok(agent.clone()));
    assert_eq!(call("latest", made.clone()).await, Ok(agent), "made again it is the same");
    let refused = call("v1", made).await.unwrap_err();
    assert_eq!(
        refused["code"], "api.bad_request",
        "version 1 calls it `initial_budget`: {refused}"
    );

    // What one version has written, the other reads; a denial comes with its numbers, whichever is asked.
    let left = call("v1", json!({ "call": "budgets.get", "account": "reader" })).await.unwrap();
    assert_eq!(left["remaining_budget"], "4.00 USD");
    let op = sg.operation();
    let charge = json!({ "call": "budget.charge", "account": "reader", "amounts": { "USD": "5" }, "op": op });
    let denied = call("v2", charge).await.unwrap_err();
    assert_eq!(denied["code"], "budget.limit_exceeded");
    assert_eq!(denied["denial"]["available"], "4");

    for version in ["v3", "V2", "", "2", " v2", "v2\0"] {
        let refused = call(version, json!({ "call": "agents.list" })).await.unwrap_err();
        let said = format!("there is no API version `{version}`; there are v1, v2 and latest");
        assert_eq!(refused, json!({ "code": "api.unknown_version", "message": said }));
    }
    for text in ["", "nonsense", "[]", "{\"call\":\"agents.list\"} x"] {
        for version in ["v1", "v2"] {
            let refused: Value =
                serde_json::from_str(&sg.call(version, text).await.unwrap_err()).unwrap();
            assert_eq!(refused["code"], "api.bad_request", "{text}: {refused}");
        }
    }
}

/// A name that no call has is told at once, however long it is: nothing is compared with it letter by letter.
#[tokio::test]
async fn a_name_of_many_letters_is_answered() {
    let sg = Safeguards::in_memory();
    let request = json!({ "call": "a".repeat(8 << 20) }).to_string();
    for version in ["v1", "v2"] {
        let refused = sg.call(version, &request).await.unwrap_err();
        assert!(refused.contains("no call is named `aaa") && refused.len() < 4_000);
    }
}
