//! The guide's section "Agent Teams": a team, a task, and a strategy by its name.
//!
//! `cargo run -p guide-examples --example teams`

use safeguards::{
    coord::{HandOver, State, Vote, strategy_named},
    prelude::*,
};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sg = Safeguards::in_memory();
    let v2 = sg.v2();
    let high = v2.pools().create("high_priority_tasks", usd!(500), P8).await?;
    for name in ["research_agent", "analysis_agent", "summary_agent"] {
        v2.agents().create(name, usd!(100), P7).pool(&high).await?;
    }
    let says = |name: &'static str, output: Value| {
        let agent = agent_fn(name, move |_, _| {
            let reply = Reply::new(output.clone()).cost(usd!(1));
            async { Ok(reply) }
        });
        Member::new(agent, usd!(2))
    };
    let team = Team::new(
        "research_team",
        "high_priority_tasks",
        [
            says("research_agent", json!("yes")),
            says("analysis_agent", json!("no")),
            says("summary_agent", json!("yes")),
        ],
    )?;
    let task = || Task::new("is quantum computing of use here?");

    // As the guide does it: the strategy is a word.
    let pipeline = strategy_named("pipeline")?;
    let options = RunOptions::new(sg.operation());
    let report = sg.runner().run(&team, task(), &pipeline, options).await?;
    assert_eq!((report.state, report.steps.len()), (State::Succeeded, 3));
    for step in &report.steps {
        println!("{step}");
    }
    // A word that is none is refused, before anything is spent.
    let error = strategy_named("pipelines").expect_err("there is none");
    assert!(error.to_string().contains("did you mean `pipeline`?"), "{error}");

    // The same team votes.
    let options = RunOptions::new(sg.operation());
    let report = sg.runner().run(&team, task(), &Vote::new().hear_all(), options).await?;
    assert_eq!(report.output, Some(json!("yes")));

    // Agents that name the next speaker, until one names nobody.
    let team = Team::new(
        "talk",
        "high_priority_tasks",
        [
            says("research_agent", json!({ "next_speaker": "summary_agent", "input": "notes" })),
            says("summary_agent", json!("in short: it depends")),
        ],
    )?;
    let options = RunOptions::new(sg.operation());
    let report = sg.runner().run(&team, task(), &HandOver::new(), options).await?;
    assert_eq!(report.output, Some(json!("in short: it depends")));
    let steps: Vec<_> = report.steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(steps, ["research_agent-1", "summary_agent-2"]);
    println!("{}", steps.join(" -> "));
    Ok(())
}
