//! The example of `safeguards-notify`'s README, which needs that crate alone.

use safeguards_notify::{Alert, Alerts, ConsoleChannel, topic, types::Severity};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let alerts = Alerts::builder().channel("ops", ConsoleChannel::stderr()).build()?;
    alerts.on("budget.**", |alert: &Alert| println!("seen at once: {alert}"))?;

    let running = alerts.start()?; // from here on the channels are served
    let alert = Alert::new(Severity::Medium, topic!("budget.threshold"), "reader has spent 97.5 %");
    alerts.send(alert.about("reader").with("percent", "97.5")); // waits for nobody

    let undelivered = running.stop().await; // delivers what waits, then ends
    assert!(undelivered.is_empty());
    Ok(())
}
