//! Version 1 as JSON: what is released is frozen in `tests/golden/v1`, one file for each shape of a request and an
//! answer; and what is refused, in words.

use std::collections::BTreeSet;

use safeguards_api::{
    Safeguards,
    v1::{
        AddDependencyRequest, CheckDependenciesRequest, CompleteTaskRequest, CreateAgentRequest,
        CreatePoolRequest, DeleteAgentRequest, Error, ExecuteTaskRequest, FindAgentsRequest,
        GetAgentMetricsRequest, GetAgentPriorityRequest, GetAgentRequest, GetBudgetRequest,
        GetConfigurationRequest, GetMissingDependenciesRequest, GetPoolAgentsRequest,
        GetPoolMetricsRequest, GetPoolRequest, GetStateRequest, GetSystemMetricsRequest,
        JoinPoolRequest, LeavePoolRequest, ListAgentsRequest, ListPoolsRequest, RecordCostRequest,
        RegisterCapabilityRequest, Request, Response, SendAlertRequest, UpdateAgentRequest,
        UpdateBudgetRequest, UpdateStateRequest,
    },
};
use safeguards_budget::MemoryLedger;
use safeguards_coord::{Member, Reply, agent_fn};
use safeguards_types::{AgentId, Priority, Severity, SimClock, Timestamp, usd};
use serde_json::{Value, json};

use crate::golden::Golden;

type Test = Result<(), Box<dyn std::error::Error>>;

/// Every request, in an order in which a fresh program can answer them; of those with optional keys one with and one
/// without.
fn requests() -> Vec<(&'static str, Request)> {
    let (research, analysis) = ("research_agent", "analysis_agent");
    let high = "high_priority_tasks";
    let mut in_pool = CreateAgentRequest::new(analysis, usd!(80), Priority::P5);
    in_pool.pool = Some(high.into());
    let mut update = UpdateAgentRequest::new(research);
    update.priority = Some(Priority::P8);
    update.pool = Some(Some(high.into()));
    let mut alone = UpdateAgentRequest::new(research);
    alone.pool = Some(None);
    let mut alert = SendAlertRequest::new(
        research,
        Severity::Informational,
        "Research results ready for analysis",
    );
    alert.metadata = [
        ("message_type".to_owned(), json!("agent_communication")),
        ("attempt".to_owned(), json!(1)),
    ]
    .into();
    let mut depend = AddDependencyRequest::new("analyze_data", "gather_data");
    depend.agent_id = Some(AgentId::from(analysis));
    depend.required_resources = vec!["data_file".to_owned()];
    let mut check = CheckDependenciesRequest::new("analyze_data");
    check.available_resources = vec!["data_file".to_owned(), "config".to_owned()];
    let mut run =
        ExecuteTaskRequest::new("research_team", "research quantum computing", "pipeline");
    run.input = json!({ "depth": 2 });
    let mut register = RegisterCapabilityRequest::new(analysis, "data_analysis");
    register.metadata = json!({ "algorithms": ["regression", "classification"] });
    let mut find = FindAgentsRequest::new("data_analysis");
    find.required_metadata = json!({ "algorithms": ["regression"] });
    let found = json!({ "status": "complete", "location": "/tmp/research_data.json" });
    vec![
        ("", CreatePoolRequest::new(high, usd!(500), Priority::P8).into()),
        ("", CreateAgentRequest::new(research, usd!(100), Priority::P7).into()),
        ("in_pool", in_pool.into()),
        ("", GetAgentRequest::new(research).into()),
        ("nobody", GetAgentRequest::new("nobody").into()),
        ("", update.into()),
        ("alone", alone.into()),
        ("", ListAgentsRequest::new().into()),
        ("", GetAgentPriorityRequest::new(research).into()),
        ("", UpdateBudgetRequest::new(research, usd!(99.58)).into()),
        ("", RecordCostRequest::new(research, usd!(0.42)).into()),
        ("", GetBudgetRequest::new(research).into()),
        ("", GetPoolRequest::new(high).into()),
        ("nobody", GetPoolRequest::new("nobody").into()),
        ("", ListPoolsRequest::new().into()),
        ("", JoinPoolRequest::new(research, high).into()),
        ("", GetPoolAgentsRequest::new(high).into()),
        ("", LeavePoolRequest::new(research, high).into()),
        ("", GetAgentMetricsRequest::new(analysis).into()),
        ("", GetPoolMetricsRequest::new(high).into()),
        ("", GetSystemMetricsRequest::new().into()),
        ("", GetConfigurationRequest::new().into()),
        ("", alert.into()),
        ("plain", SendAlertRequest::new(research, Severity::Critical, "out of data").into()),
        ("", GetStateRequest::new(analysis, "research_data").into()),
        ("", UpdateStateRequest::new(research, "research_data", found).into()),
        ("present", GetStateRequest::new(analysis, "research_data").into()),
        ("null", UpdateStateRequest::new(research, "research_data", Value::Null).into()),
        ("null", GetStateRequest::new(analysis, "research_data").into()),
        ("", depend.into()),
        ("plain", AddDependencyRequest::new("write_report", "analyze_data").into()),
        ("", check.into()),
        ("plain", CheckDependenciesRequest::new("analyze_data").into()),
        ("", GetMissingDependenciesRequest::new("analyze_data").into()),
        ("", CompleteTaskRequest::new("gather_data").into()),
        ("", run.into()),
        ("unheard_of", ExecuteTaskRequest::new("research_team", "research bees", "vote").into()),
        ("", register.into()),
        ("plain", RegisterCapabilityRequest::new(research, "data_retrieval").into()),
        ("", find.into()),
        ("plain", FindAgentsRequest::new("data_retrieval").into()),
        ("", DeleteAgentRequest::new(research).into()),
    ]
}

