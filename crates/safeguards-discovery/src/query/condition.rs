//! [`Condition`]: what must hold of a capability's metadata.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::value::{compare, is_comparable, is_same};
use crate::{Metadata, MetadataPath};

/// Something that must hold of a capability's metadata: a place there, and a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Condition {
    /// Where.
    pub path: MetadataPath,
    /// What must hold.
    pub test: Test,
}

/// What must hold of a value.
///
/// Values are the same where they are the same JSON; numbers where they are the same number, `1` and `1.0`.
/// Where there is no value, no test holds but [`Absent`](Self::Absent) and a [`Not`](Self::Not) of others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Test {
    /// All of these are contained: each is the value, or stands in the list that the value is. None at all:
    /// there is a value.
    Contains(Vec<Value>),
    /// It is this value.
    Equals(Value),
    /// At least one of these is contained. None at all: never.
    AnyOf(Vec<Value>),
    /// It lies between these. Numbers compare with numbers and texts, letter by letter, with texts; what compares
    /// with neither does not lie in the range.
    Range {
        /// At least.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Value>,
        /// More than.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        above: Option<Value>,
        /// At most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Value>,
        /// Less than.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<Value>,
    },
    /// There is a value, be it `null`.
    Exists,
    /// There is no value.
    Absent,
    /// This does not hold; also where there is no value.
    Not(Box<Self>),
}

impl Condition {
    /// `test` holds of what stands at `path`.
    pub const fn new(path: MetadataPath, test: Test) -> Self {
        Self { path, test }
    }

    /// That all these values are contained, each at its key: in the list there, or the one value there.
    ///
    /// ```
    /// use safeguards_discovery::Condition;
    ///
    /// let asked = serde_json::from_str(r#"{"algorithms": ["regression"], "language": "en"}"#)?;
    /// let conditions = Condition::all_contained(&asked);
    /// assert_eq!(conditions[0].to_string(), "algorithms contains regression");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn all_contained(asked: &Metadata) -> Vec<Self> {
        let condition = |(key, values): (&String, &Value)| {
            Self::new(MetadataPath::of([key]), Test::contains(values.clone()))
        };
        asked.iter().map(condition).collect()
    }

    /// Whether it holds of `metadata`.
    pub fn holds(&self, metadata: &Metadata) -> bool {
        self.test.holds(self.path.value(metadata))
    }
}

impl Test {
    /// All of these are contained. What is no list is the one that must be.
    pub fn contains(values: impl Into<Value>) -> Self {
        Self::Contains(listed(values.into()))
    }

    /// It is this value.
    pub fn equals(value: impl Into<Value>) -> Self {
        Self::Equals(value.into())
    }

    /// At least one of these is contained.
    pub fn any_of(values: impl Into<Value>) -> Self {
        Self::AnyOf(listed(values.into()))
    }

    /// It is at least this.
    pub fn at_least(value: impl Into<Value>) -> Self {
        Self::Range { from: Some(value.into()), above: None, to: None, below: None }
    }

    /// It is at most this.
    pub fn at_most(value: impl Into<Value>) -> Self {
        Self::Range { from: None, above: None, to: Some(value.into()), below: None }
    }

    /// This does not hold.
    #[must_use]
    #[expect(
        clippy::should_implement_trait,
        reason = "a query says it in words, as its other tests"
    )]
    pub fn not(test: Self) -> Self {
        Self::Not(Box::new(test))
    }

    /// Whether it holds of this value.
    pub fn holds(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Not(test) => return !test.holds(value),
            Self::Absent => return value.is_none(),
            Self::Contains(_)
            | Self::AnyOf(_)
            | Self::Equals(_)
            | Self::Range { .. }
            | Self::Exists => {}
        }
        let Some(value) = value else { return false };
        match self {
            Self::Contains(all) => all.iter().all(|one| is_in(one, value)),
            Self::AnyOf(any) => any.iter().any(|one| is_in(one, value)),
            Self::Equals(one) => is_same(one, value),
            Self::Range { from, above, to, below } => {
                let stands = |bound: &Option<Value>, fits: fn(Ordering) -> bool| {
                    bound.as_ref().is_none_or(|bound| compare(value, bound).is_some_and(fits))
                };
                is_comparable(value)
                    && stands(from, Ordering::is_ge)
                    && stands(above, Ordering::is_gt)
                    && stands(to, Ordering::is_le)
                    && stands(below, Ordering::is_lt)
            }
            Self::Exists => true,
            Self::Absent | Self::Not(_) => false,
        }
    }
}

/// Whether a value is this one, or a list in which this one stands.
fn is_in(one: &Value, value: &Value) -> bool {
    is_same(one, value)
        || value.as_array().is_some_and(|list| list.iter().any(|value| is_same(one, value)))
}

fn listed(values: Value) -> Vec<Value> {
    match values {
        Value::Array(values) => values,
        value @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Object(_)) => vec![value],
    }
}
