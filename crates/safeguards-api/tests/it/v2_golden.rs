//! Version 2 as JSON: what is released is frozen in `tests/golden/v2`, one file for each shape of a request and an
//! answer; and what is refused, in words.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use safeguards_api::{
    Safeguards,
    v2::{
        self, Error, Request, Response, Role,
        requests::{
            Advertise, Allocate, AllocateExactly, ApplyApproval, ApproveChange, BurnRate, Charge,
            CreateAgent, CreatePool, DeleteAgent, DeletePool, Draw, ExecuteTask, ExtendHold,
            FindAccounts, FindAgents, GetAccount, GetAgent, GetAgentMetrics, GetDiscovered,
            GetEntries, GetHold, GetPool, GetPoolMetrics, GetRun, GetRunEntries, GetSystemMetrics,
            GetUsage, GetWorkloads, Hold, JoinPool, LeavePool, ListAgents, ListMembers, ListPools,
            ListRuns, MintOperation, Plan, Reclaim, Record, Refund, RejectChange, Release,
            RemoveLimit, RenewLease, RequestApproval, Resume, ResumeRun, SetLimit, SetProtection,
            SetRemaining, Settle, Suspend, Transfer, UpdateAgent, UpdatePool, Withdraw, Workload,
        },
    },
};
use safeguards_budget::{
    AccountState, Approval, Change, EntryId, HoldId, Limit, MemoryLedger, Metadata, Percent,
    ProtectionStep, Window,
};
use safeguards_coord::{AgentError, Member, Reply, RunId, agent_fn};
use safeguards_discovery::{Capability, Health, Query, Status};
use safeguards_types::{
    AccountId, AgentId, OperationId, Priority, Quantity, SimClock, Timestamp, Unit, tokens, usd,
};
use serde_json::{Value, json};

use crate::golden::Golden;

type Test = Result<(), Box<dyn std::error::Error>>;

const HIGH: &str = "high_priority_tasks";
const GENERAL: &str = "general_tasks";

/// A program on a clock that stands still, and the files that its answers are compared with.
struct Play {
    v2: v2::Api,
    golden: Golden,
    asked: BTreeSet<&'static str>,
    job: OperationId,
}

impl Play {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let now = Timestamp::parse("2026-01-05T09:00:00Z")?;
        let clock = SimClock::at(now);
        let ledger = MemoryLedger::with_clock(clock.clone());
        let sg = Safeguards::builder(ledger).clock(clock).build()?;
        let research = agent_fn("research_agent", |_, _| async {
            Ok(Reply::new(json!({ "notes": 3 })).cost(usd!(0.31)))
        });
        let analysis = agent_fn("analysis_agent", |_, _| async {
            Err(AgentError::new("no data").cost(usd!(0.02)))
        });
        let members = [Member::new(research, usd!(0.50)), Member::new(analysis, usd!(0.50))];
        let teams = sg.v2().teams();
        teams.serve(&teams.create("research_team", HIGH, members)?);
        let job = OperationId::parse("019b8d6e-c080-7b6a-ba92-0e8f0c98431a")?;
        let job = job.step_at("golden", now);
        Ok(Self { v2: sg.v2(), golden: Golden::of("v2"), asked: BTreeSet::new(), job })
    }

    fn op(&self, step: &str) -> OperationId {
        self.job.step(step)
    }

    /// Asks, and compares both request and answer with the files of this variant.
    async fn ask(
        &mut self,
        variant: &str,
        request: impl Into<Request>,
    ) -> Result<Response, Box<dyn std::error::Error>> {
        let request = request.into();
        let call = request.call();
        let name = if variant.is_empty() { call.to_owned() } else { format!("{call}.{variant}") };
        self.golden.check(&format!("{name}.request"), &request);
        self.asked.insert(call);
        let answer = self.v2.call(request).await;
        let answer = answer.map_err(|error| format!("{name}: {error}"))?;
        assert_eq!(answer.call(), call);
        self.golden.check(&format!("{name}.response"), &steady(answer.clone()));
        Ok(answer)
    }

    async fn refuse(&mut self, name: &str, request: impl Into<Request>) {
        let error: Error = self.v2.call(request.into()).await.unwrap_err();
        self.golden.check(name, &error);
    }
}

