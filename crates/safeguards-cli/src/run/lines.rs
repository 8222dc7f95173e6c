//! [`Lines`]: what happens in a run, one line a change, where nothing can be drawn.

use std::collections::HashMap;

use safeguards_api::TeamSpec;
use safeguards_budget::Account;
use safeguards_coord::{RunEvent, RunFact, RunId, State, StepId};
use safeguards_types::Amounts;

use super::{spans::seconds, spend::Spend};
use crate::{
    denial::told,
    named,
    text::{counted, one_line, to_the_second},
};

/// Makes lines of events.
#[derive(Debug)]
pub(crate) struct Lines {
    spend: Spend,
    /// Where the run is written down.
    store: Option<String>,
}

impl Lines {
    pub(crate) fn of(spec: &TeamSpec, store: Option<String>) -> Self {
        Self { spend: Spend::of(spec), store }
    }

    /// What each step of a run that goes on had spent.
    pub(crate) fn before(&mut self, spent: HashMap<StepId, Amounts>) {
        self.spend.before(spent);
    }

    /// How the team's account stands.
    pub(crate) fn stands_at(&mut self, account: &Account) {
        self.spend.stands_at(account);
    }

    /// What happened, as one line; none for what another line says too.
    pub(crate) fn line(&mut self, event: &RunEvent) -> Option<String> {
        let line = match &event.attempt {
            None => {
                let headline = headline(&event.run, &event.fact, self.store.as_deref())?;
                if let RunFact::RunResumed { .. } = &event.fact {
                    format!("{headline}; so far {}", self.spend.text())
                } else {
                    headline
                }
            }
            Some(attempt) => self.of_step(&attempt.step, attempt.number, &event.fact)?,
        };
        Some(one_line(&line))
    }

    fn of_step(&mut self, step: &StepId, number: u32, fact: &RunFact) -> Option<String> {
        Some(match fact {
            RunFact::Held { amounts, .. } => {
                let held = self.spend.units.shown(amounts);
                format!("{step}  started{}, {held} held", again(number))
            }
            RunFact::StepStarted { delegated_by: Some(by), .. } => {
                format!("{step}  delegated by {by}")
            }
            RunFact::Retrying { reason, spent, wait } => {
                let (spent, wait) = (self.spend.units.shown(spent), seconds(*wait));
                let reason = named::reason(reason, step.as_str());
                format!("{step}  attempt {number}: {reason}, spent {spent}; retrying in {wait}")
            }
            RunFact::StepEnded { state, reason, spent, reused: true, .. } => {
                self.spend.end(step, spent);
                let why =
                    reason.as_ref().map(|reason| format!(" ({})", reason.code)).unwrap_or_default();
                let (spent, so_far) = (self.spend.units.shown(spent), self.spend.text());
                format!("{step}  {state}{why} before, spent {spent}; so far {so_far}")
            }
            RunFact::Progressed { text, .. } => format!("{step}  {text}"),
            RunFact::Logged { line } => format!("{step}  log: {line}"),
            RunFact::Denied { denial } => format!("{step}  denied: {}", told(denial)),
            RunFact::Settled { amounts, .. } => {
                self.spend.add(step, amounts);
                return None;
            }
            RunFact::StepEnded { state, reason, spent, duration, .. } => {
                self.spend.end(step, spent);
                // Of a denial the numbers were just said.
                let why = match reason {
                    Some(reason) if *state == State::Denied => format!(" ({})", reason.code),
                    Some(reason) => format!(" ({})", named::reason(reason, step.as_str())),
                    None => String::new(),
                };
                let (spent, so_far) = (self.spend.units.shown(spent), self.spend.text());
                let time = seconds(*duration);
                format!("{step}  {state}{why}, spent {spent} in {time}; so far {so_far}")
            }
            RunFact::Chosen { .. }
            | RunFact::StepStarted { .. }
            | RunFact::RunStarted { .. }
            | RunFact::RunResumed { .. }
            | RunFact::RunEnded { .. }
            | _ => return None,
        })
    }
}

/// Which attempt it is, where it is not the first.
pub(crate) fn again(number: u32) -> String {
    if number > 1 { format!(" attempt {number}") } else { String::new() }
}

