//! Spans within spans: a run, its attempts, their commands, and what agents tell themselves.

use safeguards_coord::{
    BlockingPool, Context, Descriptor, Member, Pipeline, Reply, State, Task, agent_fn, blocking_fn,
};
use safeguards_pricing::Usage;
use safeguards_types::usd;
use tracing::dispatcher::{get_default, with_default};

use super::{
    office::{Office, watch},
    page::check_told,
};

#[tokio::test(start_paused = true)]
async fn a_run_holds_attempts_which_hold_commands_and_what_agents_tell() {
    let office = Office::new().await;
    let (captured, _guard) = watch();
    let reader = agent_fn("a", |_, cx: Context| async move {
        tracing::info_span!("thinking").in_scope(|| tracing::info!("deep"));
        cx.log("a secret line");
        cx.progress("a secret thought");
        let report = cx.delegate("b", Task::new("a secret part")).await?;
        assert_eq!(report.state, State::Succeeded);
        let usage = Usage::new(1_000, 50);
        Ok(Reply::text("a secret").usage("gpt-4o", usage))
    });
    let helper = agent_fn("b", |_, _| async { Ok(Reply::text("a secret").cost(usd!(0.25))) });
    let strategy = Pipeline::through(["a"]);
    let report =
        office.run([Member::new(reader, usd!(1)), Member::new(helper, usd!(1))], &strategy).await;
    assert_eq!(report.state, State::Succeeded, "{report:?}");

    let [run] = captured.spans("safeguards.run").try_into().unwrap();
    assert!(run.is_closed);
    let field = |name: &str| run.fields.get(name).map(String::as_str);
    assert_eq!(field("otel.name"), Some("invoke_workflow team"));
    assert_eq!(field("gen_ai.operation.name"), Some("invoke_workflow"));
    assert_eq!(field("gen_ai.agent.name"), Some("team"));
    assert_eq!(field("safeguards.run.id"), Some(report.run.as_str()));
    assert_eq!(field("safeguards.state"), Some("succeeded"));
    assert_eq!(field("safeguards.spent"), Some(report.spent.to_string().as_str()));
    assert_eq!(field("error.type"), None);

    let [first, second] = captured.spans("safeguards.attempt").try_into().unwrap();
    let of_first = |name: &str| first.fields.get(name).map(String::as_str);
    assert_eq!(of_first("gen_ai.operation.name"), Some("invoke_agent"));
    assert_eq!(of_first("gen_ai.agent.name"), Some("a"));
    assert_eq!(of_first("gen_ai.request.model"), Some("gpt-4o"));
    assert_eq!(of_first("gen_ai.usage.input_tokens"), Some("1000"));
    assert_eq!(of_first("gen_ai.usage.output_tokens"), Some("50"));
    assert_eq!(of_first("safeguards.attempt"), Some("1"));
    assert_eq!(of_first("safeguards.state"), Some("succeeded"));
    assert_eq!(second.fields["gen_ai.agent.name"], "b");
    assert_eq!(second.fields["safeguards.spent"], "0.25 USD, 1 requests");
    assert_eq!(captured.way_to(first.parent), ["safeguards.run"]);
    assert_eq!(captured.way_to(second.parent), ["safeguards.run", "safeguards.attempt"]);

    let commands = captured.spans("safeguards.command");
    let told = commands.iter().map(|span| span.fields["safeguards.command"].as_str());
    let told: Vec<_> = told.collect();
    assert_eq!(told, ["place_hold", "place_hold", "settle", "settle"]);
    for (command, depth) in commands.iter().zip([2, 3, 3, 2]) {
        assert_eq!(captured.way_to(command.parent).len(), depth, "{command:?}");
        assert_eq!(command.fields["safeguards.outcome"], "granted");
    }
    let [thought] = captured.spans("thinking").try_into().unwrap();
    assert_eq!(captured.way_to(thought.parent), ["safeguards.run", "safeguards.attempt"]);

    let all = captured.0.lock();
    assert!(!format!("{:?} {:?}", all.spans, all.events).contains("secret"));
    check_told(&all);
    for name in ["run_started", "step_started", "held", "progressed", "settled", "step_ended"] {
        let name = format!("safeguards.{name}");
        let event = all.events.iter().find(|event| event.known.name() == name).expect(&name);
        assert_eq!(event.fields["safeguards.run.id"], report.run.as_str());
        assert!(event.span.is_some(), "{name} stands in no span");
    }
}

#[tokio::test]
async fn what_a_blocking_agent_tells_stands_in_its_attempt() {
    let office = Office::new().await;
    let (captured, _guard) = watch();
    // A subscriber for the whole process would be there on every thread.
    let here = get_default(Clone::clone);
    let pool = BlockingPool::new(1);
    let worker = blocking_fn(Descriptor::new("a"), &pool, move |_, _| {
        with_default(&here, || tracing::info_span!("working").in_scope(|| ()));
        Ok(Reply::text("done"))
    });
    let report = office.run([Member::new(worker, usd!(1))], &Pipeline::new()).await;
    assert_eq!(report.state, State::Succeeded, "{report:?}");
    let [work] = captured.spans("working").try_into().unwrap();
    assert_eq!(captured.way_to(work.parent), ["safeguards.run", "safeguards.attempt"]);
}
