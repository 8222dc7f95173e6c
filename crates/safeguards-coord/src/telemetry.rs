//! What runs tell to `tracing` and to `metrics`: the names, which are stable, and [`describe_metrics`].
//!
//! Names that OpenTelemetry's conventions for generative AI have are theirs (`gen_ai.*`, `error.type`), as of their
//! version 0.1.0; ours begin with `safeguards.`. No field holds a task, an output, a message of an error or an agent's own words: these may hold
//! what nobody should read in a log.

mod telling;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(crate) use self::telling::{AbandonedTelling, AttemptTelling, RunTelling, tell, tell_usage};

/// The target of all spans and events of runs, for filters.
pub const TARGET: &str = "safeguards::run";

/// The spans.
pub mod span {
    /// A run, from its first step to its report. OpenTelemetry calls it `invoke_workflow`.
    pub const RUN: &str = "safeguards.run";
    /// An attempt of a step: hold, agent, settlement. OpenTelemetry calls it `invoke_agent`.
    pub const ATTEMPT: &str = "safeguards.attempt";
}

/// The events: what a [`RunFact`](crate::RunFact) tells, without words of people and agents.
pub mod event {
    /// A run began.
    pub const RUN_STARTED: &str = "safeguards.run_started";
    /// A run goes on that was cut off, or had ended without success.
    pub const RUN_RESUMED: &str = "safeguards.run_resumed";
    /// Somebody was chosen to do a step.
    pub const CHOSEN: &str = "safeguards.chosen";
    /// An attempt of a step began.
    pub const STEP_STARTED: &str = "safeguards.step_started";
    /// Money was set aside.
    pub const HELD: &str = "safeguards.held";
    /// A budget said no.
    pub const DENIED: &str = "safeguards.denied";
    /// The agent told how far it is.
    pub const PROGRESSED: &str = "safeguards.progressed";
    /// What an attempt cost is written down.
    pub const SETTLED: &str = "safeguards.settled";
    /// An attempt ended, and another one follows.
    pub const RETRYING: &str = "safeguards.retrying";
    /// A step ended, or will not be begun.
    pub const STEP_ENDED: &str = "safeguards.step_ended";
    /// A run ended.
    pub const RUN_ENDED: &str = "safeguards.run_ended";
}

/// The fields of spans and events, and the labels of metrics.
pub mod field {
    /// What the span is called in OpenTelemetry.
    pub const OTEL_NAME: &str = "otel.name";
    /// `ERROR` where it did not end well.
    pub const OTEL_STATUS: &str = "otel.status_code";
    /// What is done: `invoke_workflow` or `invoke_agent`.
    pub const OPERATION: &str = "gen_ai.operation.name";
    /// The agent's name; of a run the team's.
    pub const AGENT_NAME: &str = "gen_ai.agent.name";
    /// The model that the agent says it used, if it was one.
    pub const MODEL: &str = "gen_ai.request.model";
    /// Tokens that went in.
    pub const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
    /// Tokens that came out.
    pub const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
    /// The stable code of the reason, where something did not succeed.
    pub const ERROR: &str = "error.type";
    /// The run.
    pub const RUN_ID: &str = "safeguards.run.id";
    /// Which leg of the run, from 1.
    pub const LEG: &str = "safeguards.run.leg";
    /// How many steps ended in earlier legs.
    pub const REUSED: &str = "safeguards.run.reused";
    /// The strategy's name.
    pub const STRATEGY: &str = "safeguards.strategy";
    /// The step.
    pub const STEP: &str = "safeguards.step";
    /// The number of the attempt, from 1; 0 for a step that was not begun.
    pub const ATTEMPT: &str = "safeguards.attempt";
    /// Who pays; of a run the account at which all its spending counts; of a denial whose limit said no.
    pub const ACCOUNT: &str = "safeguards.account";
    /// How it ended.
    pub const STATE: &str = "safeguards.state";
    /// What was set aside, as text.
    pub const HELD: &str = "safeguards.held";
    /// What was drawn so far, as text.
    pub const DRAWN: &str = "safeguards.drawn";
    /// What was spent, as text.
    pub const SPENT: &str = "safeguards.spent";
    /// What the amount spent rests on.
    pub const COST_BASIS: &str = "safeguards.cost_basis";
    /// The code of a denial.
    pub const DENIAL_CODE: &str = "safeguards.denial.code";
    /// How long until the next attempt, in milliseconds.
    pub const WAIT_MS: &str = "safeguards.wait_ms";
    /// How long a step took, in milliseconds.
    pub const DURATION_MS: &str = "safeguards.duration_ms";
}

