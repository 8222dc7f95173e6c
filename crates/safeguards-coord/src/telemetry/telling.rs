//! [`RunTelling`], [`AttemptTelling`] and [`tell`]: facts of runs as spans, events and metrics.

use std::time::Duration;

use metrics::{counter, gauge, histogram};
use safeguards_budget::Denial;
use safeguards_pricing::Usage;
use safeguards_types::{AccountId, AgentId};
use tracing::{Level, Span, event as told, field::Empty, field::display as shown, span as opened};

use super::{TARGET, event, field, metric, span};
use crate::{
    AttemptId, Cost, CostBasis, Reason, Report, RunFact, RunFault, RunHead, RunId, State,
    StepReport, bill::one_model, context::Told,
};

/// What OpenTelemetry calls a run.
const INVOKE_WORKFLOW: &str = "invoke_workflow";
/// What OpenTelemetry calls an attempt.
const INVOKE_AGENT: &str = "invoke_agent";

/// A run that is being told. Dropped before its end, the run was dropped, which cancels it.
#[derive(Debug)]
pub(crate) struct RunTelling {
    span: Span,
    is_over: bool,
}

impl RunTelling {
    pub(crate) fn begin(head: &RunHead, leg: u32) -> Self {
        let span = opened!(
            target: TARGET, Level::INFO, span::RUN,
            { field::OTEL_NAME } = %format_args!("{INVOKE_WORKFLOW} {}", head.team),
            { field::OTEL_STATUS } = Empty,
            { field::OPERATION } = INVOKE_WORKFLOW,
            { field::AGENT_NAME } = head.team.as_str(),
            { field::RUN_ID } = head.run.as_str(),
            { field::LEG } = leg,
            { field::STRATEGY } = head.strategy.as_str(),
            { field::ACCOUNT } = head.pool.as_str(),
            { field::STATE } = Empty,
            { field::ERROR } = Empty,
            { field::SPENT } = Empty,
        );
        gauge!(metric::RUNS_ACTIVE).increment(1);
        Self { span, is_over: false }
    }

    pub(crate) const fn span(&self) -> &Span {
        &self.span
    }

    pub(crate) fn end(mut self, report: &Report) {
        self.span.record(field::SPENT, shown(&report.spent));
        record_end(&self.span, report.state, code(report.reason.as_ref()));
        let took = report.ended_at.since(report.started_at);
        record_duration(INVOKE_WORKFLOW, report.state, took);
        self.over(report.state);
    }

    fn over(&mut self, state: State) {
        self.is_over = true;
        gauge!(metric::RUNS_ACTIVE).decrement(1);
        counter!(metric::RUNS, field::STATE => state.as_str()).increment(1);
    }
}

impl Drop for RunTelling {
    fn drop(&mut self) {
        if !self.is_over {
            record_end(&self.span, State::Cancelled, Some(RunFault::Cancelled.code()));
            self.over(State::Cancelled);
        }
    }
}

/// An attempt that is being told.
#[derive(Debug)]
pub(crate) struct AttemptTelling {
    span: Span,
}

impl AttemptTelling {
    pub(crate) fn begin(run: &RunId, id: &AttemptId, account: &AccountId) -> Self {
        let agent = id.agent.as_ref().map(AgentId::as_str);
        let span = opened!(
            target: TARGET, Level::INFO, span::ATTEMPT,
            { field::OTEL_NAME } = %format_args!("{INVOKE_AGENT} {}", agent.unwrap_or_default()),
            { field::OTEL_STATUS } = Empty,
            { field::OPERATION } = INVOKE_AGENT,
            { field::AGENT_NAME } = agent,
            { field::RUN_ID } = run.as_str(),
            { field::STEP } = id.step.as_str(),
            { field::ATTEMPT } = id.number,
            { field::ACCOUNT } = account.as_str(),
            { field::MODEL } = Empty,
            { field::INPUT_TOKENS } = Empty,
            { field::OUTPUT_TOKENS } = Empty,
            { field::STATE } = Empty,
            { field::ERROR } = Empty,
            { field::SPENT } = Empty,
        );
        gauge!(metric::ATTEMPTS_ACTIVE).increment(1);
        Self { span }
    }

