//! What the guide's Python does, through `v1`: every block of its code, in its order; then what it promises and does
//! not keep, through both versions.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex},
};

use safeguards::{
    api::v1::{self, AgentMetrics},
    prelude::*,
};
use safeguards_budget::divide;
use safeguards_notify::{NewEvent, Subscribe, topic};
use safeguards_types::{AccountId, AgentId, Amounts, Quantity};
use serde_json::json;
use tokio::{sync::Semaphore, task::JoinSet};

type Test = Result<(), Box<dyn Error>>;
type Fallible<T> = Result<T, Box<dyn Error>>;

/// What `agent.run(input=…)` gives in the guide.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ran {
    output: String,
    cost: Amount,
}

/// An agent of the guide, which does something and says what it cost.
#[derive(Clone, Debug)]
struct Worker {
    id: AgentId,
    cost: Amount,
}

impl Worker {
    async fn run(&self, input: &str) -> Ran {
        tokio::task::yield_now().await;
        Ran { output: format!("{}({input})", self.id), cost: self.cost.clone() }
    }
}

/// The section "Basic Multi-Agent Setup": both of its blocks.
struct Guide {
    v1: v1::Api,
    research: Worker,
    analysis: Worker,
    summary: Worker,
    high: AccountId,
    general: AccountId,
}

impl Guide {
    async fn setup() -> Fallible<Self> {
        let v1 = Safeguards::in_memory().v1();
        let (agents, budgets) = (v1.agents(), v1.budgets());
        let research = agents.create_agent("research_agent", usd!(100.0), P7).await?;
        let analysis = agents.create_agent("analysis_agent", usd!(80.0), P5).await?;
        let summary = agents.create_agent("summarization_agent", usd!(50.0), P3).await?;
        let high = budgets.create_budget_pool("high_priority_tasks", usd!(500.0), P8).await?;
        let general = budgets.create_budget_pool("general_tasks", usd!(1000.0), P5).await?;
        let worker = |agent: v1::Agent, cost| Worker { id: agent.id, cost };
        Ok(Self {
            research: worker(research, usd!(3.25)),
            analysis: worker(analysis, usd!(1.50)),
            summary: worker(summary, usd!(0.75)),
            high: high.id,
            general: general.id,
            v1,
        })
    }

    /// `budget_api.update_budget(agent.id, budget_api.get_budget(agent.id) - cost)`.
    async fn spend(&self, agent: &AgentId, cost: &Amount) -> Test {
        let budgets = self.v1.budgets();
        let left = budgets.get_budget(agent).await?.checked_sub(cost).ok_or("not enough left")?;
        Ok(budgets.update_budget(agent, left).await?)
    }

    async fn left(&self, agent: &Worker) -> Fallible<Amount> {
        Ok(self.v1.budgets().get_budget(&agent.id).await?)
    }
}

#[tokio::test]
async fn agents_and_pools_are_made() -> Test {
    let guide = Guide::setup().await?;
    assert_eq!(guide.left(&guide.research).await?, usd!(100));
    assert_eq!(guide.v1.budgets().get_budget(&guide.general).await?, usd!(1000));
    assert_eq!(guide.v1.agents().list_agents().len(), 3);
    assert_eq!(guide.v1.budgets().list_budget_pools().len(), 2);
    Ok(())
}

#[tokio::test]
async fn event_based_communication() -> Test {
    let guide = Guide::setup().await?;
    let alerts = guide.v1.alerts();
    let inbox = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&inbox);
    alerts.add_handler(move |alert: &Alert| {
        let said = alert.metadata();
        if said.get("message_type").is_none_or(|kind| kind != "agent_communication") {
            return false;
        }
        let from = alert.agent().map_or("", AgentId::as_str);
        told.lock()
            .unwrap()
            .push(format!("{from} to {}: {}", said["target_agent_id"], said["message"]));
        true
    });
    let message = "Research complete. Analysis required on data at path /tmp/research_data.json.";
    let sent = alerts.send_alert(
        &guide.research.id,
        Severity::Informational,
        "Research results ready for analysis",
        [
            ("message_type", "agent_communication"),
            ("target_agent_id", guide.analysis.id.as_str()),
            ("message", message),
        ],
    );
    assert!(sent.handled);
    let expected = format!(r#"research_agent to "analysis_agent": "{message}""#);
    assert_eq!(*inbox.lock().unwrap(), [expected]);
    Ok(())
}