/// How a run begins, or goes on; none for other facts of a run, which the report says.
pub(crate) fn headline(run: &RunId, fact: &RunFact, store: Option<&str>) -> Option<String> {
    match fact {
        RunFact::RunStarted { team, strategy, agents, deadline, .. } => {
            let (how, end) = (in_words(strategy, agents.len()), to_the_second(*deadline));
            let store = store.map(|store| format!(", store {store}")).unwrap_or_default();
            Some(format!("run {run}  {team}: {how}, ends by {end} UTC{store}"))
        }
        RunFact::RunResumed { leg, reused } => {
            let count = u64::try_from(*reused).unwrap_or(u64::MAX);
            let steps = counted(count, "step");
            Some(format!("run {run}  goes on in leg {leg}; {steps} ended before"))
        }
        RunFact::Chosen { .. }
        | RunFact::StepStarted { .. }
        | RunFact::Held { .. }
        | RunFact::Denied { .. }
        | RunFact::Progressed { .. }
        | RunFact::Logged { .. }
        | RunFact::Settled { .. }
        | RunFact::Retrying { .. }
        | RunFact::StepEnded { .. }
        | RunFact::RunEnded { .. }
        | _ => None,
    }
}

/// A strategy and how many agents it is for.
fn in_words(strategy: &str, agents: usize) -> String {
    match strategy {
        "fan_out" => format!("fan-out to {agents}"),
        "map_reduce" => format!("map and reduce by {agents}"),
        "hand_over" => format!("hand-over among {agents}"),
        "supervisor" => format!("supervisor with a team of {agents}"),
        other => format!("{other} of {agents}"),
    }
}

#[cfg(test)]
mod tests {
    use safeguards_types::usd;

    use super::{super::events, *};

    #[test]
    fn a_step_is_told_from_hold_to_end() {
        let step = StepId::new("first");
        let mut lines = Lines::of(&events::team("pipeline"), None);
        lines.before([(step.clone(), usd!(0.10).into())].into());
        for (fact, expected) in [
            (events::held(), Some("first  started, 0.10 USD held")),
            (events::progressed("half of it"), Some("first  half of it")),
            (RunFact::Logged { line: "warm".to_owned() }, Some("first  log: warm")),
            (events::settled(), None),
            (
                events::ended(State::Succeeded),
                Some("first  succeeded, spent 0.04 USD in 1.5 s; so far 0.14 of 1.00 USD"),
            ),
            (
                events::ended(State::Failed),
                Some(
                    "first  failed (agent.failed: the source\nis down), spent 0.04 USD in 1.5 s; so far 0.18 of 1.00 USD",
                ),
            ),
            (
                events::ended(State::Denied),
                Some(
                    "first  denied (agent.failed), spent 0.04 USD in 1.5 s; so far 0.22 of 1.00 USD",
                ),
            ),
        ] {
            assert_eq!(lines.of_step(&step, 1, &fact).as_deref(), expected);
        }
    }

    #[test]
    fn attempts_reused_steps_and_delegated_ones_are_told_apart() {
        let mut lines = Lines::of(&events::team("pipeline"), None);
        let mut check = |number, fact, expected: &str| {
            let line = lines.of_step(&StepId::new("first"), number, &fact);
            assert_eq!(line.as_deref(), Some(expected));
        };
        check(1, events::delegated("second"), "first  delegated by second");
        check(
            1,
            events::retrying(),
            "first  attempt 1: agent.failed: the source\nis down, spent 0.04 USD; retrying in 1.5 s",
        );
        check(2, events::held(), "first  started attempt 2, 0.10 USD held");
        check(
            2,
            events::reused(),
            "first  succeeded before, spent 0.04 USD; so far 0.04 of 1.00 USD",
        );
    }

    #[test]
    fn a_run_has_a_line_for_its_beginning_and_for_going_on() {
        let run = events::run();
        let expected = format!("run {run}  crew: pipeline of 2, ends by 2026-01-05 09:00:00 UTC");
        let check = |fact, store, expected| assert_eq!(headline(&run, &fact, store), expected);
        check(events::run_started(), None, Some(expected.clone()));
        let stored = format!("{expected}, store runs.jsonl");
        check(events::run_started(), Some("runs.jsonl"), Some(stored));
        let on = format!("run {run}  goes on in leg 2; 1 step ended before");
        check(RunFact::RunResumed { leg: 2, reused: 1 }, None, Some(on));
        check(events::settled(), None, None);
    }
}
