//! [`Subtask`]: a part of a task; [`Part`]: what became of it.

use safeguards_discovery::Query;
use safeguards_types::AgentId;
use serde_json::{Value, json};

use crate::{
    Seat, State, StepId, Task,
    strategy::fault::{StrategyFault, told},
};

/// A part of a task, which a supervisor gives to somebody.
///
/// ```
/// use safeguards_coord::{Seat, Subtask};
/// use serde_json::json;
///
/// let part = Subtask::new("read chapter 3").input(json!({ "pages": [40, 61] })).seat("reader");
/// assert_eq!(part.seat, Some(Seat::from("reader")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subtask {
    /// What is to be done.
    pub text: String,
    /// What it is to be done with; none: the input of the whole task.
    pub input: Option<Value>,
    /// Who is to do it; none: whoever's turn it is.
    pub seat: Option<Seat>,
}

impl Subtask {
    /// A part of a task, with the input of the whole, for whoever's turn it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), input: None, seat: None }
    }

    /// The same, to be done with `input`.
    #[must_use]
    pub fn input(self, input: impl Into<Value>) -> Self {
        Self { input: Some(input.into()), ..self }
    }

    /// The same, for whoever sits there.
    #[must_use]
    pub fn seat(self, seat: impl Into<Seat>) -> Self {
        Self { seat: Some(seat.into()), ..self }
    }

    /// What its agent is given.
    pub(super) fn to_task(&self, whole: &Task) -> Task {
        let input = self.input.as_ref().unwrap_or_else(|| whole.input());
        Task::new(self.text.as_str()).with_input(input.clone())
    }

    /// Reads the subtasks that an agent gave: a list, or an object with a list `subtasks`.
    pub(super) fn read_all(step: &StepId, output: &Value) -> Result<Vec<Self>, StrategyFault> {
        let list = output.as_array().or_else(|| output.get("subtasks").and_then(Value::as_array));
        let Some(list) = list else {
            let (step, got) = (step.clone(), told(&output.to_string()));
            return Err(StrategyFault::NoList { step, got });
        };
        let read = |(number, value): (usize, &Value)| {
            Self::read(value).map_err(|what| StrategyFault::BadSubtask { number, what })
        };
        (1..).zip(list).map(read).collect()
    }

    /// Reads one: a text, or `{"task": …, "input": …, "agent": …}`, or with a `capability` instead of an agent.
    fn read(value: &Value) -> Result<Self, String> {
        if let Some(text) = value.as_str() {
            return Ok(Self::new(text));
        }
        let Some(object) = value.as_object() else {
            return Err(format!(
                "{} is neither a text nor an object with a `task`",
                told(&value.to_string())
            ));
        };
        let text = |key: &str| match object.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(other) => Err(format!("`{key}` is {}, not a text", told(&other.to_string()))),
        };
        let task = text("task")?.ok_or("it has no `task`")?;
        let seat = match (text("agent")?, text("capability")?) {
            (None, None) => None,
            (Some(agent), None) => Some(agent.into()),
            (None, Some(capability)) => {
                let need = Query::new(capability).map_err(|error| error.to_string())?;
                Some(need.into())
            }
            (Some(_), Some(_)) => {
                return Err(
                    "it names an `agent` and a `capability`; one of them decides".to_owned()
                );
            }
        };
        Ok(Self { text: task.to_owned(), input: object.get("input").cloned(), seat })
    }
}

impl From<&str> for Subtask {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Subtask {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<Task> for Subtask {
    fn from(task: Task) -> Self {
        Self::new(task.text()).input(task.input().clone())
    }
}

/// What became of a subtask.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// Its step.
    pub step: StepId,
    /// What was to be done.
    pub text: String,
    /// Who did it; none where nobody was chosen.
    pub agent: Option<AgentId>,
    /// How it ended.
    pub state: State,
    /// What its agent gave back, be it that it did not succeed.
    pub output: Option<Value>,
}

impl Part {
    /// What it gave, if it succeeded.
    pub fn success(&self) -> Option<&Value> {
        self.output.as_ref().filter(|_| self.state.is_success())
    }

    /// What those that succeeded gave, as one text: texts as they are, everything else as JSON.
    ///
    /// It is how a [`Supervise`](crate::Supervise) often combines:
    ///
    /// ```
    /// use safeguards_coord::{Part, Subtask, Supervise, Task};
    ///
    /// let strategy = Supervise::new(
    ///     |task: &Task| (1..=3).map(|n| Subtask::new(format!("{}, part {n}", task.text()))).collect(),
    ///     |parts: &[Part]| Part::joined(parts, "\n"),
    /// );
    /// # let _ = strategy;
    /// ```
    pub fn joined(parts: &[Self], between: &str) -> Value {
        let text =
            |output: &Value| output.as_str().map_or_else(|| output.to_string(), str::to_owned);
        let texts: Vec<String> = parts.iter().filter_map(Self::success).map(text).collect();
        texts.join(between).into()
    }

    /// As an agent that combines sees it.
    pub(super) fn shown(&self) -> Value {
        json!({
            "step": self.step.as_str(),
            "task": self.text,
            "agent": self.agent.as_ref().map(AgentId::as_str),
            "state": self.state.as_str(),
            "output": self.output,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtasks_are_read_as_models_write_them() {
        #[track_caller]
        fn check(output: &Value, expected: Result<Vec<Subtask>, &str>) {
            let got = Subtask::read_all(&"decompose".into(), output);
            assert_eq!(got.map_err(|fault| fault.to_string()), expected.map_err(str::to_owned));
        }
        check(&json!(["a", "b"]), Ok(vec!["a".into(), "b".into()]));
        check(&json!({ "subtasks": [{ "task": "a" }] }), Ok(vec!["a".into()]));
        check(
            &json!([{ "task": "a", "input": 7, "agent": "x" }, { "task": "b", "capability": "c.d" }]),
            Ok(vec![
                Subtask::new("a").input(7).seat("x"),
                Subtask::new("b").seat(Query::new("c.d").unwrap()),
            ]),
        );
        check(&json!([]), Ok(vec![]));
        check(
            &json!("a and b"),
            Err(
                "step decompose gave \"a and b\" instead of subtasks; a list, or an object with a list \
                 `subtasks`, is one",
            ),
        );
        check(
            &json!(["a", 7]),
            Err("subtask 2 is none: 7 is neither a text nor an object with a `task`"),
        );
        check(&json!([{ "input": 7 }]), Err("subtask 1 is none: it has no `task`"));
        check(&json!([{ "task": ["a"] }]), Err("subtask 1 is none: `task` is [\"a\"], not a text"));
        check(
            &json!([{ "task": "a", "agent": "x", "capability": "c" }]),
            Err("subtask 1 is none: it names an `agent` and a `capability`; one of them decides"),
        );
        let got =
            Subtask::read_all(&"d".into(), &json!([{ "task": "a", "capability": "no name!" }]));
        assert_eq!(got.unwrap_err().code(), "supervisor.bad_subtask");
    }
}
