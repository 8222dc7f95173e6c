//! What is said between us and a program: the request, and the lines that it answers with.

use std::{fmt, process::ExitStatus};

use safeguards_pricing::Usage;
use safeguards_types::{Amounts, OperationId, Quantity, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

use super::{ending, spoken::Spoken};
use crate::{AgentError, AgentErrorKind, Context, Cost, Reply, RunId, StepId, Task};

/// How much of a line is shown in a message.
const SHOWN_MAX: usize = 120;

/// What some programs write before all else.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

const NANOS_PER_MILLI: i64 = 1_000_000;

/// The forms of a result, for messages.
const ALLOWED: &str =
    r#"the last line is one JSON object: {"output":…} or {"error":…}, with "cost" or "usage""#;

/// The one line that a program gets, its keys in the order of the reference.
pub(super) fn request(task: &Task, cx: &Context) -> Vec<u8> {
    #[derive(Serialize)]
    struct Request<'task> {
        task: &'task str,
        input: &'task Value,
        run: &'task RunId,
        step: &'task StepId,
        attempt: u32,
        operation: OperationId,
        held: &'task Amounts,
        deadline: Timestamp,
    }
    let request = Request {
        task: task.text(),
        input: task.input(),
        run: cx.run(),
        step: &cx.attempt().step,
        attempt: cx.attempt().number,
        operation: cx.operation(),
        held: cx.held(),
        deadline: cut_to_millis(cx.deadline()),
    };
    // Nothing in it can fail to be JSON: its keys are texts, and its numbers whole.
    let mut line = serde_json::to_vec(&request).unwrap_or_default();
    line.push(b'\n');
    line
}

fn cut_to_millis(at: Timestamp) -> Timestamp {
    let rest = at.as_nanos().checked_rem(NANOS_PER_MILLI).unwrap_or(0);
    Timestamp::from_nanos(at.as_nanos().saturating_sub(rest)).unwrap_or(at)
}

/// A line of a program.
#[derive(Debug, PartialEq)]
enum Line {
    Progress { text: String, drawn: Amounts },
    Output { output: Value, cost: Cost },
    Error { message: String, retry: bool, cost: Cost },
}

/// Every key that a line may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    progress: Option<Value>,
    drawn: Option<Amounts>,
    #[serde(default, deserialize_with = "present")]
    output: Option<Value>,
    error: Option<String>,
    retry: Option<bool>,
    cost: Option<Amounts>,
    usage: Option<ModelUsage>,
}

/// Tells `"output":null` from no output.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A usage with the name of its model beside it.
pub(super) struct ModelUsage {
    model: String,
    usage: Usage,
}

impl From<ModelUsage> for Cost {
    fn from(ModelUsage { model, usage }: ModelUsage) -> Self {
        Self::Usage { model, usage }
    }
}

impl<'de> Deserialize<'de> for ModelUsage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut keys = Map::deserialize(deserializer)?;
        let model = match keys.remove("model") {
            Some(Value::String(model)) => model,
            Some(_) => return Err(de::Error::custom("`model` in `usage` is no text")),
            None => return Err(de::Error::custom("`usage` names no `model`")),
        };
        let usage = Usage::deserialize(Value::Object(keys)).map_err(de::Error::custom)?;
        Ok(Self { model, usage })
    }
}

