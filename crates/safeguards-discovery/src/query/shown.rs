//! How conditions are written: as [`Condition::parse`] reads them.

use std::fmt;

use serde_json::Value;

use super::{Condition, Test};

/// How a list of no values is written.
pub(super) const NO_VALUES: &str = "()";

/// What operators are made of that are no words.
pub(super) const fn is_sign(letter: char) -> bool {
    matches!(letter, '=' | '!' | '<' | '>')
}

impl fmt::Display for Condition {
    /// As [`Condition::parse`] reads it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let test = write_nots(out, &self.test)?;
        let path = self.path.to_string();
        let is_plain = |letter: char| !letter.is_whitespace() && !is_sign(letter);
        if path == "not" || path.starts_with('"') || !path.chars().all(is_plain) {
            write!(out, "{}", Value::from(path))?;
        } else {
            out.write_str(&path)?;
        }
        out.write_str(" ")?;
        write_test(out, test)
    }
}

impl fmt::Display for Test {
    /// As in a [`Condition`], without the path.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let test = write_nots(out, self)?;
        write_test(out, test)
    }
}

/// What stands before the path; and what is left, which is no `Not` but that of `!=`.
fn write_nots<'t>(
    out: &mut fmt::Formatter<'_>,
    mut test: &'t Test,
) -> Result<&'t Test, fmt::Error> {
    while let Test::Not(inner) = test
        && !matches!(**inner, Test::Equals(_))
    {
        out.write_str("not ")?;
        test = inner;
    }
    Ok(test)
}

fn write_test(out: &mut fmt::Formatter<'_>, test: &Test) -> fmt::Result {
    match test {
        Test::Contains(values) => write!(out, "contains {}", Listed(values)),
        Test::AnyOf(values) => write!(out, "any {}", Listed(values)),
        Test::Equals(value) => write!(out, "= {}", Shown(value)),
        Test::Range { from, above, to, below } => {
            let bounds = [(">=", from), (">", above), ("<=", to), ("<", below)];
            let given =
                bounds.into_iter().filter_map(|(sign, bound)| Some((sign, bound.as_ref()?)));
            for (place, (sign, bound)) in given.enumerate() {
                let comma = if place > 0 { ", " } else { "" };
                write!(out, "{comma}{sign} {}", Shown(bound))?;
            }
            Ok(())
        }
        Test::Exists => out.write_str("exists"),
        Test::Absent => out.write_str("absent"),
        Test::Not(inner) => match &**inner {
            Test::Equals(value) => write!(out, "!= {}", Shown(value)),
            // Written before the path.
            Test::Contains(_)
            | Test::AnyOf(_)
            | Test::Range { .. }
            | Test::Exists
            | Test::Absent
            | Test::Not(_) => Ok(()),
        },
    }
}

/// A value: a plain text as it is, all else as JSON.
pub(crate) struct Shown<'v>(pub(crate) &'v Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |text: &str| {
            !text.is_empty()
                && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
                && serde_json::from_str::<Value>(text).is_err()
        };
        match self.0 {
            Value::String(text) if is_plain(text) => out.write_str(text),
            value @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_)) => write!(out, "{value}"),
        }
    }
}

struct Listed<'v>(&'v [Value]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str(NO_VALUES);
        }
        for (place, value) in self.0.iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(out, "{comma}{}", Shown(value))?;
        }
        Ok(())
    }
}
