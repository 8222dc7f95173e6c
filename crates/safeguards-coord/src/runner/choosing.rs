//! A step that is given to nobody by name: who does it is chosen when it begins.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use safeguards_discovery::Query;
use safeguards_types::AgentId;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Shared, attempt::Attempt};
use crate::{
    AttemptId, Candidate, Member, Reason, RunFault, Selection, Selector, State, StepId, StepReport,
    Task, Unfit,
    error::with_causes,
    panics::panic_text,
    seat::need_text,
    selector::{Counted, UNFIT_TOLD, Under},
};

/// How long a choice may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much is told of why one candidate was not chosen.
const WHY_CHARS: usize = 300;

/// A step on its way to who does it.
pub(super) struct Choosing {
    pub(super) run: Arc<Shared>,
    pub(super) selector: Arc<dyn Selector>,
    pub(super) step: StepId,
    pub(super) need: Arc<Query>,
    pub(super) task: Task,
    pub(super) cancellation: CancellationToken,
    /// Who was chosen, for whoever has to report what the attempt could not.
    pub(super) chosen: Arc<OnceLock<AgentId>>,
}

impl Choosing {
    /// Chooses who does it, and lets them.
    pub(super) async fn carry_out(self) -> StepReport {
        let started_at = self.run.runner.clock.now();
        let left = self.run.deadline.since(started_at);
        let chosen = tokio::select! {
            biased;
            () = self.cancellation.cancelled() => {
                Err((State::Cancelled, RunFault::CancelledBeforeStart))
            }
            () = sleep(left) => {
                let deadline = self.run.deadline;
                Err((State::TimedOut, RunFault::DeadlineBeforeStart { deadline }))
            }
            chosen = self.choose() => chosen,
        };
        let need = Arc::clone(&self.need);
        let (member, under) = match chosen {
            Ok(chosen) => chosen,
            Err((state, fault)) => {
                let id = AttemptId { step: self.step.clone(), agent: None, number: 0 };
                let mut report = StepReport::new(&id, None, state, started_at);
                let mut reason = Reason::from(&fault);
                reason.message = format!("{}: {}", self.step, reason.message);
                (report.reason, report.need) = (Some(reason), Some(need));
                report.duration = self.run.runner.clock.now().since(started_at);
                self.run.step_ended(&id, &report);
                return report;
            }
        };
        let _ = self.chosen.set(member.id().clone());
        let Self { run, step, task, cancellation, .. } = self;
        let attempt = Attempt::new(run, member, (step, task), cancellation, under);
        attempt.of_need(need).carry_out().await
    }

    /// Asks who does it. Whoever is chosen is counted before anybody else is.
    async fn choose(&self) -> Result<(Arc<Member>, Under), (State, RunFault)> {
        let loads = &self.run.runner.loads;
        let _turn = loads.turn().await;
        let candidates: Vec<Candidate> = {
            let members = self.run.team.members().iter().map(|member| member.id().clone());
            members
                .map(|agent| (loads.of(&agent).unwrap_or(0), agent))
                .map(|(load, agent)| Candidate::new(agent, load))
                .collect()
        };
        let failed = |message: String| {
            let need = need_text(&self.need);
            (State::Failed, RunFault::SelectorFailed { need, message })
        };
        let mut asked = JoinSet::new();
        let (selector, need) = (Arc::clone(&self.selector), Arc::clone(&self.need));
        asked.spawn(async move { selector.select(&need, &candidates).await });
        let answer = match timeout(PATIENCE, asked.join_next()).await {
            Ok(Some(answer)) => answer,
            Ok(None) => return Err(failed("it gave no answer".to_owned())),
            Err(_) => return Err(failed(format!("no answer within {PATIENCE:?}"))),
        };
        let answer = answer.map_err(|error| {
            let need = need_text(&self.need);
            let message = match error.try_into_panic() {
                Ok(panic) => panic_text(&*panic),
                Err(error) => error.to_string(),
            };
            (State::Failed, RunFault::SelectorPanicked { need, message })
        })?;
        match answer
            .map_err(|error| failed(format!("{}: {}", error.code(), with_causes(&error))))?
        {
            Selection::Chosen(agent) => match self.run.team.member(&agent) {
                Some(member) => Ok((Arc::clone(member), loads.begin(&agent, Counted::Attempt))),
                None => Err(failed(format!("it chose {agent}, who is not in the team"))),
            },
            Selection::Nobody(unfit) => {
                let need = need_text(&self.need);
                Err((State::Denied, RunFault::NobodyCapable { need, why: why(&unfit) }))
            }
        }
    }
}

/// Why nobody was chosen, in a text of a bounded length.
fn why(unfit: &[Unfit]) -> String {
    if unfit.is_empty() {
        return "the selector does not say why".to_owned();
    }
    let cut = |unfit: &Unfit| {
        let whole = unfit.to_string();
        let mut told: String = whole.chars().take(WHY_CHARS).collect();
        if told.len() < whole.len() {
            told.push('…');
        }
        told
    };
    let told: Vec<String> = unfit.iter().take(UNFIT_TOLD).map(cut).collect();
    match unfit.len().saturating_sub(told.len()) {
        0 => told.join("; "),
        more => format!("{}; and {more} more", told.join("; ")),
    }
}
