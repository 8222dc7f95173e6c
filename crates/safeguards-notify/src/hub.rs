//! [`Alerts`]: the hub that takes alerts in and brings them to handlers and channels.

mod builder;
mod pump;
mod saving;
mod status;

use std::sync::{Arc, atomic::AtomicBool};

use parking_lot::Mutex;
use safeguards_types::{Clock, OperationIds, Severity, Timestamp};
use tokio::sync::Notify;

pub(crate) use self::saving::Saving;
use self::status::in_time;
pub use self::{
    builder::{AlertsBuilder, BuildError},
    saving::{MarkError, ResendError},
    status::{HubStatus, Undelivered},
};
use crate::{
    Alert, AlertChange, AlertError, AlertId, AlertQuery, AlertRecord, AlertStoreError, Channel,
    ChannelOptions, DeadLetters, DeliveryId, Handler, HandlerFault, HandlerId, RulesWarning,
    Running, Silence, SilenceId, StartError, TopicError, TopicFilter,
    dispatch::{Decided, Dispatcher},
    handler::Handlers,
    lane::{Failure, Next},
    outbox::Outbox,
    telemetry::{self, GivenUp},
    topic,
};

/// Takes alerts in, shows them to handlers, and brings them to channels. Clones are the same hub.
///
/// ```
/// use safeguards_notify::{Alert, AlertQuery, Alerts, topic};
/// use safeguards_types::Severity;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let alerts = Alerts::new(); // no channels: handlers and a history
/// let id = alerts.on("team.*", |alert: &Alert| alert.severity() >= Severity::High)?;
/// let sent = alerts.send(Alert::new(Severity::Low, topic!("team.note"), "ready").about("reader"));
/// assert!(!sent.handled);
/// assert_eq!(alerts.history(&AlertQuery::all()).await?[0].alert.id(), Some(sent.id));
/// assert!(alerts.off(id));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Alerts {
    pub(crate) hub: Arc<Hub>,
}

/// What became of an alert when it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// The alert's name from here on.
    pub id: AlertId,
    /// Whether a handler dealt with it.
    pub handled: bool,
    /// What was cut from it, since an alert has a bounded size; `None` where nothing was.
    pub cut: Option<AlertError>,
}

/// What clones of a hub share.
#[derive(Debug)]
pub(crate) struct Hub {
    clock: Arc<dyn Clock>,
    ids: OperationIds,
    handlers: Handlers,
    state: Mutex<State>,
    pub(crate) saving: Saving,
    pub(crate) lanes: Vec<LaneEnd>,
    warnings: Vec<RulesWarning>,
    /// Tells the driver that a group or an escalation wants something.
    pub(crate) wake: Notify,
    /// Whether somebody holds the [`Running`] of this hub.
    pub(crate) is_running: AtomicBool,
}

/// What is decided under one lock.
#[derive(Debug)]
struct State {
    dispatcher: Dispatcher,
    outbox: Outbox,
}

/// Where a lane leads out; the lane has the same index in the outbox.
#[derive(Debug)]
pub(crate) struct LaneEnd {
    pub(crate) channel: Arc<dyn Channel>,
    pub(crate) options: ChannelOptions,
    /// Tells the lane's task that there is something to do.
    pub(crate) wake: Notify,
}

impl Alerts {
    /// A hub without channels, on the machine's clock.
    pub fn new() -> Self {
        AlertsBuilder::plain()
    }

    /// Starts from a hub without channels, on the machine's clock, with the default
    /// [`Rules`](crate::Rules) and a [`MemoryAlertStore`](crate::MemoryAlertStore).
    pub fn builder() -> AlertsBuilder {
        AlertsBuilder::new()
    }

    /// Sends an alert: keeps it in the history, brings it on its way by the rules, and shows it to the
    /// handlers whose filter it matches. Waits for no channel and no store.
    ///
    /// Handlers run here and now, on the caller's thread, in the order in which they were added; all of
    /// them, whatever each of them returns. Where a channel's queue is full, the notification becomes a dead
    /// letter of that channel alone. An alert that was sent before keeps its id and time. What is too large
    /// is cut, and [`Sent::cut`] says so; [`Alert::check`] says it beforehand.
    pub fn send(&self, alert: Alert) -> Sent {
        let (alert, cut) = alert.fitted();
        let (id, alert) = self.hub.take_in(alert);
        let shown = self.hub.handlers.show(&alert);
        for fault in shown.first_faults {
            // Not shown to handlers, so that it goes round in no circle.
            // What it says may be of any length.
            let (alert, _) = handler_failed(&fault).fitted();
            self.hub.take_in(alert);
        }
        Sent { id, handled: shown.handled, cut }
    }

    /// As [`send`](Self::send), and gives its answer when the store has the alert: what a durable store
    /// confirmed is delivered or a dead letter some day, also across a crash.
    ///
    /// # Errors
    ///
    /// Where the store failed. The alert is sent nevertheless, and saved when the store is there again.
    pub async fn send_saved(&self, alert: Alert) -> Result<Sent, AlertStoreError> {
        let sent = self.send(alert);
        self.hub.save().await?;
        Ok(sent)
    }

