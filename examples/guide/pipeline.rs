//! The guide's section "Pipeline Pattern": research, analysis, summary, each working on what the one before gave.
//!
//! The guide pays by hand after each stage, and spends what is not there. Here each stage asks first.
//!
//! `cargo run -p guide-examples --example pipeline`

use safeguards::{prelude::*, types::Amounts};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sg = Safeguards::in_memory();
    let v2 = sg.v2();
    let pool = v2.pools().create("analysis", usd!(1), P5).await?;
    let mut members = Vec::new();
    for (name, verb, cost) in [
        ("research_agent", "found", usd!(0.40)),
        ("analysis_agent", "weighed", usd!(0.20)),
        ("summarization_agent", "summed up", usd!(0.10)),
    ] {
        v2.agents().create(name, usd!(1), P5).pool(&pool).await?;
        let estimate = cost.clone();
        let agent = agent_fn(name, move |task: Task, _cx| {
            let (input, cost) = (task.input().as_str().unwrap_or("").to_owned(), cost.clone());
            async move { Ok(Reply::text(format!("{verb}: {input}")).cost(cost)) }
        });
        members.push(Member::new(agent, estimate));
    }
    let team = Team::new("analysts", "analysis", members)?;

    let task = Task::new("look into it").with_input("bees");
    let options = RunOptions::new(sg.operation());
    let report = sg.runner().run(&team, task.clone(), &Pipeline::new(), options).await?;
    for step in &report.steps {
        println!("{step}");
    }
    // What the last one gave is the team's; what each gave, and what it cost, is kept.
    assert_eq!(report.output, Some("summed up: weighed: found: bees".into()));
    assert_eq!(report.steps[1].output, Some("weighed: found: bees".into()));
    assert_eq!(report.spent, Amounts::from([usd!(0.70), requests!(3)]));

    // 0.30 USD are left, and research asks for 0.40: it is not begun, and the rest is skipped.
    let options = RunOptions::new(sg.operation());
    let report = sg.runner().run(&team, task, &Pipeline::new(), options).await?;
    let states: Vec<_> = report.steps.iter().map(|step| step.state.as_str()).collect();
    assert_eq!(states, ["denied", "skipped", "skipped"]);
    assert!(report.spent.is_zero());
    println!("{}", report.reason.expect("it was denied"));
    Ok(())
}
