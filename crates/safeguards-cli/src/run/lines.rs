//! [`Lines`]: what happens in a run, one line a change, where nothing can be drawn.

use safeguards_api::TeamSpec;
use safeguards_coord::{RunEvent, RunFact, RunId, State, StepId};

use super::{spans::seconds, spend::Spend};
use crate::{
    denial::told,
    text::{one_line, to_the_second},
};

/// Makes lines of events.
#[derive(Debug)]
pub(crate) struct Lines {
    spend: Spend,
}

impl Lines {
    pub(crate) fn of(spec: &TeamSpec) -> Self {
        Self { spend: Spend::of(spec) }
    }

    /// What happened, as one line; none for what another line says too.
    pub(crate) fn line(&mut self, event: &RunEvent) -> Option<String> {
        let line = match &event.attempt {
            None => headline(&event.run, &event.fact)?,
            Some(attempt) => self.of_step(&attempt.step, &event.fact)?,
        };
        Some(one_line(&line))
    }

    fn of_step(&mut self, step: &StepId, fact: &RunFact) -> Option<String> {
        Some(match fact {
            RunFact::Held { amounts, .. } => {
                format!("{step}  started, {} held", self.spend.units.shown(amounts))
            }
            RunFact::Progressed { text, .. } => format!("{step}  {text}"),
            RunFact::Logged { line } => format!("{step}  log: {line}"),
            RunFact::Denied { denial } => format!("{step}  denied: {}", told(denial)),
            RunFact::Settled { amounts, .. } => {
                self.spend.add(amounts);
                return None;
            }
            RunFact::StepEnded { state, reason, spent, duration, .. } => {
                // Of a denial the numbers were just said.
                let why = match reason {
                    Some(reason) if *state == State::Denied => format!(" ({})", reason.code),
                    Some(reason) => format!(" ({reason})"),
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
            | RunFact::Retrying { .. }
            | RunFact::RunEnded { .. }
            | _ => return None,
        })
    }
}

/// How a run begins; none for other facts of a run, which the report says.
pub(crate) fn headline(run: &RunId, fact: &RunFact) -> Option<String> {
    let RunFact::RunStarted { team, strategy, agents, deadline, .. } = fact else {
        return None;
    };
    let (count, end) = (agents.len(), to_the_second(*deadline));
    Some(format!("run {run}  {team}: {strategy} of {count}, ends by {end} UTC"))
}

#[cfg(test)]
mod tests {
    use super::{super::events, *};

    #[test]
    fn a_step_is_told_from_hold_to_end() {
        let mut lines = Lines::of(&events::team("pipeline"));
        let step = StepId::new("first");
        for (fact, expected) in [
            (events::held(), Some("first  started, 0.10 USD held")),
            (events::progressed("half of it"), Some("first  half of it")),
            (RunFact::Logged { line: "warm".to_owned() }, Some("first  log: warm")),
            (events::settled(), None),
            (
                events::ended(State::Succeeded),
                Some("first  succeeded, spent 0.04 USD in 1.5 s; so far 0.04 of 1.00 USD"),
            ),
            (
                events::ended(State::Failed),
                Some(
                    "first  failed (agent.failed: the source\nis down), spent 0.04 USD in 1.5 s; so far 0.04 of 1.00 USD",
                ),
            ),
            (
                events::ended(State::Denied),
                Some(
                    "first  denied (agent.failed), spent 0.04 USD in 1.5 s; so far 0.04 of 1.00 USD",
                ),
            ),
        ] {
            assert_eq!(lines.of_step(&step, &fact).as_deref(), expected);
        }
    }

    #[test]
    fn a_run_has_a_line_for_its_beginning_alone() {
        let run = events::run();
        let expected = format!("run {run}  crew: pipeline of 2, ends by 2026-01-05 09:00:00 UTC");
        assert_eq!(headline(&run, &events::run_started()), Some(expected));
        assert_eq!(headline(&run, &events::settled()), None);
    }
}
