//! What a new user asks of the command line: that mistakes are found before money is spent, that sums agree, that hints
//! lead on, and what a program is given.

use std::{fs, process::Command};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{agent, report, says};
use crate::command::{Ran, file, safeguards};

const POOL: &str = "[pool]\nlimits = [\"5.00 USD\"]\n";

/// A team of three that say their names.
fn three(top: &str) -> String {
    let agents = ["ann", "bob", "cat"].map(|name| agent(name, &says(name))).concat();
    format!("{top}\n{POOL}{agents}")
}

/// Runs `safeguards` in a folder.
fn in_folder(folder: &TempDir, args: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_safeguards"))
        .args(args)
        .current_dir(folder.path())
        .output()
        .unwrap();
    Ran::of(output)
}

#[track_caller]
fn refused_at(team: &str, args: &[&str], code: &str, place: &str, parts: &[&str]) {
    let (folder, path) = file("crew.toml", format!("store = \"runs.jsonl\"\n{team}"));
    fs::write(folder.path().join("pages"), "one\ntwo\n").unwrap();
    let pages = folder.path().join("pages").display().to_string();
    let args: Vec<&str> =
        args.iter().map(|arg| if *arg == "PAGES" { pages.as_str() } else { *arg }).collect();
    let ran = safeguards(&[&["run", &path, "look around"], args.as_slice()].concat());
    ran.refused(&[&format!("error {code}: "), &format!("crew.toml:{place}: ")]);
    ran.refused(parts);
    assert!(!folder.path().join("runs.jsonl").exists(), "nothing began");
}

#[test]
fn what_can_never_be_is_refused_before_anything_runs() {
    let spread = |table: &str| three(&format!("strategy = \"fan_out\"\nfan_out = {{ {table} }}"));
    let quorum = spread("policy = { quorum = 7 }");
    let there = ["`quorum = 7` can never be", "3 steps", "write 1 to 3"];
    refused_at(&quorum, &[], "config.strategy", "3:22", &there);
    let there = ["2 steps (one for each input)", "write 1 to 2"];
    refused_at(&quorum, &["--each", "PAGES"], "config.strategy", "3:22", &there);
    let named = spread("agents = [\"ann\"], policy = { at_least = 2 }");
    refused_at(&named, &[], "config.strategy", "3:40", &["there is 1 step", "write 1"]);
    let reduced = three("strategy = \"map_reduce\"\nmap_reduce = { policy = { quorum = 3 } }");
    let there = ["2 steps (one for each agent but the reducer)"];
    refused_at(&reduced, &[], "config.strategy", "3:25", &there);

    let vote = three("strategy = \"vote\"\nvote = { at_least = 9 }");
    let there = ["`at_least = 9` can never be", "3 voters", "write 1 to 3"];
    refused_at(&vote, &[], "config.strategy", "3:21", &there);
    let judged = three("strategy = \"vote\"\nvote = { judge = \"cat\", at_least = 3 }");
    refused_at(&judged, &[], "config.strategy", "3:36", &["there are 2 voters"]);
    let many = three(
        "strategy = \"supervisor\"\nsupervisor = { subtasks_max = 2, policy = { quorum = 3 } }",
    );
    refused_at(&many, &[], "config.strategy", "3:43", &["subtasks_max", "1 to 2"]);

    // What can be is not refused.
    let two =
        three("strategy = \"vote\"\nvote = { voters = [\"ann\", \"ann\", \"ann\"], at_least = 3 }");
    assert_eq!(report(&two, &[])["state"], "succeeded");
    assert_eq!(report(&spread("policy = { quorum = 3 }"), &[])["state"], "succeeded");
}