impl Line {
    fn parse(line: &[u8]) -> Result<Self, String> {
        let keys: Keys = serde_json::from_slice(line).map_err(|error| plain(&error))?;
        let Keys { progress, drawn, output, error, retry, cost, usage } = keys;
        for amount in drawn.iter().chain(&cost).flatten() {
            if amount.quantity() > Quantity::AMOUNT_MAX {
                return Err(format!(
                    "{amount} is more than {}, the largest amount taken",
                    Quantity::AMOUNT_MAX
                ));
            }
        }
        let spent = match (cost, usage) {
            (Some(_), Some(_)) => {
                return Err("it has both `cost` and `usage`; one is allowed".to_owned());
            }
            (Some(amounts), None) => Some(Cost::Known(amounts)),
            (None, Some(usage)) => Some(usage.into()),
            (None, None) => None,
        };
        let is_progress = progress.is_some() || drawn.is_some();
        match (output, error) {
            (None, None) if !is_progress => Err("it has neither `output` nor `error`".to_owned()),
            (None, None) if spent.is_some() || retry.is_some() => {
                Err("progress has no other keys than `progress` and `drawn`".to_owned())
            }
            (None, None) => {
                let text = match progress {
                    Some(Value::String(text)) => text,
                    Some(other) => other.to_string(),
                    None => String::new(),
                };
                Ok(Self::Progress { text, drawn: drawn.unwrap_or_default() })
            }
            _ if is_progress => Err("a result has no `progress` or `drawn`".to_owned()),
            (Some(_), Some(_)) => {
                Err("it has both `output` and `error`; one is allowed".to_owned())
            }
            (Some(_), None) if retry.is_some() => Err("`retry` goes with `error`".to_owned()),
            (Some(output), None) => Ok(Self::Output { output, cost: spent.unwrap_or_default() }),
            (None, Some(message)) => {
                let retry = retry.unwrap_or(false);
                Ok(Self::Error { message, retry, cost: spent.unwrap_or_default() })
            }
        }
    }
}

/// What the parser says, without where: a line has no line number.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let (what, _) = text.rsplit_once(" at line ").unwrap_or((&text, ""));
    if error.is_data() { what.to_owned() } else { format!("no JSON object ({what})") }
}

/// What a program has said so far.
pub(super) struct Transcript {
    cx: Context,
    /// The last line, if it was no progress.
    last: Option<Last>,
    /// What was said last of the cost. The context is told all that was said.
    cost: Cost,
    /// The first mistake in a line that was meant as progress, or a result that was not the last line.
    mistake: Option<String>,
}

struct Last {
    shown: String,
    read: Result<Line, String>,
    is_object: bool,
}

impl Transcript {
    pub(super) fn new(cx: Context) -> Self {
        Self { cx, last: None, cost: Cost::Unknown, mistake: None }
    }

    /// Reads a line, without its end. Blank ones say nothing.
    pub(super) fn read(&mut self, line: &[u8]) {
        let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        if line.is_empty() {
            return;
        }
        self.pass_by();
        let (read, is_object) = (Line::parse(line), line.starts_with(b"{"));
        match &read {
            Ok(Line::Progress { text, drawn }) => {
                self.cx.tell(text.clone(), drawn);
                return;
            }
            Ok(Line::Output { cost, .. } | Line::Error { cost, .. }) => self.note(cost.clone()),
            Err(_) if is_object => self.note_all(Spoken::in_line(line)),
            Err(_) => {}
        }
        self.last = Some(Last { shown: shown(line), read, is_object });
    }

    fn note(&mut self, cost: Cost) {
        if cost != Cost::Unknown {
            self.cx.note_cost(cost.clone());
            self.cost = cost;
        }
    }

    /// Notes what a line that is refused says of its cost.
    fn note_all(&mut self, Spoken { drawn, costs, is_unreadable }: Spoken) {
        if !drawn.is_empty() {
            self.cx.tell(String::new(), &drawn);
        }
        if is_unreadable {
            self.cx.note_unreadable_cost();
        }
        for cost in costs {
            self.note(cost);
        }
    }

    /// Another line follows: what was taken for the result was none.
    fn pass_by(&mut self) {
        let Some(Last { shown, read, is_object }) = self.last.take() else {
            return;
        };
        let mistake = match read {
            Ok(_) => format!("its result is not its last line: {shown}"),
            Err(why) if is_object => format!("a line before its result is wrong: {why}: {shown}"),
            Err(_) => return self.cx.log(shown),
        };
        self.mistake.get_or_insert(mistake);
    }

    /// What it said that it cost.
    pub(super) fn cost(self) -> Cost {
        self.cost
    }

