//! What cases and sequences write down: heads, intents, outcomes and ends.

use safeguards_coord::{RunEntry, RunHead};
use safeguards_types::{OperationId, OperationIds, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A Monday morning, and so many seconds.
pub(super) fn instant(seconds: i64) -> Timestamp {
    let nanos = seconds.saturating_mul(1_000_000_000);
    Timestamp::from_nanos(1_767_603_600_000_000_000_i64.saturating_add(nanos)).unwrap_or_default()
}

/// The operation that takes a run over at that second.
pub(super) fn taker(seconds: i64) -> OperationId {
    OperationIds::seeded(seconds.unsigned_abs()).mint(instant(seconds))
}

/// A value of its written form: its types may grow.
fn made<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("it is as it is written")
}

/// Makes heads of runs for tests of stores, since a runner makes them elsewhere.
///
/// ```
/// use safeguards_testkit::runs::RunHeads;
///
/// let head = RunHeads::new().team("research").begun_after(7).head("r-1");
/// assert_eq!((head.run.as_str(), head.team.as_str()), ("r-1", "research"));
/// ```
#[derive(Clone, Debug)]
pub struct RunHeads {
    team: String,
    seconds: i64,
    text: String,
}

impl RunHeads {
    /// Runs of the team `team` that began on a Monday morning, 2026-01-05T09:00:00Z.
    pub fn new() -> Self {
        Self { team: "team".to_owned(), seconds: 0, text: "work".to_owned() }
    }

    /// Runs of this team.
    #[must_use]
    pub fn team(self, team: impl Into<String>) -> Self {
        Self { team: team.into(), ..self }
    }

    /// They began so many seconds after that.
    #[must_use]
    pub fn begun_after(self, seconds: i64) -> Self {
        Self { seconds, ..self }
    }

    /// What was to be done.
    #[must_use]
    pub fn task(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }

    /// The head of a run of this name.
    pub fn head(&self, run: &str) -> RunHead {
        let began = instant(self.seconds);
        made(json!({
            "run": run,
            "op": OperationIds::seeded(7).mint(began),
            "team": self.team,
            "pool": "pool",
            "strategy": "pipeline",
            "agents": ["a", "b"],
            "task": { "task": self.text },
            "started_at": began,
            "deadline": instant(self.seconds.saturating_add(600)),
        }))
    }
}

impl Default for RunHeads {
    fn default() -> Self {
        Self::new()
    }
}

/// A run that began in the morning.
pub(super) fn head(run: &str) -> RunHead {
    RunHeads::new().head(run)
}

/// A run that began so many seconds later.
pub(super) fn head_at(run: &str, seconds: i64) -> RunHead {
    RunHeads::new().begun_after(seconds).head(run)
}

pub(super) fn intent(step: &str, attempt: u32) -> RunEntry {
    made(json!({
        "type": "intent", "step": step, "attempt": attempt, "agent": "a", "account": "a",
        "task": { "task": "work" }, "hold": { "USD": "0.5" }, "at": instant(1),
    }))
}

pub(super) fn outcome(step: &str, attempt: u32, output: impl Into<Value>) -> RunEntry {
    made(json!({
        "type": "outcome", "step": step, "attempt": attempt, "agent": "a", "order": 0,
        "state": "succeeded", "output": output.into(), "held": { "USD": "0.5" },
        "spent": { "USD": "0.25" }, "basis": "reported", "started_at": instant(1),
        "duration_ns": 1_500_000_001_u64,
    }))
}

pub(super) fn end(state: &str) -> RunEntry {
    made(json!({
        "type": "ended", "state": state, "output": "done", "spent": { "USD": "0.25" },
        "at": instant(9),
    }))
}

/// An intent that takes this many bytes and no more, as compact JSON.
pub(super) fn sized(step: &str, bytes: usize) -> RunEntry {
    let with = |letters: usize| -> RunEntry {
        let text = "x".repeat(letters);
        made(json!({
            "type": "intent", "step": step, "attempt": 1, "agent": "a", "account": "a",
            "task": { "task": text }, "hold": {}, "at": instant(1),
        }))
    };
    let bare = serde_json::to_vec(&with(0)).expect("it can be written").len();
    with(bytes.checked_sub(bare).expect("no fewer than that"))
}

/// Entries of each kind, with all that may be said in them and with as little as can be, each with the text that is its
/// JSON: for whoever stores them.
pub fn sample_entries() -> Vec<(RunEntry, &'static str)> {
    const TEXTS: [&str; 9] = [
        r#"{"type":"intent","step":"reader","attempt":1,"agent":"a","account":"a","task":{"task":"read"},"hold":{},"at":"2026-01-05T09:00:00Z"}"#,
        r#"{"type":"intent","step":"reader/2","attempt":7,"agent":"a","need":{"capability":"data.analysis","version":">=1","order":"best","limit":null},"delegated_by":"reader","account":"purse","task":{"task":"read","input":{"page":[1,null,"é"]}},"hold":{"USD":"0.5","requests":"1"},"at":"2026-01-05T09:00:00.000000001Z"}"#,
        r#"{"type":"outcome","step":"reader","attempt":0,"state":"skipped","reason":{"code":"run.skipped","message":"not begun: a failed"},"held":{},"spent":{},"basis":"not_begun","started_at":"2026-01-05T09:00:00Z","duration_ns":0}"#,
        r#"{"type":"outcome","step":"reader","attempt":1,"agent":"a","order":0,"state":"succeeded","output":null,"held":{},"spent":{},"basis":"free","started_at":"2026-01-05T09:00:00Z","duration_ns":1}"#,
        r#"{"type":"outcome","step":"reader","attempt":2,"agent":"a","order":3,"state":"denied","reason":{"code":"budget.limit_exceeded","message":"no"},"denial":{"asked":"1","code":"budget.limit_exceeded","never":true,"retry_at":null},"output":{"so":["far",1.5]},"notes":["one"],"log":["two","three"],"held":{"USD":"0.5"},"spent":{"USD":"0.000000000001"},"basis":"drawn","cost_mismatch":{"reported":{"USD":"0.1"},"drawn":{"USD":"0.2"}},"started_at":"2026-01-05T09:00:00Z","duration_ns":1500000001}"#,
        r#"{"type":"taken_over","leg":2,"by":"019b8d4e-1a80-7000-8000-000000000001","at":"2026-01-05T09:00:00Z"}"#,
        r#"{"type":"ended","state":"succeeded","output":"done","spent":{"USD":"0.25"},"at":"2026-01-05T09:00:09Z"}"#,
        r#"{"type":"ended","state":"timed_out","reason":{"code":"run.deadline_passed","message":"too late"},"spent":{},"at":"2026-01-05T09:00:09Z"}"#,
        r#"{"type":"ended","state":"succeeded","output":null,"spent":{},"at":"2026-01-05T09:00:09Z"}"#,
    ];
    let read = |text: &'static str| -> RunEntry {
        serde_json::from_str(text).expect("an entry is written so")
    };
    TEXTS.iter().map(|text| (read(text), *text)).collect()
}
