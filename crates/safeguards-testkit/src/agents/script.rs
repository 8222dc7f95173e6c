//! [`Script`]: what a scripted agent does in one call.

use std::time::Duration;

use safeguards_coord::{Cost, Task};
use safeguards_types::{AgentId, Amounts};
use serde_json::{Value, json};

/// What a scripted agent does in one call: acts, in the order in which they were written, and then its end.
///
/// Whose end is not written replies `"done"`; who is not told what it costs does not say.
///
/// ```
/// use std::time::Duration;
/// use safeguards_testkit::Script;
/// use safeguards_types::usd;
///
/// // Draws, and fails before it can say what it cost.
/// let script = Script::new().draws(usd!(0.05)).takes(Duration::from_secs(3)).then_fails("down");
/// # let _ = script;
/// ```
#[derive(Clone, Debug)]
#[must_use = "a script does nothing until an agent has it"]
pub struct Script {
    pub(super) acts: Vec<Act>,
    pub(super) cost: Cost,
    pub(super) notes: Vec<String>,
    pub(super) end: End,
}

/// One thing that is done on the way.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Take(Duration),
    Yield(u32),
    Charge(Amounts),
    Tell(Amounts),
    Progress(String),
    Log(String),
    Delegate { to: AgentId, task: Task, must_succeed: bool },
    WaitToBeStopped,
}

/// How a call ends.
#[derive(Clone, Debug)]
pub(super) enum End {
    Reply(Value),
    Fail { message: String, is_retryable: bool },
    Panic(String),
    Hang,
}

impl Script {
    /// Replies `"done"` at once, and does not say what it cost.
    pub fn new() -> Self {
        Self {
            acts: Vec::new(),
            cost: Cost::Unknown,
            notes: Vec::new(),
            end: End::Reply(json!("done")),
        }
    }

    fn act(mut self, act: Act) -> Self {
        self.acts.push(act);
        self
    }

    /// Takes so long, by the runtime's time.
    pub fn takes(self, span: Duration) -> Self {
        self.act(Act::Take(span))
    }

    /// Lets others go first so many times.
    pub fn yields(self, times: u32) -> Self {
        self.act(Act::Yield(times))
    }

    /// Charges so much to its attempt. Where that is denied the call fails, whatever was to come.
    pub fn draws(self, amounts: impl Into<Amounts>) -> Self {
        self.act(Act::Charge(amounts.into()))
    }

    /// Reports that it has spent so much so far, all in all.
    pub fn reports(self, so_far: impl Into<Amounts>) -> Self {
        self.act(Act::Tell(so_far.into()))
    }

    /// Tells how far it is.
    pub fn progresses(self, text: impl Into<String>) -> Self {
        self.act(Act::Progress(text.into()))
    }

    /// Writes a line into its log.
    pub fn logs(self, line: impl Into<String>) -> Self {
        self.act(Act::Log(line.into()))
    }

    /// Lets another agent of the team do this. Where that does not succeed the call fails.
    pub fn delegates(self, to: impl Into<AgentId>, task: impl Into<String>) -> Self {
        let (to, task) = (to.into(), Task::new(task));
        self.act(Act::Delegate { to, task, must_succeed: true })
    }

    /// Lets another agent of the team do this, and goes on whatever comes of it.
    pub fn tries_to_delegate(self, to: impl Into<AgentId>, task: impl Into<String>) -> Self {
        let (to, task) = (to.into(), Task::new(task));
        self.act(Act::Delegate { to, task, must_succeed: false })
    }

    /// Waits until it is told to stop, and then goes on with what comes next.
    pub fn waits_to_be_stopped(self) -> Self {
        self.act(Act::WaitToBeStopped)
    }

    /// Says at its end, be it a reply or a failure, that it cost so much in all.
    pub fn costs(self, cost: impl Into<Cost>) -> Self {
        Self { cost: cost.into(), ..self }
    }

    /// Adds what people should know.
    pub fn notes(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Ends with this output.
    pub fn then_replies(self, output: impl Into<Value>) -> Self {
        Self { end: End::Reply(output.into()), ..self }
    }

    /// Ends with an output that takes so many bytes as JSON; fewer than two are two.
    pub fn then_replies_with_bytes(self, bytes: usize) -> Self {
        self.then_replies("x".repeat(bytes.saturating_sub(2)))
    }

    /// Fails.
    pub fn then_fails(self, message: impl Into<String>) -> Self {
        Self { end: End::Fail { message: message.into(), is_retryable: false }, ..self }
    }

    /// Fails, and says that another attempt may help.
    pub fn then_fails_for_now(self, message: impl Into<String>) -> Self {
        Self { end: End::Fail { message: message.into(), is_retryable: true }, ..self }
    }

    /// Panics. Nothing is printed: it was meant to.
    pub fn then_panics(self, message: impl Into<String>) -> Self {
        Self { end: End::Panic(message.into()), ..self }
    }

    /// Never ends, and heeds nobody who tells it to stop.
    pub fn then_hangs(self) -> Self {
        Self { end: End::Hang, ..self }
    }
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}
