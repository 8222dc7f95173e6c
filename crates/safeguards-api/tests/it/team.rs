//! Team files bound and run, with programs that any POSIX machine has.

use std::{error::Error, fs};

use safeguards_api::{BindError, BoundTeam, Safeguards, TeamSpec};
use safeguards_budget::{LedgerExt, MemoryLedger};
use safeguards_coord::{Report, State, Task};
use safeguards_notify::ConsoleChannel;
use safeguards_types::AccountId;
use serde_json::json;
use tempfile::TempDir;

type Test = Result<(), Box<dyn Error>>;

/// Two programs in a row: the first counts words, the second names the sum.
const PIPELINE: &str = r#"
name = "counters"
deadline = "20s"
units = ["credits"]
pool = { limits = ["1.00 USD", "10 credits"] }

[[agent]]
name = "count"
command = ["./bin/count", "words"]
estimate = ["0.50 USD", "2 credits"]
env = ["WHAT=counted"]
timeout = "10s"

[[agent]]
name = "tell"
command = ["sh", "-c", "read -r task; cat note.txt; echo '{\"output\":\"told\",\"usage\":{\"model\":\"mine\",\"input_tokens\":1000,\"output_tokens\":100}}'"]
dir = "work"
price = { input = "100 USD per 1M tokens", output = "1000 USD per 1M tokens" }
estimate = ["0.50 USD", "0 credits"]
"#;

const COUNT: &str = r#"#!/bin/sh
cat > /dev/null
echo "{\"output\":\"$WHAT $1 in $(basename "$PWD")\",\"cost\":{\"USD\":\"0.20\",\"credits\":\"1\"}}"
"#;

/// A folder with the programs, and a team file in it.
fn folder(team: &str) -> Result<(TempDir, TeamSpec), Box<dyn Error>> {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::Builder::new().prefix("team").tempdir()?;
    fs::create_dir_all(folder.path().join("bin"))?;
    fs::create_dir_all(folder.path().join("work"))?;
    fs::write(folder.path().join("work/note.txt"), "a line of the log\n")?;
    let program = folder.path().join("bin/count");
    fs::write(&program, COUNT)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    let spec = TeamSpec::parse(team, folder.path().join("team.toml"))?;
    Ok((folder, spec))
}

async fn run(bound: &BoundTeam) -> Result<Report, Box<dyn Error>> {
    Ok(bound.run(Task::new("count them"), bound.options()).await?)
}

async fn spent(sg: &Safeguards, account: &str) -> Result<String, Box<dyn Error>> {
    let account = sg.ledger().account(&AccountId::from(account)).await?;
    Ok(account.ok_or("no such account")?.spent.to_string())
}