/// The metrics.
pub mod metric {
    /// Runs that ended.
    pub const RUNS: &str = "safeguards.runs";
    /// Runs that go on.
    pub const RUNS_ACTIVE: &str = "safeguards.runs.active";
    /// Steps that ended.
    pub const STEPS: &str = "safeguards.steps";
    /// Attempts that go on.
    pub const ATTEMPTS_ACTIVE: &str = "safeguards.attempts.active";
    /// How long runs and attempts took.
    pub const DURATION: &str = "gen_ai.invoke_agent.duration";
    /// Attempts that another one followed.
    pub const RETRIES: &str = "safeguards.retries";
    /// Agents that did not stop and go on.
    pub const ABANDONED_ACTIVE: &str = "safeguards.abandoned.active";
}

/// Each span and its fields.
pub const SPANS: &[(&str, &[&str])] = &[
    (
        span::RUN,
        &[
            field::OTEL_NAME,
            field::OTEL_STATUS,
            field::OPERATION,
            field::AGENT_NAME,
            field::RUN_ID,
            field::LEG,
            field::STRATEGY,
            field::ACCOUNT,
            field::STATE,
            field::ERROR,
            field::SPENT,
        ],
    ),
    (
        span::ATTEMPT,
        &[
            field::OTEL_NAME,
            field::OTEL_STATUS,
            field::OPERATION,
            field::AGENT_NAME,
            field::RUN_ID,
            field::STEP,
            field::ATTEMPT,
            field::ACCOUNT,
            field::MODEL,
            field::INPUT_TOKENS,
            field::OUTPUT_TOKENS,
            field::STATE,
            field::ERROR,
            field::SPENT,
        ],
    ),
];

/// Each event and its fields.
pub const EVENTS: &[(&str, &[&str])] = &[
    (event::RUN_STARTED, &[field::RUN_ID]),
    (event::RUN_RESUMED, &[field::RUN_ID, field::LEG, field::REUSED]),
    (event::CHOSEN, &[field::RUN_ID, field::STEP, field::ATTEMPT, field::AGENT_NAME]),
    (event::STEP_STARTED, &[field::RUN_ID, field::STEP, field::ATTEMPT, field::AGENT_NAME]),
    (event::HELD, &[field::RUN_ID, field::STEP, field::ATTEMPT, field::HELD]),
    (
        event::DENIED,
        &[field::RUN_ID, field::STEP, field::ATTEMPT, field::DENIAL_CODE, field::ACCOUNT],
    ),
    (event::PROGRESSED, &[field::RUN_ID, field::STEP, field::ATTEMPT, field::DRAWN]),
    (
        event::SETTLED,
        &[field::RUN_ID, field::STEP, field::ATTEMPT, field::SPENT, field::COST_BASIS],
    ),
    (
        event::RETRYING,
        &[field::RUN_ID, field::STEP, field::ATTEMPT, field::ERROR, field::SPENT, field::WAIT_MS],
    ),
    (
        event::STEP_ENDED,
        &[
            field::RUN_ID,
            field::STEP,
            field::ATTEMPT,
            field::AGENT_NAME,
            field::STATE,
            field::ERROR,
            field::SPENT,
            field::DURATION_MS,
        ],
    ),
    (event::RUN_ENDED, &[field::RUN_ID, field::STATE, field::ERROR, field::SPENT]),
];

/// Tells the recorder what the metrics of this crate mean, and in which units they are. To be called once, after a
/// recorder is installed.
pub fn describe_metrics() {
    describe_counter!(metric::RUNS, Unit::Count, "Runs that ended, by state");
    describe_gauge!(metric::RUNS_ACTIVE, Unit::Count, "Runs that go on");
    describe_counter!(metric::STEPS, Unit::Count, "Steps that ended or were not begun, by state");
    describe_gauge!(metric::ATTEMPTS_ACTIVE, Unit::Count, "Attempts that go on");
    describe_histogram!(
        metric::DURATION,
        Unit::Seconds,
        "How long a run or an attempt of a step took, by operation and state"
    );
    describe_counter!(metric::RETRIES, Unit::Count, "Attempts that another one followed");
    describe_gauge!(
        metric::ABANDONED_ACTIVE,
        Unit::Count,
        "Agents that did not stop when they were told to, and go on"
    );
}
