//! What the guide's Python does, through `v2`: each section in its order, without the gaps that its way has.

use std::{error::Error, time::Duration};

use safeguards::{
    api::v2::{self, Api},
    budget::Allocation,
    coord::{AgentTeam, Graph, NewTask, Part, Policy, Subtask, Supervise, TaskGraph},
    notify::{EventBusExt, NewEvent, Subscribe, topic},
    prelude::*,
    types::{AccountId, Amounts, Unit},
};
use serde_json::{Value, json};

type Fallible<T> = Result<T, Box<dyn Error>>;
type Test = Fallible<()>;

/// The section "Basic Multi-Agent Setup": three agents in a pool, each of which can run.
struct Guide {
    v2: Api,
    research: v2::Agent,
    analysis: v2::Agent,
    summary: v2::Agent,
    high: v2::Pool,
    general: v2::Pool,
}

impl Guide {
    async fn setup() -> Fallible<Self> {
        let v2 = Safeguards::in_memory().v2();
        let (pools, agents) = (v2.pools(), v2.agents());
        let high = pools.create("high_priority_tasks", usd!(500.0), P8).await?;
        let general = pools.create("general_tasks", usd!(1000.0), P5).await?;
        let research = agents.create("research_agent", usd!(100.0), P7).pool(&high).await?;
        let analysis = agents.create("analysis_agent", usd!(80.0), P5).pool(&high).await?;
        let summary = agents.create("summarization_agent", usd!(50.0), P3).pool(&high).await?;
        Ok(Self { v2, research, analysis, summary, high, general })
    }

    async fn left(&self, account: impl Into<AccountId>) -> Fallible<String> {
        let account = self.v2.budget().account(account).await?.ok_or("no such account")?;
        Ok(account.available(&Unit::USD).ok_or("no limit in dollars")?.to_string())
    }

    /// A team of all three: each says its name around what it was given, and what that cost.
    fn team(&self, name: &str) -> Fallible<AgentTeam> {
        let costs = [
            (&self.research, usd!(3.25)),
            (&self.analysis, usd!(1.50)),
            (&self.summary, usd!(0.75)),
        ];
        let members = costs.map(|(agent, cost)| {
            let name = agent.id.clone();
            let work = agent_fn(agent.id.as_str(), move |task: Task, _cx| {
                let given = task.input().as_str().unwrap_or_else(|| task.text()).to_owned();
                let (output, cost) = (format!("{name}({given})"), cost.clone());
                async move { Ok(Reply::text(output).cost(cost)) }
            });
            Member::new(work, usd!(5))
        });
        Ok(self.v2.teams().create(name, &self.high, members)?)
    }
}