    pub(crate) const fn span(&self) -> &Span {
        &self.span
    }

    pub(crate) fn end(self, report: &StepReport) {
        self.span.record(field::SPENT, shown(&report.spent));
        record_end(&self.span, report.state, code(report.reason.as_ref()));
        record_duration(INVOKE_AGENT, report.state, report.duration);
    }
}

impl Drop for AttemptTelling {
    fn drop(&mut self) {
        gauge!(metric::ATTEMPTS_ACTIVE).decrement(1);
    }
}

/// An agent that was let go and goes on, counted until this is dropped.
#[derive(Debug)]
pub(crate) struct AbandonedTelling(());

impl AbandonedTelling {
    pub(crate) fn begin() -> Self {
        gauge!(metric::ABANDONED_ACTIVE).increment(1);
        Self(())
    }
}

impl Drop for AbandonedTelling {
    fn drop(&mut self) {
        gauge!(metric::ABANDONED_ACTIVE).decrement(1);
    }
}

fn record_duration(operation: &'static str, state: State, took: Duration) {
    let state = state.as_str();
    histogram!(metric::DURATION, field::OPERATION => operation, field::STATE => state).record(took);
}

fn record_end(span: &Span, state: State, error: Option<&str>) {
    span.record(field::STATE, state.as_str());
    // A skipped step is as the strategy wants it.
    if !matches!(state, State::Succeeded | State::Skipped) {
        span.record(field::OTEL_STATUS, "ERROR");
    }
    span.record(field::ERROR, error);
}

/// Notes in the attempt's span which model its agent used, and how many tokens, as far as it says so.
pub(crate) fn tell_usage(cost: &Cost, told: &Told) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    let (mut all, mut is_said) = (Usage::new(0, 0), false);
    for cost in told.costs.iter().chain([cost]) {
        let Cost::Usage { usage, .. } = cost else {
            continue;
        };
        // What was said later stands for all before it, as it does where it is priced.
        all.input_tokens = all.input_tokens.max(usage.input_tokens);
        all.output_tokens = all.output_tokens.max(usage.output_tokens);
        is_said = true;
    }
    if !is_said {
        return;
    }
    span.record(field::INPUT_TOKENS, all.input_tokens);
    span.record(field::OUTPUT_TOKENS, all.output_tokens);
    if let Some(model) = one_model(cost, told) {
        span.record(field::MODEL, model);
    }
}

/// Tells a fact as an event, and counts it.
pub(crate) fn tell(run: &RunId, attempt: Option<&AttemptId>, fact: &RunFact) {
    let run = run.as_str();
    match (attempt, fact) {
        (_, RunFact::RunStarted { .. }) => {
            told!(name: event::RUN_STARTED, target: TARGET, Level::INFO, { field::RUN_ID } = run, "{}", event::RUN_STARTED);
        }
        (_, RunFact::RunResumed { leg, reused }) => told!(
            name: event::RUN_RESUMED, target: TARGET, Level::INFO,
            { field::RUN_ID } = run, { field::LEG } = *leg, { field::REUSED } = *reused,
            "{}", event::RUN_RESUMED
        ),
        (_, RunFact::RunEnded { state, reason, spent }) => told!(
            name: event::RUN_ENDED, target: TARGET, Level::INFO,
            { field::RUN_ID } = run,
            { field::STATE } = state.as_str(),
            { field::ERROR } = code(reason.as_ref()),
            { field::SPENT } = %spent,
            "{}", event::RUN_ENDED
        ),
        (Some(id), fact) => tell_of_step(run, id, fact),
        // An agent's own words are nobody's but its observer's.
        (None, _) => {}
    }
}

