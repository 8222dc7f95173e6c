//! The guide's section "Supervisor Pattern": cut the task up, give the parts to workers, put together what they gave.
//!
//! The guide drops subtasks when there are more of them than workers. Here they take turns.
//!
//! `cargo run -p guide-examples --example supervisor`

use safeguards::{
    coord::{Part, State, Subtask, Supervise},
    prelude::*,
};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sg = Safeguards::in_memory();
    let v2 = sg.v2();
    let pool = v2.pools().create("research", usd!(10), P5).await?;
    for name in ["lead", "ann", "bob"] {
        v2.agents().create(name, usd!(10), P5).pool(&pool).await?;
    }
    let worker = |name: &'static str| {
        let work = agent_fn(name, move |task: Task, _cx| async move {
            Ok(Reply::text(format!("{name} did {}", task.text())).cost(usd!(0.10)))
        });
        Member::new(work, usd!(0.20))
    };

    // Functions cut up and put together: they cost nothing, and are no steps.
    let team = Team::new("pair", "research", [worker("ann"), worker("bob")])?;
    let strategy = Supervise::new(
        |task: &Task| {
            (1..=3).map(|n| Subtask::new(format!("{} - part {n}", task.text()))).collect()
        },
        |parts: &[Part]| Part::joined(parts, "\n"),
    );
    let options = RunOptions::new(sg.operation());
    let report = sg.runner().run(&team, Task::new("survey"), &strategy, options).await?;
    let done = "ann did survey - part 1\nbob did survey - part 2\nann did survey - part 3";
    assert_eq!(report.output, Some(done.into()));
    println!("{done}");

    // An agent does both: what it costs is a step of its own, and paid like everything else.
    let lead = agent_fn("lead", |task: Task, _cx| async move {
        let output = match task.input()["role"].as_str() {
            Some("decompose") => json!(["read", "read more", { "task": "write", "agent": "bob" }]),
            _ => json!(task.input()["results"].as_array().map_or(0, Vec::len)),
        };
        Ok(Reply::new(output).cost(usd!(0.30)))
    });
    let members = [Member::new(lead, usd!(0.50)), worker("ann"), worker("bob")];
    let team = Team::new("led", "research", members)?;
    let options = RunOptions::new(sg.operation());
    let report =
        sg.runner().run(&team, Task::new("survey"), &Supervise::by("lead"), options).await?;
    for step in &report.steps {
        println!("{step}");
    }
    let steps: Vec<_> = report.steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(steps, ["decompose", "ann-1", "bob-2", "bob-3", "combine"]);
    assert_eq!(report.output, Some(json!(3)));

    // Nobody to do the work: refused before the lead is paid.
    let lead = agent_fn("lead", |_, _| async { Ok(Reply::new(json!(["read"])).cost(usd!(0.30))) });
    let team = Team::new("alone", "research", [Member::new(lead, usd!(0.50))])?;
    let options = RunOptions::new(sg.operation());
    let report =
        sg.runner().run(&team, Task::new("survey"), &Supervise::by("lead"), options).await?;
    assert_eq!((report.state, report.spent.is_zero()), (State::Failed, true));
    assert_eq!(report.reason.expect("it says why").code, "supervisor.no_workers");
    Ok(())
}
