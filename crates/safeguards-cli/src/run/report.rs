//! [`RunReport`]: how a run ended, with what its accounts have left, as people and programs read it.

use std::{fmt, time::Duration};

use safeguards_api::{Safeguards, TeamSpec};
use safeguards_budget::{Account, Denial};
use safeguards_coord::{CostBasis, CostMismatch, Reason, Report, State, StepReport};
use safeguards_notify::{Alert, AlertQuery, HubStatus, Notification};
use safeguards_types::{AccountId, AgentId, Amounts, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::{
    account_line::{AccountLine, lines},
    error::Failure,
    record::Record,
    spans::milliseconds,
    units::Units,
};
use crate::exit;

/// What is printed at the end.
#[derive(Debug, Serialize)]
pub(crate) struct RunReport {
    r#type: &'static str,
    pub(crate) run: String,
    pub(crate) team: String,
    pub(crate) strategy: String,
    pub(crate) state: State,
    pub(crate) exit: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
    pub(crate) spent: Amounts,
    /// Which leg of the run this was: one more for each time that it was resumed.
    pub(crate) leg: u32,
    #[serde(rename = "duration_ms", serialize_with = "milliseconds")]
    pub(crate) duration: Duration,
    pub(crate) accounts: Vec<AccountLine>,
    pub(crate) steps: Vec<StepLine>,
    pub(crate) alerts: Vec<Alert>,
    /// Alerts that did not reach a channel, or not surely.
    pub(crate) undelivered: Vec<Undelivered>,
    /// How many more there are that are not kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) undelivered_not_kept: u64,
    pub(crate) output: Option<Value>,
    /// What somebody types to go on with it, where it is written down and did not succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resume: Option<String>,
    #[serde(skip)]
    pub(crate) units: Units,
}

/// How a step ended.
#[derive(Debug, Serialize)]
pub(crate) struct StepLine {
    pub(crate) step: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) agent: Option<AgentId>,
    /// What was needed, where it was given to nobody by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) need: Option<Value>,
    pub(crate) state: State,
    pub(crate) attempts: u32,
    /// Which step delegated it, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delegated_by: Option<String>,
    /// Whether it was done in an earlier leg, and not again.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) reused: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
    pub(crate) held: Amounts,
    pub(crate) spent: Amounts,
    pub(crate) basis: CostBasis,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cost_mismatch: Option<CostMismatch>,
    #[serde(rename = "duration_ms", serialize_with = "milliseconds")]
    pub(crate) duration: Duration,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
    pub(crate) output: Option<Value>,
    #[serde(skip)]
    pub(crate) denial: Option<Denial>,
    #[serde(skip)]
    pub(crate) log: Vec<String>,
}

/// An alert that did not reach a channel.
#[derive(Debug, Serialize)]
pub(crate) struct Undelivered {
    pub(crate) alert: Alert,
    pub(crate) channel: String,
    pub(crate) reason: Reason,
}

/// A notification still waited when the run ended.
struct Stopped<'e> {
    /// What its channel said last.
    error: Option<&'e str>,
}

impl Stopped<'_> {
    /// The stable code.
    const fn code() -> &'static str {
        "notify.stopped"
    }
}

impl fmt::Display for Stopped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("it still waited when the run ended")?;
        self.error.map_or(Ok(()), |error| write!(out, "; the channel said: {error}"))
    }
}