    /// What is made of a program that ended by itself.
    pub(super) fn judge(self, status: ExitStatus) -> Result<Reply, AgentError> {
        let failed =
            |kind, message: String| Err(AgentError::of(kind, message).cost(self.cost.clone()));
        let ended = ending(status);
        let said = |last: &Option<Last>| match last {
            Some(Last { read: Ok(Line::Error { message, .. }), .. }) => {
                format!(" and the error \"{message}\"")
            }
            Some(Last { shown, .. }) => format!(", after the line {shown}"),
            None => String::new(),
        };
        match (self.last, self.mistake) {
            // An error that it names says more than the exit code that goes with it.
            (Some(Last { read: Ok(Line::Error { message, retry, cost }), .. }), _)
                if status.code().is_some() =>
            {
                let error = AgentError::new(message).cost(cost);
                Err(if retry { error.retryable() } else { error })
            }
            (last, _) if status.code().is_none() => {
                failed(AgentErrorKind::Signal, format!("ended by {ended}{}", said(&last)))
            }
            (last, _) if !status.success() => {
                failed(AgentErrorKind::Exit, format!("{ended}{}; 0 is allowed", said(&last)))
            }
            (_, Some(mistake)) => {
                failed(AgentErrorKind::BadResult, format!("{ended}, but {mistake}; {ALLOWED}"))
            }
            (Some(Last { read: Ok(Line::Output { output, cost }), .. }), None) => {
                Ok(Reply::new(output).cost(cost))
            }
            (Some(Last { shown, is_object: false, .. }), None) => failed(
                AgentErrorKind::NoResult,
                format!("{ended}, but its last line is no JSON object: {shown}; {ALLOWED}"),
            ),
            (Some(Last { shown, read: Err(why), .. }), None) => {
                failed(AgentErrorKind::BadResult, format!("{ended}, but {why}: {shown}; {ALLOWED}"))
            }
            (_, None) => failed(
                AgentErrorKind::NoResult,
                format!("{ended}, but it wrote no result; {ALLOWED}"),
            ),
        }
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Transcript").field("cost", &self.cost).finish_non_exhaustive()
    }
}

/// A line as it stands in a message: quoted, and not longer than a message may be.
fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    match text.char_indices().nth(SHOWN_MAX) {
        None => format!("{text:?}"),
        Some((end, _)) => {
            let start = text.get(..end).unwrap_or(&text);
            format!("{start:?}… ({} bytes)", line.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn progress_may_say_anything_and_draw_nothing() {
        #[track_caller]
        fn check(line: &str, expected_text: &str, expected_drawn: &str) {
            let Ok(Line::Progress { text, drawn }) = Line::parse(line.as_bytes()) else {
                panic!("{line} is no progress")
            };
            assert_eq!(
                (text.as_str(), drawn.to_string().as_str()),
                (expected_text, expected_drawn)
            );
        }
        check(r#"{"progress":"2 of 5"}"#, "2 of 5", "nothing");
        check(r#"{"progress":0.4,"drawn":{"USD":"0.07"}}"#, "0.4", "0.07 USD");
        check(r#"{"drawn":{"tokens":"700"}}"#, "", "700 tokens");
        assert!(Line::parse(br#"{"progress":"x","cost":{"USD":"1"}}"#).is_err());
        assert!(Line::parse(br#"{"progress":"x","output":1}"#).is_err());
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_refused_and_no_amount_is_below_zero(
            key in "(progress|drawn|output|error|cost|usage|.{0,5})", value in ".{0,30}", number in any::<f64>(),
        ) {
            for line in [
                value.clone(),
                format!("{{{key:?}:{value}}}"),
                format!("{{\"output\":1,{key:?}:{{\"USD\":\"{number}\"}}}}"),
            ] {
                if let Ok(Line::Output { cost: Cost::Known(cost), .. }) = Line::parse(line.as_bytes()) {
                    prop_assert!(number >= 0.0 || cost.is_zero(), "{line}");
                }
                let _ = shown(line.as_bytes());
            }
        }
    }
}