    /// How far a journal was read whose entries are made into alerts, as the store has it: after a restart, what stands
    /// behind that is to be told yet. `None` where nobody has said so.
    ///
    /// # Errors
    ///
    /// Where the store failed.
    pub async fn read_to(&self, journal: &str) -> Result<Option<u64>, AlertStoreError> {
        self.hub.save().await?;
        let unfinished = in_time(self.hub.saving.store().unfinished()).await?;
        Ok(unfinished.read_to.get(journal).copied())
    }

    /// Says that a journal was read up to this entry, and that all alerts of it were sent. The store has it after them, so
    /// that none of them is lost with the process; some may be sent again by whoever reads on.
    ///
    /// ```
    /// use safeguards_notify::{Alert, Alerts, MemoryAlertStore, topic};
    /// use safeguards_types::Severity;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = MemoryAlertStore::new();
    /// let alerts = Alerts::builder().memory(store.clone()).build()?;
    /// alerts.send(Alert::new(Severity::High, topic!("deploy.failed"), "build 17 failed"));
    /// alerts.note_read("builds", 17);
    ///
    /// // After a restart: builds from 18 on are to be told yet.
    /// let alerts = Alerts::builder().memory(store).build()?;
    /// assert_eq!(alerts.read_to("builds").await?, Some(17));
    /// # Ok(())
    /// # }
    /// ```
    pub fn note_read(&self, journal: impl Into<String>, entry: u64) {
        let change = AlertChange::ReadTo { journal: journal.into(), entry };
        self.hub.decide(self.hub.now(), |_, out| out.changes.push(change));
    }

    /// Adds a handler for the topics that `filter` matches, behind those added before.
    ///
    /// # Errors
    ///
    /// Where `filter` is a text that is no [`TopicFilter`].
    pub fn on<F>(&self, filter: F, handler: impl Handler) -> Result<HandlerId, TopicError>
    where
        F: TryInto<TopicFilter>,
        TopicError: From<F::Error>,
    {
        Ok(self.hub.handlers.add(filter.try_into()?, handler))
    }

    /// Adds a handler for every topic, behind those added before.
    pub fn on_all(&self, handler: impl Handler) -> HandlerId {
        self.hub.handlers.add(TopicFilter::all(), handler)
    }

    /// Removes a handler. Gives `false` where it is not, or no longer, there.
    ///
    /// An alert that another thread sends at this moment may still be shown to it.
    pub fn off(&self, handler: HandlerId) -> bool {
        self.hub.handlers.remove(handler)
    }

    /// What handlers did wrong: one report for each handler, of the 256 latest. The first fault of a handler
    /// is an alert besides, `alerts.handler_failed`, which goes to channels and not to handlers.
    pub fn handler_faults(&self) -> Vec<HandlerFault> {
        self.hub.handlers.faults()
    }

    /// The latest alerts that `query` means, oldest first.
    ///
    /// # Errors
    ///
    /// Where the store failed.
    pub async fn history(&self, query: &AlertQuery) -> Result<Vec<AlertRecord>, AlertStoreError> {
        self.hub.save().await?;
        in_time(self.hub.saving.store().history(query)).await
    }

    /// What was given up on and not sent again, oldest first.
    ///
    /// # Errors
    ///
    /// Where the store failed.
    pub async fn dead_letters(&self) -> Result<DeadLetters, AlertStoreError> {
        self.hub.save().await?;
        in_time(self.hub.saving.store().dead_letters()).await
    }

    /// Queues a dead letter again, under the same id, with all its attempts before it.
    ///
    /// # Errors
    ///
    /// Where there is no such dead letter, its channel is not there or its queue is full, or the store failed.
    pub async fn resend(&self, letter: DeliveryId) -> Result<(), ResendError> {
        self.hub.resend(letter).await
    }

    /// Says that somebody has seen to an alert: its escalation goes no further. What was acknowledged before
    /// stays as it was.
    ///
    /// # Errors
    ///
    /// Where the history has no such alert (any longer), or the store failed.
    pub async fn acknowledge(
        &self,
        alert: AlertId,
        by: impl Into<String> + Send,
    ) -> Result<AlertRecord, MarkError> {
        self.hub.acknowledge(alert, by.into()).await
    }

    /// Says that what an alert tells of is over, and all alerts of the history with its
    /// [key](Alert::key) besides. It mutes no others any longer, and when it comes again it is news.
    ///
    /// # Errors
    ///
    /// Where the history has no such alert (any longer), or the store failed.
    pub async fn resolve(
        &self,
        alert: AlertId,
        by: impl Into<String> + Send,
    ) -> Result<AlertRecord, MarkError> {
        self.hub.resolve(alert, by.into()).await
    }

