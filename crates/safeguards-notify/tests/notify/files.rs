//! What a terminal and a file show of single alerts and of groups.

use std::{fs, io, sync::Arc};

use parking_lot::Mutex;
use safeguards_notify::{
    Alert, AlertId, Channel, ConsoleChannel, Delivery, DeliveryId, JsonLinesChannel, Notification,
    Template, topic,
};
use safeguards_types::{OperationIds, Severity, Timestamp};
use serde_json::{Value, json};

fn alert(message: &str) -> Alert {
    Alert::new(Severity::High, topic!("budget.denied"), message).about("reader")
}

/// Notifications with ids of their own, from one alert.
fn notifications() -> impl FnMut(&str) -> Notification {
    let ids = OperationIds::seeded(1);
    let at = Timestamp::parse("2026-01-05T09:00:00Z").unwrap();
    move |message| {
        let id = DeliveryId::of(AlertId::from(ids.mint(at)), "file");
        Notification::new(id, "file", alert(message)).made_at(at)
    }
}

#[derive(Clone, Debug, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl io::Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock())).unwrap()
    }
}

#[tokio::test]
async fn a_terminal_shows_one_line_or_a_group_with_its_latest() {
    let screen = Screen::default();
    let console = ConsoleChannel::new(screen.clone());
    let mut make = notifications();
    console.deliver(&Delivery::new(make("a\n\u{1b}[2Jb"))).await.unwrap();
    assert_eq!(screen.text(), "high  budget.denied: a\\n\\u{1b}[2Jb\n");
    let group = ["b", "c\nd", "e"]
        .into_iter()
        .fold(make("a"), |group, message| group.with_alert(alert(message)));
    console
        .deliver(&Delivery::new(group.with_more(300).in_group("agent", "reader")))
        .await
        .unwrap();
    assert_eq!(
        screen.text(),
        "high  budget.denied: 304 alerts (agent reader), the latest: e\n\
         \u{20} high  budget.denied: b\n  high  budget.denied: c\\nd\n  high  budget.denied: e\n"
    );
    let console =
        console.template(Template::parse("{{ count }}: {{ latest.message }}\n\n").unwrap());
    let delivery = Delivery::new(make("z"));
    // A repeat of what is there already is harmless.
    console.deliver(&delivery).await.unwrap();
    console.deliver(&delivery.at_attempt(2)).await.unwrap();
    assert_eq!(screen.text(), "1: z\n");
}

#[tokio::test]
async fn a_file_has_a_line_for_each_alert_and_one_for_what_is_only_counted() {
    #[track_caller]
    fn check(text: &str, expected: &[Value]) {
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines, expected);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let file = JsonLinesChannel::open(&path).unwrap();
    let mut make = notifications();
    let line = |message: &str| serde_json::to_value(alert(message)).unwrap();

    file.deliver(&Delivery::new(make("a").with_alert(alert("b")).in_group("agent", "reader")))
        .await
        .unwrap();
    check(&fs::read_to_string(&path).unwrap(), &[line("a"), line("b")]);

    fs::remove_file(&path).unwrap();
    let group = make("a").with_alert(alert("b")).with_more(310).in_group("agent", "reader");
    let note = json!({
        "notification": group.id().to_string(),
        "at": "2026-01-05T09:00:00Z",
        "severity": "high",
        "group": { "agent": "reader" },
        "count": 312,
        "more": 310,
        "text": group.to_string(),
    });
    file.deliver(&Delivery::new(group)).await.unwrap();
    check(&fs::read_to_string(&path).unwrap(), &[line("a"), line("b"), note]);

    fs::remove_file(&path).unwrap();
    let again = make("a").escalated(2).with_repeats(7);
    let note = json!({
        "notification": again.id().to_string(),
        "at": "2026-01-05T09:00:00Z",
        "severity": "high",
        "count": 1,
        "repeats": 7,
        "escalation": 2,
        "text": again.to_string(),
    });
    file.deliver(&Delivery::new(again)).await.unwrap();
    check(&fs::read_to_string(&path).unwrap(), &[line("a"), note]);
}

#[tokio::test]
async fn a_file_is_rotated_and_keeps_what_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let mut make = notifications();
    let length = u64::try_from(serde_json::to_string(&alert("0")).unwrap().len() + 1).unwrap();
    let file = JsonLinesChannel::builder(&path).rotate_at(2 * length).keep(2).open().unwrap();
    for message in ["0", "1", "2", "3", "4", "5", "6", "7", "8"] {
        file.deliver(&Delivery::new(make(message))).await.unwrap();
    }
    let messages = |name: &str| -> Option<String> {
        let text = fs::read_to_string(folder.path().join(name)).ok()?;
        let alerts = text.lines().map(|line| serde_json::from_str::<Alert>(line).unwrap());
        Some(alerts.map(|alert| alert.message().to_owned()).collect())
    };
    let names = ["a.jsonl", "a.jsonl.1", "a.jsonl.2", "a.jsonl.3"];
    assert_eq!(
        names.map(messages),
        [Some("8"), Some("67"), Some("45"), None].map(|text| text.map(ToOwned::to_owned))
    );
}

#[test]
fn a_rotation_that_would_delete_alerts_is_refused() {
    #[track_caller]
    fn check(rotate_at: u64, keep: u32, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let error =
            JsonLinesChannel::builder(&path).rotate_at(rotate_at).keep(keep).open().unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains(expected), "{source}");
        assert!(!path.exists());
    }
    check(0, 1, "rotated at 0 bytes; 1 or more");
    check(1, 0, "keep 1 or more");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_may_have_room_later() {
    let file = JsonLinesChannel::open("/dev/full").unwrap();
    let error = file.deliver(&Delivery::new(notifications()("a"))).await.unwrap_err();
    assert!(error.is_retryable());
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.to_string().contains("could not append to the file `/dev/full`"), "{source}");
    assert!(source.source().unwrap().to_string().contains("No space left"), "{source:?}");
}