/// What differs from run to run, and is no part of what is released: names that are minted, reasons in words.
fn steady(mut answer: Response) -> Response {
    let zero = OperationId::parse("019b8d6e-c080-7000-8000-000000000000").unwrap();
    if let Response::MintOperation(minted) = &mut answer {
        minted.operation = zero;
    }
    if let Response::RequestApproval(asked) = &mut answer {
        let asked = &mut asked.approval;
        let (by, reason) = (asked.requested_by().to_owned(), asked.reason().to_owned());
        *asked = Approval::request(zero, asked.change().clone(), by, reason, asked.expires_at());
    }
    answer
}

async fn accounts(play: &mut Play) -> Test {
    let day = Limit::new(tokens!(1_000), Window::day("Europe/Berlin")?);
    let steps = [ProtectionStep::new(Percent::parse("10")?, Priority::P8)];
    play.ask("", CreatePool::new(HIGH, usd!(500), Priority::P8)).await?;
    let mut general = CreatePool::new(GENERAL, usd!(1000), Priority::P5);
    general.under = Some(HIGH.into());
    general.limits = vec![day.clone().warn_at(Percent::parse("80")?)];
    general.protection = steps.to_vec();
    play.ask("full", general).await?;
    play.ask("", CreateAgent::new("research_agent", usd!(100), Priority::P7)).await?;
    let mut analysis = CreateAgent::new("analysis_agent", usd!(80), Priority::P5);
    analysis.pool = Some(HIGH.into());
    analysis.limits = vec![day.soft()];
    play.ask("full", analysis).await?;

    play.ask("", GetAgent::new("research_agent")).await?;
    play.ask("nobody", GetAgent::new("nobody")).await?;
    play.ask("", ListAgents::new()).await?;
    let mut update = UpdateAgent::new("research_agent", play.op("raise"));
    update.priority = Some(Priority::P8);
    update.pool = Some(Some(GENERAL.into()));
    play.ask("", update).await?;
    let mut alone = UpdateAgent::new("research_agent", play.op("alone"));
    alone.pool = Some(None);
    play.ask("alone", alone).await?;
    play.ask("", GetPool::new(HIGH)).await?;
    play.ask("nobody", GetPool::new("nobody")).await?;
    play.ask("", ListPools::new()).await?;
    let mut update = UpdatePool::new(GENERAL, play.op("lower"));
    update.priority = Some(Priority::P3);
    update.under = Some(None);
    play.ask("", update).await?;
    play.ask("", JoinPool::new("research_agent", HIGH, play.op("join"))).await?;
    play.ask("", ListMembers::new(HIGH)).await?;
    play.ask("", LeavePool::new("research_agent", HIGH, play.op("leave"))).await?;
    play.ask("again", JoinPool::new("research_agent", HIGH, play.op("join again"))).await?;
    play.ask("", MintOperation::new()).await?;
    Ok(())
}

async fn spending(play: &mut Play) -> Test {
    let (research, minute) = (AccountId::from("research_agent"), Duration::from_mins(1));
    let note: Metadata = [("model".to_owned(), json!("gpt-4o"))].into_iter().collect();
    play.ask("", Charge::new(research.clone(), usd!(0.42), play.op("charge"))).await?;
    let mut charge = Charge::new(research.clone(), [usd!(90), tokens!(70)], play.op("more"));
    charge.scopes = vec![GENERAL.into()];
    charge.metadata = note.clone();
    play.ask("full", charge).await?;
    play.ask("", Record::new(research.clone(), usd!(0.08), play.op("record"))).await?;
    play.ask("", Refund::new(play.op("charge"), usd!(0.11), play.op("refund"))).await?;

    play.ask("", Hold::new(research.clone(), usd!(1), play.op("hold"))).await?;
    let mut hold = Hold::new(HIGH, usd!(2), play.op("work"));
    (hold.ttl, hold.scopes, hold.metadata) = (Some(minute), vec![GENERAL.into()], note);
    play.ask("full", hold).await?;
    let work = HoldId::placed_by(play.op("work"));
    play.ask("", ExtendHold::new(work, minute * 2, play.op("extend"))).await?;
    let mut draw = Draw::new(work, usd!(0.50), play.op("draw"));
    draw.spender = Some("analysis_agent".into());
    play.ask("", draw).await?;
    play.ask("", GetHold::new(work)).await?;
    play.ask("nobody", GetHold::new(HoldId::placed_by(play.op("none")))).await?;
    play.ask("", Settle::new(work, usd!(0.31), play.op("settle"))).await?;
    let hold = HoldId::placed_by(play.op("hold"));
    play.ask("", Release::new(hold, play.op("release"))).await?;
    Ok(())
}