#[test]
fn every_program_is_looked_for_before_anything_is_paid() {
    let own = |keys: &str| {
        format!("{}[[agent]]\nname = \"dan\"\nestimate = \"0.10 USD\"\n{keys}\n", three(""))
    };
    let place = "20:12";
    let gone = own("command = [\"./nope.sh\"]");
    refused_at(&gone, &[], "config.agent", place, &["agent dan", "`./nope.sh`", "is not there"]);
    let text = own("command = [\"./pages\"]");
    refused_at(&text, &[], "config.agent", place, &["`./pages` may not be executed", "chmod +x"]);
    let folder = own("command = [\"./.\"]");
    refused_at(&folder, &[], "config.agent", place, &["is a folder"]);
    let bare = own("command = [\"no-such-program\"]");
    refused_at(&bare, &[], "config.agent", place, &["`no-such-program` in its PATH", "with a `/`"]);
    let elsewhere = own("command = [\"sh\"]\nenv = [\"PATH=/none\"]");
    refused_at(&elsewhere, &[], "config.agent", place, &["`sh` in its PATH (/none)"]);
    let nowhere = own("command = [\"sh\"]\ndir = \"none\"");
    refused_at(&nowhere, &[], "config.agent", "21:7", &["there is no folder"]);
    // All at once.
    let (_folder, path) = file(
        "crew.toml",
        three("strategy = \"fan_out\"\nfan_out = { policy = { quorum = 4 } }").replacen(
            "[\"sh\"",
            "[\"./nope.sh\"",
            2,
        ),
    );
    let ran = safeguards(&["run", &path, "look around"]);
    assert_eq!((ran.code, ran.stderr.lines().count()), (Some(2), 3), "{ran:?}");
}

#[test]
fn what_is_near_is_offered_and_nothing_else() {
    for (top, parts) in [
        ("strategy = \"Graph\"", ["did you mean \"graph\"?", ""]),
        ("strategy = \"nope\"", ["there is no strategy \"nope\"; known are", ""]),
        (
            "strategy = \"pipeline\"\npipeline = { x = 1 }",
            ["[pipeline] has no key `x`; it has none", ""],
        ),
        ("foo = 1", ["has no key `foo`; known are", ""]),
        ("Deadline = \"1m\"", ["did you mean `deadline`?", ""]),
        (
            "strategy = \"vote\"\nvote = { judge = \"Ann\" }",
            ["no agent `Ann`", "did you mean `ann`?"],
        ),
    ] {
        let (_folder, path) = file("crew.toml", three(top));
        safeguards(&["run", &path, "look around"]).refused(&parts);
    }
}