/// A program on a clock that stands still, with a team that it serves.
fn program() -> Result<Safeguards, Box<dyn std::error::Error>> {
    let clock = SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z")?);
    let ledger = MemoryLedger::with_clock(clock.clone());
    let sg = Safeguards::builder(ledger).clock(clock).build()?;
    let research = agent_fn("research_agent", |_, _| async {
        Ok(Reply::new(json!({ "notes": 3 })).cost(usd!(0.31)))
    });
    let analysis = agent_fn("analysis_agent", |_, _| async {
        Err(safeguards_coord::AgentError::new("no data").cost(usd!(0.02)))
    });
    let members = [Member::new(research, usd!(0.50)), Member::new(analysis, usd!(0.50))];
    let teams = sg.v1().teams();
    teams.serve(&teams.agent_team("research_team", members, "high_priority_tasks")?);
    Ok(sg)
}

/// What differs from run to run, and is no part of what is released: names that are minted, reasons in words.
fn steady(response: Response) -> Response {
    let mut response = response;
    if let Response::ExecuteTask(result) = &mut response {
        result.run = "r-00000000".into();
        let of_steps = result.steps.iter_mut().map(|step| &mut step.reason);
        for reason in of_steps.chain([&mut result.reason]).flatten() {
            "for people".clone_into(&mut reason.message);
        }
    }
    if let Response::SendAlert(sent) = &mut response {
        "a-00000000".clone_into(&mut sent.alert_id);
    }
    response
}

#[tokio::test]
async fn every_request_and_answer_is_as_it_was_released() -> Test {
    let v1 = program()?.v1();
    let mut golden = Golden::of("v1");
    let (mut asked, mut told) = (BTreeSet::new(), BTreeSet::new());
    for (variant, request) in requests() {
        let call = request.call();
        let name = if variant.is_empty() { call.to_owned() } else { format!("{call}.{variant}") };
        golden.check(&format!("{name}.request"), &request);
        asked.insert(call);
        let response = steady(v1.call(request).await.map_err(|error| format!("{name}: {error}"))?);
        assert_eq!(response.call(), call);
        golden.check(&format!("{name}.response"), &response);
        told.insert(response.call());
    }
    let refused = [
        ("error", Request::from(GetBudgetRequest::new("nobody"))),
        (
            "error.denied",
            RecordCostRequest::new("analysis_agent", "0 USD".parse::<safeguards_types::Amount>()?)
                .into(),
        ),
        ("error.gone", CreateAgentRequest::new("research_agent", usd!(1), Priority::P7).into()),
    ];
    for (name, request) in refused {
        let error: Error = v1.call(request).await.unwrap_err();
        golden.check(name, &error);
    }
    assert_eq!(asked, Request::CALLS.iter().copied().collect(), "a request without an example");
    assert_eq!(told, Response::CALLS.iter().copied().collect(), "an answer without an example");
    golden.finish();
    Ok(())
}