    /// Mutes what `silence` matches until its end, what waits in groups included. Muted alerts stand in the
    /// history. A silence of this kind ends with the process; lasting ones stand in the rules.
    pub fn silence(&self, silence: Silence) -> SilenceId {
        let now = self.hub.now();
        self.hub.state.lock().dispatcher.silence(silence, now)
    }

    /// Ends a silence before its time. Gives `false` where it is not, or no longer, there.
    pub fn unsilence(&self, silence: SilenceId) -> bool {
        let now = self.hub.now();
        self.hub.state.lock().dispatcher.unsilence(silence, now)
    }

    /// The silences that are not over, those of the rules included.
    pub fn silences(&self) -> Vec<(SilenceId, Silence)> {
        let now = self.hub.now();
        self.hub.state.lock().dispatcher.silences(now)
    }

    /// Rules that can have no effect, such as a filter that matches nothing. Each is an alert besides when the
    /// hub is started, `alerts.rule_without_effect`.
    pub fn warnings(&self) -> &[RulesWarning] {
        &self.hub.warnings
    }

    /// How the hub and its channels fare.
    pub fn status(&self) -> HubStatus {
        self.hub.status()
    }

    /// Begins to deliver, what waits already included: spawns one task for each channel, one for groups and
    /// escalations, and one for the store.
    ///
    /// Until then, and after [`Running::stop`], alerts wait.
    ///
    /// # Errors
    ///
    /// Outside a Tokio runtime, or inside one without a timer; and where the hub is delivering already.
    pub fn start(&self) -> Result<Running, StartError> {
        let running = Running::start(&self.hub)?;
        for warning in &self.hub.warnings {
            let topic = topic!("alerts.rule_without_effect");
            let (alert, _) = Alert::new(Severity::Low, topic, warning.to_string()).fitted();
            self.hub.take_in(alert);
        }
        Ok(running)
    }
}

impl Default for Alerts {
    fn default() -> Self {
        Self::new()
    }
}

fn handler_failed(fault: &HandlerFault) -> Alert {
    let HandlerFault { filter, kind, message, .. } = fault;
    let text = format!("a handler of `{filter}` {kind}: {message}");
    Alert::new(Severity::High, topic!("alerts.handler_failed"), text)
        .with("code", kind.code())
        .with("filter", filter.as_str())
}

impl Hub {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Takes an alert in, without showing it to handlers.
    fn take_in(&self, alert: Alert) -> (AlertId, Arc<Alert>) {
        let now = self.now();
        let id = alert.id().unwrap_or_else(|| self.ids.mint(now).into());
        let alert = Arc::new(alert.stamp(id, now));
        telemetry::count_alert(alert.severity());
        self.decide(now, |state, out| state.dispatcher.accept(Arc::clone(&alert), now, out));
        (id, alert)
    }

    /// Makes what is due; gives when something is due again.
    pub(crate) fn poll(&self) -> Option<Timestamp> {
        let now = self.now();
        self.decide(now, |state, out| state.dispatcher.poll(now, out));
        self.state.lock().dispatcher.next_deadline()
    }

    /// Makes what gathers in groups, due or not.
    pub(crate) fn flush(&self) {
        let now = self.now();
        self.decide(now, |state, out| state.dispatcher.flush_all(now, out));
    }

    /// Decides something, queues what is to be delivered, notes what changed, and wakes who has to do with it.
    fn decide<T>(&self, now: Timestamp, decide: impl FnOnce(&mut State, &mut Decided) -> T) -> T {
        let mut woken = Vec::new();
        let (answer, wants_saving, wakes_driver, given_up) = {
            let mut state = self.state.lock();
            let before = state.dispatcher.next_deadline();
            let mut out = Decided::default();
            let answer = decide(&mut state, &mut out);
            let Decided { mut changes, notifications } = out;
            for notification in notifications {
                woken.extend(state.outbox.queue(notification, now, &mut changes));
            }
            let given_up = telemetry::given_up(&changes);
            let wants_saving = self.saving.note(changes);
            (answer, wants_saving, state.dispatcher.next_deadline() != before, given_up)
        };
        given_up.into_iter().for_each(GivenUp::tell);
        for lane in woken {
            self.wake_lane(lane);
        }
        if wakes_driver {
            self.wake.notify_one();
        }
        if wants_saving {
            self.saving.wake.notify_one();
        }
        answer
    }

    fn wake_lane(&self, lane: usize) {
        if let Some(end) = self.lanes.get(lane) {
            end.wake.notify_one();
        }
    }

    /// What to do for this channel now.
    pub(crate) fn next(&self, lane: usize) -> Next {
        let now = self.now();
        self.decide(now, |state, out| state.outbox.next(lane, now, &mut out.changes))
    }

    /// Ends an attempt.
    pub(crate) fn finish(&self, lane: usize, id: DeliveryId, result: Result<(), Failure>) {
        let now = self.now();
        self.decide(now, |state, out| {
            out.changes.extend(state.outbox.finish(lane, id, result, now));
        });
    }
}
