//! [`Dispatcher`]: from alerts to notifications: silences, inhibition, cooldowns, groups, escalations. Pure: it
//! takes `now` and says when it wants to be asked again.

mod escalations;
mod groups;
mod inhibitions;
pub(crate) mod latest;
mod recent;

use std::{sync::Arc, time::Duration};

use safeguards_types::Timestamp;

use self::{
    escalations::{Escalations, leave_out},
    groups::{Batch, Gathered, Groups, Slot},
    inhibitions::Inhibitions,
    latest::Latest,
    recent::Recent,
};
use crate::{
    Alert, AlertChange, AlertId, AlertRecord, DeliveryId, Mark, Muted, Notification,
    OpenEscalation, Router, Silence, Stop,
};

/// A clock that steps back by no more than this is waited for.
const BACK_TOLERATED: Duration = Duration::from_mins(1);

/// Fewer silences than these are not looked through for those that are over.
const SILENCES_MIN: usize = 64;

/// Decides what becomes of alerts: which go out, where, together with which others, and when.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    router: Router,
    inhibitions: Inhibitions,
    recent: Recent,
    groups: Groups,
    escalations: Escalations,
    /// Where the machine's clock steps back a little, time stands still here.
    latest: Latest,
    /// At how many silences it is looked which of them are over.
    silences_max: usize,
}

/// Which silence of a hub: given by [`Alerts::silence`](crate::Alerts::silence), so that it can be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SilenceId(usize);

/// What was decided: to be told to the store, and to be delivered. Every notification here is to be queued,
/// and whoever queues it says so in the changes.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    pub(crate) changes: Vec<AlertChange>,
    pub(crate) notifications: Vec<Arc<Notification>>,
}

impl Dispatcher {
    pub(crate) fn new(router: Router) -> Self {
        Self {
            router,
            inhibitions: Inhibitions::default(),
            recent: Recent::default(),
            groups: Groups::default(),
            escalations: Escalations::default(),
            latest: Latest::default(),
            silences_max: SILENCES_MIN,
        }
    }

    /// Takes in an alert that has its id and its time.
    pub(crate) fn accept(&mut self, alert: Arc<Alert>, now: Timestamp, out: &mut Decided) {
        let now = self.advance(now, out);
        let Some(id) = alert.id() else {
            return;
        };
        let routed = self.router.route(&alert, now);
        let inhibited = self.inhibitions.note(&self.router, &alert, id, now);
        let silenced = routed.silenced_by.map(|number| self.silenced(number));
        if let Some(by) = silenced.or_else(|| inhibited.map(|by| Muted::Inhibited { by })) {
            let record = AlertRecord::new(alert, []).muted(by);
            out.changes.push(AlertChange::Accepted(record));
            return;
        }
        let mut to: Vec<Arc<str>> = Vec::new();
        let mut taken: Vec<Arc<str>> = Vec::new();
        let mut muted = None;
        let mut at_once = Vec::new();
        for stop in routed.stops {
            let Some(batch) = self.batch(&stop, &taken) else {
                continue;
            };
            taken.extend(batch.to.iter().cloned());
            if let Some(of) = self.recent.repeated(stop.route, &alert, id, batch.cooldown, now) {
                muted = Some(Muted::Repeated { of });
                continue;
            }
            let repeats = self.recent.take_repeats(stop.route, &alert);
            let gathers = batch.slot.is_some();
            if gathers && !self.groups.add(&batch, &alert, repeats, now) {
                muted = Some(Muted::Counted);
                continue;
            }
            to.extend(batch.to.iter().cloned());
            if !gathers {
                at_once.push((batch, repeats));
            }
        }
        if taken.is_empty() {
            muted = Some(Muted::NoChannel);
        }
        let mut record = AlertRecord::new(Arc::clone(&alert), to);
        record.muted = muted;
        out.changes.push(AlertChange::Accepted(record));
        for (batch, repeats) in at_once {
            self.notify(Gathered::alone(batch, Arc::clone(&alert), repeats), now, out);
        }
        self.poll(now, out);
    }

    /// Takes in again what waited for these channels before a restart.
    pub(crate) fn restore(
        &mut self,
        alert: &Arc<Alert>,
        channels: &[Arc<str>],
        now: Timestamp,
        out: &mut Decided,
    ) {
        let now = self.advance(now, out);
        let mut left = channels.to_vec();
        for stop in self.router.route(alert, now).stops {
            let Some(mut batch) = self.batch(&stop, &[]) else {
                continue;
            };
            batch.to.retain(|channel| left.contains(channel));
            left.retain(|channel| !batch.to.contains(channel));
            if batch.to.is_empty() {
                continue;
            }
            if let Some(slot) = batch.slot.take() {
                let slot = Slot { to: batch.to.clone(), ..(*slot).clone() };
                batch.slot = Some(Arc::new(slot));
                if self.groups.add(&batch, alert, 0, now) {
                    continue;
                }
            }
            self.notify(Gathered::alone(batch, Arc::clone(alert), 0), now, out);
        }
        if !left.is_empty() {
            // The rules are others now; what was accepted for these channels still goes there.
            let batch = Batch::alone(left);
            self.notify(Gathered::alone(batch, Arc::clone(alert), 0), now, out);
        }
    }

