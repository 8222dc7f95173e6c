//! What is said of a step on a line that names it already: its name is not said again.

use safeguards_coord::Reason;

/// The text without the name of its step in front, such as `bob, attempt 2: ` and `bob: `; what it says of the
/// attempt stays.
pub(crate) fn unnamed(text: &str, step: &str) -> String {
    let mut text = text;
    while let Some(rest) = behind(text, step).or_else(|| behind(text, agent_of(step))) {
        text = rest;
    }
    if let Some((attempt, rest)) = text.split_once(": ")
        && is_attempt(attempt)
        && rest.starts_with(attempt)
    {
        text = rest;
    }
    text.to_owned()
}

/// A reason without the name of its step.
pub(crate) fn reason(reason: &Reason, step: &str) -> String {
    format!("{}: {}", reason.code, unnamed(&reason.message, step))
}

/// Notes without the name of their step; each once, and none that says what the reason says.
pub(crate) fn notes(notes: &[String], reason: Option<&Reason>, step: &str) -> Vec<String> {
    let said = reason.map(|reason| unnamed(&reason.message, step));
    let mut told: Vec<String> = Vec::new();
    for note in notes {
        let note = unnamed(note, step);
        if said.as_ref() != Some(&note) && !told.contains(&note) {
            told.push(note);
        }
    }
    told
}

/// What stands behind a name: after `: `, or after `, `, where an attempt follows.
fn behind<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(name).filter(|_| !name.is_empty())?;
    if let Some(rest) = rest.strip_prefix(": ") {
        return Some(rest);
    }
    let rest = rest.strip_prefix(", ")?;
    let (attempt, _) = rest.split_once(':')?;
    is_attempt(attempt).then_some(rest)
}

fn is_attempt(text: &str) -> bool {
    let number = text.strip_prefix("attempt ");
    number.is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

/// The agent that a step is named after: `bob` of `bob-2`.
fn agent_of(step: &str) -> &str {
    match step.rsplit_once('-') {
        Some((agent, number)) if number.bytes().all(|digit| digit.is_ascii_digit()) => agent,
        _ => step,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_said_again_and_nothing_else_is_left_out() {
        for (text, step, expected) in [
            ("bob, attempt 1: attempt 1 was cut off", "bob", "attempt 1 was cut off"),
            ("bob, attempt 2: the source is down", "bob", "attempt 2: the source is down"),
            ("bob, attempt 2: the source is down", "bob-7", "attempt 2: the source is down"),
            ("cat: cat: denied", "cat", "denied"),
            ("bobby: it is late", "bob", "bobby: it is late"),
            ("cat, attempt 1: down", "reduce", "cat, attempt 1: down"),
            ("bob, who is late: down", "bob", "bob, who is late: down"),
            ("attempt 1: attempt 2 follows", "bob", "attempt 1: attempt 2 follows"),
        ] {
            assert_eq!(unnamed(text, step), expected);
        }
    }

    #[test]
    fn a_note_is_told_once() {
        let all = ["bob: late", "bob, attempt 1: down", "late", "bob: bob: down"];
        let down = Reason::new("agent.failed", "bob: down");
        let told = notes(&all.map(str::to_owned), Some(&down), "bob");
        assert_eq!(told, ["late", "attempt 1: down"]);
        assert_eq!(reason(&down, "bob"), "agent.failed: down");
    }
}
