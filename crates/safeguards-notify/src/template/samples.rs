//! [`samples`]: notifications of each kind, for trying a template out.

use safeguards_types::{OperationIds, Severity, Timestamp};
use serde_json::json;

use crate::{Alert, AlertId, DeliveryId, Notification, topic};

/// Notifications of one alert and of many, of each severity, with all that one may have and with nothing of
/// it.
pub(super) fn samples() -> Vec<Notification> {
    let id = AlertId::from(OperationIds::seeded(1).mint(Timestamp::UNIX_EPOCH));
    let at = Timestamp::UNIX_EPOCH;
    let of = |alert: Alert| Notification::new(DeliveryId::of(id, "sample"), "sample", alert);
    let bare = |severity| Alert::new(severity, topic!("sample.bare"), "a sample");
    let full = |severity| {
        let metadata = [("account", json!("reader")), ("percent", json!("97.5"))];
        let alert = Alert::new(severity, topic!("sample.full"), "a \"sample\" <of> lines\n & more")
            .about("reader")
            .keyed("sample");
        metadata.into_iter().fold(alert, |alert, (key, value)| alert.with(key, value)).stamp(id, at)
    };
    let all = Severity::ALL;
    let mut samples: Vec<Notification> = all.into_iter().map(bare).map(of).collect();
    samples.extend(all.into_iter().map(full).map(of));
    let group = |first: Alert, others: &dyn Fn(Severity) -> Alert| {
        let others = all.into_iter().cycle().take(25).map(others);
        others.fold(of(first), Notification::with_alert)
    };
    samples.push(group(bare(Severity::Low), &bare));
    samples.push(
        group(full(Severity::Critical), &full)
            .in_group("topic", "sample.full")
            .in_group("agent", "reader")
            .with_more(310)
            .with_repeats(7)
            .escalated(1)
            .made_at(at),
    );
    samples.push(of(bare(Severity::High)).escalated(2).with_repeats(1));
    samples
}
