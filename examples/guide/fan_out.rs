//! The guide's section "Fan-Out Pattern": many inputs side by side, so many at once.
//!
//! The guide's results come in the order in which they happen to end, and failures vanish. Here they stand in the
//! order of the inputs, each with its own outcome.
//!
//! `cargo run -p guide-examples --example fan_out`

use std::time::Duration;

use safeguards::{
    coord::{AgentError, MapReduce, Policy, State},
    prelude::*,
};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sg = Safeguards::in_memory();
    let v2 = sg.v2();
    let pool = v2.pools().create("reading", usd!(10), P5).await?;
    for name in ["research_agent", "editor"] {
        v2.agents().create(name, usd!(10), P5).pool(&pool).await?;
    }
    let research = agent_fn("research_agent", |task: Task, _cx| async move {
        // The later the page, the sooner it is read.
        let page = task.input().as_u64().unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(30 - 5 * page)).await;
        match page {
            4 => Err(AgentError::new("page 4 is torn out").cost(usd!(0.01))),
            page => Ok(Reply::new(page * 100).cost(usd!(0.02))),
        }
    });
    let editor = agent_fn("editor", |task: Task, _cx| async move {
        let words = task.input().as_array().into_iter().flatten().filter_map(Value::as_u64);
        Ok(Reply::new(words.sum::<u64>()).cost(usd!(0.05)))
    });
    let members = [Member::new(research, usd!(0.02)), Member::new(editor, usd!(0.05))];
    let team = Team::new("readers", "reading", members)?;
    let run = async |strategy: &dyn safeguards::coord::Strategy| {
        let options = RunOptions::new(sg.operation());
        sg.runner().run(&team, Task::new("count the words"), strategy, options).await
    };

    // Every page is read, whatever becomes of the others, and the one that failed is told apart.
    let pages =
        || FanOut::over((1..=5).map(|page| json!(page))).at_once(2).among(["research_agent"]);
    let report = run(&pages()).await?;
    assert_eq!(report.output, Some(json!([100, 200, 300, null, 500])));
    assert_eq!(report.state, State::Failed);
    println!("{}", report.steps[3]);
    assert_eq!(report.steps[3].reason.as_ref().map(|reason| &*reason.code), Some("agent.failed"));

    // Two pages are enough: what is being read then is cancelled, and the rest skipped.
    let report = run(&pages().policy(Policy::Quorum(2))).await?;
    assert_eq!(report.state, State::Succeeded);
    let skipped = report.steps.iter().filter(|step| step.state == State::Skipped).count();
    assert!(skipped >= 1, "{:?}", report.steps);
    println!("two are enough: {skipped} not begun");

    // The editor puts together what there is.
    let report = run(&MapReduce::new(pages().policy(Policy::AtLeast(3)), "editor")).await?;
    assert_eq!(report.output, Some(json!(1100)));
    println!("{} words", report.output.unwrap_or_default());
    Ok(())
}
