//! Durable files on the command line: `safeguards store`, `budget` and `report`, and runs and replays that write them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use safeguards_budget::{
    Action, Charge, Command, EntryId, Ledger, LedgerExt, Limit, Metadata, OpenAccount, PlaceHold,
    Settle,
};
use safeguards_redb::{RedbOptions, RedbStore};
use safeguards_types::{Amounts, Priority, Quantity, SimClock, Timestamp, Unit, tokens, usd};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    command::{Ran, data, safeguards, safeguards_reading},
    run::{agent, says},
};

/// A folder with files that are named by their names.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.at(name).display().to_string()
    }

    /// Runs with the names that begin with `@` in this folder.
    fn run(&self, args: &[&str]) -> Ran {
        let args: Vec<String> = args
            .iter()
            .map(|arg| {
                arg.strip_prefix('@').map_or_else(|| (*arg).to_owned(), |name| self.text(name))
            })
            .collect();
        safeguards(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// A team of one that spends 0.04 USD each time.
    fn with_team(limit: &str) -> Self {
        let folder = Self::new();
        let team =
            format!("pool = {{ limits = [\"{limit}\"] }}\n{}", agent("writer", &says("bees")));
        fs::write(folder.at("crew.toml"), team).unwrap();
        folder
    }

    fn work(&self) -> Ran {
        self.run(&["run", "@crew.toml", "look around", "--store", "@fleet.redb", "--json"])
    }

    /// A ledger in which everything happened that is spent, or is not.
    async fn with_ledger() -> Self {
        let folder = Self::new();
        let store = RedbStore::open(folder.at("fleet.redb")).unwrap();
        let op = || store.operation();
        let limit = |amount| Limit::lifetime(amount);
        for open in [
            OpenAccount::new("team").limit(limit(usd!(100))),
            OpenAccount::new("other").limit(limit(usd!(100))),
            OpenAccount::new("reader").under("team").limit(limit(usd!(50))),
            OpenAccount::new("writer").under("team").limit(limit(usd!(20))),
            OpenAccount::new("user/ada"),
        ] {
            store.open_account(open, op()).await.unwrap();
        }
        let model = |name: &str| Metadata::from_iter([("model".to_owned(), json!(name))]);
        // A charge at a scope besides, of a model; a part of it comes back later.
        let charge = Charge::new("reader", [usd!(1.5), tokens!(100)]).scope("user/ada");
        let first = op();
        let command = Command::new(first, charge).with_metadata(model("small"));
        store.apply(command).await.unwrap();
        // A hold that is drawn from and settled, one that is released, one that stays.
        let place = |account: &str| PlaceHold::new(account, usd!(2), Duration::from_mins(5));
        let hold = store.place_hold(place("writer"), op()).await.unwrap();
        let draw = Settle::new(hold.id(), usd!(0.5)).keep_open();
        store.apply(Command::new(op(), draw)).await.unwrap();
        let settle = Action::from(Settle::new(hold.id(), usd!(0.25)));
        store.apply(Command::new(op(), settle).with_metadata(model("large"))).await.unwrap();
        let hold = store.place_hold(place("reader"), op()).await.unwrap();
        store.release(hold, op()).await.unwrap();
        drop(store.place_hold(place("reader"), op()).await.unwrap());
        // What nobody allowed is spent all the same; limits that move are not.
        store.record(Charge::new("writer", usd!(30)), op()).await.unwrap();
        store.transfer("reader".into(), "writer".into(), usd!(5), op()).await.unwrap();
        store.set_parent("reader".into(), Some("other".into()), op()).await.unwrap();
        store.charge(Charge::new("reader", usd!(3)), op()).await.unwrap();
        store.charge(Charge::new("user/ada", usd!(4)), op()).await.unwrap();
        store.refund(first, Amounts::from(usd!(0.5)), op()).await.unwrap();
        folder
    }
}

/// The rows of a report by what they stand for: what was spent, what came back, and both.
fn rows(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let rows = report["rows"].as_array().unwrap().iter();
    rows.map(|row| {
        let keys: Vec<String> = row["keys"].as_array().unwrap().iter().map(text).collect();
        let figures = [&row["spent"], &row["refunded"], &row["net"]].map(text);
        (keys.join(" "), format!("{} {}", figures.join(" "), row["entries"]))
    })
    .collect()
}

#[tokio::test]
async fn a_report_says_what_was_spent_and_nothing_else() {
    let folder = Folder::with_ledger().await;
    let report = |by: &str| {
        folder
            .run(&["report", "--store", "@fleet.redb", "--unit", "USD", "--json", "--by", by])
            .report()
    };
    let check = |by: &str, expected: &[(&str, &str)]| {
        let expected: Vec<_> =
            expected.iter().map(|(key, row)| ((*key).to_owned(), (*row).to_owned())).collect();
        assert_eq!(rows(&report(by)), expected, "{by}");
    };
    check(
        "agent",
        &[("reader", "4.5 0.5 4 3"), ("user/ada", "4 0 4 1"), ("writer", "30.75 0 30.75 3")],
    );
    // What was spent stays where it was spent when its spender moves.
    check("pool", &[("-", "4 0 4 1"), ("other", "3 0 3 1"), ("team", "32.25 0.5 31.75 5")]);
    check("model", &[("-", "37.5 0 37.5 4"), ("large", "0.25 0 0.25 1"), ("small", "1.5 0.5 1 2")]);
    check(
        "agent,model",
        &[
            ("reader -", "3 0 3 1"),
            ("reader small", "1.5 0.5 1 2"),
            ("user/ada -", "4 0 4 1"),
            ("writer -", "30.5 0 30.5 2"),
            ("writer large", "0.25 0 0.25 1"),
        ],
    );
    assert_eq!(report("day")["rows"].as_array().unwrap().len(), 1);

    // The ledger itself says the same.
    let store = RedbStore::open(folder.at("fleet.redb")).unwrap();
    let accounts = store.all_accounts().await.unwrap();
    let mut spent = Quantity::ZERO;
    for account in accounts.accounts.into_iter().flatten() {
        spent = spent.saturating_add(account.spent_directly.get(&Unit::USD));
    }
    drop(store);
    assert_eq!(report("day")["totals"][0]["net"], spent.to_string());
}

#[tokio::test]
async fn a_report_is_a_table_values_and_a_picture() {
    let folder = Folder::with_ledger().await;
    let ran = folder.run(&["report", "--store", "@fleet.redb", "--svg", "@bars.svg"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.stdout.contains("reader      4.50 USD  0.50 USD    4.00 USD        3"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("all        39.25 USD  0.50 USD   38.75 USD        7"),
        "{}",
        ran.stdout
    );
    let svg = fs::read_to_string(folder.at("bars.svg")).unwrap();
    assert!(svg.contains("spent less what came back, in USD") && svg.contains("user/ada"), "{svg}");
    let again = folder.run(&["report", "--store", "@fleet.redb", "--svg", "@bars.svg"]);
    again.refused(&["cli.file", "bars.svg"]);

    let printed = folder.run(&["report", "--store", "@fleet.redb", "--svg", "-"]);
    assert_eq!(printed.stdout, svg);
    folder.run(&["report", "--store", "@fleet.redb", "--svg", "-", "--csv"]).refused(&["picture"]);

    let csv = folder.run(&["report", "--store", "@fleet.redb", "--csv", "--by", "pool,model"]);
    let lines: Vec<_> = csv.stdout.lines().collect();
    assert_eq!(lines[0], "pool,model,unit,spent,refunded,net,entries");
    assert!(lines.contains(&"team,small,tokens,100,0,100,1"), "{lines:?}");
    let none = ["report", "--store", "@fleet.redb", "--csv", "--until", "2020-01-01"];
    assert_eq!(folder.run(&none).stdout, "agent,unit,spent,refunded,net,entries\n");
    folder
        .run(&["report", "--store", "@fleet.redb", "--since", "lately"])
        .refused(&["lately", "a day such as"]);
    let nothing = folder.run(&["report", "--store", "@fleet.redb", "--until", "2020-01-01"]);
    assert_eq!(nothing.stdout, "nothing was spent in this time\n");
    folder
        .run(&["report", "--store", "@fleet.redb", "--unit", "EUR"])
        .refused(&["`EUR`", "what was is USD, tokens"]);
    let backwards = ["--since", "2020-01-02", "--until", "2020-01-01"];
    folder
        .run(&[&["report", "--store", "@fleet.redb"], &backwards[..]].concat())
        .refused(&["`--until` comes after `--since`"]);
}

/// What came back of an earlier day is below zero on its own, so that rows add up.
#[tokio::test]
async fn what_comes_back_later_is_taken_off_when_it_comes() {
    let folder = Folder::new();
    let mut options = RedbOptions::default();
    let clock = SimClock::at(Timestamp::parse("2026-01-05T23:00:00Z").unwrap());
    options.clock = Arc::new(clock.clone());
    let store = options.open(folder.at("fleet.redb")).unwrap();
    store.open_account(OpenAccount::new("reader"), store.operation()).await.unwrap();
    let charge = store.operation();
    store.charge(Charge::new("reader", usd!(1)), charge).await.unwrap();
    clock.advance(Duration::from_hours(2));
    store.refund(charge, Amounts::from(usd!(0.25)), store.operation()).await.unwrap();
    drop(store);
    let report = |args: &[&str]| {
        folder.run(&[&["report", "--store", "@fleet.redb", "--by", "day"], args].concat())
    };
    let by_day = report(&["--json"]).report();
    let expected = [("2026-01-05", "1 0 1 1"), ("2026-01-06", "0 0.25 -0.25 1")];
    let expected = expected.map(|(day, row)| (day.to_owned(), row.to_owned()));
    assert_eq!(rows(&by_day), expected);
    assert_eq!(by_day["totals"][0]["net"], "0.75");
    assert!(report(&[]).stdout.contains("-0.25 USD"), "{:?}", report(&[]));
    assert!(report(&["--svg", "-"]).stdout.contains("-0.25 USD"));
}

/// A letter of an entry is changed in the file itself: it is told, and no dump is made of it.
#[tokio::test]
async fn a_damaged_file_is_told_and_not_dumped() {
    let folder = Folder::with_ledger().await;
    let bytes = fs::read(folder.at("fleet.redb")).unwrap();
    let at = bytes.windows(5).position(|letters| letters == b"small").unwrap();
    let mut damaged = bytes.clone();
    damaged[at] = b'S';
    fs::write(folder.at("damaged.redb"), &damaged).unwrap();
    let checked = folder.run(&["store", "check", "@damaged.redb"]);
    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert!(checked.stdout.contains("go on with a copy"), "{checked:?}");
    let dump = ["store", "dump", "@damaged.redb", "-o", "@damaged.jsonl"];
    folder.run(&dump).failed(1, &["store.corrupt", "--unchecked"]);
    assert!(!folder.at("damaged.jsonl").exists());
    let report = ["report", "--store", "@damaged.redb", "--by", "model"];
    folder.run(&report).failed(5, &["store.corrupt"]);

    fs::write(folder.at("cut.redb"), &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(folder.run(&["store", "check", "@cut.redb"]).code, Some(1));
    fs::write(folder.at("empty.redb"), "").unwrap();
    for verb in
        [&["store", "check"][..], &["budget", "show", "--store"], &["runs", "list", "--store"]]
    {
        let ran = folder.run(&[verb, &["@empty.redb"]].concat());
        ran.refused(&["store.not_a_store", "it is empty"]);
    }
    assert_eq!(fs::metadata(folder.at("empty.redb")).unwrap().len(), 0);
}

/// Whoever mistakes one file for another, or one argument, learns which.
#[tokio::test]
async fn files_that_are_taken_for_others_are_told() {
    let folder = Folder::with_ledger().await;
    folder.run(&["store", "dump", "@fleet.redb", "-o", "@fleet.jsonl"]);
    folder
        .run(&["store", "load", "@copy.redb", "@fleet.redb"])
        .refused(&["that is a durable file", "safeguards store dump"]);
    folder
        .run(&["store", "load", "@fleet.jsonl", "@fleet.redb"])
        .refused(&["the file to make comes first"]);
    folder.run(&["store", "load", "@none/copy.redb", "@fleet.jsonl"]).failed(5, &["copy.redb"]);
    folder
        .run(&["budget", "show", "--store", "@fleet.jsonl"])
        .refused(&["store.not_a_store", "safeguards runs list"]);
    fs::write(folder.at("s.redb"), "SQLite format 3, or so it seems").unwrap();
    folder.run(&["runs", "list", "--store", "@s.redb"]).refused(&["store.not_a_store"]);
    // Whoever opened a pipe would wait for somebody who writes to it.
    let made = std::process::Command::new("mkfifo").arg(folder.at("pipe.redb")).status();
    assert!(made.unwrap().success());
    for verb in [&["runs", "list"][..], &["budget", "show"]] {
        let ran = folder.run(&[verb, &["--store", "@pipe.redb"]].concat());
        ran.refused(&["store.not_a_store", "it is no regular file"]);
    }
    fs::create_dir(folder.at("folder")).unwrap();
    folder.run(&["runs", "list", "--store", "@folder"]).refused(&["this is a folder"]);
    let whole = fs::read_to_string(folder.at("fleet.jsonl")).unwrap();
    let half: String = whole.lines().take(3).collect::<Vec<_>>().join("\n");
    let path = folder.text("half.redb");
    safeguards_reading(&half[..half.len() - 9], &["store", "load", &path])
        .refused(&["store.dump_cut_off"]);
}

/// What a change of limits means is said, and what there is instead of what is not.
#[tokio::test]
async fn a_change_says_what_it_means() {
    let folder = Folder::with_ledger().await;
    let run =
        |args: &[&str]| folder.run(&[&["budget"], args, &["--store", "@fleet.redb"]].concat());
    let says = |args: &[&str], expected: &str| {
        let ran = run(args);
        assert!(ran.code == Some(0) && ran.stdout.contains(expected), "{expected}: {ran:?}");
    };
    says(&["set-limit", "reader", "3.00 USD"], "1.00 USD more than that is spent already");
    says(&["set-limit", "reader", "9 USD per day"], "it counts what is spent from now on");
    says(
        &["set-limit", "user/ada", "50 USD", "--warn-at", "50,90%"],
        "user/ada is limited to 50.00 USD",
    );
    says(&["set-limit", "writer", "50 USD", "--warn-at", "none"], "writer is limited");
    run(&["set-limit", "writer", "50 USD", "--warn-at", "most"]).refused(&["most", "percentage"]);
    says(&["set-priority", "writer", "8"], "writer has priority 8");
    run(&["set-priority", "writer", "11"]).refused(&["1 to 10"]);
    run(&["remove-limit", "reader", "requests"])
        .failed(3, &["it has ", "`3.00 USD`", "`9.00 USD per day in UTC`"]);
    says(&["remove-limit", "reader", "9 USD per day"], "reader has no limit of USD");
    run(&["set-limit", "reader", "5 EUR"]).failed(3, &["EUR", "`units` of a team file"]);
    run(&["refund", "1", "0.10 USD"])
        .refused(&["that spent something", "safeguards budget entries"]);
    run(&["show", ""]).refused(&["there is no account ``"]);
    says(&["entries", "team"], "team itself spent nothing");

    says(&["suspend", "reader", "--reason", "too dear"], "reader is suspended");
    says(&["suspend", "reader"], "was suspended already; nothing was changed");
    let shown = run(&["show", "reader", "--json"]).report();
    assert_eq!(shown["accounts"][0]["reason"], "too dear");
    says(&["resume", "reader"], "reader is resumed");
    says(&["resume", "reader", "--json"], "\"type\":\"unchanged\"");

    let changed = run(&["entries", "reader", "--changes"]).stdout;
    for expected in
        ["suspend       too dear", "set_limit     3.00 USD", "set_parent    below other"]
    {
        assert!(changed.contains(expected), "{expected}: {changed}");
    }
    says(&["suspend", "writer", "--by", "ada"], "writer is suspended");
    let last = run(&["entries", "--changes", "--last", "1"]).stdout;
    assert!(last.contains("writer   suspend  -     ada"), "{last}");

    let store = RedbStore::open(folder.at("fleet.redb")).unwrap();
    let account = store.account(&"user/ada".into()).await.unwrap().unwrap();
    let shares: Vec<_> =
        account.limits[0].limit.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(shares, ["50", "90"]);
    assert_eq!(store.account(&"writer".into()).await.unwrap().unwrap().priority, Priority::P8);
}

#[test]
fn limits_hold_across_runs_of_one_file() {
    let folder = Folder::with_team("0.11 USD");
    assert_eq!(folder.work().code, Some(0));
    // 0.07 USD are left, and the estimate is 0.10.
    let denied = folder.work();
    assert_eq!(denied.code, Some(3), "{denied:?}");
    let run = |args: &[&str]| folder.run(&[args, &["--store", "@fleet.redb"]].concat());
    let told = run(&["budget", "set-limit", "crew", "0.50 USD"]);
    assert!(told.stdout.contains("crew is limited to 0.50 USD"), "{told:?}");
    let refused = folder.work();
    assert_eq!(refused.code, Some(2));
    let what_to_do = "safeguards budget set-limit crew \"0.11 USD\" --warn-at 80 --store ";
    assert!(refused.stderr.contains(what_to_do), "{}", refused.stderr);
    let team = fs::read_to_string(folder.at("crew.toml")).unwrap();
    fs::write(folder.at("crew.toml"), team.replace("0.11", "0.50")).unwrap();
    assert_eq!(folder.work().code, Some(0));

    let suspended = run(&["budget", "suspend", "writer", "--reason", "too dear", "--by", "ada"]);
    assert_eq!(suspended.code, Some(0), "{suspended:?}");
    let shown = run(&["budget", "show", "writer", "--json"]).report();
    assert_eq!(shown["accounts"][0]["state"], "suspended");
    assert_eq!(shown["accounts"][0]["reason"], "too dear");
    assert_eq!(shown["accounts"][0]["spent"], json!({ "USD": "0.08", "requests": "2" }));
    let stopped = folder.work();
    assert_eq!(stopped.code, Some(3), "suspended");
    let shown = folder.run(&["run", "@crew.toml", "look around", "--store", "@fleet.redb"]);
    assert!(shown.stdout.contains("safeguards budget resume writer"), "{shown:?}");
    assert!(shown.stdout.contains("once the account is resumed, "), "{shown:?}");
    assert_eq!(run(&["budget", "resume", "writer"]).code, Some(0));
    assert_eq!(folder.work().code, Some(0));
    // What earlier runs spent of the limit is told with it.
    let told = folder.run(&["run", "@crew.toml", "look around", "--store", "@fleet.redb"]);
    assert!(told.stderr.contains("so far 0.16 of 0.50 USD"), "{told:?}");
    let table = run(&["budget", "show"]).stdout;
    assert!(table.contains("   writer  open"), "{table}");
    assert!(!table.contains("too dear"), "{table}");
}

#[tokio::test]
async fn a_refund_is_made_once_under_its_operation() {
    let folder = Folder::new();
    let store = RedbStore::open(folder.at("fleet.redb")).unwrap();
    store.open_account(OpenAccount::new("reader"), store.operation()).await.unwrap();
    let charged = store.charge(Charge::new("reader", usd!(1)), store.operation()).await.unwrap();
    let charged_as = store.entries(charged.entry, 1).await.unwrap().entries[0].op().unwrap();
    let op = store.operation().to_string();
    drop(store);
    let entry = charged.entry.number().to_string();
    let run = |args: &[&str]| folder.run(&[args, &["--store", "@fleet.redb"]].concat());
    let first = run(&["budget", "refund", &entry, "0.40 USD", "--op", &op, "--json"]).report();
    let again = run(&["budget", "refund", &entry, "0.40 USD", "--op", &op, "--json"]).report();
    assert_eq!(first, again);
    let more = run(&["budget", "refund", &charged_as.to_string(), "0.70 USD"]);
    more.failed(3, &["budget.refund_exceeds_charge"]);
    run(&["budget", "refund", "999", "0.70 USD"]).refused(&["cli.argument", "999"]);
    run(&["budget", "refund", "soon", "0.70 USD"]).refused(&["cli.argument", "soon"]);
    run(&["budget", "refund", &entry, "much"]).refused(&["cli.argument", "much"]);
    run(&["budget", "suspend", "raeder"])
        .refused(&["budget.unknown_account", "did you mean reader"]);
    run(&["budget", "show", "raeder"]).refused(&["did you mean reader"]);
    run(&["budget", "set-limit", "reader", "5 apples per moon"]).refused(&["per moon"]);
    run(&["budget", "remove-limit", "reader", "USD"]).failed(3, &["budget.no_limit"]);
    let shown = run(&["budget", "entries", "reader"]).stdout;
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 3, "{shown}");
    assert!(lines[1].contains("reader   charge  1.00 USD  -        -"), "{shown}");
    assert!(lines[2].contains("reader   refund  0.40 USD  entry 2  -"), "{shown}");
    let shown = run(&["budget", "entries", "--last", "1", "--json"]).report();
    assert_eq!(shown["entries"][0]["do"], "refund");
    assert_eq!(shown["entries"].as_array().unwrap().len(), 1);
    run(&["budget", "entries", "raeder"]).refused(&["did you mean reader"]);
    let store = RedbStore::open(folder.at("fleet.redb")).unwrap();
    let reader = store.account(&"reader".into()).await.unwrap().unwrap();
    assert_eq!(reader.spent.to_string(), "0.60 USD");
    let entries = store.entries(EntryId::FIRST, 100).await.unwrap().entries;
    assert_eq!(entries.len(), 3, "what was refused changed nothing");
}

#[tokio::test]
async fn a_file_is_checked_and_moved() {
    let folder = Folder::with_ledger().await;
    let checked = folder.run(&["store", "check", "@fleet.redb"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(checked.stdout.contains("all of it fits together"), "{}", checked.stdout);
    let dumped = folder.run(&["store", "dump", "@fleet.redb"]);
    assert_eq!(dumped.code, Some(0));
    folder.run(&["store", "dump", "@fleet.redb", "-o", "@fleet.jsonl"]);
    assert_eq!(fs::read_to_string(folder.at("fleet.jsonl")).unwrap(), dumped.stdout);
    folder.run(&["store", "dump", "@fleet.redb", "-o", "@fleet.jsonl"]).refused(&["fleet.jsonl"]);
    let loaded = folder.run(&["store", "load", "@copy.redb", "@fleet.jsonl"]);
    assert_eq!(loaded.code, Some(0), "{loaded:?}");
    let piped = safeguards_reading(&dumped.stdout, &["store", "load", &folder.text("piped.redb")]);
    assert_eq!(piped.code, Some(0), "{piped:?}");
    for copy in ["@copy.redb", "@piped.redb"] {
        assert_eq!(folder.run(&["store", "dump", copy]).stdout, dumped.stdout);
    }
    folder.run(&["store", "load", "@copy.redb", "@fleet.jsonl"]).refused(&["store.exists"]);
    let half = dumped.stdout.lines().take(3).collect::<Vec<_>>().join("\n");
    let path = folder.text("half.redb");
    safeguards_reading(&half, &["store", "load", &path]).refused(&["store.dump_cut_off", "line 3"]);
    assert!(!Path::new(&path).exists());

    let ran = folder.run(&["store", "compact", "@piped.redb", "--json"]);
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &told["type"]), (Some(0), &json!("store_compact")), "{ran:?}");
    assert!(told["after"].as_u64() <= told["before"].as_u64(), "{told}");
    let ran = folder.run(&["store", "compact", "@piped.redb", "--keep-days", "30"]);
    assert!(ran.stdout.contains(", was "), "{ran:?}");
    assert_eq!(folder.run(&["store", "dump", "@piped.redb"]).stdout, dumped.stdout);
    folder.run(&["store", "compact", "@none.redb"]).failed(5, &["store.no_file"]);

    // Something is taken out past the store.
    let db = redb::Database::open(folder.at("copy.redb")).unwrap();
    let write = db.begin_write().unwrap();
    let blocks = redb::TableDefinition::<u64, &[u8]>::new("ledger.blocks");
    drop(write.open_table(blocks).unwrap().pop_first().unwrap());
    write.commit().unwrap();
    drop(db);
    let ran = folder.run(&["store", "check", "@copy.redb", "--json"]);
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &told["ok"]), (Some(1), &json!(false)), "{told:#}");
    assert!(!told["flaws"].as_array().unwrap().is_empty());
}

#[test]
fn what_is_no_file_or_somebody_elses_is_told() {
    let folder = Folder::new();
    fs::write(folder.at("notes.txt"), "not a store at all, though long enough to be one\n")
        .unwrap();
    for verb in [&["store", "check"][..], &["store", "dump"]] {
        folder.run(&[verb, &["@none.redb"]].concat()).failed(5, &["store.no_file", "none.redb"]);
        folder.run(&[verb, &["@notes.txt"]].concat()).refused(&["store.not_a_store", "notes.txt"]);
    }
    for verb in [&["report"][..], &["budget", "show"], &["budget", "suspend", "a"]] {
        let with = |name: &str| folder.run(&[verb, &["--store", name]].concat());
        with("@none.redb").failed(5, &["store.no_file", "none.redb"]);
        with("@notes.txt").refused(&["store.not_a_store"]);
    }
    assert_eq!(
        fs::read_dir(folder.0.path())
            .unwrap()
            .filter(|file| {
                let name = file.as_ref().unwrap().file_name();
                name.to_string_lossy().contains("none")
            })
            .count(),
        0,
        "looking makes no file"
    );

    let _mine = RedbStore::open(folder.at("fleet.redb")).unwrap();
    let pid = std::process::id().to_string();
    for args in [
        &["store", "check", "@fleet.redb"][..],
        &["report", "--store", "@fleet.redb"],
        &["budget", "show", "--store", "@fleet.redb"],
        &["runs", "list", "--store", "@fleet.redb"],
    ] {
        folder.run(args).failed(5, &["store.in_use", &pid]);
    }
    let team = Folder::with_team("1.00 USD");
    fs::copy(team.at("crew.toml"), folder.at("crew.toml")).unwrap();
    let ran = folder.work();
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(ran.stdout.contains("store.in_use"), "{ran:?}");
}

#[test]
fn a_replay_keeps_its_ledger_where_it_is_told_to() {
    let folder = Folder::new();
    let trace = data("small.csv");
    let replay = |more: &[&str]| {
        let args = ["replay", &trace, "--model", "gpt-4o", "--limit", "0.02 USD", "--json"];
        folder.run(&[&args, more].concat())
    };
    for hold in [&[][..], &["--hold", "0.01 USD"]] {
        let (plain, kept) = (replay(hold), replay(&[hold, &["--store", "@trace.redb"]].concat()));
        assert_eq!((kept.code, &kept.stdout), (Some(0), &plain.stdout), "{kept:?}");
        let report = ["report", "--store", "@trace.redb", "--json", "--unit", "USD"];
        let told = folder.run(&report).report();
        let granted: Value = serde_json::from_str(&plain.stdout).unwrap();
        assert_eq!(told["totals"][0]["net"], granted["granted"]["USD"], "{granted:#}");
        let by = folder.run(&[&report[..], &["--by", "day,model,pool"]].concat()).report();
        let keys = &by["rows"][0]["keys"];
        assert_eq!(keys, &json!(["2026-01-05", "gpt-4o", "trace"]));
        replay(&["--store", "@trace.redb"]).refused(&["store.exists", "trace.redb"]);
        fs::remove_file(folder.at("trace.redb")).unwrap();
    }
}

/// Who reads only the beginning of a dump does not want the rest.
#[tokio::test]
async fn a_reader_who_leaves_is_no_failure() {
    let folder = Folder::with_ledger().await;
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_safeguards"))
        .args(["store", "dump", &folder.text("fleet.redb")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Whatever page is damaged, people get an error of ours, or what was written.
#[tokio::test]
async fn damaged_pages_are_told_in_words() {
    const PAGE: usize = 4_096;
    let folder = Folder::with_ledger().await;
    let whole = fs::read(folder.at("fleet.redb")).unwrap();
    let shown = folder.run(&["budget", "show", "--store", "@fleet.redb"]).stdout;
    let mut refused = 0;
    for page in (0..whole.len()).step_by(PAGE) {
        let mut bytes = whole.clone();
        bytes[page] = 0xee;
        bytes[page + 2] = 0xee;
        fs::write(folder.at("damaged.redb"), &bytes).unwrap();
        let ran = folder.run(&["budget", "show", "--store", "@damaged.redb"]);
        assert!(!ran.stderr.contains("panicked"), "{ran:?}");
        match ran.code {
            Some(0) => assert_eq!(ran.stdout, shown),
            _ => refused += 1,
        }
        let checked = folder.run(&["store", "check", "@damaged.redb"]);
        assert!(!checked.stderr.contains("panicked"), "{checked:?}");
    }
    assert!(refused > 1, "{refused}");
}
