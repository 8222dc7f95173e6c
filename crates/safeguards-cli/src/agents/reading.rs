//! [`Reading`]: who is described in a file, and what there cannot be read.

use std::str;

use safeguards_cards::{CardError, CardMistake, Importing, read_all};
use safeguards_discovery::Registration;
use serde_json::Value;

use super::{
    forms::Form,
    mistake::{Fault, Mistake, Place},
    source,
    walk::{Named, told},
};

/// Who is described in a file.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) registrations: Vec<(Place, Registration)>,
    pub(super) mistakes: Vec<Mistake>,
    /// Whether it stands in a folder and describes nobody: nobody said that it does.
    pub(super) is_passed_over: bool,
}

/// A line of a catalog.
const EXAMPLE: &str = r#"{"agent":"analyst","capabilities":[{"name":"data.analysis"}]}"#;

/// Reads a file in this form or, without one, in the form that it is in.
pub(super) fn file(file: &Named, form: Option<Form>) -> Reading {
    let name = told(&file.path);
    let nobody = |fault: &Fault| Reading {
        mistakes: vec![Mistake::of_file(&name, fault)],
        ..Reading::default()
    };
    let bytes = match source::read(&file.path) {
        Ok(bytes) => bytes,
        Err(error) => return nobody(&Fault::Unread(error)),
    };
    match form {
        Some(Form::Catalog) => lines(&name, &bytes),
        None if is_catalog(&bytes) => lines(&name, &bytes),
        Some(Form::Card | Form::Mcp | Form::Subagent) | None => described(file, &bytes, form),
    }
}

/// Reads what describes agents elsewhere.
fn described(file: &Named, bytes: &[u8], form: Option<Form>) -> Reading {
    // Pages that describe nobody are common in folders, and may begin as JSON does: with a badge.
    let is_page = file.path.extension().is_some_and(|extension| extension == "md")
        && !bytes.trim_ascii_start().starts_with(b"---")
        && !bytes.starts_with(b"\xef\xbb\xbf---");
    if file.is_from_folder && is_page {
        return Reading { is_passed_over: true, ..Reading::default() };
    }
    let mut importing = Importing::new();
    importing.form = form.and_then(Form::in_cards);
    let read = read_all(&told(&file.path), bytes, &importing);
    let is_whole = |one: &CardMistake| one.place.line.is_none() && one.place.index.is_none();
    let is_other =
        |one: &CardMistake| is_whole(one) && matches!(one.error, CardError::UnknownForm { .. });
    if file.is_from_folder && read.registrations.is_empty() && read.mistakes.iter().all(is_other) {
        return Reading { is_passed_over: true, ..Reading::default() };
    }
    let registrations = read.registrations.into_iter();
    Reading {
        registrations: registrations.map(|(place, one)| (place.into(), one)).collect(),
        mistakes: read.mistakes.into_iter().map(Mistake::from).collect(),
        is_passed_over: false,
    }
}

/// Reads the lines of a catalog. Blank lines are skipped.
pub(super) fn lines(file: &str, bytes: &[u8]) -> Reading {
    let mut read = Reading::default();
    for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1_u64..) {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let place = Place::line(file, number);
        match registration(line) {
            Ok(registration) => read.registrations.push((place, registration)),
            Err(message) => read.mistakes.push(Mistake::of_line(&place, &Fault::Line(message))),
        }
    }
    read
}

fn registration(line: &[u8]) -> Result<Registration, String> {
    let text = str::from_utf8(line).map_err(|_| "the line is not in UTF-8".to_owned())?;
    // A list would be read as the values of the fields in their order.
    if !text.starts_with('{') {
        return Err(format!("no registration: each line is a JSON object, such as {EXAMPLE}"));
    }
    serde_json::from_str(text).map_err(|error| {
        // The line within the line is always the first.
        let message = error.to_string();
        let what = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
        let column = error.column();
        if error.is_data() {
            format!("column {column}: {what}")
        } else {
            format!("no JSON object ({what}, column {column}); one is {EXAMPLE}")
        }
    })
}

/// Whether these are lines of registrations: the first says which agent it is of.
fn is_catalog(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let first: Option<Value> = serde_json::from_slice(first).ok();
    first.is_some_and(|first| first.get("agent").is_some_and(Value::is_string))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_no_registration_is_told_with_its_number() {
        #[track_caller]
        fn check(text: &str, agents: &[&str], mistakes: &[(u64, &str)]) {
            let read = lines("a.jsonl", text.as_bytes());
            let found: Vec<_> =
                read.registrations.iter().map(|(_, one)| one.agent.as_str()).collect();
            assert_eq!(found, agents);
            assert_eq!(read.mistakes.len(), mistakes.len(), "{:?}", read.mistakes);
            for (found, (line, part)) in read.mistakes.iter().zip(mistakes) {
                assert_eq!(found.line, Some(*line), "{found}");
                assert!(found.message.contains(part), "{found}");
                assert!(!found.message.contains("at line"), "{found}");
            }
        }
        check("", &[], &[]);
        check("\n{\"agent\":\"a\"}\r\n\n{\"agent\":\"b\"}", &["a", "b"], &[]);
        check("{\"agent\":\"a\"}\n{", &["a"], &[(2, "EOF")]);
        check("[]\n{\"agent\":\"a\",\"x\":1}", &[], &[(1, "no registration"), (2, "`x`")]);
        check(
            "{\"agent\":\"a\",\"capabilities\":[{\"name\":\"a..b\"}]}",
            &[],
            &[(1, "empty part")],
        );
        check("{\"agent\":\"a\",\"agent\":\"b\"}", &[], &[(1, "duplicate field `agent`")]);
    }

    #[test]
    fn a_catalog_is_known_by_its_first_line() {
        #[track_caller]
        fn check(text: &str, expected: bool) {
            assert_eq!(is_catalog(text.as_bytes()), expected, "{text}");
        }
        check("\n{\"agent\":\"a\"}\nnonsense", true);
        check("{\"name\":\"Currency Agent\"}", false);
        check("{\n\"agent\":\"a\"}", false);
        check("", false);
        check("---\nagent: a\n---", false);
    }
}