#[test]
fn what_is_no_request_is_refused_by_the_name_of_what_is_wrong() {
    #[track_caller]
    fn check(json: &str, expected: &str) {
        let error = Request::from_json(json).unwrap_err();
        assert_eq!(error.code, "api.bad_request");
        assert_eq!(error.denial, None);
        assert!(error.message.starts_with(expected), "{json}\n{}\n{expected}", error.message);
    }
    // Of which calls there are.
    check("", "EOF while parsing a value");
    check("[]", "not an object, such as {\"call\": \"agents.list\"}");
    check("{}", "missing field `call`");
    check(r#"{"call":5}"#, "`call` is not the name of a call, as text");
    check(
        r#"{"call":"agents.creat"}"#,
        "no call is named `agents.creat`; did you mean `agents.create`? there are agents.create, agents.get, ",
    );
    check(r#"{"call":"budget.charge"}"#, "no call is named `budget.charge`; ");
    check(r#"{"call":"agents.list","call":"agents.list"}"#, "`call` is given twice");
    // Of which keys.
    check(
        r#"{"call":"agents.list","all":true}"#,
        "agents.list: unknown field `all`, there are no fields",
    );
    check(
        r#"{"call":"pools.create","name":"p","initial_budget":"1 USD","priority":5,"parent":"q"}"#,
        "pools.create: unknown field `parent`, expected one of `name`, `initial_budget`, `priority`",
    );
    check(r#"{"call":"agents.get"}"#, "agents.get: missing field `id`");
    check(r#"{"call":"agents.get","id":"a","id":"b"}"#, "`id` is given twice");
    check(
        r#"{"call":"state.update","owner_id":"a","key":"k","value":{"x":[{"y":1,"y":2}]}}"#,
        "`y` is given twice",
    );
    // Of which values.
    let agent = |budget: &str, priority: &str| {
        format!(
            r#"{{"call":"agents.create","name":"a","initial_budget":{budget},"priority":{priority}}}"#
        )
    };
    let wrong = "agents.create: `initial_budget`: ";
    let said = |what: &str| format!("{wrong}{what}");
    check(
        &agent("100", "7"),
        &said("invalid type: integer `100`, expected an amount as text, such as \"0.42 USD\""),
    );
    check(&agent(r#""100""#, "7"), &said("`100` is no amount; write a number and a unit"));
    check(&agent(r#""-1 USD""#, "7"), wrong);
    check(&agent(r#""0.0000000000001 USD""#, "7"), wrong);
    check(&agent(r#""1e3 USD""#, "7"), wrong);
    check(&agent("null", "7"), wrong);
    check(
        &agent(r#""1 USD""#, "11"),
        "agents.create: `priority`: priority 11 is outside 1 to 10 (10 matters most)",
    );
    check(&agent(r#""1 USD""#, "7.5"), "agents.create: `priority`: invalid type: floating point");
    check(&agent(r#""1 USD""#, r#""7""#), "agents.create: `priority`: invalid type: string \"7\"");
    check(
        r#"{"call":"alerts.send","agent_id":"a","severity":"urgent","message":"m"}"#,
        "alerts.send: `severity`: unknown variant `urgent`, expected one of `informational`, ",
    );
    check(
        r#"{"call":"agents.get","id":5}"#,
        "agents.get: `id`: invalid type: integer `5`, expected",
    );
    check(
        r#"{"call":"dependencies.check","task_id":"t","available_resources":"data_file"}"#,
        "dependencies.check: `available_resources`: invalid type: string \"data_file\", expected a sequence",
    );
}

/// What is read well and cannot be done is answered with the verb's code.
#[tokio::test]
async fn what_cannot_be_done_says_so() -> Test {
    let v1 = program()?.v1();
    for (_, request) in requests().into_iter().take(3) {
        v1.call(request).await?;
    }
    let check = async |json: Value, code: &str, message: &str| {
        let error = v1.call(serde_json::from_value(json).unwrap()).await.unwrap_err();
        assert_eq!(error.code, code, "{error:?}");
        assert!(error.message.contains(message), "{}\n{message}", error.message);
        assert_eq!(error.denial.is_some(), code.starts_with("budget."), "{error:?}");
    };
    check(
        json!({ "call": "budgets.update", "account": "research_agent", "amount": "7 tokens" }),
        "api.other_unit",
        "the budget of `research_agent` is in USD, not in tokens",
    )
    .await;
    check(
        json!({ "call": "budgets.record", "account": "research_agent", "cost": "1 EUR" }),
        "budget.unknown_unit",
        "EUR",
    )
    .await;
    check(
        json!({ "call": "agents.create", "name": "research_agent", "initial_budget": "1 USD", "priority": 7 }),
        "api.other_terms",
        "there is one already",
    )
    .await;
    check(
        json!({ "call": "teams.execute", "team": "reserch_team", "task": "t", "coordination_strategy": "vote" }),
        "api.unknown_team",
        "no team is named `reserch_team`; there are research_team",
    )
    .await;
    check(
        json!({ "call": "teams.execute", "team": "research_team", "task": "t", "coordination_strategy": "votes" }),
        "strategy.unknown",
        "did you mean `vote`?",
    )
    .await;
    check(json!({ "call": "dependencies.check", "task_id": "t" }), "graph.unknown_task", "`t`")
        .await;
    check(
        json!({ "call": "dependencies.add", "task_id": "t", "depends_on": "t" }),
        "graph.cycle",
        "t -> t",
    )
    .await;
    check(
        json!({ "call": "state.get", "reader_id": "research_agent", "key": "" }),
        "state.invalid_key",
        "key",
    )
    .await;
    check(
        json!({ "call": "discovery.register", "agent_id": "research_agent", "capability": "x", "metadata": 5 }),
        "discovery.invalid_metadata",
        "metadata",
    )
    .await;
    Ok(())
}
