//! [`Tally`]: how often what was answered.

use std::fmt;

use serde_json::{Value, json};

use crate::{
    StepProgress,
    strategy::fault::{listed, told},
};

/// How often what was answered.
#[derive(Debug)]
pub(super) struct Tally<'a> {
    /// Most votes first; equals in the order of the voters.
    answers: Vec<Answer<'a>>,
}

#[derive(Debug)]
struct Answer<'a> {
    key: Value,
    /// What the first who gave it said.
    output: Value,
    voters: Vec<&'a StepProgress>,
}

impl<'a> Tally<'a> {
    /// Counts the answers of those who gave one, in this order.
    pub(super) fn of(
        steps: impl Iterator<Item = &'a StepProgress>,
        key: impl Fn(&Value) -> Value,
    ) -> Self {
        let mut answers = Vec::<Answer<'a>>::new();
        for step in steps {
            let output = step.output.clone().unwrap_or_default();
            let key = key(&output);
            match answers.iter_mut().find(|answer| answer.key == key) {
                Some(answer) => answer.voters.push(step),
                None => answers.push(Answer { key, output, voters: vec![step] }),
            }
        }
        answers.sort_by_key(|answer| std::cmp::Reverse(answer.voters.len()));
        Self { answers }
    }

    /// How many voted.
    pub(super) fn votes(&self) -> usize {
        self.answers.iter().map(|answer| answer.voters.len()).sum()
    }

    /// How many votes the first and the second have.
    pub(super) fn ahead(&self) -> (usize, usize) {
        let votes = |place: usize| self.answers.get(place).map_or(0, |answer| answer.voters.len());
        (votes(0), votes(1))
    }

    /// What most said, or as many as anybody.
    pub(super) fn winner(&self) -> Option<&Value> {
        self.answers.first().map(|answer| &answer.output)
    }

    /// As JSON: `[{"answer": …, "votes": 2, "voters": ["a", "c"]}, …]`.
    pub(super) fn shown(&self) -> Value {
        let shown = |answer: &Answer<'_>| {
            let voters: Vec<&str> = answer.voters.iter().map(|step| step.step.as_str()).collect();
            json!({ "answer": answer.output, "votes": voters.len(), "voters": voters })
        };
        self.answers.iter().map(shown).collect()
    }
}

impl fmt::Display for Tally<'_> {
    /// For messages: "`"yes"` 2, `"no"` 1".
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.answers.iter();
        let count = |answer: &Answer<'_>| {
            let (votes, answer) = (answer.voters.len(), told(&answer.output.to_string()));
            format!("{votes} {} for `{answer}`", if votes == 1 { "vote" } else { "votes" })
        };
        out.write_str(&listed(counts.map(count)))
    }
}