async fn limits(play: &mut Play) -> Test {
    let hour = Window::every_seconds(3_600)?;
    let limit = Limit::new(usd!(5), hour.clone());
    play.ask("", SetLimit::new("analysis_agent", limit, play.op("limit"))).await?;
    play.ask("", RemoveLimit::new("analysis_agent", Unit::USD, hour, play.op("unlimit"))).await?;
    play.ask("", SetRemaining::new("analysis_agent", usd!(40), play.op("remaining"))).await?;
    let mut remaining = SetRemaining::new("analysis_agent", tokens!(500), play.op("tokens"));
    remaining.window = Some(Window::day("Europe/Berlin")?);
    play.ask("window", remaining).await?;
    let steps = [ProtectionStep::new(Percent::parse("2.5")?, Priority::P8)];
    play.ask("", SetProtection::new(HIGH, steps, play.op("protect"))).await?;
    let mut suspend = Suspend::new("analysis_agent", play.op("suspend"));
    suspend.reason = Some("it loops".to_owned());
    play.ask("", suspend).await?;
    play.ask("", Resume::new("analysis_agent", play.op("resume"))).await?;
    Ok(())
}

async fn sharing(play: &mut Play) -> Test {
    let (research, analysis) = ("research_agent", "analysis_agent");
    play.ask("", Transfer::new(research, analysis, usd!(5), play.op("transfer"))).await?;
    play.ask("", Reclaim::new(research, usd!(2), play.op("reclaim"))).await?;
    let shares: BTreeMap<AccountId, Quantity> =
        [(research.into(), "200".parse()?), (analysis.into(), "100".parse()?)].into();
    let exactly = AllocateExactly::new(HIGH, Unit::USD, shares.clone(), play.op("exactly"));
    play.ask("", exactly).await?;
    let basis = Plan::Priority { total: usd!(300), at_least: None };
    play.ask("", Allocate::new(HIGH, basis, play.op("priority"))).await?;
    let (weights, at_least) = (shares, Some(usd!(10)));
    let basis = Plan::Weights { weights, unit: Unit::USD, total: Some("400".parse()?), at_least };
    play.ask("weights", Allocate::new(HIGH, basis, play.op("weights"))).await?;
    let busy = |recent_tasks, pending_tasks| Workload { recent_tasks, pending_tasks };
    let workloads = [(research.into(), busy(10, 2)), (analysis.into(), busy(0, 1))].into();
    let basis = Plan::Workload { workloads, unit: Unit::USD, at_least: None };
    play.ask("workload", Allocate::new(HIGH, basis, play.op("workload"))).await?;

    let change = Change::Transfer {
        from: research.into(),
        to: analysis.into(),
        unit: Unit::USD,
        amount: "1".parse()?,
    };
    let until = Timestamp::parse("2026-01-06T09:00:00Z")?;
    let (by, why) = ("ada", "one more chapter");
    play.ask("", RequestApproval::new(change.clone(), by, why, until)).await?;
    let asked = |op| Approval::request(op, change.clone(), by, why, until);
    let leave = asked(play.op("leave to go"));
    let Response::ApproveChange(given) = play.ask("", ApproveChange::new(leave, "grace")).await?
    else {
        return Err("another answer".into());
    };
    play.ask("", ApplyApproval::new(given.approval)).await?;
    let leave = asked(play.op("leave to stay"));
    play.ask("", RejectChange::new(leave, "grace", "not this week")).await?;
    Ok(())
}