#[tokio::test]
async fn a_pipeline_runs_from_its_file_until_its_pool_is_empty() -> Test {
    let (folder, spec) = folder(PIPELINE)?;
    let sg = Safeguards::in_memory();
    let bound = spec.bind(&sg).await?;
    assert_eq!(bound.team().pool().as_str(), "counters");

    let report = run(&bound).await?;
    assert_eq!(report.state, State::Succeeded, "{report:#?}");
    assert_eq!(report.output, Some(json!("told")));
    let here = folder.path().file_name().ok_or("no name")?.to_string_lossy();
    assert_eq!(report.steps[0].output, Some(json!(format!("counted words in {here}"))));
    assert_eq!(report.steps[1].log, ["\"a line of the log\""]);
    // 1000 input and 100 output tokens at the agent's own price, and a request each.
    assert_eq!(report.steps[1].spent.to_string(), "0.20 USD, 1 requests, 1100 tokens");
    assert_eq!(spent(&sg, "counters").await?, "0.40 USD, 1 credits, 2 requests, 1100 tokens");
    assert_eq!(spent(&sg, "count").await?, "0.20 USD, 1 credits, 1 requests");

    // 0.60 USD are left: the first may start again, the second then lacks 0.10 USD.
    let report = run(&bound).await?;
    assert_eq!(report.state, State::Denied);
    assert_eq!(
        report.steps[1].reason.as_ref().map(|reason| &*reason.code),
        Some("budget.limit_exceeded")
    );
    let topics: Vec<_> = {
        let history = sg.alerts().history(&safeguards_notify::AlertQuery::all()).await?;
        history.iter().map(|record| record.alert.to_string()).collect()
    };
    assert!(
        topics[0].starts_with("high  budget.denied: tell was denied: counters has 0.40 USD left"),
        "{topics:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_fan_out_gives_everybody_the_task() -> Test {
    let team = PIPELINE
        .replace("deadline =", "strategy = \"fan_out\"\nconcurrency = 2\ndeadline =")
        .replace("./bin/count", "bin/count");
    let (_folder, spec) = folder(&team)?;
    let report = run(&spec.bind(&Safeguards::in_memory()).await?).await?;
    assert_eq!((report.state, report.steps.len()), (State::Succeeded, 2), "{report:#?}");
    Ok(())
}

#[tokio::test]
async fn bound_again_it_is_the_same_team_and_on_other_terms_it_is_refused() -> Test {
    let (folder, spec) = folder(PIPELINE)?;
    let sg = Safeguards::in_memory();
    run(&spec.bind(&sg).await?).await?;
    let again = spec.bind(&sg).await?;
    assert_eq!(spent(&sg, "counters").await?, "0.40 USD, 1 credits, 2 requests, 1100 tokens");
    assert_eq!(again.team().members().len(), 2);

    let richer = PIPELINE.replace("1.00 USD", "2.00 USD");
    let richer = TeamSpec::parse(&richer, folder.path().join("team.toml"))?;
    let error = richer.bind(&sg).await.unwrap_err();
    assert!(matches!(error, BindError::OtherTerms { .. }));
    assert_eq!(
        error.to_string(),
        "`counters` was asked for as priority 5, in no pool, 2.00 USD, warns at 80 %, 10 credits, warns at 80 %, \
         but there is one already: priority 5, in no pool, 1.00 USD, warns at 80 %, 10 credits, warns at 80 %"
    );
    Ok(())
}

#[tokio::test]
async fn alerts_go_where_the_file_says() -> Test {
    let team = PIPELINE.replace("1.00 USD", "0.60 USD")
        + "[[alert]]\non = \"budget.denied\"\nto = { file = \"alerts.jsonl\" }\n";
    let (folder, spec) = folder(&team)?;
    let error = spec.bind(&Safeguards::in_memory()).await.unwrap_err();
    assert_eq!(error.code(), "config.alerts_not_connected");

    let sg = Safeguards::builder(MemoryLedger::new())
        .alerts_of(&spec, ConsoleChannel::stderr, |_| None)?
        .alerts_of(&spec, ConsoleChannel::stderr, |_| None)? // again: connected once
        .build()?;
    let running = sg.start()?;
    let report = run(&spec.bind(&sg).await?).await?;
    assert_eq!(report.state, State::Denied);
    assert!(running.stop().await.is_empty());
    let lines = fs::read_to_string(folder.path().join("alerts.jsonl"))?;
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(lines.contains(r#""topic":"budget.denied","agent":"tell""#), "{lines}");
    Ok(())
}

#[tokio::test]
async fn alerts_of_several_files_are_connected_however_long_their_paths_are() -> Test {
    let team = format!("{PIPELINE}[[alert]]\nto = \"console\"\n");
    let file = |name: &str| format!("/{}/{name}.toml", "folder/".repeat(50));
    let builder = ["one", "two"].iter().try_fold(
        Safeguards::builder(MemoryLedger::new()),
        |builder, name| -> Result<_, Box<dyn Error>> {
            let spec = TeamSpec::parse(&team, file(name))?;
            Ok(builder.alerts_of(&spec, ConsoleChannel::stderr, |_| None)?)
        },
    )?;
    builder.build()?;
    Ok(())
}

#[tokio::test]
async fn prices_of_the_file_go_over_the_built_in_ones() -> Test {
    let prices =
        "[model.mine]\ninput = \"1 USD per 1K tokens\"\noutput = \"1 USD per 1K tokens\"\n";
    let team = PIPELINE
        .replace("price = {", "# price = {")
        .replace("deadline =", "prices = \"prices.toml\"\ndeadline =");
    let (folder, spec) = folder(&team)?;
    let sg = Safeguards::in_memory();
    let error = spec.bind(&sg).await.unwrap_err();
    let path = folder.path().join("prices.toml");
    assert_eq!(error.to_string(), format!("{} could not be read", path.display()));

    fs::File::create(&path)?.set_len(16 * 1024 * 1024 + 1)?;
    let error = spec.bind(&sg).await.unwrap_err();
    assert_eq!(error.code(), "config.unreadable");
    let source = error.source().ok_or("no source")?.to_string();
    assert_eq!(source, "it is longer than 16777216 bytes (16 MiB), the most that is read");

    fs::write(&path, prices)?;
    let report = run(&spec.bind(&sg).await?).await?;
    assert_eq!(
        report.steps[1].spent.to_string(),
        "1.10 USD, 1 requests, 1100 tokens",
        "{report:#?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_program_that_is_missing_is_named() -> Test {
    let (_folder, spec) = folder(&PIPELINE.replace("./bin/count", "./bin/counter"))?;
    let report = run(&spec.bind(&Safeguards::in_memory()).await?).await?;
    let reason = report.reason.ok_or("it failed")?;
    assert_eq!(reason.code, "agent.not_found");
    assert!(reason.message.contains("/./bin/counter`"), "{}", reason.message);
    Ok(())
}
