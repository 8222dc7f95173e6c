//! What agents are given and give back: [`Task`], [`Reply`], [`Cost`].

use safeguards_pricing::Usage;
use safeguards_types::{Amount, Amounts};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is to be done: a text, and what it is to be done with.
///
/// ```
/// use safeguards_coord::Task;
/// use serde_json::json;
///
/// let task = Task::new("weigh these notes").with_input(json!(["first", "second"]));
/// assert_eq!(task.text(), "weigh these notes");
/// assert_eq!(task.input()[1], "second");
/// ```
///
/// In JSON `{"task": "…", "input": …}`, without `input` where there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    #[serde(rename = "task")]
    text: String,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    input: Value,
}

impl Task {
    /// A task without input.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), input: Value::Null }
    }

    /// The same task, to be done with `input`.
    #[must_use]
    pub fn with_input(self, input: impl Into<Value>) -> Self {
        Self { input: input.into(), ..self }
    }

    /// What is to be done.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it is to be done with: JSON, `null` where there is nothing.
    pub const fn input(&self) -> &Value {
        &self.input
    }
}

/// What an attempt says that it cost, all in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cost {
    /// It does not say: what it drew counts as spent, else the estimate.
    #[default]
    Unknown,
    /// These amounts; none at all is a cost of nothing. What is not named counts as 0, except requests: a
    /// run counts one.
    Known(Amounts),
    /// What a model used, to be priced by the price table.
    Usage {
        /// The model, as the price table names it.
        model: String,
        /// What it used.
        usage: Usage,
    },
}

impl From<Amounts> for Cost {
    fn from(amounts: Amounts) -> Self {
        Self::Known(amounts)
    }
}

impl From<Amount> for Cost {
    fn from(amount: Amount) -> Self {
        Self::Known(amount.into())
    }
}

impl<const N: usize> From<[Amount; N]> for Cost {
    fn from(amounts: [Amount; N]) -> Self {
        Self::Known(amounts.into())
    }
}

/// What an agent gives back.
///
/// ```
/// use safeguards_coord::Reply;
/// use safeguards_types::usd;
///
/// let reply = Reply::text("three sources agree").cost(usd!(0.184)).note("one was down");
/// assert_eq!(reply.output, "three sources agree");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// The result.
    pub output: Value,
    /// What it cost.
    pub cost: Cost,
    /// What people should know about it.
    pub notes: Vec<String>,
}

impl Reply {
    /// A reply with this output, which does not say what it cost.
    pub fn new(output: impl Into<Value>) -> Self {
        Self { output: output.into(), cost: Cost::Unknown, notes: Vec::new() }
    }

    /// A reply of plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(text.into())
    }

    /// Says what it cost.
    #[must_use]
    pub fn cost(self, cost: impl Into<Cost>) -> Self {
        Self { cost: cost.into(), ..self }
    }

    /// Says what a model used for it, to be priced.
    #[must_use]
    pub fn usage(self, model: impl Into<String>, usage: Usage) -> Self {
        let model = model.into();
        self.cost(Cost::Usage { model, usage })
    }

    /// Adds what people should know.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}
