//! What a recorded session costs, and where a tight pool ends it.

use std::{sync::Arc, time::Duration};

use safeguards_coord::{Guards, Report, RunEntry, RunOptions, RunStore as _, State};
use safeguards_types::{Amount, Amounts, Quantity, Unit, usd};

use crate::{
    recorded::{Call, Session, sessions},
    script::Script,
    stage::Stage,
};

/// What calls cost at gpt-4o prices, from the price list alone: 2.50 USD for a million tokens in, 10 USD out.
fn cost<'calls>(calls: impl IntoIterator<Item = &'calls Call>) -> Quantity {
    let steps = |call: &Call| {
        let (input, output) = (call.input_tokens.unwrap_or(0), call.output_tokens);
        i128::from(input) * 2_500_000 + i128::from(output) * 10_000_000
    };
    Quantity::from_steps(calls.into_iter().map(steps).sum()).unwrap()
}

fn tokens<'calls>(calls: impl IntoIterator<Item = &'calls Call>) -> Quantity {
    let count = |call: &Call| call.input_tokens.unwrap_or(0) + call.output_tokens;
    Quantity::from_units(calls.into_iter().map(count).sum()).unwrap()
}

/// The least that can be held: all else is drawn call by call.
fn next_to_nothing(_agent: &str) -> Amounts {
    usd!(0.000000000001).into()
}

/// Without guards, some sessions would end before their money does.
fn unguarded(options: RunOptions) -> RunOptions {
    let mut guards = Guards::default();
    guards.repeats_max = u32::MAX;
    options.guards(guards)
}

fn usd(steps: i128) -> Amount {
    Amount::new(Quantity::from_steps(steps).unwrap(), Unit::USD)
}

#[tokio::test(start_paused = true)]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
async fn every_session_ends_once_and_is_paid_to_the_last_digit() {
    let mut whole = Quantity::ZERO;
    let (mut turns, mut calls, mut unrecorded) = (0, 0, 0);
    for session in sessions() {
        let script = Arc::new(Script::as_handed_over(&session));
        let stage = Stage::with_limit(usd!(10));
        let report = stage.play(&script, next_to_nothing, unguarded).await;
        let name = &session.name;
        assert_eq!((report.state, &report.reason), (State::Succeeded, &None), "{name}");
        let last = session.calls.last().unwrap();
        assert_eq!(report.output.as_ref().unwrap()["sha"], last.output, "{name}");

        let requests = Quantity::from_units(u64::try_from(script.turns.len()).unwrap()).unwrap();
        let expected = [
            (Unit::USD, cost(&session.calls)),
            (Unit::TOKENS, tokens(&session.calls)),
            (Unit::REQUESTS, requests),
        ];
        let expected: Amounts =
            expected.into_iter().map(|(unit, quantity)| Amount::new(quantity, unit)).collect();
        let pool = stage.account("pool").await;
        assert_eq!((&report.spent, &pool.spent.without_zeros()), (&expected, &expected), "{name}");
        assert!(pool.held.is_zero(), "{name}: {}", pool.held);
        for agent in script.agents() {
            let account = stage.account(agent).await;
            let own = cost(session.calls.iter().filter(|call| call.agent == agent));
            assert_eq!(account.spent.get(&Unit::USD), own, "{name} {agent}");
            assert!(account.held.is_zero(), "{name} {agent}: {}", account.held);
        }
        as_recorded(&session, &script, &stage, &report).await;

        whole = whole.checked_add(cost(&session.calls)).unwrap();
        turns += script.turns.len();
        calls += session.calls.len();
        unrecorded += script.turns.iter().filter(|turn| turn.draws.is_empty()).count();
        println!(
            "{name}: {} turns, {} calls, {}",
            script.turns.len(),
            session.calls.len(),
            report.spent
        );
    }
    println!("{turns} turns ({unrecorded} not recorded), {calls} calls, {whole} USD");
    assert_eq!((turns, unrecorded, calls), (517, 113, 477));
    assert_eq!(whole.to_string(), "3.82512");
}