#[test]
fn sums_agree_while_a_run_goes_on_and_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crew.toml");
    // The second fails the first time, for 0.10 USD.
    let fails_once = r#"cat > /dev/null; if [ -e again ]; then echo '{"output":"b","cost":{"USD":"0.1"}}';
        else touch again; echo '{"error":"down","cost":{"USD":"0.1"}}'; fi"#;
    let team = format!("{POOL}{}{}", agent("ann", &says("a")), agent("bob", fails_once));
    fs::write(&path, team).unwrap();
    let ran = in_folder(&folder, &["run", "crew.toml", "look around", "--store", "runs.jsonl"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stderr.contains("bob  failed (agent.failed: attempt 1: down; it reports 0.10 USD"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("; so far 0.14 of 5.00 USD\n"), "{ran:?}");
    let (_, command) = ran.stdout.trim_end().rsplit_once("--resume ").unwrap();

    // The store is where `safeguards runs` looks too, so that nobody has to name it.
    let ran = in_folder(&folder, &["run", "crew.toml", "--resume", command]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for part in [
        "goes on in leg 2; 1 step ended before; so far 0.14 of 5.00 USD\n",
        "ann  succeeded before, spent 0.04 USD; so far 0.14 of 5.00 USD\n",
        "bob  succeeded, spent 0.20 USD in ",
        "; so far 0.24 of 5.00 USD\n",
    ] {
        assert!(ran.stderr.contains(part), "`{part}` is not in {ran:?}");
    }
    let total = ran.stdout.lines().find(|line| line.trim_start().starts_with("crew ")).unwrap();
    assert!(
        total.contains("0.24 USD") && total.contains(" 0.24 ") && total.contains(" 0.00 "),
        "{total}"
    );
    assert!(
        ran.stdout
            .contains("note    bob: attempt 1: down; it reports 0.10 USD, which counts as spent\n"),
        "{ran:?}"
    );
}

#[test]
fn an_unknown_run_is_told_which_may_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let bad = "cat > /dev/null; echo '{\"error\":\"down\",\"cost\":{}}'";
    fs::write(folder.path().join("bad.toml"), format!("{POOL}{}", agent("ann", bad))).unwrap();
    fs::write(folder.path().join("good.toml"), three("")).unwrap();
    let run = |args: &[&str]| in_folder(&folder, &[&["run"], args].concat());
    let nowhere = run(&["good.toml", "--resume", "r-0"]);
    nowhere.failed(2, &["run.no_store", "there is no runs.jsonl here"]);
    assert_eq!(run(&["good.toml", "x", "--store", "runs.jsonl"]).code, Some(0));
    run(&["good.toml", "--resume", "r-0"]).failed(2, &["no run there may go on"]);
    let failed = run(&["bad.toml", "x", "--store", "runs.jsonl"]);
    let (_, name) = failed.stdout.trim_end().rsplit_once("--resume ").unwrap();
    run(&["good.toml", "--resume", "r-0"]).failed(2, &["1 run there may go on: ", name]);
    // The same code from both verbs.
    in_folder(&folder, &["runs", "show", "r-0"]).failed(2, &["runs.unknown_run"]);
}

#[test]
fn what_is_refused_is_an_object_for_programs() {
    #[track_caller]
    fn refused(ran: &Ran, code: i32, name: &str) -> Value {
        assert_eq!((ran.code, ran.stdout.lines().count()), (Some(code), 1), "{ran:?}");
        let object: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((&object["type"], &object["code"]), (&json!("error"), &json!(name)), "{ran:?}");
        assert_eq!(object["exit"], code);
        assert!(ran.stderr.contains(&format!("error {name}: ")), "{ran:?}");
        object
    }
    let (_folder, path) = file("crew.toml", three("foo = 1\nstrategy = \"nope\""));
    let ran = safeguards(&["run", &path, "look around", "--json"]);
    let object = refused(&ran, 2, "config.unknown_key");
    let mistakes = object["mistakes"].as_array().unwrap();
    assert_eq!(mistakes.len(), 2, "{object:#}");
    assert_eq!(
        [&mistakes[1]["code"], &mistakes[1]["line"], &mistakes[1]["column"], &mistakes[1]["file"]],
        [&json!("config.strategy"), &json!(2), &json!(12), &json!(path)]
    );
    let none = safeguards(&["run", "/none/such.toml", "look around", "--json"]);
    refused(&none, 2, "config.unreadable");
    let (_store, store) = file("runs.jsonl", "");
    let (_folder, path) = file("crew.toml", three(""));
    let args = ["run", &path, "--resume", "r-0", "--store", &store, "--json"];
    refused(&safeguards(&args), 2, "runs.unknown_run");
    let args = ["runs", "show", "r-0", "--store", &store, "--json"];
    refused(&safeguards(&args), 2, "runs.unknown_run");
    let args = ["runs", "list", "--store", "/none/runs.jsonl", "--json"];
    refused(&safeguards(&args), 5, "runs.unavailable");
}

#[test]
fn steps_side_by_side_are_shown_in_the_teams_order() {
    let (folder, path) = file("crew.toml", three("strategy = \"fan_out\"\nstore = \"runs.jsonl\""));
    let ran = safeguards(&["run", &path, "look around", "--json"]);
    let report: Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    let run = report["run"].as_str().unwrap();
    // As they may have begun, and as one is that has not ended.
    let store = folder.path().join("runs.jsonl");
    let text = fs::read_to_string(&store).unwrap();
    let is = |line: &&str, kind: &str, step: &str| line.contains(kind) && line.contains(step);
    let line = |kind: &str, step: &str| {
        let (kind, step) = (format!("\"{kind}\""), format!("\"step\":\"{step}\""));
        text.lines().find(|line| is(line, &kind, &step)).unwrap()
    };
    let head = text.lines().take_while(|line| !line.contains("\"intent\"")).collect::<Vec<_>>();
    let lines = [
        line("intent", "cat"),
        line("intent", "ann"),
        line("intent", "bob"),
        line("outcome", "ann"),
    ];
    fs::write(&store, format!("{}\n{}\n", head.join("\n"), lines.join("\n"))).unwrap();
    let ran = in_folder(&folder, &["runs", "show", run]);
    let places = [
        "\nann  succeeded, 1 attempt, ",
        "\nbob  not ended, 1 attempt\n  held    0.10 USD",
        "\ncat  not ended",
    ];
    let places =
        places.map(|part| ran.stdout.find(part).unwrap_or_else(|| panic!("{part}: {ran:?}")));
    assert!(places.is_sorted(), "{ran:?}");
    assert!(!ran.stdout.contains("nothing") && !ran.stdout.contains(" 0 ms"), "{ran:?}");
}

/// Runs a team of which each agent says something and logs what it was given; gives the requests by step.
#[track_caller]
fn given(top: &str, agents: &[(&str, &str)]) -> Value {
    let agents = agents.iter().map(|(name, output)| {
        let (name, after) = name.split_once('<').unwrap_or((name, ""));
        let after = if after.is_empty() { String::new() } else { format!("after = [\"{after}\"]\n") };
        let script = format!(
            r#"line=$(cat); echo "$line" >&2; case "$line" in *combine*) echo '{{"output":"all","cost":{{}}}}';; *) echo '{{"output":{output},"cost":{{}}}}';; esac"#
        );
        format!("{}{after}", agent(name, &script))
    });
    let agents: Vec<String> = agents.collect();
    let (folder, path) =
        file("crew.toml", format!("{top}\nstore = \"runs.jsonl\"\n{POOL}{}", agents.concat()));
    let ran = safeguards(&["run", &path, "look around"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let list = in_folder(&folder, &["runs", "list", "--json"]).report();
    let run = list["runs"][0]["run"].as_str().unwrap();
    let shown = in_folder(&folder, &["runs", "show", run, "--json"]).report();
    let steps = shown["steps"].as_array().unwrap().iter().map(|step| {
        let request: Value = serde_json::from_str(step["log"][0].as_str().unwrap()).unwrap();
        let operation = request["operation"].as_str().unwrap();
        assert_eq!(operation.len(), 36, "{request}");
        (step["step"].as_str().unwrap().to_owned(), json!([request["task"], request["input"]]))
    });
    steps.collect::<serde_json::Map<_, _>>().into()
}

/// The table of docs/reference/team-file.md.
#[test]
fn programs_are_given_what_the_reference_says() {
    let task = "look around";
    let (a, b) = (("a", "\"x\""), ("b", "\"y\""));
    assert_eq!(given("", &[a, b]), json!({ "a": [task, null], "b": [task, "x"] }));
    assert_eq!(
        given("strategy = \"map_reduce\"", &[a, b, ("c", "1")]),
        json!({ "a": [task, null], "b": [task, null], "reduce": [task, ["x", "y"]] })
    );
    let result = |step: &str, task: &str, agent: &str, output: &str| json!({ "step": step, "task": task, "agent": agent, "state": "succeeded", "output": output });
    assert_eq!(
        given(
            "strategy = \"supervisor\"",
            &[("lead", "[\"read\",{\"task\":\"check\",\"input\":7}]"), a, b]
        ),
        json!({
            "decompose": [task, { "role": "decompose", "input": null, "workers": ["a", "b"] }],
            "a-1": ["read", null],
            "b-2": ["check", 7],
            "combine": [task, {
                "role": "combine", "input": null,
                "results": [result("a-1", "read", "a", "x"), result("b-2", "check", "b", "y")],
            }],
        })
    );
    let answer =
        |voter: &str, output: &str| json!({ "voter": voter, "agent": voter, "output": output });
    assert_eq!(
        given("strategy = \"vote\"\nvote = { judge = \"c\" }", &[a, b, ("c", "1")]),
        json!({
            "a": [task, null], "b": [task, null],
            "judge": [task, { "answers": [answer("a", "x"), answer("b", "y")] }],
        })
    );
    let to_b = ("a", "{\"next_speaker\":\"b\",\"instruction\":\"go on\",\"input\":7}");
    assert_eq!(
        given("strategy = \"hand_over\"", &[to_b, ("b", "{}")]),
        json!({ "a-1": [task, null], "b-2": ["go on", 7] })
    );
    let said = json!({ "next_speaker": "b", "instruction": "go on", "input": 7 });
    assert_eq!(
        given("strategy = \"hand_over\"\nhand_over = { transcript = 3 }", &[to_b, ("b", "{}")]),
        json!({
            "a-1": [task, { "input": null, "transcript": [] }],
            "b-2": ["go on", { "input": 7, "transcript": [{ "speaker": "a", "output": said }] }],
        })
    );
    assert_eq!(
        given("strategy = \"graph\"", &[a, ("b<a", "\"y\"")]),
        json!({
            "a": ["look around: a", null],
            "b": ["look around: b", { "input": null, "after": { "a": "x" } }],
        })
    );
}