#[tokio::test]
async fn agents_and_pools_are_made() -> Test {
    let guide = Guide::setup().await?;
    let (v2, job) = (&guide.v2, guide.v2.operation());
    assert_eq!(guide.left(&guide.research).await?, "100");
    v2.budget().join(&guide.summary, &guide.general, job.step("move")).await?;
    let names = |agents: Vec<v2::Agent>| {
        agents.iter().map(|agent| agent.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(v2.pools().members(&guide.high).await?), ["analysis_agent", "research_agent"]);
    assert_eq!(names(v2.pools().members(&guide.general).await?), ["summarization_agent"]);
    v2.budget().charge(&guide.summary, usd!(0.42), job.step("spend")).await?;
    assert_eq!(guide.left(&guide.general).await?, "999.58");
    Ok(())
}

#[tokio::test]
async fn event_based_communication() -> Test {
    let guide = Guide::setup().await?;
    let events = guide.v2.events();
    let mut inbox = events.inbox(&guide.analysis).await?;
    let note = json!({ "path": "/tmp/research_data.json" });
    events.send(&guide.research, &guide.analysis, topic!("data.new"), note).await?;
    let event = inbox.next().await?.ok_or("the bus is open")?;
    assert_eq!(event.body()["path"], "/tmp/research_data.json");
    Ok(())
}

#[tokio::test]
async fn shared_state() -> Test {
    let guide = Guide::setup().await?;
    let state = guide.v2.state();
    let complete = |data: &Value| data["status"] == "complete";
    let waits = state.wait_for(&guide.analysis, "research_data", complete, Duration::from_secs(30));
    let writes = async {
        state.set(&guide.research, "research_data", json!({ "status": "begun" })).await?;
        let found = json!({ "status": "complete", "location": "/tmp/research_data.json" });
        state.set(&guide.research, "research_data", found).await
    };
    let (data, written) = tokio::join!(waits, writes);
    written?;
    assert_eq!(data?["location"], "/tmp/research_data.json");
    Ok(())
}

#[tokio::test]
async fn pipeline_pattern() -> Test {
    let guide = Guide::setup().await?;
    let task = Task::new("survey").with_input("data");
    let report = guide.team("line")?.execute_task(task, &Pipeline::new()).await?;
    let expected = "summarization_agent(analysis_agent(research_agent(data)))";
    assert_eq!(report.output, Some(expected.into()));
    for (agent, left) in
        [(&guide.research, "96.75"), (&guide.analysis, "78.5"), (&guide.summary, "49.25")]
    {
        assert_eq!(guide.left(agent).await?, left);
    }
    assert_eq!(guide.left(&guide.high).await?, "494.5", "the pool has paid with them");
    Ok(())
}

/// The guide loses what failed. Here it stands in its place, and what the others gave with it.
#[tokio::test]
async fn fan_out_pattern() -> Test {
    let guide = Guide::setup().await?;
    let research = agent_fn("research_agent", |task: Task, _cx| async move {
        match task.input().as_u64() {
            Some(7) => Err(AgentError::new("task 7 fails").cost(usd!(0.25))),
            number => Ok(Reply::new(number).cost(usd!(3.25))),
        }
    });
    let team = guide.v2.teams().create("readers", &guide.high, [Member::new(research, usd!(4))])?;
    let inputs = (0..12).map(|number| json!(number));
    let fan_out = FanOut::over(inputs).at_once(5).policy(Policy::AtLeast(11));
    let report = team.execute_task(Task::new("read"), &fan_out).await?;
    assert!(report.state.is_success(), "{report:?}");
    let told = report.output.ok_or("no output")?;
    assert_eq!((&told[6], &told[7], &told[8]), (&json!(6), &Value::Null, &json!(8)));
    assert_eq!(guide.left(&guide.research).await?, "64", "100 less 11 times 3.25 and once 0.25");
    Ok(())
}

#[tokio::test]
async fn priority_based_allocation() -> Test {
    let guide = Guide::setup().await?;
    let (budget, job) = (guide.v2.budget(), guide.v2.operation());
    budget.charge(&guide.research, usd!(40), job.step("before")).await?;
    // The guide forgets that 40 are gone; here they are in the pool's sum.
    let much = Allocation::by_priority(usd!(500)).at_least(usd!(10));
    let denied = budget.allocate(&guide.high, much, job.step("much")).await.unwrap_err();
    assert_eq!(denied.code(), "budget.limit_exceeded");
    let plan = Allocation::by_priority(usd!(460)).at_least(usd!(10));
    let shares = budget.allocate(&guide.high, plan, job.step("monday")).await?;
    assert_eq!(shares.total(), usd!(460), "to the last digit");
    assert_eq!(guide.left(&guide.research).await?, "214.666666666667");
    assert_eq!(guide.left(&guide.analysis).await?, "153.333333333333");
    assert_eq!(guide.left(&guide.summary).await?, "92");
    Ok(())
}

/// As far as it goes today: a program asks for the workloads and shares out when it likes.
#[tokio::test]
async fn dynamic_load_balancing() -> Test {
    let guide = Guide::setup().await?;
    let (budget, job) = (guide.v2.budget(), guide.v2.operation());
    for number in 0..3 {
        budget.charge(&guide.research, usd!(10), job.step(&format!("read {number}"))).await?;
    }
    budget.charge(&guide.analysis, usd!(20), job.step("weigh")).await?;
    let load = guide.v2.metrics().workloads(&guide.high).await?;
    let counts: Vec<u64> = load.iter().map(|agent| agent.recent_tasks).collect();
    assert_eq!(counts, [1, 3, 0]);
    let weights = load.into_iter().map(<(_, _)>::from);
    let plan = Allocation::of_available(Unit::USD, weights).at_least(usd!(10));
    let shares = budget.allocate(&guide.high, plan, job.step("09:15")).await?;
    assert_eq!(shares.total(), usd!(450), "what is free, and not a cent more");
    assert_eq!(guide.left(&guide.research).await?, "330");
    assert_eq!(guide.left(&guide.analysis).await?, "110", "a quarter of what the least leaves");
    assert_eq!(guide.left(&guide.summary).await?, "10");
    Ok(())
}

/// The graph knows what a task waits for, and is a strategy: each begins when what it waits for is done.
#[tokio::test]
async fn task_dependencies() -> Test {
    let guide = Guide::setup().await?;
    let mut graph = TaskGraph::new();
    graph.add(NewTask::new("gather_data").by("research_agent"))?;
    graph.add(NewTask::new("analyze_data").by("analysis_agent").after(["gather_data"]))?;
    graph.add_resource("analyze_data", "data_file")?;
    let missing = graph.blocked("analyze_data", ["config"])?.ok_or("it cannot run yet")?;
    assert_eq!(missing.tasks, ["gather_data"]);
    assert_eq!(missing.resources, ["data_file"]);
    assert_eq!(
        graph.add_dependency("gather_data", "analyze_data").unwrap_err().code(),
        "graph.cycle"
    );

    graph.provide("data_file")?;
    let strategy = Graph::new(graph);
    let report = guide.team("dag")?.execute_task(Task::new("report"), &strategy).await?;
    assert!(report.state.is_success(), "{report:?}");
    let steps: Vec<_> = report.steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(steps, ["gather_data", "analyze_data"]);
    Ok(())
}

/// The guide drops subtasks where there are more of them than workers; here they take turns.
#[tokio::test]
async fn supervisor_pattern() -> Test {
    let guide = Guide::setup().await?;
    let strategy = Supervise::new(
        |task: &Task| {
            (1..=4).map(|n| Subtask::new(format!("{} - part {n}", task.text()))).collect()
        },
        |parts: &[Part]| Part::joined(parts, "\n"),
    );
    let report = guide.team("supervised")?.execute_task(Task::new("survey"), &strategy).await?;
    assert_eq!(report.steps.len(), 4);
    let output = report.output.ok_or("no output")?;
    assert!(output.as_str().is_some_and(|text| text.contains("survey - part 4")), "{output}");
    Ok(())
}

/// As far as it goes today: who waits for an event is woken by the bus, and runs what is asked in a loop of its own.
#[tokio::test]
async fn reactive_coordination() -> Test {
    let guide = Guide::setup().await?;
    let (events, budget) = (guide.v2.events(), guide.v2.budget());
    let mut available = events.subscribe(Subscribe::topic(topic!("data_available"))).await?;
    let mut complete = events.subscribe(Subscribe::topic(topic!("analysis_complete"))).await?;
    let data = NewEvent::new(topic!("data_available"), json!({ "data": "Sample research data" }));
    events.publish(data.from(&guide.research)).await?;

    let event = available.next().await?.ok_or("the bus is open")?;
    let input = event.body()["data"].to_string();
    // Named by the event: told of it twice, it pays once.
    let op = guide.v2.operation();
    for _ in 0..2 {
        budget.charge(&guide.analysis, usd!(1.50), op.step(&event.id().to_string())).await?;
    }
    let done = NewEvent::new(topic!("analysis_complete"), format!("analysis of {input}"));
    events.publish(done.from(&guide.analysis)).await?;
    let done = complete.next().await?.ok_or("the bus is open")?;
    assert_eq!(*done.body(), r#"analysis of "Sample research data""#);
    assert_eq!(guide.left(&guide.analysis).await?, "78.5");
    Ok(())
}

#[tokio::test]
async fn agent_teams() -> Test {
    let guide = Guide::setup().await?;
    let team = guide.team("research_team")?;
    let budget = guide.v2.budget();
    // An agent that can pay for nothing does not begin, and the report says so.
    let job = guide.v2.operation();
    budget.suspend(&guide.summary, "it is away", job.step("stop")).await?;
    let report =
        team.execute_task(Task::new("research quantum computing"), &Pipeline::new()).await?;
    assert_eq!(report.state, State::Denied);
    let reason = report.reason.as_ref().map(|reason| &*reason.code);
    assert_eq!(reason, Some("budget.suspended"));
    assert_eq!(report.spent, Amounts::from([usd!(4.75), requests!(2)]));

    // Put right, it goes on where it ended: nothing is done or paid twice.
    budget.resume(&guide.summary, job.step("go on")).await?;
    let report = guide.v2.runs().resume(&team, &report.run, &Pipeline::new()).await?;
    assert_eq!((report.state, report.leg), (State::Succeeded, 2));
    assert_eq!(report.spent, Amounts::from([usd!(5.50), requests!(3)]));
    assert_eq!(guide.left(&guide.high).await?, "494.5");
    Ok(())
}

#[tokio::test]
async fn dynamic_agent_discovery() -> Test {
    let guide = Guide::setup().await?;
    let discovery = guide.v2.discovery();
    let minute = Duration::from_mins(1);
    let retrieval = Capability::new("data_retrieval")?.with("formats", json!(["json", "xml"]));
    discovery.advertise(&guide.research, retrieval, minute).await?;
    let analysis = Capability::new("data_analysis")?
        .with("algorithms", json!(["regression", "classification"]));
    discovery.advertise(&guide.analysis, analysis, minute).await?;
    let query = Query::new("data_analysis")?.with("algorithms", json!(["regression"]));
    let found = discovery.find(query).await?;
    let names: Vec<_> = found.agents.iter().map(|found| found.agent.as_str()).collect();
    assert_eq!(names, ["analysis_agent"]);
    Ok(())
}
