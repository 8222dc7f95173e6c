//! Alerts end to end: facts of the ledger through rules to channels, on simulated time.

use std::{collections::BTreeSet, error::Error, fs, sync::Arc, time::Duration};

use parking_lot::Mutex;
use safeguards_api::{AlertingLedger, Safeguards, TeamSpec};
use safeguards_budget::{
    Action, Batch, Charge, Command, Ledger, LedgerExt, Limit, LimitMode, MemoryLedger, Metadata,
    OpenAccount, PlaceHold,
};
use safeguards_notify::{
    Alert, AlertMatch, AlertQuery, AlertRecord, Alerts, Channel, ChannelOptions, ConsoleChannel,
    Delivery, DeliveryError, MemoryAlertStore, Notification, Retry, Route, Rules, TopicFilter,
};
use safeguards_testkit::PausedClock;
use safeguards_types::{
    AgentId, Clock, OperationIds, Priority, Severity, SimClock, Timestamp, usd,
};

type Test = Result<(), Box<dyn Error>>;

/// Keeps what it is given.
#[derive(Clone, Debug, Default)]
struct Recording(Arc<Mutex<Vec<Notification>>>);

impl Recording {
    /// When each came, its topic and how many alerts it stands for.
    fn told(&self) -> Vec<(Timestamp, String, u64)> {
        let brief = |told: &Notification| {
            (told.at(), told.latest().topic().as_str().to_owned(), told.count())
        };
        self.0.lock().iter().map(brief).collect()
    }
}

#[async_trait::async_trait]
impl Channel for Recording {
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        self.0.lock().push((**delivery.notification()).clone());
        Ok(())
    }
}

/// Refuses everything.
#[derive(Debug)]
struct Down;

#[async_trait::async_trait]
impl Channel for Down {
    async fn deliver(&self, _: &Delivery) -> Result<(), DeliveryError> {
        Err(DeliveryError::retryable("the line is cut"))
    }
}

fn on_monday() -> SimClock {
    SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z").unwrap())
}

async fn history(alerts: &Alerts) -> Vec<Arc<Alert>> {
    let records = alerts.history(&AlertQuery::all().limit(usize::MAX)).await.unwrap();
    records.into_iter().map(|AlertRecord { alert, .. }| alert).collect()
}

async fn topics(alerts: &Alerts) -> Vec<String> {
    history(alerts).await.iter().map(|alert| alert.topic().to_string()).collect()
}