#[tokio::test]
async fn shared_state() -> Test {
    let guide = Guide::setup().await?;
    let state = guide.v1.state();
    let found = json!({
        "status": "complete",
        "timestamp": "2023-07-26T15:30:00Z",
        "location": "/tmp/research_data.json",
    });
    state.update_state(&guide.research.id, "research_data", found).await?;
    let data = state.get_state(&guide.analysis.id, "research_data").await?;
    let data = data.filter(|data| data["status"] == "complete").ok_or("not complete")?;
    assert_eq!(data["location"], "/tmp/research_data.json");
    Ok(())
}

#[tokio::test]
async fn pipeline_pattern() -> Test {
    let guide = Guide::setup().await?;
    let mut results = Vec::new();
    let mut input = "data".to_owned();
    for stage in [&guide.research, &guide.analysis, &guide.summary] {
        let result = stage.run(&input).await;
        guide.spend(&stage.id, &result.cost).await?;
        input.clone_from(&result.output);
        results.push(result);
    }
    assert_eq!(results[2].output, "summarization_agent(analysis_agent(research_agent(data)))");
    assert_eq!(guide.left(&guide.research).await?, usd!(96.75));
    assert_eq!(guide.left(&guide.analysis).await?, usd!(78.50));
    assert_eq!(guide.left(&guide.summary).await?, usd!(49.25));
    Ok(())
}

/// As in the guide, one task takes what comes back and updates: that does not race, though the work is parallel.
#[tokio::test]
async fn fan_out_pattern() -> Test {
    let guide = Guide::setup().await?;
    let at_once = Arc::new(Semaphore::new(5));
    let mut futures = JoinSet::new();
    for number in 0..12 {
        let (research, at_once) = (guide.research.clone(), Arc::clone(&at_once));
        futures.spawn(async move {
            let _permit = at_once.acquire().await.unwrap();
            assert!(number != 7, "task 7 fails");
            research.run(&format!("task {number}")).await
        });
    }
    let (mut results, mut failed) = (Vec::new(), 0);
    while let Some(done) = futures.join_next().await {
        let Ok(result) = done else {
            failed += 1;
            continue;
        };
        guide.spend(&guide.research.id, &result.cost).await?;
        results.push(result);
    }
    assert_eq!((results.len(), failed), (11, 1));
    assert_eq!(guide.left(&guide.research).await?, usd!(64.25), "100 less 11 times 3.25");
    Ok(())
}

#[tokio::test]
async fn priority_based_allocation() -> Test {
    let guide = Guide::setup().await?;
    let budgets = guide.v1.budgets();
    let mut by_priority = Vec::new();
    for agent in guide.v1.agents().list_agents() {
        by_priority.push((budgets.get_agent_priority(&agent.id).await?, agent.id));
    }
    by_priority.sort_by(|one, other| other.cmp(one));
    let weights: Vec<Quantity> = by_priority
        .iter()
        .filter_map(|(priority, _)| Quantity::from_units(u64::from(priority.level())))
        .collect();
    let available = usd!(500);
    // Where the guide's decimals are rounded, these add up to the last digit.
    let shares = divide(available.quantity(), &weights, Quantity::ZERO)?;
    for ((_, agent), share) in by_priority.iter().zip(&shares) {
        budgets.update_budget(agent, Amount::new(*share, available.unit().clone())).await?;
    }
    let of = async |agent: &Worker| guide.left(agent).await.map(|left| left.to_string());
    assert_eq!(of(&guide.research).await?, "233.333333333333 USD");
    assert_eq!(of(&guide.analysis).await?, "166.666666666667 USD");
    assert_eq!(of(&guide.summary).await?, "100.00 USD");
    Ok(())
}