async fn reads(play: &mut Play) -> Test {
    play.ask("", GetAccount::new("research_agent")).await?;
    play.ask("nobody", GetAccount::new("nobody")).await?;
    play.ask("", GetUsage::new([HIGH.into(), "nobody".into()])).await?;
    play.ask("", FindAccounts::new()).await?;
    let mut find = FindAccounts::new();
    (find.under, find.role, find.state) =
        (Some(HIGH.into()), Some(Role::Agent), Some(AccountState::Open));
    (find.less_than, find.after, find.limit) = (Some(usd!(1_000)), Some("a".into()), Some(1));
    play.ask("full", find).await?;
    let mut entries = GetEntries::new();
    (entries.from, entries.limit) = (Some(EntryId::new(5)), Some(3));
    play.ask("", entries).await?;
    let day = Duration::from_hours(1);
    play.ask("", BurnRate::new("research_agent", Unit::USD, day)).await?;
    Ok(())
}

async fn runs(play: &mut Play) -> Test {
    let (team, op) = ("research_team", play.op("run"));
    let mut task = ExecuteTask::new(team, "research quantum computing", "pipeline", op);
    (task.input, task.within) = (json!({ "depth": 2 }), Some(Duration::from_mins(5)));
    let Response::ExecuteTask(ran) = play.ask("", task).await? else {
        return Err("another answer".into());
    };
    let run: RunId = ran.report.run;
    play.ask("", ResumeRun::new(team, run.clone(), "pipeline", play.op("go on"))).await?;
    play.ask("", ListRuns::new()).await?;
    let mut list = ListRuns::new();
    (list.unfinished_only, list.team) = (true, Some(team.to_owned()));
    (list.after, list.limit) = (Some(run.clone()), Some(10));
    play.ask("full", list).await?;
    play.ask("", GetRun::new(run.clone())).await?;
    play.ask("", GetRunEntries::new(run.clone())).await?;
    let mut entries = GetRunEntries::new(run);
    (entries.from, entries.limit) = (Some(2), Some(1));
    play.ask("full", entries).await?;
    Ok(())
}

async fn found_and_counted(play: &mut Play) -> Test {
    let (analysis, minute) = (AgentId::from("analysis_agent"), Duration::from_mins(1));
    let can = Capability::new("data_analysis")?.version("1.2.0")?;
    let can = can.with("algorithms", json!(["regression", "classification"]));
    let Response::Advertise(known) =
        play.ask("", Advertise::new(analysis.clone(), can, minute)).await?
    else {
        return Err("another answer".into());
    };
    let mut renew = RenewLease::new(known.lease.clone());
    renew.status = Some(Status::new().health(Health::Degraded).load(3));
    play.ask("", RenewLease::new(known.lease)).await?;
    play.ask("status", renew).await?;
    let query = Query::new("data_analysis")?.with("algorithms", json!(["regression"]));
    play.ask("", FindAgents::new(query.limit(10))).await?;
    play.ask("", GetDiscovered::new(analysis.clone())).await?;
    play.ask("nobody", GetDiscovered::new("nobody")).await?;
    let mut withdraw =
        Withdraw::new(analysis, "data_analysis".parse::<safeguards_discovery::CapabilityName>()?);
    withdraw.version = Some("1.2.0".parse()?);
    play.ask("", withdraw).await?;

    play.ask("", GetAgentMetrics::new("analysis_agent")).await?;
    play.ask("", GetPoolMetrics::new(HIGH)).await?;
    play.ask("", GetSystemMetrics::new()).await?;
    play.ask("", GetWorkloads::new(HIGH)).await?;
    Ok(())
}

#[tokio::test]
async fn every_request_and_answer_is_as_it_was_released() -> Test {
    let mut play = Play::new()?;
    accounts(&mut play).await?;
    spending(&mut play).await?;
    limits(&mut play).await?;
    sharing(&mut play).await?;
    reads(&mut play).await?;
    runs(&mut play).await?;
    found_and_counted(&mut play).await?;
    play.refuse("error", GetAgentMetrics::new("nobody")).await;
    let much = Charge::new("research_agent", usd!(10_000), play.op("much"));
    play.refuse("error.denied", much).await;
    play.ask("", DeleteAgent::new("research_agent", play.op("delete"))).await?;
    play.ask("", DeletePool::new(GENERAL, play.op("delete pool"))).await?;
    let gone = CreateAgent::new("research_agent", usd!(1), Priority::P7);
    play.refuse("error.gone", gone).await;
    assert_eq!(play.asked, Request::CALLS.iter().copied().collect(), "a call without an example");
    assert_eq!(Request::CALLS, Response::CALLS);
    play.golden.finish();
    Ok(())
}

