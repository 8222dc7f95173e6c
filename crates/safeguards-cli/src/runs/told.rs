//! [`RunTold`]: a run and its steps as people and programs read them.

use std::{collections::HashMap, time::Duration};

use safeguards_coord::{
    Intent, Outcome, Reason, RunEntry, RunStore, RunStoreBounds, RunStoreError, RunView, State,
};
use safeguards_types::{Amounts, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::run::milliseconds;

/// A run as it stands.
#[derive(Debug, Serialize)]
pub(super) struct RunTold {
    pub(super) run: String,
    pub(super) team: String,
    pub(super) strategy: String,
    pub(super) task: String,
    pub(super) started_at: Timestamp,
    pub(super) deadline: Timestamp,
    /// None where it has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ended_at: Option<Timestamp>,
    /// None where it has not ended: it goes on, or was cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<Reason>,
    pub(super) spent: Amounts,
    /// How often it was begun or resumed.
    pub(super) leg: u32,
}

/// A step, as its attempts tell it.
#[derive(Debug, Serialize)]
pub(super) struct StepTold {
    pub(super) step: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delegated_by: Option<String>,
    /// How often it was attempted.
    pub(super) attempts: u32,
    /// None where it has not ended, as far as is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<Reason>,
    /// What was set aside for the last attempt.
    pub(super) held: Amounts,
    /// What all attempts spent.
    pub(super) spent: Amounts,
    #[serde(rename = "duration_ms", serialize_with = "milliseconds")]
    pub(super) duration: Duration,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) log: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output: Option<Value>,
    /// How many attempts of the run had ended when it was first written down.
    #[serde(skip)]
    began_after: usize,
}

/// A run with its steps, in the order in which they began; those that began side by side in the team's.
pub(super) async fn tell(
    runs: &dyn RunStore,
    view: RunView,
) -> Result<(RunTold, Vec<StepTold>), RunStoreError> {
    let steps = steps(runs, &view).await?;
    let mut spent = Amounts::none();
    for step in &steps {
        spent.add_all(&step.spent);
    }
    let RunView { head, leg, end, .. } = view;
    let run = RunTold {
        run: head.run.to_string(),
        team: head.team,
        strategy: head.strategy,
        task: head.task.text().to_owned(),
        started_at: head.started_at,
        deadline: head.deadline,
        ended_at: end.as_ref().map(|end| end.at),
        state: end.as_ref().map(|end| end.state),
        reason: end.as_ref().and_then(|end| end.reason.clone()),
        spent,
        leg,
    };
    Ok((run, steps))
}

async fn steps(runs: &dyn RunStore, view: &RunView) -> Result<Vec<StepTold>, RunStoreError> {
    let (mut steps, mut places) = (Vec::<StepTold>::new(), HashMap::new());
    let (mut from, mut ended) = (0, 0);
    loop {
        let page = runs.entries(&view.head.run, from, RunStoreBounds::PAGE).await?;
        if page.is_empty() {
            let seats = view.head.agents.iter().enumerate();
            let seats: HashMap<&str, usize> =
                seats.map(|(seat, agent)| (agent.as_str(), seat.saturating_add(1))).collect();
            steps.sort_by_key(|step| (step.began_after, step.place(&seats)));
            return Ok(steps);
        }
        for entry in page {
            from += 1;
            let name = match &entry {
                RunEntry::Intent(intent) => intent.step.to_string(),
                RunEntry::Outcome(outcome) => outcome.step.to_string(),
                RunEntry::TakenOver { .. } | RunEntry::Ended(_) | _ => continue,
            };
            let place = *places.entry(name.clone()).or_insert_with(|| {
                steps.push(StepTold::new(name, ended));
                steps.len() - 1
            });
            match (steps.get_mut(place), entry) {
                (Some(step), RunEntry::Intent(intent)) => step.begin(*intent),
                (Some(step), RunEntry::Outcome(outcome)) => {
                    ended += 1;
                    step.end(*outcome);
                }
                _ => {}
            }
        }
    }
}

impl StepTold {
    /// Its place among steps that began side by side: the number that it is named after, else its agent's in the team.
    fn place(&self, seats: &HashMap<&str, usize>) -> usize {
        let number = self.step.rsplit_once('-').and_then(|(_, number)| number.parse().ok());
        let of_agent = || self.agent.as_deref().and_then(|agent| seats.get(agent)).copied();
        match seats.get(self.step.as_str()) {
            Some(seat) => *seat,
            None => number.or_else(of_agent).unwrap_or(usize::MAX),
        }
    }

    fn new(step: String, began_after: usize) -> Self {
        Self {
            step,
            began_after,
            agent: None,
            delegated_by: None,
            attempts: 0,
            state: None,
            reason: None,
            held: Amounts::none(),
            spent: Amounts::none(),
            duration: Duration::ZERO,
            notes: Vec::new(),
            log: Vec::new(),
            output: None,
        }
    }

    fn begin(&mut self, intent: Intent) {
        self.agent = Some(intent.agent.to_string());
        self.delegated_by = intent.delegated_by.map(|step| step.to_string());
        self.attempts = self.attempts.max(intent.attempt);
        (self.held, self.state, self.reason) = (intent.hold, None, None);
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(agent) = outcome.agent {
            self.agent = Some(agent.to_string());
        }
        self.attempts = self.attempts.max(outcome.attempt);
        (self.state, self.reason) = (Some(outcome.state), outcome.reason);
        self.held = outcome.held;
        self.spent.add_all(&outcome.spent);
        self.duration += outcome.duration;
        self.notes.extend(outcome.notes);
        (self.log, self.output) = (outcome.log, outcome.output);
    }
}