    /// Goes on with an escalation that was open before a restart.
    pub(crate) fn restore_escalation(&mut self, escalation: OpenEscalation) {
        self.escalations.insert(None, escalation);
    }

    /// What this stop means, without the channels that an earlier stop has; `None` where no channel is left.
    fn batch(&self, stop: &Stop, taken: &[Arc<str>]) -> Option<Batch> {
        let settings = self.router.settings(stop.route);
        let to: Vec<Arc<str>> =
            settings.to.iter().filter(|channel| !taken.contains(channel)).cloned().collect();
        if to.is_empty() {
            return None;
        }
        let slot = stop.group.as_ref().map(|group| {
            Arc::new(Slot { route: stop.route, group: group.clone(), to: to.clone() })
        });
        Some(Batch {
            slot,
            to,
            wait: settings.wait,
            interval: settings.interval,
            cooldown: settings.cooldown,
            escalate: settings.escalate.clone(),
        })
    }

    /// Makes what is due.
    pub(crate) fn poll(&mut self, now: Timestamp, out: &mut Decided) {
        let now = self.advance(now, out);
        while let Some(flush) = self.groups.take_due(now) {
            self.flush(flush, now, out);
        }
        while let Some((escalation, step)) = self.escalations.take_due(now, out) {
            self.escalate(&escalation, step, now, out);
        }
    }

    /// Makes what gathers in groups, due or not.
    pub(crate) fn flush_all(&mut self, now: Timestamp, out: &mut Decided) {
        let now = self.advance(now, out);
        for flush in self.groups.take_all(now) {
            self.flush(flush, now, out);
        }
    }

