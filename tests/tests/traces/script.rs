//! [`Script`]: a recording as turns of a hand-over team.

use std::time::Duration;

use safeguards_coord::Cost;
use safeguards_pricing::{PriceTable, Usage};
use safeguards_types::{Amount, Amounts, Quantity, Unit};
use serde_json::{Value, json};

use crate::recorded::{FailedRun, ORCHESTRATOR, Session};

/// What every call is priced as; the recording does not say which model it was.
pub(crate) const MODEL: &str = "gpt-4o";

/// What a team says, turn after turn.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) turns: Vec<Turn>,
    /// Who speaks between any two others.
    pub(crate) moderator: Option<&'static str>,
    /// How many turns each speaker is told of.
    pub(crate) transcript: usize,
    /// What the first speaker is given.
    pub(crate) input: Value,
}

/// What one speaker does before another speaks.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) agent: String,
    /// Which call or message of the recording it begins with.
    pub(crate) begins_with: usize,
    /// What it pays for, one after the other.
    pub(crate) draws: Vec<Draw>,
    /// What it says that it cost, all in all.
    pub(crate) cost: Cost,
    /// What it answers.
    pub(crate) output: Value,
}

/// Something that is paid for in a turn.
#[derive(Debug)]
pub(crate) struct Draw {
    /// How long after the first one of the session; none where that was not recorded.
    pub(crate) at: Option<Duration>,
    pub(crate) amounts: Amounts,
}

impl Script {
    /// The session as it was: the orchestrator names a speaker, who answers to it. A turn is all that one agent does
    /// until another speaks.
    ///
    /// A speaker who was named, and whose call was not recorded, has a turn that costs nothing if the orchestrator
    /// goes on to name another; else it had changed its mind: it made a new plan, or wrote the answer.
    pub(crate) fn as_handed_over(session: &Session) -> Self {
        let mut turns = Vec::<(String, usize, Vec<usize>)>::new();
        let mut goes_on = false;
        for (number, call) in session.calls.iter().enumerate() {
            match turns.last_mut().filter(|turn| goes_on && turn.0 == call.agent) {
                Some(turn) => turn.2.push(number),
                None => turns.push((call.agent.clone(), number, vec![number])),
            }
            goes_on = true;
            let next = session.calls.get(number + 1);
            let is_next_a_verdict = next.is_some_and(|next| next.verdict.is_some());
            if let Some(verdict) = call.verdict.as_ref().filter(|_| is_next_a_verdict) {
                turns.push((verdict.next.clone(), number + 1, Vec::new()));
                goes_on = false;
            }
        }
        let speakers: Vec<String> = turns.iter().map(|turn| turn.0.clone()).collect();
        let turn = |(place, (agent, begins_with, calls)): (usize, (String, usize, Vec<usize>))| {
            // What was not recorded was said once, as far as anybody knows.
            let said = calls.last().map_or_else(
                || json!({ "not_recorded": place }),
                |last| json!({ "sha": session.calls[*last].output }),
            );
            let output = match speakers.get(place + 1) {
                Some(next) if agent == ORCHESTRATOR => {
                    json!({ "sha": said["sha"], "next_speaker": next })
                }
                _ => said,
            };
            Turn::of(session, (agent, begins_with), &calls, output)
        };
        let turns = turns.into_iter().enumerate().map(turn).collect();
        let (name, moderator) = (session.name.clone(), Some(ORCHESTRATOR));
        Self { name, turns, moderator, transcript: 0, input: Value::Null }
    }

    /// The session call by call, each given what its model was given.
    pub(crate) fn as_prompted(session: &Session) -> Self {
        let input = |number: usize| match &session.calls[number].input {
            Some(sha) => json!({ "sha": sha }),
            None => json!({ "not_recorded": number }),
        };
        let turn = |number: usize| {
            let call = &session.calls[number];
            let next = session
                .calls
                .get(number + 1)
                .map(|next| json!({ "next_speaker": next.agent, "input": input(number + 1) }));
            let output = next.unwrap_or_else(|| json!({ "sha": call.output }));
            Turn::of(session, (call.agent.clone(), number), &[number], output)
        };
        let turns = (0..session.calls.len()).map(turn).collect();
        Self { name: session.name.clone(), turns, moderator: None, transcript: 0, input: input(0) }
    }

    /// A failed run message by message: each speaker is given what the one before said.
    pub(crate) fn as_said(run: &FailedRun) -> Self {
        let turn = |(number, message): (usize, &crate::recorded::Message)| {
            let mut output = json!({ "sha": message.text });
            if let Some(next) = run.messages.get(number + 1) {
                output["next_speaker"] = json!(next.agent);
            }
            let count = Quantity::from_units(message.tokens).unwrap();
            let amounts = Amounts::from(Amount::new(count, Unit::TOKENS));
            Turn {
                agent: message.agent.clone(),
                begins_with: number,
                draws: vec![Draw { at: None, amounts: amounts.clone() }],
                cost: Cost::Known(amounts),
                output,
            }
        };
        let turns = run.messages.iter().enumerate().map(turn).collect();
        Self { name: run.name.clone(), turns, moderator: None, transcript: 0, input: Value::Null }
    }

    /// The same, where nobody pays for anything: what is said is all that counts.
    pub(crate) fn for_nothing(mut self) -> Self {
        for turn in &mut self.turns {
            turn.draws.clear();
            turn.cost = Cost::Known(Amounts::none());
        }
        self
    }

    /// Who speaks in it, in the order of their first turns.
    pub(crate) fn agents(&self) -> Vec<&str> {
        let mut agents = Vec::new();
        for turn in &self.turns {
            if !agents.contains(&turn.agent.as_str()) {
                agents.push(turn.agent.as_str());
            }
        }
        agents
    }
}

impl Turn {
    fn of(
        session: &Session,
        (agent, begins_with): (String, usize),
        calls: &[usize],
        output: Value,
    ) -> Self {
        let calls: Vec<_> = calls.iter().map(|number| &session.calls[*number]).collect();
        let draw = |call: &&crate::recorded::Call| {
            let usage = call.usage();
            Draw { at: Some(call.at), amounts: price(&usage) }
        };
        let cost = if calls.is_empty() {
            Cost::Known(Amounts::none())
        } else {
            let add = |sum: Usage, usage: Usage| {
                Usage::new(
                    sum.input_tokens + usage.input_tokens,
                    sum.output_tokens + usage.output_tokens,
                )
            };
            let usage = calls.iter().map(|call| call.usage()).fold(Usage::new(0, 0), add);
            Cost::Usage { model: MODEL.to_owned(), usage }
        };
        Self { agent, begins_with, draws: calls.iter().map(draw).collect(), cost, output }
    }

    /// What it costs in USD.
    pub(crate) fn usd(&self) -> Quantity {
        let mut sum = Amounts::none();
        self.draws.iter().for_each(|draw| sum.add_all(&draw.amounts));
        sum.get(&Unit::USD)
    }
}

/// What a usage costs, and its tokens.
fn price(usage: &Usage) -> Amounts {
    let cost = PriceTable::builtin().price(MODEL, usage).unwrap().cost;
    let count = Quantity::from_units(usage.input_tokens + usage.output_tokens).unwrap();
    [cost, Amount::new(count, Unit::TOKENS)].into()
}
