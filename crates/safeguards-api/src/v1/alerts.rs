//! Alerts, and handlers that react to them: the guide's notification manager.

use std::sync::Arc;

use safeguards_notify::{Alert, Handler, HandlerId, Sent, topic};
use safeguards_types::{AgentId, Severity};
use serde_json::Value;

use crate::core::Core;

/// Sends alerts and shows them to handlers.
///
/// The guide's example: one agent tells another that its work is there.
///
/// ```
/// use safeguards_api::Safeguards;
/// use safeguards_notify::Alert;
/// use safeguards_types::{Priority, Severity, usd};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let v1 = Safeguards::in_memory().v1();
/// let research = v1.agents().create_agent("research_agent", usd!(100), Priority::P7).await?;
/// let analysis = v1.agents().create_agent("analysis_agent", usd!(100), Priority::P5).await?;
///
/// let communication = v1.alerts().add_handler(|alert: &Alert| {
///     let said = alert.metadata();
///     if said.get("message_type").is_none_or(|kind| kind != "agent_communication") {
///         return false;
///     }
///     println!("for {}: {}", said["target_agent_id"], said["message"]);
///     true // dealt with
/// });
///
/// let sent = v1.alerts().send_alert(
///     &research.id,
///     Severity::Informational,
///     "Research results ready for analysis",
///     [
///         ("message_type", "agent_communication"),
///         ("target_agent_id", analysis.id.as_str()),
///         ("message", "Research complete. Analysis required on data at path /tmp/research_data.json."),
///     ],
/// );
/// assert!(sent.handled);
/// assert!(v1.alerts().remove_handler(communication));
/// # Ok(())
/// # }
/// ```
///
/// Alerts that the guide's way sends have the topic `agent.alert`. Topics, keys, histories and acknowledgement
/// are for who uses [`v2`](crate::v2).
#[derive(Clone, Debug)]
pub struct Alerts {
    core: Arc<Core>,
}

impl Alerts {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Sends an alert of an agent: shows it to the handlers now, and brings it to the channels. Waits for no
    /// channel. `metadata` is pairs of a key and any JSON, or a map of them.
    pub fn send_alert<K: Into<String>, V: Into<Value>>(
        &self,
        agent_id: impl Into<AgentId>,
        severity: Severity,
        message: impl Into<String>,
        metadata: impl IntoIterator<Item = (K, V)>,
    ) -> Sent {
        let alert = Alert::new(severity, topic!("agent.alert"), message).about(agent_id);
        let pairs = metadata.into_iter();
        let alert = pairs.fold(alert, |alert, (key, value)| alert.with(key, value));
        self.core.alerts.send(alert)
    }

    /// Adds a handler for every alert, those of the ledger included, behind those added before. It says
    /// whether it dealt with the alert; either way the others see it too.
    pub fn add_handler(&self, handler: impl Handler) -> HandlerId {
        self.core.alerts.on_all(handler)
    }

    /// Removes a handler. Gives `false` where it is not, or no longer, there.
    pub fn remove_handler(&self, handler: HandlerId) -> bool {
        self.core.alerts.off(handler)
    }
}