impl Undelivered {
    /// The alerts of a notification that did not arrive, for this reason.
    fn all<'a>(
        notification: &'a Notification,
        reason: &'a Reason,
    ) -> impl Iterator<Item = Self> + use<'a> {
        notification.alerts().map(|alert| Self {
            alert: (**alert).clone(),
            channel: notification.channel().to_string(),
            reason: reason.clone(),
        })
    }

    /// What was given up on, and what still waited when the run ended: with what its channel said last.
    fn of(
        left: &safeguards_notify::Undelivered,
        status: &HubStatus,
        since: Timestamp,
    ) -> Vec<Self> {
        let dead = left.dead_letters.letters.iter().flat_map(|letter| {
            let reason = Reason::new(letter.reason.code(), letter.reason.to_string());
            Self::all(&letter.notification, &reason).collect::<Vec<_>>()
        });
        let waiting = left.waiting.iter().flat_map(|waiting| {
            let of_channel =
                status.channels.iter().find(|status| status.channel == *waiting.channel());
            let error = of_channel.and_then(|status| status.last_error.as_deref());
            let stopped = Stopped { error };
            let reason = Reason::new(Stopped::code(), stopped.to_string());
            Self::all(waiting, &reason).collect::<Vec<_>>()
        });
        // A durable file has those of earlier runs, too.
        dead.chain(waiting).filter(|one| one.alert.at().is_none_or(|at| at >= since)).collect()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl RunReport {
    /// Puts together what the runner, the ledger and the alerts say.
    pub(crate) async fn gather(
        spec: &TeamSpec,
        safeguards: &Safeguards,
        report: Report,
        left: &safeguards_notify::Undelivered,
        (interrupted, record): (bool, Option<&Record>),
        since: Timestamp,
    ) -> Result<Self, Failure> {
        let pools = spec.pools.iter().map(|pool| pool.account.clone());
        let agents = spec.agents.iter().map(|agent| AccountId::from(&agent.id));
        let ids: Vec<AccountId> = pools.chain(agents).collect();
        let read = safeguards.ledger().accounts(&ids).await?;
        let accounts: Vec<Account> = read.accounts.into_iter().flatten().collect();
        let alerts =
            safeguards.alerts().history(&AlertQuery::all().since(since).limit(usize::MAX)).await?;
        let record = record.filter(|_| !report.state.is_success());
        let unknown =
            |step: &StepReport| matches!(step.state, State::Interrupted | State::Abandoned);
        let was_interrupted = report.steps.iter().any(unknown);
        Ok(Self {
            r#type: "report",
            accounts: lines(spec, &accounts, &report),
            exit: exit_code(report.state, interrupted),
            resume: record.map(|record| record.command(&report.run, was_interrupted)),
            leg: report.leg,
            run: report.run.to_string(),
            team: report.team,
            strategy: report.strategy,
            state: report.state,
            reason: report.reason,
            spent: report.spent,
            duration: report.ended_at.since(report.started_at),
            steps: report.steps.into_iter().map(StepLine::from).collect(),
            alerts: alerts.iter().map(|record| (*record.alert).clone()).collect(),
            undelivered: Undelivered::of(left, &safeguards.alerts().status(), since),
            undelivered_not_kept: left.dead_letters.dropped,
            output: report.output,
            units: Units::of(spec),
        })
    }

    /// The report as one line of JSON.
    pub(crate) fn to_json(&self) -> Result<String, Failure> {
        Ok(serde_json::to_string(self)?)
    }
}

impl From<StepReport> for StepLine {
    fn from(report: StepReport) -> Self {
        Self {
            step: report.step.to_string(),
            agent: report.agent,
            need: report.need.and_then(|need| serde_json::to_value(&*need).ok()),
            state: report.state,
            attempts: report.attempts,
            delegated_by: report.delegated_by.map(|step| step.to_string()),
            reused: report.is_reused,
            reason: report.reason,
            held: report.held,
            spent: report.spent,
            basis: report.basis,
            cost_mismatch: report.cost_mismatch,
            duration: report.duration,
            notes: report.notes,
            output: report.output,
            denial: report.denial,
            log: report.log,
        }
    }
}

/// How the program ends where a run ended in `state`.
const fn exit_code(state: State, interrupted: bool) -> u8 {
    match state {
        State::Succeeded => exit::SUCCESS,
        _ if interrupted => exit::INTERRUPTED,
        State::Denied => exit::DENIED,
        State::TimedOut => exit::TIMED_OUT,
        State::Cancelled => exit::INTERRUPTED,
        State::Failed | State::Skipped | State::Interrupted | State::Abandoned | _ => exit::FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_interrupts_a_run_is_told_so_but_for_one_that_was_done_already() {
        for (state, alone, interrupted) in [
            (State::Succeeded, 0, 0),
            (State::Failed, 1, 130),
            (State::Abandoned, 1, 130),
            (State::Denied, 3, 130),
            (State::TimedOut, 4, 130),
            (State::Cancelled, 130, 130),
        ] {
            assert_eq!(
                (exit_code(state, false), exit_code(state, true)),
                (alone, interrupted),
                "{state}"
            );
        }
    }
}