#[test]
fn what_is_no_request_is_refused_by_the_name_of_what_is_wrong() {
    #[track_caller]
    fn check(json: &Value, expected: &str) {
        let error = Request::from_json(&json.to_string()).unwrap_err();
        assert_eq!((error.code.as_str(), &error.denial), ("api.bad_request", &None));
        assert!(error.message.starts_with(expected), "{json}\n{}\n{expected}", error.message);
    }
    let op = "019b8d6e-c080-7b6a-ba92-0e8f0c98431a";
    let charge = |change: Value| {
        let mut json = json!({ "call": "budget.charge", "account": "reader", "amounts": { "USD": "1" }, "op": op });
        let (json_map, change) = (json.as_object_mut().unwrap(), change.as_object().unwrap());
        json_map.extend(change.clone());
        json
    };
    assert!(Request::from_json(&charge(json!({})).to_string()).is_ok());
    check(
        &json!({ "call": "budget.chrage" }),
        "no call is named `budget.chrage`; did you mean `budget.charge`? ",
    );
    check(&json!({ "call": "budgets.update" }), "no call is named `budgets.update`; ");
    check(
        &charge(json!({ "ttl_s": 5 })),
        "budget.charge: unknown field `ttl_s`, expected one of `account`, ",
    );
    check(
        &charge(json!({ "amounts": { "USD": 1 } })),
        "budget.charge: `amounts`: invalid type: integer `1`",
    );
    check(
        &charge(json!({ "amounts": { "USD": 0.1 } })),
        "budget.charge: `amounts`: invalid type: floating point",
    );
    check(&charge(json!({ "amounts": { "USD": "-1" } })), "budget.charge: `amounts`: ");
    check(&charge(json!({ "amounts": "1 USD" })), "budget.charge: `amounts`: ");
    check(&charge(json!({ "op": "job" })), "budget.charge: `op`: ");
    check(
        &charge(json!({ "op": "00000000-0000-4000-8000-000000000000" })),
        "budget.charge: `op`: ",
    );
    check(&charge(json!({ "scopes": "user/ada" })), "budget.charge: `scopes`: ");
    check(&charge(json!({ "metadata": 5 })), "budget.charge: `metadata`: ");
    let hold = |ttl: Value| json!({ "call": "budget.hold", "account": "reader", "amounts": { "USD": "1" }, "op": op, "ttl_s": ttl });
    let said = "budget.hold: `ttl_s`: ";
    check(
        &hold(json!(0)),
        &format!("{said}invalid value: integer `0`, expected whole seconds, from 1 to 1000000000"),
    );
    check(&hold(json!(1_000_000_001)), said);
    check(&hold(json!(1.5)), said);
    check(&hold(json!("10m")), said);
    check(&json!({ "call": "budget.hold", "account": "reader" }), "budget.hold: missing field `");
    let plan =
        |plan: Value| json!({ "call": "budget.allocate", "pool": "p", "plan": plan, "op": op });
    check(
        &plan(json!({ "by": "luck" })),
        "budget.allocate: `plan`: unknown variant `luck`, expected one of `priority`, ",
    );
    check(
        &plan(json!({ "by": "priority", "total": "5 USD", "weights": {} })),
        "budget.allocate: `plan`: unknown field `weights`",
    );
    let window = json!({ "call": "budget.remove_limit", "account": "a", "unit": "USD", "window": "fortnight", "op": op });
    check(&window, "budget.remove_limit: `window`: ");
    let moved = json!({ "do": "transfer", "from": "a", "to": "b", "unit": "USD", "amount": "1", "all": true });
    let until = "2026-01-06T09:00:00Z";
    check(
        &json!({ "call": "approvals.request", "change": moved, "by": "ada", "reason": "r", "expires_at": until }),
        "approvals.request: `change`: unknown field `all`",
    );
    let lease = json!({ "agent": "a", "id": 1, "ttl": "60 s", "expires_at": null, "more": 1 });
    check(&json!({ "call": "discovery.renew", "lease": lease }), "discovery.renew: `lease`: ");
    check(
        &json!({ "call": "agents.update", "agent": "a", "op": op, "priority": null }),
        "agents.update: `priority`: invalid type: null",
    );
}