/// Every turn is a step that succeeded, took its time, and stands in the store with what it was given and cost.
async fn as_recorded(session: &Session, script: &Script, stage: &Stage, report: &Report) {
    assert_eq!(report.steps.len(), script.turns.len());
    let entries = stage.entries(report).await;
    let (mut intents, mut outcomes, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for entry in &entries {
        match entry {
            RunEntry::Intent(intent) => intents.push(intent),
            RunEntry::Outcome(outcome) => outcomes.push(outcome),
            RunEntry::Ended(end) => ends.push(end),
            other @ (RunEntry::TakenOver { .. } | _) => panic!("{other:?}"),
        }
    }
    assert_eq!((intents.len(), outcomes.len()), (script.turns.len(), script.turns.len()));
    let [end] = ends[..] else { panic!("{} ends", ends.len()) };
    assert_eq!((end.state, &end.spent), (State::Succeeded, &report.spent));
    let view = stage.store.run(&report.run).await.unwrap().unwrap();
    assert_eq!(view.end.as_ref(), Some(&**end));

    let mut said = script.input.clone();
    for (number, turn) in script.turns.iter().enumerate() {
        let (step, intent, outcome) = (&report.steps[number], intents[number], outcomes[number]);
        let name = format!("{}-{}", turn.agent, number + 1);
        assert_eq!((step.step.as_str(), intent.step.as_str()), (&*name, &*name));
        assert_eq!(outcome.step.as_str(), name);
        assert_eq!((step.state, outcome.state), (State::Succeeded, State::Succeeded), "{name}");
        assert_eq!((step.spent.get(&Unit::USD), &outcome.spent), (turn.usd(), &step.spent));
        assert_eq!(intent.task.input(), &said, "{name}");
        assert_eq!(outcome.output.as_ref(), Some(&turn.output), "{name}");
        said = turn.output.clone();
        if let Some(at) = turn.draws.last().and_then(|draw| draw.at) {
            let ended = step.started_at.saturating_add(step.duration).since(report.started_at);
            // Timers count whole milliseconds.
            let late =
                ended.checked_sub(at).unwrap_or_else(|| panic!("{name}: {ended:?} < {at:?}"));
            assert!(late <= Duration::from_millis(1), "{name}: {late:?} late");
        }
    }
    let lasted = report.ended_at.since(report.started_at);
    assert!(lasted.abs_diff(session.calls.last().unwrap().at) <= Duration::from_millis(1));
}

/// A pool that lacks one millionth of a millionth of a dollar for a call; for every seventh of the 477 calls.
#[tokio::test(start_paused = true)]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
async fn a_tight_pool_ends_a_session_at_the_very_call_that_would_exceed_it() {
    let (mut calls, mut refused) = (0, 0);
    for session in sessions() {
        let script = Arc::new(Script::as_handed_over(&session));
        for number in 0..session.calls.len() {
            calls += 1;
            // Which one of seven moves on from session to session.
            if calls % 7 != 0 {
                continue;
            }
            let before = cost(&session.calls[..number]);
            let limit = usd(cost(&session.calls[..=number]).steps() - 1);
            let stage = Stage::with_limit(limit.clone());
            let report = stage.play(&script, next_to_nothing, unguarded).await;
            let told = format!("{} call {number}: {report:?}", session.name);
            let pool = stage.account("pool").await;
            assert_eq!(report.spent.get(&Unit::USD), before, "{told}");
            assert_eq!(pool.spent.get(&Unit::USD), before, "{told}");
            assert!(pool.held.is_zero(), "{told}");

            let turn = script
                .turns
                .iter()
                .rposition(|turn| !turn.draws.is_empty() && turn.begins_with <= number);
            let last = report.steps.last().unwrap();
            assert_eq!(Some(report.steps.len() - 1), turn, "{told}");
            let reason = report.reason.as_ref().unwrap();
            assert_eq!((report.state, last.state), (State::Failed, State::Failed), "{told}");
            assert_eq!(reason.code, "agent.failed", "{told}");
            assert!(reason.message.contains("pool has "), "{told}");
            refused += 1;
        }
    }
    println!("{refused} pools, each exhausted at the call that did not fit");
    assert_eq!((calls, refused), (477, 68));
}

/// What is held before a turn is the dearest turn of its agent; the pool has half of what the session cost.
#[tokio::test(start_paused = true)]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
async fn a_turn_is_denied_where_its_estimate_does_not_fit_into_what_is_left() {
    for session in sessions() {
        let script = Arc::new(Script::as_handed_over(&session));
        let dearest = |agent: &str| {
            let turns = script.turns.iter().filter(|turn| turn.agent == agent);
            turns.map(|turn| turn.usd().steps()).max().unwrap().max(1)
        };
        let limit = cost(&session.calls).steps() / 2;
        let mut spent = 0;
        let denied = script.turns.iter().position(|turn| {
            let fits = spent + dearest(&turn.agent) <= limit;
            spent += if fits { turn.usd().steps() } else { 0 };
            !fits
        });
        let stage = Stage::with_limit(usd(limit));
        let estimate = |agent: &str| usd(dearest(agent)).into();
        let report = stage.play(&script, estimate, unguarded).await;
        let told = format!("{}: {report:?}", session.name);
        let (denied, last) = (denied.unwrap(), report.steps.last().unwrap());
        assert_eq!(report.steps.len() - 1, denied, "{told}");
        assert_eq!((report.state, last.state), (State::Denied, State::Denied), "{told}");
        assert_eq!(report.reason.as_ref().unwrap().code, "budget.limit_exceeded", "{told}");
        assert!(last.denial.is_some() && last.spent.is_zero(), "{told}");
        let pool = stage.account("pool").await;
        assert_eq!(pool.spent.get(&Unit::USD).steps(), spent, "{told}");
        assert!(spent <= limit && pool.held.is_zero(), "{told}");
        println!("{}: denied at turn {denied} of {}", session.name, script.turns.len());
    }
}