#[tokio::test]
async fn dynamic_load_balancing() -> Test {
    let guide = Guide::setup().await?;
    let (budgets, metrics) = (guide.v1.budgets(), guide.v1.metrics());
    for worker in [&guide.research, &guide.analysis, &guide.summary] {
        budgets.join_budget_pool(&worker.id, &guide.high).await?;
    }
    for _ in 0..3 {
        budgets.record_cost(&guide.research.id, usd!(10)).await?;
    }
    budgets.record_cost(&guide.analysis.id, usd!(20)).await?;

    let agents = budgets.get_pool_agents(&guide.high).await?;
    let mut workloads = Vec::new();
    for agent in &agents {
        let AgentMetrics { recent_task_count: recent, pending_task_count: pending, .. } =
            metrics.get_agent_metrics(agent).await?;
        // 0.3 and 0.7 of the guide, exactly.
        let score = recent.unwrap_or(0) * 3 + pending.unwrap_or(0) * 7;
        workloads.push(Quantity::from_units(score).ok_or("a score is small")?);
    }
    let available = metrics.get_pool_metrics(&guide.high).await?.remaining_budget;
    let available = available.ok_or("it has a budget")?;
    assert_eq!(available, usd!(450));
    // The guide raises who is below the minimum and lowers nobody for it, so that it hands out more than there is.
    let shares = divide(available.quantity(), &workloads, usd!(10.0).quantity())?;
    for (agent, share) in agents.iter().zip(&shares) {
        budgets.update_budget(agent, Amount::new(*share, available.unit().clone())).await?;
    }
    assert_eq!(
        guide.left(&guide.analysis).await?,
        usd!(110),
        "a quarter of what the minimum leaves"
    );
    assert_eq!(guide.left(&guide.research).await?, usd!(330));
    assert_eq!(guide.left(&guide.summary).await?, usd!(10));
    Ok(())
}

#[tokio::test]
async fn task_dependencies() -> Test {
    let guide = Guide::setup().await?;
    let dependencies = guide.v1.dependencies();
    let (task, analysis) = ("analyze_data", Some(&guide.analysis.id));
    dependencies.add_dependency(task, "gather_data", analysis, ["data_file"])?;
    assert!(!dependencies.check_dependencies(task, ["data_file", "config"])?);
    let missing = dependencies.get_missing_dependencies(task)?;
    assert_eq!(missing.tasks, ["gather_data"]);
    // What the guide leaves out: how a task comes to be done.
    dependencies.complete_task("gather_data")?;
    assert!(!dependencies.check_dependencies(task, ["config"])?);
    assert!(dependencies.check_dependencies(task, ["data_file", "config"])?);
    assert_eq!(guide.analysis.run(task).await.output, "analysis_agent(analyze_data)");
    Ok(())
}

/// The guide drops subtasks where there are more of them than workers; here, as there, there are as many.
#[tokio::test]
async fn supervisor_pattern() -> Test {
    let guide = Guide::setup().await?;
    let workers = [&guide.research, &guide.analysis, &guide.summary];
    let subtasks: Vec<String> = (0..3).map(|part| format!("survey - part {part}")).collect();
    let mut results = BTreeMap::new();
    for (worker, subtask) in workers.into_iter().zip(&subtasks) {
        let result = worker.run(subtask).await;
        guide.spend(&worker.id, &result.cost).await?;
        results.insert(worker.id.clone(), result.output);
    }
    let combined: Vec<String> = results.into_values().collect();
    assert_eq!(combined[0], "analysis_agent(survey - part 1)");
    assert_eq!(guide.left(&guide.summary).await?, usd!(49.25));
    Ok(())
}

/// As far as it goes today: who waits for an event is woken by the bus, and works in a loop of the program's own.
#[tokio::test]
async fn reactive_coordination() -> Test {
    let sg = Safeguards::in_memory();
    let (agents, budgets, events) = (sg.v1().agents(), sg.v1().budgets(), sg.v2().events());
    let research = agents.create_agent("research_agent", usd!(100.0), P7).await?.id;
    let analysis = agents.create_agent("analysis_agent", usd!(80.0), P5).await?.id;
    let worker = Worker { id: analysis.clone(), cost: usd!(1.50) };
    let mut available = events.subscribe(Subscribe::topic(topic!("data_available"))).await?;
    let mut complete = events.subscribe(Subscribe::topic(topic!("analysis_complete"))).await?;

    let data = json!({ "data": "Sample research data", "format": "json" });
    events.publish(NewEvent::new(topic!("data_available"), data).from(&research)).await?;
    let event = available.next().await?.ok_or("the bus is open")?;
    assert_eq!(event.body()["format"], "json");
    let result = worker.run(event.body()["data"].as_str().unwrap_or_default()).await;
    budgets.record_cost(&analysis, result.cost).await?;
    events
        .publish(NewEvent::new(topic!("analysis_complete"), result.output).from(&analysis))
        .await?;
    let done = complete.next().await?.ok_or("the bus is open")?;
    assert_eq!(*done.body(), "analysis_agent(Sample research data)");
    assert_eq!(budgets.get_budget(&analysis).await?, usd!(78.50));
    Ok(())
}