    /// When it wants to be asked again.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let (groups, escalations) = (self.groups.next_due(), self.escalations.next_due());
        groups.into_iter().chain(escalations).min()
    }

    /// How many alerts wait in groups.
    pub(crate) const fn gathering(&self) -> usize {
        self.groups.gathering()
    }

    /// How many escalations are open.
    pub(crate) fn escalations(&self) -> usize {
        self.escalations.len()
    }

    fn flush(&mut self, mut gathered: Gathered, now: Timestamp, out: &mut Decided) {
        let alerts = std::mem::take(&mut gathered.alerts);
        for alert in alerts {
            // A silence or a graver alert may have come while it waited.
            let Some((id, by)) = self.mute(&alert, now) else {
                gathered.alerts.push(alert);
                continue;
            };
            if let Some(slot) = &gathered.batch.slot {
                self.recent.untold(slot.route, &alert, id);
            }
            let channels = gathered.batch.to.clone();
            out.changes.push(AlertChange::Muted { alert: id, channels, by });
        }
        self.notify(gathered, now, out);
    }

    fn mute(&self, alert: &Alert, now: Timestamp) -> Option<(AlertId, Muted)> {
        let id = alert.id()?;
        let silenced = self.router.silenced_by(alert, now).map(|number| self.silenced(number));
        let by = || self.inhibitions.muting(&self.router, alert, id, now);
        let by = silenced.or_else(|| by().map(|by| Muted::Inhibited { by }))?;
        Some((id, by))
    }

    /// Makes a notification for each channel of the batch, and opens an escalation.
    fn notify(&mut self, gathered: Gathered, now: Timestamp, out: &mut Decided) {
        let Gathered { batch, mut alerts, more, repeats, seen_to } = gathered;
        let Some(first) = alerts.first().and_then(|alert| alert.id()) else {
            return;
        };
        let group = batch.labels();
        let others = alerts.iter().skip(1).filter_map(|alert| alert.id());
        let others: String = others.map(|id| id.to_string()).collect();
        for channel in &batch.to {
            let id = DeliveryId::of_group(first, &others, channel);
            if let Some(made) = notification(id, channel, &group, &alerts, more, now) {
                out.notifications.push(Arc::new(made.with_repeats(repeats)));
            }
        }
        if !seen_to.is_empty() {
            leave_out(&mut alerts, more, |alert| {
                alert.id().is_some_and(|id| seen_to.contains(&id))
            });
        }
        if let Some(channel) = batch.to.first()
            && !batch.escalate.is_empty()
            && !alerts.is_empty()
        {
            let escalation = OpenEscalation {
                // Another route may tell of the same alerts, never on the same channel.
                id: DeliveryId::of_group(first, &others, channel),
                group,
                since: now,
                steps: batch.escalate.clone(),
                taken: 0,
                alerts,
                more,
            };
            self.escalations.open(batch.slot.as_ref(), escalation, out);
        }
    }

    fn escalate(
        &self,
        escalation: &OpenEscalation,
        step: usize,
        now: Timestamp,
        out: &mut Decided,
    ) {
        let OpenEscalation { id, group, steps, alerts, more, .. } = escalation;
        let Some(to) = step.checked_sub(1).and_then(|index| steps.get(index)).map(|step| &step.to)
        else {
            return;
        };
        let number = u32::try_from(step).unwrap_or(u32::MAX);
        // Whoever may not know of them does not hear of them by way of an escalation either.
        let audible = |alert: &&Arc<Alert>| self.mute(alert, now).is_none();
        let alerts: Vec<Arc<Alert>> = alerts.iter().filter(audible).cloned().collect();
        for channel in to {
            let id = id.step(channel, number);
            if let Some(made) = notification(id, channel, group, &alerts, *more, now) {
                out.notifications.push(Arc::new(made.escalated(number)));
            }
        }
    }

    /// Nobody else needs to be told of an alert, be it that it was told already or that it still waits.
    pub(crate) fn see_to(&mut self, alert: AlertId, out: &mut Decided) {
        self.escalations.remove_alert(alert, out);
        self.groups.see_to(alert);
    }

    /// Somebody has seen to an alert: nobody else is told.
    pub(crate) fn acknowledge(&mut self, alert: AlertId, mark: Mark, out: &mut Decided) {
        self.see_to(alert, out);
        out.changes.push(AlertChange::Acknowledged { alert, mark });
    }

    /// What an alert tells of is over: when it comes again it is news.
    pub(crate) fn resolve(&mut self, alert: &Alert, mark: Mark, out: &mut Decided) {
        let Some(id) = alert.id() else {
            return;
        };
        self.see_to(id, out);
        self.inhibitions.end(id);
        self.recent.forget(alert);
        out.changes.push(AlertChange::Resolved { alert: id, mark });
    }

    /// Adds a silence. Those that are over are forgotten, so that they do not pile up.
    pub(crate) fn silence(&mut self, silence: Silence, now: Timestamp) -> SilenceId {
        let silences = self.router.silences_mut();
        // Each time that their number doubled, so that many silences are not looked at for each.
        if silences.iter().len() >= self.silences_max {
            silences.forget_over(now);
            self.silences_max = silences.iter().len().saturating_mul(2).max(SILENCES_MIN);
        }
        SilenceId(silences.add(silence))
    }

    /// Ends a silence that is not over.
    pub(crate) fn unsilence(&mut self, id: SilenceId, now: Timestamp) -> bool {
        self.router.silences_mut().forget_over(now);
        self.router.silences_mut().remove(id.0).is_some()
    }

    /// The silences that are not over.
    pub(crate) fn silences(&mut self, now: Timestamp) -> Vec<(SilenceId, Silence)> {
        self.router.silences_mut().forget_over(now);
        let silences = self.router.silences().iter();
        silences.map(|(number, silence)| (SilenceId(number), silence.clone())).collect()
    }

    fn silenced(&self, number: usize) -> Muted {
        let silence = self.router.silences().get(number);
        let comment = silence.map(|silence| silence.comment.clone()).unwrap_or_default();
        Muted::Silenced { comment }
    }

    /// The time that counts. Where the clock ran ahead and was set right, all that waits is moved by as much:
    /// it waits for the span that it was to wait, and not until the clock has caught up.
    fn advance(&mut self, now: Timestamp, out: &mut Decided) -> Timestamp {
        if let Some(back) = self.latest.note(now, BACK_TOLERATED) {
            self.groups.set_back(back);
            self.escalations.set_back(back, out);
            self.inhibitions.set_back(back);
            self.recent.set_back(back);
        }
        self.latest.get()
    }
}

fn notification(
    id: DeliveryId,
    channel: &Arc<str>,
    group: &[(String, String)],
    alerts: &[Arc<Alert>],
    more: u64,
    now: Timestamp,
) -> Option<Notification> {
    let (first, others) = alerts.split_first()?;
    let mut made = Notification::new(id, Arc::clone(channel), Arc::clone(first)).made_at(now);
    for (label, value) in group {
        made = made.in_group(label, value);
    }
    made = others.iter().fold(made, |made, alert| made.with_alert(Arc::clone(alert)));
    Some(made.with_more(more))
}
