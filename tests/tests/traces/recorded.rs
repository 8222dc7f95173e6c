//! The recordings, read: [`Session`] of three agents at work, [`FailedRun`] of many.

use std::{fs::File, io::Read as _, path::Path, time::Duration};

use flate2::read::GzDecoder;
use safeguards_pricing::Usage;
use serde_json::Value;

/// The one who names speakers, and who thinks about whether the team is in a loop.
pub(crate) const ORCHESTRATOR: &str = "Orchestrator";

/// A session of Magentic-One.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) name: String,
    /// Its calls, by time.
    pub(crate) calls: Vec<Call>,
}

/// A call of a model.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) agent: String,
    /// How long after the session's first call.
    pub(crate) at: Duration,
    /// None where the prompt had pictures, which were not recorded.
    pub(crate) input_tokens: Option<u64>,
    pub(crate) output_tokens: u64,
    /// The hash of the prompt; none where it was not recorded.
    pub(crate) input: Option<String>,
    /// The hash of the answer.
    pub(crate) output: String,
    /// What the orchestrator thought of the session.
    pub(crate) verdict: Option<Verdict>,
}

/// What the orchestrator wrote down before it named a speaker.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) is_in_loop: bool,
    pub(crate) is_progress_made: bool,
    pub(crate) is_satisfied: bool,
    pub(crate) next: String,
}

impl Call {
    /// What it used, as far as that was recorded.
    pub(crate) fn usage(&self) -> Usage {
        Usage::new(self.input_tokens.unwrap_or(0), self.output_tokens)
    }

    pub(crate) fn is_in_loop(&self) -> bool {
        self.verdict.as_ref().is_some_and(|verdict| verdict.is_in_loop)
    }
}

impl Session {
    /// The first call in which the orchestrator thought that the team was in a loop.
    pub(crate) fn first_loop(&self) -> Option<usize> {
        self.calls.iter().position(Call::is_in_loop)
    }

    /// Whether the orchestrator thought that the request was answered.
    pub(crate) fn is_satisfied(&self) -> bool {
        let verdicts = self.calls.iter().filter_map(|call| call.verdict.as_ref());
        verdicts.into_iter().any(|verdict| verdict.is_satisfied)
    }
}

/// A run of several agents that failed.
#[derive(Debug)]
pub(crate) struct FailedRun {
    pub(crate) name: String,
    pub(crate) source: String,
    /// The step that people blame.
    pub(crate) mistake: usize,
    pub(crate) messages: Vec<Message>,
}

/// What one of them said.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) agent: String,
    pub(crate) tokens: u64,
    /// The hash of the text.
    pub(crate) text: String,
}

impl FailedRun {
    pub(crate) fn tokens(&self) -> u64 {
        self.messages.iter().map(|message| message.tokens).sum()
    }
}

/// The 15 sessions of Magentic-One, by when they began.
pub(crate) fn sessions() -> Vec<Session> {
    let mut sessions: Vec<Session> = Vec::new();
    let mut began_us = 0;
    for row in rows("agent_traces.jsonl.gz") {
        if row["framework"] != "magentic-one" {
            continue;
        }
        let (name, at_us) = (text(&row["session"]), row["ts_us"].as_u64().unwrap());
        if sessions.last().is_none_or(|session| session.name != name) {
            began_us = at_us;
            sessions.push(Session { name, calls: Vec::new() });
        }
        let verdict = row["next_speaker"].as_str().map(|next| Verdict {
            is_in_loop: row["is_in_loop"].as_bool().unwrap(),
            is_progress_made: row["is_progress_being_made"].as_bool().unwrap(),
            is_satisfied: row["is_request_satisfied"].as_bool().unwrap(),
            next: next.to_owned(),
        });
        let call = Call {
            agent: text(&row["agent"]),
            at: Duration::from_micros(at_us - began_us),
            input_tokens: row["prompt_tokens"].as_u64(),
            output_tokens: row["completion_tokens"].as_u64().unwrap(),
            input: row["input_sha"].as_str().map(str::to_owned),
            output: text(&row["output_sha"]),
            verdict,
        };
        sessions.last_mut().unwrap().calls.push(call);
    }
    assert_eq!(sessions.len(), 15);
    sessions
}

/// The 122 runs that failed.
pub(crate) fn failed_runs() -> Vec<FailedRun> {
    let message = |step: &Value| Message {
        agent: text(&step["agent"]),
        tokens: step["tokens"].as_u64().unwrap(),
        text: text(&step["sha"]),
    };
    let run = |row: Value| FailedRun {
        name: text(&row["id"]),
        source: text(&row["source"]),
        mistake: usize::try_from(row["mistake_step"].as_u64().unwrap()).unwrap(),
        messages: row["steps"].as_array().unwrap().iter().map(message).collect(),
    };
    let runs: Vec<FailedRun> =
        rows("failed_multi_agent_runs.jsonl.gz").into_iter().map(run).collect();
    assert_eq!(runs.len(), 122);
    runs
}

fn rows(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(file);
    let packed = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut lines = String::new();
    GzDecoder::new(packed).read_to_string(&mut lines).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