#[tokio::test]
async fn agent_teams() -> Test {
    let guide = Guide::setup().await?;
    let member = |worker: &Worker| {
        let worker = worker.clone();
        let (id, estimate) = (worker.id.clone(), usd!(5));
        let agent = agent_fn(id.as_str(), move |task: Task, _cx| {
            let worker = worker.clone();
            async move {
                let Ran { output, cost } = worker.run(task.text()).await;
                Ok(Reply::text(output).cost(cost))
            }
        });
        Member::new(agent, estimate)
    };
    let members = [&guide.research, &guide.analysis, &guide.summary].map(member);
    let team = guide.v1.teams().agent_team("research_team", members, &guide.high)?;
    let task = Task::new("research quantum computing");
    let result = team.execute_task(task, "pipeline").await?;
    assert!(result.state.is_success(), "{result:?}");
    assert_eq!(result.steps.len(), 3);
    assert_eq!(result.spent, Amounts::from([usd!(5.50), requests!(3)]));
    // Nobody updated a budget, and yet each has paid, and the pool with them.
    assert_eq!(guide.left(&guide.research).await?, usd!(96.75));
    assert_eq!(guide.v1.budgets().get_budget(&guide.high).await?, usd!(494.50));
    Ok(())
}

#[tokio::test]
async fn dynamic_agent_discovery() -> Test {
    let guide = Guide::setup().await?;
    let discovery = guide.v1.discovery();
    let retrieval = json!({ "formats": ["json", "xml"], "sources": ["web", "database"] });
    discovery.register_capability(&guide.research.id, "data_retrieval", retrieval).await?;
    let analysis = json!({ "algorithms": ["regression", "classification"], "formats": ["json"] });
    discovery.register_capability(&guide.analysis.id, "data_analysis", analysis).await?;
    let required = json!({ "algorithms": ["regression"] });
    let found = discovery.find_agents_by_capability("data_analysis", required).await?;
    assert_eq!(found, [guide.analysis.id]);
    Ok(())
}

/// Eight tasks spend at once what only half of them can have: no more than the budget is granted, whoever wins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_that_spend_at_once_cannot_overspend_their_pool() -> Test {
    let v2 = Safeguards::in_memory().v2();
    let pool = v2.pools().create("research", usd!(1.00), P5).await?;
    let mut spending = JoinSet::new();
    for number in 0..8 {
        let agent =
            v2.agents().create(format!("agent_{number}"), usd!(1.00), P5).pool(&pool).await?;
        let (budget, job) = (v2.budget(), v2.operation());
        spending.spawn(async move {
            let mut granted = 0;
            for turn in 0..50 {
                granted += u32::from(
                    budget.charge(&agent, usd!(0.005), job.step(&turn.to_string())).await.is_ok(),
                );
            }
            granted
        });
    }
    let granted: u32 = spending.join_all().await.into_iter().sum();
    assert_eq!(granted, 200); // 200 times 0.005 USD are the whole dollar
    Ok(())
}

#[tokio::test]
async fn a_program_s_handlers_are_told_what_the_ledger_answers() -> Test {
    let safeguards = Safeguards::in_memory();
    let v1 = safeguards.v1();
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    safeguards.alerts().on("budget.**", move |alert: &Alert| {
        seen.lock().unwrap().push(alert.topic().to_string());
    })?;
    let pool = v1.budgets().create_budget_pool("high_priority_tasks", usd!(500), P8).await?;
    let agent = v1.agents().create_agent("research_agent", usd!(100), P7).pool(&pool.id).await?;
    let v2 = safeguards.v2();
    let agent = v2.agents().find(&agent.id).ok_or("the same agent, in the other version")?;
    v2.budget().charge(&agent, usd!(90), v2.operation()).await?;
    let denied = v2.budget().charge(&agent, usd!(20), v2.operation()).await;
    assert_eq!(denied.map_err(|error| error.code()), Err("budget.limit_exceeded"));
    assert_eq!(*told.lock().unwrap(), ["budget.threshold", "budget.denied"]);
    Ok(())
}