fn tell_of_step(run: &str, id: &AttemptId, fact: &RunFact) {
    let (step, number) = (id.step.as_str(), id.number);
    let agent = id.agent.as_ref().map(AgentId::as_str);
    match fact {
        RunFact::Chosen { .. } => told!(
            name: event::CHOSEN, target: TARGET, Level::DEBUG,
            { field::RUN_ID } = run, { field::STEP } = step, { field::ATTEMPT } = number,
            { field::AGENT_NAME } = agent,
            "{}", event::CHOSEN
        ),
        RunFact::StepStarted { .. } => told!(
            name: event::STEP_STARTED, target: TARGET, Level::DEBUG,
            { field::RUN_ID } = run, { field::STEP } = step, { field::ATTEMPT } = number,
            { field::AGENT_NAME } = agent,
            "{}", event::STEP_STARTED
        ),
        RunFact::Held { amounts, .. } => told!(
            name: event::HELD, target: TARGET, Level::DEBUG,
            { field::RUN_ID } = run, { field::STEP } = step, { field::ATTEMPT } = number,
            { field::HELD } = %amounts,
            "{}", event::HELD
        ),
        RunFact::Denied { denial } => told!(
            name: event::DENIED, target: TARGET, Level::WARN,
            { field::RUN_ID } = run, { field::STEP } = step, { field::ATTEMPT } = number,
            { field::DENIAL_CODE } = denial.code(),
            { field::ACCOUNT } = whose(denial).map(AccountId::as_str),
            "{}", event::DENIED
        ),
        RunFact::Progressed { drawn, .. } => told!(
            name: event::PROGRESSED, target: TARGET, Level::DEBUG,
            { field::RUN_ID } = run, { field::STEP } = step, { field::ATTEMPT } = number,
            { field::DRAWN } = %drawn,
            "{}", event::PROGRESSED
        ),
        RunFact::Settled { amounts, basis, .. } => told!(
            name: event::SETTLED, target: TARGET, Level::DEBUG,
            { field::RUN_ID } = run, { field::STEP } = step, { field::ATTEMPT } = number,
            { field::SPENT } = %amounts,
            { field::COST_BASIS } = basis_name(*basis),
            "{}", event::SETTLED
        ),
        RunFact::Retrying { reason, spent, wait } => {
            counter!(metric::RETRIES).increment(1);
            told!(
                name: event::RETRYING, target: TARGET, Level::INFO,
                { field::RUN_ID } = run, { field::STEP } = step, { field::ATTEMPT } = number,
                { field::ERROR } = &*reason.code,
                { field::SPENT } = %spent,
                { field::WAIT_MS } = millis(*wait),
                "{}", event::RETRYING
            );
        }
        RunFact::StepEnded { state, reason, spent, duration, reused: false } => {
            counter!(metric::STEPS, field::STATE => state.as_str()).increment(1);
            told!(
                name: event::STEP_ENDED, target: TARGET, Level::INFO,
                { field::RUN_ID } = run, { field::STEP } = step, { field::ATTEMPT } = number,
                { field::AGENT_NAME } = agent,
                { field::STATE } = state.as_str(),
                { field::ERROR } = code(reason.as_ref()),
                { field::SPENT } = %spent,
                { field::DURATION_MS } = millis(*duration),
                "{}", event::STEP_ENDED
            );
        }
        // What an earlier leg ended was told and counted there.
        RunFact::StepEnded { reused: true, .. }
        | RunFact::Logged { .. }
        | RunFact::RunStarted { .. }
        | RunFact::RunResumed { .. }
        | RunFact::RunEnded { .. } => {}
    }
}

fn code(reason: Option<&Reason>) -> Option<&str> {
    reason.map(|reason| &*reason.code)
}

/// Whose limit said no.
fn whose(denial: &Denial) -> Option<&AccountId> {
    denial.shortfall().map(|shortfall| &shortfall.account)
}

/// As JSON has it.
const fn basis_name(basis: CostBasis) -> &'static str {
    match basis {
        CostBasis::NotBegun => "not_begun",
        CostBasis::Reported => "reported",
        CostBasis::Drawn => "drawn",
        CostBasis::Estimate => "estimate",
        CostBasis::Partial => "partial",
        CostBasis::Free => "free",
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
