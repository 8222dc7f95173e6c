//! The guide's "Task Dependencies", then what it leaves out: who comes next, what a failure means, and a run.
//!
//! `cargo run -p guide-examples --example task_dependencies`

use std::sync::Arc;

use safeguards::{
    budget::{MemoryLedger, OpenAccount},
    coord::{
        Graph, GraphError, Member, NewTask, Reply, RunOptions, Runner, TaskGraph, TaskState,
        TaskView, Team, agent_fn,
    },
    prelude::*,
    types::SystemClock,
};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    as_the_guide_does()?;
    who_comes_next()?;
    as_a_team().await
}

/// "Task Dependencies" of the guide, under Rust names.
fn as_the_guide_does() -> Result<(), GraphError> {
    let mut graph = TaskGraph::new();
    graph.add("gather_data")?;
    graph.add("analyze_data")?;
    graph.add_dependency("analyze_data", "gather_data")?;
    graph.add_resource("analyze_data", "data_file")?;
    graph.assign("analyze_data", "analysis_agent")?;

    // One answer says whether it may run, and what is missing; the resources are given once.
    let missing = graph.blocked("analyze_data", ["data_file", "config"])?;
    let missing = missing.ok_or_else(unexpected)?;
    assert_eq!(missing.tasks, ["gather_data"]);
    assert!(missing.resources.is_empty());
    println!("Cannot execute task: it {missing}");

    graph.complete("gather_data")?;
    assert_eq!(graph.blocked("analyze_data", ["data_file", "config"])?, None);
    graph.start_with("analyze_data", ["data_file"])?;
    graph.complete("analyze_data")?;
    assert!(graph.is_over());

    // The guide's manager would take this, and wait for ever.
    graph.add("publish")?;
    graph.add(NewTask::new("review").after(["publish"]))?;
    let refused = graph.add_dependency("publish", "review").err().ok_or_else(unexpected)?;
    assert_eq!(refused.code(), "graph.cycle");
    println!("Refused: {refused}");
    Ok(())
}

fn unexpected() -> GraphError {
    GraphError::UnknownTask { task: "what this example shows".to_owned() }
}

/// Priorities, failures, and tasks that are added while others run.
fn who_comes_next() -> Result<(), GraphError> {
    let mut graph = TaskGraph::new();
    let gather = graph.add("gather")?;
    let check = graph.add(NewTask::new("check sources").priority(P8))?;
    graph.add(NewTask::new("report").after(["gather", "check sources", "draw"]))?;
    assert_eq!(graph.ready().collect::<Vec<_>>(), [check, gather]);

    // `draw` was named and never added: nobody has to guess why the report does not begin.
    assert_eq!(graph.start_next(), Some(check));
    graph.complete(check)?;
    graph.complete(gather)?;
    let missing = graph.missing("report")?.ok_or_else(unexpected)?;
    assert_eq!(missing.to_string(), "waits for draw (never added)");
    graph.add("draw")?;

    // What depends on a failure is skipped, and comes back when it is tried again.
    let skipped = graph.fail("draw")?;
    assert_eq!(skipped.iter().map(|task| graph.name(*task)).collect::<Vec<_>>(), ["report"]);
    graph.retry("draw")?;
    graph.complete("draw")?;
    assert_eq!(graph.task("report").map(TaskView::state), Some(TaskState::Ready));
    assert_eq!(graph.critical_path().weight, 2);
    Ok(())
}

/// A graph is a strategy too: each task begins as soon as its own dependencies are done.
async fn as_a_team() -> Result<(), Box<dyn std::error::Error>> {
    let ledger = MemoryLedger::new();
    let accounts = ledger.sync();
    accounts.open_account(OpenAccount::new("pool"), ledger.operation())?;
    for agent in ["reader", "scales", "writer"] {
        accounts.open_account(OpenAccount::new(agent).under("pool"), ledger.operation())?;
    }
    let members = ["reader", "scales", "writer"].map(|name| {
        let agent = agent_fn(name, |task, _| async move {
            Ok(Reply::new(json!({ "did": task.text(), "with": task.input() })).cost(usd!(0.01)))
        });
        Member::new(agent, usd!(0.02))
    });
    let team = Team::new("research", "pool", members)?;

    let mut graph = TaskGraph::new();
    graph.add(NewTask::new("gather").by("reader"))?;
    graph.add(NewTask::new("measure").by("scales"))?;
    graph.add(NewTask::new("report").by("writer").after(["gather", "measure"]))?;

    let runner = Runner::new(Arc::new(ledger.clone()), Arc::new(SystemClock::new()));
    let options = RunOptions::new(ledger.operation());
    let report = runner.run(&team, Task::new("bees"), &Graph::new(graph), options).await?;
    for step in &report.steps {
        println!("{step}");
    }
    assert!(report.state.is_success());
    let given = &report.output.ok_or("no output")?["report"]["with"]["after"];
    assert_eq!(given["measure"]["did"], "bees: measure");
    Ok(())
}
