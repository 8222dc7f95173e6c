//! [`json`]: the body of a webhook, within its bound.

use safeguards_types::{Severity, Timestamp};
use serde::{Serialize, Serializer};

use crate::{Alert, DeliveryId, Notification, text::cut};

/// The version of this form. Keys may be added under it; none changes or goes.
const VERSION: u32 = 1;
/// How long the line for people is at most.
const TEXT_CHARS_MAX: usize = 4_000;

/// The fields as they are documented on [`webhook`](crate::webhook).
#[derive(Debug, Serialize)]
struct Body<'a> {
    version: u32,
    id: DeliveryId,
    channel: &'a str,
    at: Timestamp,
    severity: Severity,
    count: u64,
    more: u64,
    trimmed: u64,
    repeats: u64,
    escalation: Option<u32>,
    #[serde(serialize_with = "labels")]
    group: &'a [(String, String)],
    text: &'a str,
    alerts: Vec<&'a Alert>,
}

fn labels<S: Serializer>(group: &&[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(group.iter().map(|(label, value)| (label, value)))
}

/// The body, of at most `bytes_max` bytes, which are more than the fields without alerts need.
///
/// Where all alerts do not fit, the newest that do stand in full, and the others are counted.
pub(super) fn json(
    notification: &Notification,
    bytes_max: usize,
) -> Result<Vec<u8>, serde_json::Error> {
    let text = cut(&notification.to_string(), TEXT_CHARS_MAX);
    let of = |alerts: Vec<_>, trimmed: u64| Body {
        version: VERSION,
        id: notification.id(),
        channel: notification.channel(),
        at: notification.at(),
        severity: notification.severity(),
        count: notification.count(),
        more: notification.more().saturating_add(trimmed),
        trimmed,
        repeats: notification.repeats(),
        escalation: notification.escalation(),
        group: notification.group(),
        text: &text,
        alerts,
    };
    let all = || notification.alerts().map(|alert| &**alert);
    let whole = serde_json::to_vec(&of(all().collect(), 0))?;
    if whole.len() <= bytes_max {
        return Ok(whole);
    }

    // The largest numbers, so that there is room for those that come of it.
    let mut frame = of(Vec::new(), u64::MAX);
    let mut frame_bytes = serde_json::to_vec(&frame)?.len();
    if frame_bytes > bytes_max {
        // Labels are short but for those that somebody makes of an agent's own words.
        frame.group = &[];
        frame_bytes = serde_json::to_vec(&frame)?.len();
    }
    let mut room = bytes_max.saturating_sub(frame_bytes);
    let mut kept = Vec::new();
    let mut trimmed = 0_u64;
    for alert in all().rev() {
        // A comma stands between two.
        let bytes = serde_json::to_vec(alert)?.len().saturating_add(1);
        if let Some(left) = room.checked_sub(bytes) {
            room = left;
            kept.push(alert);
        } else {
            trimmed = trimmed.saturating_add(1);
        }
    }
    kept.reverse();
    serde_json::to_vec(&Body { group: frame.group, ..of(kept, trimmed) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use safeguards_types::OperationIds;
    use serde_json::{Value, json as value};

    use super::*;
    use crate::{AlertId, topic};

    fn alert(message: impl Into<String>) -> Alert {
        let ids = OperationIds::seeded(3);
        let at = Timestamp::parse("2026-01-05T09:00:00Z").unwrap();
        let id = AlertId::from(ids.mint(at));
        Alert::new(Severity::Low, topic!("budget.denied"), message).stamp(id, at)
    }

    fn notification(first: Alert) -> Notification {
        let id = DeliveryId::of(first.id().unwrap(), "ops");
        Notification::new(id, "ops", first)
    }

    fn read(notification: &Notification, bytes_max: usize) -> Value {
        let bytes = json(notification, bytes_max).unwrap();
        assert!(bytes.len() <= bytes_max, "{} bytes", bytes.len());
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn each_field_is_there() {
        let one = alert("no money").about("reader").with("asked", "0.5");
        let id = one.id().unwrap();
        let alone = notification(one.clone());
        assert_eq!(
            read(&alone, 10_000),
            value!({
                "version": 1, "id": DeliveryId::of(id, "ops").to_string(), "channel": "ops",
                "at": "2026-01-05T09:00:00Z", "severity": "low", "count": 1, "more": 0, "trimmed": 0,
                "repeats": 0, "escalation": null, "group": {},
                "text": "low  budget.denied: no money",
                "alerts": [{
                    "id": id.to_string(), "at": "2026-01-05T09:00:00Z", "severity": "low",
                    "topic": "budget.denied", "agent": "reader", "message": "no money",
                    "metadata": {"asked": "0.5"},
                }],
            })
        );
        let group = alone.with_alert(alert("nor now")).with_more(5).with_repeats(2);
        let got = read(&group.in_group("agent", "reader").escalated(2), 10_000);
        assert_eq!(got["group"], value!({"agent": "reader"}));
        assert_eq!(
            (&got["count"], &got["more"], &got["repeats"]),
            (&7.into(), &5.into(), &2.into())
        );
        assert_eq!(got["escalation"], 2);
        assert_eq!(got["alerts"][1]["message"], "nor now");
    }

    #[test]
    fn what_does_not_fit_is_counted_and_the_newest_stay() {
        let big = |name: &str| alert(format!("{name}{}", "x".repeat(1_000)));
        let group = notification(big("a")).with_alert(big("b")).with_alert(alert("small"));
        let group = group.with_alert(big("c")).with_more(4);
        let got = read(&group, 3_300);
        let starts: Vec<_> = got["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|alert| &alert["message"].as_str().unwrap()[..1])
            .collect();
        assert_eq!(starts, ["s", "c"]);
        assert_eq!(
            (&got["count"], &got["more"], &got["trimmed"]),
            (&8.into(), &6.into(), &2.into())
        );

        // One that is too large by itself: its line remains.
        let got = read(&notification(big("a").with("all", "y".repeat(9_000))), 3_000);
        assert_eq!(
            (&got["count"], &got["more"], &got["trimmed"]),
            (&1.into(), &1.into(), &1.into())
        );
        assert!(got["text"].as_str().unwrap().starts_with("low  budget.denied: axxx"));
    }

    #[test]
    fn what_agents_write_does_not_get_past_the_bound() {
        let control = "\u{1}".repeat(1_000_000);
        let loud = notification(alert(control.clone())).in_group("said", control);
        let got = read(&loud, 1024 * 1024);
        assert!(got["text"].as_str().unwrap().ends_with("… (cut)"));
        assert_eq!(got["group"], value!({}));
        assert_eq!(got["more"], 1);
    }

    proptest! {
        /// Whatever the sizes: within the bound, nothing lost from the count, order kept.
        #[test]
        fn every_alert_stands_there_or_is_counted(
            sizes in prop::collection::vec(0_usize..900, 1..12), more in 0_u64..9, bytes_max in 10_000_usize..14_000,
        ) {
            let alert = |(index, size): (usize, &usize)| alert(format!("{index:02} {}", "é".repeat(*size)));
            let mut alerts = sizes.iter().enumerate().map(alert);
            let first = notification(alerts.next().unwrap()).with_more(more);
            let group = alerts.fold(first, Notification::with_alert);
            let bytes = json(&group, bytes_max).unwrap();
            prop_assert!(bytes.len() <= bytes_max);
            let got: Value = serde_json::from_slice(&bytes).unwrap();
            let shown = got["alerts"].as_array().unwrap();
            let order: Vec<_> = shown.iter().map(|alert| alert["message"].as_str().unwrap()[..2].to_owned()).collect();
            prop_assert!(order.is_sorted());
            prop_assert_eq!(shown.len() as u64 + got["more"].as_u64().unwrap(), group.count());
            prop_assert_eq!(got["trimmed"].as_u64().unwrap() + more, got["more"].as_u64().unwrap());
        }
    }
}