/// Safeguards on the runtime's own time, with one agent that may spend 1 USD.
async fn paused(ops: Recording) -> Result<(Safeguards, PausedClock), Box<dyn Error>> {
    let clock = PausedClock::new();
    let ledger = MemoryLedger::with_clock(clock.clone());
    let sg = Safeguards::builder(ledger).clock(clock.clone()).channel("ops", ops).build()?;
    sg.v2().agents().create("reader", usd!(1), Priority::P5).await?;
    Ok((sg, clock))
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_denials_is_told_at_once_and_then_once_a_minute() -> Test {
    let ops = Recording::default();
    let (sg, clock) = paused(ops.clone()).await?;
    let begun = clock.now();
    let running = sg.start()?;
    let (budget, job) = (sg.v2().budget(), sg.operation());
    for number in 0..10_000 {
        let denied = budget.charge("reader", usd!(2), job.step(&number.to_string())).await;
        denied.unwrap_err();
        if number % 100 == 99 {
            tokio::time::sleep(Duration::from_millis(600)).await;
        }
    }
    tokio::time::sleep(Duration::from_mins(10)).await;
    let denied = || "budget.denied".to_owned();
    let minute = begun.saturating_add(Duration::from_mins(1));
    assert_eq!(ops.told(), [(begun, denied(), 1), (minute, denied(), 9_999)]);
    let group = ops.0.lock()[1].clone();
    assert!(
        group.to_string().starts_with(
            "high  budget.denied: 9999 alerts (agent reader), the latest: reader was denied:"
        ),
        "{group}"
    );
    assert_eq!((group.alerts().len(), group.more()), (1_000, 8_999));
    assert!(running.stop().await.is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_cooldown_counts_repeats_of_one_limit_and_lets_other_facts_through() -> Test {
    let clock = PausedClock::new();
    let ops = Recording::default();
    let mut rules = Rules::default();
    rules.otherwise.cooldown = Some(Duration::from_hours(1));
    let sg = Safeguards::builder(MemoryLedger::with_clock(clock.clone()))
        .clock(clock.clone())
        .channel("ops", ops.clone())
        .rules(rules)
        .build()?;
    let running = sg.start()?;
    let (agents, budget, job) = (sg.v2().agents(), sg.v2().budget(), sg.operation());
    agents.create("reader", usd!(1), Priority::P5).await?;
    budget.charge("reader", usd!(0.85), job.step("eighty")).await?;
    budget.charge("reader", usd!(0.15), job.step("hundred")).await?; // no threshold of its own
    for number in 0..50 {
        budget.charge("reader", usd!(2), job.step(&number.to_string())).await.unwrap_err();
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    assert_eq!(
        ops.told().iter().map(|(_, topic, count)| (topic.as_str(), *count)).collect::<Vec<_>>(),
        [("budget.threshold", 1), ("budget.denied", 1)]
    );
    tokio::time::sleep(Duration::from_mins(15)).await;
    budget.charge("reader", usd!(2), job.step("later")).await.unwrap_err();
    tokio::time::sleep(Duration::from_mins(2)).await;
    let last = ops.0.lock().last().cloned().ok_or("nothing was told")?;
    assert_eq!((last.count(), last.repeats()), (1, 49));
    assert!(running.stop().await.is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_runs_out_is_told_without_anybody_calling() -> Test {
    let ops = Recording::default();
    let (sg, clock) = paused(ops.clone()).await?;
    let running = sg.start()?;
    // By now the ledger's keeper sleeps for long: there was nothing to wait for.
    tokio::time::sleep(Duration::from_secs(7)).await;
    let begun = clock.now();
    let budget = sg.v2().budget();
    let hold = |span| budget.hold("reader", usd!(0.30), sg.operation()).ttl(span);
    let forgotten = hold(Duration::from_secs(40)).await?;
    let sooner = hold(Duration::from_secs(5)).await?;
    let settled = hold(Duration::from_secs(9)).await?;
    budget.settle(settled, usd!(0.10)).await?;
    tokio::time::sleep(Duration::from_mins(5)).await;

    let told = ops.0.lock().clone();
    let holds: Vec<_> = told.iter().map(|told| told.first().metadata()["hold"].clone()).collect();
    assert_eq!(holds, [sooner.id().to_string(), forgotten.id().to_string()]);
    let after: Vec<u128> =
        told.iter().map(|told| told.at().since(begun).as_secs().into()).collect();
    // The second belongs to the group of the first, and waits for its minute.
    assert_eq!(after, [5, 65]);
    let alert = told[1].first();
    let expired_at = begun.saturating_add(Duration::from_secs(40));
    assert_eq!(alert.at().unwrap().since(expired_at).as_secs(), 0);
    assert_eq!(
        (alert.severity(), alert.agent()),
        (Severity::Medium, Some(&AgentId::from("reader")))
    );
    assert_eq!(alert.metadata()["amounts"], serde_json::json!({ "USD": "0.3" }));
    assert_eq!(alert.metadata()["expired_at"], expired_at.to_string());
    assert_eq!(
        alert.message(),
        "a hold of 0.30 USD ran out at reader with nothing settled: what it set aside is free again, and what was \
         spent under it, if anything, is not written down"
    );
    assert!(running.stop().await.is_empty());
    Ok(())
}

#[tokio::test]
async fn without_a_start_holds_are_told_by_the_next_command_or_tick_and_once() -> Test {
    let clock = on_monday();
    let memory = MemoryLedger::with_clock(clock.clone());
    let ids = OperationIds::seeded(7);
    let mint = || ids.mint(clock.now());
    let open = OpenAccount::new("reader").limit(Limit::lifetime(usd!(10)));
    memory.sync().open_account(open, mint())?;
    // What ran out before is no news: whoever was there told it.
    let place = |ttl| PlaceHold::new("reader", usd!(1), Duration::from_secs(ttl));
    memory.sync().apply(Command::new(mint(), place(1)))?;
    clock.advance(Duration::from_secs(2));
    memory.sync().tick();

    let alerts = Alerts::new();
    let ledger = Arc::new(AlertingLedger::new(Arc::new(memory.clone()), alerts.clone()));
    for _ in 0..3 {
        ledger.submit(Batch::independent([Command::new(mint(), place(10))])).await?;
    }
    clock.advance(Duration::from_secs(11));
    ledger.charge(Charge::new("reader", usd!(0.5)), mint()).await?;
    assert_eq!(topics(&alerts).await, ["budget.hold_expired"; 3]);

    for _ in 0..100 {
        ledger.submit(Batch::independent([Command::new(mint(), place(10))])).await.map(drop)?;
        clock.advance(Duration::from_secs(11));
        let ticks = (0..8).map(|_| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move { ledger.tick().await.map(drop) })
        });
        for tick in ticks.collect::<Vec<_>>() {
            tick.await??;
        }
    }
    let told = history(&alerts).await;
    let keys: BTreeSet<_> = told.iter().map(|alert| alert.key().unwrap().to_owned()).collect();
    assert_eq!((told.len(), keys.len()), (103, 103));
    Ok(())
}

#[tokio::test]
async fn suspensions_say_who_and_why_and_limits_on_trial_what_they_would_do() -> Test {
    let sg = Safeguards::in_memory();
    let (ledger, alerts) = (sg.ledger(), sg.alerts());
    let trial = Limit::lifetime(usd!(1)).mode(LimitMode::Shadow);
    ledger.open_account(OpenAccount::new("reader").limit(trial), sg.operation()).await?;
    let by_grace: Metadata =
        serde_json::from_value(serde_json::json!({ "by": "grace", "ticket": 7 }))?;
    let account = || "reader".into();
    let reason = Some("it calls itself".to_owned());
    let suspend = Action::Suspend { account: account(), reason };
    let suspend = Command::new(sg.operation(), suspend).with_metadata(by_grace);
    let resume = Command::new(sg.operation(), Action::Resume { account: account(), reason: None });
    ledger.submit(Batch::independent([suspend.clone()])).await?;
    ledger.submit(Batch::independent([suspend])).await?; // again: answered again, told once
    ledger.submit(Batch::independent([resume])).await?;
    ledger.charge(Charge::new("reader", usd!(3)), sg.operation()).await?;

    let told = history(alerts).await;
    let texts: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "critical  budget.suspended: reader is suspended: neither it nor an account below it may spend, by grace: \
             it calls itself",
            "informational  budget.resumed: reader may spend again",
            "low  budget.shadow_denied: reader would have been denied by a limit on trial: reader has 1 USD left of 1 \
             USD (lifetime; 0 spent, 0 held), asked 3 USD",
        ]
    );
    let suspended = told[0].metadata();
    assert_eq!(
        (&suspended["by"], &suspended["reason"]),
        (&"grace".into(), &"it calls itself".into())
    );
    assert_eq!(suspended["command"]["ticket"], 7);
    let keys: Vec<_> = told.iter().filter_map(|alert| alert.key()).collect();
    assert_eq!(
        keys,
        [
            "budget.suspended reader",
            "budget.resumed reader",
            "budget.shadow_denied USD (lifetime) reader"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn keys_tell_facts_apart() -> Test {
    let sg = Safeguards::in_memory();
    let (v2, job) = (sg.v2(), sg.operation());
    let full = safeguards_budget::Percent::HUNDRED;
    let day = Limit::per_day(usd!(2), "UTC")?.warn_at(full);
    v2.agents().create("reader", usd!(4), Priority::P5).limit(day).await?;
    v2.budget().charge("reader", usd!(2), job.step("a")).await?;
    v2.budget().charge("reader", usd!(1), job.step("b")).await.unwrap_err();
    v2.budget().record("reader", usd!(1.5), job.step("c")).await?;
    let keys: Vec<_> =
        history(sg.alerts()).await.iter().map(|alert| alert.key().unwrap().to_owned()).collect();
    assert_eq!(
        keys,
        [
            "budget.threshold 100% USD (per day in UTC) reader",
            "budget.denied budget.limit_exceeded USD (per day in UTC) reader",
            "budget.threshold 80% USD (lifetime) reader",
            "budget.overrun USD (per day in UTC) reader",
        ]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn rules_lead_to_channels_that_have_options_and_a_store() -> Test {
    let (clock, ops, boss) = (PausedClock::new(), Recording::default(), Recording::default());
    let store = MemoryAlertStore::new();
    let budgets = AlertMatch::all().topic(TopicFilter::parse("budget.**")?);
    let high = budgets.clone().at_least(Severity::High);
    let rules = Rules::default()
        .to(["ops"])
        .route(Route::when(high).to(["boss"]).goes_on())
        .route(Route::when(budgets).to(["down"]));
    let impatient = ChannelOptions::new().retry(Retry::attempts(1));
    let sg = Safeguards::builder(MemoryLedger::with_clock(clock.clone()))
        .clock(clock)
        .channel("ops", ops.clone())
        .channel("boss", boss.clone())
        .channel_with("down", Down, impatient)
        .rules(rules)
        .alert_store(store.clone())
        .build()?;
    let running = sg.start()?;
    sg.v2().agents().create("reader", usd!(1), Priority::P5).await?;
    sg.v2().budget().charge("reader", usd!(2), sg.operation()).await.unwrap_err();
    sg.alerts().send(Alert::new(Severity::Low, safeguards_notify::topic!("team.note"), "ready"));
    let left = running.stop().await;
    let letters: Vec<_> = left.dead_letters.letters.iter().map(|dead| dead.reason.code()).collect();
    assert_eq!(letters, ["notify.delivery_failed"]);
    assert_eq!(ops.told()[0].1, "team.note");
    assert_eq!((ops.told().len(), boss.told()[0].1.as_str()), (1, "budget.denied"));
    assert_eq!(store.sync().history(&AlertQuery::all()).len(), 2);
    Ok(())
}

const TEAM: &str = r#"
pool = { limits = ["1.00 USD"] }

[[agent]]
name = "writer"
command = ["true"]
estimate = "0.10 USD"
"#;

/// Sends one alert of each severity through a team file's alerts, beside a channel of the program's own.
async fn sent_through(
    team: &str,
    files: &[(&str, &str)],
) -> Result<(tempfile::TempDir, Recording, Safeguards), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    for (name, text) in files {
        fs::write(folder.path().join(name), text)?;
    }
    let spec = TeamSpec::parse(&format!("{team}{TEAM}"), folder.path().join("team.toml"));
    let spec = spec
        .or_else(|_| TeamSpec::parse(&format!("{TEAM}{team}"), folder.path().join("team.toml")))?;
    let (clock, own) = (PausedClock::new(), Recording::default());
    let sg = Safeguards::builder(MemoryLedger::with_clock(clock.clone()))
        .clock(clock)
        .channel("own", own.clone())
        .alerts_of(&spec, ConsoleChannel::stderr, |_| None)?
        .build()?;
    let running = sg.start()?;
    for severity in Severity::ALL {
        for number in 0..3 {
            let alert =
                Alert::new(severity, safeguards_notify::topic!("team.note"), number.to_string());
            sg.alerts().send(alert.about("writer"));
        }
    }
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert!(running.stop().await.is_empty());
    Ok((folder, own, sg))
}

fn lines(folder: &tempfile::TempDir, name: &str) -> usize {
    fs::read_to_string(folder.path().join(name)).unwrap_or_default().lines().count()
}

#[tokio::test(start_paused = true)]
async fn each_alert_table_is_a_route_and_the_programs_own_channels_get_all() -> Test {
    let tables = "[[alert]]\nat_least = \"high\"\nto = { file = \"high.jsonl\" }\n\
        [[alert]]\nat_least = \"medium\"\nto = { file = \"medium.jsonl\" }\ncooldown = \"1h\"\n\
        [[alert]]\non = \"budget.**\"\nto = { file = \"budget.jsonl\" }\n";
    let (folder, own, sg) = sent_through(tables, &[]).await?;
    assert_eq!(lines(&folder, "high.jsonl"), 6, "each alone");
    assert_eq!(lines(&folder, "medium.jsonl"), 9, "they say different things");
    assert_eq!(lines(&folder, "budget.jsonl"), 0);
    assert_eq!(own.told().len(), 10, "one at once for each severity, and a group");
    assert_eq!(history(sg.alerts()).await.len(), 15);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_file_of_rules_speaks_of_alert_tables_by_name() -> Test {
    let rules = "to = []\n[[route]]\nat_least = \"high\"\nto = [\"log\"]\ngroup_by = \"each\"\n";
    let tables =
        "rules = \"rules.toml\"\nalert = [{ name = \"log\", to = { file = \"log.jsonl\" } }]\n";
    let (folder, own, sg) = sent_through(tables, &[("rules.toml", rules)]).await?;
    assert_eq!((lines(&folder, "log.jsonl"), own.told().len()), (6, 10));
    assert!(sg.rule_warnings().is_empty(), "{:?}", sg.rule_warnings());

    // A rule that is in vain is said.
    let over = "to = []\n[[silence]]\ntopics = [\"team.**\"]\nuntil = 2020-01-01T00:00:00Z\n";
    let (_folder, _, sg) = sent_through(tables, &[("rules.toml", over)]).await?;
    let [warning] = sg.rule_warnings() else { panic!("{:?}", sg.rule_warnings()) };
    assert!(warning.contains("rules.toml"), "{warning}");
    assert_eq!(sg.v1().configuration().rule_warnings, sg.rule_warnings());
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_a_file_of_rules_has_its_place() -> Test {
    let folder = tempfile::tempdir()?;
    let tables = "rules = \"rules.toml\"\nalert = [{ name = \"log\", to = \"console\" }]\n";
    let spec = TeamSpec::parse(&format!("{tables}{TEAM}"), folder.path().join("team.toml"))?;
    let connect = || {
        let builder = Safeguards::builder(MemoryLedger::new());
        builder.alerts_of(&spec, ConsoleChannel::stderr, |_| None)
    };
    assert_eq!(connect().unwrap_err().code(), "config.unreadable");

    fs::write(folder.path().join("rules.toml"), "to = [\"log\"]\nwiat = \"5s\"\ninterval = 3\n")?;
    let error = connect().unwrap_err();
    let mistakes = error.mistakes();
    assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    assert!(mistakes[0].1.contains("rules.toml:2:1: "), "{mistakes:?}");
    assert!(mistakes[0].1.contains("did you mean `wait`"), "{mistakes:?}");
    assert!(mistakes[1].1.contains("rules.toml:3:12: "), "{mistakes:?}");

    fs::write(folder.path().join("rules.toml"), "to = [\"lgo\"]\n")?;
    let error = connect().unwrap_err();
    let mistakes = error.mistakes();
    assert!(mistakes[0].1.contains("did you mean `log`"), "{mistakes:?}");
    Ok(())
}
